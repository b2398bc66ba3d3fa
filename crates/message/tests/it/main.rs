//! Messages by hand, at random and from real mail, and what every function makes of them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod cases;
mod grammar;
mod total;
