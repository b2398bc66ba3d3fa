//! A table in memory, sorted by a counted key, in blocks of 256 keys that versions of the table share.
//!
//! A snapshot of a mailbox is a clone of this: a list of shared blocks. A change to the table copies the blocks that it
//! touches, once; the others remain shared. A fold writes the same blocks: each knows the change
//! that touched it last, so that a fold writes only what is new.

use std::sync::Arc;

use crate::values::uid_set::UidSet;

/// Keys per block. At 32 bytes per row a copy is 8 KiB: cheap compared with a sync, and 100,000 rows are 400 pointers.
pub(crate) const KEYS_PER_BLOCK: u32 = 256;

/// One row of a table.
pub(crate) trait Row: Copy {
    /// The key: unique in its table, and greater than that of every row made before.
    fn key(&self) -> u32;
}

/// The table.
#[derive(Clone)]
pub(crate) struct Blocks<R>(Vec<Block<R>>);

/// The rows whose keys, divided by 256, are `number`.
#[derive(Clone)]
pub(crate) struct Block<R> {
    pub(crate) number: u32,
    /// The sequence number of the account's change that touched the block last.
    pub(crate) changed: u64,
    /// Rows in earlier blocks.
    start: u32,
    pub(crate) rows: Arc<Vec<R>>,
}

impl<R> Default for Blocks<R> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// The rows of a block within a range of keys.
fn span<R: Row>(rows: &[R], first: u32, last: u32) -> std::ops::Range<usize> {
    rows.partition_point(|row| row.key() < first)..rows.partition_point(|row| row.key() <= last)
}

impl<R: Row> Blocks<R> {
    /// A table of blocks that a fold wrote, ascending and not empty.
    pub(crate) fn of_blocks(blocks: impl IntoIterator<Item = (u32, u64, Vec<R>)>) -> Self {
        let list =
            blocks.into_iter().map(|(number, changed, rows)| Block { number, changed, start: 0, rows: Arc::new(rows) });
        let mut table = Self(list.filter(|block| !block.rows.is_empty()).collect());
        table.count();
        table
    }

    fn count(&mut self) {
        let mut start = 0;
        for block in &mut self.0 {
            block.start = start;
            start += block.rows.len() as u32;
        }
    }

    /// The blocks, ascending.
    pub(crate) fn blocks(&self) -> &[Block<R>] {
        &self.0
    }

    /// How many rows.
    pub(crate) fn len(&self) -> u32 {
        self.0.last().map_or(0, |block| block.start + block.rows.len() as u32)
    }

    /// The row with this key.
    pub(crate) fn find(&self, key: u32) -> Option<&R> {
        self.place(key).map(|(_, row)| row)
    }

    /// How many rows precede the row with this key, and the row.
    pub(crate) fn place(&self, key: u32) -> Option<(u32, &R)> {
        let block = &self.0[self.0.binary_search_by_key(&(key / KEYS_PER_BLOCK), |block| block.number).ok()?];
        // In a full block the key gives the row's position.
        let guess = (key % KEYS_PER_BLOCK) as usize;
        let at = match block.rows.get(guess) {
            Some(row) if row.key() == key => guess,
            _ => block.rows.binary_search_by_key(&key, Row::key).ok()?,
        };
        Some((block.start + at as u32, &block.rows[at]))
    }

    /// How many rows have a smaller key.
    pub(crate) fn rank(&self, key: u32) -> u32 {
        let after = self.0.partition_point(|block| block.number <= key / KEYS_PER_BLOCK);
        match self.0[..after].last() {
            Some(block) => block.start + block.rows.partition_point(|row| row.key() < key) as u32,
            None => 0,
        }
    }

    /// The row that `position` others precede.
    pub(crate) fn at(&self, position: u32) -> Option<&R> {
        let after = self.0.partition_point(|block| block.start <= position);
        let block = self.0[..after].last()?;
        block.rows.get((position - block.start) as usize)
    }

