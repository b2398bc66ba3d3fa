//! What is done with mail: delivery, reading, import and export. The machines (`smtp`, `imap`) decide, the store does,
//! and this room stands between them: it knows both and neither socket nor clock of its own.

use std::sync::Arc;

use store::Store;
use terms::{Address, Clock, Entropy, Secret};
use vault::{SignedIn, Vault, VaultError};

pub mod delivery;
pub mod export;
pub mod import;
pub mod reading;
pub mod record;

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
}

impl Mailroom {
    /// Signs the owner of the address `user` in. What is no address, or nobody's, costs the same work and gives the same
    /// error as a wrong password, so that neither time nor words tell who has an account here.
    ///
    /// # Errors
    /// [`VaultError::WrongPassword`] for all three; the vault's own for a damaged key file.
    pub fn sign_in(&self, user: &str, password: &Secret<String>) -> Result<SignedIn, VaultError> {
        match user.parse::<Address>().ok().and_then(|address| self.store.account_of(&address)) {
            Some(account) => self.vault.sign_in(account, password),
            None => {
                self.vault.refuse_sign_in(password);
                Err(VaultError::WrongPassword)
            }
        }
    }
}
