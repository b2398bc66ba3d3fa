//! Signing in: by password, app password, SCRAM and web session. One way for all who fail: the same work, the same words.

use std::sync::{Arc, PoisonError};

use terms::{AccountId, Secret};
use vault::{
    Attempt, ChannelBinding, Claim, ExchangeId, Network, OwnerError, OwnerSecrets, SESSION_MILLIS_MAX, Scopes,
    ScramError, SessionId, SessionToken, VaultError, calls,
};

use crate::account::AccountKeys;
use crate::account::app_password::{check_name, looks_generated};
use crate::account::root::Root;
use crate::account::session::{Session as WebSession, token_of, token_parts};
use crate::crypto::{ScramKeys, client_key, server_signature};
use crate::keeper::Keeper;
use crate::owners::door::{EXCHANGE_MILLIS, EXCHANGES_MAX, Waiting};
use crate::owners::scram::{Exchange, server_final};
use crate::owners::seen::Seen;
use crate::owners::sessions::Session;
use crate::owners::throttle::Admitted;

/// How the root was reached, for what is noted of it.
struct Reached {
    account: AccountId,
    root: Root,
    keys: AccountKeys,
    app_password: Option<u32>,
}

impl calls::sign_in::Calls for Keeper {
    fn sign_in_as(
        &self,
        attempt: &Attempt,
        password: &Secret<String>,
        code: Option<&Secret<String>>,
    ) -> Result<SessionId, VaultError> {
        let now = self.clock.now();
        let mark = self.remembered.mark(account_of(&attempt.claim), password);
        let began = match self.remembered.recall(mark, now) {
            // Only a password that is enough alone is remembered.
            Ok(session) => return Ok(self.keep(session)),
            Err(began) => began,
        };
        let reached = self.reach(attempt, password, code)?;
        let (id, session) = self.enter(reached.account, &reached.keys, &reached.root)?;
        if reached.app_password.is_none() && !reached.keys.codes_on() {
            self.remembered.remember(mark, &session, began, now);
        }
        Ok(id)
    }

    fn scram_begin(
        &self,
        attempt: &Attempt,
        plus: bool,
        bindings: &[ChannelBinding],
        first: &[u8],
    ) -> Result<(ExchangeId, Vec<u8>), VaultError> {
        let now = self.clock.now();
        let salt = self.door.salt(&attempt.claim, self.claimed(&attempt.claim)?.as_ref());
        let mut nonce = [0; 18];
        self.entropy.fill(&mut nonce);
        let nonce = data_encoding::BASE64.encode(&nonce);
        let (exchange, said) = Exchange::begin(first, plus, bindings, &nonce, &salt).map_err(scram_error)?;
        let until = now.plus_millis(EXCHANGE_MILLIS);
        let mut exchanges = self.door.exchanges();
        exchanges.retain(|_, waiting| now < waiting.until);
        if exchanges.len() >= EXCHANGES_MAX
            && let Some(oldest) = exchanges.iter().min_by_key(|(_, waiting)| waiting.until).map(|(id, _)| *id)
        {
            exchanges.remove(&oldest);
        }
        let id = self.remembered.new_id();
        exchanges.insert(id, Waiting { exchange, attempt: attempt.clone(), until });
        Ok((id, said))
    }

    fn scram_finish(&self, id: ExchangeId, last: &[u8]) -> Result<(AccountId, SessionId, Vec<u8>), VaultError> {
        let now = self.clock.now();
        let waiting = self.door.exchanges().remove(&id).filter(|waiting| now < waiting.until);
        let Waiting { exchange, attempt, .. } = waiting.ok_or(VaultError::Owner(OwnerError::WrongPassword))?;
        let keys = self.claimed(&attempt.claim)?;
        let (auth_message, proof) = exchange.finish(last).map_err(scram_error)?;
        let tried = keys.as_ref().unwrap_or(&self.door.nobody);
        let found = tried.root_by_app_password(attempt.scope, now, |stored| client_key(&proof, stored, &auth_message));
        let ((app_password, root, server), Some(keys)) =
            (found.ok_or(VaultError::Owner(OwnerError::WrongPassword))?, &keys)
        else {
            return Err(VaultError::Owner(OwnerError::WrongPassword));
        };
        let account = account_of(&attempt.claim);
        let (session, _) = self.enter(account, keys, &root)?;
        self.note(account, attempt.network, Some(app_password));
        Ok((account, session, server_final(&server_signature(&server, &auth_message))))
    }

