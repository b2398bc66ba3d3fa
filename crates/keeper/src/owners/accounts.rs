//! Owners: their keys, and what their sessions open.

use std::sync::atomic::Ordering;

use terms::{AccountId, EpochId};
use vault::{AccountPublicKey, KeyAsk, OwnerError, SealedEpochKey, SessionId, VaultError, calls};

use crate::account::AccountKeys;
use crate::crypto::Key32;
use crate::files::account_file;
use crate::keeper::Keeper;
use crate::owners::seen;
use crate::owners::sessions::Rings;

impl calls::accounts::Calls for Keeper {
    fn account_public_key(&self, account: AccountId) -> Result<AccountPublicKey, VaultError> {
        Ok(AccountPublicKey(self.account_keys(account)?.public()))
    }

    fn close_session(&self, session: SessionId) -> Result<(), VaultError> {
        if let Some(session) = self.sessions.take(session) {
            session.fold(&self.rings());
        }
        Ok(())
    }

    fn forget_stale_sign_ins(&self) -> Result<(), VaultError> {
        let now = self.clock.now();
        self.remembered.forget_stale(now);
        self.forget_stale_acts(now);
        self.lanes.rest();
        for session in self.sessions.every() {
            session.fold(&self.rings());
        }
        // What was noted of sign-ins goes after a week, also of those who do not sign in any more.
        if self.door.new_day(now) {
            let _ = seen::forget_old(&self.folder, &self.own, now, &*self.entropy);
        }
        Ok(())
    }

    fn guessed_kib(&self) -> Result<u64, VaultError> {
        Ok(self.lanes.filled_kib())
    }

    fn message_keys(
        &self,
        session: SessionId,
        epochs: &[(EpochId, SealedEpochKey)],
        asks: &[KeyAsk],
    ) -> Result<Vec<Key32>, VaultError> {
        self.sessions.find(session)?.message_keys(&self.rings(), epochs, asks)
    }

    fn epochs_opened(&self) -> Result<u64, VaultError> {
        Ok(self.epochs_opened.load(Ordering::Relaxed))
    }
}

impl calls::index::Calls for Keeper {
    fn index_key_of(&self, session: SessionId) -> Result<Key32, VaultError> {
        self.sessions.find(session)?.index_key()
    }
}

impl Keeper {
    pub(crate) fn account_keys(&self, account: AccountId) -> Result<AccountKeys, VaultError> {
        let bytes = self.folder.read_checked(&self.own, &account_file(account))?;
        AccountKeys::from_bytes(account, &bytes.ok_or(VaultError::Owner(OwnerError::NoSuchAccount(account)))?)
    }

    pub(crate) fn rings(&self) -> Rings<'_> {
        Rings { folder: &self.folder, entropy: &*self.entropy, opened: &self.epochs_opened }
    }
}
