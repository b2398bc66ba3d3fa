//! The program: configuration, wiring, subcommands. This file is the table of contents.

#![deny(clippy::print_stdout)] // `println!` panics when its reader went away; `client::say` does not.

mod accounts;
mod backup;
mod cli;
mod client;
mod closing;
mod compaction;
mod config;
mod control;
mod demo;
mod fsck;
mod hands;
mod health;
mod keys;
mod law;
mod mailboxes;
mod node;
mod officers;
mod offline;
mod owner;
mod passphrase;
mod rotation;
mod running;
mod serve;
mod token;
mod vault_processes;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};

/// The allocator: many small, short-lived buffers on many threads (docs/decisions/2026-11-23-dependencies.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // A panic's own words may quote mail; where it was is enough to find it (invariant 10).
    std::panic::set_hook(Box::new(|panic| match panic.location() {
        Some(place) => eprintln!("bailiwick: a defect of the program at {place}; please report it"),
        None => eprintln!("bailiwick: a defect of the program; please report it"),
    }));
    let cli = Cli::parse();
    let result = match cli.command {
        Command::Demo(args) => demo::run(&args),
        Command::Node(args) => serve::command(*args),
        Command::Backup(args) => keys::backup(&args),
        Command::Restore(args) => backup::restore(&args),
        Command::Officer(args) => officers::command(&args),
        Command::Account(args) => owner::account(&args),
        Command::Fsck(args) => fsck::command(&args),
        Command::Import(args) => client::import(&args),
        Command::Export(args) => client::export(&args),
        Command::Demand(args) => client::demand(&args),
        Command::Case(args) => client::case(&args),
        Command::Law(args) => law::command(&args),
        Command::Ledger(args) => offline::ledger(&args),
        Command::Package(args) => offline::package(&args),
        Command::VaultProcess { dir } => vault_processes::vault(&dir),
        Command::TokenProcess => vault_processes::token(),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("bailiwick: {error}");
            ExitCode::FAILURE
        }
    }
}
