//! An account's keys file: its pairs, and the ways in (its *custody*).
//!
//! A file of its own for each account, never a page of a database, so that a change of password replaces the whole file
//! and a shredding has one thing to destroy. Every way in wraps the [root](root::Root), which seals the private keys.
//!
//! Long because every method changes the same list of ways in, and the file is written and read in one place.

pub(crate) mod app_password;
mod pairs;
pub(crate) mod root;
pub(crate) mod session;
pub(crate) mod wrap;

use terms::{AccountId, Entropy, Secret, UnixMillis};

use self::app_password::AppPassword;
use self::root::Root;
use self::session::Session;
use self::wrap::{RandomWrap, Wrap};
use vault::inside::{Decoder, Encoder};
use vault::{
    APP_PASSWORDS_MAX, CostProfile, Custody, MailError, OrderError, OwnerError, RECOVERY_CODES, SESSIONS_MAX, Scopes,
    VaultError,
};

use crate::crypto::{
    KeyPair, Lanes, PassphraseBox, PassphraseError, PrivateKey, SCRAM_SALT_LEN, TOTP_SECRET_LEN, open_hybrid,
    seal_hybrid,
};
use crate::files::{account_file, damaged, unreadable};
use crate::node::service_key::ServiceKey;

/// "Bailiwick vault account", format 1.
const MAGIC: &[u8; 4] = b"BVA\x01";

/// Pairs that a file holds at most: one rotation a year for a lifetime.
const PAIRS_MAX: usize = 100;

/// The bit of the settings that lets the password sign in to mail clients although codes are on.
const PASSWORD_WITH_CODES: u8 = 1;

/// A pair of the account. The first names the account in every context and never changes; the last receives.
struct Pair {
    public: [u8; 32],
    /// The private key under the root; empty once it is destroyed.
    sealed: Vec<u8>,
}

/// Codes of an authenticator app (RFC 6238).
struct Codes {
    /// The last step whose code was used: none serves twice.
    used: u64,
    /// The secret under the root.
    sealed: Vec<u8>,
}

/// The keys of one account as they are kept.
pub(crate) struct AccountKeys {
    account: AccountId,
    custody: Custody,
    pairs: Vec<Pair>,
    wraps: Vec<Wrap>,
    scram_salt: [u8; SCRAM_SALT_LEN],
    settings: u8,
    codes: Option<Codes>,
}

/// What Argon2id costs now, and its turn-taking.
#[derive(Clone, Copy)]
pub(crate) struct Stretch<'a> {
    pub(crate) cost: CostProfile,
    pub(crate) lanes: &'a Lanes,
    pub(crate) entropy: &'a dyn Entropy,
}

/// To whom a home can wrap an account's root: its escrow key and its service key.
#[derive(Clone, Copy)]
pub(crate) struct House<'a> {
    pub(crate) escrow: [u8; 32],
    pub(crate) own: &'a ServiceKey,
}

/// Making and opening.
impl AccountKeys {
    /// Makes a new pair and root, wrapped as `custody` has it. Under `owner` the caller adds recovery codes.
    pub(crate) fn create(
        account: AccountId,
        custody: Custody,
        password: &Secret<String>,
        house: House<'_>,
        stretch: Stretch<'_>,
    ) -> Result<(Self, Root), VaultError> {
        let pair = KeyPair::generate(stretch.entropy);
        let root = Root::random(stretch.entropy);
        let mut scram_salt = [0; SCRAM_SALT_LEN];
        stretch.entropy.fill(&mut scram_salt);
        let sealed = root.seal(account, &pair_name(&pair.public), pair.private.expose(), stretch.entropy);
        let mut keys = Self {
            account,
            custody,
            pairs: vec![Pair { public: pair.public, sealed }],
            wraps: Vec::new(),
            scram_salt,
            settings: 0,
            codes: None,
        };
        keys.set_password(&root, password, stretch)?;
        keys.set_custody(custody, &root, house, stretch.entropy)?;
        Ok((keys, root))
    }

    /// Keys that nothing opens, for work that must take as long as the real thing.
    pub(crate) fn nobody(cost: CostProfile, entropy: &dyn Entropy) -> Self {
        let password = Wrap::Password(PassphraseBox::decoy(cost, root::ROOT_LEN, entropy));
        Self {
            account: AccountId([0; 16]),
            custody: Custody::Strict,
            pairs: vec![Pair { public: [0; 32], sealed: Vec::new() }],
            wraps: vec![password],
            scram_salt: [0; SCRAM_SALT_LEN],
            settings: 0,
            codes: None,
        }
    }

