//! What needs no node: verifying a ledger and a package. A court, a journalist or the opposing side runs these.

use std::process::ExitCode;

use crate::cli::{LedgerArgs, LedgerCommand, PackageArgs, PackageCommand};

/// `ledger verify`
pub fn ledger(args: &LedgerArgs) -> Result<ExitCode, String> {
    let LedgerCommand::Verify { dir } = &args.command;
    let report = ledger::verify_dir(dir).map_err(|error| format!("the ledger does not verify: {error}"))?;
    println!("{report}");
    Ok(ExitCode::SUCCESS)
}

/// `package verify`
pub fn package(args: &PackageArgs) -> Result<ExitCode, String> {
    let PackageCommand::Verify { package, identity } = &args.command;
    let report = disclosure::verify(package, identity.as_deref()).map_err(|error| error.to_string())?;
    println!("{report}");
    Ok(if report.is_sound() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
