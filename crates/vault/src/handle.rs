//! The handle to an unlocked vault. It holds no secret; each call is a message to the keeper (`calls.rs` has the recipe for
//! a new one), which runs in the vault's process or, in tests, in this one.

mod accounts;
mod acts;
mod gate;
mod index;
mod keys;
mod officers;
mod secrets;
mod service;
mod sign_in;
mod signing;

pub use acts::BegunAct;

use std::fmt;
use std::sync::{Arc, RwLock};

use terms::{Clock, Jurisdiction};

use crate::calls::gate::Facts;
use crate::transport::Link;
use crate::{UnlockError, VaultError};

pub use gate::{VaultGate, VaultState};

pub use self::service::SealedSoon;
pub use self::sign_in::ScramExchange;

/// The handle to the keys of one node. Shared by all threads; every call may block, and those that take a password or
/// passphrase wait for Argon2id.
///
/// `Debug` prints the home only.
pub struct Vault {
    pub(crate) link: Link,
    home: Jurisdiction,
    verifier: RwLock<ledger::Verifier>,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Vault({})", self.home)
    }
}

impl Vault {
    /// The handle of a vault that is unlocked.
    fn unlocked(link: Link, clock: Arc<dyn Clock>) -> Result<Self, VaultError> {
        let Facts { home, log_origin, log_public_key } = link.about()?;
        let verifier = ledger::Verifier::new(&log_origin, log_public_key)
            .map_err(|_| VaultError::Unlock(UnlockError::LogOrigin))?;
        link.serves();
        Ok(Self { link, home, verifier: RwLock::new(verifier), clock })
    }

    pub(crate) fn link(&self) -> &Link {
        &self.link
    }

    /// Whether the vault is unlocked and there, as far as is known without asking it: its process runs, and no answer said
    /// that it is locked.
    pub fn is_serving(&self) -> bool {
        self.link.is_serving()
    }

    /// The home whose keys these are.
    pub fn home(&self) -> &Jurisdiction {
        &self.home
    }
}
