//! How far the replacement of the escrow key is.

/// How far a piece of work is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sweep {
    /// Pieces done.
    pub done: u64,
    /// Pieces in all.
    pub total: u64,
    /// Whether it is finished: nothing more is to be done.
    pub finished: bool,
}
