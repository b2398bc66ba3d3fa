//! Opened blocks of all owners' indexes, as many as memory should hold. An owner's blocks are dropped with the
//! owner's last session.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::volume::{Block, BlockRow, Volume};

/// Bytes of opened blocks that are kept, of all owners together: the dictionary of about 100,000 messages.
const CACHE_BYTES_MAX: usize = 64 << 20;

/// Opened blocks.
#[derive(Default)]
pub(super) struct Cache(Mutex<Inner>);

/// A block's name: its volume's ticket and its number there.
pub(super) type BlockName = (u64, u32);

#[derive(Default)]
struct Inner {
    blocks: HashMap<BlockName, Kept>,
    bytes: usize,
    asked: u64,
}

struct Kept {
    block: Arc<Block>,
    /// When it was last used.
    asked: u64,
}

impl Cache {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A block, opened now or earlier.
    pub(super) fn block(&self, volume: &Volume, row: &BlockRow) -> Option<Arc<Block>> {
        let name = (volume.ticket, row.number);
        {
            let mut inner = self.inner();
            inner.asked += 1;
            let asked = inner.asked;
            if let Some(kept) = inner.blocks.get_mut(&name) {
                kept.asked = asked;
                return Some(Arc::clone(&kept.block));
            }
        }
        let block = Arc::new(Block::new(volume.read(row)?));
        let mut inner = self.inner();
        let asked = inner.asked;
        if inner.blocks.insert(name, Kept { block: Arc::clone(&block), asked }).is_none() {
            inner.bytes += block.octets.len();
        }
        if inner.bytes > CACHE_BYTES_MAX {
            inner.shrink();
        }
        Some(block)
    }

    /// Drops the blocks of a volume.
    pub(super) fn forget(&self, ticket: u64) {
        let mut inner = self.inner();
        inner.blocks.retain(|(of, _), _| *of != ticket);
        inner.bytes = inner.blocks.values().map(|kept| kept.block.octets.len()).sum();
    }
}

impl Inner {
    /// Drops the least recently used blocks until a quarter is free: rarely, so it may look at everything.
    fn shrink(&mut self) {
        let mut by_age: Vec<(u64, BlockName)> = self.blocks.iter().map(|(name, kept)| (kept.asked, *name)).collect();
        by_age.sort_unstable();
        for (_, name) in by_age {
            if self.bytes <= CACHE_BYTES_MAX / 4 * 3 {
                break;
            }
            if let Some(kept) = self.blocks.remove(&name) {
                self.bytes -= kept.block.octets.len();
            }
        }
    }
}
