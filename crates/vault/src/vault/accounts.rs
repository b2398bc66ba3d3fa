//! Owners, as the rest of the node has them.

use terms::{AccountId, EpochId, Secret};

use super::Vault;
use crate::VaultError;
use crate::calls::accounts;
use crate::epoch::{AccountPublicKey, SealedEpochKey};
use crate::message::{KeyAsk, MessageKey};
use crate::sign_in::SignedIn;

/// Accounts and their owners.
impl Vault {
    /// Makes the keys of a new account in `strict` custody: its private half opens by `password`, or by two officers
    /// together. Durable when it returns.
    ///
    /// # Errors
    /// [`VaultError::AccountExists`], [`VaultError::EmptyPassphrase`], [`VaultError::Disk`].
    pub fn create_account(
        &self,
        account: AccountId,
        password: &Secret<String>,
    ) -> Result<AccountPublicKey, VaultError> {
        self.link.call(accounts::Create { account, password: password.clone() })
    }

    /// The public half of an account's pair.
    ///
    /// # Errors
    /// [`VaultError::NoSuchAccount`], [`VaultError::Damaged`], [`VaultError::Disk`].
    pub fn account_public_key(&self, account: AccountId) -> Result<AccountPublicKey, VaultError> {
        self.link.call(accounts::PublicKey { account })
    }

    /// Wraps the private half under another password. Durable when it returns; the old password signs nobody in from
    /// then on. Sessions that are open go on.
    ///
    /// # Errors
    /// [`VaultError::WrongPassword`], [`VaultError::EmptyPassphrase`], [`VaultError::NoSuchAccount`],
    /// [`VaultError::Damaged`], [`VaultError::Disk`].
    pub fn change_password(
        &self,
        account: AccountId,
        old: &Secret<String>,
        new: &Secret<String>,
    ) -> Result<(), VaultError> {
        self.link.call(accounts::ChangePassword { account, old: old.clone(), new: new.clone() })
    }

    /// Signs an owner in. Computes Argon2id, unless the same account and password did so in the last
    /// [`REMEMBERED_MILLIS`](crate::REMEMBERED_MILLIS).
    ///
    /// # Errors
    /// [`VaultError::WrongPassword`]; [`VaultError::NoSuchAccount`] after the same work; [`VaultError::Damaged`],
    /// [`VaultError::Disk`].
    pub fn sign_in(&self, account: AccountId, password: &Secret<String>) -> Result<SignedIn, VaultError> {
        let session = self.link.call(accounts::SignIn { account, password: password.clone() })?;
        Ok(SignedIn::new(account, session, self.link.clone()))
    }

    /// Forgets the sign-ins that are remembered no longer, and with the last session of an owner the owner's key. A
    /// sign-in does the same; call this each minute, so that a quiet node keeps no keys.
    pub fn forget_stale_sign_ins(&self) {
        self.link.tell(accounts::ForgetStale {});
    }

    /// How much memory guesses at passwords and passphrases have filled since this vault was opened, in KiB: what a crowd of
    /// guessers costs the node.
    pub fn guessed_kib(&self) -> u64 {
        self.link.call(accounts::GuessedKib {}).unwrap_or_default()
    }

    /// Does the work of a sign-in that fails, for an address that is no account here: nobody learns from the time it
    /// takes which addresses exist.
    pub fn refuse_sign_in(&self, password: &Secret<String>) {
        self.link.tell(accounts::RefuseSignIn { password: password.clone() });
    }

    /// The keys of messages in the owner's own account, in the order of `asks`. `epochs` holds the sealed keys of the
    /// epochs that this session has not opened yet; more do no harm.
    ///
    /// # Errors
    /// [`VaultError::NoEpochKey`], [`VaultError::EpochDoesNotOpen`], [`VaultError::SessionOver`].
    pub fn message_keys(
        &self,
        signed_in: &SignedIn,
        epochs: &[(EpochId, SealedEpochKey)],
        asks: &[KeyAsk],
    ) -> Result<Vec<MessageKey>, VaultError> {
        let (session, account) = (signed_in.session(), signed_in.account());
        let keys = self.link.call(accounts::MessageKeys { session, epochs: epochs.to_vec(), asks: asks.to_vec() })?;
        if keys.len() != asks.len() {
            return Err(VaultError::Garbled);
        }
        Ok(asks.iter().zip(keys).map(|(ask, key)| MessageKey::from_parts(account, *ask, key)).collect())
    }
}
