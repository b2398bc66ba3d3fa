//! Whether the vault's files are as they were written.

use super::calls;
use crate::VaultError;

calls! {
    check for Vault;

    /// How many of the vault's files were checked, and the names (below the vault's folder) of those that are not as they were
    /// written. Opens no owner's key and changes nothing; what an owner's own secret seals (the ring of opened
    /// epochs, which is rebuilt when it is damaged) is not checked.
    ///
    /// # Errors
    /// `FileError::Disk` when a folder cannot be listed; [`VaultError::Away`], [`VaultError::Locked`].
    pub fn damaged_files() -> (u64, Vec<String>), slow;
}
