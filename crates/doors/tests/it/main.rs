//! The doors over real sockets, with a real store behind them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail this way")]

mod imap;
mod smtp;
mod stall;
#[path = "../../../mailroom/tests/it/support.rs"]
mod support;
mod tls;
