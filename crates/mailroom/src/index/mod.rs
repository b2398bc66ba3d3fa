//! The index of an owner's mail: lists as they go on the wire, and what a search needs, sealed with a key of the owner's
//! (docs/formats/index.md; how it is used, docs/flows/read.md).
//!
//! * An index is some *volumes* (`volume.rs`), files that never change. A volume has the messages of a slice by columns, in
//!   blocks of many, and a dictionary of their words (`words.rs`, `places.rs`).
//! * One thread of the node makes volumes of new messages (`fold.rs`) and larger volumes of small ones (`merge.rs`), for
//!   owners who are signed in: only then is there a key.
//! * A session asks the [`OwnerIndex`] of its owner. Whatever the index does not know is read from the message.
//!
//! All of it is derived: it can be dropped at any time, and is made anew.

mod cache;
mod check;
mod code;
mod fold;
mod merge;
mod owner;
mod places;
mod volume;
mod words;
mod writer;

use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::JoinHandle;

use store::{Store, StoreError};
use terms::{AccountId, Entropy};
use vault::{SignedIn, Vault, VaultError};

use crate::Mailroom;

use cache::Cache;
pub use check::IndexFiles;
pub(crate) use check::Volumes as CheckedVolumes;
pub(crate) use fold::Derived;
pub(crate) use owner::{HeaderText, Opened, OwnerIndex, Texts, Volumes, find};
pub(crate) use places::DocSet;
pub(crate) use volume::{Column, Piece, Place};
pub(crate) use words::Query;

/// New messages after which an index is folded while a session goes on. Until then they are read and searched one by
/// one, which for so many costs no more than a millisecond or two.
const NEWS_BEFORE_FOLD: u32 = 64;

/// The indexes of the owners who are signed in. One for a node. Dropping the last clone ends its thread, at the next
/// message.
#[derive(Clone)]
pub struct Indexes(Option<Arc<Handle>>);

struct Handle {
    shared: Arc<Shared>,
    worker: Mutex<Option<JoinHandle<()>>>,
}

/// What sessions and the thread share.
struct Shared {
    owners: Mutex<HashMap<AccountId, Weak<OwnerIndex>>>,
    cache: Arc<Cache>,
    line: Mutex<Line>,
    /// Something came into the line, or the thread is done with it.
    moved: Condvar,
    stop: Stop,
}

/// Owners whose mail waits to be folded: each once, so that the line is as long as there are owners signed in.
#[derive(Default)]
struct Line {
    jobs: VecDeque<Job>,
    busy: bool,
}

/// An owner's mail to fold.
struct Job {
    store: Arc<Store>,
    vault: Arc<Vault>,
    entropy: Arc<dyn Entropy>,
    /// The right to open it. The session stays open until the job is done.
    owner: SignedIn,
    index: Arc<OwnerIndex>,
}

/// Says that the node stops.
#[derive(Default)]
struct Stop(AtomicBool);

impl Stop {
    fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Default for Indexes {
    fn default() -> Self {
        let shared = Shared {
            owners: Mutex::default(),
            cache: Arc::default(),
            line: Mutex::default(),
            moved: Condvar::new(),
            stop: Stop::default(),
        };
        Self(Some(Arc::new(Handle { shared: Arc::new(shared), worker: Mutex::default() })))
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.stop.0.store(true, Ordering::Relaxed);
        self.shared.line().jobs.clear();
        self.shared.moved.notify_all();
        if let Some(worker) = self.worker.get_mut().unwrap_or_else(PoisonError::into_inner).take() {
            // It ended by a panic at worst; nothing is left to do for it.
            let _ = worker.join();
        }
    }
}

impl Shared {
    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Folds what is in the line, one owner after the other, until the node stops.
    fn work(&self) {
        while !self.stop.is_set() {
            let mut line = self.line();
            let Some(job) = line.jobs.pop_front() else {
                line.busy = false;
                self.moved.notify_all();
                drop(self.moved.wait_while(line, |line| line.jobs.is_empty() && !self.stop.is_set()));
                continue;
            };
            line.busy = true;
            drop(line);
            // A fold that fails (no room, a damaged volume, a message on which a reader of it stumbles) leaves the messages
            // to be read one by one, and is tried again at the next sign-in.
            let _ = catch_unwind(AssertUnwindSafe(|| fold::run(&job, &self.stop)));
        }
        self.line().busy = false;
        self.moved.notify_all();
    }
}

impl Indexes {
    /// No indexes: everything is read and searched in the messages, and what is on disk of indexes stays as it is.
    pub fn off() -> Self {
        Self(None)
    }

    /// Waits until nothing is left to fold.
    pub fn settle(&self) {
        let Some(handle) = &self.0 else { return };
        let line = handle.shared.line();
        drop(handle.shared.moved.wait_while(line, |line| line.busy || !line.jobs.is_empty()));
    }
}

impl Handle {
    fn index_of(&self, mail: &Mailroom, owner: &SignedIn) -> Result<Arc<OwnerIndex>, VaultError> {
        let mut owners = self.shared.owners.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(index) = owners.get(&owner.account()).and_then(Weak::upgrade) {
            return Ok(index);
        }
        owners.retain(|_, index| index.strong_count() > 0);
        let key = mail.vault.index_key(owner)?;
        let index = Arc::new(OwnerIndex::new(key, Arc::clone(&mail.store), Arc::clone(&self.shared.cache)));
        owners.insert(owner.account(), Arc::downgrade(&index));
        Ok(index)
    }

