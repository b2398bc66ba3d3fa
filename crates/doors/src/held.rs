//! How much memory messages on their way and answers that nobody reads may take, over all doors of a node.
//!
//! Small holdings and large ones have a pool each, so that small mail always gets in. One peer or account takes a share of the
//! pool of large ones. When a pool is full and somebody needs more, the slowest of those in it gives way: what came at a few
//! octets a second makes way for what comes at the speed of a network.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use terms::AccountId;
use tokio::time::Instant;

use crate::admission::Call;

/// A holding up to this is small, in bytes: nine messages of ten are.
const SMALL_BYTES_MAX: usize = 256 * 1024;

/// All small holdings together, in bytes: as many as one peer's connections may have in full, five times over.
const SMALL_POOL_BYTES: usize = 64 * 1024 * 1024;

/// All large holdings together, in bytes: with the small ones half of the 512 MiB that a node under attack may take.
const LARGE_POOL_BYTES: usize = 192 * 1024 * 1024;

/// The share of the large pool that one peer or account takes.
const SHARES: usize = 3;

/// A holding younger than this has had no time to show its rate.
const YOUNG: Duration = Duration::from_secs(2);

/// The memory of a node's doors.
pub struct Held {
    large_pool_bytes: usize,
    state: Mutex<State>,
}

/// For whom a connection holds memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Whom {
    /// A connection of a trusted peer.
    Connection(u64),
    Peer(IpAddr),
    Account(AccountId),
}

#[derive(Default)]
struct State {
    next: u64,
    holdings: HashMap<u64, Holding>,
    /// What the holdings that stay have together, in bytes.
    small: usize,
    large: usize,
}

struct Holding {
    whom: Whom,
    bytes: usize,
    since: Instant,
    /// It has been told to give way: its bytes count no more.
    leaving: bool,
    call: Arc<Call>,
}

impl Holding {
    fn is_small(&self) -> bool {
        self.bytes <= SMALL_BYTES_MAX
    }

    fn staying(&self) -> usize {
        if self.leaving { 0 } else { self.bytes }
    }

    /// In bytes a second.
    fn rate(&self) -> u128 {
        self.bytes as u128 * 1000 / self.since.elapsed().as_millis().max(1)
    }
}

/// One connection's part in it; gone when this is dropped.
pub(crate) struct Holder {
    held: Arc<Held>,
    id: u64,
    whom: Whom,
    call: Arc<Call>,
}

impl Held {
    /// For messages of at most so many bytes, one of which always has a place.
    pub fn new(message_size_bytes_max: u64) -> Arc<Self> {
        // A message that grows has twice its size for a moment.
        let one = usize::try_from(message_size_bytes_max).unwrap_or(usize::MAX).saturating_mul(2);
        Arc::new(Self { large_pool_bytes: LARGE_POOL_BYTES.max(one), state: Mutex::default() })
    }

    pub(crate) fn holder(self: &Arc<Self>, whom: Whom, call: Arc<Call>) -> Holder {
        let mut state = self.state();
        state.next += 1;
        Holder { held: self.clone(), id: state.next, whom, call }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn pool(&mut self, small: bool) -> &mut usize {
        if small { &mut self.small } else { &mut self.large }
    }

    /// Changes a holding, and the pool that it is in.
    fn change(&mut self, id: u64, change: impl FnOnce(&mut Holding)) {
        let Some(holding) = self.holdings.get_mut(&id) else { return };
        let (small, bytes) = (holding.is_small(), holding.staying());
        change(holding);
        let (small_now, bytes_now) = (holding.is_small(), holding.staying());
        *self.pool(small) -= bytes;
        *self.pool(small_now) += bytes_now;
    }

    fn forget(&mut self, id: u64) {
        self.change(id, |holding| holding.bytes = 0);
        self.holdings.remove(&id);
    }

    /// What the other connections of `whom` hold in large pieces.
    fn others_of(&self, whom: Whom, id: u64) -> usize {
        let of = |(other, one): &(&u64, &Holding)| **other != id && one.whom == whom && !one.is_small() && !one.leaving;
        self.holdings.iter().filter(of).map(|(_, one)| one.bytes).sum()
    }

    /// The slowest of a pool; the young have had no time.
    fn slowest(&self, small: bool) -> Option<u64> {
        let old = |(_, one): &(&u64, &Holding)| !one.leaving && one.is_small() == small && one.since.elapsed() >= YOUNG;
        let slowest = self.holdings.iter().filter(old).min_by_key(|(id, one)| (one.rate(), **id));
        slowest.map(|(id, _)| *id)
    }
}

impl Holder {
    pub(crate) fn belongs_to(&mut self, whom: Whom) {
        self.whom = whom;
        if let Some(holding) = self.held.state().holdings.get_mut(&self.id) {
            holding.whom = whom;
        }
    }

