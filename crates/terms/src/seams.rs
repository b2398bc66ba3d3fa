//! The seams at which tests substitute their own time and randomness. (The one for the disk is in `durable`.)

use crate::UnixMillis;

/// A source of time. The program has one real clock; a test supplies its own.
pub trait Clock: Send + Sync {
    /// The current time.
    fn now(&self) -> UnixMillis;
}

/// A source of unpredictable bytes. The program has one real source; a test may use a seeded one.
pub trait Entropy: Send + Sync {
    /// Fills `out` with unpredictable bytes. A source that fails must abort the process rather than return.
    fn fill(&self, out: &mut [u8]);
}
