//! `account close`: the ledger, what cases hold, the store, and the keys, in this order (docs/flows/close.md).
//!
//! The store's part locks the owner out, so a person who is interrupted after it could not ask again. The vault notes before it
//! that the owner is closing the account; a start that finds the note, and the running node each half minute, finish.

use std::sync::{PoisonError, TryLockError};

use serde::{Deserialize, Serialize};
use serde_json::json;
use store::StoreError;
use terms::{AccountId, CaseId, Digest, EpochId, UnixMillis};
use vault::{KeyAsk, SealedEpochKey};

use crate::error::OperationError;
use crate::keys::KeysError;
use crate::node::{Node, Note};
use crate::operation::{Operation, OwnerCredentials, Progress};

/// What each case holds of an account.
type Held = Vec<(CaseId, Vec<KeyAsk>)>;

/// Closes an account for its owner: nobody opens its mail any more.
#[derive(Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct CloseAccount {
    pub address: String,
    pub owner: OwnerCredentials,
}

/// An account is closed. What is said is the same whether a case holds mail of it or not (invariant 13).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountClosed {
    /// Its address.
    pub closed: String,
    /// The ledger's entry.
    pub entry: u64,
}

impl Operation for CloseAccount {
    type Target = Node;
    type Output = AccountClosed;
    type Error = OperationError;

    fn run(self, node: &Node, _: &mut dyn FnMut(Progress)) -> Result<AccountClosed, OperationError> {
        let entry = node.close_account(&self.address, &self.owner)?;
        Ok(AccountClosed { closed: self.address, entry })
    }
}

impl Node {
    fn close_account(&self, address: &str, owner: &OwnerCredentials) -> Result<u64, KeysError> {
        let (store, vault) = (&self.mailroom.store, &self.mailroom.vault);
        let owner = self.signed_in(address, owner)?;
        let account = owner.account();
        let _turn = self.closing.lock().unwrap_or_else(PoisonError::into_inner);
        let hash = vault.service_hash("ledger/account", &account.0)?;
        let entry = self.record("account-closed", json!({ "account": Digest(hash) }))?;
        let (held, epochs) = self.held_with_epochs(account)?;
        vault.begin_closing(&owner, &held, &epochs)?;
        // Nothing arrives any more; then what cases hold by now is sealed for them; then the keys go.
        store.close_account(account)?;
        let (held, epochs) = self.held_with_epochs(account)?;
        vault.close_account(&owner, &held, &epochs)?;
        self.drop_index_of_closed(account);
        Ok(entry)
    }

    /// Finishes what was interrupted. What does not work is said in the log, and tried again.
    pub fn finish_closings(&self) {
        let _turn = match self.closing.try_lock() {
            Ok(turn) => turn,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            // Somebody is closing one at this moment, and finishes it.
            Err(TryLockError::WouldBlock) => return,
        };
        for account in self.mailroom.vault.closings().unwrap_or_default() {
            match self.finish_closing(account) {
                Ok(()) => self.host.note(Note::ClosingFinished),
                Err(error) => self.host.note(Note::ClosingStands(error.to_string())),
            }
        }
    }

    fn finish_closing(&self, account: AccountId) -> Result<(), KeysError> {
        let (store, vault) = (&self.mailroom.store, &self.mailroom.vault);
        let held = match store.close_account(account) {
            Ok(()) => self.held(account)?,
            // Earlier rows, or those of another node: no case of this one holds anything of it.
            Err(StoreError::NoSuchAccount) => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        vault.finish_closing(account, &held)?;
        self.drop_index_of_closed(account);
        Ok(())
    }

    /// Nothing opens its index any more: what would stay is room on the disk, and no reason to say that it is open.
    fn drop_index_of_closed(&self, account: AccountId) {
        if let Err(error) = self.mailroom.store.derived_drop(account) {
            self.host.note(Note::IndexStays(error.to_string()));
        }
    }

    fn held_with_epochs(&self, account: AccountId) -> Result<(Held, Vec<(EpochId, SealedEpochKey)>), StoreError> {
        let held = self.held(account)?;
        let mut epochs: Vec<_> = held.iter().flat_map(|(_, asks)| asks.iter().map(|ask| ask.epoch)).collect();
        epochs.sort_unstable();
        epochs.dedup();
        let epochs = self.mailroom.store.epoch_keys(account, &epochs)?;
        Ok((held, epochs))
    }

    /// What each case holds of an account.
    fn held(&self, account: AccountId) -> Result<Held, StoreError> {
        let store = &self.mailroom.store;
        let cases = store.holds(account)?;
        let all = store.scope(account, UnixMillis(i64::MIN), UnixMillis(i64::MAX))?;
        cases
            .into_iter()
            .map(|(case, _)| {
                let held = store.held_by(case, account)?;
                let asks = all.iter().filter(|message| held.contains(&message.id)).map(|message| message.key_ask());
                Ok((case, asks.collect()))
            })
            .collect()
    }
}
