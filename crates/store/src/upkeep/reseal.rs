//! Sealing the rows again after the service key was replaced, account by account, while mail service continues; and closing an
//! account.
//!
//! An account's log and blocks are written as one new snapshot, which is what a fold does anyway, together with its profile and
//! the keyed hashes of its addresses. Which key sealed a row is in the row's second byte, so the rows themselves say what remains to
//! be done, and an interruption does no harm.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use terms::{AccountId, Address};

use crate::encoding::blocks;
use crate::engine::accounts::{Account, AccountRecord};
use crate::engine::snapshotter::sealed_snapshot;
use crate::engine::state::context;
use crate::error::StoreError;
use crate::rows::Write;
use crate::store::Store;

/// An address's hash under an older key, and under the current one.
type Rehash = ([u8; 32], [u8; 32]);

impl Store {
    /// Accounts with a row that was sealed by a service key with another number.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when the rows cannot be read.
    pub fn stale_accounts(&self, generation: u8) -> Result<Vec<AccountId>, StoreError> {
        let numbers = self.engine.reader().stale(generation).map_err(|error| StoreError::reading(&error))?;
        // Quarantined accounts count: the key that sealed their rows must be kept.
        let every = self.engine.directory().every();
        let stale = every.iter().filter(|account| numbers.contains(&account.number));
        Ok(stale.map(|account| account.record.id).collect())
    }

    /// Seals every row of an account under the current service key. Durable when it returns. While it runs, the account works
    /// as before. `false` when it was busy: call it again.
    ///
    /// # Errors
    /// [`StoreError::NoSuchAccount`], [`StoreError::Damaged`], and those of writing.
    pub fn reseal_account(&self, id: AccountId) -> Result<bool, StoreError> {
        let account = self.engine.account(id)?;
        if account.folding.swap(true, Ordering::SeqCst) {
            return Ok(false);
        }
        let resealed = self.rewrite(&account);
        account.folding.store(false, Ordering::SeqCst);
        resealed
    }

    fn rewrite(&self, account: &Arc<Account>) -> Result<bool, StoreError> {
        let engine = &self.engine;
        let id = account.record.id;
        let state = engine.seen(account)?;
        let (baseline, seq) = (account.folded.load(Ordering::SeqCst), state.seq);
        // All of them: nothing changed before change 0.
        let (blocks, sealed) = sealed_snapshot(engine, id, &state, 0)?;
        let kept = blocks::block_keys(&state);
        let on_disk = engine.reader().block_keys(account.number).map_err(|error| StoreError::reading(&error))?;
        let gone = on_disk.into_iter().filter(|key| !kept.contains(key)).collect();
        let snapshot = Write::Snapshot { account: account.number, seq, sealed, blocks, gone };
        let _turn = account.profile.lock().unwrap_or_else(PoisonError::into_inner);
        let profile = self.profile(account, account.closed.load(Ordering::SeqCst))?;
        let hashes = self.rehashed(account)?;
        let (planned, rehash) = (Arc::clone(account), hashes.clone());
        let written = self.run(0, move |draft| {
            if !draft.fold(&planned, baseline, snapshot) {
                return Ok(false);
            }
            draft.write(Write::Profile { account: planned.number, sealed: profile });
            for (old, new) in rehash {
                draft.write(Write::Rehash { old, new });
            }
            Ok(true)
        })?;
        if written {
            account.folded.store(seq, Ordering::SeqCst);
            let mut directory = engine.directory_mut();
            for (old, new) in hashes {
                directory.by_address.remove(&old);
                directory.by_address.insert(new, id);
            }
        }
        Ok(written)
    }

    /// Each address's hash as the rows have it and under the current key, where they differ.
    fn rehashed(&self, account: &Account) -> Result<Vec<Rehash>, StoreError> {
        let mut changed = Vec::new();
        for address in &account.record.addresses {
            let hashes = self.hashes(address)?;
            let directory = self.engine.directory();
            let known = hashes.iter().find(|hash| directory.by_address.contains_key(*hash));
            if let (Some(old), Some(new)) = (known, hashes.first())
                && old != new
            {
                changed.push((*old, *new));
            }
        }
        Ok(changed)
    }

