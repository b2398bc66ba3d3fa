//! The way to a vault that may be locked, or away: made, unlocked, looked at, started again.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use durable::Disk;
use terms::{Clock, Entropy, OfficerName, Secret};

use super::Vault;
use crate::VaultError;
use crate::calls::{room, token};
use crate::crypto::CostProfile;
use crate::keeper::{Founding, Place};
use crate::line::{Line, VaultProgram};
use crate::link::{Link, Way};
use crate::process::Confinement;
use crate::strongroom::Strongroom;
use crate::token::{Token, TokenError, TokenKey};
use crate::wire::Octets;

/// A vault, locked or not. Clones are of the same one.
#[derive(Clone)]
pub struct VaultGate {
    link: Link,
    clock: Arc<dyn Clock>,
}

/// How a vault is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VaultState {
    /// Its process is gone; [`VaultGate::restart`] starts another.
    Away,
    /// Nobody has shown what opens the service key.
    Locked,
    /// It answers.
    Unlocked,
}

impl VaultGate {
    /// A locked vault in `dir`, in this process: for tests, and for nothing that holds mail.
    pub fn here(disk: Arc<dyn Disk>, dir: PathBuf, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        let room = Strongroom::new(Place { disk, dir, clock: clock.clone(), entropy });
        Self { link: Link::new(Way::Here(Arc::new(room))), clock }
    }

    /// Starts a process that serves a vault ([`serve_standard_input`](crate::process::serve_standard_input)); it is
    /// locked. The process ends when the last clone of this and of its [`Vault`] is dropped, or when this process ends.
    ///
    /// # Errors
    /// The system's, when it cannot be started.
    pub fn start(program: VaultProgram, clock: Arc<dyn Clock>) -> io::Result<Self> {
        Ok(Self { link: Link::new(Way::There(Arc::new(Line::start(program)?))), clock })
    }

    pub(crate) fn link(&self) -> &Link {
        &self.link
    }

    /// Makes the vault of a new node; it is unlocked then. Everything is durable when it returns. A folder in which this was
    /// interrupted holds no vault yet, and it can be called again.
    ///
    /// # Errors
    /// [`VaultError::AlreadyThere`], [`VaultError::OfficerRoster`], [`VaultError::LogOrigin`],
    /// [`VaultError::EmptyPassphrase`], [`VaultError::Disk`], [`VaultError::Away`].
    pub fn create(&self, founding: Founding) -> Result<Vault, VaultError> {
        let Founding { home, log_origin, passphrase, officers, cost } = founding;
        self.link.call(room::Create { home, log_origin, passphrase, officers, cost })?;
        self.vault()
    }

    /// Unlocks the vault with the node's passphrase, and removes the clearances whose time is over. `cost` is for what is
    /// sealed from now on.
    ///
    /// # Errors
    /// [`VaultError::NotAVault`], [`VaultError::WrongPassphrase`], [`VaultError::Damaged`],
    /// [`VaultError::UnknownFormat`], [`VaultError::Disk`], [`VaultError::Away`].
    pub fn unlock(&self, passphrase: &Secret<String>, cost: CostProfile) -> Result<Vault, VaultError> {
        self.link.call(room::Open { passphrase: passphrase.clone(), cost })?;
        self.vault()
    }

    /// Names the people, 2 to 9, of whom any two unlock the vault by hand from now on, each with an own passphrase, and
    /// replaces those who were named before. `passphrase` is the node's. Durable when it returns.
    ///
    /// # Errors
    /// [`VaultError::OfficerRoster`] for another number of people, [`VaultError::EmptyPassphrase`],
    /// [`VaultError::WrongPassphrase`], [`VaultError::Disk`], [`VaultError::Away`].
    pub fn deal_hands(
        &self,
        passphrase: &Secret<String>,
        holders: Vec<(OfficerName, Secret<String>)>,
        cost: CostProfile,
    ) -> Result<(), VaultError> {
        self.link.call(room::DealHands { passphrase: passphrase.clone(), holders, cost })
    }

    /// The people of whom any two unlock the vault by hand; none, where nobody was named. Also of a vault that is locked.
    ///
    /// # Errors
    /// [`VaultError::Damaged`], [`VaultError::Disk`], [`VaultError::Away`].
    pub fn hands(&self) -> Result<Vec<OfficerName>, VaultError> {
        self.link.call(room::ListHands {})
    }