    /// The rows from a position on, ascending.
    pub(crate) fn from(&self, position: u32) -> impl Iterator<Item = &R> {
        let after = self.0.partition_point(|block| block.start <= position);
        let first = after.saturating_sub(1);
        let skip = self.0.get(first).map_or(0, |block| (position - block.start) as usize);
        self.0[first..].iter().flat_map(|block| block.rows.iter()).skip(skip)
    }

    /// All rows, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &R> {
        self.0.iter().flat_map(|block| block.rows.iter())
    }

    /// The rows of blocks that a change after `seq` touched.
    pub(crate) fn touched_since(&self, seq: u64) -> impl Iterator<Item = &R> {
        self.0.iter().filter(move |block| block.changed > seq).flat_map(|block| block.rows.iter())
    }

    /// How many rows have keys in the set.
    pub(crate) fn count_in(&self, keys: &UidSet) -> u64 {
        let below = |key: u32| u64::from(self.rank(key));
        let after = |key: u32| key.checked_add(1).map_or(u64::from(self.len()), below);
        keys.ranges().iter().map(|&(first, last)| after(last) - below(first)).sum()
    }

    /// The smallest set of ranges that, of the existing rows, contains exactly those with the given keys (ascending).
    pub(crate) fn cover(&self, keys: impl IntoIterator<Item = u32>) -> UidSet {
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        let mut next_position = None;
        for key in keys {
            let Some((position, _)) = self.place(key) else { continue };
            match ranges.last_mut() {
                Some(range) if next_position == Some(position) => range.1 = key,
                _ => ranges.push((key, key)),
            }
            next_position = Some(position + 1);
        }
        UidSet::of_ranges(ranges)
    }
}

impl<R: Row> Blocks<R> {
    /// Adds a row whose key is greater than every other.
    pub(crate) fn push(&mut self, row: R, seq: u64) {
        let number = row.key() / KEYS_PER_BLOCK;
        match self.0.last_mut() {
            Some(block) if block.number == number => {
                block.changed = seq;
                Arc::make_mut(&mut block.rows).push(row);
            }
            _ => {
                let start = self.len();
                self.0.push(Block { number, changed: seq, start, rows: Arc::new(vec![row]) });
            }
        }
    }

    /// Changes one row; returns whether it exists.
    pub(crate) fn update_one(&mut self, key: u32, seq: u64, change: impl FnOnce(&mut R)) -> bool {
        let Ok(at) = self.0.binary_search_by_key(&(key / KEYS_PER_BLOCK), |block| block.number) else { return false };
        let block = &mut self.0[at];
        let Ok(at) = block.rows.binary_search_by_key(&key, Row::key) else { return false };
        block.changed = seq;
        change(&mut Arc::make_mut(&mut block.rows)[at]);
        true
    }

    /// Changes the rows whose keys are in the set, ascending.
    pub(crate) fn update(&mut self, keys: &UidSet, seq: u64, mut change: impl FnMut(&mut R)) {
        for &(first, last) in keys.ranges() {
            let from = self.0.partition_point(|block| block.number < first / KEYS_PER_BLOCK);
            for block in &mut self.0[from..] {
                if block.number > last / KEYS_PER_BLOCK {
                    break;
                }
                let span = span(&block.rows, first, last);
                if !span.is_empty() {
                    block.changed = seq;
                    Arc::make_mut(&mut block.rows)[span].iter_mut().for_each(&mut change);
                }
            }
        }
    }

    /// Changes every row in a way that a fold does not have to write.
    pub(crate) fn annotate(&mut self, mut change: impl FnMut(&mut R)) {
        for block in &mut self.0 {
            Arc::make_mut(&mut block.rows).iter_mut().for_each(&mut change);
        }
    }

