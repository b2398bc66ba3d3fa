//! Backups of a whole node, and a node made of them (docs/backup.md; the files are in docs/formats/backup.md).
//!
//! ```text
//! backup/place.rs      files at a place: pieces by digest, segments, manifests
//! backup/manifest.rs   what a backup consists of, under the node's own tag
//! backup/take.rs       a backup of the running node
//! backup/live.rs       what is copied all the time: ledger, desk, closed accounts
//! backup/restore.rs    a node from a backup
//! backup/drill.rs      the same into a folder that goes away again, timed
//! ```

mod drill;
mod live;
mod manifest;
mod place;
mod restore;
mod take;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use doors::control::officers::ShownHand;
use doors::control::{BackupRequest, KeysTarget, Outcome, Progress, Request};
use serde_json::json;
use vault::Act;

use crate::cli::NodeChoice;
use crate::cli::keys::{DrillArgs, RestoreArgs};
use crate::cli::officers::Hands;
use crate::client::{ask, secret};
use crate::node::Node;
use crate::officers;

pub(crate) use live::follow;
use restore::Plan;

/// `backup run`
pub(crate) fn run(
    to: Option<&Path>,
    keys: Option<&Path>,
    periods: Option<&Path>,
    window_days: u32,
    node: &NodeChoice,
) -> Result<ExitCode, String> {
    let absolute = |path: &Path| {
        let path = std::path::absolute(path).map_err(|error| format!("{}: {error}", path.display()))?;
        crate::client::utf8(&path).map(str::to_owned)
    };
    let to = to.map(absolute).transpose()?;
    let periods = periods.map(absolute).transpose()?;
    let keys = keys.map(absolute).transpose()?.map(|target| KeysTarget { target, periods, window_days });
    ask(node, Request::Backup(BackupRequest::Run { to, keys }))
}

/// `restore`
pub(crate) fn restore(args: &RestoreArgs) -> Result<ExitCode, String> {
    let plan = Plan {
        from: args.from.clone(),
        to: args.to.clone(),
        keys: crate::keys::read_backup(&args.source.keys, &args.source.period_key)?,
        passphrase: secret("Passphrase of the node")?,
        ledger: args.ledger.clone(),
    };
    let bar = crate::client::bytes_bar();
    let restored = restore::restore(&plan, &mut |progress| crate::client::advance(&bar, &progress));
    bar.finish_and_clear();
    let restored = restored?;
    crate::client::print(args.json, &restored.to_string(), &restored.data());
    Ok(ExitCode::SUCCESS)
}

/// `backup drill`
pub(crate) fn drill(args: &DrillArgs) -> Result<ExitCode, String> {
    let keys = crate::keys::read_backup(&args.source.keys, &args.source.period_key)?;
    let passphrase = secret("Passphrase of the node")?;
    let bar = crate::client::bytes_bar();
    let drilled = drill::drill(&args.from, keys, passphrase, &mut |progress| crate::client::advance(&bar, &progress));
    bar.finish_and_clear();
    let (outcome, sound) = drilled?;
    crate::client::print(args.json, &outcome.text, &outcome.data);
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// `node open-desk`
pub(crate) fn open_desk(hands: &Hands, node: &NodeChoice) -> Result<ExitCode, String> {
    let hands = officers::shown(hands)?;
    ask(node, Request::Backup(BackupRequest::OpenDesk { hands }))
}

impl Node {
    /// Does what is asked about backups.
    pub(crate) fn about_backup(
        &self,
        request: BackupRequest,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Outcome, String> {
        match request {
            BackupRequest::Run { to, keys } => {
                let place = self.backup_place(to.as_deref().map(Path::new))?;
                let mut outcome = take::take(self, &place, progress)?;
                if let Some(KeysTarget { target, periods, window_days }) = keys {
                    // At once, since a replacement of keys in between would part the two.
                    let periods = periods.map(PathBuf::from);
                    let said = self.back_up_keys(Path::new(&target), periods.as_deref(), window_days)?;
                    outcome.text = format!("{}\n{}", outcome.text, said.text);
                    outcome.data["keys"] = said.data;
                }
                Ok(outcome)
            }
            BackupRequest::OpenDesk { hands } => self.open_desk(hands),
        }
    }

    /// The place for backups: one that the configuration names as lying in the home, and no other.
    fn backup_place(&self, wanted: Option<&Path>) -> Result<PathBuf, String> {
        let named: Vec<PathBuf> = self.config.backup_place.iter().map(|place| place.path.clone()).collect();
        let known = || named.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
        match (wanted, named.as_slice()) {
            (_, []) => Err(format!(
                "node.toml names no place for backups. Mail may be kept in {} only, so name one that lies there:\n\
                 [[backup_place]]\npath = \"/…\"\njurisdiction = \"{}\"",
                self.config.jurisdiction, self.config.jurisdiction
            )),
            (None, [one]) => Ok(one.clone()),
            (None, _) => Err(format!("node.toml names several places; say which with --to: {}", known())),
            (Some(wanted), _) => named.iter().find(|path| path.as_path() == wanted).cloned().ok_or_else(|| {
                format!(
                    "{} is no place that node.toml names as lying in {}; nothing was copied. It names: {}",
                    wanted.display(),
                    self.config.jurisdiction,
                    known()
                )
            }),
        }
    }

    /// Whether the desk waits for two officers, because the node was restored.
    pub(crate) fn desk_waits(&self) -> Result<(), String> {
        if self.disk.exists(&Self::desk_waits_path(&self.dir)) {
            return Err(
                "this node was restored from a backup, and its desk waits for two officers: look what is missing \
                        since the backup, then `node open-desk --by A --by B`"
                    .to_owned(),
            );
        }
        Ok(())
    }

    /// Two officers say that the desk of a restored node may work again. The ledger has it first.
    fn open_desk(&self, hands: Vec<ShownHand>) -> Result<Outcome, String> {
        if self.desk_waits().is_ok() {
            return Err("the desk is open".to_owned());
        }
        // Their shares are joined and checked: so it is they, and the escrow key is whole.
        let (signed, _, _) = self.act_of_two(Act::Drill, None, crate::accounts::pair(hands)?)?;
        let by: Vec<String> = signed.by.iter().map(vault::ActedBy::label).collect();
        let entry = self.record("desk-opened", json!({ "act": signed.digest() }))?;
        let path = Self::desk_waits_path(&self.dir);
        self.disk.remove(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let text = format!("The desk is open again, by {}. Ledger entry {entry}.", by.join(" and "));
        Ok(Outcome { text, data: json!({ "entry": entry, "by": by }) })
    }
}