    /// The public key that receives.
    pub(crate) fn public(&self) -> [u8; 32] {
        self.pairs.last().map_or([0; 32], |pair| pair.public)
    }

    /// The public key of the account's first pair.
    pub(crate) fn first_public(&self) -> &[u8; 32] {
        &self.pairs[0].public
    }

    pub(crate) fn custody(&self) -> Custody {
        self.custody
    }

    /// The root, by the owner's password.
    pub(crate) fn root_by_password(&self, password: &Secret<String>, lanes: &Lanes) -> Result<Root, VaultError> {
        let context = password_context(self.account, self.first_public());
        let boxed = self.wraps.iter().find_map(|wrap| match wrap {
            Wrap::Password(boxed) => Some(boxed),
            _ => None,
        });
        let opened = boxed.ok_or_else(|| self.damaged())?.open(password, &context, lanes).map_err(|why| match why {
            PassphraseError::Wrong => VaultError::Owner(OwnerError::WrongPassword),
            PassphraseError::Damaged => self.damaged(),
        })?;
        Root::from_bytes(&opened).ok_or_else(|| self.damaged())
    }

    /// The root, by the escrow key's private key.
    pub(crate) fn root_by_escrow(&self, escrow: &PrivateKey) -> Result<Root, VaultError> {
        if self.custody == Custody::Owner {
            return Err(VaultError::Owner(OwnerError::OwnerCustody(self.account)));
        }
        let refused = || VaultError::Order(OrderError::EscrowDoesNotOpen(self.account));
        let mine = escrow.public().map_err(|_| refused())?;
        let sealed = self.wraps.iter().find_map(|wrap| match wrap {
            Wrap::Escrow { to, sealed } if *to == mine => Some(sealed),
            _ => None,
        });
        let opened = open_hybrid(escrow, &escrow_info(self.account, self.first_public()), sealed.ok_or_else(refused)?)
            .map_err(|_| refused())?;
        Root::from_bytes(&opened).ok_or_else(refused)
    }

    /// Seals the root to another escrow key in place of `old`, whose private key this is. `false` when it is not sealed to
    /// `old`.
    pub(crate) fn reseal_to_escrow(
        &mut self,
        old: &PrivateKey,
        new: &[u8; 32],
        entropy: &dyn Entropy,
    ) -> Result<bool, VaultError> {
        let mine = old.public().map_err(|_| VaultError::Order(OrderError::EscrowDoesNotOpen(self.account)))?;
        if !self.wraps.iter().any(|wrap| matches!(wrap, Wrap::Escrow { to, .. } if *to == mine)) {
            return Ok(false);
        }
        let root = self.root_by_escrow(old)?;
        let wrap = self.escrow_wrap(&root, new, entropy)?;
        self.wraps.retain(|wrap| !matches!(wrap, Wrap::Escrow { .. }));
        self.wraps.push(wrap);
        Ok(true)
    }

    /// The root, by the service key: `standard` custody only. No call of this version opens anything that way; a test shows
    /// that the wrap does, and so what the custody is worth against a thief who has that key.
    #[cfg(test)]
    pub(crate) fn root_by_service(&self, own: &ServiceKey) -> Option<Root> {
        let sealed = self.wraps.iter().find_map(|wrap| match wrap {
            Wrap::Service(sealed) => Some(sealed),
            _ => None,
        })?;
        Root::from_bytes(&own.open(&service_context(self.account), sealed).ok()?)
    }

    /// The root and the ServerKey, by a ClientKey that fits an app password which serves for `scope` now; and the number
    /// of that app password. Looks at as many places as an account can have, so that it takes as long for all.
    pub(crate) fn root_by_app_password(
        &self,
        scope: Scopes,
        now: UnixMillis,
        client_key: impl Fn(&[u8; 32]) -> crate::crypto::Key32,
    ) -> Option<(u32, Root, crate::crypto::Key32)> {
        let mut found = None;
        let all: Vec<&AppPassword> = self.app_passwords().collect();
        for place in 0..APP_PASSWORDS_MAX {
            let Some(password) = all.get(place) else {
                let _ = crate::crypto::stored_key(&client_key(&[0; 32]));
                continue;
            };
            let key = client_key(password.stored_key());
            if let Some((root, server)) = password.open(self.account, self.first_public(), &key)
                && password.serves(scope, now)
            {
                found = Some((password.id, root, server));
            }
        }
        found
    }

    /// The private key that opens new mail.
    pub(crate) fn private(&self, root: &Root) -> Result<PrivateKey, VaultError> {
        let pair = self.pairs.last().ok_or_else(|| self.damaged())?;
        self.private_of(pair, root)
    }

