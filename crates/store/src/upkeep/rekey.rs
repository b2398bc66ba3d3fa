//! Replacing an account's key pair: what arrives from now on is sealed to the new public key, and the keys of its epochs are
//! sealed again, while mail service continues (docs/flows/rotate.md).

use std::sync::PoisonError;

use terms::{AccountId, EpochId};
use vault::{AccountPublicKey, OwnerError, RotationError, SealedEpochKey, VaultError};

use crate::error::StoreError;
use crate::rows::Write;
use crate::store::Store;

/// How many epochs are sealed again together: a tenth of a second in the vault, a transaction of 50 KB here.
const EPOCHS_AT_ONCE: usize = 500;

/// How far the epochs of an account are sealed to its new key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Rekeyed {
    pub epochs: u64,
    /// The old private key is destroyed; `false` while a message that was sealed to it is still on its way to the disk: call again.
    pub finished: bool,
}

impl Store {
    /// Lets an account receive by another public key. What arrives after this call is sealed to it. Durable when it returns;
    /// after an error the old key may receive until this is called again.
    ///
    /// # Errors
    /// [`StoreError::NoSuchAccount`], and those of writing.
    pub fn receive_by(&self, id: AccountId, public: &AccountPublicKey) -> Result<(), StoreError> {
        let account = self.engine.account(id)?;
        let _turn = account.profile.lock().unwrap_or_else(PoisonError::into_inner);
        if account.receives() == *public {
            return Ok(());
        }
        let record = account.record_by(*public);
        let (number, sealed) = (account.number, self.sealed_profile(record)?);
        self.run(sealed.len(), move |draft| {
            draft.write(Write::Profile { account: number, sealed });
            Ok(())
        })?;
        account.epochs.turn(|| account.receive_by(*public));
        Ok(())
    }

    /// Lets an account receive by the public key that the vault has for it, if that differs: after an interruption, or when rows
    /// from before a replacement were restored. An account of which the vault has nothing stays as it is.
    ///
    /// # Errors
    /// As [`receive_by`](Self::receive_by); those of the vault.
    pub fn follow_vault(&self, id: AccountId) -> Result<(), StoreError> {
        match self.engine.vault.account_public_key(id) {
            Ok(public) => self.receive_by(id, &public),
            Err(VaultError::Owner(OwnerError::NoSuchAccount(_))) => Ok(()),
            Err(error) => Err(StoreError::vault(&error)),
        }
    }

    /// The sealed keys of all epochs of an account, as the rows have them.
    ///
    /// # Errors
    /// [`StoreError::NoSuchAccount`], [`StoreError::Damaged`].
    pub fn all_epoch_keys(&self, id: AccountId) -> Result<Vec<(EpochId, SealedEpochKey)>, StoreError> {
        let account = self.engine.account(id)?;
        self.engine.reader().epochs(account.number).map_err(|error| StoreError::reading(&error))
    }

    /// Seals the epochs of an account to its new public key, which the vault has begun to put in place, and then has the old private key
    /// destroyed. `progress` receives how many of how many are done. An interruption does no harm: call it again. Durable when
    /// it returns.
    ///
    /// # Errors
    /// [`StoreError::Vault`] when the account's private keys are not available or neither opens an epoch; those of writing.
    pub fn rekey_account(&self, id: AccountId, progress: &mut dyn FnMut(u64, u64)) -> Result<Rekeyed, StoreError> {
        let account = self.engine.account(id)?;
        self.follow_vault(id)?;
        loop {
            // Checked before the rows are read: what is on its way is then either in the rows, or was seen here to be on its way.
            let rests = account.epochs.rests();
            let all = self.all_epoch_keys(id)?;
            let (total, mut done, mut changed) = (all.len() as u64, 0, false);
            for some in all.chunks(EPOCHS_AT_ONCE) {
                let fresh = self.engine.vault.reseal_epochs(id, some).map_err(|error| StoreError::vault(&error))?;
                changed |= !fresh.is_empty();
                self.replace_epochs(id, fresh)?;
                done += some.len() as u64;
                progress(done, total);
            }
            if changed {
                continue;
            }
            if !rests {
                return Ok(Rekeyed { epochs: total, finished: false });
            }
            return match self.engine.vault.finish_account_rotation(id, &all) {
                Ok(()) => Ok(Rekeyed { epochs: total, finished: true }),
                Err(VaultError::Rotation(RotationError::TooSoon)) => Ok(Rekeyed { epochs: total, finished: false }),
                Err(error) => Err(StoreError::vault(&error)),
            };
        }
    }

    /// Writes sealed keys, replacing the previous ones. Durable when it returns.
    fn replace_epochs(&self, id: AccountId, fresh: Vec<(EpochId, SealedEpochKey)>) -> Result<(), StoreError> {
        if fresh.is_empty() {
            return Ok(());
        }
        let account = self.engine.account(id)?;
        let (number, rows) = (account.number, fresh.clone());
        let bytes = rows.iter().map(|(_, sealed)| sealed.0.len()).sum();
        let written = self.run(bytes, move |draft| {
            for (epoch, sealed) in rows {
                draft.write(Write::ReplaceEpoch { account: number, epoch, sealed });
            }
            Ok(())
        });
        // After an error it is not known which are stored.
        let mut known = account.epoch_keys.lock().unwrap_or_else(PoisonError::into_inner);
        match &written {
            Ok(()) => known.extend(fresh),
            Err(_) => known.clear(),
        }
        written
    }
}
