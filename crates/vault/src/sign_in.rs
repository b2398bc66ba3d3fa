//! Signed-in owners: the proof of right that opens one's own mail, and the memory that spares Argon2id for some minutes.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use terms::{AccountId, Entropy, EpochId, Secret, UnixMillis};

use crate::VaultError;
use crate::crypto::{Key32, PrivateHalf, hmac, random_key};
use crate::epoch::{SealedEpochKey, open_epoch};
use crate::message::{KeyAsk, MessageKey};

/// How long a sign-in that Argon2id verified is remembered: 5 minutes. Long enough for a client that opens several
/// connections or polls each minute, short enough that a stolen memory image holds few keys.
pub const REMEMBERED_MILLIS: i64 = 5 * 60 * 1000;

/// How many sign-ins are remembered at once. At a few hundred octets each this is a few megabytes.
const REMEMBERED_MAX: usize = 8192;

/// Proof that the owner of an account has shown the secret of the account. Made by the vault's `sign_in` alone: there is
/// no other way to get one.
///
/// ```compile_fail,E0451
/// let forged = vault::SignedIn { session: todo!() };
/// ```
///
/// Clones share one session; when the last is dropped and the vault has forgotten the sign-in, its keys are wiped.
/// `Debug` prints the account's id only.
#[derive(Clone)]
pub struct SignedIn {
    session: Arc<Session>,
}

struct Session {
    account: AccountId,
    private: PrivateHalf,
    /// Epochs opened so far: an X25519 operation each, which is never paid twice in a session. Boxed, so that a growing
    /// table moves pointers and not keys.
    epochs: Mutex<HashMap<EpochId, Box<Key32>>>,
}

impl fmt::Debug for SignedIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignedIn({})", self.session.account)
    }
}

impl SignedIn {
    pub(crate) fn new(account: AccountId, private: PrivateHalf) -> Self {
        Self { session: Arc::new(Session { account, private, epochs: Mutex::default() }) }
    }

    /// Whose mail it opens.
    pub fn account(&self) -> AccountId {
        self.session.account
    }

    pub(crate) fn message_keys(
        &self,
        sealed: &[(EpochId, SealedEpochKey)],
        asks: &[KeyAsk],
    ) -> Result<Vec<MessageKey>, VaultError> {
        let Session { account, private, epochs } = &*self.session;
        let mut opened = epochs.lock().unwrap_or_else(PoisonError::into_inner);
        let sealed: HashMap<EpochId, &SealedEpochKey> = sealed.iter().map(|(id, key)| (*id, key)).collect();
        let mut keys = Vec::with_capacity(asks.len());
        for ask in asks {
            let epoch_key = match opened.entry(ask.epoch) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(place) => {
                    let sealed = sealed.get(&ask.epoch).ok_or(VaultError::NoEpochKey(ask.epoch))?;
                    place.insert(Box::new(open_epoch(private, *account, ask.epoch, sealed)?))
                }
            };
            keys.push(MessageKey::derive(epoch_key, *account, *ask));
        }
        Ok(keys)
    }
}

/// The sign-ins of the last minutes. A sign-in is found by a keyed hash of account and password under a key that lives
/// as long as this process, so that the memory holds no password.
pub(crate) struct Remembered {
    key: Key32,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    by_mark: HashMap<Mark, Kept>,
    /// How often a password changed: a sign-in that began before a change is not remembered after it.
    changes: u64,
}

struct Kept {
    signed_in: SignedIn,
    until: UnixMillis,
}

/// The keyed hash of an account and a password.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Mark([u8; 32]);

/// The moment at which a sign-in began, counted in password changes.
#[derive(Clone, Copy)]
pub(crate) struct Began(u64);

impl Remembered {
    pub(crate) fn new(entropy: &dyn Entropy) -> Self {
        Self { key: random_key(entropy), inner: Mutex::default() }
    }

    pub(crate) fn mark(&self, account: AccountId, password: &Secret<String>) -> Mark {
        Mark(hmac(&self.key, &[&account.0, password.expose().as_bytes()]))
    }

    /// Forgets the sign-ins whose minutes are over.
    pub(crate) fn forget_stale(&self, now: UnixMillis) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.by_mark.retain(|_, kept| kept.lasts(now));
    }

    /// The sign-in of this mark, when it is remembered; else the moment to give to [`remember`](Self::remember).
    pub(crate) fn recall(&self, mark: Mark, now: UnixMillis) -> Result<SignedIn, Began> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.by_mark.retain(|_, kept| kept.lasts(now));
        match inner.by_mark.get(&mark) {
            Some(kept) => Ok(kept.signed_in.clone()),
            None => Err(Began(inner.changes)),
        }
    }

    pub(crate) fn remember(&self, mark: Mark, signed_in: &SignedIn, began: Began, now: UnixMillis) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.changes != began.0 {
            return;
        }
        if inner.by_mark.len() >= REMEMBERED_MAX
            && let Some(oldest) = inner.by_mark.iter().min_by_key(|(_, kept)| kept.until).map(|(mark, _)| *mark)
        {
            inner.by_mark.remove(&oldest);
        }
        let until = now.plus_millis(REMEMBERED_MILLIS);
        inner.by_mark.insert(mark, Kept { signed_in: signed_in.clone(), until });
    }

    /// Forgets all sign-ins of the account. Call it after the change is durable.
    pub(crate) fn forget(&self, account: AccountId) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.changes += 1;
        inner.by_mark.retain(|_, kept| kept.signed_in.account() != account);
    }
}

impl Kept {
    /// Whether the entry still counts. A clock that went back beyond the entry's making makes it end too.
    fn lasts(&self, now: UnixMillis) -> bool {
        (self.until.plus_millis(-REMEMBERED_MILLIS)..self.until).contains(&now)
    }
}
