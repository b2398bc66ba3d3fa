//! The mailroom of one node, and who signs in to it.

use std::sync::Arc;

use store::{Store, StoreError};
use terms::{Address, Clock, Entropy, Secret};
use vault::{Attempt, Claim, Network, OwnerError, Scopes, SignedIn, Vault, VaultError};

use crate::index::worker::Indexes;

/// The mailroom of one node: what every door that moves mail needs. Cheap to clone.
#[derive(Clone)]
pub struct Mailroom {
    /// The sealed mail of this home.
    pub store: Arc<Store>,
    /// Keys and proofs of right.
    pub vault: Arc<Vault>,
    /// The node's clock.
    pub clock: Arc<dyn Clock>,
    /// The node's source of chance.
    pub entropy: Arc<dyn Entropy>,
    /// The name by which this node greets and stamps (RFC 5321 section 4.1.3), e.g. `mail.ie.example`.
    pub hostname: Arc<str>,
    /// The indexes of the owners who are signed in.
    pub index: Indexes,
}

impl Mailroom {
    /// Whom `user` names: the owner of an address, or nobody.
    ///
    /// # Errors
    /// [`VaultError::Away`] while nobody can say.
    pub fn claim(&self, user: &str) -> Result<Claim, VaultError> {
        Ok(match user.parse::<Address>() {
            // The store knows whose an address is unless the vault is away.
            Ok(address) => match self.store.open_account_of(&address).or_else(|error| match error {
                // Whoever proves to be its owner is told; nobody else is told more than of any other account.
                StoreError::Damaged(_) => self.store.account_of(&address),
                error => Err(error),
            }) {
                Ok(Some(account)) => Claim::Account(account),
                Ok(None) => Claim::Nobody(address.canonical()),
                Err(_) => return Err(VaultError::Away),
            },
            Err(_) => Claim::Nobody(user.to_lowercase()),
        })
    }

    /// Signs the owner of the address `user` in, for `scope` and from `network`. What is no address, or nobody's, costs the
    /// same work and gives the same error as a wrong password, so that neither time nor words tell who has an account here.
    /// `code`: for the owner's pages and for the command line, where codes are on.
    ///
    /// # Errors
    /// `OwnerError::WrongPassword` for all of them; `OwnerError::SlowDown` after too many guesses, whoever is guessed
    /// at; the vault's own for a damaged key file.
    pub fn sign_in(
        &self,
        user: &str,
        password: &Secret<String>,
        code: Option<&Secret<String>>,
        scope: Scopes,
        network: Network,
    ) -> Result<SignedIn, VaultError> {
        let attempt = Attempt { claim: self.claim(user)?, scope, network };
        self.vault.sign_in_as(&attempt, password, code).map_err(|error| match error {
            VaultError::Owner(OwnerError::NoSuchAccount(_)) => VaultError::Owner(OwnerError::WrongPassword),
            error => error,
        })
    }
}
