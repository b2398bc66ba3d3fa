//! Which epoch seals what arrives now.
//!
//! The key of the running epoch is in memory only, from its first message until an hour or a thousand messages later.
//! Its sealed form goes to disk with the first message that is sealed with it, in the same commit.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use terms::{AccountId, Entropy, EpochId, UnixMillis};
use vault::{AccountPublicKey, EpochSealer, SealedEpochKey};

use crate::error::StoreError;

/// An epoch ends after an hour: a thief of the running process's memory can open one hour's arrivals.
const EPOCH_MILLIS: i64 = 60 * 60 * 1000;

/// An epoch ends after this many messages, so that an import does not depend on one key. At 81 bytes per sealed key, the
/// cost is negligible.
const EPOCH_MESSAGES: u32 = 1000;

/// The running epoch of one account.
#[derive(Default)]
pub(crate) struct Epochs(Mutex<Running>);

#[derive(Default)]
struct Running {
    epoch: Option<Arc<Epoch>>,
    /// The last number given out by this process.
    last: u32,
    /// Epochs that are over, and may have messages on their way to the disk.
    over: Vec<Weak<Epoch>>,
}

impl Running {
    /// Ends the running epoch; messages sealed in it are not affected.
    fn end(&mut self) {
        self.over.retain(|epoch| epoch.strong_count() > 0);
        self.over.extend(self.epoch.take().map(|epoch| Arc::downgrade(&epoch)));
    }
}

/// An epoch, shared by the calls that seal in it.
pub(crate) struct Epoch {
    pub(crate) sealer: EpochSealer,
    pub(crate) sealed_key: SealedEpochKey,
    started: UnixMillis,
    messages: AtomicU32,
    /// Its row is committed.
    pub(crate) on_disk: AtomicBool,
}

impl Epoch {
    pub(crate) fn id(&self) -> EpochId {
        self.sealer.epoch()
    }

    fn is_over(&self, now: UnixMillis) -> bool {
        // A clock that was set back also ends the epoch: its hour can no longer be measured.
        let age = now.0.saturating_sub(self.started.0);
        !(0..EPOCH_MILLIS).contains(&age) || self.messages.load(Ordering::Relaxed) >= EPOCH_MESSAGES
    }
}

impl Epochs {
    /// The epoch for one more message. `public` is called when one begins, `last_on_disk` once per process and account.
    pub(crate) fn current(
        &self,
        account: AccountId,
        public: impl FnOnce() -> AccountPublicKey,
        now: UnixMillis,
        entropy: &dyn Entropy,
        last_on_disk: impl FnOnce() -> Result<u32, StoreError>,
    ) -> Result<Arc<Epoch>, StoreError> {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(epoch) = running.epoch.as_ref().filter(|epoch| !epoch.is_over(now)) {
            epoch.messages.fetch_add(1, Ordering::Relaxed);
            return Ok(Arc::clone(epoch));
        }
        running.end();
        if running.last == 0 {
            running.last = last_on_disk()?;
        }
        let id = running.last.checked_add(1).ok_or(StoreError::TooMany("epochs of an account"))?;
        let (sealer, sealed_key) =
            EpochSealer::start(account, &public(), EpochId(id), entropy).map_err(|error| StoreError::vault(&error))?;
        running.last = id;
        let epoch = Arc::new(Epoch {
            sealer,
            sealed_key,
            started: now,
            messages: AtomicU32::new(1),
            on_disk: AtomicBool::new(false),
        });
        running.epoch = Some(Arc::clone(&epoch));
        Ok(epoch)
    }

    /// Whether [`current`](Self::current) needs no disk and waits for nobody.
    pub(crate) fn are_known(&self) -> bool {
        self.0.try_lock().is_ok_and(|running| running.last > 0)
    }

    /// Drops the epoch's key when its time is over, even if nothing arrives.
    pub(crate) fn forget_if_over(&self, now: UnixMillis) {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if running.epoch.as_ref().is_some_and(|epoch| epoch.is_over(now)) {
            running.end();
        }
    }

    /// Ends the running epoch while `change` changes what the next one is sealed to.
    pub(crate) fn turn(&self, change: impl FnOnce()) {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        running.end();
        change();
    }

    /// Whether no message of a past epoch is still on its way to the disk: each is written, or never will be.
    pub(crate) fn rests(&self) -> bool {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        running.over.retain(|epoch| epoch.strong_count() > 0);
        running.over.is_empty()
    }
}
