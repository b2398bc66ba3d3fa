//! `backup …` and `restore`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use operations::backup::{BackUp, Plan};
use operations::keys::{BackUpKeys, read_backup, restore_keys};
use operations::places::Through;
use vault::KeyBackup;

use super::choice::{NodeChoice, NodeDir};
use super::client::{Bar, absolute, ask_and_print, print, say, secret};
use super::error::CliError;
use super::show::backup as show;

/// `backup`
#[derive(Debug, Args)]
pub(crate) struct BackupArgs {
    #[command(subcommand)]
    pub command: BackupCommand,
}

// Where the keys of a lost node are.
#[derive(Debug, Args)]
pub(crate) struct KeySource {
    /// The backup of keys, a file that ends in .keys
    #[arg(long, value_name = "FILE")]
    pub keys: PathBuf,
    /// The copy of the day key of that backup
    #[arg(long, value_name = "FILE")]
    pub day_key: PathBuf,
}

/// `restore`
#[derive(Debug, Args)]
pub(crate) struct RestoreArgs {
    /// The place for backups, or the folder of one node in it
    #[arg(value_name = "PLACE")]
    pub from: PathBuf,
    /// The new node's directory: empty or absent
    #[command(flatten)]
    to: NodeDir,
    #[command(flatten)]
    pub source: KeySource,
    /// A copy of the ledger that may be newer than the one in the backup
    #[arg(long, value_name = "DIR")]
    pub ledger: Option<PathBuf>,
    /// Print the result as one line of JSON
    #[arg(long)]
    pub json: bool,
}

/// `backup drill`
#[derive(Debug, Args)]
pub(crate) struct DrillArgs {
    /// The place for backups, or the folder of one node in it
    #[arg(value_name = "PLACE")]
    pub from: PathBuf,
    #[command(flatten)]
    pub source: KeySource,
    /// Print the result as one line of JSON
    #[arg(long)]
    pub json: bool,
}

/// `backup …`
#[derive(Debug, Subcommand)]
pub(crate) enum BackupCommand {
    /// Back up the node while it runs, to a place named in node.toml; copies what is new since the last backup
    Run {
        /// Which place, if node.toml names several
        #[arg(long, value_name = "PATH")]
        to: Option<PathBuf>,
        /// Also back up the keys into this folder, as `backup keys` does
        #[arg(long, value_name = "DIR")]
        keys: Option<PathBuf>,
        /// With --keys: a folder in another place for copies of the day keys
        #[arg(long, value_name = "DIR", requires = "keys")]
        day_keys: Option<PathBuf>,
        /// With --keys: days until a closed account can no longer be decrypted from any backup
        #[arg(long, default_value_t = 30, value_name = "DAYS")]
        window: u32,
        #[command(flatten)]
        node: NodeChoice,
    },
    /// Test-restore the newest backup in a temporary folder, verify it, report the time
    Drill(DrillArgs),
    /// Back up the keys, sealed under the day key, and destroy day keys older than the window
    Keys {
        /// The folder for the backups; its files may be kept permanently
        target: PathBuf,
        /// A folder in another place for copies of the day keys. Without it, a lost disk cannot be recovered. No older copies
        /// of this folder may be kept
        #[arg(long, value_name = "DIR")]
        day_keys: Option<PathBuf>,
        /// Days until a closed account can no longer be decrypted from any backup; `vault.key_window_days` of node.toml if
        /// omitted
        #[arg(long, value_name = "DAYS")]
        window: Option<u32>,
        #[command(flatten)]
        node: NodeChoice,
    },
    /// Rebuild the vault's folder of a lost node from a backup of keys
    RestoreKeys {
        /// The backup, a file that ends in .keys
        backup: PathBuf,
        /// The copy of the day key
        #[arg(long, value_name = "FILE")]
        day_key: PathBuf,
        /// The vault's folder to create: DIR/vault of the node
        #[arg(long, value_name = "DIR")]
        vault: PathBuf,
    },
}

/// `backup …`
pub(crate) fn backup(args: BackupArgs) -> Result<ExitCode, CliError> {
    match args.command {
        BackupCommand::Run { to, keys, day_keys, window, node } => {
            let keys = keys.map(|target| keys_to(&target, day_keys.as_deref(), Some(window))).transpose()?;
            let to = to.as_deref().map(absolute).transpose()?;
            ask_and_print(&node, BackUp { to, keys, through: Through::default() }, show::backed_up)
        }
        BackupCommand::Drill(args) => drill(&args),
        BackupCommand::Keys { target, day_keys, window, node } => {
            ask_and_print(&node, keys_to(&target, day_keys.as_deref(), window)?, show::keys_backed_up)
        }
        BackupCommand::RestoreKeys { backup, day_key, vault } => {
            let backup = read_backup(&backup, &day_key)?;
            restore_keys(&vault, &backup, &secret("Passphrase of the node")?.0)?;
            say("The vault's folder is written. Close the accounts again that were closed since the backup.");
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn keys_to(target: &Path, day_keys: Option<&Path>, window_days: Option<u32>) -> Result<BackUpKeys, CliError> {
    let day_keys = day_keys.map(absolute).transpose()?;
    Ok(BackUpKeys { target: absolute(target)?, day_keys, window_days, through: Through::default() })
}

impl KeySource {
    fn read(&self) -> Result<KeyBackup, CliError> {
        Ok(read_backup(&self.keys, &self.day_key)?)
    }
}

/// `restore`
pub(crate) fn restore(args: &RestoreArgs) -> Result<ExitCode, CliError> {
    let plan = Plan {
        from: args.from.clone(),
        to: args.to.path()?.to_owned(),
        keys: args.source.read()?,
        passphrase: secret("Passphrase of the node")?.0,
        ledger: args.ledger.clone(),
    };
    let mut bar = Bar::default();
    let restored = operations::backup::restore(&plan, &mut |progress| bar.advance(&progress));
    bar.finish();
    print(args.json, &restored?, show::restored)?;
    Ok(ExitCode::SUCCESS)
}

/// `backup drill`
fn drill(args: &DrillArgs) -> Result<ExitCode, CliError> {
    let keys = args.source.read()?;
    let passphrase = secret("Passphrase of the node")?.0;
    let mut bar = Bar::default();
    let drilled = operations::backup::drill(&args.from, keys, passphrase, &mut |progress| bar.advance(&progress));
    bar.finish();
    let drilled = drilled?;
    print(args.json, &drilled, show::drilled)?;
    Ok(if drilled.restored.damages.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
