//! Who is signed in: the opened keys, the ids by which the node names them, and the memory that spares Argon2id for
//! some minutes.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use terms::{AccountId, Entropy, EpochId, Secret, UnixMillis};
use vault::inside::derive_key;
use vault::{KeyAsk, MailError, REMEMBERED_MILLIS, SealedEpochKey, VaultError};

use crate::crypto::{Key32, PrivateKey, Prk, hmac, random_key};
use crate::files::Folder;
use crate::officers::release::OpenedSecrets;
use crate::owners::epochs::open_epoch_by;
use crate::owners::ring::{Found, Mark as EpochMark, OpenEpoch, Opened, Ring};

/// How many sign-ins are remembered at once. At a few hundred bytes each this is a few megabytes.
const REMEMBERED_MAX: usize = 8192;

/// An account's private keys, the one that opens new mail first. Two while a pair is being replaced.
pub(crate) type PrivateKeys = Arc<Vec<PrivateKey>>;

/// One owner's opened key. Clones of the `Arc` share it; with the last one the key is wiped.
pub(crate) struct Session {
    account: AccountId,
    private_keys: RwLock<PrivateKeys>,
    epochs: Mutex<Epochs>,
}

/// The epochs that a session has opened, and what the account's ring has of them.
#[derive(Default)]
struct Epochs {
    opened: Opened,
    /// How the ring was found; `None` before it is read, at the session's first need.
    ring: Option<Found>,
    /// What was opened by X25519 and is in no ring yet.
    fresh: Vec<EpochId>,
}

/// Where rings lie, and the count of epochs that were opened by X25519.
pub(crate) struct Rings<'a> {
    pub(crate) folder: &'a Folder,
    pub(crate) entropy: &'a dyn Entropy,
    pub(crate) opened: &'a AtomicU64,
}

/// So many epochs opened at once are folded at once; fewer wait for the session's end or the next minute, so that reading
/// today's mail does not wait for a sync of the disk.
const FOLD_AT_ONCE: usize = 256;

/// So many X25519 operations are worth a thread: each takes some 60 microseconds, and a thread costs about one.
const OPENED_BY_THREAD: usize = 64;

impl Session {
    /// `private_keys` is not empty.
    pub(crate) fn new(account: AccountId, private_keys: PrivateKeys) -> Self {
        Self { account, private_keys: RwLock::new(private_keys), epochs: Mutex::default() }
    }

    fn private_keys(&self) -> PrivateKeys {
        self.private_keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Continues with other keys: the account's pair is being replaced, or was. The ring is read again, under the new key.
    pub(crate) fn renew(&self, private_keys: PrivateKeys) {
        let mut epochs = self.epochs.lock().unwrap_or_else(PoisonError::into_inner);
        epochs.ring = None;
        *self.private_keys.write().unwrap_or_else(PoisonError::into_inner) = private_keys;
    }

    /// Whose it is.
    pub(crate) fn account(&self) -> AccountId {
        self.account
    }

    fn epochs(&self, folder: &Folder) -> MutexGuard<'_, Epochs> {
        let mut epochs = self.epochs.lock().unwrap_or_else(PoisonError::into_inner);
        if epochs.ring.is_none()
            && let Some(private_key) = self.private_keys().first()
        {
            let mut read = Opened::new();
            let found = Ring::new(folder, self.account, private_key).read(&mut read);
            // What was shown in this session counts more than what the ring says.
            read.extend(std::mem::take(&mut epochs.opened).into_iter().filter(|(_, open)| open.shown));
            epochs.opened = read;
            epochs.ring = Some(found);
        }
        epochs
    }

    /// The key of the owner's index. It comes of the account's private key, and dies with it.
    pub(crate) fn index_key(&self) -> Result<Key32, VaultError> {
        let private_keys = self.private_keys();
        let private_key = private_keys.first().ok_or(VaultError::SessionOver)?;
        Ok(Prk::extract(b"bailiwick/index/v1", private_key.expose()).expand::<32>(&[&self.account.0]))
    }

    /// The keys of messages, in the order of `asks`.
    pub(crate) fn message_keys(
        &self,
        rings: &Rings<'_>,
        sealed: &[(EpochId, SealedEpochKey)],
        asks: &[KeyAsk],
    ) -> Result<Vec<Key32>, VaultError> {
        let mut epochs = self.epochs(rings.folder);
        let before = epochs.fresh.len();
        self.open_epochs(&mut epochs, sealed, asks)?;
        rings.opened.fetch_add((epochs.fresh.len() - before) as u64, Ordering::Relaxed);
        if epochs.fresh.len() >= FOLD_AT_ONCE {
            self.fold_into(&mut epochs, rings);
        }
        let key = |ask: &KeyAsk| {
            let open = epochs.opened.get(&ask.epoch).ok_or(VaultError::Mail(MailError::NoEpochKey(ask.epoch)))?;
            Ok(derive_key(&open.key, self.account, *ask))
        };
        asks.iter().map(key).collect()
    }