    /// Puts an owner into the line, unless the owner stands there.
    fn fold(&self, job: Job) {
        let mut line = self.shared.line();
        if line.jobs.iter().any(|other| Arc::ptr_eq(&other.index, &job.index)) || self.shared.stop.is_set() {
            return;
        }
        line.jobs.push_back(job);
        line.busy = true;
        drop(line);
        self.shared.moved.notify_all();
        let mut worker = self.worker.lock().unwrap_or_else(PoisonError::into_inner);
        if worker.is_none() {
            let shared = Arc::clone(&self.shared);
            let thread = std::thread::Builder::new().name("mail-index".to_owned());
            // Without a thread nothing is folded, and everything is read one by one.
            *worker = thread.spawn(move || shared.work()).ok();
        }
    }
}

impl Job {
    fn new(mail: &Mailroom, owner: &SignedIn, index: &Arc<OwnerIndex>) -> Self {
        Self {
            store: Arc::clone(&mail.store),
            vault: Arc::clone(&mail.vault),
            entropy: Arc::clone(&mail.entropy),
            owner: owner.clone(),
            index: Arc::clone(index),
        }
    }
}

/// Indexes of owners who are signed in.
impl Mailroom {
    /// The index of a signed-in owner, and its folding begun. Nothing is read yet. `None` when there is none: then
    /// everything is read and searched in the messages.
    pub(crate) fn enter_index(&self, owner: &SignedIn) -> Option<Arc<OwnerIndex>> {
        let handle = self.index.0.as_ref()?;
        let index = handle.index_of(self, owner).ok()?;
        handle.fold(Job::new(self, owner, &index));
        Some(index)
    }

    /// Says that a session saw `more` messages come.
    pub(crate) fn index_news(&self, owner: &SignedIn, index: &Arc<OwnerIndex>, more: usize) {
        if let Some(handle) = &self.index.0
            && index.has_news(more, NEWS_BEFORE_FOLD)
        {
            handle.fold(Job::new(self, owner, index));
        }
    }

    /// What the index of a signed-in owner has.
    ///
    /// # Errors
    /// [`StoreError::Vault`] when the session is over.
    pub fn index_size(&self, owner: &SignedIn) -> Result<IndexSize, StoreError> {
        let Some(handle) = &self.index.0 else { return Ok(IndexSize::default()) };
        let index = handle.index_of(self, owner).map_err(|error| StoreError::Vault(error.to_string()))?;
        let volumes = index.volumes();
        Ok(IndexSize {
            volumes: volumes.len(),
            messages: volumes.iter().map(|volume| volume.docs()).sum(),
            bytes: volumes.iter().map(|volume| volume.file_bytes()).sum(),
        })
    }

    /// Gives the volumes of a signed-in owner, as they are on disk, to `look`; nobody writes any meanwhile. `None` where there
    /// are no indexes.
    pub(crate) fn look_at_volumes<T>(
        &self,
        owner: &SignedIn,
        look: impl FnOnce(Option<CheckedVolumes>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let Some(handle) = &self.index.0 else { return look(None) };
        let index = handle.index_of(self, owner).map_err(|error| StoreError::Vault(error.to_string()))?;
        let _writing = index.writing.lock().unwrap_or_else(PoisonError::into_inner);
        look(Some(CheckedVolumes::open(&self.store, &index.key())?))
    }

    /// Drops the index of a signed-in owner and makes it anew, on this thread: for whoever does not trust it.
    ///
    /// # Errors
    /// [`StoreError::Vault`] when the session is over, and those of the disk.
    pub fn rebuild_index(&self, owner: &SignedIn) -> Result<IndexSize, StoreError> {
        if let Some(handle) = &self.index.0 {
            let index = handle.index_of(self, owner).map_err(|error| StoreError::Vault(error.to_string()))?;
            {
                let _writing = index.writing.lock().unwrap_or_else(PoisonError::into_inner);
                index.publish(None, &index.volumes());
                self.store.derived_drop(owner.account())?;
            }
            fold::run(&Job::new(self, owner, &index), &handle.shared.stop)?;
        }
        self.index_size(owner)
    }
}

/// Indexes of owners of whom nobody may be signed in.
impl Mailroom {
    /// Drops the index of an account whose pair was replaced: it is sealed by the half before. What a session has of it is
    /// asked no more; it is made anew when the owner signs in.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn drop_index(&self, account: AccountId) -> Result<(), StoreError> {
        let Some(handle) = &self.index.0 else { return self.store.derived_drop(account) };
        let open = {
            let owners = handle.shared.owners.lock().unwrap_or_else(PoisonError::into_inner);
            owners.get(&account).and_then(Weak::upgrade)
        };
        let Some(index) = open else { return self.store.derived_drop(account) };
        let _writing = index.writing.lock().unwrap_or_else(PoisonError::into_inner);
        index.publish(None, &index.volumes());
        self.store.derived_drop(account)
    }
}

/// An index in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct IndexSize {
    /// How many files.
    pub volumes: usize,
    /// How many messages are in them, those that were expunged since included.
    pub messages: usize,
    /// How many bytes they have on disk.
    pub bytes: u64,
}
