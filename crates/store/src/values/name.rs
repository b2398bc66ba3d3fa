//! The name of a mailbox: UTF-8, levels separated by `/`, INBOX in any letter case (RFC 9051 section 5.1).

use crate::error::StoreError;

/// Separates the levels of a name.
pub const SEPARATOR: char = '/';

/// The mailbox that every account has from the start and that cannot be deleted.
pub const INBOX: &str = "INBOX";

/// The longest name, in bytes. Twice what Dovecot allows (255 characters), with space for UTF-8.
pub const NAME_BYTES_MAX: usize = 1024;

/// `name` in the form in which it is stored: INBOX as first level is spelled in capitals.
pub(crate) fn canonical(name: &str) -> Result<String, StoreError> {
    let (first, rest) = match name.split_once(SEPARATOR) {
        Some((first, rest)) => (first, Some(rest)),
        None => (name, None),
    };
    let first = if first.eq_ignore_ascii_case(INBOX) { INBOX } else { first };
    let whole = rest.map_or_else(|| first.to_owned(), |rest| format!("{first}{SEPARATOR}{rest}"));
    let fine = whole.len() <= NAME_BYTES_MAX
        && whole.split(SEPARATOR).all(|level| !level.is_empty())
        && !whole.chars().any(terms::is_hidden);
    if fine { Ok(whole) } else { Err(StoreError::BadName) }
}

/// Whether `name` is below `parent`.
pub(crate) fn is_below(name: &str, parent: &str) -> bool {
    name.strip_prefix(parent).is_some_and(|rest| rest.starts_with(SEPARATOR))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (given, kept) in [
            ("inbox", Some("INBOX")),
            ("InBox/x", Some("INBOX/x")),
            ("Größe/2026", Some("Größe/2026")),
            ("inboxes", Some("inboxes")),
            ("", None),
            ("/a", None),
            ("a/", None),
            ("a//b", None),
            ("a\nb", None),
        ] {
            assert_eq!(canonical(given).ok().as_deref(), kept, "{given:?}");
        }
        assert!(canonical(&"x".repeat(NAME_BYTES_MAX)).is_ok());
        assert!(canonical(&"x".repeat(NAME_BYTES_MAX + 1)).is_err());
        assert!(is_below("a/b", "a") && !is_below("ab", "a") && !is_below("a", "a"));
    }
}
