//! LIST patterns (RFC 9051 section 6.3.9): `*` matches anything, `%` anything without the hierarchy separator.

use crate::cursor::Bad;
use crate::limits::{LIST_STEPS_MAX, PATTERN_BYTES_MAX, PATTERN_WILDCARDS_MAX};
use crate::name::MailboxName;

/// A canonical pattern: reference and pattern joined. It is matched against names in wire encoding, as the client sees
/// them.
///
/// Matching walks the name once and keeps the set of places in the pattern that a match may have reached, as bits: a byte costs as
/// many steps as the pattern has words of 64 places, mostly one.
pub(crate) struct Pattern {
    bytes: Vec<u8>,
    /// The octets before the first wildcard.
    prefix: usize,
    /// The places of wildcards.
    wildcards: Vec<usize>,
    /// The places of `*`, and of both wildcards.
    stars: Places,
    either: Places,
    /// Which of `literals` belongs to an octet; none: 0, which is empty.
    rows: Box<[u16; 256]>,
    /// The places of an octet.
    literals: Vec<Places>,
}

/// A set of places in a pattern: a bit for each.
type Places = Vec<u64>;

/// Bits of a word.
const WORD: usize = u64::BITS as usize;

/// What matching may still cost in one command.
pub(crate) struct Budget(usize);

/// The command would cost more than it may.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Spent;

impl Budget {
    /// For one command.
    pub(crate) fn new() -> Self {
        Self(LIST_STEPS_MAX)
    }

    fn spend(&mut self, steps: usize) -> Result<(), Spent> {
        self.0 = self.0.checked_sub(steps).ok_or(Spent)?;
        Ok(())
    }
}

impl Pattern {
    /// Joins a reference name and a pattern.
    pub(crate) fn new(reference: &[u8], pattern: &[u8]) -> Result<Self, Bad> {
        let bytes = [reference, pattern].concat();
        let wildcards: Vec<usize> = (0..bytes.len()).filter(|at| is_wildcard(bytes[*at])).collect();
        if bytes.len() > PATTERN_BYTES_MAX || wildcards.len() > PATTERN_WILDCARDS_MAX {
            return Err(Bad("pattern too long or too many wildcards"));
        }
        // One place more than octets: behind the last.
        let none = vec![0; bytes.len() / WORD + 1];
        let (mut stars, mut either) = (none.clone(), none.clone());
        let mut rows = Box::new([0; 256]);
        let mut literals = vec![none.clone()];
        for (at, &byte) in bytes.iter().enumerate() {
            if is_wildcard(byte) {
                add(&mut either, at);
                if byte == b'*' {
                    add(&mut stars, at);
                }
                continue;
            }
            let row = &mut rows[usize::from(byte)];
            if *row == 0 {
                *row = literals.len() as u16;
                literals.push(none.clone());
            }
            add(&mut literals[usize::from(*row)], at);
        }
        let prefix = wildcards.first().copied().unwrap_or(bytes.len());
        Ok(Self { bytes, prefix, wildcards, stars, either, rows, literals })
    }

    /// Whether `name`, whose wire form is `wire`, matches. INBOX matches regardless of case (section 5.1).
    pub(crate) fn matches(&self, name: &str, wire: &str, budget: &mut Budget) -> Result<bool, Spent> {
        if name == MailboxName::INBOX {
            budget.spend(self.bytes.len())?;
            let capitals = Self::new(b"", &self.bytes.to_ascii_uppercase()).map_err(|_| Spent)?;
            return Ok(capitals.walk(wire.as_bytes()));
        }
        // Most patterns begin with letters, and most names with others.
        if !wire.as_bytes().starts_with(&self.bytes[..self.prefix]) {
            budget.spend(1)?;
            return Ok(false);
        }
        budget.spend((wire.len() + 1) * (self.stars.len() + self.wildcards.len() / 8))?;
        Ok(self.walk(wire.as_bytes()))
    }

    fn walk(&self, name: &[u8]) -> bool {
        let mut places = vec![0; self.stars.len()];
        add(&mut places, 0);
        self.pass_wildcards(&mut places);
        for &byte in name {
            let literal = &self.literals[usize::from(self.rows[usize::from(byte)])];
            let stay = if byte == b'/' { &self.stars } else { &self.either };
            let (mut carry, mut any) = (0, 0);
            for ((word, literal), stay) in places.iter_mut().zip(literal).zip(stay) {
                let passed = *word & literal;
                *word = (passed << 1) | carry | (*word & stay);
                carry = passed >> (WORD - 1);
                any |= *word;
            }
            if any == 0 {
                return false;
            }
            self.pass_wildcards(&mut places);
        }
        has(&places, self.bytes.len())
    }

    /// A wildcard may match nothing.
    fn pass_wildcards(&self, places: &mut [u64]) {
        for &at in &self.wildcards {
            if has(places, at) {
                add(places, at + 1);
            }
        }
    }
}

fn is_wildcard(byte: u8) -> bool {
    matches!(byte, b'*' | b'%')
}

fn add(places: &mut [u64], at: usize) {
    if let Some(word) = places.get_mut(at / WORD) {
        *word |= 1 << (at % WORD);
    }
}

fn has(places: &[u64], at: usize) -> bool {
    places.get(at / WORD).is_some_and(|word| word >> (at % WORD) & 1 == 1)
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
            assert_eq!(matches(pattern, name), Ok(want), "{pattern} {name}");
        }
    }

    fn matches(pattern: &str, name: &str) -> Result<bool, Spent> {
        Pattern::new(b"", pattern.as_bytes()).unwrap().matches(name, name, &mut Budget::new())
    }

    /// Places in several words give the same answers as a plain walk that tries everything.
    #[test]
    fn long_patterns() {
        fn plain(pattern: &[u8], name: &[u8]) -> bool {
            match (pattern.split_first(), name.split_first()) {
                (None, None) => true,
                (Some((b'*', rest)), _) => {
                    plain(rest, name) || name.split_first().is_some_and(|(_, name)| plain(pattern, name))
                }
                (Some((b'%', rest)), _) => {
                    let (some, slash) = (!name.is_empty(), name.first() == Some(&b'/'));
                    plain(rest, name) || (some && !slash && plain(pattern, &name[1..]))
                }
                (Some((one, pattern)), Some((other, name))) => one == other && plain(pattern, name),
                _ => false,
            }
        }
        for before in [0, 61, 62, 63, 64, 65, 127, 128] {
            for pattern in ["*b/c", "%b/c", "a%/*", "a*%c", "*", "%", "a"] {
                for name in ["ab/c", "a/b/c", "b/c", "a", "", "abc", "ab/", "abcabc"] {
                    let pattern = format!("{}{pattern}", "x".repeat(before));
                    let name = format!("{}{name}", "x".repeat(before));
                    let want = plain(pattern.as_bytes(), name.as_bytes());
                    assert_eq!(matches(&pattern, &name), Ok(want), "{pattern} {name}");
                }
            }
        }
    }

    #[test]
    fn a_command_has_a_budget() {
        let pattern = Pattern::new(b"", b"*a*a*a*a*a*a*a*a*").unwrap();
        let (name, mut budget) = ("a".repeat(1000), Budget::new());
        let spent = (0..1_000_000).find_map(|_| pattern.matches(&name, &name, &mut budget).err());
        assert_eq!(spent, Some(Spent));
    }
}
