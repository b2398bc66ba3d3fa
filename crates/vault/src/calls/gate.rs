//! A vault that may be locked: made, restored, unlocked, looked at.

use terms::{Jurisdiction, OfficerName, Secret};

use super::calls;
use crate::VaultError;
use crate::backup::KeyBackup;
use crate::confinement::Confinement;
use crate::cost::CostProfile;
use crate::founding::Founding;
use crate::memory::MemoryUse;
use crate::wire::wire_struct;

/// What anyone may know about an unlocked vault.
#[allow(missing_docs, reason = "the names say it")]
pub struct Facts {
    pub home: Jurisdiction,
    pub log_origin: String,
    pub log_public_key: [u8; 32],
}
wire_struct!(Facts { home, log_origin, log_public_key });

calls! {
    gate for VaultGate;

    /// Makes a new vault; it is unlocked then.
    raw fn create(founding: Founding), slow;

    /// Unlocks the vault with the node's passphrase.
    raw fn open(passphrase: &Secret<String>, cost: CostProfile), slow;

    /// Whose vault this is.
    raw fn about() -> Facts;

    /// Whether it is unlocked, and what its process has given up, if it has a process of its own.
    raw fn look() -> (bool, Option<Confinement>);

    /// The memory that the vault's process takes, as it tells it itself; `None` when it has no process of its own or the system does
    /// not say. Works on a locked vault too.
    ///
    /// # Errors
    /// [`VaultError::Away`].
    pub fn memory() -> Option<MemoryUse>;

    /// Replaces the list of key holders, 2 to 9 people, any two of whom unlock the vault from now on, each with their own
    /// passphrase. `passphrase` is the node's. Durable when it returns.
    ///
    /// # Errors
    /// `OfficerError::OfficerRoster` for another number of people, [`VaultError::EmptyPassphrase`],
    /// `UnlockError::WrongPassphrase`, `FileError::Disk`, [`VaultError::Away`].
    pub fn set_key_holders(passphrase: &Secret<String>, holders: &[(OfficerName, Secret<String>)], cost: CostProfile), slow;

    /// The key holders; an empty list when there are none. Works on a locked vault too.
    ///
    /// # Errors
    /// `FileError::Damaged`, `FileError::Disk`, [`VaultError::Away`].
    pub fn key_holders() -> Vec<OfficerName>;

    /// One key holder's part in unlocking; whether the vault is unlocked then.
    raw fn unlock_part(holder: &OfficerName, passphrase: &Secret<String>, cost: CostProfile) -> bool, slow;

    /// Checks the node's passphrase. Changes nothing: for acts that must be recorded after the check and before they are done.
    ///
    /// # Errors
    /// `UnlockError::WrongPassphrase`, `FileError::NotAVault`, `FileError::Damaged`, `FileError::Disk`,
    /// [`VaultError::Away`].
    pub fn check_passphrase(passphrase: &Secret<String>), slow;

    /// Writes the vault's folder, which must hold no vault, from a backup; it stays locked. Durable when it returns.
    ///
    /// With `successor`, for a node whose log may have lost entries: it signs another log, whose origin is the old one with
    /// a number behind it (`host/ledger/2`), from its first entry on. The key is the same.
    ///
    /// # Errors
    /// `FileError::AlreadyThere`, `UnlockError::WrongPassphrase`, `MailError::DoesNotOpen` when the day key is
    /// not the backup's, `FileError::Damaged`, `FileError::Disk`, [`VaultError::Away`].
    pub fn restore_keys(backup: &KeyBackup, passphrase: &Secret<String>, successor: bool), slow;

    /// Keeps a secret for a request that the node's own process will make, and gives a name that stands for it there. It is kept
    /// until it is taken away with `forget_kept`, ten minutes at most. Works on a locked vault too.
    ///
    /// # Errors
    /// [`VaultError::Busy`] when too many are kept, [`VaultError::Away`].
    pub fn keep_secret(secret: &Secret<String>) -> String;

    /// Wipes secrets that were kept. Works on a locked vault too.
    ///
    /// # Errors
    /// [`VaultError::Away`].
    pub fn forget_kept(names: &[String]);

    /// The highest cost at which one guess at a password takes no longer than `target_millis` on this machine now: the memory
    /// is doubled from [`CostProfile::OWASP`]'s, the minimum, up to 64 MiB; two passes, one lane. Takes a few times that
    /// long.
    ///
    /// # Errors
    /// [`VaultError::Away`], [`VaultError::Busy`].
    pub fn measure_cost(target_millis: u32) -> CostProfile, slow;
}
