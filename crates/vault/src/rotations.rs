//! Which keys are being replaced.

use terms::AccountId;

/// The keys that are being replaced at this moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotations {
    /// Two service keys open.
    pub service: bool,
    /// Accounts may still be sealed to the previous escrow key: two officers resume it.
    pub escrow: bool,
    /// Another key is to sign the ledger.
    pub signing: bool,
    /// Accounts with two pairs.
    pub accounts: Vec<AccountId>,
    /// Those among them whose private keys are at hand, because the owner signed in since: they can be resumed.
    pub resumable: Vec<AccountId>,
}
