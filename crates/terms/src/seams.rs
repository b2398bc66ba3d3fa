//! The seams at which a test puts its own world: time and chance. (The disk's seam is in `durable`.)

use crate::UnixMillis;

/// What time it is. The program has one real clock; a test has its own.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> UnixMillis;
}

/// Where unpredictable bytes come from. The program has one real source; a test may have a seeded one.
pub trait Entropy: Send + Sync {
    /// Fills `out` with unpredictable bytes. A source that cannot must end the process rather than return.
    fn fill(&self, out: &mut [u8]);
}
