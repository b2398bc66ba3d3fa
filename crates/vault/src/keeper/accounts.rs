//! Owners: their keys, and what their sessions open.

use std::sync::atomic::Ordering;

use terms::{AccountId, EpochId};

use super::Keeper;
use super::sessions::{Rings, SessionId};
use crate::VaultError;
use crate::account::AccountKeys;
use crate::crypto::Key32;
use crate::epoch::{AccountPublicKey, SealedEpochKey};
use crate::folder::account_file;
use crate::message::KeyAsk;
use crate::seen;

impl Keeper {
    /// The public half of an account's pair.
    ///
    /// # Errors
    /// [`VaultError::NoSuchAccount`], [`VaultError::Damaged`], [`VaultError::Disk`].
    pub(crate) fn account_public_key(&self, account: AccountId) -> Result<AccountPublicKey, VaultError> {
        Ok(AccountPublicKey(self.account_keys(account)?.public()))
    }

    /// Closes a session. One that is closed already is no error.
    pub(crate) fn close_session(&self, session: SessionId) {
        if let Some(session) = self.sessions.take(session) {
            session.fold(&self.rings());
        }
    }

    /// Forgets the sign-ins that are remembered no longer, and with the last session of an owner the owner's key. A
    /// sign-in does the same; call this each minute, so that a quiet node keeps no keys. Folds what open sessions have
    /// opened meanwhile into their accounts' rings.
    pub(crate) fn forget_stale_sign_ins(&self) {
        let now = self.clock.now();
        self.remembered.forget_stale(now);
        self.forget_stale_acts(now);
        for session in self.sessions.every() {
            session.fold(&self.rings());
        }
        // What was noted of sign-ins goes after a week, also of those who do not sign in any more.
        if self.door.new_day(now) {
            let _ = seen::forget_old(&self.folder, &self.own, now, &*self.entropy);
        }
    }

    /// How much memory guesses at passwords and passphrases have filled since this vault was opened, in KiB: what a crowd of
    /// guessers costs the node.
    pub(crate) fn guessed_kib(&self) -> u64 {
        self.lanes.filled_kib()
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
        self.sessions.find(session)?.message_keys(&self.rings(), epochs, asks)
    }

    /// How many epochs were opened by X25519, not from a ring.
    pub(crate) fn epochs_opened(&self) -> u64 {
        self.epochs_opened.load(Ordering::Relaxed)
    }

    pub(super) fn rings(&self) -> Rings<'_> {
        Rings { folder: &self.folder, entropy: &*self.entropy, opened: &self.epochs_opened }
    }

    /// The key of the index of the session's account.
    pub(crate) fn index_key(&self, session: SessionId) -> Result<Key32, VaultError> {
        self.sessions.find(session)?.index_key()
    }
}
