//! The program: configuration, wiring, subcommands. This file is the table of contents.

#![deny(clippy::print_stdout)] // `println!` panics when its reader went away; `cli::client::say` does not.

mod channel;
mod cli;
mod demo;
mod files_process;
mod log;
mod node;
mod parent;
mod vault_processes;
mod words;

use std::process::ExitCode;

use clap::Parser;
use zeroizing_alloc::ZeroAlloc;

use crate::cli::error::CliError;
use crate::cli::{Cli, Command};

/// The allocator: many small, short-lived buffers on many threads (docs/decisions/2026-11-23-dependencies.md). What is freed is overwritten:
/// mail and passwords are in many buffers, of foreign code too, and no copy is to outlive its use.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<mimalloc::MiMalloc> = ZeroAlloc(mimalloc::MiMalloc);

fn main() -> ExitCode {
    // A panic's own words may quote mail; where it was is enough to find it (invariant 10).
    std::panic::set_hook(Box::new(|panic| match panic.location() {
        Some(place) => eprintln!("bailiwick: internal error at {place} (a bug); please report it"),
        None => eprintln!("bailiwick: internal error (a bug); please report it"),
    }));
    match run(Cli::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("bailiwick: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<ExitCode, CliError> {
    match command {
        Command::Demo(args) => demo::run(&args).map_err(|error| CliError::Program(error.to_string())),
        Command::Node(args) => cli::node::command(*args),
        Command::Backup(args) => cli::backup::backup(args),
        Command::Restore(args) => cli::backup::restore(&args),
        Command::Officer(args) => cli::officers::command(args),
        Command::Account(args) => cli::account::account(args),
        Command::Fsck(args) => cli::fsck::command(&args),
        Command::Import(args) => cli::mail::import(args),
        Command::Export(args) => cli::mail::export(args),
        Command::Demand(args) => cli::cases::demand(&args),
        Command::Case(args) => cli::cases::case(args),
        Command::Law(args) => cli::law::command(args),
        Command::Ledger(args) => cli::verify::ledger(&args),
        Command::Package(args) => cli::verify::package(&args),
        Command::VaultProcess { dir } => vault_processes::vault(&dir).map_err(CliError::Process),
        Command::NodeProcess { .. } => node::process().map_err(CliError::Process),
        Command::FilesProcess(args) => files_process::serve(&args).map_err(CliError::Process),
        Command::TokenProcess => vault_processes::token().map_err(CliError::Process),
    }
}
