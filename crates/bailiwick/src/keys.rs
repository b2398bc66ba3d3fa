//! `backup keys`, `node rotate service`: the backup of keys and their replacement.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use doors::control::keys::KeysRequest;
use doors::control::{Outcome, Phrase, Progress, Request};
use durable::{Disk, RealDisk, SystemClock, Visibility};
use serde_json::json;
use terms::{Clock, Secret};
use vault::{KeyBackup, OwnerError, RotationError, UnlockError, VaultError};

use crate::cli::NodeChoice;
use crate::cli::keys::{BackupArgs, BackupCommand};
use crate::client::{self, ask, secret};
use crate::config::TokenConfig;
use crate::hands;
use crate::node::{Node, start_vault_in};

/// "Bailiwick backup of keys", format 1 (docs/formats/keys.md).
const MAGIC: &[u8; 4] = b"BVB\x01";

/// How long a rotation waits before it looks again whether the old key may go.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// `node rotate service`
pub(crate) fn rotate_service(node: &NodeChoice) -> Result<ExitCode, String> {
    let passphrase = Phrase(secret("Passphrase of the node")?);
    ask(node, Request::Keys(KeysRequest::RotateService { passphrase }))
}

/// `node rotate signing`
pub(crate) fn rotate_signing(node: &NodeChoice) -> Result<ExitCode, String> {
    ask(node, Request::Keys(KeysRequest::RotateSigning))
}

/// `backup …`
pub(crate) fn backup(args: &BackupArgs) -> Result<ExitCode, String> {
    let absolute = |path: &Path| {
        let path = std::path::absolute(path).map_err(|error| format!("{}: {error}", path.display()))?;
        path.to_str().map(str::to_owned).ok_or_else(|| format!("{}: the path must be UTF-8", path.display()))
    };
    match &args.command {
        BackupCommand::Keys { target, period_keys, window, node } => {
            let periods = period_keys.as_deref().map(absolute).transpose()?;
            let target = absolute(target)?;
            ask(node, Request::Keys(KeysRequest::BackUp { target, periods, window_days: *window }))
        }
        BackupCommand::Run { to, keys, period_keys, window, node } => {
            crate::backup::run(to.as_deref(), keys.as_deref(), period_keys.as_deref(), *window, node)
        }
        BackupCommand::Drill(args) => crate::backup::drill(args),
        BackupCommand::RestoreKeys { backup, period_key, vault } => restore(backup, period_key, vault),
    }
}

/// Reads a backup of keys, and the key of its day.
pub(crate) fn read_backup(backup: &Path, period_key: &Path) -> Result<KeyBackup, String> {
    let read = |path: &Path| RealDisk.read(path).map_err(|error| format!("{}: {error}", path.display()));
    let (day, node, sealed) =
        parse(&read(backup)?).ok_or_else(|| format!("{} is no backup of keys", backup.display()))?;
    Ok(KeyBackup { day, day_key: read(period_key)?, sealed, node })
}

fn restore(backup: &Path, period_key: &Path, vault: &Path) -> Result<ExitCode, String> {
    let backup = read_backup(backup, period_key)?;
    let passphrase = secret("Passphrase of the node")?;
    let disk: Arc<dyn Disk> = Arc::new(RealDisk);
    disk.create_dir_all(vault).map_err(|error| format!("{}: {error}", vault.display()))?;
    let gate = start_vault_in(vault, &(Arc::new(SystemClock) as Arc<dyn Clock>)).map_err(|error| error.to_string())?;
    gate.restore_keys(&backup, &passphrase, false).map_err(|error| error.to_string())?;
    client::say(format_args!(
        "The vault's folder is written. Accounts that were closed since then are to be closed again."
    ));
    Ok(ExitCode::SUCCESS)
}

/// The file of a backup: magic, day, the node's file and the sealed keys, each with its length.
fn to_bytes(backup: &KeyBackup) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    out.extend_from_slice(&backup.day.to_be_bytes());
    for part in [&backup.node, &backup.sealed] {
        out.extend_from_slice(&(part.len() as u64).to_be_bytes());
        out.extend_from_slice(part);
    }
    out
}

