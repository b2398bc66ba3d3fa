//! Accounts: creating, finding, watching.

use std::sync::Arc;

use terms::{AccountId, Address};
use vault::AccountPublicKey;

use crate::account::change::ChangeKind;
use crate::account::decide;
use crate::engine::accounts::{Account, AccountRecord, in_order};
use crate::engine::state::context;
use crate::engine::watch::Watch;
use crate::error::StoreError;
use crate::store::Store;
use crate::values::name::INBOX;

impl Store {
    /// Creates an account with an INBOX. Its mail is sealed to `public_key`.
    ///
    /// # Errors
    /// [`StoreError::AccountExists`], [`StoreError::AddressTaken`], [`StoreError::NoAddress`].
    pub fn create_account(
        &self,
        id: AccountId,
        addresses: &[Address],
        public_key: &AccountPublicKey,
        display_name: &str,
    ) -> Result<(), StoreError> {
        if addresses.is_empty() {
            return Err(StoreError::NoAddress);
        }
        // By a previous key, too: the line below knows only the current one.
        for address in addresses {
            if self.account_of(address)?.is_some() {
                return Err(StoreError::AddressTaken);
            }
        }
        let hashes = self.present_hashes(addresses)?;
        let record = AccountRecord {
            id,
            addresses: addresses.to_vec(),
            display_name: display_name.to_owned(),
            created: self.engine.clock.now(),
            public_key: *public_key,
            closed: false,
        };
        let profile = serde_json::to_vec(&record).map_err(|error| StoreError::CannotOpen(error.to_string()))?;
        let sealed = self.engine.vault.service_seal(&context::account(id), &profile);
        let sealed = sealed.map_err(|error| StoreError::vault(&error))?;
        self.run(sealed.len(), move |draft| {
            let twice = hashes.iter().enumerate().any(|(at, hash)| hashes[..at].contains(hash));
            if twice || hashes.iter().any(|hash| draft.address_is_taken(hash)) {
                return Err(StoreError::AddressTaken);
            }
            draft.create(id, hashes, sealed, |number| Account::new(number, record))?;
            let now = draft.now();
            let inbox = decide::create(draft.state(id)?, INBOX, None, now)?;
            draft.change(id, inbox, true)?;
            let subscription = ChangeKind::Subscribe { name: INBOX.to_owned(), subscribed: true };
            draft.change(id, subscription, true).map(|_| ())
        })
    }

    /// The keyed hashes of addresses by the current service key.
    fn present_hashes(&self, addresses: &[Address]) -> Result<Vec<[u8; 32]>, StoreError> {
        let canonical = addresses.iter().map(|address| address.canonical().into_bytes()).collect();
        self.engine.vault.service_hash_all(context::ADDRESS, canonical).map_err(|error| StoreError::vault(&error))
    }

    /// The account that has this address; `None` if none has.
    ///
    /// # Errors
    /// [`StoreError::VaultAway`]: then this cannot be known.
    pub fn account_of(&self, address: &Address) -> Result<Option<AccountId>, StoreError> {
        // While the service key is being replaced, some addresses are stored under the old key's hash.
        let hashes = self.hashes(address)?;
        let directory = self.engine.directory();
        Ok(hashes.iter().find_map(|hash| directory.by_address.get(hash)).copied())
    }

    /// One account.
    ///
    /// # Errors
    /// [`StoreError::NoSuchAccount`], [`StoreError::Damaged`] when its profile cannot be opened.
    pub fn account(&self, id: AccountId) -> Result<AccountRecord, StoreError> {
        Ok(self.engine.account(id)?.record())
    }

    /// The accounts whose profile cannot be opened, in the order in which they were created. Their mail is kept, their addresses stay
    /// taken, and every call for one of them returns [`StoreError::Damaged`]; all other accounts continue.
    pub fn quarantined_accounts(&self) -> Vec<AccountId> {
        in_order(&self.engine.directory().quarantined).iter().map(|account| account.record.id).collect()
    }

    /// Every account except the quarantined ones, in the order in which they were created.
    pub fn accounts(&self) -> Vec<AccountRecord> {
        in_order(&self.engine.directory().by_id).iter().map(|account| account.record()).collect()
    }

    /// Watches an account's changes from now on.
    ///
    /// # Errors
    /// [`StoreError::NoSuchAccount`], [`StoreError::Damaged`].
    pub fn watch(&self, id: AccountId) -> Result<Watch, StoreError> {
        let account = self.engine.account(id)?;
        let modseq = self.engine.seen(&account)?.modseq;
        Ok(Watch::new(Arc::clone(&account.bell), modseq))
    }
}
