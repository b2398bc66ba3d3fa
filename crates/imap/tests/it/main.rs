//! The machine against sessions written down (`sessions.rs`), and against anything at all (`anything.rs`).

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail this way")]

mod anything;
mod backend;
mod sessions;
