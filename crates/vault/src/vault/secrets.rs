//! An owner's secrets and custody, as the rest of the node has them.
//!
//! Each change here is durable when it returns, wraps the root of the account anew and touches no mail. It wants the owner's
//! password, and a code where codes are on ([`OwnerProof`]); whatever of it is wrong, the answer is
//! [`VaultError::WrongPassword`]. Guesses that do not come from this machine are counted, with [`VaultError::SlowDown`].

use terms::{AccountId, Secret, UnixMillis};

use super::Vault;
use crate::VaultError;
use crate::account::app_password::Scopes;
use crate::calls::secrets;
use crate::custody::Custody;
use crate::epoch::AccountPublicKey;
use crate::network::Network;
use crate::secrets::{AccountGuard, Attempt, Claim, OwnerProof, OwnerSecrets, PendingReset};

/// Custody and secrets.
impl Vault {
    /// Makes the keys of a new account in `strict` custody. Durable when it returns.
    ///
    /// # Errors
    /// As [`create_account_in`](Self::create_account_in).
    pub fn create_account(
        &self,
        account: AccountId,
        password: &Secret<String>,
    ) -> Result<AccountPublicKey, VaultError> {
        self.create_account_in(account, Custody::Strict, password).map(|(public, _)| public)
    }

    /// Makes the keys of a new account. Durable when it returns. Under `owner` custody there are recovery codes, which
    /// exist in this answer only and are the one way back from a forgotten password; else the list is empty.
    ///
    /// # Errors
    /// [`VaultError::AccountExists`], [`VaultError::EmptyPassphrase`], [`VaultError::Disk`].
    pub fn create_account_in(
        &self,
        account: AccountId,
        custody: Custody,
        password: &Secret<String>,
    ) -> Result<(AccountPublicKey, Vec<Secret<String>>), VaultError> {
        self.link.call(secrets::Create { account, custody, password: password.clone() })
    }

    /// How an account is guarded. No secret is asked for: the provider knows this much.
    ///
    /// # Errors
    /// [`VaultError::NoSuchAccount`], [`VaultError::Damaged`], [`VaultError::Disk`].
    pub fn account_guard(&self, account: AccountId) -> Result<AccountGuard, VaultError> {
        self.link.call(secrets::Guard { account })
    }

    /// Whether this is the owner. Nothing changes, and a code is not spent: for what is to be recorded between the question and
    /// the act.
    ///
    /// # Errors
    /// Those of every change.
    pub fn check_owner(&self, account: AccountId, proof: &OwnerProof) -> Result<(), VaultError> {
        self.link.call(secrets::CheckOwner { account, proof: proof.clone() })
    }

    /// Another password. The old one signs nobody in from then on, and web sessions end; app passwords go on, and so do
    /// sessions of mail clients that are open.
    ///
    /// # Errors
    /// [`VaultError::EmptyPassphrase`] and those of every change.
    pub fn set_password(&self, account: AccountId, proof: &OwnerProof, new: &Secret<String>) -> Result<(), VaultError> {
        self.link.call(secrets::SetPassword { account, proof: proof.clone(), new: new.clone() })
    }

    /// Another custody. A change to `owner` gives new recovery codes and takes the escrow wrap away; copies of the file
    /// made earlier still have it, until their time is over (docs/threat-model.md).
    ///
    /// # Errors
    /// Those of every change.
    pub fn set_custody(
        &self,
        account: AccountId,
        proof: &OwnerProof,
        custody: Custody,
    ) -> Result<Vec<Secret<String>>, VaultError> {
        self.link.call(secrets::SetCustody { account, proof: proof.clone(), custody })
    }

    /// A new app password: its number, and the password, which exists in this answer only.
    ///
    /// # Errors
    /// [`VaultError::Name`], [`VaultError::Ends`], [`VaultError::TooManyAppPasswords`] and those of every change.
    pub fn add_app_password(
        &self,
        account: AccountId,
        proof: &OwnerProof,
        name: &str,
        scopes: Scopes,
        expires: Option<UnixMillis>,
    ) -> Result<(u32, Secret<String>), VaultError> {
        let (proof, name) = (proof.clone(), name.to_owned());
        self.link.call(secrets::AddAppPassword { account, proof, name, scopes, expires })
    }

    /// The app passwords and web sessions of an account.
    ///
    /// # Errors
    /// Those of every change.
    pub fn owner_secrets(&self, account: AccountId, proof: &OwnerProof) -> Result<OwnerSecrets, VaultError> {
        self.link.call(secrets::List { account, proof: proof.clone() })
    }

    /// Revokes an app password. Sessions of mail clients that are open go on.
    ///
    /// # Errors
    /// [`VaultError::NoSuchSecret`] and those of every change.
    pub fn revoke_app_password(&self, account: AccountId, proof: &OwnerProof, id: u32) -> Result<(), VaultError> {
        self.link.call(secrets::RevokeAppPassword { account, proof: proof.clone(), id })
    }