    fn open_session(
        &self,
        attempt: &Attempt,
        password: &Secret<String>,
        code: Option<&Secret<String>>,
        name: &str,
        lasts_millis: i64,
    ) -> Result<(SessionToken, AccountId, SessionId), VaultError> {
        check_name(name)?;
        if attempt.scope != Scopes::PAGES || !(1..=SESSION_MILLIS_MAX).contains(&lasts_millis) {
            return Err(VaultError::Owner(OwnerError::Ends));
        }
        let Reached { account, root, .. } = self.reach(attempt, password, code)?;
        let now = self.clock.now();
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut keys = self.account_keys(account)?;
        keys.forget_ended(now);
        let id = keys.next_id(&*self.entropy);
        let span = [now, now.plus_millis(lasts_millis)];
        let (session, secret) = WebSession::new(account, keys.first_public(), id, name, span, &root, &*self.entropy);
        keys.add_session(session);
        self.write_account(account, &keys)?;
        let (opened, _) = self.enter(account, &keys, &root)?;
        Ok((token_of(account, id, &secret), account, opened))
    }

    fn resume_session(&self, token: &SessionToken) -> Result<(AccountId, SessionId), VaultError> {
        let (account, _, root, keys) = self.session_root(token)?;
        let (session, _) = self.enter(account, &keys, &root)?;
        Ok((account, session))
    }

    fn session_secrets(&self, token: &SessionToken) -> Result<(AccountId, u32, OwnerSecrets), VaultError> {
        let (account, id, root, mut keys) = self.session_root(token)?;
        Ok((account, id, self.listed(account, &mut keys, &root)))
    }

