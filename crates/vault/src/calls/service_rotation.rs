//! Replacing the service key, and the passphrase that protects it.

use terms::Secret;

use super::calls;
use crate::VaultError;

calls! {
    service_rotation for Vault;

    /// The numbers of the service keys that open; the first one seals. Two while one is being replaced. The number is the
    /// second byte of everything that [`service_seal`](crate::Vault::service_seal) makes.
    ///
    /// # Errors
    /// [`VaultError::Locked`].
    pub fn service_generations() -> Vec<u8>;

    /// Makes a new service key, which seals from now on while both open; gives its number. The node's passphrase stays. While
    /// one is being replaced it does nothing. Durable when it returns. Record it in the ledger first.
    ///
    /// # Errors
    /// `UnlockError::WrongPassphrase`, `FileError::Damaged`, `FileError::Disk`.
    pub fn begin_service_rotation(passphrase: &Secret<String>) -> u8, slow;

    /// Seals the node's keys under another passphrase; the service key stays, and people and tokens unlock as before. Older
    /// copies of the vault's folder and backups of keys still open by the old one. Durable when it returns.
    ///
    /// # Errors
    /// `UnlockError::WrongPassphrase`, [`VaultError::EmptyPassphrase`], `FileError::Damaged`, `FileError::Disk`.
    pub fn change_node_passphrase(old: &Secret<String>, new: &Secret<String>), slow;

    /// Seals the vault's own files under the new service key; gives how many there were. Durable when it returns.
    ///
    /// # Errors
    /// `FileError::Damaged`, `FileError::Disk`.
    pub fn reseal_own_files() -> u64, slow;

    /// Overwrites the old service key, when nothing in any crate is sealed under it any more: what still is will never open again.
    ///
    /// # Errors
    /// `RotationError::TooSoon` in the first minute, and while the vault's own files are not all resealed;
    /// `FileError::Disk`.
    pub fn finish_service_rotation(), slow;
}
