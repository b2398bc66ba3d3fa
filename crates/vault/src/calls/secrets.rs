//! Calls for an owner's secrets and custody.

use terms::{AccountId, Secret, UnixMillis};

use super::Call;
use crate::VaultError;
use crate::account::app_password::Scopes;
use crate::custody::Custody;
use crate::epoch::AccountPublicKey;
use crate::secrets::{AccountGuard, Attempt, OwnerProof, OwnerSecrets, PendingReset};
use crate::strongroom::Strongroom;
use crate::wire::wire_struct;

/// Make the keys of a new account.
pub(crate) struct Create {
    pub(crate) account: AccountId,
    pub(crate) custody: Custody,
    pub(crate) password: Secret<String>,
}
wire_struct!(Create { account, custody, password });

impl Call for Create {
    type Answer = (AccountPublicKey, Vec<Secret<String>>);
    const SLOW: bool = true;

    fn serve(self, room: &Strongroom) -> Result<Self::Answer, VaultError> {
        room.keeper()?.create_account(self.account, self.custody, &self.password)
    }
}

/// How an account is guarded.
pub(crate) struct Guard {
    pub(crate) account: AccountId,
}
wire_struct!(Guard { account });

impl Call for Guard {
    type Answer = AccountGuard;

    fn serve(self, room: &Strongroom) -> Result<Self::Answer, VaultError> {
        room.keeper()?.guard(self.account)
    }
}

/// Is this the owner?
pub(crate) struct CheckOwner {
    pub(crate) account: AccountId,
    pub(crate) proof: OwnerProof,
}
wire_struct!(CheckOwner { account, proof });

impl Call for CheckOwner {
    type Answer = ();
    const SLOW: bool = true;

    fn serve(self, room: &Strongroom) -> Result<Self::Answer, VaultError> {
        room.keeper()?.check_owner(self.account, &self.proof)
    }
}

/// Another password.
pub(crate) struct SetPassword {
    pub(crate) account: AccountId,
    pub(crate) proof: OwnerProof,
    pub(crate) new: Secret<String>,
}
wire_struct!(SetPassword { account, proof, new });

impl Call for SetPassword {
    type Answer = ();
    const SLOW: bool = true;

    fn serve(self, room: &Strongroom) -> Result<Self::Answer, VaultError> {
        room.keeper()?.set_password(self.account, &self.proof, &self.new)
    }
}

/// Another custody.
pub(crate) struct SetCustody {
    pub(crate) account: AccountId,
    pub(crate) proof: OwnerProof,
    pub(crate) custody: Custody,
}
wire_struct!(SetCustody { account, proof, custody });

impl Call for SetCustody {
    type Answer = Vec<Secret<String>>;
    const SLOW: bool = true;

    fn serve(self, room: &Strongroom) -> Result<Self::Answer, VaultError> {
        room.keeper()?.set_custody(self.account, &self.proof, self.custody)
    }
}

/// A new app password.
pub(crate) struct AddAppPassword {
    pub(crate) account: AccountId,
    pub(crate) proof: OwnerProof,
    pub(crate) name: String,
    pub(crate) scopes: Scopes,
    pub(crate) expires: Option<UnixMillis>,
}
wire_struct!(AddAppPassword { account, proof, name, scopes, expires });

impl Call for AddAppPassword {
    type Answer = (u32, Secret<String>);
    const SLOW: bool = true;

    fn serve(self, room: &Strongroom) -> Result<Self::Answer, VaultError> {
        let Self { account, proof, name, scopes, expires } = self;
        room.keeper()?.add_app_password(account, &proof, &name, scopes, expires)
    }
}

/// What an owner can revoke.
pub(crate) struct List {
    pub(crate) account: AccountId,
    pub(crate) proof: OwnerProof,
}
wire_struct!(List { account, proof });

impl Call for List {
    type Answer = OwnerSecrets;
    const SLOW: bool = true;

    fn serve(self, room: &Strongroom) -> Result<Self::Answer, VaultError> {
        room.keeper()?.owner_secrets(self.account, &self.proof)
    }
}

/// An app password ends.
pub(crate) struct RevokeAppPassword {
    pub(crate) account: AccountId,
    pub(crate) proof: OwnerProof,
    pub(crate) id: u32,
}
wire_struct!(RevokeAppPassword { account, proof, id });

impl Call for RevokeAppPassword {
    type Answer = ();
    const SLOW: bool = true;

