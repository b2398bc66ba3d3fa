//! The node's passphrase, replaced while everything goes on: after a copy of it was seen where none should be, and after
//! people or a token unlock the node in the place of the file.
//!
//! Where the passphrase lies in a file, two files change, the file and the vault's; the power may fail between them. So
//! the new one is written beside the old one first (`secrets/passphrase.next`), and a start that finds both tries both.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use doors::control::keys::KeysRequest;
use doors::control::{Outcome, Phrase, Request};
use durable::{Disk, Visibility};
use serde_json::json;
use terms::Secret;
use vault::{CostProfile, UnlockError, Vault, VaultError, VaultGate};

use crate::cli::NodeChoice;
use crate::client;
use crate::config::{Config, Unlock};
use crate::node::{Node, NodeError, passphrase, passphrase_path, random_passphrase};

/// `node passphrase`
pub(crate) fn change(node: &NodeChoice) -> Result<ExitCode, String> {
    let unlock = Config::load(&node.node).map_err(|error| error.to_string())?.vault.unlock;
    let old = Phrase(client::secret("Passphrase of the node, the one that is to go")?);
    let new = Secret::new(random_passphrase(&vault::SystemEntropy));
    if unlock != Unlock::PassphraseFile {
        // Before it counts: an answer that is lost on its way would be the only copy.
        eprintln!(
            "Write this down, seal it, and keep it away from the machine. It counts from when this command ends well, and \
             it is shown only now:\n    {}",
            new.expose()
        );
    }
    client::ask(node, Request::Keys(KeysRequest::NodePassphrase { old, new: Phrase(new) }))
}

/// Unlocks by the passphrase file, or by the one that was to follow it when the power failed in between.
///
/// # Errors
/// A wrong or exposed file; the vault's.
pub(crate) fn unlock(gate: &VaultGate, dir: &Path, cost: CostProfile, disk: &dyn Disk) -> Result<Vault, NodeError> {
    let (file, next) = (passphrase_path(dir), next_path(dir));
    let open = |path: &Path| passphrase(path).map(|passphrase| gate.unlock(&passphrase, cost));
    let said = |error: VaultError| NodeError::Room("vault", error.to_string());
    if !disk.exists(&next) {
        return open(&file)?.map_err(said);
    }
    let by_old = if disk.exists(&file) { open(&file)? } else { Err(VaultError::Unlock(UnlockError::WrongPassphrase)) };
    match by_old {
        Err(VaultError::Unlock(UnlockError::WrongPassphrase)) => {
            let vault = open(&next)?.map_err(said)?;
            take_over(disk, dir)?;
            Ok(vault)
        }
        Ok(vault) => {
            disk.shred(&next).map_err(|error| NodeError::File(next, error))?;
            Ok(vault)
        }
        Err(error) => Err(said(error)),
    }
}

/// Where the new passphrase lies until the vault has it.
fn next_path(dir: &Path) -> PathBuf {
    dir.join("secrets").join("passphrase.next")
}

/// Overwrites the old passphrase file; the new one takes its place.
fn take_over(disk: &dyn Disk, dir: &Path) -> Result<(), NodeError> {
    let (file, next) = (passphrase_path(dir), next_path(dir));
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |error| NodeError::File(path, error)
    };
    let words = passphrase(&next)?;
    if disk.exists(&file) {
        disk.shred(&file).map_err(failed(&file))?;
    }
    disk.write_atomic(&file, words.expose().as_bytes(), Visibility::Private).map_err(failed(&file))?;
    disk.shred(&next).map_err(failed(&next))
}

impl Node {
    /// Replaces the node's passphrase, the ledger first.
    pub(crate) fn change_passphrase(&self, old: &Secret<String>, new: &Secret<String>) -> Result<Outcome, String> {
        // As it is now: `node token add` changes it while the node runs.
        let unlock = Config::load(&self.dir).map_err(|error| error.to_string())?.vault.unlock;
        let in_file = unlock == Unlock::PassphraseFile;
        let (disk, next) = (self.disk.as_ref(), next_path(&self.dir));
        self.gate.check_passphrase(old).map_err(|error| error.to_string())?;
        let entry = self.record("node-passphrase", json!({}))?;
        if in_file {
            disk.write_atomic(&next, new.expose().as_bytes(), Visibility::Private)
                .map_err(|error| format!("{}: {error}", next.display()))?;
        }
        let changed = self.mailroom.vault.change_node_passphrase(old, new);
        // Only what certainly changed nothing: after another error the next start tries both.
        if in_file && matches!(changed, Err(VaultError::Unlock(UnlockError::WrongPassphrase))) {
            disk.shred(&next).map_err(|error| format!("{}: {error}", next.display()))?;
        }
        self.done_or_recorded(entry, changed)?;
        let mut text =
            "The new passphrase counts. The old one opens older copies of the vault's folder and older backups of \
                        keys, and nothing else."
                .to_owned();
        if in_file {
            take_over(disk, &self.dir).map_err(|error| error.to_string())?;
            text.push_str(&format!("\nIt is in {}.", passphrase_path(&self.dir).display()));
        }
        text.push_str(&format!("\nLedger entry {entry}."));
        Ok(Outcome { text, data: json!({ "changed": true, "entry": entry }) })
    }
}
