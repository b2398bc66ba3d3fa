//! Which UID is at which place in a mailbox. A mailbox with few expunged messages is a few ranges, whatever its size,
//! so opening it and finding messages cost little.

use crate::need::UidRanges;

/// The UIDs of a mailbox, ascending. The place of the first is 0.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Places {
    /// Ascending, neither overlapping nor adjacent.
    runs: Vec<Run>,
}

/// UIDs without a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    first: u32,
    last: u32,
    /// The place of `first`.
    place: usize,
}

impl Run {
    fn end(&self) -> usize {
        self.place + (self.last - self.first) as usize + 1
    }

    /// The place of a UID of this run.
    fn place_of(&self, uid: u32) -> usize {
        self.place + (uid - self.first) as usize
    }
}

impl Places {
    /// From ranges in which every UID is a message.
    pub(crate) fn of(ranges: &UidRanges) -> Self {
        let mut this = Self { runs: Vec::with_capacity(ranges.as_slice().len()) };
        ranges.as_slice().iter().for_each(|range| this.push(*range.start(), *range.end()));
        this
    }

    /// Adds UIDs above all others.
    fn push(&mut self, first: u32, last: u32) {
        let place = self.len();
        match self.runs.last_mut() {
            Some(run) if run.last.checked_add(1) == Some(first) => run.last = last,
            _ => self.runs.push(Run { first, last, place }),
        }
    }

    /// The number of UIDs.
    pub(crate) fn len(&self) -> usize {
        self.runs.last().map_or(0, Run::end)
    }

    /// The highest UID.
    pub(crate) fn last(&self) -> Option<u32> {
        self.runs.last().map(|run| run.last)
    }

    /// The UID at a place.
    pub(crate) fn get(&self, place: usize) -> Option<u32> {
        let after = self.runs.partition_point(|run| run.place <= place);
        let run = self.runs[..after].last().filter(|run| place < run.end())?;
        Some(run.first + (place - run.place) as u32)
    }

    /// The place of a UID.
    pub(crate) fn find(&self, uid: u32) -> Option<usize> {
        let after = self.runs.partition_point(|run| run.first <= uid);
        self.runs[..after].last().filter(|run| uid <= run.last).map(|run| run.place_of(uid))
    }

    /// All UIDs, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.runs.iter().flat_map(|run| run.first..=run.last)
    }

    /// The UIDs in the ranges, ascending.
    pub(crate) fn within(&self, ranges: &UidRanges) -> Vec<u32> {
        let mut found = Vec::new();
        for range in ranges.as_slice() {
            let from = self.runs.partition_point(|run| run.last < *range.start());
            let runs = self.runs[from..].iter().take_while(|run| run.first <= *range.end());
            runs.for_each(|run| found.extend(run.first.max(*range.start())..=run.last.min(*range.end())));
        }
        found
    }

    /// Adds a UID above all others; any other is ignored.
    pub(crate) fn add(&mut self, uid: u32) {
        if self.last().is_none_or(|last| uid > last) {
            self.push(uid, uid);
        }
    }

    /// Removes these UIDs, given in ascending order; returns the places of those that were present, ascending.
    pub(crate) fn remove(&mut self, uids: &[u32]) -> Vec<usize> {
        let places: Vec<usize> = uids.iter().filter_map(|uid| self.find(*uid)).collect();
        let mut left = Self::default();
        let mut gone = uids.iter().copied().peekable();
        for run in &self.runs {
            // Beyond 32 bits, so that the last UID has a successor.
            let mut first = u64::from(run.first);
            while let Some(uid) = gone.next_if(|uid| *uid <= run.last) {
                if u64::from(uid) > first {
                    left.push(first as u32, uid - 1);
                }
                first = first.max(u64::from(uid) + 1);
            }
            if first <= u64::from(run.last) {
                left.push(first as u32, run.last);
            }
        }
        *self = left;
        places
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(uids: &[u32]) -> Places {
        Places::of(&UidRanges::of(uids.iter().map(|uid| *uid..=*uid)))
    }

    fn check(uids: &[u32], gone: &[u32], ranges: &[(u32, u32)]) {
        let mut places = of(uids);
        assert_eq!(places.iter().collect::<Vec<_>>(), uids);
        assert_eq!((places.len(), places.last()), (uids.len(), uids.last().copied()));
        for (place, uid) in uids.iter().enumerate() {
            assert_eq!((places.get(place), places.find(*uid)), (Some(*uid), Some(place)));
        }
        assert_eq!(places.get(uids.len()), None);
        let wanted = UidRanges::of(ranges.iter().map(|(first, last)| *first..=*last));
        let within: Vec<u32> = uids.iter().copied().filter(|uid| wanted.contains(*uid)).collect();
        assert_eq!(places.within(&wanted), within);
        let there: Vec<usize> = gone.iter().filter_map(|uid| uids.binary_search(uid).ok()).collect();
        assert_eq!(places.remove(gone), there);
        let left: Vec<u32> = uids.iter().copied().filter(|uid| gone.binary_search(uid).is_err()).collect();
        assert_eq!(places, of(&left));
        places.add(0);
        places.add(u32::MAX);
        let added = usize::from(left.is_empty()) + usize::from(left.last() != Some(&u32::MAX));
        assert_eq!(places.len(), left.len() + added);
    }

    #[test]
    fn the_ends_of_the_numbers() {
        check(&[1, 2, 3, u32::MAX - 1, u32::MAX], &[u32::MAX], &[(3, u32::MAX)]);
        check(&[u32::MAX], &[u32::MAX], &[(1, 5)]);
        check(&[], &[1], &[(1, u32::MAX)]);
    }

    proptest! {
        #[test]
        fn places_are_what_a_list_is(
            uids in prop::collection::btree_set(1_u32..60, 0..50),
            gone in prop::collection::btree_set(1_u32..60, 0..30),
            mut ranges in prop::collection::vec((1_u32..60, 0_u32..9), 0..5),
        ) {
            ranges.sort_unstable();
            let ranges: Vec<(u32, u32)> = ranges.into_iter().map(|(first, more)| (first, first + more)).collect();
            check(&Vec::from_iter(uids), &Vec::from_iter(gone), &ranges);
        }
    }
}
