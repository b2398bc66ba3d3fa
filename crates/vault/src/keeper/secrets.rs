//! An owner's secrets and custody: made, changed, revoked. Each change rewraps the root and touches no mail.

use std::sync::PoisonError;

use data_encoding::BASE32_NOPAD;
use terms::{AccountId, Secret, UnixMillis};
use zeroize::Zeroizing;

use super::{Keeper, not_empty};
use crate::VaultError;
use crate::account::app_password::{APP_PASSWORDS_MAX, AppPassword, Scopes, Wanted, check_name, generate};
use crate::account::root::Root;
use crate::account::session::SessionToken;
use crate::account::{AccountKeys, House, RECOVERY_CODES};
use crate::crypto::{ScramKeys, TOTP_SECRET_LEN, totp_step};
use crate::custody::Custody;
use crate::epoch::AccountPublicKey;
use crate::folder::account_file;
use crate::network::Network;
use crate::secrets::{AccountGuard, AppPasswordInfo, Attempt, Claim, OwnerProof, OwnerSecrets, SessionInfo};
use crate::seen::Seen;
use crate::throttle::Admitted;

/// Generated secrets, for the owner to write down: they are shown once.
pub(crate) type Shown = Vec<Secret<String>>;

impl Keeper {
    /// Makes the keys of a new account. Durable when it returns. Under `owner` custody with recovery codes, which are the
    /// only way back from a forgotten password.
    pub(crate) fn create_account(
        &self,
        account: AccountId,
        custody: Custody,
        password: &Secret<String>,
    ) -> Result<(AccountPublicKey, Shown), VaultError> {
        not_empty(password)?;
        let file = account_file(account);
        if self.folder.exists(&file) {
            return Err(VaultError::AccountExists(account));
        }
        // The escrow key does not change meanwhile.
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut keys, root) = AccountKeys::create(account, custody, password, self.house(), self.stretch())?;
        let codes = if custody == Custody::Owner { self.new_codes(&mut keys, &root) } else { Vec::new() };
        if self.folder.exists(&file) {
            return Err(VaultError::AccountExists(account));
        }
        self.write_account(account, &keys)?;
        Ok((AccountPublicKey(keys.public()), codes))
    }

    pub(super) fn house(&self) -> House<'_> {
        House { escrow: self.roster().escrow, own: &self.own }
    }

    /// Writes an account's file. Durable when it returns. Hold `changing` from the reading on.
    pub(super) fn write_account(&self, account: AccountId, keys: &AccountKeys) -> Result<(), VaultError> {
        self.folder.write_checked(&self.own, &account_file(account), keys.to_bytes())
    }

    /// How an account is guarded.
    pub(crate) fn guard(&self, account: AccountId) -> Result<AccountGuard, VaultError> {
        let mut keys = self.account_keys(account)?;
        keys.forget_ended(self.clock.now());
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Ok(AccountGuard {
            custody: keys.custody(),
            codes: keys.codes_on(),
            password_serves_mail: keys.password_serves_mail(),
            recovery_codes: count(keys.recovery_codes_left()),
            app_passwords: count(keys.app_passwords().count()),
            sessions: count(keys.sessions().count()),
        })
    }

    /// Does what an owner may who has shown the password, and a code where codes are on. The file is written when anything
    /// in it changed; durable when it returns. Sign-ins that are remembered are forgotten then.
    pub(super) fn as_owner<T>(
        &self,
        account: AccountId,
        proof: &OwnerProof,
        act: impl FnOnce(&mut AccountKeys, &Root) -> Result<T, VaultError>,
    ) -> Result<T, VaultError> {
        let admitted = self.admit_owner(account, proof)?;
        let now = self.clock.now();
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut keys = self.account_keys(account)?;
        let before = keys.to_bytes();
        let root = self.root_of_owner(&mut keys, proof)?;
        if let Some(admitted) = admitted {
            self.admitted_rightly(admitted);
        }
        self.owner_was_here(account)?;
        let root = keys.renewed(root, &proof.password, self.house(), self.stretch())?;
        let done = act(&mut keys, &root)?;
        keys.forget_ended(now);
        if keys.to_bytes() != before {
            let written = self.write_account(account, &keys);
            // After an error the new file may stand: forget in any case.
            self.remembered.forget(account);
            written?;
        }
        Ok(done)
    }

    /// Whether this is the owner. The file stays as it is, so that a code that was shown is not spent.
    pub(crate) fn check_owner(&self, account: AccountId, proof: &OwnerProof) -> Result<(), VaultError> {
        let admitted = self.admit_owner(account, proof)?;
        self.root_of_owner(&mut self.account_keys(account)?, proof)?;
        if let Some(admitted) = admitted {
            self.admitted_rightly(admitted);
        }
        Ok(())
    }

    /// Lets an attempt of somebody elsewhere wait its turn. Whoever stands at this machine has the service key, and would not
    /// guess here.
    fn admit_owner(&self, account: AccountId, proof: &OwnerProof) -> Result<Option<Admitted>, VaultError> {
        let attempt = Attempt { claim: Claim::Account(account), scope: Scopes::PAGES, network: proof.network };
        if proof.network == Network::HERE { Ok(None) } else { self.admit(&attempt).map(Some) }
    }

    /// The account's root by the password, and by a code where codes are on, which is spent in `keys`.
    fn root_of_owner(&self, keys: &mut AccountKeys, proof: &OwnerProof) -> Result<Root, VaultError> {
        let root = keys.root_by_password(&proof.password, &self.lanes)?;
        let right = match &proof.code {
            _ if !keys.codes_on() => true,
            Some(code) => keys.spend_code(&root, code, self.clock.now())?,
            None => false,
        };
        if right { Ok(root) } else { Err(VaultError::WrongPassword) }
    }

    /// Another password. Web sessions end with the old one; app passwords go on.
    pub(crate) fn set_password(
        &self,
        account: AccountId,
        proof: &OwnerProof,
        new: &Secret<String>,
    ) -> Result<(), VaultError> {
        not_empty(new)?;
        self.as_owner(account, proof, |keys, root| {
            keys.end_sessions(|_| true);
            keys.set_password(root, new, self.stretch())
        })
    }

    /// Another custody. To `owner` with new recovery codes.
    pub(crate) fn set_custody(
        &self,
        account: AccountId,
        proof: &OwnerProof,
        custody: Custody,
    ) -> Result<Shown, VaultError> {
        self.as_owner(account, proof, |keys, root| {
            keys.set_custody(custody, root, self.house(), &*self.entropy)?;
            Ok(if custody == Custody::Owner { self.new_codes(keys, root) } else { Vec::new() })
        })
    }

    pub(super) fn new_codes(&self, keys: &mut AccountKeys, root: &Root) -> Shown {
        let codes: Vec<Zeroizing<String>> = (0..RECOVERY_CODES).map(|_| generate(&*self.entropy)).collect();
        keys.set_recovery_codes(root, &codes, &*self.entropy);
        codes.iter().map(|code| Secret::new(code.to_string())).collect()
    }

    /// New recovery codes; the earlier ones serve no longer.
    pub(crate) fn new_recovery_codes(&self, account: AccountId, proof: &OwnerProof) -> Result<Shown, VaultError> {
        self.as_owner(account, proof, |keys, root| Ok(self.new_codes(keys, root)))
    }

    /// A new app password: its number, and the password.
    pub(crate) fn add_app_password(
        &self,
        account: AccountId,
        proof: &OwnerProof,
        name: &str,
        scopes: Scopes,
        expires: Option<UnixMillis>,
    ) -> Result<(u32, Secret<String>), VaultError> {
        check_name(name)?;
        let now = self.clock.now();
        if expires.is_some_and(|expires| expires <= now) {
            return Err(VaultError::Ends);
        }
        self.as_owner(account, proof, |keys, root| {
            keys.forget_ended(now);
            if keys.app_passwords().count() >= APP_PASSWORDS_MAX {
                return Err(VaultError::TooManyAppPasswords);
            }
            let salt = keys.scram_salt().ok_or(VaultError::UnusableKey)?;
            let password = generate(&*self.entropy);
            let id = keys.next_id(&*self.entropy);
            let wanted = Wanted { id, name, scopes, created: now, expires: expires.unwrap_or_default() };
            let made = AppPassword::new(
                account,
                keys.first_public(),
                &wanted,
                &ScramKeys::derive(&password, &salt),
                root,
                &*self.entropy,
            );
            keys.add_app_password(made);
            Ok((id, Secret::new(password.to_string())))
        })
    }

    /// What the owner can revoke.
    pub(crate) fn owner_secrets(&self, account: AccountId, proof: &OwnerProof) -> Result<OwnerSecrets, VaultError> {
        self.as_owner(account, proof, |keys, root| Ok(self.listed(account, keys, root)))
    }

    /// What the owner of a web session can revoke, by the session alone: whose it is, its number, and the list. Whoever has
    /// the session reads the mail; that a phone has an app password is less.
    pub(crate) fn session_secrets(&self, token: &SessionToken) -> Result<(AccountId, (u32, OwnerSecrets)), VaultError> {
        let (account, id, root, mut keys) = self.session_root(token)?;
        Ok((account, (id, self.listed(account, &mut keys, &root))))
    }

    fn listed(&self, account: AccountId, keys: &mut AccountKeys, root: &Root) -> OwnerSecrets {
        let seen = Seen::load(&self.folder, &self.own, account, self.clock.now());
        keys.forget_ended(self.clock.now());
        let nameless = || "(its name does not open)".to_owned();
        let app_passwords = keys.app_passwords().map(|password| AppPasswordInfo {
            id: password.id,
            name: password.name(account, root).unwrap_or_else(nameless),
            scopes: password.scopes,
            created: password.created,
            expires: (password.expires.0 != 0).then_some(password.expires),
            last_used: seen.last_used(password.id),
        });
        let app_passwords = app_passwords.collect();
        let sessions = keys.sessions().map(|session| SessionInfo {
            id: session.id,
            name: session.name(account, root).unwrap_or_else(nameless),
            created: session.created,
            expires: session.expires,
        });
        OwnerSecrets { app_passwords, sessions: sessions.collect() }
    }

    /// Revokes an app password.
    pub(crate) fn revoke_app_password(
        &self,
        account: AccountId,
        proof: &OwnerProof,
        id: u32,
    ) -> Result<(), VaultError> {
        self.as_owner(account, proof, |keys, _| {
            if keys.revoke_app_password(id) { Ok(()) } else { Err(VaultError::NoSuchSecret(id)) }
        })
    }

    /// Ends one web session, or all.
    pub(crate) fn end_sessions(
        &self,
        account: AccountId,
        proof: &OwnerProof,
        id: Option<u32>,
    ) -> Result<(), VaultError> {
        self.as_owner(account, proof, |keys, _| {
            let ended = keys.end_sessions(|session| id.is_none_or(|id| session.id == id));
            match id {
                Some(id) if !ended => Err(VaultError::NoSuchSecret(id)),
                _ => Ok(()),
            }
        })
    }

    /// A fresh secret for an authenticator app, in base32. It counts once [`turn_codes_on`](Keeper::turn_codes_on) has seen a
    /// code of it.
    pub(crate) fn new_code_secret(&self) -> Secret<String> {
        let mut secret = Zeroizing::new([0; TOTP_SECRET_LEN]);
        self.entropy.fill(secret.as_mut());
        Secret::new(BASE32_NOPAD.encode(secret.as_ref()))
    }

    /// Asks for codes from now on. `shown` is the code of now, so that an app that was set up wrongly locks nobody out.
    pub(crate) fn turn_codes_on(
        &self,
        account: AccountId,
        proof: &OwnerProof,
        secret: &Secret<String>,
        shown: &Secret<String>,
    ) -> Result<(), VaultError> {
        let bytes = Zeroizing::new(BASE32_NOPAD.decode(secret.expose().as_bytes()).map_err(|_| VaultError::WrongCode)?);
        let secret: &[u8; TOTP_SECRET_LEN] = bytes.as_slice().try_into().map_err(|_| VaultError::WrongCode)?;
        let seconds = u64::try_from(self.clock.now().seconds()).unwrap_or(0);
        let step = totp_step(secret, shown.expose(), seconds).ok_or(VaultError::WrongCode)?;
        self.as_owner(account, proof, |keys, root| {
            keys.set_codes(root, Some((secret, step)), &*self.entropy);
            keys.let_password_serve_mail(false);
            Ok(())
        })
    }

    /// Asks for no code any more.
    pub(crate) fn turn_codes_off(&self, account: AccountId, proof: &OwnerProof) -> Result<(), VaultError> {
        self.as_owner(account, proof, |keys, root| {
            keys.set_codes(root, None, &*self.entropy);
            keys.let_password_serve_mail(false);
            Ok(())
        })
    }

    /// Lets the password alone sign in to mail clients although codes are on, or not.
    pub(crate) fn let_password_serve_mail(
        &self,
        account: AccountId,
        proof: &OwnerProof,
        allowed: bool,
    ) -> Result<(), VaultError> {
        self.as_owner(account, proof, |keys, _| {
            keys.let_password_serve_mail(allowed && keys.codes_on());
            Ok(())
        })
    }

    /// A new password by a recovery code, which is used up. Web sessions end; codes and app passwords go on. An attempt is
    /// counted like a guess at a password, and a name that is nobody's is tried and refused like one that is.
    pub(crate) fn recover(
        &self,
        attempt: &Attempt,
        code: &Secret<String>,
        new: &Secret<String>,
    ) -> Result<(), VaultError> {
        not_empty(new)?;
        let admitted = self.admit(attempt)?;
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let (Some(mut keys), Claim::Account(account)) = (self.claimed(&attempt.claim)?, &attempt.claim) else {
            self.try_nobodys_code(code);
            return Err(VaultError::WrongRecoveryCode);
        };
        let account = *account;
        let root = keys.use_recovery_code(code).ok_or(VaultError::WrongRecoveryCode)?;
        keys.private(&root)?;
        self.admitted_rightly(admitted);
        keys.set_password(&root, new, self.stretch())?;
        keys.end_sessions(|_| true);
        keys.forget_ended(self.clock.now());
        self.owner_was_here(account)?;
        let written = self.write_account(account, &keys);
        self.remembered.forget(account);
        written
    }
}
