//! Clearances that are kept.

use terms::{Digest, Secret};

use super::calls;
use crate::VaultError;

calls! {
    clearances for Vault;

    /// Keeps the bytes of a clearance across restarts.
    raw fn keep_clearance(order: Digest, clearance: &Secret<Vec<u8>>);

    /// The bytes of the clearance that was kept. An expired one is removed.
    raw fn kept_clearance(order: Digest) -> Secret<Vec<u8>>;

    /// Removes the clearance that was kept for an order; it is not an error if there is none. Durable when it returns, as far as the file
    /// system goes: blocks that the disk has not reused yet are the operator's matter (docs/threat-model.md).
    ///
    /// # Errors
    /// `FileError::Disk`.
    pub fn forget_clearance(order: Digest);
}
