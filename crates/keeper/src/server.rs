//! The vault's own side: a folder, and its keeper once somebody has unlocked it. Every call is answered here, in the process
//! of the vault: those that a locked vault answers in `unlock/`, all others by the [`Keeper`].

use std::fs::File;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use vault::inside::Backend;
use vault::{Confinement, CostProfile, MailError, VaultError, calls};
use zeroize::Zeroizing;

use crate::crypto::{Key32, KeyPair};
use crate::files::Folder;
use crate::keeper::{Keeper, Place};
use crate::unlock::key_holders::OpenedPart;

/// A vault, locked or not.
pub(crate) struct VaultServer {
    pub(crate) place: Place,
    /// What holds for the process that it is in; `None` when that is the node's own.
    pub(crate) confinement: Option<Confinement>,
    /// The file with the figures of this process's memory, if it has a process of its own.
    pub(crate) figures: Option<File>,
    keeper: RwLock<Option<Arc<Keeper>>>,
    /// The first of two people has shown a passphrase.
    pub(crate) first_part: Mutex<Option<OpenedPart>>,
    /// The token was asked; its answer will be sealed to this.
    pub(crate) asked: Mutex<Option<KeyPair>>,
}

impl VaultServer {
    /// A locked one. Nothing is read yet.
    pub(crate) fn new(place: Place) -> Self {
        Self {
            place,
            confinement: None,
            figures: None,
            keeper: RwLock::default(),
            first_part: Mutex::default(),
            asked: Mutex::default(),
        }
    }

    /// A locked one in a process of its own.
    pub(crate) fn confined(place: Place, confinement: Confinement, figures: Option<File>) -> Self {
        Self { confinement: Some(confinement), figures, ..Self::new(place) }
    }

    pub(crate) fn folder(&self) -> Folder {
        Folder::new(self.place.disk.clone(), self.place.dir.clone())
    }

    /// Somebody has unlocked it.
    pub(crate) fn unlocked_by(&self, keeper: Keeper) {
        *self.keeper.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(keeper));
    }

    /// Opens the vault with whichever of these is the service key: there are two while it is replaced, and one of them is
    /// that of `node.keys`.
    pub(crate) fn open_with_one(&self, keys: Vec<Key32>, cost: CostProfile) -> Result<Keeper, VaultError> {
        let mut opened = Err(VaultError::Mail(MailError::DoesNotOpen));
        for service_key in keys {
            opened = Keeper::open_with(self.place.clone(), service_key, cost);
            if opened.is_ok() {
                break;
            }
        }
        opened
    }
}

impl calls::Server for VaultServer {
    type Keeper = Keeper;

    fn keeper(&self) -> Result<Arc<Keeper>, VaultError> {
        self.keeper.read().unwrap_or_else(PoisonError::into_inner).clone().ok_or(VaultError::Locked)
    }
}

/// In the node's own process: for tests.
impl Backend for VaultServer {
    fn answer(&self, request: &[u8]) -> Zeroizing<Vec<u8>> {
        calls::answer(self, request)
    }
}
