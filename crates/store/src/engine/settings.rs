//! Sizes that an operator or a test may want to change.

use crate::engine::snapshotter::CHANGES_BEFORE_FOLD;
use crate::pack::SEGMENT_BYTES;
use crate::rows::WAL_PAGES;

/// Sizes that an operator or a test may want to change.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// A segment takes no further batch when it has this many bytes.
    pub segment_bytes: u64,
    /// An account's log is folded when it has this many changes.
    pub changes_before_fold: u64,
    /// The WAL of the rows is checkpointed when it has this many pages, of 4,096 bytes each.
    pub wal_pages: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { segment_bytes: SEGMENT_BYTES, changes_before_fold: CHANGES_BEFORE_FOLD, wal_pages: WAL_PAGES }
    }
}
