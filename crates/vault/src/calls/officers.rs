//! Officers: approvals and clearances.

use terms::{EpochId, OfficerName, Secret};

use super::calls;
use crate::VaultError;
use crate::mail::epoch::SealedEpochKey;
use crate::mail::message::KeyAsk;
use crate::officers::approval::{Approval, ProvenApproval, ShareId};
use crate::officers::officer::OfficerPublic;
use crate::officers::order::Order;

calls! {
    officers for Vault;

    /// The officers of this home.
    ///
    /// # Errors
    /// [`VaultError::Away`], [`VaultError::Locked`]: try again.
    pub fn officers() -> Vec<OfficerPublic>;

    /// An officer approves an order. What the passphrase opened stays with the keeper, under the id, until it is used or
    /// dropped.
    raw fn approve(order: &Order, officer: &OfficerName, passphrase: &Secret<String>) -> (Approval, ShareId), slow;

    /// Drops an opened share. It is not an error if it is gone already.
    raw fn drop_share(share: ShareId), tell;

    /// Whether `approval` is an enrolled officer's signed approval of exactly `order`, and the order still stands. Says
    /// nothing about the ledger.
    ///
    /// # Errors
    /// `OrderError::OtherHome`, `OrderError::Malformed`, `OrderError::Expired`, `OrderError::NotEnrolled`,
    /// `OrderError::Signature`, `OrderError::OtherOrder`, `OrderError::FromTheFuture`.
    pub fn check_approval(order: &Order, approval: &Approval);

    /// Makes the clearance of an order: its bytes.
    raw fn clear(
        order: &Order,
        approvals: &[ProvenApproval; 2],
        opened: ShareId,
        epochs: &[(EpochId, SealedEpochKey)],
        asks: &[KeyAsk],
    ) -> Secret<Vec<u8>>;
}
