//! Telling sessions that an account has changed (IDLE, JMAP push).
//!
//! Watchers are told the MODSEQ, and only when it changed: a hold changes nothing that an owner could notice.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

type Callback = Arc<dyn Fn(u64) + Send + Sync>;

/// The watchers of one account.
#[derive(Default)]
pub(crate) struct Bell {
    inner: Mutex<Inner>,
    rung: Condvar,
}

#[derive(Default)]
struct Inner {
    modseq: u64,
    last_id: u64,
    callbacks: Vec<(u64, Callback)>,
}

impl Bell {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The account is now at `modseq`.
    pub(crate) fn ring(&self, modseq: u64) {
        let callbacks: Vec<Callback> = {
            let mut inner = self.inner();
            if inner.modseq == modseq {
                return;
            }
            inner.modseq = modseq;
            inner.callbacks.iter().map(|(_, callback)| Arc::clone(callback)).collect()
        };
        self.rung.notify_all();
        callbacks.iter().for_each(|callback| callback(modseq));
    }

    /// Calls back although nothing has changed: watchers look again, and drop old views.
    pub(crate) fn stir(&self) {
        let (modseq, callbacks): (u64, Vec<Callback>) = {
            let inner = self.inner();
            (inner.modseq, inner.callbacks.iter().map(|(_, callback)| Arc::clone(callback)).collect())
        };
        callbacks.iter().for_each(|callback| callback(modseq));
    }

    fn register(self: &Arc<Self>, callback: Callback) -> Watching {
        let mut inner = self.inner();
        inner.last_id += 1;
        let id = inner.last_id;
        inner.callbacks.push((id, callback));
        Watching { bell: Arc::downgrade(self), id }
    }
}

/// Waits for changes of one account, on the waiting thread.
pub struct Watch {
    bell: Arc<Bell>,
    seen: u64,
}

impl Watch {
    /// A watch that already knows everything up to `modseq`.
    pub(crate) fn new(bell: Arc<Bell>, modseq: u64) -> Self {
        Self { bell, seen: modseq }
    }

    /// Waits until the account has changed since the last call (or since the watch was created), for at most `timeout`.
    /// Returns the account's MODSEQ if it has; `None` on timeout.
    pub fn wait(&mut self, timeout: Duration) -> Option<u64> {
        let quiet = |inner: &mut Inner| inner.modseq <= self.seen;
        let inner = self.bell.rung.wait_timeout_while(self.bell.inner(), timeout, quiet);
        let modseq = inner.unwrap_or_else(PoisonError::into_inner).0.modseq;
        (modseq > self.seen).then(|| {
            self.seen = modseq;
            modseq
        })
    }

    /// Calls back with the account's MODSEQ after each change, and occasionally without one, until the returned value is
    /// dropped. The callback runs on the commit thread, before the change's own caller is answered: it must do no more than
    /// wake another task. If the account has changed since this watch was created, it is called at once.
    pub fn call_back(self, callback: impl Fn(u64) + Send + Sync + 'static) -> Watching {
        let callback: Callback = Arc::new(callback);
        let watching = self.bell.register(Arc::clone(&callback));
        let modseq = self.bell.inner().modseq;
        if modseq > self.seen {
            callback(modseq);
        }
        watching
    }
}

/// A callback that stays registered until this is dropped.
#[must_use = "dropping it ends the watch"]
pub struct Watching {
    bell: Weak<Bell>,
    id: u64,
}

impl Drop for Watching {
    fn drop(&mut self) {
        if let Some(bell) = self.bell.upgrade() {
            bell.inner().callbacks.retain(|(id, _)| *id != self.id);
        }
    }
}
