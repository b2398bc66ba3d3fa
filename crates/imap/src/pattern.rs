//! LIST patterns (RFC 9051 section 6.3.9): `*` matches anything, `%` anything without the hierarchy separator.

use crate::cursor::Bad;
use crate::limits::{PATTERN_BYTES_MAX, PATTERN_WILDCARDS_MAX};
use crate::name::MailboxName;

/// A canonical pattern: reference and pattern joined. It is matched against names in wire encoding, as the client sees
/// them.
#[derive(Debug, Clone)]
pub(crate) struct Pattern(Vec<u8>);

impl Pattern {
    /// Joins a reference name and a pattern.
    pub(crate) fn new(reference: &[u8], pattern: &[u8]) -> Result<Self, Bad> {
        let joined = [reference, pattern].concat();
        let wildcards = joined.iter().filter(|byte| is_wildcard(**byte)).count();
        if joined.len() > PATTERN_BYTES_MAX || wildcards > PATTERN_WILDCARDS_MAX {
            return Err(Bad("pattern too long or too many wildcards"));
        }
        Ok(Self(joined))
    }

    /// Whether `name`, whose wire form is `wire`, matches. INBOX matches regardless of case (section 5.1).
    pub(crate) fn matches(&self, name: &str, wire: &str) -> bool {
        let inbox = name == MailboxName::INBOX;
        matches(
            &self.0,
            wire.as_bytes(),
            |one, other| if inbox { one.eq_ignore_ascii_case(&other) } else { one == other },
        )
    }
}

fn is_wildcard(byte: u8) -> bool {
    matches!(byte, b'*' | b'%')
}

/// Walks the name once, keeping the set of positions in the pattern that a match may have reached.
fn matches(pattern: &[u8], name: &[u8], same: impl Fn(u8, u8) -> bool) -> bool {
    let mut places = vec![false; pattern.len() + 1];
    if let Some(first) = places.first_mut() {
        *first = true;
    }
    pass_wildcards(pattern, &mut places);
    for &byte in name {
        let mut next = vec![false; places.len()];
        for (at, &part) in pattern.iter().enumerate().filter(|(at, _)| places[*at]) {
            match part {
                b'*' => next[at] = true,
                b'%' => next[at] |= byte != b'/',
                _ => next[at + 1] |= same(part, byte),
            }
        }
        pass_wildcards(pattern, &mut next);
        places = next;
    }
    places.last() == Some(&true)
}

/// A wildcard may match nothing.
fn pass_wildcards(pattern: &[u8], places: &mut [bool]) {
    for (at, &part) in pattern.iter().enumerate() {
        if places[at] && is_wildcard(part) {
            places[at + 1] = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, name, want) in [
            ("*", "a/b", true),
            ("%", "a/b", false),
            ("%", "a", true),
            ("%/%", "a/b", true),
            ("a*", "ab/c", true),
            ("a%", "ab/c", false),
            ("*b", "a/b", true),
            ("inbox", "INBOX", true),
            ("iN%", "INBOX", true),
            ("foo", "Foo", false),
            ("", "", true),
            ("", "a", false),
            ("%%", "", true),
            ("a*b*c", "aXbXbXc", true),
            ("a*b*c", "aXbXbX", false),
        ] {
            assert_eq!(Pattern::new(b"", pattern.as_bytes()).unwrap().matches(name, name), want, "{pattern} {name}");
        }
    }
}
