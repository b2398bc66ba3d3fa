//! Sets of message numbers: sequence numbers or UIDs, depending on the command.

use std::fmt::Write;
use std::ops::RangeInclusive;

/// `sequence-set` (RFC 9051 section 9), not yet resolved against a mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SequenceSet {
    /// `$`: the result that SEARCH saved (section 6.4.4.1).
    Saved,
    /// One or more ranges, in the client's order; the two ends may be in either order.
    Ranges(Vec<(Bound, Bound)>),
}

/// `seq-number = nz-number / "*"`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bound {
    /// A number above 0.
    Number(u32),
    /// `*`: the largest number in use.
    Last,
}

impl Bound {
    fn number(self, last: u32) -> u32 {
        match self {
            Self::Number(number) => number,
            Self::Last => last,
        }
    }
}

/// The ranges with `last` for `*`: ascending, neither overlapping nor adjacent.
pub(crate) fn resolve(ranges: &[(Bound, Bound)], last: u32) -> Vec<RangeInclusive<u32>> {
    let mut ends: Vec<(u32, u32)> = ranges
        .iter()
        .map(|(from, to)| {
            let (from, to) = (from.number(last), to.number(last));
            (from.min(to), from.max(to))
        })
        .collect();
    ends.sort_unstable();
    let mut merged: Vec<RangeInclusive<u32>> = Vec::with_capacity(ends.len());
    for (from, to) in ends {
        match merged.last_mut() {
            Some(range) if from <= range.end().saturating_add(1) => *range = *range.start()..=to.max(*range.end()),
            _ => merged.push(from..=to),
        }
    }
    merged
}

/// Writes numbers as a `uid-set`, in the given order; consecutive numbers become ranges.
pub(crate) fn write_set(numbers: &[u32], out: &mut String) {
    let mut at = 0;
    while let Some(&first) = numbers.get(at) {
        let run = numbers[at..].windows(2).take_while(|pair| pair[1].checked_sub(pair[0]) == Some(1)).count();
        if at > 0 {
            out.push(',');
        }
        // Writing to a String cannot fail.
        let _ = match run {
            0 => write!(out, "{first}"),
            _ => write!(out, "{first}:{}", numbers[at + run]),
        };
        at += run + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cursor::Cursor;

    #[test]
    fn sets() {
        for (text, last, want) in [
            ("2,4:7,9,12:*", 15, "2,4:7,9,12:15"),
            ("*:4,5:7", 10, "4:10"),
            ("559:*", 20, "20:559"),
            ("3,2,1", 9, "1:3"),
            ("4294967295:*", 4294967295, "4294967295"),
        ] {
            let SequenceSet::Ranges(ranges) = Cursor::new(text.as_bytes()).sequence_set().unwrap() else { panic!() };
            let ranges: Vec<String> = resolve(&ranges, last)
                .into_iter()
                .map(|range| {
                    if range.start() == range.end() {
                        range.start().to_string()
                    } else {
                        format!("{}:{}", range.start(), range.end())
                    }
                })
                .collect();
            assert_eq!(ranges.join(","), want, "{text}");
        }
        for bad in ["", "0", "1:", ":1", "1,", "4294967296", "01", "a"] {
            assert!(Cursor::new(bad.as_bytes()).sequence_set().is_err(), "{bad}");
        }
    }

    #[test]
    fn written_in_runs() {
        for (numbers, want) in
            [(&[1, 2, 3, 5][..], "1:3,5"), (&[7], "7"), (&[], ""), (&[304, 319, 320], "304,319:320"), (&[5, 4], "5,4")]
        {
            let mut out = String::new();
            write_set(numbers, &mut out);
            assert_eq!(out, want);
        }
    }
}