    /// The sealed profile of an account.
    fn profile(&self, account: &Account, closed: bool) -> Result<Vec<u8>, StoreError> {
        let mut record = account.record();
        record.closed |= closed;
        self.sealed_profile(record)
    }

    pub(crate) fn sealed_profile(&self, record: AccountRecord) -> Result<Vec<u8>, StoreError> {
        let profile = serde_json::to_vec(&record).map_err(|error| StoreError::CannotOpen(error.to_string()))?;
        let sealed = self.engine.vault.service_seal(&context::account(record.id), &profile);
        sealed.map_err(|error| StoreError::vault(&error))
    }

    /// The hashes of an address under every service key, the current one first.
    pub(crate) fn hashes(&self, address: &Address) -> Result<Vec<[u8; 32]>, StoreError> {
        let hashes = self.engine.vault.service_hashes(context::ADDRESS, address.canonical().as_bytes());
        hashes.map_err(|error| StoreError::vault(&error))
    }

    /// Closes an account: it receives nothing from then on, and its addresses stay taken. Durable when it returns. Its rows
    /// and sealed mail stay, for what cases hold; whether any of it can be opened is up to the vault.
    ///
    /// # Errors
    /// [`StoreError::NoSuchAccount`], and those of writing.
    pub fn close_account(&self, id: AccountId) -> Result<(), StoreError> {
        let account = self.engine.account(id)?;
        let _turn = account.profile.lock().unwrap_or_else(PoisonError::into_inner);
        let (number, sealed) = (account.number, self.profile(&account, true)?);
        self.run(sealed.len(), move |draft| {
            draft.write(Write::Profile { account: number, sealed });
            Ok(())
        })?;
        account.closed.store(true, Ordering::SeqCst);
        Ok(())
    }

    /// Whether the account was closed.
    ///
    /// # Errors
    /// [`StoreError::NoSuchAccount`], [`StoreError::Damaged`] when this cannot be known.
    pub fn is_closed(&self, id: AccountId) -> Result<bool, StoreError> {
        Ok(self.engine.account(id)?.closed.load(Ordering::SeqCst))
    }

    /// The account that has this address, unless it was closed.
    ///
    /// # Errors
    /// [`StoreError::VaultAway`]: then this cannot be known. [`StoreError::Damaged`]: the account is quarantined
    /// ([`quarantined_accounts`](Self::quarantined_accounts)).
    pub fn open_account_of(&self, address: &Address) -> Result<Option<AccountId>, StoreError> {
        let account = self.account_of(address)?;
        account.map_or(Ok(None), |id| self.unless_closed(id))
    }

    fn unless_closed(&self, id: AccountId) -> Result<Option<AccountId>, StoreError> {
        let closed = self.is_closed(id)?;
        Ok(Some(id).filter(|_| !closed))
    }

    /// As [`open_account_of`](Self::open_account_of), for incoming mail: for an address of a local account the vault is not
    /// called, only its state is checked. Not for a sign-in, where the time saved would reveal who has an account.
    ///
    /// # Errors
    /// [`StoreError::VaultAway`], [`StoreError::Damaged`].
    pub fn receiver_of(&self, address: &Address) -> Result<Option<AccountId>, StoreError> {
        self.known_receiver_of(address).unwrap_or_else(|| self.open_account_of(address))
    }

    /// As [`receiver_of`](Self::receiver_of), from memory alone; `None` when the vault has to be asked.
    pub fn known_receiver_of(&self, address: &Address) -> Option<Result<Option<AccountId>, StoreError>> {
        let known = self.engine.directory().by_name.get(&address.canonical()).copied();
        known.filter(|_| self.engine.vault.is_serving()).map(|id| self.unless_closed(id))
    }
}
