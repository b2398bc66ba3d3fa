//! The end of an account's keys.

use terms::{AccountId, CaseId, EpochId};

use super::Vault;
use crate::VaultError;
use crate::mail::epoch::SealedEpochKey;
use crate::mail::message::KeyAsk;
use crate::owners::sign_in::SignedIn;

/// Closing accounts.
impl Vault {
    /// Closes the owner's account: from then on nobody can open its mail on this node, and after the window of the key backups
    /// nobody can anywhere. What cases hold (`held`, with the sealed keys of the epochs) is first sealed to the escrow
    /// key, message by message, so that an order of that case still opens it. The owner sees nothing of that.
    ///
    /// Every session of the account is over. Durable when it returns; after an error either everything still opens, or only
    /// what is held.
    ///
    /// # Errors
    /// [`VaultError::SessionOver`], those of [`message_keys`](Self::message_keys), `FileError::Disk`.
    pub fn close_account(
        &self,
        signed_in: &SignedIn,
        held: &[(CaseId, Vec<KeyAsk>)],
        epochs: &[(EpochId, SealedEpochKey)],
    ) -> Result<(), VaultError> {
        let closed = self.link.close_account_of(signed_in.session(), held, epochs);
        // Also after an error: it may have been closed all the same.
        self.link.kept.end(signed_in.account());
        closed
    }

    /// Notes that the owner is closing the account, before the store closes it: after an interruption
    /// [`finish_closing`](Self::finish_closing) needs no owner. What cases hold is sealed for them. Everything still opens.
    /// Durable when it returns.
    ///
    /// # Errors
    /// As [`close_account`](Self::close_account).
    pub fn begin_closing(
        &self,
        signed_in: &SignedIn,
        held: &[(CaseId, Vec<KeyAsk>)],
        epochs: &[(EpochId, SealedEpochKey)],
    ) -> Result<(), VaultError> {
        self.link.begin_closing_of(signed_in.session(), held, epochs)
    }

    /// Ends the keys of an account whose owner began to close it, as [`close_account`](Self::close_account) would have.
    /// `held` is what cases hold of it now. Durable when it returns.
    ///
    /// # Errors
    /// `OwnerError::NoClosing`, `OwnerError::HeldChanged` when cases hold something other than they did then, `FileError::Damaged`,
    /// `FileError::Disk`.
    pub fn finish_closing(&self, account: AccountId, held: &[(CaseId, Vec<KeyAsk>)]) -> Result<(), VaultError> {
        let closed = self.link.finish_closing(account, held);
        self.link.kept.end(account);
        closed
    }
}
