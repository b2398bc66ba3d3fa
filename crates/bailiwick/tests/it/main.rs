//! The real program, from outside: its command line, its doors, its files.
//!
//! One binary, because each would link the whole program once more. Every test makes its own folder and takes its own ports
//! ([`support::free_ports`]), so they run side by side.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods, reason = "a test may")]

mod account;
mod backup;
mod clients;
mod corpus;
mod counsel;
mod demo;
mod disk_full;
mod format;
mod fsck;
mod key_holders;
mod killed;
mod mailboxes;
mod officers;
mod owner;
mod pages;
mod processes;
mod quarantined;
mod readme;
mod shredded;
mod signing;
mod story;
mod support;
mod token;
mod vault_process;
