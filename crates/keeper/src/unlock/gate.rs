//! A vault that may be locked: made, restored, unlocked by passphrase or by two people, looked at.

use std::sync::PoisonError;
use std::time::Duration;

use terms::{OfficerName, Secret};
use vault::calls::Server as _;
use vault::calls::gate::Facts;
use vault::inside::deposit;
use vault::{Confinement, CostProfile, FileError, Founding, KeyBackup, MemoryUse, UnlockError, VaultError, calls};

use crate::account::Stretch;
use crate::crypto::measure_cost;
use crate::files::NODE_FILE;
use crate::keeper::{Keeper, lanes};
use crate::node::backups::{self, RestoredLog};
use crate::node::keys::NodeKeys;
use crate::node::service_key::{Numbered, ServiceKey};
use crate::server::VaultServer;
use crate::unlock::key_holders::{KeyHolders, OpenedPart, WAIT_MILLIS};

impl calls::gate::Calls for VaultServer {
    fn keep_secret(&self, secret: &Secret<String>) -> Result<String, VaultError> {
        deposit::keep(secret, &*self.place.entropy).ok_or(VaultError::Busy)
    }

    fn forget_kept(&self, names: &[String]) -> Result<(), VaultError> {
        names.iter().for_each(|name| deposit::forget(name));
        Ok(())
    }

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

    fn memory(&self) -> Result<Option<MemoryUse>, VaultError> {
        Ok(self.figures.as_ref().and_then(crate::process::memory))
    }

    fn set_key_holders(
        &self,
        passphrase: &Secret<String>,
        holders: &[(OfficerName, Secret<String>)],
        cost: CostProfile,
    ) -> Result<(), VaultError> {
        let (service_key, lanes) = (self.service_key(passphrase)?, lanes());
        let stretch = Stretch { cost, lanes: &lanes, entropy: &*self.place.entropy };
        let own = ServiceKey::for_vault(std::slice::from_ref(&service_key));
        KeyHolders::deal(&service_key.1, holders, stretch)?.write(&self.folder(), &own)
    }

    fn key_holders(&self) -> Result<Vec<OfficerName>, VaultError> {
        Ok(KeyHolders::read(&self.folder())?.map(|key_holders| key_holders.names()).unwrap_or_default())
    }

    /// The first person's share waits for the second's, in the memory of this process only.
    fn unlock_part(
        &self,
        holder: &OfficerName,
        passphrase: &Secret<String>,
        cost: CostProfile,
    ) -> Result<bool, VaultError> {
        if self.keeper().is_ok() {
            return Ok(true);
        }
        let key_holders = KeyHolders::read(&self.folder())?.ok_or(VaultError::Unlock(UnlockError::NoKeyHolders))?;
        let now = self.place.clock.now();
        let part = key_holders.open_part_of(holder, passphrase, &lanes(), now)?;
        let mut waiting = self.first_part.lock().unwrap_or_else(PoisonError::into_inner);
        let lasts = |first: &OpenedPart| (first.at..first.at.plus_millis(WAIT_MILLIS)).contains(&now);
        match waiting.take().filter(|first| lasts(first) && first.holder != part.holder) {
            None => {
                *waiting = Some(part);
                Ok(false)
            }
            Some(first) => {
                self.unlocked_by(self.open_with_one(key_holders.service_keys(&first, &part)?, cost)?);
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
    /// The service key, by the node's passphrase: also of a vault that is unlocked, for a caller who has to show it once more.
    pub(crate) fn service_key(&self, passphrase: &Secret<String>) -> Result<Numbered, VaultError> {
        let bytes = self.folder().read_summed(NODE_FILE)?.ok_or(VaultError::Files(FileError::NotAVault))?;
        NodeKeys::open(&bytes, passphrase, &lanes()).map(|(_, service_key)| service_key)
    }
}
