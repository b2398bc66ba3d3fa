//! Calls for owners: their keys, their passwords, their sign-ins.

use terms::{AccountId, EpochId, Secret};

use super::Call;
use crate::VaultError;
use crate::crypto::Key32;
use crate::epoch::{AccountPublicKey, SealedEpochKey};
use crate::keeper::sessions::SessionId;
use crate::message::KeyAsk;
use crate::strongroom::Strongroom;
use crate::wire::wire_struct;

/// Make the keys of a new account.
pub(crate) struct Create {
    pub(crate) account: AccountId,
    pub(crate) password: Secret<String>,
}
wire_struct!(Create { account, password });

impl Call for Create {
    type Answer = AccountPublicKey;
    const SLOW: bool = true;

    fn serve(self, room: &Strongroom) -> Result<AccountPublicKey, VaultError> {
        room.keeper()?.create_account(self.account, &self.password)
    }
}

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

/// Another password.
pub(crate) struct ChangePassword {
    pub(crate) account: AccountId,
    pub(crate) old: Secret<String>,
    pub(crate) new: Secret<String>,
}
wire_struct!(ChangePassword { account, old, new });

impl Call for ChangePassword {
    type Answer = ();
    const SLOW: bool = true;

    fn serve(self, room: &Strongroom) -> Result<(), VaultError> {
        room.keeper()?.change_password(self.account, &self.old, &self.new)
    }
}

/// Sign an owner in.
pub(crate) struct SignIn {
    pub(crate) account: AccountId,
    pub(crate) password: Secret<String>,
}
wire_struct!(SignIn { account, password });

impl Call for SignIn {
    type Answer = SessionId;
    const SLOW: bool = true;

    fn serve(self, room: &Strongroom) -> Result<SessionId, VaultError> {
        room.keeper()?.sign_in(self.account, &self.password)
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

/// The work of a sign-in that fails.
pub(crate) struct RefuseSignIn {
    pub(crate) password: Secret<String>,
}
wire_struct!(RefuseSignIn { password });

impl Call for RefuseSignIn {
    type Answer = ();
    const SLOW: bool = true;

    fn serve(self, room: &Strongroom) -> Result<(), VaultError> {
        room.keeper()?.refuse_sign_in(&self.password);
        Ok(())
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
