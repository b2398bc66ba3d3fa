//! The vault as the rest of the node has it: a handle. It holds no secret; each call is a message to the keeper
//! (`calls.rs` has the recipe for a new one), who is in the vault's process or, in tests, in this one.

mod accounts;
mod acts;
mod gate;
mod index;
mod keys;
mod officers;
mod pairs;
mod secrets;
mod service;
mod sign_in;
mod signing;

pub use acts::BegunAct;

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, RwLock};

use durable::Disk;
use terms::{Clock, Entropy, Jurisdiction, OfficerName, Secret};

use crate::VaultError;
use crate::calls::room;
use crate::crypto::CostProfile;
use crate::keeper::Founding;
use crate::link::Link;

pub use gate::{VaultGate, VaultState};

pub use self::service::SealedSoon;
pub use self::sign_in::ScramExchange;

/// The way to the keys of one node. Shared by all threads; every call may block, and those that take a password or
/// passphrase wait for Argon2id.
///
/// `Debug` prints the home only.
pub struct Vault {
    link: Link,
    home: Jurisdiction,
    verifier: RwLock<ledger::Verifier>,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Vault({})", self.home)
    }
}

/// Making and opening a vault.
impl Vault {
    /// Makes the vault of a new node in `dir`, with 2 to 9 officers, each with an own passphrase, at
    /// [`CostProfile::OWASP`]. `log_origin` names the node's log.
    ///
    /// Everything is durable when it returns. A folder in which this was interrupted holds no vault yet, and it can be
    /// called again.
    ///
    /// # Errors
    /// [`VaultError::AlreadyThere`], [`VaultError::OfficerRoster`], [`VaultError::LogOrigin`],
    /// [`VaultError::EmptyPassphrase`], [`VaultError::Disk`].
    #[expect(clippy::too_many_arguments, reason = "a node is made once, and each of these is a decision")]
    pub fn create(
        disk: Arc<dyn Disk>,
        dir: PathBuf,
        home: Jurisdiction,
        log_origin: String,
        passphrase: &Secret<String>,
        officers: Vec<(OfficerName, Secret<String>)>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, VaultError> {
        let cost = CostProfile::OWASP;
        Self::create_at_cost(disk, dir, home, log_origin, passphrase, officers, clock, entropy, cost)
    }

    /// As [`create`](Self::create), at another cost of guessing.
    #[expect(clippy::too_many_arguments, reason = "a node is made once, and each of these is a decision")]
    pub fn create_at_cost(
        disk: Arc<dyn Disk>,
        dir: PathBuf,
        home: Jurisdiction,
        log_origin: String,
        passphrase: &Secret<String>,
        officers: Vec<(OfficerName, Secret<String>)>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        cost: CostProfile,
    ) -> Result<Self, VaultError> {
        let gate = VaultGate::here(disk, dir, clock, entropy);
        gate.create(Founding { home, log_origin, passphrase: passphrase.clone(), officers, cost })
    }

    /// Opens the vault in `dir` with the node's passphrase, at [`CostProfile::OWASP`] for what is sealed from now on, and
    /// removes the clearances whose time is over.
    ///
    /// # Errors
    /// [`VaultError::NotAVault`], [`VaultError::WrongPassphrase`], [`VaultError::Damaged`],
    /// [`VaultError::UnknownFormat`], [`VaultError::Disk`].
    pub fn open(
        disk: Arc<dyn Disk>,
        dir: PathBuf,
        passphrase: &Secret<String>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, VaultError> {
        Self::open_at_cost(disk, dir, passphrase, clock, entropy, CostProfile::OWASP)
    }

    /// As [`open`](Self::open), at another cost of guessing for what is sealed from now on.
    pub fn open_at_cost(
        disk: Arc<dyn Disk>,
        dir: PathBuf,
        passphrase: &Secret<String>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        cost: CostProfile,
    ) -> Result<Self, VaultError> {
        VaultGate::here(disk, dir, clock, entropy).unlock(passphrase, cost)
    }

    /// The handle of a vault that is unlocked.
    fn unlocked(link: Link, clock: Arc<dyn Clock>) -> Result<Self, VaultError> {
        let room::Facts { home, log_origin, log_public_key } = link.call(room::About {})?;
        let verifier = ledger::Verifier::new(&log_origin, log_public_key).map_err(|_| VaultError::LogOrigin)?;
        link.serves();
        Ok(Self { link, home, verifier: RwLock::new(verifier), clock })
    }

    /// Whether the vault is unlocked and there, as far as can be seen without asking it: its process runs, and no answer said
    /// that it is locked.
    pub fn is_serving(&self) -> bool {
        self.link.is_serving()
    }

    /// The home whose keys these are.
    pub fn home(&self) -> &Jurisdiction {
        &self.home
    }
}

/// For tests that look behind the calls.
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
impl Vault {
    pub(crate) fn keeper(&self) -> Arc<crate::keeper::Keeper> {
        self.link.room().keeper().unwrap()
    }
}