    fn private_of(&self, pair: &Pair, root: &Root) -> Result<PrivateKey, VaultError> {
        let plain = root.open(self.account, &pair_name(&pair.public), &pair.sealed).map_err(|_| self.damaged())?;
        let private = PrivateKey::from_bytes(&plain);
        let private = private.ok_or_else(|| self.damaged())?;
        if private.public().ok() == Some(pair.public) { Ok(private) } else { Err(self.damaged()) }
    }

    fn damaged(&self) -> VaultError {
        damaged(&account_file(self.account))
    }
}

/// Changing. Anyone who has the root may; the file is written by the caller.
impl AccountKeys {
    /// Wraps the root under another password; the old one opens nothing from then on.
    pub(crate) fn set_password(
        &mut self,
        root: &Root,
        password: &Secret<String>,
        stretch: Stretch<'_>,
    ) -> Result<(), VaultError> {
        let context = password_context(self.account, self.first_public());
        let boxed =
            PassphraseBox::seal(password, &context, root.expose(), stretch.cost, stretch.lanes, stretch.entropy)
                .map_err(|_| VaultError::CostTooHigh)?;
        self.wraps.retain(|wrap| !matches!(wrap, Wrap::Password(_)));
        self.wraps.insert(0, Wrap::Password(boxed));
        Ok(())
    }

    /// Wraps the root as `custody` has it: to the escrow key unless it is `owner`, under the service key if it is
    /// `standard`. Older wraps of these kinds go.
    pub(crate) fn set_custody(
        &mut self,
        custody: Custody,
        root: &Root,
        house: House<'_>,
        entropy: &dyn Entropy,
    ) -> Result<(), VaultError> {
        self.custody = custody;
        self.wraps.retain(|wrap| !matches!(wrap, Wrap::Escrow { .. } | Wrap::Service(_)));
        if custody != Custody::Owner {
            self.wraps.push(self.escrow_wrap(root, &house.escrow, entropy)?);
        }
        if custody == Custody::Standard {
            let sealed = house.own.seal(&service_context(self.account), root.expose(), entropy);
            self.wraps.push(Wrap::Service(sealed));
        }
        Ok(())
    }

    /// Seals the root under the service key that seals now, if it is sealed under the one before. `false` when it is not.
    pub(crate) fn reseal_to_service(&mut self, own: &ServiceKey, entropy: &dyn Entropy) -> Result<bool, VaultError> {
        let (context, damaged) = (service_context(self.account), self.damaged());
        let current = own.generations().first().copied();
        let stale = self.wraps.iter_mut().find_map(|wrap| match wrap {
            Wrap::Service(sealed) if sealed.get(1).copied() != current => Some(sealed),
            _ => None,
        });
        let Some(sealed) = stale else { return Ok(false) };
        let root = own.open(&context, sealed).map(zeroize::Zeroizing::new).map_err(|_| damaged)?;
        *sealed = own.seal(&context, &root, entropy);
        Ok(true)
    }

    fn escrow_wrap(&self, root: &Root, escrow: &[u8; 32], entropy: &dyn Entropy) -> Result<Wrap, VaultError> {
        let info = escrow_info(self.account, self.first_public());
        let sealed =
            seal_hybrid(escrow, &info, root.expose(), entropy).map_err(|_| VaultError::Mail(MailError::UnusableKey))?;
        Ok(Wrap::Escrow { to: *escrow, sealed })
    }

    /// Whether `code` is a valid code or a recovery code, where codes are on. Either is used up: write the file before
    /// anything else is done.
    pub(crate) fn spend_code(
        &mut self,
        root: &Root,
        code: &Secret<String>,
        now: UnixMillis,
    ) -> Result<bool, VaultError> {
        if app_password::looks_generated(code.expose()) {
            Ok(self.use_recovery_code(code).is_some())
        } else {
            self.use_code(root, code.expose(), now)
        }
    }

    /// Leaves out what has ended.
    pub(crate) fn forget_ended(&mut self, now: UnixMillis) {
        self.wraps.retain(|wrap| match wrap {
            Wrap::AppPassword(password) => password.expires.0 == 0 || now < password.expires,
            Wrap::Session(session) => now < session.expires,
            _ => true,
        });
    }

    /// The salt that SCRAM shows for this account.
    pub(crate) fn scram_salt(&self) -> [u8; SCRAM_SALT_LEN] {
        self.scram_salt
    }

