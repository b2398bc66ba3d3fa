//! Backups of keys.

use super::calls;
use crate::VaultError;
use crate::backup::KeyBackup;

calls! {
    backups for Vault;

    /// Backs up every account's and officer's keys under today's day key. That key is in the vault's folder and durable when
    /// this returns; [`KeyBackup::day_key`] is a copy, to be kept somewhere else.
    ///
    /// # Errors
    /// `FileError::Damaged`, `FileError::Disk`.
    pub fn back_up_keys() -> KeyBackup, slow;

    /// Overwrites the day keys that are more than `window_days` old; returns their days (counted from 1970-01-01), whose
    /// copies elsewhere must be destroyed too. Backups of those days can no longer be opened.
    ///
    /// # Errors
    /// `FileError::Disk`.
    pub fn destroy_day_keys(window_days: u32) -> Vec<u32>;
}
