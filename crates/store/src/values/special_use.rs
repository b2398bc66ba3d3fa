//! What a mailbox is for (RFC 6154, RFC 8457).

/// What a mailbox is for (RFC 6154, RFC 8457).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names say it")]
pub enum SpecialUse {
    Archive,
    Drafts,
    Junk,
    Sent,
    Trash,
}

impl SpecialUse {
    /// All of them, in the order of their codes on disk (1, 2, …).
    pub(crate) const ALL: [Self; 5] = [Self::Archive, Self::Drafts, Self::Junk, Self::Sent, Self::Trash];

    /// The attribute in IMAP's LIST.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Archive => "\\Archive",
            Self::Drafts => "\\Drafts",
            Self::Junk => "\\Junk",
            Self::Sent => "\\Sent",
            Self::Trash => "\\Trash",
        }
    }

    /// The code on disk; 0 is none.
    pub(crate) fn code(this: Option<Self>) -> u8 {
        match this {
            None => 0,
            Some(Self::Archive) => 1,
            Some(Self::Drafts) => 2,
            Some(Self::Junk) => 3,
            Some(Self::Sent) => 4,
            Some(Self::Trash) => 5,
        }
    }

    /// The inverse of [`code`](Self::code); `None` for an unknown code.
    pub(crate) fn of_code(code: u8) -> Option<Option<Self>> {
        match code {
            0 => Some(None),
            _ => Self::ALL.get(usize::from(code) - 1).map(|&this| Some(this)),
        }
    }
}
