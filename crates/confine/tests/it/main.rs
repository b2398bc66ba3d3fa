//! Processes that confine themselves, and what is left to them.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "an attacker does not ask")]

mod prisoner;
