//! Message flags (RFC 9051 section 2.3.2).

use std::collections::BTreeSet;
use std::fmt;

use crate::cursor::{Bad, Cursor};
use crate::limits::{KEYWORD_BYTES_MAX, KEYWORDS_MAX};

/// A system flag that is stored. `\Recent` is not: RFC 9051 dropped it, and we never set it
/// (docs/decisions/2026-11-23-imap-dialect.md).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SystemFlag {
    /// `\Answered`
    Answered = 1,
    /// `\Flagged`
    Flagged = 2,
    /// `\Deleted`
    Deleted = 4,
    /// `\Seen`
    Seen = 8,
    /// `\Draft`
    Draft = 16,
}

impl SystemFlag {
    /// All system flags, in the order in which they are written.
    pub const ALL: [Self; 5] = [Self::Answered, Self::Flagged, Self::Deleted, Self::Seen, Self::Draft];

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "\\Answered",
            Self::Flagged => "\\Flagged",
            Self::Deleted => "\\Deleted",
            Self::Seen => "\\Seen",
            Self::Draft => "\\Draft",
        }
    }
}

/// `flag-keyword`: an atom with its case preserved. RFC 9051 does not say whether case matters; we ignore it in
/// comparisons, since the registry (RFC 5788 section 3) forbids names that differ only in case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Keyword(String);

/// Keywords with one canonical spelling (RFC 9051 section 2.3.2, RFC 5788 section 4.1 and the registry).
const REGISTERED: [&str; 9] = [
    "$MDNSent",
    "$Forwarded",
    "$SubmitPending",
    "$Submitted",
    "$Junk",
    "$NotJunk",
    "$Phishing",
    "$Important",
    "NonJunk",
];

impl Keyword {
    /// From an atom; `None` if it is not one or too long.
    pub fn new(text: &str) -> Option<Self> {
        let ok = (1..=KEYWORD_BYTES_MAX).contains(&text.len()) && text.bytes().all(crate::cursor::is_atom_char);
        let registered = REGISTERED.iter().find(|known| known.eq_ignore_ascii_case(text));
        ok.then(|| Self(registered.copied().unwrap_or(text).to_owned()))
    }

    /// The keyword as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether both are the same keyword, ignoring case.
    pub fn is(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

/// The flags of a message, or those listed in a command.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flags {
    system: u8,
    /// The keywords, in order.
    pub keywords: BTreeSet<Keyword>,
}

/// What STORE does with the given flags (RFC 9051 section 6.4.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlagChange {
    /// `FLAGS`: replace the flags with these.
    Set,
    /// `+FLAGS`
    Add,
    /// `-FLAGS`
    Remove,
}

impl Flags {
    /// These system flags and keywords.
    pub fn new(system: impl IntoIterator<Item = SystemFlag>, keywords: impl IntoIterator<Item = Keyword>) -> Self {
        let system = system.into_iter().fold(0, |bits, flag| bits | flag as u8);
        Self { system, keywords: keywords.into_iter().collect() }
    }

    /// Whether the system flag is set.
    pub fn has(&self, flag: SystemFlag) -> bool {
        self.system & flag as u8 != 0
    }

    /// Sets a system flag.
    pub fn set(&mut self, flag: SystemFlag) {
        self.system |= flag as u8;
    }

    /// The flags in wire format: system flags, then keywords in order.
    pub(crate) fn words(&self) -> impl Iterator<Item = &str> {
        let system = SystemFlag::ALL.into_iter().filter(|flag| self.has(*flag)).map(|flag| -> &str { flag.as_str() });
        system.chain(self.keywords.iter().map(Keyword::as_str))
    }

    /// `flag-list = "(" [flag *(SP flag)] ")"`
    pub(crate) fn parse_list(cursor: &mut Cursor<'_>) -> Result<Self, Bad> {
        let flags = cursor.list(KEYWORDS_MAX + SystemFlag::ALL.len() + 1, parse_flag)?;
        Ok(Self::gather(flags))
    }

    /// `flag-list / (flag *(SP flag))`, up to the end of the command.
    pub(crate) fn parse_list_or_bare(cursor: &mut Cursor<'_>) -> Result<Self, Bad> {
        if cursor.peek() == Some(b'(') {
            return Self::parse_list(cursor);
        }
        let mut flags = vec![parse_flag(cursor)?];
        while cursor.eat(b' ') {
            if flags.len() > KEYWORDS_MAX {
                return Err(Bad("too many flags"));
            }
            flags.push(parse_flag(cursor)?);
        }
        Ok(Self::gather(flags))
    }

    fn gather(parsed: Vec<Option<Flag>>) -> Self {
        let mut flags = Self::default();
        for flag in parsed.into_iter().flatten() {
            match flag {
                Flag::System(flag) => flags.set(flag),
                Flag::Keyword(keyword) => {
                    if !flags.keywords.iter().any(|have| have.is(&keyword)) {
                        flags.keywords.insert(keyword);
                    }
                }
            }
        }
        flags
    }
}

enum Flag {
    System(SystemFlag),
    Keyword(Keyword),
}

/// `flag`. `\Recent`, which a client cannot change (RFC 3501 section 2.3.2), is ignored: some clients send it back with
/// the other flags.
fn parse_flag(cursor: &mut Cursor<'_>) -> Result<Option<Flag>, Bad> {
    if cursor.eat(b'\\') {
        let name = cursor.atom()?;
        if name.eq_ignore_ascii_case("Recent") {
            return Ok(None);
        }
        let flag = SystemFlag::ALL.into_iter().find(|flag| flag.as_str()[1..].eq_ignore_ascii_case(name));
        return flag.map(|flag| Some(Flag::System(flag))).ok_or(Bad("unknown system flag"));
    }
    let keyword = Keyword::new(cursor.atom()?).ok_or(Bad("keyword too long"))?;
    Ok(Some(Flag::Keyword(keyword)))
}

/// `flag-list`, with its parentheses.
impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({})", self.words().collect::<Vec<_>>().join(" "))
    }
}
