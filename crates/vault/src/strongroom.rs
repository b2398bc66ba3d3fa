//! The vault's own side: a folder, and its keeper once somebody has unlocked it. A [`Call`](crate::calls::Call) is
//! answered here, in the process of the vault.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use terms::{OfficerName, Secret};
use zeroize::Zeroizing;

use crate::VaultError;
use crate::account::Stretch;
use crate::calls;
use crate::crypto::{CostProfile, Key32, KeyPair, open_hybrid};
use crate::folder::{Folder, NODE_FILE, TOKEN_FILE};
use crate::hands::{Hands, OpenHand, WAIT_MILLIS};
use crate::keeper::periods::{self, KeyBackup};
use crate::keeper::{Founding, Keeper, Place, lanes};
use crate::node::NodeKeys;
use crate::process::Confinement;
use crate::service::{Numbered, ServiceKey};
use crate::token::{TokenAsk, TokenKey, TokenWrap, answer_info};

/// A vault, locked or not.
pub(crate) struct Strongroom {
    place: Place,
    /// What holds for the process that it is in; `None` when that is the node's own.
    confinement: Option<Confinement>,
    keeper: RwLock<Option<Arc<Keeper>>>,
    /// The first of two people has shown a passphrase.
    hand: Mutex<Option<OpenHand>>,
    /// The token was asked; its answer will be sealed to this.
    asked: Mutex<Option<KeyPair>>,
}

impl Strongroom {
    /// A locked one. Nothing is read yet.
    pub(crate) fn new(place: Place) -> Self {
        Self { place, confinement: None, keeper: RwLock::default(), hand: Mutex::default(), asked: Mutex::default() }
    }

    /// A locked one in a process of its own.
    pub(crate) fn confined(place: Place, confinement: Confinement) -> Self {
        Self { confinement: Some(confinement), ..Self::new(place) }
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
        let (service_key, lanes) = (self.service_key(passphrase)?, lanes());
        let stretch = Stretch { cost, lanes: &lanes, entropy: &*self.place.entropy };
        let own = ServiceKey::for_vault(std::slice::from_ref(&service_key));
        Hands::deal(&service_key.1, holders, stretch)?.write(&self.folder(), &own)
    }

    /// The service key, by the node's passphrase: also of a vault that is unlocked, for whoever has to show it once more.
    pub(crate) fn service_key(&self, passphrase: &Secret<String>) -> Result<Numbered, VaultError> {
        let bytes = self.folder().read_summed(NODE_FILE)?.ok_or(VaultError::NotAVault)?;
        NodeKeys::open(&bytes, passphrase, &lanes()).map(|(_, service_key)| service_key)
    }

    /// Who can unlock the vault by hand; nobody, where nobody was named.
    pub(crate) fn hands(&self) -> Result<Vec<OfficerName>, VaultError> {
        Ok(Hands::read(&self.folder())?.map(|hands| hands.names()).unwrap_or_default())
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
                self.unlocked_by(self.open_with_one(hands.service_keys(&first, &hand)?, cost)?)?;
                Ok(true)
            }
        }
    }

    /// Opens the vault with whichever of these is the service key: there are two while it is replaced, and one of them is
    /// that of `node.keys`.
    fn open_with_one(&self, keys: Vec<Key32>, cost: CostProfile) -> Result<Keeper, VaultError> {
        let mut opened = Err(VaultError::DoesNotOpen);
        for service_key in keys {
            opened = Keeper::open_with(self.place.clone(), service_key, cost);
            if opened.is_ok() {
                break;
            }
        }
        opened
    }

    /// Lets a token's key unlock the vault from now on, in the place of another token's. `passphrase` is the node's, which
    /// opens the service key for this. Durable when it returns.
    pub(crate) fn add_token(&self, passphrase: &Secret<String>, key: TokenKey) -> Result<(), VaultError> {
        let service_key = self.service_key(passphrase)?;
        let own = ServiceKey::for_vault(std::slice::from_ref(&service_key));
        TokenWrap::seal(key, &[&service_key.1], &*self.place.entropy)?.write(&self.folder(), &own)
    }

    /// Lets no token unlock the vault from now on. `passphrase` is the node's. What the token opened is overwritten; a file
    /// that is gone already is no error. Durable when it returns.
    pub(crate) fn remove_token(&self, passphrase: &Secret<String>) -> Result<(), VaultError> {
        self.service_key(passphrase)?;
        *self.asked.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.folder().remove(TOKEN_FILE)
    }

    /// What the token is to open. Whoever asked before gets no answer any more.
    pub(crate) fn ask_token(&self) -> Result<TokenAsk, VaultError> {
        let wrap = TokenWrap::read(&self.folder())?.ok_or(VaultError::NoTokenKey)?;
        let pair = KeyPair::generate(&*self.place.entropy);
        let ask = wrap.ask(pair.public);
        *self.asked.lock().unwrap_or_else(PoisonError::into_inner) = Some(pair);
        Ok(ask)
    }

    /// Unlocks the vault by the token's answer. One that is unlocked looks whether the answer would unlock it.
    pub(crate) fn take_token(&self, sealed: &[u8], cost: CostProfile) -> Result<(), VaultError> {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner).take();
        let pair = asked.ok_or(VaultError::TokenAnswer)?;
        let secret = open_hybrid(&pair.private, &answer_info(&pair.public), sealed);
        let secret = secret.map_err(|_| VaultError::TokenAnswer)?;
        let wrap = TokenWrap::read(&self.folder())?.ok_or(VaultError::NoTokenKey)?;
        let keys = wrap.service_keys(&secret)?;
        if self.keeper().is_ok() {
            let bytes = self.folder().read_summed(NODE_FILE)?.ok_or(VaultError::NotAVault)?;
            let opens = keys.iter().any(|key| NodeKeys::open_with(&bytes, key).is_ok());
            return if opens { Ok(()) } else { Err(VaultError::TokenAnswer) };
        }
        self.unlocked_by(self.open_with_one(keys, cost)?)
    }

    fn folder(&self) -> Folder {
        Folder::new(self.place.disk.clone(), self.place.dir.clone())
    }

    fn unlocked_by(&self, keeper: Keeper) -> Result<(), VaultError> {
        *self.keeper.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(keeper));
        Ok(())
    }
}