fn parse(bytes: &[u8]) -> Option<(u32, Vec<u8>, Vec<u8>)> {
    let (day, rest) = bytes.strip_prefix(MAGIC)?.split_first_chunk::<4>()?;
    let part = |rest: &mut &[u8]| {
        let (len, after) = rest.split_first_chunk::<8>()?;
        let (part, after) = after.split_at_checked(usize::try_from(u64::from_be_bytes(*len)).ok()?)?;
        *rest = after;
        Some(part.to_vec())
    };
    let mut rest = rest;
    let (node, sealed) = (part(&mut rest)?, part(&mut rest)?);
    rest.is_empty().then(|| (u32::from_be_bytes(*day), node, sealed))
}

impl Node {
    /// Carries out what is asked about keys.
    pub(crate) fn keys(&self, request: KeysRequest, progress: &mut dyn FnMut(Progress)) -> Result<Outcome, String> {
        match request {
            KeysRequest::CloseAccount { address, password, code } => {
                self.close_account(&address, &password.0, code.as_ref().map(|code| &code.0))
            }
            KeysRequest::BackUp { target, periods, window_days } => {
                let window_days = window_days.unwrap_or(self.config.vault.key_window_days);
                self.back_up_keys(Path::new(&target), periods.map(PathBuf::from).as_deref(), window_days)
            }
            KeysRequest::RotateService { passphrase } => self.rotate_service(&passphrase.0, progress),
            KeysRequest::NodePassphrase { old, new } => self.change_passphrase(&old.0, &new.0),
            KeysRequest::RotateSigning => self.rotate_signing(),
            KeysRequest::HandsList => hands::list(&self.gate),
            KeysRequest::HandsSet { holders, passphrase } => self.set_hands(holders, &passphrase.0),
            KeysRequest::TokenRemove { label, to_file, passphrase } => {
                self.remove_token(&label, to_file, &passphrase.0)
            }
            KeysRequest::TokenAdd { module, label, key_id, pin_file, pin_credential, network, pin, passphrase } => {
                let (module, pin_file) = (module.into(), pin_file.map(PathBuf::from));
                let token = TokenConfig { module, label, pin_file, pin_credential, network };
                self.add_token(token, key_id.as_deref(), &pin.0, &passphrase.0)
            }
        }
    }

    /// Records an entry of the house: what, and more fields. It names no owner.
    pub(crate) fn record(&self, kind: &str, more: serde_json::Value) -> Result<u64, String> {
        let mut body = json!({
            "format": "bailiwick/ledger-entry/v1", "kind": kind, "home": self.config.jurisdiction,
            "at": self.mailroom.clock.now().rfc3339(),
        });
        if let (Some(body), serde_json::Value::Object(more)) = (body.as_object_mut(), more) {
            body.extend(more);
        }
        let body = serde_json::to_vec(&body).map_err(|error| error.to_string())?;
        let recorded = self.desk.record_house(body).map_err(|error| error.to_string())?;
        Ok(recorded.1.index)
    }

    /// What became of an act that the ledger has already. Secrets are looked at before the entry; one that was replaced or
    /// spent in between has done nothing, and another entry says so.
    pub(crate) fn done_or_recorded<T>(&self, entry: u64, done: Result<T, VaultError>) -> Result<T, String> {
        if let Err(VaultError::Unlock(UnlockError::WrongPassphrase) | VaultError::Owner(OwnerError::WrongPassword)) =
            done
        {
            self.record("not-done", json!({ "entry": entry }))?;
        }
        done.map_err(|error| error.to_string())
    }

