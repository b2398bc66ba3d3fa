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

/// Where the keys of a lost node are.
#[derive(Debug, Args)]
pub(crate) struct KeySource {
    /// The backup of keys, a file that ends in .keys
    #[arg(long, value_name = "FILE")]
    pub keys: PathBuf,
    /// The copy of the key of its day.
    #[arg(long, value_name = "FILE")]
    pub period_key: PathBuf,
}

/// `restore`
#[derive(Debug, Args)]
pub(crate) struct RestoreArgs {
    /// The place for backups, or the folder of one node in it.
    #[arg(value_name = "PLACE")]
    pub from: PathBuf,
    /// The new node's directory: empty or absent.
    #[arg(value_name = "NEW")]
    pub to: PathBuf,
    /// The keys.
    #[command(flatten)]
    pub source: KeySource,
    /// A copy of the ledger that may be newer than the backup's.
    #[arg(long, value_name = "DIR")]
    pub ledger: Option<PathBuf>,
    /// Print the result as one line of JSON.
    #[arg(long)]
    pub json: bool,
}

/// `backup drill`
#[derive(Debug, Args)]
pub(crate) struct DrillArgs {
    /// The place for backups, or the folder of one node in it.
    #[arg(value_name = "PLACE")]
    pub from: PathBuf,
    /// The keys.
    #[command(flatten)]
    pub source: KeySource,
    /// Print the result as one line of JSON.
    #[arg(long)]
    pub json: bool,
}

/// `backup …`
#[derive(Debug, Subcommand)]
pub(crate) enum BackupCommand {
    /// Back the node up while it runs, to a place that node.toml names: what is new since the last backup.
    Run {
        /// Which place, where node.toml names several.
        #[arg(long, value_name = "PATH")]
        to: Option<PathBuf>,
        /// Back the keys up too, into this folder, as `backup keys` does.
        #[arg(long, value_name = "DIR")]
        keys: Option<PathBuf>,
        /// With --keys: a folder at another place for copies of the days' keys.
        #[arg(long, value_name = "DIR", requires = "keys")]
        period_keys: Option<PathBuf>,
        /// With --keys: after how many days a day's key is destroyed.
        #[arg(long, default_value_t = 30, value_name = "DAYS")]
        window: u32,
        /// The node.
        #[command(flatten)]
        node: NodeChoice,
    },
    /// Restore the newest backup into a folder that goes away again, look at everything, and say how long it took.
    Drill(DrillArgs),
    /// Back the keys up, sealed under the key of the day, and destroy the keys of days beyond the window.
    Keys {
        /// The folder for the backups; it may be kept for ever.
        target: PathBuf,
        /// A folder at another place for copies of the days' keys. Without it a lost disk is lost for good; with it, it must
        /// be a place of which no older copies are kept.
        #[arg(long, value_name = "DIR")]
        period_keys: Option<PathBuf>,
        /// After how many days a closed account opens nowhere: the key of a day is destroyed then. The node's own
        /// `vault.key_window_days` when absent.
        #[arg(long, value_name = "DAYS")]
        window: Option<u32>,
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
