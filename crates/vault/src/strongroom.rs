//! The vault's own side: a folder, and its keeper once somebody has unlocked it. A [`Call`](crate::calls::Call) is
//! answered here, in the process of the vault.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use terms::{OfficerName, Secret};
use zeroize::Zeroizing;

use crate::VaultError;
use crate::account::Stretch;
use crate::calls;
use crate::crypto::CostProfile;
use crate::folder::{Folder, NODE_FILE};
use crate::hands::{Hands, OpenHand, WAIT_MILLIS};
use crate::keeper::periods::{self, KeyBackup};
use crate::keeper::{Founding, Keeper, Place, lanes};
use crate::node::NodeKeys;
use crate::process::Confinement;
use crate::service::ServiceKey;

/// A vault, locked or not.
pub(crate) struct Strongroom {
    place: Place,
    /// What holds for the process that it is in; `None` when that is the node's own.
    confinement: Option<Confinement>,
    keeper: RwLock<Option<Arc<Keeper>>>,
    /// The first of two people has shown a passphrase.
    hand: Mutex<Option<OpenHand>>,
}

impl Strongroom {
    /// A locked one. Nothing is read yet.
    pub(crate) fn new(place: Place) -> Self {
        Self { place, confinement: None, keeper: RwLock::default(), hand: Mutex::default() }
    }

    /// A locked one in a process of its own.
    pub(crate) fn confined(place: Place, confinement: Confinement) -> Self {
        Self { place, confinement: Some(confinement), keeper: RwLock::default(), hand: Mutex::default() }
    }

    /// What holds for the process that it is in.
    pub(crate) fn confinement(&self) -> Option<&Confinement> {
        self.confinement.as_ref()
    }

    /// Answers a request with a frame that holds the answer. A request that is none is answered too.
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
        periods::restore(self.place.clone(), backup, passphrase, periods::RestoredLog::Same)
    }

    /// Unlocks the vault with the node's passphrase.
    pub(crate) fn open(&self, passphrase: &Secret<String>, cost: CostProfile) -> Result<(), VaultError> {
        self.unlocked_by(Keeper::open(self.place.clone(), passphrase, cost)?)
    }

    /// Lets two of `holders` unlock the vault by hand from now on. `passphrase` is the node's, which opens the service key
    /// for this. Durable when it returns.
    pub(crate) fn deal_hands(
        &self,
        passphrase: &Secret<String>,
        holders: Vec<(OfficerName, Secret<String>)>,
        cost: CostProfile,
    ) -> Result<(), VaultError> {
        let folder = self.folder();
        let bytes = folder.read_summed(NODE_FILE)?.ok_or(VaultError::NotAVault)?;
        let lanes = lanes();
        let (_, service_key) = NodeKeys::open(&bytes, passphrase, &lanes)?;
        let stretch = Stretch { cost, lanes: &lanes, entropy: &*self.place.entropy };
        let own = ServiceKey::for_vault(std::slice::from_ref(&service_key));
        Hands::deal(&service_key.1, holders, stretch)?.write(&folder, &own)
    }

    /// One person's part in unlocking by hand; whether the vault is unlocked then. The first person's share waits for the
    /// second's, in the memory of this process only.
    pub(crate) fn take_hand(
        &self,
        holder: &OfficerName,
        passphrase: &Secret<String>,
        cost: CostProfile,
    ) -> Result<bool, VaultError> {
        if self.keeper().is_ok() {
            return Ok(true);
        }
        let hands = Hands::read(&self.folder())?.ok_or(VaultError::NoHands)?;
        let now = self.place.clock.now();
        let hand = hands.open_hand(holder, passphrase, &lanes(), now)?;
        let mut waiting = self.hand.lock().unwrap_or_else(PoisonError::into_inner);
        let lasts = |first: &OpenHand| (first.at..first.at.plus_millis(WAIT_MILLIS)).contains(&now);
        match waiting.take().filter(|first| lasts(first) && first.holder != hand.holder) {
            None => {
                *waiting = Some(hand);
                Ok(false)
            }
            Some(first) => {
                // Two while the service key is replaced; one of them is that of `node.keys`.
                let mut opened = Err(VaultError::DoesNotOpen);
                for service_key in hands.service_keys(&first, &hand)? {
                    opened = Keeper::open_with(self.place.clone(), service_key, cost);
                    if opened.is_ok() {
                        break;
                    }
                }
                self.unlocked_by(opened?)?;
                Ok(true)
            }
        }
    }

    fn folder(&self) -> Folder {
        Folder::new(self.place.disk.clone(), self.place.dir.clone())
    }

    fn unlocked_by(&self, keeper: Keeper) -> Result<(), VaultError> {
        *self.keeper.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(keeper));
        Ok(())
    }
}
