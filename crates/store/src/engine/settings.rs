//! Sizes that an operator or a test may want otherwise.

use crate::engine::snapshotter::CHANGES_BEFORE_FOLD;
use crate::pack::SEGMENT_BYTES;
use crate::rows::LOG_PAGES;

/// Sizes that an operator or a test may want otherwise.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// A segment takes no further batch when it has this many bytes.
    pub segment_bytes: u64,
    /// An account's log is folded when it has this many changes.
    pub changes_before_fold: u64,
    /// The log of the rows flows back into their file when it has this many pages, of 4,096 octets each.
    pub log_pages: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { segment_bytes: SEGMENT_BYTES, changes_before_fold: CHANGES_BEFORE_FOLD, log_pages: LOG_PAGES }
    }
}
