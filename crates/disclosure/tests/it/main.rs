//! The package from outside: what is made, what every check notices, and what stock tools say of it.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test may fail, and lose power")]

mod sound;
mod stock_tools;
mod support;
mod tampered;
