//! Owners and the keys of their messages.

use terms::EpochId;

use super::Vault;
use crate::VaultError;
use crate::mail::epoch::SealedEpochKey;
use crate::mail::message::{KeyAsk, MessageKey};
use crate::owners::sign_in::SignedIn;

/// Accounts and their owners.
impl Vault {
    /// Forgets the sign-ins that are no longer remembered, and with an owner's last session the owner's key. A sign-in does the
    /// same; call this every minute, so that a quiet node keeps no keys, not even the message keys of owners who are signed in
    /// and have not read anything since the last call. Once a day it removes what was noted of sign-ins longer than [`SEEN_DAYS`](crate::SEEN_DAYS) ago.
    pub fn forget_stale_sign_ins(&self) {
        self.link.kept.forget_unused();
        self.link.forget_stale_sign_ins();
    }

    /// How much memory guesses at passwords and passphrases have filled since this vault was opened, in KiB: what guessers cost the node.
    pub fn guessed_kib(&self) -> u64 {
        self.link.guessed_kib().unwrap_or_default()
    }

    /// How many epochs were opened by X25519 since this vault was unlocked, because no ring had them.
    pub fn epochs_opened(&self) -> u64 {
        self.link.epochs_opened().unwrap_or_default()
    }

    /// Those of `epochs` of which [`message_keys`](Self::message_keys) needs the sealed keys: this session has not opened
    /// them yet. Does not ask the vault.
    pub fn epochs_wanted(&self, signed_in: &SignedIn, epochs: &[EpochId]) -> Vec<EpochId> {
        let open = signed_in.open_epochs();
        epochs.iter().copied().filter(|epoch| !open.contains(epoch)).collect()
    }

    /// The keys of messages in the owner's own account, in the order of `asks`. `epochs` holds the sealed keys of the
    /// epochs that this session has not opened yet; extra ones do no harm.
    ///
    /// # Errors
    /// `MailError::NoEpochKey`, `MailError::EpochDoesNotOpen`, [`VaultError::SessionOver`].
    pub fn message_keys(
        &self,
        signed_in: &SignedIn,
        epochs: &[(EpochId, SealedEpochKey)],
        asks: &[KeyAsk],
    ) -> Result<Vec<MessageKey>, VaultError> {
        let account = signed_in.account();
        let keys = self.link.message_keys(signed_in.session(), epochs, asks)?;
        if keys.len() != asks.len() {
            return Err(VaultError::Garbled);
        }
        signed_in.open_epochs().extend(asks.iter().map(|ask| ask.epoch));
        Ok(asks.iter().zip(keys).map(|(ask, key)| MessageKey::from_parts(account, *ask, key)).collect())
    }

    /// As [`message_keys`](Self::message_keys), of what this process was given before and keeps; `None` when one of them is
    /// not kept. Does not ask the vault.
    pub fn kept_message_keys(&self, signed_in: &SignedIn, asks: &[KeyAsk]) -> Option<Vec<MessageKey>> {
        signed_in.kept().find(signed_in.account(), asks)
    }

    /// Keeps keys that [`message_keys`](Self::message_keys) gave for this owner, for the sessions of this owner.
    pub fn keep_message_keys(&self, signed_in: &SignedIn, keys: &[MessageKey]) {
        signed_in.kept().keep(keys);
    }
}
