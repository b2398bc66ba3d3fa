//! Mailbox names (RFC 9051 section 5.1).

use std::fmt;

use crate::cursor::{Bad, Cursor};
use crate::limits::MAILBOX_NAME_BYTES_MAX;
use crate::mutf7;

/// The name of a mailbox: UTF-8, non-empty levels separated by `/`, no control characters, `INBOX` in capitals as the
/// first level.
///
/// `Debug` prints none of it: folder names are private.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MailboxName(String);

/// Why a text is not a valid mailbox name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameError {
    /// Empty, or longer than [`MAILBOX_NAME_BYTES_MAX`].
    Length,
    /// A level is empty: `/a`, `a//b`, `a/`.
    EmptyLevel,
    /// A control character or a line separator, forbidden by RFC 5198 (Net-Unicode) and RFC 9051 section 5.1, or one that turns the
    /// direction of text ([`terms::is_hidden`]).
    Control,
    /// Not UTF-8, or not the modified UTF-7 that IMAP4rev1 requires.
    Encoding,
}

impl NameError {
    /// The text for the client.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Length => "Mailbox name must have 1 to 1024 octets",
            Self::EmptyLevel => "Mailbox name has an empty hierarchy level",
            Self::Control => "Mailbox name contains control characters",
            Self::Encoding => "Mailbox name is not valid in this session's encoding (modified UTF-7 or UTF-8)",
        }
    }
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl std::error::Error for NameError {}

impl MailboxName {
    /// The mailbox that every account has.
    pub const INBOX: &str = "INBOX";

    /// Checks and normalizes a name.
    ///
    /// # Errors
    /// [`NameError`] if it is not a valid name.
    pub fn new(text: &str) -> Result<Self, NameError> {
        if !(1..=MAILBOX_NAME_BYTES_MAX).contains(&text.len()) {
            return Err(NameError::Length);
        }
        if text.chars().any(terms::is_hidden) {
            return Err(NameError::Control);
        }
        if text.split('/').any(str::is_empty) {
            return Err(NameError::EmptyLevel);
        }
        let (first, rest) = text.split_at(text.find('/').unwrap_or(text.len()));
        let inbox = first.eq_ignore_ascii_case(Self::INBOX);
        Ok(Self(if inbox { format!("{}{rest}", Self::INBOX) } else { text.to_owned() }))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is INBOX itself.
    pub fn is_inbox(&self) -> bool {
        self.0 == Self::INBOX
    }

    /// Decodes the octets of an astring in the session's encoding.
    pub(crate) fn from_wire(octets: &[u8], utf8: bool) -> Result<Self, NameError> {
        let text = if utf8 { std::str::from_utf8(octets).ok().map(str::to_owned) } else { mutf7::decode(octets) };
        Self::new(&text.ok_or(NameError::Encoding)?)
    }

    /// Encodes the name in the session's encoding.
    pub(crate) fn to_wire(&self, utf8: bool) -> String {
        if utf8 { self.0.clone() } else { mutf7::encode(&self.0) }
    }
}

impl fmt::Debug for MailboxName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MailboxName(…)")
    }
}

/// A mailbox argument that may not be a valid name. That gives a NO, not a BAD, since the grammar accepts any astring.
pub(crate) type Named = Result<MailboxName, NameError>;

/// `mailbox = "INBOX" / astring`
pub(crate) fn parse_mailbox(cursor: &mut Cursor<'_>, utf8: bool) -> Result<Named, Bad> {
    Ok(MailboxName::from_wire(&cursor.astring()?, utf8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (text, want) in [
            ("inbox", Ok("INBOX")),
            ("inBox/x", Ok("INBOX/x")),
            ("Inboxes", Ok("Inboxes")),
            ("a/inbox", Ok("a/inbox")),
            ("", Err(NameError::Length)),
            ("/", Err(NameError::EmptyLevel)),
            ("a//b", Err(NameError::EmptyLevel)),
            ("a/", Err(NameError::EmptyLevel)),
            ("a\u{7f}", Err(NameError::Control)),
            ("a\u{2028}", Err(NameError::Control)),
        ] {
            assert_eq!(
                MailboxName::new(text).as_ref().map(MailboxName::as_str).map_err(|error| *error),
                want,
                "{text:?}"
            );
        }
    }
}