    /// Opens the epochs of `asks` that are not open yet, on as many threads as are worth it. One that does not open opens
    /// none of the others of this call.
    fn open_epochs(
        &self,
        epochs: &mut Epochs,
        sealed: &[(EpochId, SealedEpochKey)],
        asks: &[KeyAsk],
    ) -> Result<(), VaultError> {
        let sealed: HashMap<EpochId, &SealedEpochKey> = sealed.iter().map(|(id, key)| (*id, key)).collect();
        let wanted: BTreeSet<EpochId> = asks.iter().map(|ask| ask.epoch).collect();
        let mut work = Vec::new();
        for epoch in wanted {
            match (sealed.get(&epoch), epochs.opened.get_mut(&epoch)) {
                (None, Some(open)) if open.shown => {}
                (None, _) => return Err(VaultError::Mail(MailError::NoEpochKey(epoch))),
                (Some(sealed), open) => {
                    let mark = EpochMark::of(sealed);
                    match open.filter(|open| open.mark == mark) {
                        Some(open) => open.shown = true,
                        None => work.push((epoch, mark, *sealed)),
                    }
                }
            }
        }
        let private_keys = self.private_keys();
        let open = |(epoch, mark, sealed): &(EpochId, EpochMark, &SealedEpochKey)| {
            let key = Box::new(open_epoch_by(&private_keys, self.account, *epoch, sealed)?);
            Ok((*epoch, OpenEpoch { mark: *mark, key, shown: true }))
        };
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = processors.min(work.len() / OPENED_BY_THREAD).max(1);
        let opened: Result<Vec<(EpochId, OpenEpoch)>, VaultError> = if threads == 1 {
            work.iter().map(open).collect()
        } else {
            std::thread::scope(|scope| {
                let parts = work.chunks(work.len().div_ceil(threads));
                let workers: Vec<_> =
                    parts.map(|part| scope.spawn(move || part.iter().map(open).collect::<Vec<_>>())).collect();
                workers
                    .into_iter()
                    .flat_map(|worker| worker.join().unwrap_or_else(|_| vec![Err(VaultError::Busy)]))
                    .collect()
            })
        };
        for (epoch, open) in opened? {
            epochs.opened.insert(epoch, open);
            epochs.fresh.push(epoch);
        }
        Ok(())
    }

    /// Folds what this session has opened into the account's ring, so that no later session pays for it again.
    pub(crate) fn fold(&self, rings: &Rings<'_>) {
        let mut epochs = self.epochs.lock().unwrap_or_else(PoisonError::into_inner);
        self.fold_into(&mut epochs, rings);
    }

    fn fold_into(&self, epochs: &mut Epochs, rings: &Rings<'_>) {
        let (Epochs { opened, ring, fresh }, private_keys) = (epochs, self.private_keys());
        let (Some(found), Some(private_key)) = (ring.filter(|_| !fresh.is_empty()), private_keys.first()) else {
            return;
        };
        // A session that cannot write it now pays for X25519 again at the next sign-in, and no more. What this session wrote at the
        // same time as another one of the owner is in the file twice or torn; both are read as they should be.
        match Ring::new(rings.folder, self.account, private_key).fold(found, fresh, opened, rings.entropy) {
            Ok(found) => {
                *ring = Some(found);
                fresh.clear();
            }
            Err(_) => *ring = Some(Found::Worn),
        }
    }
}

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

    /// How many are kept.
    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        self.all().len()
    }

    /// Gives the thing up, if it is there.
    pub(crate) fn take(&self, id: [u8; 16]) -> Option<T> {
        self.all().remove(&id)
    }
}

impl<T: Clone> Tickets<T> {
    /// All that are kept now.
    pub(crate) fn every(&self) -> Vec<T> {
        self.all().values().cloned().collect()
    }

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

    /// An id that nobody had and nobody guesses: a keyed hash of a count. (No two sealings of a test's seeded randomness move
    /// because somebody signed in between.)
    pub(crate) fn new_id(&self) -> [u8; 16] {
        let count = self.ids.fetch_add(1, Ordering::Relaxed);
        let hash = hmac(&self.key, &[b"id", &count.to_be_bytes()]);
        hash.first_chunk().copied().unwrap_or_default()
    }

    /// Forgets the sign-ins that are no longer remembered.
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

    /// The remembered sign-ins of an account.
    pub(crate) fn of(&self, account: AccountId) -> Vec<Arc<Session>> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.by_mark.values().map(|kept| kept.session.clone()).filter(|session| session.account == account).collect()
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
