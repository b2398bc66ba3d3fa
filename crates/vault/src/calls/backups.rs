//! Backups of keys.

use super::calls;
use crate::VaultError;
use crate::backup::KeyBackup;

calls! {
    backups for Vault;

    /// Backs up every account's and officer's keys under today's day key. That key is in the vault's folder and durable when
    /// this returns; [`KeyBackup::day_key`] is a copy, for a place of its own.
    ///
    /// # Errors
    /// `FileError::Damaged`, `FileError::Disk`.
    pub fn back_up_keys() -> KeyBackup, slow;

    /// Overwrites the keys of days more than `window_days` before today; gives those days (counted from 1970-01-01), whose
    /// copies elsewhere are to be destroyed too. Backups of those days open nothing then.
    ///
    /// # Errors
    /// `FileError::Disk`.
    pub fn destroy_day_keys(window_days: u32) -> Vec<u32>;
}
