//! Opening epochs, by an account's private key.

use terms::{AccountId, EpochId};
use vault::inside::{EPOCH_FORMAT, HYBRID_OVERHEAD, Key32, epoch_info};
use vault::{MailError, SealedEpochKey, VaultError};

use crate::crypto::{PrivateKey, open_hybrid};

/// Opens a sealed epoch key with one of the account's private keys: while a pair is being replaced there are two, and
/// nothing says to which of them it is sealed.
pub(crate) fn open_epoch_by(
    private_keys: &[PrivateKey],
    account: AccountId,
    epoch: EpochId,
    sealed: &SealedEpochKey,
) -> Result<Key32, VaultError> {
    let refused = Err(VaultError::Mail(MailError::EpochDoesNotOpen(epoch)));
    private_keys
        .iter()
        .fold(refused, |opened, private_key| opened.or_else(|_| open_epoch(private_key, account, epoch, sealed)))
}

/// Opens a sealed epoch key with the account's private key.
pub(crate) fn open_epoch(
    private: &PrivateKey,
    account: AccountId,
    epoch: EpochId,
    sealed: &SealedEpochKey,
) -> Result<Key32, VaultError> {
    let refused = || VaultError::Mail(MailError::EpochDoesNotOpen(epoch));
    let (&[EPOCH_FORMAT], rest) = sealed.0.split_first_chunk().ok_or_else(refused)? else { return Err(refused()) };
    if rest.len() != HYBRID_OVERHEAD + 32 {
        return Err(refused());
    }
    let opened = open_hybrid(private, &epoch_info(account, epoch), rest).map_err(|_| refused())?;
    let mut key = Key32::default();
    key.copy_from_slice(&opened);
    Ok(key)
}
