//! The vault from outside: what its calls promise, and what the people who would break it get.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should stop")]

mod accounts;
mod acts;
mod another;
mod attackers;
mod desk;
mod faults;
mod index;
mod key_holders;
mod office;
mod pairs;
mod replaced;
mod resets;
mod ring;
mod rotation;
mod sealing;
mod service;
mod sign_ins;
mod signing;
mod stolen;
mod vector;
mod ways;

// The stage is shared with the tests inside the crate; there and here the crate has this name.
pub(crate) use keeper as home;
