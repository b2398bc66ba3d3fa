//! What the store knows about its dead space: segments that nothing refers to any more, and who may still read them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use terms::{AccountId, UnixMillis};

use crate::pack::{Era, Packs};

/// The state of the packs, for the operator.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[allow(missing_docs, reason = "the names say it")]
pub struct PackStatus {
    /// When a pass last looked at all segments; the following figures are from then, without the segments that it emptied.
    pub looked: Option<UnixMillis>,
    pub segments: u64,
    pub bytes: u64,
    /// Bytes that nothing refers to.
    pub dead_bytes: u64,
    /// Bytes of emptied segments that are being kept (now) for readers that may still use them.
    pub waiting_bytes: u64,
    /// Bytes reclaimed since the store was opened.
    pub freed_bytes: u64,
    /// Segments that are kept as they are because a record in them is damaged.
    pub damaged: Vec<u32>,
}

/// The live messages in a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Live {
    pub(crate) messages: u64,
    pub(crate) bytes: u64,
}

/// An account's live messages in each segment.
pub(crate) type Share = BTreeMap<u32, Live>;

/// A segment that nothing refers to.
pub(crate) struct Emptied {
    pub(crate) segment: u32,
    pub(crate) bytes: u64,
    /// The eras whose readers may still refer to it.
    eras: Vec<Weak<Era>>,
}

/// What the store knows about its dead space.
#[derive(Default)]
pub(crate) struct Compaction {
    inner: Mutex<Inner>,
    /// One pass at a time.
    pub(crate) turn: Mutex<()>,
}

pub(crate) struct Inner {
    era: Arc<Era>,
    /// Earlier eras that readers may still hold.
    before: Vec<Weak<Era>>,
    pub(crate) emptied: Vec<Emptied>,
    pub(crate) damaged: BTreeSet<u32>,
    /// The shares of accounts that are not in memory, so that each is read from disk once. An account that is loaded into memory is removed.
    pub(crate) shares: HashMap<AccountId, Share>,
    pub(crate) status: PackStatus,
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
    pub(crate) fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The current era. Take it before reading the places.
    pub(crate) fn era(&self) -> Arc<Era> {
        Arc::clone(&self.inner().era)
    }

    /// Drops the accounts' shares: the rows were reopened.
    pub(crate) fn forget(&self) {
        self.inner().shares.clear();
    }

    /// Marks segments as emptied, with their lengths: nothing refers to them from now on.
    pub(crate) fn give_up(&self, segments: impl IntoIterator<Item = (u32, u64)>) {
        let mut inner = self.inner();
        let segments: Vec<(u32, u64)> = segments.into_iter().collect();
        let bytes = segments.iter().map(|(_, bytes)| bytes).sum::<u64>();
        // They are reported as waiting from now on.
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

    /// Removes the emptied segments that nobody can read any more. Returns how many bytes were reclaimed. A segment that cannot be
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
