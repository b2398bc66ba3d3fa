//! The log from outside: what its calls promise, through damage and failing disks, against vectors and another
//! implementation.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail this way")]

mod crash;
mod damage;
mod keys;
mod oracle;
mod support;
mod survey;
mod vectors;