    /// Takes out the rows whose keys are in the set; returns them, ascending.
    pub(crate) fn remove(&mut self, keys: &UidSet, seq: u64) -> Vec<R> {
        let mut removed = Vec::new();
        for &(first, last) in keys.ranges() {
            let from = self.0.partition_point(|block| block.number < first / KEYS_PER_BLOCK);
            for block in &mut self.0[from..] {
                if block.number > last / KEYS_PER_BLOCK {
                    break;
                }
                let span = span(&block.rows, first, last);
                if !span.is_empty() {
                    block.changed = seq;
                    removed.extend(Arc::make_mut(&mut block.rows).drain(span));
                }
            }
        }
        if !removed.is_empty() {
            self.0.retain(|block| !block.rows.is_empty());
            self.count();
        }
        removed
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone, Copy, PartialEq)]
    struct Pair(u32, u32);

    impl Row for Pair {
        fn key(&self) -> u32 {
            self.0
        }
    }

    #[derive(Debug, Clone)]
    enum Step {
        Push(u32),
        Update(Vec<(u32, u32)>),
        Remove(Vec<(u32, u32)>),
    }

    fn step() -> impl Strategy<Value = Step> {
        let ranges = || {
            prop::collection::vec((0_u32..1500, 0_u32..300), 0..4).prop_map(|mut ranges| {
                ranges.sort_unstable();
                ranges.into_iter().map(|(first, len)| (first, first + len)).collect()
            })
        };
        prop_oneof![(1_u32..200).prop_map(Step::Push), ranges().prop_map(Step::Update), ranges().prop_map(Step::Remove),]
    }

    fn check(table: &Blocks<Pair>, model: &BTreeMap<u32, u32>) -> Result<(), TestCaseError> {
        let rows: Vec<Pair> = model.iter().map(|(&key, &value)| Pair(key, value)).collect();
        prop_assert_eq!(table.len() as usize, rows.len());
        prop_assert_eq!(table.iter().copied().collect::<Vec<_>>(), rows.clone());
        for position in 0..rows.len() + 2 {
            prop_assert_eq!(table.at(position as u32), rows.get(position));
            let rest: Vec<Pair> = table.from(position as u32).copied().collect();
            prop_assert_eq!(&rest[..], rows.get(position..).unwrap_or_default());
        }
        for key in (0..1600).step_by(7) {
            prop_assert_eq!(table.find(key).map(|row| row.1), model.get(&key).copied());
            prop_assert_eq!(table.rank(key) as usize, model.range(..key).count());
        }
        Ok(())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn a_table_is_a_map(steps in prop::collection::vec(step(), 1..12)) {
            let (mut table, mut model, mut next) = (Blocks::default(), BTreeMap::new(), 1);
            for (seq, step) in steps.into_iter().enumerate() {
                let (old, before) = (table.clone(), model.clone());
                match step {
                    Step::Push(count) => for _ in 0..count {
                        table.push(Pair(next, 0), seq as u64);
                        model.insert(next, 0);
                        next += 1;
                    },
                    Step::Update(ranges) => {
                        let set = UidSet::of_ranges(ranges);
                        table.update(&set, seq as u64, |row| row.1 += 1);
                        model.iter_mut().filter(|(key, _)| set.contains(**key)).for_each(|(_, value)| *value += 1);
                    }
                    Step::Remove(ranges) => {
                        let set = UidSet::of_ranges(ranges);
                        let gone = table.remove(&set, seq as u64);
                        prop_assert_eq!(gone.len(), model.keys().filter(|key| set.contains(**key)).count());
                        model.retain(|key, _| !set.contains(*key));
                    }
                }
                check(&table, &model)?;
                check(&old, &before)?;
                let picked: Vec<u32> = model.keys().copied().filter(|key| key % 5 < 3).collect();
                let cover = table.cover(picked.iter().copied());
                prop_assert_eq!(model.keys().copied().filter(|key| cover.contains(*key)).collect::<Vec<_>>(), picked);
            }
        }
    }
}
