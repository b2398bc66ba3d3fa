//! An owner's secrets, from this machine.

use terms::{AccountId, Secret};

use super::Vault;
use crate::VaultError;
use crate::mail::epoch::AccountPublicKey;
use crate::owners::custody::Custody;
use crate::owners::network::Network;
use crate::owners::scopes::Scopes;
use crate::owners::secrets::{Attempt, Claim};

/// Custody and secrets.
impl Vault {
    /// Makes the keys of a new account in `strict` custody. Durable when it returns.
    ///
    /// # Errors
    /// As [`create_account_in`](Self::create_account_in).
    pub fn create_account(
        &self,
        account: AccountId,
        password: &Secret<String>,
    ) -> Result<AccountPublicKey, VaultError> {
        self.create_account_in(account, Custody::Strict, password).map(|(public, _)| public)
    }

    /// [`recover_as`](Self::recover_as), from this machine.
    ///
    /// # Errors
    /// As [`recover_as`](Self::recover_as).
    pub fn recover(&self, account: AccountId, code: &Secret<String>, new: &Secret<String>) -> Result<(), VaultError> {
        let attempt = Attempt { claim: Claim::Account(account), scope: Scopes::PAGES, network: Network::HERE };
        self.recover_as(&attempt, code, new)
    }
}
