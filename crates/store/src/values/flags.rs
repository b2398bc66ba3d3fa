//! Flags of a message in a mailbox (RFC 9051 section 2.3.2).

use std::collections::BTreeSet;

/// System flags as bits, and keywords as the client spelled them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct FlagSet {
    /// A combination of [`SEEN`](Self::SEEN), [`ANSWERED`](Self::ANSWERED), [`FLAGGED`](Self::FLAGGED),
    /// [`DELETED`](Self::DELETED) and [`DRAFT`](Self::DRAFT).
    pub system: u8,
    /// Keywords such as `$Forwarded`. The store compares them without regard to ASCII case within a mailbox and keeps
    /// the spelling that came first there.
    pub keywords: BTreeSet<String>,
}

impl FlagSet {
    /// `\Seen`
    pub const SEEN: u8 = 1;
    /// `\Answered`
    pub const ANSWERED: u8 = 2;
    /// `\Flagged`
    pub const FLAGGED: u8 = 4;
    /// `\Deleted`
    pub const DELETED: u8 = 8;
    /// `\Draft`
    pub const DRAFT: u8 = 16;
    /// Every system flag that exists.
    pub const SYSTEM: u8 = 31;

    /// No flags.
    pub fn none() -> Self {
        Self::default()
    }

    /// These system flags, and no keyword.
    pub fn system(bits: u8) -> Self {
        Self { system: bits & Self::SYSTEM, keywords: BTreeSet::new() }
    }

    /// These flags and one keyword more.
    #[must_use]
    pub fn and_keyword(mut self, keyword: &str) -> Self {
        self.keywords.insert(keyword.to_owned());
        self
    }

    /// Whether all of these system flags are set.
    pub fn has(&self, bits: u8) -> bool {
        self.system & bits == bits
    }

    /// Whether a message with these flags counts as unseen.
    pub fn is_unseen(&self) -> bool {
        !self.has(Self::SEEN)
    }

    /// Whether a message with these flags is removed by the next EXPUNGE.
    pub fn is_deleted(&self) -> bool {
        self.has(Self::DELETED)
    }
}

/// What to do with the flags of some messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FlagChange {
    /// Set exactly these flags (`FLAGS`).
    Set(FlagSet),
    /// Add these flags (`+FLAGS`).
    Add(FlagSet),
    /// Remove these flags (`-FLAGS`).
    Remove(FlagSet),
}

impl FlagChange {
    /// The flags that the change names.
    pub fn named(&self) -> &FlagSet {
        match self {
            Self::Set(flags) | Self::Add(flags) | Self::Remove(flags) => flags,
        }
    }

    /// The flags after the change.
    pub fn after(&self, before: &FlagSet) -> FlagSet {
        match self {
            Self::Set(flags) => flags.clone(),
            Self::Add(flags) => FlagSet {
                system: before.system | flags.system,
                keywords: before.keywords.union(&flags.keywords).cloned().collect(),
            },
            Self::Remove(flags) => FlagSet {
                system: before.system & !flags.system,
                keywords: before.keywords.difference(&flags.keywords).cloned().collect(),
            },
        }
    }

    /// The same change with other flags.
    pub(crate) fn with(&self, flags: FlagSet) -> Self {
        match self {
            Self::Set(_) => Self::Set(flags),
            Self::Add(_) => Self::Add(flags),
            Self::Remove(_) => Self::Remove(flags),
        }
    }
}
