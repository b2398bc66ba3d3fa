//! Sealing every account to a new escrow key, a few at a time, while everything keeps running.

use std::sync::PoisonError;

use terms::AccountId;
use vault::{RotationError, Sweep, VaultError, calls};

use crate::account::AccountKeys;
use crate::crypto::PrivateKey;
use crate::files::{ACCOUNTS, account_file};
use crate::keeper::Keeper;
use crate::officers::escrow_sweep::EscrowSweep;

impl calls::escrow::Calls for Keeper {
    fn sweep_escrow(&self, count: u64) -> Result<Sweep, VaultError> {
        let mut place = self.escrow_sweep.lock().unwrap_or_else(PoisonError::into_inner);
        let sweep = place.as_mut().ok_or(VaultError::Rotation(RotationError::NoRotation))?;
        for _ in 0..count {
            let Some(account) = sweep.left.pop() else { break };
            let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
            if let Err(error) = self.reseal_to_escrow(account, &sweep.old) {
                sweep.left.push(account);
                return Err(error);
            }
        }
        let (left, total) = (sweep.left.len() as u64, sweep.total);
        if left > 0 {
            return Ok(Sweep { done: total - left, total, finished: false });
        }
        // While nobody changes an account: those that came in the meantime, then the end of the old key.
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        for account in self.account_ids()? {
            self.reseal_to_escrow(account, &sweep.old)?;
        }
        self.reseal_held(&sweep.old)?;
        let mut roster = (*self.roster()).clone();
        roster.previous = None;
        self.replace_roster(roster)?;
        *place = None;
        Ok(Sweep { done: total, total, finished: true })
    }

    fn escrow_is_replaced(&self) -> Result<bool, VaultError> {
        Ok(self.roster().previous.is_some())
    }
}

impl Keeper {
    pub(crate) fn sweep_escrow_from(&self, old: PrivateKey) -> Result<(), VaultError> {
        let left = self.account_ids()?;
        let total = left.len() as u64;
        *self.escrow_sweep.lock().unwrap_or_else(PoisonError::into_inner) = Some(EscrowSweep { old, left, total });
        Ok(())
    }

    /// Every account that has a file here, in order.
    pub(crate) fn account_ids(&self) -> Result<Vec<AccountId>, VaultError> {
        let names = self.folder.list(ACCOUNTS)?;
        Ok(names.iter().filter_map(|name| name.strip_suffix(".keys")?.parse().ok()).collect())
    }

    /// Seals one account to the escrow key, if it is sealed to the one before.
    fn reseal_to_escrow(&self, account: AccountId, old: &PrivateKey) -> Result<(), VaultError> {
        let file = account_file(account);
        let Some(bytes) = self.folder.read_checked(&self.own, &file)? else { return Ok(()) };
        let mut keys = AccountKeys::from_bytes(account, &bytes)?;
        if keys.reseal_to_escrow(old, &self.roster().escrow, &*self.entropy)? {
            self.folder.write_checked(&self.own, &file, keys.to_bytes())?;
        }
        Ok(())
    }
}