    fn serve(self, room: &Strongroom) -> Result<Self::Answer, VaultError> {
        room.keeper()?.revoke_app_password(self.account, &self.proof, self.id)
    }
}

/// One web session ends, or all.
pub(crate) struct EndSessions {
    pub(crate) account: AccountId,
    pub(crate) proof: OwnerProof,
    pub(crate) id: Option<u32>,
}
wire_struct!(EndSessions { account, proof, id });

impl Call for EndSessions {
    type Answer = ();
    const SLOW: bool = true;

    fn serve(self, room: &Strongroom) -> Result<Self::Answer, VaultError> {
        room.keeper()?.end_sessions(self.account, &self.proof, self.id)
    }
}

/// A fresh secret for an authenticator app.
pub(crate) struct NewCodeSecret {}
wire_struct!(NewCodeSecret {});

impl Call for NewCodeSecret {
    type Answer = Secret<String>;

    fn serve(self, room: &Strongroom) -> Result<Self::Answer, VaultError> {
        Ok(room.keeper()?.new_code_secret())
    }
}

/// Ask for codes.
pub(crate) struct TurnCodesOn {
    pub(crate) account: AccountId,
    pub(crate) proof: OwnerProof,
    pub(crate) secret: Secret<String>,
    pub(crate) shown: Secret<String>,
}
wire_struct!(TurnCodesOn { account, proof, secret, shown });

impl Call for TurnCodesOn {
    type Answer = ();
    const SLOW: bool = true;

    fn serve(self, room: &Strongroom) -> Result<Self::Answer, VaultError> {
        room.keeper()?.turn_codes_on(self.account, &self.proof, &self.secret, &self.shown)
    }
}

/// Ask for no codes.
pub(crate) struct TurnCodesOff {
    pub(crate) account: AccountId,
    pub(crate) proof: OwnerProof,
}
wire_struct!(TurnCodesOff { account, proof });

impl Call for TurnCodesOff {
    type Answer = ();
    const SLOW: bool = true;

    fn serve(self, room: &Strongroom) -> Result<Self::Answer, VaultError> {
        room.keeper()?.turn_codes_off(self.account, &self.proof)
    }
}

/// Whether the password alone serves mail clients although codes are on.
pub(crate) struct LetPasswordServeMail {
    pub(crate) account: AccountId,
    pub(crate) proof: OwnerProof,
    pub(crate) allowed: bool,
}
wire_struct!(LetPasswordServeMail { account, proof, allowed });

impl Call for LetPasswordServeMail {
    type Answer = ();
    const SLOW: bool = true;

    fn serve(self, room: &Strongroom) -> Result<Self::Answer, VaultError> {
        room.keeper()?.let_password_serve_mail(self.account, &self.proof, self.allowed)
    }
}

/// New recovery codes.
pub(crate) struct NewRecoveryCodes {
    pub(crate) account: AccountId,
    pub(crate) proof: OwnerProof,
}
wire_struct!(NewRecoveryCodes { account, proof });

impl Call for NewRecoveryCodes {
    type Answer = Vec<Secret<String>>;
    const SLOW: bool = true;

    fn serve(self, room: &Strongroom) -> Result<Self::Answer, VaultError> {
        room.keeper()?.new_recovery_codes(self.account, &self.proof)
    }
}

/// A new password by a recovery code.
pub(crate) struct Recover {
    pub(crate) attempt: Attempt,
    pub(crate) code: Secret<String>,
    pub(crate) new: Secret<String>,
}
wire_struct!(Recover { attempt, code, new });

impl Call for Recover {
    type Answer = ();
    const SLOW: bool = true;

    fn serve(self, room: &Strongroom) -> Result<Self::Answer, VaultError> {
        room.keeper()?.recover(&self.attempt, &self.code, &self.new)
    }
}

/// The reset of a password that is under way.
pub(crate) struct Reset {
    pub(crate) account: AccountId,
}
wire_struct!(Reset { account });

impl Call for Reset {
    type Answer = Option<PendingReset>;

    fn serve(self, room: &Strongroom) -> Result<Self::Answer, VaultError> {
        room.keeper()?.pending_reset(self.account)
    }
}

/// A reset is stopped.
pub(crate) struct StopReset {
    pub(crate) account: AccountId,
}
wire_struct!(StopReset { account });

impl Call for StopReset {
    type Answer = ();

    fn serve(self, room: &Strongroom) -> Result<Self::Answer, VaultError> {
        room.keeper()?.stop_reset(self.account)
    }
}
