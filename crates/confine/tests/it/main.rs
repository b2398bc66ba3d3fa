//! Processes that confine themselves, and what is left to them.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod prisoner;
