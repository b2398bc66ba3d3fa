//! How far the replacement of the escrow key is.

use terms::AccountId;

use crate::crypto::PrivateKey;

/// Accounts that are still to be sealed to the new key.
pub(crate) struct EscrowSweep {
    pub(crate) old: PrivateKey,
    pub(crate) left: Vec<AccountId>,
    pub(crate) total: u64,
}