    pub(crate) fn back_up_keys(
        &self,
        target: &Path,
        periods: Option<&Path>,
        window_days: u32,
    ) -> Result<Outcome, String> {
        let said = |error: VaultError| error.to_string();
        let backup = self.mailroom.vault.back_up_keys().map_err(said)?;
        let destroyed = self.mailroom.vault.destroy_day_keys(window_days).map_err(said)?;
        let file = target.join(format!("{}-{}.keys", backup.day, self.mailroom.clock.now().0));
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |error: std::io::Error| format!("{}: {error}", path.display())
        };
        self.disk.create_dir_all(target).map_err(failed(target))?;
        self.disk.write_atomic(&file, &to_bytes(&backup), Visibility::Private).map_err(failed(&file))?;
        if let Some(periods) = periods {
            self.disk.create_dir_all(periods).map_err(failed(periods))?;
            let copy = periods.join(format!("{}.key", backup.day));
            self.disk.replace_shredding(&copy, &backup.day_key, Visibility::Private).map_err(failed(&copy))?;
            self.destroy_copies(periods, backup.day.saturating_sub(window_days)).map_err(failed(periods))?;
        }
        let text = format!(
            "The keys are backed up in {}, under the key of day {}. {} older keys of days are destroyed; a closed account \
             opens nowhere after {window_days} days.",
            file.display(),
            backup.day,
            destroyed.len()
        );
        Ok(Outcome { text, data: json!({ "file": file, "day": backup.day, "destroyed": destroyed }) })
    }

    /// Overwrites copies of the keys of days before `oldest`.
    fn destroy_copies(&self, periods: &Path, oldest: u32) -> std::io::Result<()> {
        self.disk.finish_shredding(periods)?;
        for name in self.disk.list(periods)? {
            let day = name.strip_suffix(".key").and_then(|day| day.parse::<u32>().ok());
            if day.is_some_and(|day| day < oldest) {
                self.disk.shred(&periods.join(name))?;
            }
        }
        Ok(())
    }

    /// Replaces the service key, or carries a replacement on. Mail comes and goes meanwhile.
    fn rotate_service(
        &self,
        passphrase: &Secret<String>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Outcome, String> {
        let said = |error: VaultError| error.to_string();
        let vault = &self.mailroom.vault;
        let _turn = self.rotating();
        let generation = if vault.service_generations().map_err(said)?.len() == 1 {
            if !self.mailroom.store.quarantined_accounts().is_empty() {
                return Err("the profile of an account does not open, so its rows cannot be sealed anew, and the key of before \
                     could never go; `bailiwick fsck` names it. Restore a backup first"
                    .to_owned());
            }
            self.gate.check_passphrase(passphrase).map_err(said)?;
            let entry = self.record("service-key", json!({}))?;
            self.done_or_recorded(entry, vault.begin_service_rotation(passphrase))?
        } else {
            vault.begin_service_rotation(passphrase).map_err(said)?
        };
        let total = self.mailroom.store.accounts().len() as u64;
        while !self.service_step_with(&mut |left| {
            progress(Progress { done: total.saturating_sub(left), total, ..Progress::default() });
        })? {
            std::thread::sleep(LOOK_AGAIN);
        }
        let text = format!("The service key is number {generation}; the one before it is overwritten.");
        Ok(Outcome { text, data: json!({ "generation": generation, "accounts": total }) })
    }

    /// Carries a replacement of the service key on, which needs nobody's secret once it is begun.
    pub(crate) fn service_step(&self) -> Result<bool, String> {
        self.service_step_with(&mut |_| {})
    }

    /// Seals anew what is sealed under the service key of before, and has that destroyed. `false` when something may still be
    /// on its way. `left` hears how many accounts there are.
    fn service_step_with(&self, left: &mut dyn FnMut(u64)) -> Result<bool, String> {
        let said = |error: VaultError| error.to_string();
        let vault = &self.mailroom.vault;
        let Some(generation) = vault.service_generations().map_err(said)?.first().copied() else { return Ok(true) };
        self.desk.reseal(generation).map_err(|error| error.to_string())?;
        let stale = self.mailroom.store.stale_accounts(generation).map_err(|error| error.to_string())?;
        left(stale.len() as u64);
        for account in &stale {
            self.mailroom.store.reseal_account(*account).map_err(|error| error.to_string())?;
        }
        vault.reseal_own_files().map_err(said)?;
        if !stale.is_empty() {
            return Ok(false);
        }
        match vault.finish_service_rotation() {
            Err(VaultError::Rotation(RotationError::TooSoon)) => Ok(false),
            finished => finished.map(|()| true).map_err(said),
        }
    }
}
