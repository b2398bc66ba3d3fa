//! `bench vault`: sign-ins, message keys and service seals per second through the process boundary, and the first sign-in
//! of an owner of years of mail.

use std::process::{Command, ExitCode};

use crate::tree::root;

/// For the list of commands.
pub(crate) const ABOUT: &str =
    "sign-ins, message keys and seals per second through the vault's process; the first sign-in of years of mail";

/// `cargo xtask bench vault`. The measuring is an example of the room itself, which starts itself again as the vault.
pub(crate) fn run(_: &[String]) -> ExitCode {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root()).args([
        "run",
        "--release",
        "--locked",
        "-q",
        "-p",
        "keeper",
        "--example",
        "vault_figures",
    ]);
    if command.status().is_ok_and(|status| status.success()) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
