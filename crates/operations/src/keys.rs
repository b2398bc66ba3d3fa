//! The backup of keys, and what every operation on keys does: it is recorded before it takes effect.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use durable::{Disk, RealDisk, SystemClock, Visibility};
use serde::{Deserialize, Serialize};
use serde_json::json;
use terms::{Clock, Secret};
use vault::{KeyBackup, VaultError};

use crate::config::ConfigError;
use crate::error::{Lower, RoomError};
use crate::node::{Node, NodeError, start_vault_in};
use crate::operation::{Operation, Progress};
use crate::places::Through;
use crate::unlocking::done_or_recorded;

/// Why something about keys was not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the texts say it")]
pub enum KeysError {
    #[error("{} is not a backup of keys", .0.display())]
    NoBackup(PathBuf),
    #[error("the service key is being replaced; let `bailiwick node rotate service` finish first")]
    ServiceKeyRotating,
    #[error(
        "the profile of an account does not open, so its rows cannot be re-encrypted and the previous service key could never \
         be destroyed; `bailiwick fsck` names the account. Restore a backup first"
    )]
    ProfileDamaged,
    #[error("{0}\nWhat is done stays done; continue with `node rotate escrow` and two officers.")]
    SweepStopped(RoomError),
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Room(RoomError),
}

/// "Bailiwick backup of keys", format 1 (docs/formats/keys.md).
const MAGIC: &[u8; 4] = b"BVB\x01";

/// Backs the keys up, sealed under the day key, and destroys the day keys that are older than the window.
#[derive(Debug, Serialize, Deserialize)]
pub struct BackUpKeys {
    /// Absolute path of the folder for the backups.
    pub target: PathBuf,
    /// Absolute path of the folder for copies of the day keys, elsewhere.
    pub day_keys: Option<PathBuf>,
    /// After how many days a day key is destroyed; as the node is configured when absent.
    pub window_days: Option<u32>,
    /// By what these folders are reached.
    #[serde(skip)]
    pub through: Through,
}

/// The keys are backed up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeysBackedUp {
    /// The backup.
    pub file: PathBuf,
    /// The day, counted from 1970-01-01, under whose key it is sealed.
    pub day: u32,
    /// After how many days a closed account can no longer be decrypted from any backup.
    pub window_days: u32,
    /// The days whose keys were destroyed.
    pub destroyed: Vec<u32>,
}

impl Operation for BackUpKeys {
    type Target = Node;
    type Output = KeysBackedUp;
    type Error = KeysError;

    fn run(self, node: &Node, _: &mut dyn FnMut(Progress)) -> Result<KeysBackedUp, KeysError> {
        let Self { target, day_keys, window_days, through } = self;
        let window_days = window_days.unwrap_or(node.config.vault.key_window_days);
        let (vault, disk) = (&node.mailroom.vault, &*through.disk(&node.disk));
        let backup = vault.back_up_keys()?;
        let destroyed = vault.destroy_day_keys(window_days)?;
        let file = target.join(format!("{}-{}.keys", backup.day, node.mailroom.clock.now().0));
        disk.create_dir_all(&target).map_err(RoomError::at(&target))?;
        disk.write_atomic(&file, &to_bytes(&backup), Visibility::Private).map_err(RoomError::at(&file))?;
        if let Some(day_keys) = &day_keys {
            disk.create_dir_all(day_keys).map_err(RoomError::at(day_keys))?;
            let copy = day_keys.join(format!("{}.key", backup.day));
            disk.replace_shredding(&copy, &backup.day_key, Visibility::Private).map_err(RoomError::at(&copy))?;
            let oldest = backup.day.saturating_sub(window_days);
            destroy_copies(disk, day_keys, oldest).map_err(RoomError::at(day_keys))?;
        }
        Ok(KeysBackedUp { file, day: backup.day, window_days, destroyed })
    }
}

/// Writes the vault's folder of a lost node from a backup of keys.
///
/// # Errors
/// A folder that has keys already; a wrong passphrase; the disk's.
pub fn restore_keys(vault: &Path, backup: &KeyBackup, passphrase: &Secret<String>) -> Result<(), NodeError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    RealDisk.create_dir_all(vault).map_err(RoomError::at(vault))?;
    start_vault_in(vault, &clock)?.restore_keys(backup, passphrase, false)?;
    Ok(())
}

/// Reads a backup of keys, and the key of its day.
///
/// # Errors
/// A file that cannot be read, or is not a backup.
pub fn read_backup(backup: &Path, day_key: &Path) -> Result<KeyBackup, KeysError> {
    let read = |path: &Path| RealDisk.read(path).map_err(RoomError::at(path));
    let (day, node, sealed) = parse(&read(backup)?).ok_or_else(|| KeysError::NoBackup(backup.to_owned()))?;
    Ok(KeyBackup { day, day_key: read(day_key)?, sealed, node })
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
    /// Records an entry of the house: what, and more fields. It names no owner. Gives the entry's number.
    pub(crate) fn record(&self, kind: &str, more: serde_json::Value) -> Result<u64, RoomError> {
        let mut body = json!({
            "format": "bailiwick/ledger-entry/v1", "kind": kind, "home": self.config.jurisdiction,
            "at": self.mailroom.clock.now().rfc3339(),
        });
        if let (Some(body), serde_json::Value::Object(more)) = (body.as_object_mut(), more) {
            body.extend(more);
        }
        let body = serde_json::to_vec(&body).map_err(Lower::told)?;
        let recorded = self.desk.record_house(body).map_err(Lower::told)?;
        Ok(recorded.1.index)
    }

    /// [`done_or_recorded`], with this ledger.
    pub(crate) fn done_or_recorded<T>(&self, entry: u64, done: Result<T, VaultError>) -> Result<T, RoomError> {
        done_or_recorded(|kind, more| self.record(kind, more), entry, done)
    }
}

/// Overwrites copies of the keys of days before `oldest`.
fn destroy_copies(disk: &dyn Disk, day_keys: &Path, oldest: u32) -> std::io::Result<()> {
    disk.finish_shredding(day_keys)?;
    for name in disk.list(day_keys)? {
        let day = name.strip_suffix(".key").and_then(|day| day.parse::<u32>().ok());
        if day.is_some_and(|day| day < oldest) {
            disk.shred(&day_keys.join(name))?;
        }
    }
    Ok(())
}
