//! Officers and clearances.

use terms::{Digest, EpochId, OfficerName, Secret};

use super::Vault;
use crate::VaultError;
use crate::mail::epoch::SealedEpochKey;
use crate::mail::message::KeyAsk;
use crate::officers::approval::{Approval, OpenedShare, ProvenApproval};
use crate::officers::clearance::Clearance;
use crate::officers::order::Order;

/// Officers and clearances.
impl Vault {
    /// An officer approves an order with the officer's own passphrase. The approval is to be recorded in the ledger
    /// ([`approval_statement`](crate::approval_statement)) before anything else is done with it. The opened share is for
    /// [`clear`](Self::clear) when this officer is the second; otherwise drop it.
    ///
    /// # Errors
    /// `OrderError::OtherHome`, `OrderError::Malformed`, `OrderError::Expired`, `OfficerError::NoSuchOfficer`,
    /// `OfficerError::WrongOfficerPassphrase`, `FileError::Damaged`, `FileError::Disk`.
    pub fn approve(
        &self,
        order: &Order,
        officer: &OfficerName,
        passphrase: &Secret<String>,
    ) -> Result<(Approval, OpenedShare), VaultError> {
        let (approval, share) = self.link.approve(order, officer, passphrase)?;
        Ok((approval, OpenedShare::new(officer.clone(), order.digest(), share, self.link.clone())))
    }

    /// Makes the clearance of an order that two different officers approved, each approval proven in this home's own
    /// ledger. `opened` is what the officer who approved last has opened; `epochs` and `asks` name the messages wanted.
    ///
    /// Joins the two shares, opens the account's key, derives the keys that were asked for, and forgets the rest before
    /// it returns. All or nothing; the opened share is used up either way.
    ///
    /// # Errors
    /// As [`check_approval`](Self::check_approval) for either approval; `OfficerError::SameOfficer`,
    /// `OrderError::Statement`, `OrderError::Proof`, `OrderError::OtherShare`; `OrderError::NoContent` and
    /// `OrderError::OutOfScope` for asks beyond the order; `OrderError::ShareDoesNotOpen`,
    /// `OfficerError::SharesDisagree`, `OrderError::EscrowDoesNotOpen`; and those of
    /// [`message_keys`](Self::message_keys).
    pub fn clear(
        &self,
        order: &Order,
        approvals: [ProvenApproval; 2],
        opened: OpenedShare,
        epochs: &[(EpochId, SealedEpochKey)],
        asks: &[KeyAsk],
    ) -> Result<Clearance, VaultError> {
        let cleared = self.link.clear(order, &approvals, opened.id(), epochs, asks)?;
        self.clearance_of(order.digest(), &cleared)
    }

    /// Keeps a clearance across restarts: a file sealed under the service key that holds the message keys in scope and
    /// nothing wider. Durable when it returns. Anyone who has the service key can open these messages until the file is
    /// forgotten: forget it as soon as the package is made.
    ///
    /// # Errors
    /// `OrderError::Expired`, `FileError::Disk`.
    pub fn keep_clearance(&self, clearance: &Clearance) -> Result<(), VaultError> {
        let order = clearance.order().digest();
        self.link.keep_clearance(order, &clearance.to_secret()?)
    }

    /// The clearance that was kept for an order. An expired one is removed.
    ///
    /// # Errors
    /// `OrderError::NoClearance`, `OrderError::Expired`, `FileError::Damaged`, `FileError::Disk`.
    pub fn clearance(&self, order: Digest) -> Result<Clearance, VaultError> {
        let kept = self.link.kept_clearance(order)?;
        self.clearance_of(order, &kept)
    }

    /// The clearance of these bytes, which the keeper gave.
    fn clearance_of(&self, order: Digest, bytes: &Secret<Vec<u8>>) -> Result<Clearance, VaultError> {
        Clearance::from_bytes(order, bytes.expose(), self.clock.clone()).ok_or(VaultError::Garbled)
    }
}
