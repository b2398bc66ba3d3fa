//! The failing disk from outside: what it keeps, loses and refuses.

#![allow(clippy::unwrap_used, reason = "a test may fail this way")]

mod disk;
