//! The end and the replacement of keys, as the rest of the node has them.

use std::path::PathBuf;
use std::sync::Arc;

use durable::Disk;
use terms::{AccountId, CaseId, Clock, Entropy, EpochId, Secret};

use super::{Vault, VaultGate};
use crate::VaultError;
use crate::calls::{keys, room};
use crate::epoch::SealedEpochKey;
use crate::keeper::Place;
use crate::keeper::periods::{self, KeyBackup};
use crate::message::KeyAsk;
use crate::sign_in::SignedIn;
use crate::wire::Octets;

/// Closing accounts.
impl Vault {
    /// Closes the owner's account: nothing of its mail opens from then on, for anybody on this node, and after the window of
    /// the key backups anywhere. What cases hold (`held`, with the sealed keys of the epochs) is first sealed to the escrow
    /// key, message by message, so that an order of that case still opens it. The owner sees nothing of that.
    ///
    /// Every session of the account is over. Durable when it returns; after an error either all opens as before, or nothing
    /// but what is held.
    ///
    /// # Errors
    /// [`VaultError::SessionOver`], those of [`message_keys`](Self::message_keys), [`VaultError::Disk`].
    pub fn close_account(
        &self,
        signed_in: &SignedIn,
        held: &[(CaseId, Vec<KeyAsk>)],
        epochs: &[(EpochId, SealedEpochKey)],
    ) -> Result<(), VaultError> {
        let call = keys::CloseAccount { session: signed_in.session(), held: held.to_vec(), epochs: epochs.to_vec() };
        let closed = self.link.call(call);
        // Also after an error: it may have been closed all the same.
        self.link.kept.end(signed_in.account());
        closed
    }

    /// Notes that the owner is closing the account, before the store closes it: after an interruption
    /// [`finish_closing`](Self::finish_closing) needs no owner. What cases hold is sealed for them. All opens as before.
    /// Durable when it returns.
    ///
    /// # Errors
    /// As [`close_account`](Self::close_account).
    pub fn begin_closing(
        &self,
        signed_in: &SignedIn,
        held: &[(CaseId, Vec<KeyAsk>)],
        epochs: &[(EpochId, SealedEpochKey)],
    ) -> Result<(), VaultError> {
        let (session, held, epochs) = (signed_in.session(), held.to_vec(), epochs.to_vec());
        self.link.call(keys::BeginClosing { session, held, epochs })
    }

    /// The accounts whose closing was begun and is not done.
    ///
    /// # Errors
    /// [`VaultError::Disk`].
    pub fn closings(&self) -> Result<Vec<AccountId>, VaultError> {
        self.link.call(keys::Closings {})
    }

    /// Ends the keys of an account whose owner began to close it, as [`close_account`](Self::close_account) would have.
    /// `held` is what cases hold of it now. Durable when it returns.
    ///
    /// # Errors
    /// [`VaultError::NoClosing`], [`VaultError::HeldChanged`] when cases hold something else than then, [`VaultError::Damaged`],
    /// [`VaultError::Disk`].
    pub fn finish_closing(&self, account: AccountId, held: &[(CaseId, Vec<KeyAsk>)]) -> Result<(), VaultError> {
        let closed = self.link.call(keys::FinishClosing { account, held: held.to_vec() });
        self.link.kept.end(account);
        closed
    }

    /// Overwrites what a case holds of closed accounts. Nothing held is no error. Durable when it returns.
    ///
    /// # Errors
    /// [`VaultError::Disk`].
    pub fn forget_held(&self, case: CaseId) -> Result<(), VaultError> {
        self.link.call(keys::ForgetHeld { case })
    }
}

/// Whether the files are whole.
impl Vault {
    /// How many of the vault's files were looked at, and those that are not as they were written, by their names below the
    /// vault's folder. Opens no key of an owner and changes nothing; what an owner's own secret seals (the ring of opened
    /// epochs, which is made anew when it is damaged) is not looked at.
    ///
    /// # Errors
    /// [`VaultError::Disk`] when a folder cannot be listed; [`VaultError::Away`], [`VaultError::Locked`].
    pub fn damaged_files(&self) -> Result<(u64, Vec<String>), VaultError> {
        self.link.call(room::DamagedFiles {})
    }
}

/// Backups of keys.
impl Vault {
    /// Backs up every account's and officer's keys under the key of today. That key is in the vault's folder and durable when
    /// this returns; [`KeyBackup::period`] is a copy, for a place of its own.
    ///
    /// # Errors
    /// [`VaultError::Damaged`], [`VaultError::Disk`].
    pub fn back_up_keys(&self) -> Result<KeyBackup, VaultError> {
        self.link.call(keys::BackUp {})
    }

