//! Opening epochs, by an account's private half.

use terms::{AccountId, EpochId};
use vault::inside::{EPOCH_FORMAT, HYBRID_OVERHEAD, Key32, epoch_info};
use vault::{MailError, SealedEpochKey, VaultError};

use crate::crypto::{PrivateHalf, open_hybrid};

/// Opens a sealed epoch key with one of the account's private halves: while a pair is being replaced there are two, and
/// nothing says to which of them it is sealed.
pub(crate) fn open_epoch_by(
    halves: &[PrivateHalf],
    account: AccountId,
    epoch: EpochId,
    sealed: &SealedEpochKey,
) -> Result<Key32, VaultError> {
    let shut = Err(VaultError::Mail(MailError::EpochDoesNotOpen(epoch)));
    halves.iter().fold(shut, |opened, half| opened.or_else(|_| open_epoch(half, account, epoch, sealed)))
}

/// Opens a sealed epoch key with the account's private half.
pub(crate) fn open_epoch(
    private: &PrivateHalf,
    account: AccountId,
    epoch: EpochId,
    sealed: &SealedEpochKey,
) -> Result<Key32, VaultError> {
    let shut = || VaultError::Mail(MailError::EpochDoesNotOpen(epoch));
    let (&[EPOCH_FORMAT], rest) = sealed.0.split_first_chunk().ok_or_else(shut)? else { return Err(shut()) };
    if rest.len() != HYBRID_OVERHEAD + 32 {
        return Err(shut());
    }
    let opened = open_hybrid(private, &epoch_info(account, epoch), rest).map_err(|_| shut())?;
    let mut key = Key32::default();
    key.copy_from_slice(&opened);
    Ok(key)
}