    /// Ends one web session, or all.
    ///
    /// # Errors
    /// [`VaultError::NoSuchSecret`] and those of every change.
    pub fn end_sessions(&self, account: AccountId, proof: &OwnerProof, id: Option<u32>) -> Result<(), VaultError> {
        self.link.call(secrets::EndSessions { account, proof: proof.clone(), id })
    }

    /// A fresh secret for an authenticator app, in base32 (RFC 6238: SHA-1, 6 digits, 30 seconds). Nothing is kept of it
    /// before [`turn_codes_on`](Self::turn_codes_on).
    ///
    /// # Errors
    /// The way to the vault.
    pub fn new_code_secret(&self) -> Result<Secret<String>, VaultError> {
        self.link.call(secrets::NewCodeSecret {})
    }

    /// Asks for codes of this secret from now on: beside the password on the owner's pages and for every change. The
    /// password alone signs in to mail clients no longer. `shown` is the code that the app shows now.
    ///
    /// # Errors
    /// [`VaultError::WrongCode`] and those of every change.
    pub fn turn_codes_on(
        &self,
        account: AccountId,
        proof: &OwnerProof,
        secret: &Secret<String>,
        shown: &Secret<String>,
    ) -> Result<(), VaultError> {
        let (proof, secret, shown) = (proof.clone(), secret.clone(), shown.clone());
        self.link.call(secrets::TurnCodesOn { account, proof, secret, shown })
    }

    /// Asks for no codes any more.
    ///
    /// # Errors
    /// Those of every change.
    pub fn turn_codes_off(&self, account: AccountId, proof: &OwnerProof) -> Result<(), VaultError> {
        self.link.call(secrets::TurnCodesOff { account, proof: proof.clone() })
    }

    /// Lets the password alone sign in to mail clients although codes are on, or not. Without codes it does always.
    ///
    /// # Errors
    /// Those of every change.
    pub fn let_password_serve_mail(
        &self,
        account: AccountId,
        proof: &OwnerProof,
        allowed: bool,
    ) -> Result<(), VaultError> {
        self.link.call(secrets::LetPasswordServeMail { account, proof: proof.clone(), allowed })
    }

    /// New recovery codes, which exist in this answer only; the earlier ones serve no longer.
    ///
    /// # Errors
    /// Those of every change.
    pub fn new_recovery_codes(
        &self,
        account: AccountId,
        proof: &OwnerProof,
    ) -> Result<Vec<Secret<String>>, VaultError> {
        self.link.call(secrets::NewRecoveryCodes { account, proof: proof.clone() })
    }

    /// [`recover_as`](Self::recover_as), from this machine.
    ///
    /// # Errors
    /// As [`recover_as`](Self::recover_as).
    pub fn recover(&self, account: AccountId, code: &Secret<String>, new: &Secret<String>) -> Result<(), VaultError> {
        let attempt = Attempt { claim: Claim::Account(account), scope: Scopes::PAGES, network: Network::HERE };
        self.recover_as(&attempt, code, new)
    }

    /// A new password by a recovery code, which is used up. Web sessions end; codes of an app and app passwords go on. Attempts
    /// are counted with the guesses at passwords, for the account and the network, and a claim that is nobody's is refused
    /// in the same words after the same work.
    ///
    /// # Errors
    /// [`VaultError::WrongRecoveryCode`], [`VaultError::SlowDown`] before any work, [`VaultError::EmptyPassphrase`],
    /// [`VaultError::Damaged`], [`VaultError::Disk`].
    pub fn recover_as(&self, attempt: &Attempt, code: &Secret<String>, new: &Secret<String>) -> Result<(), VaultError> {
        self.link.call(secrets::Recover { attempt: attempt.clone(), code: code.clone(), new: new.clone() })
    }

    /// The reset of a forgotten password that is under way. It is begun and finished by two officers
    /// ([`begin_act`](Self::begin_act) with [`Act::BeginReset`](crate::Act::BeginReset) and
    /// [`Act::FinishReset`](crate::Act::FinishReset)). An owner who signs in by the password, changes something with it or
    /// uses a recovery code stops it.
    ///
    /// # Errors
    /// [`VaultError::Damaged`], [`VaultError::Disk`].
    pub fn pending_reset(&self, account: AccountId) -> Result<Option<PendingReset>, VaultError> {
        self.link.call(secrets::Reset { account })
    }

    /// Stops a reset; none is no error. Durable when it returns.
    ///
    /// # Errors
    /// [`VaultError::Disk`].
    pub fn stop_reset(&self, account: AccountId) -> Result<(), VaultError> {
        self.link.call(secrets::StopReset { account })
    }
}
