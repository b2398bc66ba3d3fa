//! Replacing an account's pair. Record it in the ledger first; then begin, let the store receive by the new key, reseal
//! until nothing is left and nothing is on its way, and finish. Mail stays readable throughout; sessions and app passwords
//! stay valid.

use terms::{AccountId, EpochId, Secret};

use super::calls;
use crate::VaultError;
use crate::mail::epoch::{AccountPublicKey, SealedEpochKey};
use crate::owners::secrets::OwnerProof;
use crate::rotations::Rotations;

calls! {
    pairs for Vault;

    /// Makes a new pair for an owner, who gives the password; returns its public key. Does nothing more while a pair is being
    /// replaced. With `everything`, for an owner whose secrets may have been stolen: app passwords, web sessions and
    /// recovery codes end, and new recovery codes are given if there were any. Durable when it returns.
    ///
    /// # Errors
    /// `OwnerError::WrongPassword`, `OwnerError::SlowDown`, `FileError::Disk`.
    pub fn begin_account_rotation(
        account: AccountId,
        proof: &OwnerProof,
        everything: bool,
    ) -> (AccountPublicKey, Vec<Secret<String>>), slow;

    /// Reseals to the new key those of `sealed` that are sealed to the old one, and returns them, to be written in place of
    /// the old ones. Returns nothing when all are sealed to the new key.
    ///
    /// # Errors
    /// `RotationError::NoRotation` when the account's private keys are not at hand: the owner signs in, or two officers start over.
    /// `MailError::EpochDoesNotOpen` for one that opens with neither key: repair or restore it, or the old key stays.
    pub fn reseal_epochs(
        account: AccountId,
        sealed: &[(EpochId, SealedEpochKey)],
    ) -> Vec<(EpochId, SealedEpochKey)>, slow;

    /// Destroys the old private key. `sealed` is every sealed epoch key of the account as it is on the disk, and no message
    /// that was sealed to the old key is on its way there: what is sealed to it never opens again. Durable when it returns.
    ///
    /// # Errors
    /// `RotationError::NoRotation`; `RotationError::TooSoon` when one of `sealed` was not seen to be sealed to the new key;
    /// `FileError::Disk`.
    pub fn finish_account_rotation(account: AccountId, sealed: &[(EpochId, SealedEpochKey)]), slow;

    /// What is being replaced at this moment.
    ///
    /// # Errors
    /// [`VaultError::Locked`], `FileError::Disk`.
    pub fn rotations() -> Rotations;
}
