//! The words of the command line.

pub(crate) mod account;
pub(crate) mod backup;
pub(crate) mod cases;
mod choice;
mod client;
pub(crate) mod error;
pub(crate) mod fsck;
mod key_holders;
pub(crate) mod law;
pub(crate) mod mail;
pub(crate) mod node;
pub(crate) mod officers;
mod show;
mod token;
pub(crate) mod verify;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::demo::DemoArgs;
use crate::files_process::FilesArgs;

/// Bailiwick is a mail server in which every mailbox lives in exactly one jurisdiction, sealed so that only its owner, or two
/// officers of that jurisdiction together, can open it.
///
/// One node serves one jurisdiction. Name the node of a command with --node DIR, or set BAILIWICK_NODE.
#[derive(Debug, Parser)]
#[command(version, about, propagate_version = true, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start three nodes (IE, US, DE) on loopback, with accounts, officers and sample mail
    Demo(DemoArgs),
    /// Create, run and look after a node
    Node(Box<node::NodeArgs>),
    /// Back up a node or its keys, and test the backups
    Backup(backup::BackupArgs),
    /// Restore a node from a backup into an empty directory; asks for the node's passphrase
    Restore(backup::RestoreArgs),
    /// Enrol and remove officers, test and print their key shares
    Officer(officers::OfficerArgs),
    /// Create accounts, show and change how they are secured
    Account(account::AccountArgs),
    /// Check everything a node has stored: checksums, commit sequence, references, key files, ledger
    ///
    /// Exit code 1: damage was found; 2: it could not be checked.
    Fsck(fsck::FsckArgs),
    /// Import mail from an mbox, a Maildir, a folder of .eml files, or a single file
    Import(mail::ImportArgs),
    /// Export an account's mail, byte for byte as it arrived
    Export(mail::ExportArgs),
    /// Serve an authority's demand at a node
    Demand(cases::DemandArgs),
    /// Show and work on the cases of a node
    Case(cases::CaseArgs),
    /// Decide demands by the law; check, compare, sign and publish law sets
    Law(law::LawArgs),
    /// Verify a ledger
    Ledger(verify::LedgerArgs),
    /// Verify a package
    Package(verify::PackageArgs),
    /// The vault's process. A node starts it; its standard input is a socket of the node.
    #[command(hide = true)]
    VaultProcess {
        /// The vault's folder, an absolute path.
        dir: PathBuf,
    },
    /// The node's own process, which talks to strangers. `node run` starts it; its standard input is a socket of that.
    #[command(hide = true)]
    NodeProcess {
        /// The node's directory, for people who look at a list of processes.
        dir: PathBuf,
    },
    /// A process that has files at places. `node run` starts it; its standard input is a socket of the node.
    #[command(hide = true)]
    FilesProcess(FilesArgs),
    /// The process that talks to a token for the vault. A node starts it; its standard input is a socket of the node.
    #[command(hide = true)]
    TokenProcess,
}