    /// Overwrites the keys of days more than `window_days` before today; gives those days (counted from 1970-01-01), whose
    /// copies elsewhere are to be destroyed too. Backups of those days open nothing then.
    ///
    /// # Errors
    /// [`VaultError::Disk`].
    pub fn destroy_periods(&self, window_days: u32) -> Result<Vec<u32>, VaultError> {
        self.link.call(keys::DestroyPeriods { window_days })
    }

    /// Writes a vault's folder in `dir` from a backup, which must hold no vault. Durable when it returns.
    ///
    /// # Errors
    /// [`VaultError::AlreadyThere`], [`VaultError::WrongPassphrase`], [`VaultError::DoesNotOpen`] when the key of the day is
    /// not the backup's, [`VaultError::Damaged`], [`VaultError::Disk`].
    pub fn restore_keys(
        disk: Arc<dyn Disk>,
        dir: PathBuf,
        backup: &KeyBackup,
        passphrase: &Secret<String>,
        clock: &Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<(), VaultError> {
        let gate = VaultGate::here(disk, dir, clock.clone(), entropy);
        gate.link().call(keys::Restore { backup: backup.clone(), passphrase: passphrase.clone() })
    }
}

/// Restoring a whole node.
impl Vault {
    /// As [`restore_keys`](Self::restore_keys), for a node whose log may have lost entries: it signs a successor, whose origin
    /// is the old one with a number behind it (`host/ledger/2`), from its first entry on. The key is the same.
    ///
    /// # Errors
    /// As [`restore_keys`](Self::restore_keys).
    pub fn restore_keys_for_successor(
        disk: Arc<dyn Disk>,
        dir: PathBuf,
        backup: &KeyBackup,
        passphrase: &Secret<String>,
        clock: &Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<(), VaultError> {
        let place = Place { disk, dir, clock: clock.clone(), entropy };
        periods::restore(place, backup, passphrase, periods::RestoredLog::Successor)
    }
}

/// Replacing the service key.
impl Vault {
    /// The numbers of the service keys that open; the first one seals. Two while one is being replaced. The number is the
    /// second octet of everything that [`service_seal`](Self::service_seal) makes.
    ///
    /// # Errors
    /// [`VaultError::Locked`].
    pub fn service_generations(&self) -> Result<Vec<u8>, VaultError> {
        self.link.call(keys::Generations {})
    }

    /// Makes a new service key, which seals from now on while both open; gives its number. The node's passphrase stays. While
    /// one is being replaced it does nothing. Durable when it returns. The ledger is to have it first.
    ///
    /// # Errors
    /// [`VaultError::WrongPassphrase`], [`VaultError::Damaged`], [`VaultError::Disk`].
    pub fn begin_service_rotation(&self, passphrase: &Secret<String>) -> Result<u8, VaultError> {
        self.link.call(keys::BeginService { passphrase: passphrase.clone() })
    }

    /// Seals the node's keys by another passphrase; the service key stays, and people and tokens unlock as before. Older
    /// copies of the vault's folder and backups of keys go on to open by the old one. Durable when it returns.
    ///
    /// # Errors
    /// [`VaultError::WrongPassphrase`], [`VaultError::EmptyPassphrase`], [`VaultError::Damaged`], [`VaultError::Disk`].
    pub fn change_node_passphrase(&self, old: &Secret<String>, new: &Secret<String>) -> Result<(), VaultError> {
        self.link.call(keys::ChangePassphrase { old: old.clone(), new: new.clone() })
    }

    /// Seals the vault's own files under the new service key; gives how many there were. Durable when it returns.
    ///
    /// # Errors
    /// [`VaultError::Damaged`], [`VaultError::Disk`].
    pub fn reseal_own_files(&self) -> Result<u64, VaultError> {
        self.link.call(keys::ResealOwn {})
    }

    /// Overwrites the old service key, when nothing in any room is sealed under it any more: what is opens never again.
    ///
    /// # Errors
    /// [`VaultError::TooSoon`] in the first minute, and while the vault's own files are not all sealed anew;
    /// [`VaultError::Disk`].
    pub fn finish_service_rotation(&self) -> Result<(), VaultError> {
        self.link.call(keys::FinishService {})
    }

    /// The keyed hashes of [`service_hash`](Self::service_hash) under every service key, the present one first: what was
    /// hashed before a rotation is found by one of them.
    ///
    /// # Errors
    /// [`VaultError::Locked`].
    pub fn service_hashes(&self, context: &str, data: &[u8]) -> Result<Vec<[u8; 32]>, VaultError> {
        self.link.call(keys::Hashes { context: context.to_owned(), data: Octets(data.to_vec()) })
    }
}
