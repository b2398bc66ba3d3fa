//! Accounts whose pair is being replaced.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use terms::AccountId;
use vault::{RotationError, VaultError};

use crate::crypto::PrivateKey;
use crate::owners::ring::Opened;
use crate::owners::sessions::PrivateKeys;

/// Accounts whose pair is being replaced and whose private keys are at hand. Wiped with the last epoch, or when the vault ends.
#[derive(Default)]
pub(crate) struct PairSweeps(Mutex<HashMap<AccountId, Arc<PairSweep>>>);

pub(crate) struct PairSweep {
    pub(crate) private_keys: PrivateKeys,
    /// The epochs that open with the new key, as they were seen here.
    pub(crate) done: Mutex<Opened>,
}

impl PairSweeps {
    pub(crate) fn find(&self, account: AccountId) -> Result<Arc<PairSweep>, VaultError> {
        let sweeps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sweeps.get(&account).cloned().ok_or(VaultError::Rotation(RotationError::NoRotation))
    }

    pub(crate) fn begin(&self, account: AccountId, private_keys: &PrivateKeys) {
        let mut sweeps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |sweep: &Arc<PairSweep>| publics(&sweep.private_keys) == publics(private_keys);
        if !sweeps.get(&account).is_some_and(same) {
            sweeps.insert(account, Arc::new(PairSweep { private_keys: private_keys.clone(), done: Mutex::default() }));
        }
    }

    pub(crate) fn end(&self, account: AccountId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&account);
    }

    pub(crate) fn accounts(&self) -> Vec<AccountId> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).keys().copied().collect()
    }
}

fn publics(private_keys: &[PrivateKey]) -> Vec<Option<[u8; 32]>> {
    private_keys.iter().map(|private_key| private_key.public().ok()).collect()
}
