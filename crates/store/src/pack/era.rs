//! Who may still read a segment that was emptied.

/// A time in which no segment was given up. Whoever reads by a place of a segment holds the era in which it was taken.
#[derive(Debug)]
pub(crate) struct Era;
