//! Sealing every account to a new escrow key.

use super::calls;
use crate::VaultError;
use crate::officers::escrow::Sweep;

calls! {
    escrow for Vault;

    /// Seals at most `count` accounts to the new escrow key. Each is durable when it returns; what is sealed to the old
    /// key opens in the meantime too. After the last account the old key is gone. After a restart two officers resume it,
    /// by [`Act::RotateEscrow`](crate::Act::RotateEscrow).
    ///
    /// # Errors
    /// `RotationError::NoRotation`, `FileError::Damaged`, `FileError::Disk`.
    pub fn sweep_escrow(count: u64) -> Sweep, slow;

    /// Whether the escrow key is being replaced, and the old one still opens what is sealed to it.
    ///
    /// # Errors
    /// [`VaultError::Locked`].
    pub fn escrow_is_replaced() -> bool;
}
