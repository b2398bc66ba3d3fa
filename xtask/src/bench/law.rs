//! `bench law`: decisions per second on one core with the whole set, its load time, its memory, the time of the check.

use std::process::{Command, ExitCode};

use crate::tree::root;

/// For the list of benchmarks.
pub(crate) const ABOUT: &str =
    "decisions per second of one core, load time and memory of the law set, as a line of JSON";

/// `cargo xtask bench law`. The measuring is an example of the room itself, since it needs the room's types.
pub(crate) fn run(_: &[String]) -> ExitCode {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root()).args(["run", "--release", "--locked", "-q", "-p", "rules", "--example", "law_figures"]);
    if command.status().is_ok_and(|status| status.success()) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
