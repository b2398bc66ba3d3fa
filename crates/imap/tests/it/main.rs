//! The machine against sessions written down (`sessions.rs`), against anything at all (`anything.rs`), and
//! against somebody else's reading of the standard (`oracle.rs`).

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail this way")]

mod anything;
mod backend;
mod oracle;
mod sessions;
