//! The connections that read the rows: a few, so that one account that is read does not keep the others waiting. None is held
//! across a question to the vault.

use std::ops::Deref;
use std::path::PathBuf;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::RowReader;

/// How many connections read at once: as many as keep a disk busy while one computes. Each takes a cache of 2 MiB at most, SQLite's
/// default.
const READERS_MAX: usize = 4;

/// How long the commit thread waits for those who read, when the WAL has become long: every commit waits meanwhile.
const PATIENCE: Duration = Duration::from_secs(1);

pub(crate) struct Readers {
    dir: PathBuf,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    idle: Vec<RowReader>,
    /// Connections in use.
    out: usize,
    /// How many other connections hold a snapshot of the rows.
    moments: usize,
    /// The commit thread waits until nobody reads: who comes now waits for it.
    is_wanted: bool,
}

/// A connection in use.
pub(crate) struct Borrowed<'r> {
    readers: &'r Readers,
    reader: Option<RowReader>,
}

impl Readers {
    pub(crate) fn new(dir: PathBuf, first: RowReader) -> Self {
        let state = State { idle: vec![first], out: 0, moments: 0, is_wanted: false };
        Self { dir, state: Mutex::new(state), changed: Condvar::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection; waits for one if all are in use. No thread may hold two.
    pub(crate) fn borrow(&self) -> Borrowed<'_> {
        let mut state = self.state();
        loop {
            if !state.is_wanted {
                // Without the memory or the descriptor for one more, those that there are suffice.
                let more = || RowReader::open(&self.dir).ok();
                let reader = match state.idle.pop() {
                    Some(reader) => Some(reader),
                    None if state.out < READERS_MAX => more(),
                    None => None,
                };
                if let Some(reader) = reader {
                    state.out += 1;
                    return Borrowed { readers: self, reader: Some(reader) };
                }
            }
            state = self.changed.wait_timeout(state, PATIENCE).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// One more connection holds a snapshot of the rows. Call it before the snapshot is taken.
    pub(crate) fn add_moment(&self) {
        self.state().moments += 1;
    }

    pub(crate) fn end_moment(&self) {
        self.state().moments -= 1;
    }

    /// Runs `act` while no connection of this process is reading the rows; `None`, without running it, if one is. With `wait`,
    /// those who read are waited for a moment, and nobody begins meanwhile.
    pub(crate) fn while_nobody_reads<T>(&self, wait: bool, act: impl FnOnce() -> T) -> Option<T> {
        let mut state = self.state();
        if wait && state.moments == 0 {
            let until = Instant::now() + PATIENCE;
            state.is_wanted = true;
            while state.out > 0 && Instant::now() < until {
                state = self.changed.wait_timeout(state, PATIENCE / 20).unwrap_or_else(PoisonError::into_inner).0;
            }
            state.is_wanted = false;
        }
        let done = (state.out == 0 && state.moments == 0).then(act);
        drop(state);
        self.changed.notify_all();
        done
    }

    /// Replaces all connections by `reader`, once nobody uses one.
    pub(crate) fn replace(&self, reader: RowReader) {
        let in_use = |state: &mut State| {
            state.is_wanted = true;
            state.out > 0
        };
        let mut state = self.changed.wait_while(self.state(), in_use).unwrap_or_else(PoisonError::into_inner);
        state.idle = vec![reader];
        state.is_wanted = false;
        drop(state);
        self.changed.notify_all();
    }
}

impl Deref for Borrowed<'_> {
    type Target = RowReader;

    #[allow(clippy::expect_used, reason = "only `drop` takes it")]
    fn deref(&self) -> &RowReader {
        self.reader.as_ref().expect("a reader in use")
    }
}

impl Drop for Borrowed<'_> {
    fn drop(&mut self) {
        let mut state = self.readers.state();
        state.out -= 1;
        state.idle.extend(self.reader.take());
        drop(state);
        self.readers.changed.notify_all();
    }
}
