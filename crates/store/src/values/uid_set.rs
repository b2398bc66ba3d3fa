//! A set of UIDs (or other numbers) as ranges: `STORE 1:*` is one pair, whatever the mailbox's size.

/// Sorted, disjoint, inclusive ranges that do not touch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UidSet(Vec<(u32, u32)>);

impl UidSet {
    /// The set of these numbers, in any order, with or without repetitions.
    pub fn of(numbers: &[u32]) -> Self {
        if numbers.is_sorted() {
            return Self::of_ranges(numbers.iter().map(|&number| (number, number)));
        }
        let mut sorted = numbers.to_vec();
        sorted.sort_unstable();
        Self::of_ranges(sorted.into_iter().map(|number| (number, number)))
    }

    /// The set of these ranges, ordered by their first numbers. Overlapping and adjacent ones are joined.
    pub fn of_ranges(ranges: impl IntoIterator<Item = (u32, u32)>) -> Self {
        let mut joined: Vec<(u32, u32)> = Vec::new();
        for (first, last) in ranges {
            match joined.last_mut() {
                Some(before) if first <= before.1.saturating_add(1) => before.1 = before.1.max(last),
                _ => joined.push((first, last)),
            }
        }
        Self(joined)
    }

    /// The ranges, inclusive, ascending.
    pub fn ranges(&self) -> &[(u32, u32)] {
        &self.0
    }

    /// Whether the set has no member.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many numbers the set has.
    pub fn len(&self) -> u64 {
        self.0.iter().map(|&(first, last)| u64::from(last - first) + 1).sum()
    }

    /// Whether `number` is a member.
    pub fn contains(&self, number: u32) -> bool {
        let after = self.0.partition_point(|&(first, _)| first <= number);
        after > 0 && number <= self.0[after - 1].1
    }

    /// The members, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.0.iter().flat_map(|&(first, last)| first..=last)
    }

    /// The members of both.
    pub fn union(&self, other: &Self) -> Self {
        let mut all: Vec<_> = self.0.iter().chain(&other.0).copied().collect();
        all.sort_unstable();
        Self::of_ranges(all)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_set_is_a_set(numbers in prop::collection::vec(0_u32..50, 0..40), more in prop::collection::vec(0_u32..50, 0..9)) {
            let (set, model) = (UidSet::of(&numbers), numbers.iter().copied().collect::<BTreeSet<_>>());
            prop_assert_eq!(set.iter().collect::<Vec<_>>(), model.iter().copied().collect::<Vec<_>>());
            prop_assert_eq!(set.len(), model.len() as u64);
            for number in 0..60 {
                prop_assert_eq!(set.contains(number), model.contains(&number));
            }
            let both: BTreeSet<_> = numbers.iter().chain(&more).copied().collect();
            prop_assert_eq!(set.union(&UidSet::of(&more)), UidSet::of(&both.into_iter().collect::<Vec<_>>()));
        }
    }
}
