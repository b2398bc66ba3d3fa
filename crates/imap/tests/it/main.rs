//! The machine against recorded sessions (`sessions.rs`), arbitrary input (`anything.rs`), and another implementation
//! of the grammar (`oracle.rs`).

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail this way")]

mod anything;
mod backend;
mod oracle;
mod sessions;
