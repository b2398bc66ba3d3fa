//! The mailroom of one node, and who signs in to it.

use std::sync::Arc;

use store::{Store, StoreError};
use terms::{Address, Clock, Entropy, Secret};
use vault::{Attempt, Claim, Network, OwnerError, Scopes, SignedIn, Vault, VaultError};

use crate::index::worker::Indexes;
use crate::reading::LargeWork;

/// The mailroom of one node: what every server that handles mail needs. Cheap to clone.
#[derive(Clone)]
pub struct Mailroom {
    /// The sealed mail of this home.
    pub store: Arc<Store>,
    /// Keys, and proofs that a caller may use them.
    pub vault: Arc<Vault>,
    /// The node's clock.
    pub clock: Arc<dyn Clock>,
    /// The node's source of randomness.
    pub entropy: Arc<dyn Entropy>,
    /// The name in this node's greetings and trace headers (RFC 5321 section 4.1.3), e.g. `mail.ie.example`.
    pub hostname: Arc<str>,
    /// The indexes of the owners who are signed in.
    pub index: Indexes,
    /// The large messages that are open for owners.
    pub large: LargeWork,
}

impl Mailroom {
    /// Resolves `user` to the owner of an address, or to nobody.
    ///
    /// # Errors
    /// [`VaultError::Away`] while this cannot be known.
    pub fn claim(&self, user: &str) -> Result<Claim, VaultError> {
        Ok(match user.parse::<Address>() {
            // The store knows whose address it is unless the vault is unavailable.
            Ok(address) => match self.store.open_account_of(&address).or_else(|error| match error {
                // Only a person who proves to be its owner is told; others learn no more than about any other account.
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

    /// Signs the owner of the address `user` in, for `scope` and from `network`. An invalid or unknown address costs the
    /// same work and gives the same error as a wrong password, so that neither time nor text reveals who has an account here.
    /// `code`: for the owner's pages and for the command line, if two-factor authentication is on.
    ///
    /// # Errors
    /// `OwnerError::WrongPassword` for all of them; `OwnerError::SlowDown` after too many guesses, at whichever
    /// account; the vault's own for a damaged key file.
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
