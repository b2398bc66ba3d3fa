//! `account close`: the ledger, what cases hold, the store, and the keys, in this order (docs/flows/close.md).
//!
//! The store's part shuts the owner out, so whoever is interrupted behind it could not ask again. The vault notes before it
//! that the owner is closing the account; a start that finds the note, and the running node each half minute, finish.

use std::process::ExitCode;
use std::sync::{PoisonError, TryLockError};

use doors::control::keys::KeysRequest;
use doors::control::{Outcome, Request, Shown};
use serde_json::json;
use store::StoreError;
use terms::{AccountId, CaseId, Digest, EpochId, Secret, UnixMillis};
use vault::{KeyAsk, Network, Scopes, SealedEpochKey, VaultError};

use crate::cli::NodeChoice;
use crate::client::ask;
use crate::node::Node;
use crate::owner;

/// What each case holds of an account.
type Held = Vec<(CaseId, Vec<KeyAsk>)>;

/// `account close`
pub(crate) fn close_account(address: &str, node: &NodeChoice) -> Result<ExitCode, String> {
    let Shown { password, code } = owner::shown(node, address)?;
    ask(node, Request::Keys(KeysRequest::CloseAccount { address: address.to_owned(), password, code }))
}

impl Node {
    /// Closes an account for its owner. What is said is the same whether a case holds mail of it or not (invariant 13).
    pub(crate) fn close_account(
        &self,
        address: &str,
        password: &Secret<String>,
        code: Option<&Secret<String>>,
    ) -> Result<Outcome, String> {
        let said = |error: VaultError| error.to_string();
        let failed = |error: StoreError| error.to_string();
        let (store, vault) = (&self.mailroom.store, &self.mailroom.vault);
        let owner = self.mailroom.sign_in(address, password, code, Scopes::PAGES, Network::HERE).map_err(said)?;
        let account = owner.account();
        let _turn = self.closing.lock().unwrap_or_else(PoisonError::into_inner);
        let hash = vault.service_hash("ledger/account", &account.0).map_err(said)?;
        let entry = self.record("account-closed", json!({ "account": Digest(hash) }))?;
        let (held, epochs) = self.held_with_epochs(account).map_err(failed)?;
        vault.begin_closing(&owner, &held, &epochs).map_err(said)?;
        // Nothing arrives any more; then what cases hold by now is sealed for them; then the keys go.
        store.close_account(account).map_err(failed)?;
        let (held, epochs) = self.held_with_epochs(account).map_err(failed)?;
        vault.close_account(&owner, &held, &epochs).map_err(said)?;
        self.drop_index_of_closed(account);
        let text = format!(
            "{address} is closed. Nobody opens its mail on this node from now on; backups of its keys open nothing when \
             their days' keys are destroyed. The law may require copies that may not be mentioned here.\nLedger entry {entry}."
        );
        Ok(Outcome { text, data: json!({ "closed": address, "entry": entry }) })
    }

    /// Finishes what was interrupted. What does not work is said in the log, and tried again.
    pub(crate) fn finish_closings(&self) {
        let _turn = match self.closing.try_lock() {
            Ok(turn) => turn,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            // Somebody is closing one at this moment, and finishes it.
            Err(TryLockError::WouldBlock) => return,
        };
        for account in self.mailroom.vault.closings().unwrap_or_default() {
            match self.finish_closing(account) {
                Ok(()) => tracing::info!("the interrupted closing of an account is finished"),
                Err(error) => tracing::error!("the closing of an account stands: {error}"),
            }
        }
    }

    fn finish_closing(&self, account: AccountId) -> Result<(), String> {
        let (store, vault) = (&self.mailroom.store, &self.mailroom.vault);
        let failed = |error: StoreError| error.to_string();
        let held = match store.close_account(account) {
            Ok(()) => self.held(account).map_err(failed)?,
            // Rows of before, or of another node: no case of this one holds anything of it.
            Err(StoreError::NoSuchAccount) => Vec::new(),
            Err(error) => return Err(failed(error)),
        };
        vault.finish_closing(account, &held).map_err(|error| error.to_string())?;
        self.drop_index_of_closed(account);
        Ok(())
    }

    /// Nothing opens its index any more: what would stay is room on the disk, and no reason to say that it is open.
    fn drop_index_of_closed(&self, account: AccountId) {
        if let Err(error) = self.mailroom.store.derived_drop(account) {
            tracing::warn!("the index of a closed account could not be removed: {error}");
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
