//! The desk with a real vault, a real store, a real ledger and the law set of the house, on a disk that fails when told.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on should stop")]
#![allow(clippy::disallowed_methods, reason = "a test's scratch files need not be durable")]

mod cases;
mod damage;
mod faults;
mod guard;
mod house;
mod law;
mod not_received;
mod scope;
mod story;
