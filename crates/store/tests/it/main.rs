//! The store from outside: what its calls promise, through crashes, failures, and sessions that race.
//!
//! The packs are on a disk of `world` where a test makes them fail; SQLite always has a real temporary directory, and
//! its own failures are made by locking it, and by a library before the machine's calls (`rows_faults.rs`).

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should stop")]
#![allow(clippy::disallowed_methods, reason = "a test that damages files need not be durable")]

mod backup;
mod cases;
mod cold;
mod compact;
mod damage;
mod faults;
mod house;
mod mail;
mod model;
mod quarantined;
mod rekey;
mod reseal;
mod restored;
mod rows_faults;
mod secrecy;
mod story;
mod threads;
mod torn;
mod undelete;
mod watch;