    /// One person's part in unlocking by hand. The second person's within ten minutes unlocks the vault, which is returned
    /// then; after the first it is `None`.
    ///
    /// # Errors
    /// [`VaultError::NoHands`], [`VaultError::NoSuchOfficer`] for a person who was not named,
    /// [`VaultError::WrongOfficerPassphrase`], [`VaultError::Damaged`], [`VaultError::Disk`], [`VaultError::Away`].
    pub fn take_hand(
        &self,
        holder: &OfficerName,
        passphrase: &Secret<String>,
        cost: CostProfile,
    ) -> Result<Option<Vault>, VaultError> {
        let call = room::TakeHand { holder: holder.clone(), passphrase: passphrase.clone(), cost };
        if self.link.call(call)? { self.vault().map(Some) } else { Ok(None) }
    }

    /// Lets a token's key unlock the vault from now on, in the place of another token's. `passphrase` is the node's. The
    /// token is not needed. Durable when it returns.
    ///
    /// # Errors
    /// [`VaultError::WrongPassphrase`], [`VaultError::TokenKeyUnusable`], [`VaultError::Disk`], [`VaultError::Away`].
    pub fn add_token(&self, passphrase: &Secret<String>, key: &TokenKey) -> Result<(), VaultError> {
        self.link.call(token::Add { passphrase: passphrase.clone(), key: key.clone() })
    }

    /// Lets no token unlock the vault from now on: what it opened is overwritten. `passphrase` is the node's. No token at all
    /// is no error. Durable when it returns. A copy of the folder of before still opens by the token, for what is sealed under
    /// the service key of then.
    ///
    /// # Errors
    /// [`VaultError::WrongPassphrase`], [`VaultError::Disk`], [`VaultError::Away`].
    pub fn remove_token(&self, passphrase: &Secret<String>) -> Result<(), VaultError> {
        self.link.call(token::Remove { passphrase: passphrase.clone() })
    }

    /// Whether this is the node's passphrase. Nothing changes: for what is to be recorded between the question and the act.
    ///
    /// # Errors
    /// [`VaultError::WrongPassphrase`], [`VaultError::NotAVault`], [`VaultError::Damaged`], [`VaultError::Disk`],
    /// [`VaultError::Away`].
    pub fn check_passphrase(&self, passphrase: &Secret<String>) -> Result<(), VaultError> {
        self.link.call(room::CheckPassphrase { passphrase: passphrase.clone() })
    }

    /// Unlocks the vault by a token, which opens something for it. On a vault that is unlocked already it shows whether the
    /// token would.
    ///
    /// # Errors
    /// [`TokenError`]: what the token says, or [`TokenError::Vault`] with [`VaultError::NoTokenKey`],
    /// [`VaultError::TokenAnswer`], [`VaultError::Damaged`], [`VaultError::Disk`], [`VaultError::Away`].
    pub fn unlock_by_token(&self, by: &Token, cost: CostProfile) -> Result<Vault, TokenError> {
        let ask = self.link.call(token::Ask {})?;
        let sealed = Octets(by.open(ask)?);
        self.link.call(token::Take { sealed, cost })?;
        Ok(self.vault()?)
    }

    /// The vault, when it is unlocked. It goes on to answer when the vault's process was started again and unlocked.
    ///
    /// # Errors
    /// [`VaultError::Locked`], [`VaultError::Away`].
    pub fn vault(&self) -> Result<Vault, VaultError> {
        Vault::unlocked(self.link.clone(), self.clock.clone())
    }

    /// How the vault is found now.
    pub fn state(&self) -> VaultState {
        if let Way::There(line) = &self.link.way
            && line.is_away()
        {
            return VaultState::Away;
        }
        match self.link.call(room::State {}) {
            Ok((true, _)) => VaultState::Unlocked,
            Ok((false, _)) => VaultState::Locked,
            Err(_) => VaultState::Away,
        }
    }

    /// What the vault's process has given up; `None` when it has no process of its own.
    ///
    /// # Errors
    /// [`VaultError::Away`].
    pub fn confinement(&self) -> Result<Option<Confinement>, VaultError> {
        self.link.call(room::State {}).map(|(_, confinement)| confinement)
    }

    /// The process of the vault, if it has one of its own.
    pub fn process_id(&self) -> Option<u32> {
        match &self.link.way {
            Way::Here(_) => None,
            Way::There(line) => Some(line.process_id()),
        }
    }

    /// Ends what is left of the vault's process and starts another, which is locked. Sessions are over: their owners sign
    /// in again. Does nothing for a vault in this process.
    ///
    /// # Errors
    /// The system's.
    pub fn restart(&self) -> io::Result<()> {
        match &self.link.way {
            Way::Here(_) => Ok(()),
            Way::There(line) => {
                self.link.stops_serving();
                self.link.kept.end_all();
                line.restart()
            }
        }
    }
}
