//! What signing in needs beside the keys: counts of guesses, SCRAM exchanges under way, and what an unknown account is tried on.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use terms::{Entropy, UnixMillis};
use vault::{Attempt, Claim, CostProfile, ExchangeId, VaultError};

use crate::account::AccountKeys;
use crate::crypto::{Key32, SCRAM_SALT_LEN, hmac, random_key};
use crate::files::{Folder, damaged};
use crate::node::service_key::ServiceKey;
use crate::owners::scram::Exchange;
use crate::owners::throttle::{Target, Throttle};

/// SCRAM exchanges that wait for their second message, at most; the oldest goes.
pub(crate) const EXCHANGES_MAX: usize = 1024;

/// How long an exchange waits: a client computes PBKDF2 in milliseconds, a person confirms nothing in between.
pub(crate) const EXCHANGE_MILLIS: i64 = 60_000;

/// What signing in needs beside the keys: counts, exchanges under way, and what an unknown account is tried on.
pub(crate) struct Doorkeeper {
    /// An account that no secret opens.
    pub(crate) nobody: AccountKeys,
    /// From it come the salts of names that are nobody's. It outlives every service key: a salt that changed while others
    /// stay would tell.
    made_up: Key32,
    throttle: Mutex<Throttle>,
    exchanges: Mutex<HashMap<ExchangeId, Waiting>>,
    /// The day on which old notes were removed last.
    day: AtomicI64,
}

/// The file of the secret behind made-up salts.
pub(crate) const MADE_UP_FILE: &str = "made-up.keys";

pub(crate) struct Waiting {
    pub(crate) exchange: Exchange,
    pub(crate) attempt: Attempt,
    pub(crate) until: UnixMillis,
}

impl Doorkeeper {
    /// Reads the secret behind made-up salts, or makes it. Durable when it returns.
    pub(crate) fn new(
        folder: &Folder,
        own: &ServiceKey,
        cost: CostProfile,
        entropy: &dyn Entropy,
    ) -> Result<Self, VaultError> {
        let made_up = match folder.read(MADE_UP_FILE)? {
            Some(sealed) => {
                let plain = own.open(MADE_UP_FILE, &sealed).map(zeroize::Zeroizing::new);
                let plain = plain.map_err(|_| damaged(MADE_UP_FILE))?;
                let mut key = Key32::default();
                if plain.len() != key.len() {
                    return Err(damaged(MADE_UP_FILE));
                }
                key.copy_from_slice(&plain);
                key
            }
            None => {
                let key = random_key(entropy);
                folder.write(MADE_UP_FILE, &own.seal(MADE_UP_FILE, key.as_ref(), entropy))?;
                key
            }
        };
        Ok(Self {
            nobody: AccountKeys::nobody(cost, entropy),
            made_up,
            throttle: Mutex::default(),
            exchanges: Mutex::default(),
            day: AtomicI64::new(i64::MIN),
        })
    }

    /// Whether this is the first call of its day.
    pub(crate) fn new_day(&self, now: UnixMillis) -> bool {
        let today = now.seconds().div_euclid(86_400);
        self.day.swap(today, Ordering::Relaxed) != today
    }

    pub(crate) fn throttle(&self) -> MutexGuard<'_, Throttle> {
        self.throttle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn exchanges(&self) -> MutexGuard<'_, HashMap<ExchangeId, Waiting>> {
        self.exchanges.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The count that a claim asks: the account's, or that of a name.
    pub(crate) fn target(&self, claim: &Claim) -> Target {
        match claim {
            Claim::Account(account) => Target(account.0),
            Claim::Nobody(name) => {
                let hash = hmac(&self.made_up, &[b"name", name.as_bytes()]);
                Target(hash.first_chunk().copied().unwrap_or_default())
            }
        }
    }

    /// The salt that SCRAM shows: the account's own, or one that looks like it and stays the same.
    pub(crate) fn salt(&self, claim: &Claim, keys: Option<&AccountKeys>) -> [u8; SCRAM_SALT_LEN] {
        keys.map(AccountKeys::scram_salt).unwrap_or_else(|| {
            let hash = match claim {
                Claim::Account(account) => hmac(&self.made_up, &[b"salt of account", &account.0]),
                Claim::Nobody(name) => hmac(&self.made_up, &[b"salt of name", name.as_bytes()]),
            };
            hash.first_chunk().copied().unwrap_or_default()
        })
    }
}
