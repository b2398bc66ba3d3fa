//! Epochs: how a node seals mail that it cannot open afterwards (ARCHITECTURE.md, invariant 3).
//!
//! The receiver makes a random epoch key, seals it to the account's public key, and keeps the plain key in memory only
//! as long as the epoch lasts. After that the node's own bytes hold nothing that opens the epoch's mail.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use terms::{AccountId, Entropy, EpochId, MessageId, UnixMillis};

use crate::crypto::{Key32, random_key, seal_hybrid};
use crate::encode::Encoder;
use crate::mail::message::{KeyAsk, MessageKey, Part};
use crate::{MailError, VaultError};

/// The public key of an account's X25519 pair: what is needed to receive. No secret, but anyone who can change it decides
/// who reads the mail that arrives from then on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AccountPublicKey(pub [u8; 32]);

/// An epoch key sealed to the account's public key: 81 bytes (docs/formats/keys.md). Stored beside the mail.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SealedEpochKey(pub Vec<u8>);

/// The first byte of a sealed epoch key.
pub const EPOCH_FORMAT: u8 = 1;

/// Seals the mail of one epoch of one account. The epoch key lives in this value only and is wiped with it: drop it when
/// the epoch ends.
pub struct EpochSealer {
    account: AccountId,
    epoch: EpochId,
    key: Key32,
    /// What was sealed in this epoch. A second sealing of the same part would reuse its nonces, so it is refused.
    sealed: Mutex<HashSet<(MessageId, Part)>>,
}

impl fmt::Debug for EpochSealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EpochSealer({}, {})", self.account, self.epoch)
    }
}

impl EpochSealer {
    /// Starts an epoch. Store the sealed key durably before, or together with, the first message sealed in it: without
    /// it nobody ever opens them. `epoch` must not have been used before for this account.
    ///
    /// # Errors
    /// `MailError::UnusableKey` when `public` is not an X25519 public key.
    pub fn start(
        account: AccountId,
        public: &AccountPublicKey,
        epoch: EpochId,
        entropy: &dyn Entropy,
    ) -> Result<(Self, SealedEpochKey), VaultError> {
        let key = random_key(entropy);
        let sealed = seal_epoch(public, account, epoch, &key, entropy)?;
        Ok((Self { account, epoch, key, sealed: Mutex::default() }, sealed))
    }

    /// Which account it seals for.
    pub fn account(&self) -> AccountId {
        self.account
    }

    /// Which epoch it is.
    pub fn epoch(&self) -> EpochId {
        self.epoch
    }

    /// Seals one part of a message. `arrival` is bound in: the message opens for nobody who says another time.
    ///
    /// # Errors
    /// `MailError::SealedTwice` when this part of this id was sealed in this epoch before.
    pub fn seal(&self, id: MessageId, arrival: UnixMillis, part: Part, plain: &[u8]) -> Result<Vec<u8>, VaultError> {
        let mut out = Vec::new();
        self.seal_into(id, arrival, part, plain, &mut out)?;
        Ok(out)
    }

    /// As [`seal`](Self::seal), appending to `out`: a part is sealed where its record is made.
    ///
    /// # Errors
    /// As [`seal`](Self::seal); then `out` is to be thrown away.
    pub fn seal_into(
        &self,
        id: MessageId,
        arrival: UnixMillis,
        part: Part,
        plain: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), VaultError> {
        let first = self.sealed.lock().unwrap_or_else(PoisonError::into_inner).insert((id, part));
        if !first {
            return Err(VaultError::Mail(MailError::SealedTwice(id)));
        }
        let ask = KeyAsk { epoch: self.epoch, id, arrival };
        MessageKey::derive(&self.key, self.account, ask).seal_into(part, plain, out)
    }
}

/// Seals an epoch key to an account's public key.
///
/// # Errors
/// `MailError::UnusableKey` when `public` is not an X25519 public key.
pub fn seal_epoch(
    public: &AccountPublicKey,
    account: AccountId,
    epoch: EpochId,
    key: &Key32,
    entropy: &dyn Entropy,
) -> Result<SealedEpochKey, VaultError> {
    let sealed = seal_hybrid(&public.0, &epoch_info(account, epoch), key.as_ref(), entropy);
    let sealed = sealed.map_err(|_| VaultError::Mail(MailError::UnusableKey))?;
    Ok(SealedEpochKey([&[EPOCH_FORMAT], sealed.as_slice()].concat()))
}

/// Binds a sealed epoch key to its account and number.
pub fn epoch_info(account: AccountId, epoch: EpochId) -> Vec<u8> {
    Encoder::new(b"bailiwick/epoch/v1").fixed(&account.0).u32(epoch.0).finish()
}
