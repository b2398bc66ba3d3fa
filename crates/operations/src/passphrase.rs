//! The node's passphrase, replaced while everything goes on: after a copy of it was seen where none should be, and after
//! people or a token unlock the node instead of the file.
//!
//! Where a file holds the passphrase, two files change, the file and the vault's; the power may fail between them. So
//! the new one is written beside the old one first (`secrets/passphrase.next`), and a start that finds both tries both.

use std::path::{Path, PathBuf};

use durable::{Disk, Visibility};
use serde::{Deserialize, Serialize};
use serde_json::json;
use terms::Secret;
use vault::{CostProfile, UnlockError, Vault, VaultError, VaultGate};

use crate::config::{Config, Unlock};
use crate::error::{OperationError, RoomError};
use crate::keys::KeysError;
use crate::node::{NodeError, passphrase, passphrase_path};
use crate::operation::{Operation, Progress, SecretText};
use crate::unlocking::Unlocking;

/// Replaces the node's passphrase.
#[derive(Debug, Serialize, Deserialize)]
pub struct ChangeNodePassphrase {
    /// The present one.
    pub old: SecretText,
    /// The next one.
    pub new: SecretText,
}

/// The node's passphrase is another one. The old one still opens older copies of the vault's folder and older backups of keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodePassphraseChanged {
    /// Where it lies, if the node unlocks itself by a file.
    pub file: Option<PathBuf>,
    /// The ledger's entry.
    pub entry: u64,
}

/// Unlocks by the passphrase file, or by the one that was to follow it when the power failed in between.
///
/// # Errors
/// A wrong or exposed file; the vault's.
pub(crate) fn unlock(gate: &VaultGate, dir: &Path, cost: CostProfile, disk: &dyn Disk) -> Result<Vault, NodeError> {
    let (file, next) = (passphrase_path(dir), next_path(dir));
    let open = |path: &Path| passphrase(path).map(|passphrase| gate.unlock(&passphrase, cost));
    if !disk.exists(&next) {
        return Ok(open(&file)??);
    }
    let by_old = if disk.exists(&file) { open(&file)? } else { Err(VaultError::Unlock(UnlockError::WrongPassphrase)) };
    match by_old {
        Err(VaultError::Unlock(UnlockError::WrongPassphrase)) => {
            let vault = open(&next)??;
            take_over(disk, dir)?;
            Ok(vault)
        }
        Ok(vault) => {
            disk.shred(&next).map_err(RoomError::at(&next))?;
            Ok(vault)
        }
        Err(error) => Err(error.into()),
    }
}

/// Where the new passphrase lies until the vault has it.
fn next_path(dir: &Path) -> PathBuf {
    dir.join("secrets").join("passphrase.next")
}

/// Overwrites the old passphrase file; the new one takes its place.
fn take_over(disk: &dyn Disk, dir: &Path) -> Result<(), NodeError> {
    let (file, next) = (passphrase_path(dir), next_path(dir));
    let words = passphrase(&next)?;
    if disk.exists(&file) {
        disk.shred(&file).map_err(RoomError::at(&file))?;
    }
    disk.write_atomic(&file, words.expose().as_bytes(), Visibility::Private).map_err(RoomError::at(&file))?;
    Ok(disk.shred(&next).map_err(RoomError::at(&next))?)
}

impl Operation for ChangeNodePassphrase {
    type Target = dyn Unlocking;
    type Output = NodePassphraseChanged;
    type Error = OperationError;

    /// The ledger first.
    fn run(self, node: &dyn Unlocking, _: &mut dyn FnMut(Progress)) -> Result<NodePassphraseChanged, OperationError> {
        let (old, new) = (&self.old.0, &self.new.0);
        // As it is now: `node token add` changes it while the node runs.
        let in_file = Config::load(node.dir()).map_err(KeysError::from)?.vault.unlock == Unlock::PassphraseFile;
        let entry = change_passphrase(node, old, new, in_file)?;
        if in_file {
            take_over(node.disk(), node.dir())?;
        }
        Ok(NodePassphraseChanged { file: in_file.then(|| passphrase_path(node.dir())), entry })
    }
}

fn change_passphrase(
    node: &dyn Unlocking,
    old: &Secret<String>,
    new: &Secret<String>,
    in_file: bool,
) -> Result<u64, KeysError> {
    let (disk, next) = (node.disk(), next_path(node.dir()));
    node.gate().check_passphrase(old)?;
    let entry = node.record("node-passphrase", json!({}))?;
    if in_file {
        let written = disk.write_atomic(&next, new.expose().as_bytes(), Visibility::Private);
        written.map_err(RoomError::at(&next))?;
    }
    let changed = node.vault().change_node_passphrase(old, new);
    // Only what certainly changed nothing: after another error the next start tries both.
    if in_file && matches!(changed, Err(VaultError::Unlock(UnlockError::WrongPassphrase))) {
        disk.shred(&next).map_err(RoomError::at(&next))?;
    }
    node.done_or_recorded(entry, changed)?;
    Ok(entry)
}
