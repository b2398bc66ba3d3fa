//! A small deterministic world for tests: a clock, randomness, a disk that loses power.
//!
//! A dev-dependency only: nothing here is fit for real mail.

mod clock;
mod disk;
mod entropy;

pub use clock::ManualClock;
pub use disk::{Fault, FaultyDisk, MemoryDisk};
pub use entropy::SeededEntropy;
