//! A clock that stands still until a test moves it.

use std::sync::atomic::{AtomicI64, Ordering};

use terms::{Clock, UnixMillis};

/// A clock controlled by the test. Shared through an `Arc`; every holder sees a change at once.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock set to `now`.
    pub fn at(now: UnixMillis) -> Self {
        Self(AtomicI64::new(now.0))
    }

    /// Sets the time, also backwards, as real clocks may be.
    pub fn set(&self, now: UnixMillis) {
        self.0.store(now.0, Ordering::SeqCst);
    }

    /// Advances the time by `millis`.
    pub fn advance(&self, millis: i64) {
        self.0.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Default for ManualClock {
    /// 2026-11-23T08:00:00Z, a Monday.
    fn default() -> Self {
        Self::at(UnixMillis(1_795_420_800_000))
    }
}

impl Clock for ManualClock {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.0.load(Ordering::SeqCst))
    }
}
