//! Owners: their keys, their passwords, their sign-ins.

use std::sync::{Arc, PoisonError};

use terms::{AccountId, EpochId, Secret};

use super::sessions::{Session, SessionId};
use super::{Keeper, not_empty};
use crate::VaultError;
use crate::account::{self, AccountKeys};
use crate::crypto::Key32;
use crate::epoch::{AccountPublicKey, SealedEpochKey};
use crate::folder::account_file;
use crate::message::KeyAsk;

impl Keeper {
    /// Makes the keys of a new account in `strict` custody: its private half opens by `password`, or by two officers
    /// together. Durable when it returns.
    ///
    /// # Errors
    /// [`VaultError::AccountExists`], [`VaultError::EmptyPassphrase`], [`VaultError::Disk`].
    pub(crate) fn create_account(
        &self,
        account: AccountId,
        password: &Secret<String>,
    ) -> Result<AccountPublicKey, VaultError> {
        not_empty(password)?;
        let file = account_file(account);
        if self.folder.exists(&file) {
            return Err(VaultError::AccountExists(account));
        }
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let keys = AccountKeys::create_strict(account, password, &self.roster().escrow, self.stretch())?;
        if self.folder.exists(&file) {
            return Err(VaultError::AccountExists(account));
        }
        self.folder.write_checked(&self.own, &file, keys.to_bytes())?;
        Ok(AccountPublicKey(keys.public()))
    }

    /// The public half of an account's pair.
    ///
    /// # Errors
    /// [`VaultError::NoSuchAccount`], [`VaultError::Damaged`], [`VaultError::Disk`].
    pub(crate) fn account_public_key(&self, account: AccountId) -> Result<AccountPublicKey, VaultError> {
        Ok(AccountPublicKey(self.account_keys(account)?.public()))
    }

    /// Wraps the private half under another password. Durable when it returns; the old password signs nobody in from
    /// then on. Sessions that are open go on.
    ///
    /// # Errors
    /// [`VaultError::WrongPassword`], [`VaultError::EmptyPassphrase`], [`VaultError::NoSuchAccount`],
    /// [`VaultError::Damaged`], [`VaultError::Disk`].
    pub(crate) fn change_password(
        &self,
        account: AccountId,
        old: &Secret<String>,
        new: &Secret<String>,
    ) -> Result<(), VaultError> {
        not_empty(new)?;
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let keys = self.account_keys(account)?.rewrap(old, new, self.stretch())?;
        let written = self.folder.write_checked(&self.own, &account_file(account), keys.to_bytes());
        // After an error the new file may stand: forget in any case.
        self.remembered.forget(account);
        written
    }

    /// Signs an owner in; the session is open until [`close_session`](Keeper::close_session).
    pub(crate) fn sign_in(&self, account: AccountId, password: &Secret<String>) -> Result<SessionId, VaultError> {
        let session = self.session_by_password(account, password)?;
        Ok(self.sessions.keep(session, self.remembered.new_id()))
    }

    fn session_by_password(&self, account: AccountId, password: &Secret<String>) -> Result<Arc<Session>, VaultError> {
        let mark = self.remembered.mark(account, password);
        let began = match self.remembered.recall(mark, self.clock.now()) {
            Ok(session) => return Ok(session),
            Err(began) => began,
        };
        let keys = match self.account_keys(account) {
            Ok(keys) => keys,
            Err(error @ VaultError::NoSuchAccount(_)) => {
                self.try_on_decoy(account, password);
                return Err(error);
            }
            Err(error) => return Err(error),
        };
        let private = keys.open_by_password(password, &self.lanes)?;
        let session = Arc::new(Session::new(account, private));
        self.remembered.remember(mark, &session, began, self.clock.now());
        Ok(session)
    }

    /// Closes a session. One that is closed already is no error.
    pub(crate) fn close_session(&self, session: SessionId) {
        self.sessions.take(session);
    }

    /// Forgets the sign-ins that are remembered no longer, and with the last session of an owner the owner's key. A
    /// sign-in does the same; call this each minute, so that a quiet node keeps no keys.
    pub(crate) fn forget_stale_sign_ins(&self) {
        self.remembered.forget_stale(self.clock.now());
    }

    /// How much memory guesses at passwords and passphrases have filled since this vault was opened, in KiB: what a crowd of
    /// guessers costs the node.
    pub(crate) fn guessed_kib(&self) -> u64 {
        self.lanes.filled_kib()
    }

    /// Does the work of a sign-in that fails, for an address that is no account here: nobody learns from the time it
    /// takes which addresses exist.
    pub(crate) fn refuse_sign_in(&self, password: &Secret<String>) {
        let nobody = AccountId([0; 16]);
        let mark = self.remembered.mark(nobody, password);
        let _ = self.remembered.recall(mark, self.clock.now());
        let _ = self.account_keys(nobody);
        self.try_on_decoy(nobody, password);
    }

    fn try_on_decoy(&self, account: AccountId, password: &Secret<String>) {
        let context = account::password_context(account, &[0; 32]);
        let _ = self.decoy.open(password, &context, &self.lanes);
    }

    pub(crate) fn account_keys(&self, account: AccountId) -> Result<AccountKeys, VaultError> {
        let bytes = self.folder.read_checked(&self.own, &account_file(account))?;
        AccountKeys::from_bytes(account, &bytes.ok_or(VaultError::NoSuchAccount(account))?)
    }

    /// The keys of messages in the session's account, in the order of `asks`.
    pub(crate) fn message_keys(
        &self,
        session: SessionId,
        epochs: &[(EpochId, SealedEpochKey)],
        asks: &[KeyAsk],
    ) -> Result<Vec<Key32>, VaultError> {
        self.sessions.find(session)?.message_keys(epochs, asks)
    }
}
