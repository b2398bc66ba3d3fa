//! The pages over a real socket, with a real store behind them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods, reason = "a test may")]

mod client;
mod markup;
mod routes;
#[path = "../../../mailroom/tests/it/support.rs"]
mod support;
