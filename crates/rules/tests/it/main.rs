//! Tests of the rules with the law of this source tree and with sets made for testing.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test may fail, and write snapshots"
)]

mod authorities;
mod bad;
mod cases;
mod demands;
mod mutation;
mod pictures;
mod properties;
mod snapshots;
mod support;