    pub(crate) fn app_passwords(&self) -> impl Iterator<Item = &AppPassword> {
        self.wraps.iter().filter_map(|wrap| match wrap {
            Wrap::AppPassword(password) => Some(password),
            _ => None,
        })
    }

    pub(crate) fn add_app_password(&mut self, password: AppPassword) {
        self.wraps.push(Wrap::AppPassword(password));
    }

    /// `false` when no app password has this number.
    pub(crate) fn revoke_app_password(&mut self, id: u32) -> bool {
        let before = self.wraps.len();
        self.wraps.retain(|wrap| !matches!(wrap, Wrap::AppPassword(password) if password.id == id));
        self.wraps.len() < before
    }

    pub(crate) fn sessions(&self) -> impl Iterator<Item = &Session> {
        self.wraps.iter().filter_map(|wrap| match wrap {
            Wrap::Session(session) => Some(session),
            _ => None,
        })
    }

    /// Adds a session; the oldest goes when there would be too many.
    pub(crate) fn add_session(&mut self, session: Session) {
        if self.sessions().count() >= SESSIONS_MAX
            && let Some(oldest) = self.sessions().min_by_key(|session| session.created).map(|session| session.id)
        {
            self.end_sessions(|session| session.id == oldest);
        }
        self.wraps.push(Wrap::Session(session));
    }

    /// Ends sessions; `false` when none is meant.
    pub(crate) fn end_sessions(&mut self, meant: impl Fn(&Session) -> bool) -> bool {
        let before = self.wraps.len();
        self.wraps.retain(|wrap| !matches!(wrap, Wrap::Session(session) if meant(session)));
        self.wraps.len() < before
    }

    /// The number for the next app password or session: above all that are there, and by chance, so that a number that was
    /// revoked does not come back at once.
    pub(crate) fn next_id(&self, entropy: &dyn Entropy) -> u32 {
        loop {
            let mut bytes = [0; 4];
            entropy.fill(&mut bytes);
            // Nine digits at most: people read it aloud.
            let id = u32::from_be_bytes(bytes) % 999_999_999 + 1;
            if self.app_passwords().all(|password| password.id != id) && self.sessions().all(|session| session.id != id)
            {
                return id;
            }
        }
    }

    /// How many recovery codes are left.
    pub(crate) fn recovery_codes_left(&self) -> usize {
        self.wraps.iter().filter(|wrap| matches!(wrap, Wrap::Recovery(_))).count()
    }

    /// Replaces the recovery codes.
    pub(crate) fn set_recovery_codes(
        &mut self,
        root: &Root,
        codes: &[zeroize::Zeroizing<String>],
        entropy: &dyn Entropy,
    ) {
        self.wraps.retain(|wrap| !matches!(wrap, Wrap::Recovery(_)));
        let context = recovery_context(self.account, self.first_public());
        let wraps = codes.iter().map(|code| RandomWrap::seal(code.as_bytes(), &context, root.expose(), entropy));
        self.wraps.extend(wraps.map(Wrap::Recovery));
    }

    /// The root, by a recovery code, which is used up: write the file before anything else is done with the root. Looks at as
    /// many places as an account can have, so that it takes as long for all.
    pub(crate) fn use_recovery_code(&mut self, code: &Secret<String>) -> Option<Root> {
        let context = recovery_context(self.account, self.first_public());
        let (mut found, mut tried) = (None, 0);
        for (place, wrap) in self.wraps.iter().enumerate() {
            if let Wrap::Recovery(wrap) = wrap {
                tried += 1;
                found = wrap.open(code.expose().as_bytes(), &context).ok().map(|plain| (place, plain)).or(found);
            }
        }
        for _ in tried..RECOVERY_CODES {
            wrap::try_nothing(code.expose().as_bytes(), &context);
        }
        let (place, plain) = found?;
        self.wraps.remove(place);
        Root::from_bytes(&plain)
    }

    /// Whether the owner's authenticator app is asked for a code.
    pub(crate) fn codes_on(&self) -> bool {
        self.codes.is_some()
    }

    /// Whether the password alone signs in to mail clients.
    pub(crate) fn password_serves_mail(&self) -> bool {
        !self.codes_on() || self.settings & PASSWORD_WITH_CODES != 0
    }

    pub(crate) fn let_password_serve_mail(&mut self, allowed: bool) {
        self.settings = if allowed { PASSWORD_WITH_CODES } else { 0 };
    }

