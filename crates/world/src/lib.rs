//! A small deterministic world for tests: a clock, randomness, a disk that loses power.
//!
//! A dev-dependency only: nothing here is fit for real mail.

mod chance;
mod clock;
mod disk;

pub use chance::SeededEntropy;
pub use clock::ManualClock;
pub use disk::{Fault, FaultyDisk, MemoryDisk};
