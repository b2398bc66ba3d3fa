//! What changes how a node is unlocked: key holders, a token, the node's passphrase. It needs files that a running node's own process
//! cannot open (`node.toml`, `secrets/`) and passphrases that it never sees, so a running node's parent does it; a command at a node that
//! does not run does it with the node itself.

use std::path::Path;

use durable::Disk;
use serde_json::{Value, json};
use terms::Secret;
use vault::{CostProfile, OwnerError, UnlockError, Vault, VaultError, VaultGate};

use crate::config::{Config, Unlock, VaultConfig};
use crate::error::{Lower, RoomError};
use crate::keys::KeysError;
use crate::node::{ClosedNode, Node, passphrase_path};

/// What has a node's configuration, its secrets and a way to its vault.
pub trait Unlocking {
    /// The node's directory.
    fn dir(&self) -> &Path;

    /// The disk that it is on.
    fn disk(&self) -> &dyn Disk;

    /// The way to the vault.
    fn gate(&self) -> &VaultGate;

    /// The vault, which is unlocked.
    fn vault(&self) -> &Vault;

    /// What is sealed from now on costs this much to guess at.
    fn cost(&self) -> CostProfile;

    /// Records an entry of the house in the ledger: what, and more fields. Gives the entry's number.
    ///
    /// # Errors
    /// The ledger's, or the way to it.
    fn record(&self, kind: &str, more: Value) -> Result<u64, RoomError>;
}

impl dyn Unlocking + '_ {
    /// Refuses while the service key is being replaced: what is sealed to a new way of unlocking could be the old key alone.
    pub(crate) fn no_rotation(&self) -> Result<(), KeysError> {
        if self.vault().service_generations()?.len() > 1 {
            return Err(KeysError::ServiceKeyRotating);
        }
        Ok(())
    }

    /// [`done_or_recorded`], with this ledger.
    pub(crate) fn done_or_recorded<T>(&self, entry: u64, done: Result<T, VaultError>) -> Result<T, RoomError> {
        done_or_recorded(|kind, more| self.record(kind, more), entry, done)
    }

    /// Changes how the node is unlocked, in its configuration; a passphrase file that is not used any more is overwritten.
    pub(crate) fn change_unlocking(&self, change: impl FnOnce(&mut VaultConfig)) -> Result<(), KeysError> {
        let config = Config::change(self.disk(), self.dir(), |config| change(&mut config.vault))?;
        let file = passphrase_path(self.dir());
        if config.vault.unlock != Unlock::PassphraseFile && self.disk().exists(&file) {
            self.disk().shred(&file).map_err(RoomError::at(&file))?;
        }
        Ok(())
    }
}

/// What became of an act that the ledger has already. Secrets are looked at before the entry; one that was replaced or
/// spent in between has done nothing, and another entry says so.
pub(crate) fn done_or_recorded<T>(
    record: impl FnOnce(&str, Value) -> Result<u64, RoomError>,
    entry: u64,
    done: Result<T, VaultError>,
) -> Result<T, RoomError> {
    if let Err(VaultError::Unlock(UnlockError::WrongPassphrase) | VaultError::Owner(OwnerError::WrongPassword)) = done {
        record("not-done", json!({ "entry": entry }))?;
    }
    done.map_err(Lower::told)
}

impl Unlocking for Node {
    fn dir(&self) -> &Path {
        &self.dir
    }

    fn disk(&self) -> &dyn Disk {
        self.disk.as_ref()
    }

    fn gate(&self) -> &VaultGate {
        &self.gate
    }

    fn vault(&self) -> &Vault {
        &self.mailroom.vault
    }

    fn cost(&self) -> CostProfile {
        self.config.vault.cost()
    }

    fn record(&self, kind: &str, more: Value) -> Result<u64, RoomError> {
        Self::record(self, kind, more)
    }
}

impl ClosedNode {
    /// What the passphrase that somebody typed opens, or the part of one key holder; `None` while a second one is awaited.
    ///
    /// # Errors
    /// A wrong passphrase; the vault's.
    pub fn unlock_by_hand(
        &self,
        holder: Option<&terms::OfficerName>,
        passphrase: &Secret<String>,
    ) -> Result<Option<Vault>, KeysError> {
        let cost = self.config.vault.cost();
        Ok(match holder {
            Some(holder) => self.gate.unlock_part(holder, passphrase, cost)?,
            None => self.gate.unlock(passphrase, cost).map(Some)?,
        })
    }
}
