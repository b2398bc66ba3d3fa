//! An owner's secrets and custody: made, changed, revoked. Each change rewraps the root and touches no mail.

use std::sync::PoisonError;

use data_encoding::BASE32_NOPAD;
use terms::{AccountId, Secret, UnixMillis};
use vault::{
    APP_PASSWORDS_MAX, AccountGuard, AccountPublicKey, AppPasswordInfo, Attempt, Claim, Custody, Network, OwnerError,
    OwnerProof, OwnerSecrets, RECOVERY_CODES, Scopes, SessionInfo, VaultError, calls,
};
use zeroize::Zeroizing;

use crate::account::app_password::{AppPassword, Wanted, check_name, generate};
use crate::account::root::Root;
use crate::account::{AccountKeys, House};
use crate::crypto::{ScramKeys, TOTP_SECRET_LEN, totp_step};
use crate::files::account_file;
use crate::keeper::{Keeper, not_empty};
use crate::owners::seen::Seen;
use crate::owners::throttle::Admitted;

/// Generated secrets, for the owner to write down: they are shown once.
pub(crate) type Shown = Vec<Secret<String>>;

impl calls::secrets::Calls for Keeper {
    fn create_account_in(
        &self,
        account: AccountId,
        custody: Custody,
        password: &Secret<String>,
    ) -> Result<(AccountPublicKey, Shown), VaultError> {
        not_empty(password)?;
        let file = account_file(account);
        if self.folder.exists(&file) {
            return Err(VaultError::Owner(OwnerError::AccountExists(account)));
        }
        // The escrow key does not change meanwhile.
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut keys, root) = AccountKeys::create(account, custody, password, self.house(), self.stretch())?;
        let codes = if custody == Custody::Owner { self.new_codes(&mut keys, &root) } else { Vec::new() };
        if self.folder.exists(&file) {
            return Err(VaultError::Owner(OwnerError::AccountExists(account)));
        }
        self.write_account(account, &keys)?;
        Ok((AccountPublicKey(keys.public()), codes))
    }

    fn account_guard(&self, account: AccountId) -> Result<AccountGuard, VaultError> {
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

    fn check_owner(&self, account: AccountId, proof: &OwnerProof) -> Result<(), VaultError> {
        let admitted = self.admit_owner(account, proof)?;
        self.root_of_owner(&mut self.account_keys(account)?, proof)?;
        if let Some(admitted) = admitted {
            self.admitted_rightly(admitted);
        }
        Ok(())
    }

    fn set_password(&self, account: AccountId, proof: &OwnerProof, new: &Secret<String>) -> Result<(), VaultError> {
        not_empty(new)?;
        self.as_owner(account, proof, |keys, root| {
            keys.end_sessions(|_| true);
            keys.set_password(root, new, self.stretch())
        })
    }

    fn set_custody(&self, account: AccountId, proof: &OwnerProof, custody: Custody) -> Result<Shown, VaultError> {
        self.as_owner(account, proof, |keys, root| {
            keys.set_custody(custody, root, self.house(), &*self.entropy)?;
            Ok(if custody == Custody::Owner { self.new_codes(keys, root) } else { Vec::new() })
        })
    }

    fn new_recovery_codes(&self, account: AccountId, proof: &OwnerProof) -> Result<Shown, VaultError> {
        self.as_owner(account, proof, |keys, root| Ok(self.new_codes(keys, root)))
    }

    fn add_app_password(
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
            return Err(VaultError::Owner(OwnerError::Ends));
        }
        self.as_owner(account, proof, |keys, root| {
            keys.forget_ended(now);
            if keys.app_passwords().count() >= APP_PASSWORDS_MAX {
                return Err(VaultError::Owner(OwnerError::TooManyAppPasswords));
            }
            let salt = keys.scram_salt();
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

    fn owner_secrets(&self, account: AccountId, proof: &OwnerProof) -> Result<OwnerSecrets, VaultError> {
        self.as_owner(account, proof, |keys, root| Ok(self.listed(account, keys, root)))
    }

    fn revoke_app_password(&self, account: AccountId, proof: &OwnerProof, id: u32) -> Result<(), VaultError> {
        self.as_owner(account, proof, |keys, _| {
            if keys.revoke_app_password(id) { Ok(()) } else { Err(VaultError::Owner(OwnerError::NoSuchSecret(id))) }
        })
    }

    fn end_sessions(&self, account: AccountId, proof: &OwnerProof, id: Option<u32>) -> Result<(), VaultError> {
        self.as_owner(account, proof, |keys, _| {
            let ended = keys.end_sessions(|session| id.is_none_or(|id| session.id == id));
            match id {
                Some(id) if !ended => Err(VaultError::Owner(OwnerError::NoSuchSecret(id))),
                _ => Ok(()),
            }
        })
    }

    fn new_code_secret(&self) -> Result<Secret<String>, VaultError> {
        let mut secret = Zeroizing::new([0; TOTP_SECRET_LEN]);
        self.entropy.fill(secret.as_mut());
        Ok(Secret::new(BASE32_NOPAD.encode(secret.as_ref())))
    }

    fn turn_codes_on(
        &self,
        account: AccountId,
        proof: &OwnerProof,
        secret: &Secret<String>,
        shown: &Secret<String>,
    ) -> Result<(), VaultError> {
        let bytes = Zeroizing::new(
            BASE32_NOPAD.decode(secret.expose().as_bytes()).map_err(|_| VaultError::Owner(OwnerError::WrongCode))?,
        );
        let secret: &[u8; TOTP_SECRET_LEN] =
            bytes.as_slice().try_into().map_err(|_| VaultError::Owner(OwnerError::WrongCode))?;
        let seconds = u64::try_from(self.clock.now().seconds()).unwrap_or(0);
        let step = totp_step(secret, shown.expose(), seconds).ok_or(VaultError::Owner(OwnerError::WrongCode))?;
        self.as_owner(account, proof, |keys, root| {
            keys.set_codes(root, Some((secret, step)), &*self.entropy);
            keys.let_password_serve_mail(false);
            Ok(())
        })
    }

    fn turn_codes_off(&self, account: AccountId, proof: &OwnerProof) -> Result<(), VaultError> {
        self.as_owner(account, proof, |keys, root| {
            keys.set_codes(root, None, &*self.entropy);
            keys.let_password_serve_mail(false);
            Ok(())
        })
    }

    fn let_password_serve_mail(&self, account: AccountId, proof: &OwnerProof, allowed: bool) -> Result<(), VaultError> {
        self.as_owner(account, proof, |keys, _| {
            keys.let_password_serve_mail(allowed && keys.codes_on());
            Ok(())
        })
    }

    fn recover_as(&self, attempt: &Attempt, code: &Secret<String>, new: &Secret<String>) -> Result<(), VaultError> {
        not_empty(new)?;
        let admitted = self.admit(attempt)?;
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let (Some(mut keys), Claim::Account(account)) = (self.claimed(&attempt.claim)?, &attempt.claim) else {
            self.try_nobodys_code(code);
            return Err(VaultError::Owner(OwnerError::WrongRecoveryCode));
        };
        let account = *account;
        let root = keys.use_recovery_code(code).ok_or(VaultError::Owner(OwnerError::WrongRecoveryCode))?;
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

impl Keeper {
    pub(crate) fn house(&self) -> House<'_> {
        House { escrow: self.roster().escrow, own: &self.own }
    }

    /// Writes an account's file. Durable when it returns. Hold `changing` from the reading on.
    pub(crate) fn write_account(&self, account: AccountId, keys: &AccountKeys) -> Result<(), VaultError> {
        self.folder.write_checked(&self.own, &account_file(account), keys.to_bytes())
    }

    /// Does what an owner may who has shown the password, and a code where codes are on. The file is written when anything
    /// in it changed; durable when it returns. Sign-ins that are remembered are forgotten then.
    pub(crate) fn as_owner<T>(
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

    /// Lets an attempt of somebody elsewhere wait its turn. Anyone who stands at this machine has the service key, and would not
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
        if right { Ok(root) } else { Err(VaultError::Owner(OwnerError::WrongPassword)) }
    }

    pub(crate) fn new_codes(&self, keys: &mut AccountKeys, root: &Root) -> Shown {
        let codes: Vec<Zeroizing<String>> = (0..RECOVERY_CODES).map(|_| generate(&*self.entropy)).collect();
        keys.set_recovery_codes(root, &codes, &*self.entropy);
        codes.iter().map(|code| Secret::new(code.to_string())).collect()
    }

    pub(crate) fn listed(&self, account: AccountId, keys: &mut AccountKeys, root: &Root) -> OwnerSecrets {
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
}
