//! The SMTP machine from outside.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail this way")]

mod limits;
mod sessions;