    fn leave_session(&self, token: &SessionToken) -> Result<(), VaultError> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        match self.session_root(token) {
            Ok((account, id, _, mut keys)) => {
                keys.end_sessions(|session| session.id == id);
                self.write_account(account, &keys)
            }
            Err(VaultError::Owner(OwnerError::NoSession)) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

impl Keeper {
    pub(crate) fn keep(&self, session: Arc<Session>) -> SessionId {
        self.sessions.keep(session, self.remembered.new_id())
    }

    /// The keys of the claimed account; `None` when there is none, after the same look at the disk.
    pub(crate) fn claimed(&self, claim: &Claim) -> Result<Option<AccountKeys>, VaultError> {
        match self.account_keys(account_of(claim)) {
            Ok(keys) => Ok(Some(keys)),
            Err(VaultError::Owner(OwnerError::NoSuchAccount(_))) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The root of the account that is claimed, by password or app password. An account that is not there is tried like
    /// one that is: on keys that nothing opens.
    fn reach(
        &self,
        attempt: &Attempt,
        password: &Secret<String>,
        code: Option<&Secret<String>>,
    ) -> Result<Reached, VaultError> {
        let now = self.clock.now();
        let account = account_of(&attempt.claim);
        let keys = self.claimed(&attempt.claim)?;
        let refused = || match (&attempt.claim, &keys) {
            (Claim::Account(account), None) => VaultError::Owner(OwnerError::NoSuchAccount(*account)),
            _ => VaultError::Owner(OwnerError::WrongPassword),
        };
        let tried = keys.as_ref().unwrap_or(&self.door.nobody);

        // What cannot be guessed is not counted: an owner who is being guessed at goes on.
        if looks_generated(password.expose()) {
            let salt = self.door.salt(&attempt.claim, keys.as_ref());
            let client = ScramKeys::derive(password.expose(), &salt).client;
            if let Some((id, root, _)) = tried.root_by_app_password(attempt.scope, now, |_| client.clone()) {
                self.note(account, attempt.network, Some(id));
                return Ok(Reached {
                    account,
                    root,
                    keys: keys.ok_or(VaultError::Owner(OwnerError::WrongPassword))?,
                    app_password: Some(id),
                });
            }
        }

        let admitted = self.admit(attempt)?;
        let root = match tried.root_by_password(password, &self.lanes) {
            Ok(root) => root,
            Err(VaultError::Owner(OwnerError::WrongPassword)) => return Err(refused()),
            Err(error) => return Err(error),
        };
        let keys = keys.ok_or(VaultError::Owner(OwnerError::WrongPassword))?;
        // Whether the password was right is not told to anyone who lacks the code.
        if attempt.scope == Scopes::PAGES {
            if keys.codes_on() && !self.spend_code(account, &root, code)? {
                return Err(VaultError::Owner(OwnerError::WrongPassword));
            }
        } else if !keys.password_serves_mail() {
            return Err(VaultError::Owner(OwnerError::WrongPassword));
        }
        self.door.throttle().succeeded(admitted);
        self.note(account, attempt.network, None);
        self.owner_was_here(account)?;
        Ok(Reached { account, root, keys, app_password: None })
    }

    /// Lets a guess at a password through, or says how long to wait.
    pub(crate) fn admit(&self, attempt: &Attempt) -> Result<Admitted, VaultError> {
        let (account, now) = (account_of(&attempt.claim), self.clock.now());
        let familiar = Seen::load(&self.folder, &self.own, account, now).knows(&self.own, account, attempt.network);
        let target = self.door.target(&attempt.claim);
        self.door
            .throttle()
            .admit(target, attempt.network, familiar, now)
            .map_err(|wait_millis| VaultError::Owner(OwnerError::SlowDown(wait_millis)))
    }

    /// Tries a recovery code on an account that is not there.
    pub(crate) fn try_nobodys_code(&self, code: &Secret<String>) {
        let _ = AccountKeys::nobody(self.cost, &*self.entropy).use_recovery_code(code);
    }

    /// The attempt was not a guess.
    pub(crate) fn admitted_rightly(&self, admitted: Admitted) {
        self.door.throttle().succeeded(admitted);
    }

    /// Notes a sign-in, for a week. A disk that does not take the note keeps nobody out.
    fn note(&self, account: AccountId, network: Network, app_password: Option<u32>) {
        let now = self.clock.now();
        let seen = Seen::load(&self.folder, &self.own, account, now);
        let _ = seen.note(&self.folder, &self.own, account, (network, app_password), now, &*self.entropy);
    }

    /// Whether `code` is a valid code, or a recovery code. Either is used up when this returns, durably.
    fn spend_code(&self, account: AccountId, root: &Root, code: Option<&Secret<String>>) -> Result<bool, VaultError> {
        let Some(code) = code else { return Ok(false) };
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut keys = self.account_keys(account)?;
        let right = keys.spend_code(root, code, self.clock.now())?;
        if right {
            self.write_account(account, &keys)?;
        }
        Ok(right)
    }
}

/// Whose keys are looked for: an account that cannot be, when it is nobody's name.
fn account_of(claim: &Claim) -> AccountId {
    match claim {
        Claim::Account(account) => *account,
        Claim::Nobody(_) => AccountId([0; 16]),
    }
}

/// Anything but a malformed message is reported as a wrong password.
fn scram_error(error: ScramError) -> VaultError {
    match error {
        ScramError::Refused => VaultError::Owner(OwnerError::WrongPassword),
        error => VaultError::Owner(OwnerError::Scram(error)),
    }
}

/// Web sessions.
impl Keeper {
    pub(crate) fn session_root(&self, token: &SessionToken) -> Result<(AccountId, u32, Root, AccountKeys), VaultError> {
        let (account, id, secret) = token_parts(token).ok_or(VaultError::Owner(OwnerError::NoSession))?;
        let keys = self.claimed(&Claim::Account(account))?.ok_or(VaultError::Owner(OwnerError::NoSession))?;
        let now = self.clock.now();
        let root = keys
            .sessions()
            .find(|session| session.id == id)
            .and_then(|session| session.open(account, keys.first_public(), &secret, now))
            .ok_or(VaultError::Owner(OwnerError::NoSession))?;
        Ok((account, id, root, keys))
    }
}
