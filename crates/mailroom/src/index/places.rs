//! Which messages contain a word: lists on disk, sets in memory.

use memchr::memchr_iter;
use memchr::memmem::Finder;

use super::code::{Reader, put};
use super::words::BETWEEN;

/// A list of messages that grows at its end.
#[derive(Default)]
pub(super) struct Places {
    /// One more than the last message; 0 if there is none.
    last: u32,
    pub(super) bytes: Vec<u8>,
}

impl Places {
    /// Adds a message that is not below the last one; adding the last one again does nothing.
    pub(super) fn push(&mut self, doc: u32) {
        if self.last != doc + 1 {
            put(&mut self.bytes, u64::from(doc + 1 - self.last));
            self.last = doc + 1;
        }
    }
}

/// The messages of a list.
pub(super) fn docs(places: &[u8]) -> impl Iterator<Item = u32> + '_ {
    let mut input = Reader(places);
    let mut last = 0_u32;
    std::iter::from_fn(move || {
        last = last.checked_add(input.small()?)?;
        last.checked_sub(1)
    })
}

/// A set of messages of one volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DocSet(Vec<u64>);

impl DocSet {
    pub(super) fn none(docs: usize) -> Self {
        Self(vec![0; docs.div_ceil(64)])
    }

    pub(super) fn all(docs: usize) -> Self {
        Self(vec![u64::MAX; docs.div_ceil(64)])
    }

    pub(super) fn insert(&mut self, doc: u32) {
        if let Some(word) = self.0.get_mut(doc as usize / 64) {
            *word |= 1 << (doc % 64);
        }
    }

    pub(crate) fn has(&self, doc: u32) -> bool {
        self.0.get(doc as usize / 64).is_some_and(|word| word & (1 << (doc % 64)) != 0)
    }

    pub(super) fn keep(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(mine, other)| *mine &= other);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }
}

/// The words of a block that contain what is searched for, by their number in the block, ascending.
pub(super) fn hits(words: &[u8], lookup: &Finder<'_>) -> Vec<u32> {
    let mut found = Vec::new();
    let (mut at, mut counted, mut before) = (0, 0, 0_u32);
    while let Some(hit) = words.get(at..).and_then(|rest| lookup.find(rest)).map(|hit| at + hit) {
        // A hit that begins between two words belongs to the second one.
        let inside = hit + usize::from(words[hit] == BETWEEN);
        before += memchr_iter(BETWEEN, &words[counted..inside]).count() as u32;
        counted = inside;
        found.push(before.saturating_sub(1));
        // Continue with the next word; the separator begins its hits.
        match memchr::memchr(BETWEEN, &words[inside..]) {
            Some(end) => at = inside + end,
            None => break,
        }
    }
    found
}

/// Adds to `set` the messages that contain the words with these numbers. `None` if the block is malformed.
pub(super) fn collect(places: &[u8], words: &[u32], set: &mut DocSet) -> Option<()> {
    let mut input = Reader(places);
    let mut number = 0;
    for &word in words {
        while number < word {
            let len = input.count()?;
            input.raw(len)?;
            number += 1;
        }
        let len = input.count()?;
        docs(input.raw(len)?).for_each(|doc| set.insert(doc));
        number += 1;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_have_it() {
        let words = b"\0ANNA\0BANANA\0NAN\0";
        for (lookup, expected) in [
            (&b"AN"[..], &[0, 1, 2][..]),
            (b"NAN", &[1, 2]),
            (b"\0NAN", &[2]),
            (b"NA\0", &[0, 1]),
            (b"\0ANNA\0", &[0]),
            (b"\0NAN\0", &[2]),
            (b"X", &[]),
        ] {
            assert_eq!(hits(words, &Finder::new(lookup)), expected, "{lookup:?}");
        }
    }

    #[test]
    fn places_there_and_back() {
        let mut places = Places::default();
        [0, 0, 3, 200, 200, 100_000].into_iter().for_each(|doc| places.push(doc));
        assert_eq!(docs(&places.bytes).collect::<Vec<_>>(), [0, 3, 200, 100_000]);
    }
}
