//! How space comes back: segments with much dead space are emptied, and go when nobody can read them any more.
//!
//! There is no second writer. What is live in a segment is appended once more to the one that grows, by jobs of the commit
//! thread like a delivery (`pass.rs`), and the same commit says where it lies now. So a crash leaves each message in its old
//! place or in its new one, and both are readable. A segment that nothing refers to any more is removed when the last reader
//! is gone that may know a place in it: whoever takes a view takes the [`Era`] with it, an emptied segment begins a new era,
//! and waits for those before it to end.

mod pass;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use terms::{AccountId, UnixMillis};

use crate::pack::Packs;
use crate::store::Store;

/// A time in which no segment was given up. Whoever reads by a place of a segment holds the era in which it was taken.
#[derive(Debug)]
pub(crate) struct Era;

/// When segments are rewritten, and how fast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompactionPlan {
    /// A segment is rewritten when at least so many hundredths of it are dead; one that is wholly dead goes always.
    pub dead_percent: u8,
    /// How many bytes a second are written anew, at most; 0 for no limit.
    pub bytes_per_second: u64,
}

impl Default for CompactionPlan {
    /// Half: then each byte that is written gives a byte back, and a store takes at most twice what lives in it. 16 MiB a
    /// second, which leaves a slow disk (100 MB/s) to those who wait for mail.
    fn default() -> Self {
        Self { dead_percent: 50, bytes_per_second: 16 << 20 }
    }
}

/// What a pass has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Compacted {
    /// Segments that were emptied.
    pub segments: u64,
    /// Bytes that those had, which come back when nobody reads them any more.
    pub bytes_emptied: u64,
    /// Bytes that were written anew for that.
    pub bytes_rewritten: u64,
}

/// The packs, for the operator's eyes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PackStatus {
    /// When a pass last looked at all segments; what follows is as it was then, without what that pass has emptied.
    pub looked: Option<UnixMillis>,
    /// Segments.
    pub segments: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Bytes that nothing refers to.
    pub dead_bytes: u64,
    /// Bytes of segments that are empty, and wait (now) for somebody who may still read them.
    pub waiting_bytes: u64,
    /// Bytes that came back since the store was opened.
    pub freed_bytes: u64,
    /// Segments that stay as they are because a record in them is damaged.
    pub damaged: Vec<u32>,
}

/// What messages have in a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Live {
    messages: u64,
    bytes: u64,
}

/// What an account has in each segment.
type Share = BTreeMap<u32, Live>;

/// A segment that nothing refers to.
struct Emptied {
    segment: u32,
    bytes: u64,
    /// The eras whose readers may know places in it.
    eras: Vec<Weak<Era>>,
}

/// What the store knows of its dead space.
#[derive(Default)]
pub(crate) struct Compaction {
    inner: Mutex<Inner>,
    /// One pass at a time.
    turn: Mutex<()>,
}

struct Inner {
    era: Arc<Era>,
    /// Eras of before that somebody may still hold.
    before: Vec<Weak<Era>>,
    emptied: Vec<Emptied>,
    damaged: BTreeSet<u32>,
    /// What accounts that are not in memory have, so that each is read from disk once. One that comes into memory is out.
    shares: HashMap<AccountId, Share>,
    status: PackStatus,
}

impl Default for Inner {
    fn default() -> Self {
        Self {
            era: Arc::new(Era),
            before: Vec::new(),
            emptied: Vec::new(),
            damaged: BTreeSet::new(),
            shares: HashMap::new(),
            status: PackStatus::default(),
        }
    }
}

impl Compaction {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The present era. Take it before what tells the places.
    pub(crate) fn era(&self) -> Arc<Era> {
        Arc::clone(&self.inner().era)
    }

    /// Forgets what accounts have: the rows were opened anew.
    pub(crate) fn forget(&self) {
        self.inner().shares.clear();
    }

    /// Gives up segments, with their lengths: nothing refers to them from now on.
    fn give_up(&self, segments: impl IntoIterator<Item = (u32, u64)>) {
        let mut inner = self.inner();
        let segments: Vec<(u32, u64)> = segments.into_iter().collect();
        let bytes = segments.iter().map(|(_, bytes)| bytes).sum::<u64>();
        // They are told of as waiting from now on.
        inner.status.segments = inner.status.segments.saturating_sub(segments.len() as u64);
        inner.status.bytes = inner.status.bytes.saturating_sub(bytes);
        inner.status.dead_bytes = inner.status.dead_bytes.saturating_sub(bytes);
        let past = std::mem::replace(&mut inner.era, Arc::new(Era));
        inner.before.retain(|era| era.strong_count() > 0);
        inner.before.push(Arc::downgrade(&past));
        let eras = inner.before.clone();
        let emptied = segments.into_iter().map(|(segment, bytes)| Emptied { segment, bytes, eras: eras.clone() });
        inner.emptied.extend(emptied);
    }

    /// Removes the emptied segments that nobody can read any more. Returns how many bytes came back. One that cannot be
    /// removed is tried again the next time.
    pub(crate) fn sweep(&self, packs: &Packs) -> u64 {
        let (free, waits) = {
            let mut inner = self.inner();
            std::mem::take(&mut inner.emptied)
                .into_iter()
                .partition::<Vec<_>, _>(|one| one.eras.iter().all(|era| era.strong_count() == 0))
        };
        let mut freed = 0;
        let mut stay = Vec::new();
        for one in free {
            match packs.remove(one.segment) {
                Ok(_) => freed += one.bytes,
                Err(_) => stay.push(one),
            }
        }
        let mut inner = self.inner();
        inner.emptied.extend(waits.into_iter().chain(stay));
        inner.status.freed_bytes += freed;
        freed
    }
}

impl Store {
    /// The packs as the last pass has seen them.
    pub fn pack_status(&self) -> PackStatus {
        let inner = self.engine.compaction.inner();
        PackStatus {
            waiting_bytes: inner.emptied.iter().map(|one| one.bytes).sum(),
            damaged: inner.damaged.iter().copied().collect(),
            ..inner.status.clone()
        }
    }
}