    /// Turns codes on with a secret, of which the code of step `used` was shown, or off.
    pub(crate) fn set_codes(
        &mut self,
        root: &Root,
        secret: Option<(&[u8; TOTP_SECRET_LEN], u64)>,
        entropy: &dyn Entropy,
    ) {
        let account = self.account;
        self.codes = secret.map(|(secret, used)| Codes { used, sealed: root.seal(account, b"totp", secret, entropy) });
    }

    /// Whether `code` is a valid code and was not used before; if so, it is used: write the file before anything else
    /// is done.
    pub(crate) fn use_code(&mut self, root: &Root, code: &str, now: UnixMillis) -> Result<bool, VaultError> {
        let damaged = self.damaged();
        let Some(codes) = self.codes.as_mut() else { return Ok(false) };
        let Ok(plain) = root.open(self.account, b"totp", &codes.sealed) else { return Err(damaged) };
        let Ok(secret) = plain.as_slice().try_into() else { return Err(damaged) };
        let step = crate::crypto::totp_step(secret, code, u64::try_from(now.seconds()).unwrap_or(0));
        // RFC 6238 section 5.2: a code is not accepted a second time. An earlier one that still counts is not either.
        let fresh = step.filter(|step| *step > codes.used);
        if let Some(step) = fresh {
            codes.used = step;
        }
        Ok(fresh.is_some())
    }
}

/// The file.
impl AccountKeys {
    /// The file's bytes, without the check at the end (docs/formats/keys.md).
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let count = |len: usize| u8::try_from(len).unwrap_or(u8::MAX);
        let mut out = Encoder::new(MAGIC).fixed(&self.account.0).u8(self.custody.byte());
        out = out.u8(self.settings).fixed(&self.scram_salt);
        out = match &self.codes {
            None => out.bytes(&[]),
            Some(codes) => out.bytes(&Encoder::new(&[]).u64(codes.used).fixed(&codes.sealed).finish()),
        };
        out = out.u8(count(self.pairs.len()));
        for pair in &self.pairs {
            out = out.fixed(&pair.public).bytes(&pair.sealed);
        }
        out = out.u8(count(self.wraps.len()));
        self.wraps.iter().fold(out, |out, wrap| wrap.write(out)).finish()
    }

    /// Reads the file's bytes. The file must be `account`'s.
    pub(crate) fn from_bytes(account: AccountId, bytes: &[u8]) -> Result<Self, VaultError> {
        Self::parse(account, bytes).ok_or_else(|| unreadable(&account_file(account), &[MAGIC], bytes))
    }

    fn parse(account: AccountId, bytes: &[u8]) -> Option<Self> {
        let mut rest = Decoder::new(MAGIC, bytes)?;
        if rest.array()? != account.0 {
            return None;
        }
        let custody = Custody::from_byte(rest.u8()?)?;
        let settings = rest.u8().filter(|settings| settings & !PASSWORD_WITH_CODES == 0)?;
        let scram_salt = rest.array()?;
        let codes = match rest.bytes()? {
            [] => None,
            bytes => {
                let (used, sealed) = bytes.split_first_chunk::<8>()?;
                Some(Codes { used: u64::from_be_bytes(*used), sealed: sealed.to_vec() })
            }
        };
        let mut pairs = Vec::new();
        for _ in 0..rest.u8().filter(|count| (1..=PAIRS_MAX).contains(&usize::from(*count)))? {
            pairs.push(Pair { public: rest.array()?, sealed: rest.bytes()?.to_vec() });
        }
        // The one that receives is never destroyed.
        if pairs.last()?.sealed.is_empty() {
            return None;
        }
        let wraps = Self::wraps(&mut rest)?;
        rest.end()?;
        Some(Self { account, custody, pairs, wraps, scram_salt, settings, codes })
    }

    fn wraps(rest: &mut Decoder<'_>) -> Option<Vec<Wrap>> {
        (0..rest.u8()?).map(|_| Wrap::read(rest)).collect()
    }
}

fn password_context(account: AccountId, first_public: &[u8; 32]) -> Vec<u8> {
    wrap::context(b"bailiwick/account-password/v1", account, first_public).finish()
}

fn escrow_info(account: AccountId, first_public: &[u8; 32]) -> Vec<u8> {
    wrap::context(b"bailiwick/account-escrow/v1", account, first_public).finish()
}

fn recovery_context(account: AccountId, first_public: &[u8; 32]) -> Vec<u8> {
    wrap::context(b"bailiwick/account-recovery/v1", account, first_public).finish()
}

fn service_context(account: AccountId) -> String {
    format!("account root/{account}")
}

fn pair_name(public: &[u8; 32]) -> Vec<u8> {
    Encoder::new(b"pair").fixed(public).finish()
}
