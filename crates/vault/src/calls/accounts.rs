//! Owners: their keys, and what their sessions open.

use terms::{AccountId, EpochId};

use super::calls;
use crate::VaultError;
use crate::crypto::Key32;
use crate::mail::epoch::{AccountPublicKey, SealedEpochKey};
use crate::mail::message::KeyAsk;
use crate::owners::sign_in::SessionId;

calls! {
    accounts for Vault;

    /// The public key of an account's pair.
    ///
    /// # Errors
    /// `OwnerError::NoSuchAccount`, `FileError::Damaged`, `FileError::Disk`.
    pub fn account_public_key(account: AccountId) -> AccountPublicKey;

    /// Closes a session. Closing it twice is not an error.
    raw fn close_session(session: SessionId), tell;

    /// Forgets the sign-ins that are no longer remembered, and folds what open sessions have opened into their accounts' rings.
    raw fn forget_stale_sign_ins(), tell;

    /// How much memory guesses at passwords have filled, in KiB.
    raw fn guessed_kib() -> u64;

    /// How many epochs were opened by X25519.
    raw fn epochs_opened() -> u64;

    /// The keys of messages in the session's account, in the order of `asks`.
    raw fn message_keys(session: SessionId, epochs: &[(EpochId, SealedEpochKey)], asks: &[KeyAsk]) -> Vec<Key32>;
}
