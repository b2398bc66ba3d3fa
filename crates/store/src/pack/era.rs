//! Who may still read a segment that was emptied.

/// A period in which no segment was emptied. A reader that uses a place in a segment holds the era in which it was taken.
#[derive(Debug)]
pub(crate) struct Era;
