//! A vault that may be locked: made, restored, unlocked by passphrase or by two people, looked at.

use std::sync::PoisonError;
use std::time::Duration;

use terms::{OfficerName, Secret};
use vault::calls::Server as _;
use vault::calls::gate::Facts;
use vault::{Confinement, CostProfile, FileError, Founding, KeyBackup, UnlockError, VaultError, calls};

use crate::account::Stretch;
use crate::crypto::measure_cost;
use crate::files::NODE_FILE;
use crate::keeper::{Keeper, lanes};
use crate::node::backups::{self, RestoredLog};
use crate::node::keys::NodeKeys;
use crate::node::service_key::{Numbered, ServiceKey};
use crate::server::VaultServer;
use crate::unlock::hands::{Hands, OpenHand, WAIT_MILLIS};

impl calls::gate::Calls for VaultServer {
    fn create(&self, founding: Founding) -> Result<(), VaultError> {
        self.unlocked_by(Keeper::create(self.place.clone(), founding)?);
        Ok(())
    }

    fn open(&self, passphrase: &Secret<String>, cost: CostProfile) -> Result<(), VaultError> {
        self.unlocked_by(Keeper::open(self.place.clone(), passphrase, cost)?);
        Ok(())
    }

    fn about(&self) -> Result<Facts, VaultError> {
        let keeper = self.keeper()?;
        let verifiers = keeper.log_verifiers();
        let verifier = verifiers.first().ok_or(VaultError::Locked)?;
        Ok(Facts {
            home: keeper.home().clone(),
            log_origin: verifier.name().to_owned(),
            log_public_key: *verifier.key(),
        })
    }

    fn look(&self) -> Result<(bool, Option<Confinement>), VaultError> {
        Ok((self.keeper().is_ok(), self.confinement.clone()))
    }

    fn deal_hands(
        &self,
        passphrase: &Secret<String>,
        holders: &[(OfficerName, Secret<String>)],
        cost: CostProfile,
    ) -> Result<(), VaultError> {
        let (service_key, lanes) = (self.service_key(passphrase)?, lanes());
        let stretch = Stretch { cost, lanes: &lanes, entropy: &*self.place.entropy };
        let own = ServiceKey::for_vault(std::slice::from_ref(&service_key));
        Hands::deal(&service_key.1, holders, stretch)?.write(&self.folder(), &own)
    }

    fn hands(&self) -> Result<Vec<OfficerName>, VaultError> {
        Ok(Hands::read(&self.folder())?.map(|hands| hands.names()).unwrap_or_default())
    }

    /// The first person's share waits for the second's, in the memory of this process only.
    fn take_hand(
        &self,
        holder: &OfficerName,
        passphrase: &Secret<String>,
        cost: CostProfile,
    ) -> Result<bool, VaultError> {
        if self.keeper().is_ok() {
            return Ok(true);
        }
        let hands = Hands::read(&self.folder())?.ok_or(VaultError::Unlock(UnlockError::NoKeyHolders))?;
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
                self.unlocked_by(self.open_with_one(hands.service_keys(&first, &hand)?, cost)?);
                Ok(true)
            }
        }
    }

    fn check_passphrase(&self, passphrase: &Secret<String>) -> Result<(), VaultError> {
        self.service_key(passphrase).map(drop)
    }

    fn restore_keys(&self, backup: &KeyBackup, passphrase: &Secret<String>, successor: bool) -> Result<(), VaultError> {
        let log = if successor { RestoredLog::Successor } else { RestoredLog::Same };
        backups::restore(self.place.clone(), backup, passphrase, log)
    }

    fn measure_cost(&self, target_millis: u32) -> Result<CostProfile, VaultError> {
        Ok(measure_cost(Duration::from_millis(target_millis.into())))
    }
}

impl VaultServer {
    /// The service key, by the node's passphrase: also of a vault that is unlocked, for whoever has to show it once more.
    pub(crate) fn service_key(&self, passphrase: &Secret<String>) -> Result<Numbered, VaultError> {
        let bytes = self.folder().read_summed(NODE_FILE)?.ok_or(VaultError::Files(FileError::NotAVault))?;
        NodeKeys::open(&bytes, passphrase, &lanes()).map(|(_, service_key)| service_key)
    }
}
