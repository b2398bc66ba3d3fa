//! `fsck`.

use std::process::ExitCode;

use clap::Args;
use operations::fsck::{CheckAccount, CheckNode, Findings};
use serde::Serialize;

use super::account;
use super::choice::NodeChoice;
use super::client::{ask_from, print};
use super::error::CliError;
use super::show::fsck as show;

/// `fsck`
#[derive(Debug, Args)]
pub(crate) struct FsckArgs {
    /// Check one account with its owner's password: open every message and compare what is derived from it
    #[arg(long, value_name = "ADDRESS")]
    pub account: Option<String>,
    /// Then drop the account's index and rebuild it
    #[arg(long, requires = "account")]
    pub repair_index: bool,
    #[command(flatten)]
    pub node: NodeChoice,
}

/// The exit code when nothing could be checked.
const NOT_CHECKED: u8 = 2;

/// What was found, and who looked.
#[derive(Serialize)]
struct Checked<T> {
    /// Whether the running node looked; otherwise its folder was opened.
    running: bool,
    #[serde(flatten)]
    found: T,
}

/// `fsck`. Exit codes: 0, all is well; 1, damage; 2, it could not be checked.
pub(crate) fn command(args: &FsckArgs) -> Result<ExitCode, CliError> {
    match check(args) {
        Ok(findings) if !findings.damages.is_empty() => Ok(ExitCode::FAILURE),
        Ok(findings) if findings.sound => Ok(ExitCode::SUCCESS),
        Ok(_) => Ok(ExitCode::from(NOT_CHECKED)),
        Err(error) => {
            eprintln!("bailiwick: not checked: {error}");
            Ok(ExitCode::from(NOT_CHECKED))
        }
    }
}

fn check(args: &FsckArgs) -> Result<Findings, CliError> {
    let node = &args.node;
    let who = |running: bool| {
        if running { "\nChecked by the running node." } else { "\nThe node is not running; its folder was opened." }
    };
    match &args.account {
        None => {
            let (found, running) = ask_from(node, CheckNode {})?;
            let checked = Checked { running, found };
            print(node.json, &checked, |checked| show::node(&checked.found) + who(running))?;
            Ok(checked.found.findings)
        }
        Some(address) => {
            let owner = account::owner(node, address)?;
            let check = CheckAccount { address: address.clone(), owner, repair_index: args.repair_index };
            let (found, running) = ask_from(node, check)?;
            let checked = Checked { running, found };
            print(node.json, &checked, |checked| show::account(&checked.found) + who(running))?;
            Ok(checked.found.findings)
        }
    }
}
