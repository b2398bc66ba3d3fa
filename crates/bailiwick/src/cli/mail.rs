//! `import` and `export`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use operations::places::Through;
use operations::transfer::{Export, Import};

use super::account;
use super::choice::NodeChoice;
use super::client::{absolute, ask_and_print};
use super::error::CliError;
use super::show::mail as show;

/// `import`
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// An mbox file, a Maildir, a folder of .eml files, or a single message file
    pub source: PathBuf,
    /// The account that receives the mail
    #[arg(long, value_name = "ADDRESS")]
    pub account: String,
    /// The mailbox to import into
    #[arg(long, default_value = "INBOX")]
    pub mailbox: String,
    #[command(flatten)]
    pub node: NodeChoice,
}

/// `export`
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// The directory to write to; an earlier export there is continued
    pub target: PathBuf,
    /// The account to export; asks for the owner's password
    #[arg(long, value_name = "ADDRESS")]
    pub account: String,
    #[command(flatten)]
    pub node: NodeChoice,
}

/// `import`
pub(crate) fn import(args: ImportArgs) -> Result<ExitCode, CliError> {
    let source = std::fs::canonicalize(&args.source).map_err(CliError::at(&args.source))?;
    let import = Import {
        address: args.account,
        mailbox: args.mailbox,
        source: absolute(&source)?,
        through: Through::default(),
    };
    ask_and_print(&args.node, import, show::imported)
}

/// `export`
pub(crate) fn export(args: ExportArgs) -> Result<ExitCode, CliError> {
    let owner = account::owner(&args.node, &args.account)?;
    let export = Export { address: args.account, owner, target: absolute(&args.target)?, through: Through::default() };
    ask_and_print(&args.node, export, show::exported)
}
