//! `ledger verify` and `package verify`, which need no node.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use operations::verify::{verify_ledger, verify_package};

use super::client::print;
use super::error::CliError;
use super::show::verify as show;

/// `ledger`
#[derive(Debug, Args)]
pub(crate) struct LedgerArgs {
    #[command(subcommand)]
    pub command: LedgerCommand,
}

/// `ledger …`
#[derive(Debug, Subcommand)]
pub(crate) enum LedgerCommand {
    /// Recompute every hash of the ledger in DIR and check its checkpoint
    Verify {
        /// A node's `ledger` directory, or a mirror of it
        dir: PathBuf,
        /// A checkpoint you kept earlier: check that the log still begins with what it signed
        #[arg(long, value_name = "CHECKPOINT")]
        since: Option<PathBuf>,
        /// The home's published key; the one in DIR if omitted
        #[arg(long, value_name = "FILE")]
        vkey: Option<PathBuf>,
        /// Print the result as one line of JSON
        #[arg(long)]
        json: bool,
    },
}

/// `package`
#[derive(Debug, Args)]
pub(crate) struct PackageArgs {
    #[command(subcommand)]
    pub command: PackageCommand,
}

/// `package …`
#[derive(Debug, Subcommand)]
pub(crate) enum PackageCommand {
    /// Check a package without a server: every byte, every item, every proof
    Verify {
        /// A sealed package (.tar.age), an opened one (.tar), or an unpacked bag
        package: PathBuf,
        /// The age identity file that opens a sealed package
        #[arg(long, value_name = "FILE")]
        identity: Option<PathBuf>,
        /// The home's published key; the one in the package if omitted
        #[arg(long, value_name = "FILE")]
        vkey: Option<PathBuf>,
        /// The home's published key history (`keys` beside its ledger), if the key has changed since
        #[arg(long, value_name = "FILE")]
        keys: Option<PathBuf>,
        /// Print the result as one line of JSON
        #[arg(long)]
        json: bool,
    },
}

/// `ledger verify`
pub(crate) fn ledger(args: &LedgerArgs) -> Result<ExitCode, CliError> {
    let LedgerCommand::Verify { dir, vkey, since, json } = &args.command;
    let verified = verify_ledger(dir, vkey.as_deref(), since.as_deref())?;
    print(*json, &verified, show::ledger)?;
    Ok(ExitCode::SUCCESS)
}

/// `package verify`
pub(crate) fn package(args: &PackageArgs) -> Result<ExitCode, CliError> {
    let PackageCommand::Verify { package, identity, vkey, keys, json } = &args.command;
    let verified = verify_package(package, identity.as_deref(), vkey.as_deref(), keys.as_deref())?;
    print(*json, &verified, show::package)?;
    Ok(if verified.sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
