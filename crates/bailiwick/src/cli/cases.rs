//! `demand` and `case`: the desk.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use operations::cases::{
    ApproveOrder, CheckApprovable, CollectCase, DEMAND_BYTES_MAX, ListCases, RefuseCase, ServeDemand, ShowCase,
};
use terms::{CaseId, OfficerName};

use super::choice::NodeChoice;
use super::client::{ask, ask_and_print, secret};
use super::error::CliError;
use super::show::desk as show;

/// `demand`
#[derive(Debug, Args)]
pub(crate) struct DemandArgs {
    #[command(subcommand)]
    pub command: DemandCommand,
}

/// `demand …`
#[derive(Debug, Subcommand)]
pub(crate) enum DemandCommand {
    /// Open a case for the demand in FILE
    Serve {
        /// The demand as TOML (docs/law.md)
        file: PathBuf,
        #[command(flatten)]
        node: NodeChoice,
    },
}

/// `case`
#[derive(Debug, Args)]
pub(crate) struct CaseArgs {
    #[command(subcommand)]
    pub command: CaseCommand,
}

/// `case …`
#[derive(Debug, Subcommand)]
pub(crate) enum CaseCommand {
    /// List the cases
    List(NodeChoice),
    /// Show a case: facts, decision, reasons, deadline and the next action
    Show {
        /// The case's number
        case: u64,
        #[command(flatten)]
        node: NodeChoice,
    },
    /// Approve the order of a case; asks for the officer's own passphrase
    Approve {
        /// The case's number
        case: u64,
        /// The officer who approves
        #[arg(long, value_name = "NAME")]
        officer: OfficerName,
        #[command(flatten)]
        node: NodeChoice,
    },
    /// Collect what the clearance opens and seal the package
    Collect {
        /// The case's number
        case: u64,
        #[command(flatten)]
        node: NodeChoice,
    },
    /// Write the letter that explains why nothing, or not everything, is produced
    Refuse {
        /// The case's number
        case: u64,
        #[command(flatten)]
        node: NodeChoice,
    },
}

/// `demand …`
pub(crate) fn demand(args: &DemandArgs) -> Result<ExitCode, CliError> {
    let DemandCommand::Serve { file, node } = &args.command;
    ask_and_print(node, ServeDemand { text: demand_text(file)? }, show::served)
}

/// `case …`
pub(crate) fn case(args: CaseArgs) -> Result<ExitCode, CliError> {
    match args.command {
        CaseCommand::List(node) => ask_and_print(&node, ListCases {}, show::list),
        CaseCommand::Show { case, node } => ask_and_print(&node, ShowCase { case: CaseId(case) }, show::case),
        CaseCommand::Approve { case, officer, node } => {
            let case = CaseId(case);
            // Nobody is asked for a passphrase in vain.
            ask(&node, CheckApprovable { case, officer: officer.clone() })?;
            let passphrase = secret(&format!("Passphrase of officer {officer}"))?;
            ask_and_print(&node, ApproveOrder { case, officer, passphrase }, show::approved)
        }
        CaseCommand::Collect { case, node } => ask_and_print(&node, CollectCase { case: CaseId(case) }, show::sealed),
        CaseCommand::Refuse { case, node } => ask_and_print(&node, RefuseCase { case: CaseId(case) }, show::letter),
    }
}

/// Reads a demand file, within its limit.
pub(super) fn demand_text(file: &Path) -> Result<String, CliError> {
    let bytes = std::fs::metadata(file).map_err(CliError::at(file))?.len();
    if bytes > DEMAND_BYTES_MAX as u64 {
        return Err(CliError::LongDemand { path: file.to_owned(), bytes });
    }
    std::fs::read_to_string(file).map_err(CliError::at(file))
}
