//! Calls for owners: their keys, and what their sessions open.

use terms::{AccountId, EpochId};

use super::Call;
use crate::VaultError;
use crate::crypto::Key32;
use crate::epoch::{AccountPublicKey, SealedEpochKey};
use crate::keeper::sessions::SessionId;
use crate::message::KeyAsk;
use crate::strongroom::Strongroom;
use crate::wire::wire_struct;

/// The public half of an account's pair.
pub(crate) struct PublicKey {
    pub(crate) account: AccountId,
}
wire_struct!(PublicKey { account });

impl Call for PublicKey {
    type Answer = AccountPublicKey;

    fn serve(self, room: &Strongroom) -> Result<AccountPublicKey, VaultError> {
        room.keeper()?.account_public_key(self.account)
    }
}

/// A session is over.
pub(crate) struct CloseSession {
    pub(crate) session: SessionId,
}
wire_struct!(CloseSession { session });

impl Call for CloseSession {
    type Answer = ();

    fn serve(self, room: &Strongroom) -> Result<(), VaultError> {
        room.keeper()?.close_session(self.session);
        Ok(())
    }
}

/// Forget the sign-ins whose minutes are over.
pub(crate) struct ForgetStale {}
wire_struct!(ForgetStale {});

impl Call for ForgetStale {
    type Answer = ();

    fn serve(self, room: &Strongroom) -> Result<(), VaultError> {
        room.keeper()?.forget_stale_sign_ins();
        Ok(())
    }
}

/// How much memory guesses have filled.
pub(crate) struct GuessedKib {}
wire_struct!(GuessedKib {});

impl Call for GuessedKib {
    type Answer = u64;

    fn serve(self, room: &Strongroom) -> Result<u64, VaultError> {
        Ok(room.keeper()?.guessed_kib())
    }
}

/// How many epochs were opened by X25519.
pub(crate) struct EpochsOpened {}
wire_struct!(EpochsOpened {});

impl Call for EpochsOpened {
    type Answer = u64;

    fn serve(self, room: &Strongroom) -> Result<u64, VaultError> {
        Ok(room.keeper()?.epochs_opened())
    }
}

/// A block of message keys for an owner.
pub(crate) struct MessageKeys {
    pub(crate) session: SessionId,
    pub(crate) epochs: Vec<(EpochId, SealedEpochKey)>,
    pub(crate) asks: Vec<KeyAsk>,
}
wire_struct!(MessageKeys { session, epochs, asks });

impl Call for MessageKeys {
    type Answer = Vec<Key32>;

    fn serve(self, room: &Strongroom) -> Result<Vec<Key32>, VaultError> {
        room.keeper()?.message_keys(self.session, &self.epochs, &self.asks)
    }
}
