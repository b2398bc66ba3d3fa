//! `bench search`: how fast an owner's index is made, what it takes, and what lists and searches cost with it and without.

use std::process::{Command, ExitCode};

use crate::tree::root;

/// For the list of benchmarks.
pub(crate) const ABOUT: &str =
    "the index of an owner's mail against opening the messages; `bench search 20000` makes so many";

/// `cargo xtask bench search [MESSAGES | CORPUS]`. The measuring is an example of the room itself, since it needs the room's
/// types.
pub(crate) fn run(words: &[String]) -> ExitCode {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let example = ["run", "--release", "--locked", "-q", "-p", "mailroom", "--example", "index_figures", "--"];
    command.current_dir(root()).args(example).args(words);
    if command.status().is_ok_and(|status| status.success()) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
