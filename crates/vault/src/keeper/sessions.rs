//! Who is signed in: the opened keys, the ids by which the node speaks of them, and the memory that spares Argon2id for
//! some minutes.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use terms::{AccountId, Entropy, EpochId, Secret, UnixMillis};

use crate::VaultError;
use crate::approval::OpenedSecrets;
use crate::crypto::{Key32, PrivateHalf, hmac, random_key};
use crate::epoch::{SealedEpochKey, open_epoch};
use crate::message::{KeyAsk, MessageKey};

/// How long a sign-in that Argon2id verified is remembered: 5 minutes. Long enough for a client that opens several
/// connections or polls each minute, short enough that a stolen memory image holds few keys.
pub const REMEMBERED_MILLIS: i64 = 5 * 60 * 1000;

/// How many sign-ins are remembered at once. At a few hundred octets each this is a few megabytes.
const REMEMBERED_MAX: usize = 8192;

/// One owner's opened key. Clones of the `Arc` share it; with the last one the key is wiped.
pub(crate) struct Session {
    account: AccountId,
    private: PrivateHalf,
    /// Epochs opened so far: an X25519 operation each, which is never paid twice in a session. Boxed, so that a growing
    /// table moves pointers and not keys.
    epochs: Mutex<HashMap<EpochId, Box<Key32>>>,
}

impl Session {
    pub(crate) fn new(account: AccountId, private: PrivateHalf) -> Self {
        Self { account, private, epochs: Mutex::default() }
    }

    /// Whose it is.
    pub(crate) fn account(&self) -> AccountId {
        self.account
    }

    /// The keys of messages, in the order of `asks`.
    pub(crate) fn message_keys(
        &self,
        sealed: &[(EpochId, SealedEpochKey)],
        asks: &[KeyAsk],
    ) -> Result<Vec<Key32>, VaultError> {
        let Self { account, private, epochs } = self;
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
            keys.push(MessageKey::derive(epoch_key, *account, *ask).into_key());
        }
        Ok(keys)
    }
}

/// The id of an open session: 128 random bits, so that one session does not guess another.
pub(crate) type SessionId = [u8; 16];

/// The id of what an officer's passphrase opened.
pub(crate) type ShareId = [u8; 16];

/// Things that the node holds by an id only.
pub(crate) struct Tickets<T>(Mutex<HashMap<[u8; 16], T>>);

/// The sessions that the node holds.
pub(crate) type Sessions = Tickets<Arc<Session>>;

/// What officers' passphrases opened and `clear` has not used yet.
pub(crate) type OpenShares = Tickets<OpenedSecrets>;

impl<T> Default for Tickets<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Tickets<T> {
    fn all(&self) -> MutexGuard<'_, HashMap<[u8; 16], T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps `thing` under `id`, which is new ([`Remembered::new_id`]).
    pub(crate) fn keep(&self, thing: T, id: [u8; 16]) -> [u8; 16] {
        self.all().insert(id, thing);
        id
    }

    /// Gives up everything of which `over` is true.
    pub(crate) fn forget(&self, over: impl Fn(&T) -> bool) {
        self.all().retain(|_, thing| !over(thing));
    }

    /// Gives the thing up, if it is there.
    pub(crate) fn take(&self, id: [u8; 16]) -> Option<T> {
        self.all().remove(&id)
    }
}

impl<T: Clone> Tickets<T> {
    /// The thing of this id.
    ///
    /// # Errors
    /// [`VaultError::SessionOver`].
    pub(crate) fn find(&self, id: [u8; 16]) -> Result<T, VaultError> {
        self.all().get(&id).cloned().ok_or(VaultError::SessionOver)
    }
}

/// The sign-ins of the last minutes. A sign-in is found by a keyed hash of account and password under a key that lives
/// as long as this process, so that the memory holds no password.
pub(crate) struct Remembered {
    key: Key32,
    /// How many ids were given.
    ids: AtomicU64,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    by_mark: HashMap<Mark, Kept>,
    /// How often a password changed: a sign-in that began before a change is not remembered after it.
    changes: u64,
}

struct Kept {
    session: Arc<Session>,
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
        Self { key: random_key(entropy), ids: AtomicU64::new(0), inner: Mutex::default() }
    }

    pub(crate) fn mark(&self, account: AccountId, password: &Secret<String>) -> Mark {
        Mark(hmac(&self.key, &[b"mark", &account.0, password.expose().as_bytes()]))
    }

    /// An id that nobody had and nobody guesses: a keyed hash of a count. (No two sealings of a test's seeded chance move
    /// because somebody signed in between.)
    pub(crate) fn new_id(&self) -> [u8; 16] {
        let count = self.ids.fetch_add(1, Ordering::Relaxed);
        let hash = hmac(&self.key, &[b"id", &count.to_be_bytes()]);
        hash.first_chunk().copied().unwrap_or_default()
    }

    /// Forgets the sign-ins whose minutes are over.
    pub(crate) fn forget_stale(&self, now: UnixMillis) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.by_mark.retain(|_, kept| kept.lasts(now));
    }

    /// The sign-in of this mark, when it is remembered; else the moment to give to [`remember`](Self::remember).
    pub(crate) fn recall(&self, mark: Mark, now: UnixMillis) -> Result<Arc<Session>, Began> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.by_mark.retain(|_, kept| kept.lasts(now));
        match inner.by_mark.get(&mark) {
            Some(kept) => Ok(kept.session.clone()),
            None => Err(Began(inner.changes)),
        }
    }

    pub(crate) fn remember(&self, mark: Mark, session: &Arc<Session>, began: Began, now: UnixMillis) {
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
        inner.by_mark.insert(mark, Kept { session: session.clone(), until });
    }

    /// Forgets all sign-ins of the account. Call it after the change is durable.
    pub(crate) fn forget(&self, account: AccountId) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.changes += 1;
        inner.by_mark.retain(|_, kept| kept.session.account != account);
    }
}

impl Kept {
    /// Whether the entry still counts. A clock that went back beyond the entry's making makes it end too.
    fn lasts(&self, now: UnixMillis) -> bool {
        (self.until.plus_millis(-REMEMBERED_MILLIS)..self.until).contains(&now)
    }
}
