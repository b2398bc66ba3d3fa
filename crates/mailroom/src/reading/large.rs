//! Few large messages are open at once, and one of each owner: 49 MB that are searched take several times as much memory while it
//! lasts. Small ones never wait here.

use std::collections::HashSet;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use imap::Refusal;
use terms::AccountId;

use super::Stop;

/// Work that needs less is not counted: a message of this size is opened in about a millisecond.
pub(super) const LARGE_BYTES_MIN: usize = 1 << 20;

/// Memory that large work of all owners takes at once, as it is estimated beforehand: one search of a message of 50 MB (five times its
/// size), or the downloads of two such messages. With the default settings half of what a node may take under attack (512 MiB).
const LARGE_BYTES_MAX: usize = 256 << 20;

/// How long work waits for its turn: as long as a mail program waits for an answer before it looks broken. Then the client hears
/// `NO [UNAVAILABLE]`.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often those who wait look whether their client is still there.
const LOOK: Duration = Duration::from_millis(100);

/// The large work of a node. Clones share one state.
#[derive(Clone, Default)]
pub struct LargeWork(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    freed: Condvar,
}

#[derive(Default)]
struct State {
    taken_bytes: usize,
    owners: HashSet<AccountId>,
}

/// A turn for large work; over when dropped.
pub(super) struct Turn {
    work: Arc<Shared>,
    owner: AccountId,
    bytes: usize,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LargeWork {
    /// Waits for a turn for work of `owner` that takes about `bytes` of memory; `None` if it is too small to be counted. What
    /// takes more than all of the memory for large work takes all of it. One thread must not hold two turns.
    ///
    /// # Errors
    /// [`Refusal::Unavailable`] when the wait was too long or the client is gone.
    pub(super) fn turn(&self, owner: AccountId, bytes: usize, stop: &Stop) -> Result<Option<Turn>, Refusal> {
        if bytes < LARGE_BYTES_MIN {
            return Ok(None);
        }
        let bytes = bytes.min(LARGE_BYTES_MAX);
        let until = Instant::now() + PATIENCE;
        let mut state = self.0.state();
        while state.owners.contains(&owner) || state.taken_bytes + bytes > LARGE_BYTES_MAX {
            stop.check()?;
            if Instant::now() >= until {
                return Err(Refusal::Unavailable);
            }
            state = self.0.freed.wait_timeout(state, LOOK).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.taken_bytes += bytes;
        state.owners.insert(owner);
        Ok(Some(Turn { work: self.0.clone(), owner, bytes }))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut state = self.work.state();
        state.taken_bytes -= self.bytes;
        state.owners.remove(&self.owner);
        drop(state);
        self.work.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

    use super::*;

    const ANN: AccountId = AccountId([1; 16]);
    const BOB: AccountId = AccountId([2; 16]);

    #[test]
    fn one_turn_for_each_owner_and_all_within_a_limit() {
        let work = LargeWork::default();
        let gone = Stop::default();
        gone.now();
        let free = |owner, bytes| work.turn(owner, bytes, &gone).is_ok();
        assert!(work.turn(ANN, 1, &gone).unwrap().is_none(), "small work is not counted");
        let first = work.turn(ANN, LARGE_BYTES_MAX / 2, &gone).unwrap();
        assert!(!free(ANN, LARGE_BYTES_MIN), "one of each owner");
        assert!(free(BOB, LARGE_BYTES_MAX / 2));
        assert!(!free(BOB, LARGE_BYTES_MAX / 2 + 1), "all together");
        drop(first);
        assert!(free(BOB, usize::MAX), "what takes more than all takes all");
        assert!(free(ANN, LARGE_BYTES_MIN));
    }

    #[test]
    fn the_next_one_goes_on_when_a_turn_is_over() {
        let work = LargeWork::default();
        let first = work.turn(ANN, LARGE_BYTES_MIN, &Stop::default()).unwrap();
        std::thread::scope(|scope| {
            let next = scope.spawn(|| work.turn(ANN, LARGE_BYTES_MIN, &Stop::default()).is_ok());
            drop(first);
            assert!(next.join().unwrap());
        });
    }
}
