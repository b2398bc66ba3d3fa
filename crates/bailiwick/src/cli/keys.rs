//! The words of `backup`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::NodeChoice;

/// `backup`
#[derive(Debug, Args)]
pub(crate) struct BackupArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: BackupCommand,
}

/// `backup …`
#[derive(Debug, Subcommand)]
pub(crate) enum BackupCommand {
    /// Back the keys up, sealed under the key of the day, and destroy the keys of days beyond the window.
    Keys {
        /// The folder for the backups; it may be kept for ever.
        target: PathBuf,
        /// A folder at another place for copies of the days' keys. Without it a lost disk is lost for good; with it, it must
        /// be a place of which no older copies are kept.
        #[arg(long, value_name = "DIR")]
        period_keys: Option<PathBuf>,
        /// After how many days a closed account opens nowhere: the key of a day is destroyed then.
        #[arg(long, default_value_t = 30, value_name = "DAYS")]
        window: u32,
        /// The node.
        #[command(flatten)]
        node: NodeChoice,
    },
    /// Write the vault's folder of a lost node from a backup of keys.
    RestoreKeys {
        /// The backup, a file that ends in .keys
        backup: PathBuf,
        /// The copy of the day's key.
        #[arg(long, value_name = "FILE")]
        period_key: PathBuf,
        /// The vault's folder to make: DIR/vault of the node.
        #[arg(long, value_name = "DIR")]
        vault: PathBuf,
    },
}
