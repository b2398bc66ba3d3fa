//! What needs no node: verifying a ledger and a package. A court, a journalist or the opposing side runs these.

use std::path::Path;
use std::process::ExitCode;

use disclosure::AgeIdentity;
use durable::RealDisk;
use ledger::{KeyHistory, Verifier};
use terms::Secret;

use crate::cli::{LedgerArgs, LedgerCommand, PackageArgs, PackageCommand};
use crate::client;

/// `ledger verify`
pub(crate) fn ledger(args: &LedgerArgs) -> Result<ExitCode, String> {
    let LedgerCommand::Verify { dir, vkey, since } = &args.command;
    let key = vkey.as_deref().map(verifier).transpose()?;
    let report = ledger::verify_dir(&RealDisk, dir, key.as_ref())
        .map_err(|error| format!("the ledger in {} does not verify: {error}", dir.display()))?;
    client::say(format_args!("{report}"));
    client::say(format_args!("witnesses  ourselves only: compare the root with others who read it"));
    if let Some(since) = since {
        let older = std::fs::read_to_string(since).map_err(|error| format!("{}: {error}", since.display()))?;
        let older = ledger::verify_extends(&RealDisk, dir, &older, &report.verifier).map_err(|error| {
            format!("the ledger in {} does not continue {}: {error}", dir.display(), since.display())
        })?;
        client::say(format_args!("since      begins with the {} entries that {} signed", older.size, since.display()));
    }
    if key.is_none() {
        client::say(format_args!(
            "The key was taken from the directory itself; name the home's published key with --vkey to be sure."
        ));
    }
    Ok(ExitCode::SUCCESS)
}

/// `package verify`
pub(crate) fn package(args: &PackageArgs) -> Result<ExitCode, String> {
    let PackageCommand::Verify { package, identity, vkey, keys } = &args.command;
    let key = vkey.as_deref().map(verifier).transpose()?;
    let identity = identity.as_deref().map(age_identity).transpose()?;
    let history = keys.as_deref().map(history).transpose()?.unwrap_or_default();
    let report = disclosure::verify_over_keys(package, identity.as_ref(), key.as_ref(), &history)
        .map_err(|error| error.to_string())?;
    client::say(format_args!("{report}"));
    Ok(if report.is_sound() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn verifier(path: &Path) -> Result<Verifier, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    text.trim().parse().map_err(|error| format!("{}: {error}", path.display()))
}

fn history(path: &Path) -> Result<KeyHistory, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    KeyHistory::parse(&text).map_err(|error| format!("{}: {error}", path.display()))
}

fn age_identity(path: &Path) -> Result<AgeIdentity, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Secret::new(text).expose().parse().map_err(|error| format!("{}: {error}", path.display()))
}
