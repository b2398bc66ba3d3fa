//! The end of an account's keys.

use terms::{AccountId, CaseId, EpochId};

use super::calls;
use crate::VaultError;
use crate::mail::epoch::SealedEpochKey;
use crate::mail::message::KeyAsk;
use crate::owners::sign_in::SessionId;

/// What a case holds of an account: the messages.
pub type HeldByCase = (CaseId, Vec<KeyAsk>);

calls! {
    closing for Vault;

    /// Closes the account of a session.
    raw fn close_account_of(session: SessionId, held: &[HeldByCase], epochs: &[(EpochId, SealedEpochKey)]), slow;

    /// Notes that the owner of a session is closing the account.
    raw fn begin_closing_of(session: SessionId, held: &[HeldByCase], epochs: &[(EpochId, SealedEpochKey)]), slow;

    /// The accounts whose closing was started but not finished.
    ///
    /// # Errors
    /// `FileError::Disk`.
    pub fn closings() -> Vec<AccountId>;

    /// Destroys the keys of an account whose closing was started.
    raw fn finish_closing(account: AccountId, held: &[HeldByCase]), slow;

    /// Overwrites what a case holds of closed accounts. It is not an error if it holds nothing. Durable when it returns.
    ///
    /// # Errors
    /// `FileError::Disk`.
    pub fn forget_held(case: CaseId);
}
