//! A vault that may be locked, or whose process may be gone: creating, unlocking, inspecting and restarting it.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use terms::{Clock, OfficerName, Secret};

use super::Vault;
use crate::VaultError;
use crate::confinement::Confinement;
use crate::cost::CostProfile;
use crate::founding::Founding;
use crate::token::{Token, TokenError};
use crate::transport::link::no_second;
use crate::transport::{Link, VaultProgram};

/// A vault, locked or not. Clones lead to the same one.
#[derive(Clone)]
pub struct VaultGate {
    pub(crate) link: Link,
    clock: Arc<dyn Clock>,
}

/// The state of a vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VaultState {
    /// Its process is gone; [`VaultGate::restart`] starts another.
    Away,
    /// It is locked: nothing that opens the service key was given.
    Locked,
    /// It answers.
    Unlocked,
}

impl VaultGate {
    pub(crate) fn over(link: Link, clock: Arc<dyn Clock>) -> Self {
        Self { link, clock }
    }

    /// Starts a process that serves a vault (`keeper::process::serve_standard_input`); it is
    /// locked. The process ends when the last clone of this and of its [`Vault`] is dropped, or when this process ends.
    ///
    /// # Errors
    /// The system's, when it cannot be started.
    pub fn start(program: VaultProgram, clock: Arc<dyn Clock>) -> io::Result<Self> {
        Ok(Self { link: Link::start(program)?, clock })
    }

    /// The same for two askers: this one, and the process that is given the other end of the second pair.
    ///
    /// # Errors
    /// The system's, when it cannot be started.
    pub fn start_for_two(program: VaultProgram, clock: Arc<dyn Clock>) -> io::Result<(Self, OwnedFd)> {
        let (link, other) = Link::start_for_two(program)?;
        Ok((Self { link, clock }, other.into()))
    }

    /// The way to a vault that another process has started, over the end of the second pair.
    ///
    /// # Errors
    /// The system's.
    pub fn at_end(end: OwnedFd, process: u32, clock: Arc<dyn Clock>) -> io::Result<Self> {
        Ok(Self { link: Link::over(end.into(), process)?, clock })
    }

    /// That process has started another vault, which is locked. Sessions are over: their owners sign in again.
    ///
    /// # Errors
    /// The system's.
    pub fn moved(&self, end: OwnedFd, process: u32) -> io::Result<()> {
        self.link.moved(end.into(), process)
    }

    pub(crate) fn link(&self) -> &Link {
        &self.link
    }

    /// Makes the vault of a new node; it is unlocked then. Everything is durable when it returns. A folder in which this was
    /// interrupted holds no vault yet, and it can be called again.
    ///
    /// # Errors
    /// `FileError::AlreadyThere`, `OfficerError::OfficerRoster`, `UnlockError::LogOrigin`,
    /// [`VaultError::EmptyPassphrase`], `FileError::Disk`, [`VaultError::Away`].
    pub fn create(&self, founding: Founding) -> Result<Vault, VaultError> {
        self.link.create(founding)?;
        self.vault()
    }

    /// Unlocks the vault with the node's passphrase, and removes the clearances whose time is over. `cost` is for what is
    /// sealed from now on.
    ///
    /// # Errors
    /// `FileError::NotAVault`, `UnlockError::WrongPassphrase`, `FileError::Damaged`,
    /// `FileError::UnknownFormat`, `FileError::Disk`, [`VaultError::Away`].
    pub fn unlock(&self, passphrase: &Secret<String>, cost: CostProfile) -> Result<Vault, VaultError> {
        self.link.open(passphrase, cost)?;
        self.vault()
    }

    /// One key holder's part in unlocking. A second key holder's part within ten minutes unlocks the vault, which is then
    /// returned; after the first it is `None`.
    ///
    /// # Errors
    /// `UnlockError::NoKeyHolders`, `OfficerError::NoSuchOfficer` for a person who is not a key holder,
    /// `OfficerError::WrongOfficerPassphrase`, `FileError::Damaged`, `FileError::Disk`, [`VaultError::Away`].
    pub fn unlock_part(
        &self,
        holder: &OfficerName,
        passphrase: &Secret<String>,
        cost: CostProfile,
    ) -> Result<Option<Vault>, VaultError> {
        if self.link.unlock_part(holder, passphrase, cost)? { self.vault().map(Some) } else { Ok(None) }
    }

    /// Unlocks the vault by a token, which opens something for it. On an unlocked vault it checks whether the
    /// token would unlock it.
    ///
    /// # Errors
    /// [`TokenError`]: what the token says, or [`TokenError::Vault`] with `UnlockError::NoTokenKey`,
    /// `UnlockError::TokenAnswer`, `FileError::Damaged`, `FileError::Disk`, [`VaultError::Away`].
    pub fn unlock_by_token(&self, by: &Token, cost: CostProfile) -> Result<Vault, TokenError> {
        let sealed = by.open(self.link.ask_token()?)?;
        self.link.take_token(&sealed, cost)?;
        Ok(self.vault()?)
    }

    /// The vault, when it is unlocked. It keeps answering when the vault's process was started again and unlocked.
    ///
    /// # Errors
    /// [`VaultError::Locked`], [`VaultError::Away`].
    pub fn vault(&self) -> Result<Vault, VaultError> {
        Vault::unlocked(self.link.clone(), self.clock.clone())
    }

    /// The vault's state now.
    pub fn state(&self) -> VaultState {
        if self.link.is_away() {
            return VaultState::Away;
        }
        match self.link.look() {
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
        self.link.look().map(|(_, confinement)| confinement)
    }

    /// The process of the vault, if it has one of its own.
    pub fn process_id(&self) -> Option<u32> {
        self.link.process_id()
    }

    /// Ends what is left of the vault's process and starts another, which is locked. Sessions are over: their owners sign
    /// in again. Does nothing for a vault in this process.
    ///
    /// # Errors
    /// The system's.
    pub fn restart(&self) -> io::Result<()> {
        self.link.restart().map(drop)
    }

    /// Ends the vault's process, although there may be clones of this. Does nothing for a vault in this process.
    pub fn end(&self) {
        self.link.end();
    }

    /// The same of a vault with two askers: the end of the second pair.
    ///
    /// # Errors
    /// The system's; a vault with one asker.
    pub fn restart_for_two(&self) -> io::Result<OwnedFd> {
        self.link.restart()?.map(OwnedFd::from).ok_or_else(no_second)
    }
}
