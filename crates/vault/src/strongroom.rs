//! The vault's own side: a folder, and its keeper once somebody has unlocked it. A [`Call`](crate::calls::Call) is
//! answered here, in the process of the vault.

use std::sync::{Arc, PoisonError, RwLock};

use terms::Secret;
use zeroize::Zeroizing;

use crate::VaultError;
use crate::calls;
use crate::crypto::CostProfile;
use crate::keeper::periods::{self, KeyBackup};
use crate::keeper::{Founding, Keeper, Place};

/// A vault, locked or not.
pub(crate) struct Strongroom {
    place: Place,
    keeper: RwLock<Option<Arc<Keeper>>>,
}

impl Strongroom {
    /// A locked one. Nothing is read yet.
    pub(crate) fn new(place: Place) -> Self {
        Self { place, keeper: RwLock::default() }
    }

    /// Answers an encoded request with an encoded answer. A request that is none is answered too.
    pub(crate) fn answer(&self, request: &[u8]) -> Zeroizing<Vec<u8>> {
        calls::answer(self, request)
    }

    /// Whoever holds the secrets.
    ///
    /// # Errors
    /// [`VaultError::Locked`].
    pub(crate) fn keeper(&self) -> Result<Arc<Keeper>, VaultError> {
        self.keeper.read().unwrap_or_else(PoisonError::into_inner).clone().ok_or(VaultError::Locked)
    }

    /// Makes a new vault; it is unlocked then.
    pub(crate) fn create(&self, founding: Founding) -> Result<(), VaultError> {
        self.unlocked_by(Keeper::create(self.place.clone(), founding)?)
    }

    /// Writes the vault's folder from a backup; it stays locked.
    pub(crate) fn restore(&self, backup: &KeyBackup, passphrase: &Secret<String>) -> Result<(), VaultError> {
        periods::restore(self.place.clone(), backup, passphrase)
    }

    /// Unlocks the vault with the node's passphrase.
    pub(crate) fn open(&self, passphrase: &Secret<String>, cost: CostProfile) -> Result<(), VaultError> {
        self.unlocked_by(Keeper::open(self.place.clone(), passphrase, cost)?)
    }

    fn unlocked_by(&self, keeper: Keeper) -> Result<(), VaultError> {
        *self.keeper.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(keeper));
        Ok(())
    }
}
