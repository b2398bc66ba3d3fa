//! The mailroom from outside: mail goes in, is read, searched, checked, and comes out, on a real store and a real vault.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should stop")]
#![allow(
    clippy::disallowed_methods,
    reason = "damage is done to files as they lie, and files outside need not be durable"
)]

mod check;
mod client;
mod delivery;
mod index;
mod reading;
mod support;
mod transfer;
