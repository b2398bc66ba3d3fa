//! An owner's secrets and custody.
//!
//! Each change here is durable when it returns, rewraps the root of the account and touches no mail. It needs the owner's
//! password, and a code if two-factor authentication is on ([`OwnerProof`]); whichever is wrong, the answer is
//! `OwnerError::WrongPassword`. Guesses that do not come from this machine are counted, with `OwnerError::SlowDown`.

use terms::{AccountId, Secret, UnixMillis};

use super::calls;
use crate::VaultError;
use crate::mail::epoch::AccountPublicKey;
use crate::owners::custody::Custody;
use crate::owners::scopes::Scopes;
use crate::owners::secrets::{AccountGuard, Attempt, OwnerProof, OwnerSecrets};

calls! {
    secrets for Vault;

    /// Makes the keys of a new account. Durable when it returns. Under `owner` custody there are recovery codes, which
    /// exist in this answer only and are the only way back from a forgotten password; otherwise the list is empty.
    ///
    /// # Errors
    /// `OwnerError::AccountExists`, [`VaultError::EmptyPassphrase`], `FileError::Disk`.
    pub fn create_account_in(
        account: AccountId,
        custody: Custody,
        password: &Secret<String>,
    ) -> (AccountPublicKey, Vec<Secret<String>>), slow;

    /// How an account is guarded. No secret is asked for: the provider knows this much.
    ///
    /// # Errors
    /// `OwnerError::NoSuchAccount`, `FileError::Damaged`, `FileError::Disk`.
    pub fn account_guard(account: AccountId) -> AccountGuard;

    /// Checks the owner's proof. Changes nothing, and spends no code: for acts that must be recorded after the check and before
    /// they are done.
    ///
    /// # Errors
    /// Those of every change.
    pub fn check_owner(account: AccountId, proof: &OwnerProof), slow;

    /// Sets another password. The old one no longer works, and web sessions end; app passwords and open sessions of mail
    /// clients stay valid.
    ///
    /// # Errors
    /// [`VaultError::EmptyPassphrase`] and those of every change.
    pub fn set_password(account: AccountId, proof: &OwnerProof, new: &Secret<String>), slow;

    /// Sets another custody. A change to `owner` gives new recovery codes and takes the escrow wrap away; copies of the file
    /// made earlier still have it, until their time is over (docs/threat-model.md).
    ///
    /// # Errors
    /// Those of every change.
    pub fn set_custody(account: AccountId, proof: &OwnerProof, custody: Custody) -> Vec<Secret<String>>, slow;

    /// A new app password: its number, and the password, which exists in this answer only.
    ///
    /// # Errors
    /// `OwnerError::Name`, `OwnerError::Ends`, `OwnerError::TooManyAppPasswords` and those of every change.
    pub fn add_app_password(
        account: AccountId,
        proof: &OwnerProof,
        name: &str,
        scopes: Scopes,
        expires: Option<UnixMillis>,
    ) -> (u32, Secret<String>), slow;

    /// The app passwords and web sessions of an account.
    ///
    /// # Errors
    /// Those of every change.
    pub fn owner_secrets(account: AccountId, proof: &OwnerProof) -> OwnerSecrets, slow;

    /// Revokes an app password. Sessions of mail clients that are open stay open.
    ///
    /// # Errors
    /// `OwnerError::NoSuchSecret` and those of every change.
    pub fn revoke_app_password(account: AccountId, proof: &OwnerProof, id: u32), slow;

    /// Ends one web session, or all.
    ///
    /// # Errors
    /// `OwnerError::NoSuchSecret` and those of every change.
    pub fn end_sessions(account: AccountId, proof: &OwnerProof, id: Option<u32>), slow;

    /// A fresh secret for an authenticator app, in base32 (RFC 6238: SHA-1, 6 digits, 30 seconds). Nothing is kept of it
    /// before [`turn_codes_on`](crate::Vault::turn_codes_on).
    ///
    /// # Errors
    /// [`VaultError::Away`], [`VaultError::Locked`].
    pub fn new_code_secret() -> Secret<String>;

    /// Turns two-factor authentication on: codes of this secret are asked for beside the password on the owner's pages and for
    /// every change. The password alone no longer signs in to mail clients. `shown` is the code that the app shows now.
    ///
    /// # Errors
    /// `OwnerError::WrongCode` and those of every change.
    pub fn turn_codes_on(
        account: AccountId,
        proof: &OwnerProof,
        secret: &Secret<String>,
        shown: &Secret<String>,
    ), slow;

    /// Turns two-factor authentication off.
    ///
    /// # Errors
    /// Those of every change.
    pub fn turn_codes_off(account: AccountId, proof: &OwnerProof), slow;

    /// Whether the password alone signs in to mail clients although two-factor authentication is on. Without it, it always does.
    ///
    /// # Errors
    /// Those of every change.
    pub fn let_password_serve_mail(account: AccountId, proof: &OwnerProof, allowed: bool), slow;

    /// New recovery codes, which exist in this answer only; the earlier ones stop working.
    ///
    /// # Errors
    /// Those of every change.
    pub fn new_recovery_codes(account: AccountId, proof: &OwnerProof) -> Vec<Secret<String>>, slow;

    /// A new password by a recovery code, which is used up. Web sessions end; two-factor authentication and app passwords stay. Attempts
    /// are counted with the guesses at passwords, for the account and the network, and an unknown name is refused
    /// in the same words after the same work.
    ///
    /// # Errors
    /// `OwnerError::WrongRecoveryCode`, `OwnerError::SlowDown` before any work, [`VaultError::EmptyPassphrase`],
    /// `FileError::Damaged`, `FileError::Disk`.
    pub fn recover_as(attempt: &Attempt, code: &Secret<String>, new: &Secret<String>), slow;
}