    /// Counts what this connection holds now. `false`: there is no memory for it, and it should let go of what it has.
    pub(crate) fn hold(&mut self, bytes: usize) -> bool {
        let mut state = self.held.state();
        if bytes == 0 {
            state.forget(self.id);
            return true;
        }
        let before = state.holdings.entry(self.id).or_insert_with(|| Holding {
            whom: self.whom,
            bytes: 0,
            since: Instant::now(),
            leaving: false,
            call: self.call.clone(),
        });
        let grows = bytes > before.bytes;
        state.change(self.id, |holding| holding.bytes = bytes);
        // A connection that shrinks, or stays, is not the one that must give way.
        if !grows {
            return true;
        }
        let small = bytes <= SMALL_BYTES_MAX;
        if !small {
            let others = state.others_of(self.whom, self.id);
            if others > 0 && others + bytes > self.held.large_pool_bytes / SHARES {
                return false;
            }
        }
        let pool_bytes = if small { SMALL_POOL_BYTES } else { self.held.large_pool_bytes };
        while *state.pool(small) > pool_bytes {
            let Some(slowest) = state.slowest(small).filter(|slowest| *slowest != self.id) else { return false };
            state.change(slowest, |holding| {
                holding.leaving = true;
                holding.call.shed();
            });
        }
        true
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        self.held.state().forget(self.id);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

    use super::*;
    use crate::admission::{Admission, Entry, GiveWay, Shares};

    const LARGE: usize = 50 * 1024 * 1024;

    fn enter(admission: &Arc<Admission>, peer: u8) -> Entry {
        admission.enter([192, 0, 2, peer].into()).unwrap()
    }

    async fn must_shed(entry: &Entry) -> bool {
        let heard = tokio::time::timeout(Duration::from_millis(1), entry.give_way()).await;
        heard == Ok(GiveWay::Memory)
    }

    #[tokio::test(start_paused = true)]
    async fn small_mail_gets_in_whatever_large_ones_hold() {
        let admission = Admission::new(Shares::default());
        let mut slow: Vec<_> = (0..24).map(|peer| enter(&admission, peer)).collect();
        let taken = slow.iter_mut().filter_map(|entry| entry.hold(LARGE / 2).then_some(())).count();
        assert_eq!(taken, LARGE_POOL_BYTES / (LARGE / 2), "the pool is full, and the young are not pushed out");
        assert!(enter(&admission, 100).hold(10_000));
    }

    #[tokio::test(start_paused = true)]
    async fn the_slowest_gives_way_to_one_who_comes() {
        let admission = Admission::new(Shares::default());
        let mut slow: Vec<_> = (0..4).map(|peer| enter(&admission, peer)).collect();
        for (n, entry) in slow.iter_mut().enumerate() {
            assert!(entry.hold(LARGE / 4 * 3 + n));
        }
        tokio::time::advance(Duration::from_secs(60)).await;
        let mut quick = enter(&admission, 100);
        assert!(quick.hold(LARGE), "there is memory for it");
        assert!(must_shed(&slow[0]).await, "the slowest hears it");
        assert!(!must_shed(&slow[1]).await, "one is enough");
        assert!(slow[0].hold(0) && slow[0].hold(10), "and goes on with small ones");
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_and_an_account_have_a_share() {
        let admission = Admission::new(Shares::default());
        let (mut first, mut second, mut third) = (enter(&admission, 1), enter(&admission, 1), enter(&admission, 2));
        assert!(first.hold(LARGE) && !second.hold(LARGE), "one peer's second large one");
        second.hold(0);
        assert!(third.hold(LARGE));
        let account = AccountId([7; 16]);
        second.belongs_to(account);
        assert!(second.hold(LARGE / 2), "what it holds counts for its account now");
        let mut fourth = enter(&admission, 3);
        fourth.belongs_to(account);
        assert!(!fourth.hold(LARGE));
        assert!(fourth.hold(SMALL_BYTES_MAX) || fourth.hold(0));
        // One message always has a place, however large.
        let admission = Admission::new(Shares { held: Held::new(255 << 20), ..Shares::default() });
        assert!(enter(&admission, 1).hold(255 << 20));
    }

    #[tokio::test(start_paused = true)]
    async fn memory_comes_back() {
        let admission = Admission::new(Shares::default());
        let mut entries: Vec<_> = (0..40).map(|peer| enter(&admission, peer)).collect();
        for _ in 0..3 {
            assert!(entries.iter_mut().take(3).all(|entry| entry.hold(LARGE)));
            assert!(entries.iter_mut().all(|entry| entry.hold(0)));
        }
    }
}
