//! Whether the vault's files are as they were written.

use super::calls;
use crate::VaultError;

calls! {
    check for Vault;

    /// How many of the vault's files were looked at, and those that are not as they were written, by their names below the
    /// vault's folder. Opens no key of an owner and changes nothing; what an owner's own secret seals (the ring of opened
    /// epochs, which is rebuilt when it is damaged) is not looked at.
    ///
    /// # Errors
    /// `FileError::Disk` when a folder cannot be listed; [`VaultError::Away`], [`VaultError::Locked`].
    pub fn damaged_files() -> (u64, Vec<String>), slow;
}
