//! The reset of a forgotten password. Two officers begin and finish it (`acts.rs`).

use terms::AccountId;

use super::calls;
use crate::VaultError;
use crate::owners::secrets::PendingReset;

calls! {
    resets for Vault;

    /// The pending reset of a forgotten password. Two officers begin and finish it
    /// ([`begin_act`](crate::Vault::begin_act) with [`Act::BeginReset`](crate::Act::BeginReset) and
    /// [`Act::FinishReset`](crate::Act::FinishReset)). An owner who signs in by the password, changes something with it or
    /// uses a recovery code stops it.
    ///
    /// # Errors
    /// `FileError::Damaged`, `FileError::Disk`.
    pub fn pending_reset(account: AccountId) -> Option<PendingReset>;

    /// Stops a reset; it is not an error if there is none. Durable when it returns.
    ///
    /// # Errors
    /// `FileError::Disk`.
    pub fn stop_reset(account: AccountId);
}
