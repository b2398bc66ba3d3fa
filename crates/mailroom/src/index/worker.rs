//! The thread that makes the indexes of the owners who are signed in.

use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::JoinHandle;

use store::Store;
use terms::AccountId;
use vault::{SignedIn, Vault, VaultError};

use super::cache::Cache;
use super::fold;
use super::job::{Job, Stop};
use super::owner::OwnerIndex;

/// The indexes of the owners who are signed in. One for a node. Dropping the last clone ends its thread, at the next
/// message.
#[derive(Clone)]
pub struct Indexes(pub(super) Option<Arc<Handle>>);

pub(super) struct Handle {
    pub(super) shared: Arc<Shared>,
    worker: Mutex<Option<JoinHandle<()>>>,
}

/// What sessions and the thread share.
pub(super) struct Shared {
    pub(super) owners: Mutex<HashMap<AccountId, Weak<OwnerIndex>>>,
    cache: Arc<Cache>,
    line: Mutex<Line>,
    /// The queue got a job, or the thread has finished with it.
    moved: Condvar,
    pub(super) stop: Stop,
}

/// Owners whose mail is waiting to be folded: each once, so the queue is at most as long as there are owners signed in.
#[derive(Default)]
struct Line {
    jobs: VecDeque<Job>,
    busy: bool,
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
        self.shared.stop.set();
        self.shared.line().jobs.clear();
        self.shared.moved.notify_all();
        if let Some(worker) = self.worker.get_mut().unwrap_or_else(PoisonError::into_inner).take() {
            // At worst it ended by a panic; there is nothing left to do for it.
            let _ = worker.join();
        }
    }
}

impl Shared {
    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Folds what is in the queue, one owner after the other, until the node stops.
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
            // A fold that fails (no space, a damaged volume, a message that makes a parser panic) leaves the messages
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
    pub(super) fn index_of(
        &self,
        vault: &Vault,
        store: &Arc<Store>,
        owner: &SignedIn,
    ) -> Result<Arc<OwnerIndex>, VaultError> {
        let mut owners = self.shared.owners.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(index) = owners.get(&owner.account()).and_then(Weak::upgrade) {
            return Ok(index);
        }
        owners.retain(|_, index| index.strong_count() > 0);
        let key = vault.index_key(owner)?;
        let index = Arc::new(OwnerIndex::new(key, Arc::clone(store), Arc::clone(&self.shared.cache)));
        owners.insert(owner.account(), Arc::downgrade(&index));
        Ok(index)
    }

    /// Puts an owner into the queue, unless already there.
    pub(super) fn fold(&self, job: Job) {
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
