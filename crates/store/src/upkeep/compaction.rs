//! How space comes back: segments with much dead space are emptied, and go when nobody can read them any more.
//!
//! There is no second writer. What is live in a segment is appended once more to the one that grows, by jobs of the commit
//! thread like a delivery, and the same commit says where it lies now. So a crash leaves each message in its old
//! place or in its new one, and both are readable. A segment that nothing refers to any more is removed when the last reader
//! is gone that may know a place in it: whoever takes a view takes the [`Era`] with it, an emptied segment begins a new era,
//! and waits for those before it to end.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use terms::{AccountId, MessageId};

use crate::account::blobs::{Blobs, PARTS};
use crate::account::change::Act;
use crate::account::state::AccountState;
use crate::calls::opening::check_header;
use crate::engine::accounts::Account;
use crate::engine::dead_space::{Live, PackStatus, Share};
use crate::engine::draft::Draft;
use crate::engine::shared::Engine;
use crate::error::StoreError;
use crate::pack::{RECORD_HEADER_BYTES, SEGMENT_HEADER_BYTES};
use crate::store::Store;

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

/// Bytes that one job writes anew, unless a message alone is longer: a delivery that comes behind it waits some
/// milliseconds.
const JOB_BYTES: u64 = 1 << 20;

/// While a pass waits, it looks this often whether the store is closed.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A segment that a pass looks at.
struct Looked {
    len: u64,
    live: Live,
}

impl Looked {
    fn dead_bytes(&self) -> u64 {
        self.len.saturating_sub(SEGMENT_HEADER_BYTES).saturating_sub(self.live.bytes)
    }

    fn is_due(&self, plan: &CompactionPlan) -> bool {
        let all = self.len.saturating_sub(SEGMENT_HEADER_BYTES);
        self.live.messages == 0
            || u128::from(self.dead_bytes()) * 100 >= u128::from(all) * u128::from(plan.dead_percent.max(1))
    }
}

/// A message that moves: where it lies, and its records as they are.
struct Moving {
    blobs: Blobs,
    id: [u8; 16],
    bytes: Vec<u8>,
}

/// Why a segment was not emptied.
enum Stays {
    /// A record is damaged: nobody copies it, and whoever repairs it looks for it where it is.
    Damaged,
    /// The caller wanted to go no further.
    Stopped,
    Store(StoreError),
}

impl From<StoreError> for Stays {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Store {
    /// One pass over all segments: those that are wholly dead are given up, and those with much dead space are rewritten.
    /// Blocks as long as that takes; `seen` is told how many bytes of how many are written anew, and says whether to go on;
    /// a pass that ends early has done what it says. What a message's owner, a case or the bin has stays. When it returns, what moved is durable in its new place; the space comes back when
    /// nobody reads the old one any more, within a minute or so, or after the next start.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when an account cannot be read: then nobody knows what is dead, and nothing is given up.
    /// [`StoreError::DiskFull`] and those of writing; segments that were wholly dead are given up before.
    pub fn compact(
        &self,
        plan: &CompactionPlan,
        seen: &mut dyn FnMut(u64, u64) -> bool,
    ) -> Result<Compacted, StoreError> {
        let engine = &self.engine;
        let _turn = engine.compaction.turn.lock().unwrap_or_else(PoisonError::into_inner);
        engine.compaction.sweep(&engine.packs);
        let before = self.look()?;
        let mut done = Compacted::default();
        let (dead, thin): (Vec<_>, Vec<_>) =
            before.iter().filter(|(_, one)| one.is_due(plan)).partition(|(_, one)| one.live.messages == 0);
        self.give_up(dead.iter().map(|(segment, one)| (**segment, one.len)).collect(), &mut done);
        let total = thin.iter().map(|(_, one)| one.live.bytes).sum();
        let mut emptied = Vec::new();
        let mut outcome = Ok(());
        for (segment, _) in thin {
            match self.empty(*segment, plan, &mut |bytes| {
                done.bytes_rewritten += bytes;
                seen(done.bytes_rewritten.min(total), total)
            }) {
                Ok(()) => emptied.push(*segment),
                Err(Stays::Damaged) => {
                    engine.compaction.inner().damaged.insert(*segment);
                }
                Err(Stays::Stopped) => break,
                Err(Stays::Store(error)) => {
                    outcome = Err(error);
                    break;
                }
            }
        }
        if !emptied.is_empty() {
            // Looked at once more: only what nothing refers to goes.
            let after = self.look()?;
            let gone = emptied.into_iter().filter_map(|segment| {
                let one = after.get(&segment)?;
                (one.live.messages == 0).then_some((segment, one.len))
            });
            self.give_up(gone.collect(), &mut done);
        }
        engine.compaction.sweep(&engine.packs);
        outcome.map(|()| done)
    }

    fn give_up(&self, segments: Vec<(u32, u64)>, done: &mut Compacted) {
        if segments.is_empty() {
            return;
        }
        done.segments += segments.len() as u64;
        done.bytes_emptied += segments.iter().map(|(_, len)| len).sum::<u64>();
        self.engine.compaction.give_up(segments);
        // Sessions that wait for news hold views: they take new ones.
        let accounts: Vec<Arc<Account>> = self.engine.directory().by_id.values().cloned().collect();
        accounts.iter().for_each(|account| account.bell.stir());
    }

    /// The segments below the one that the last commit knows, which nobody writes any more, without those that were given up.
    fn look(&self) -> Result<BTreeMap<u32, Looked>, StoreError> {
        let engine = &self.engine;
        let last = engine.reader().last_commit().map_err(|error| StoreError::reading(&error))?;
        let live = engine.live()?;
        let numbers = engine.packs.segments().map_err(|error| StoreError::writing(&error))?;
        let mut looked = BTreeMap::new();
        let (mut segments, mut bytes, mut dead) = (0, 0, 0);
        let inner = || engine.compaction.inner();
        for segment in numbers {
            if inner().emptied.iter().any(|one| one.segment == segment) {
                continue;
            }
            let len = match engine.packs.reader(segment).and_then(|reader| reader.len()) {
                Ok(len) => len,
                // Emptied before, and removed since the names were listed.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => return Err(StoreError::Damaged(format!("segment {segment}: {error}"))),
            };
            let one = Looked { len, live: live.get(&segment).copied().unwrap_or_default() };
            segments += 1;
            bytes += len;
            dead += one.dead_bytes();
            if segment < last.segment && !inner().damaged.contains(&segment) {
                looked.insert(segment, one);
            }
        }
        let now = engine.clock.now();
        let status = &mut inner().status;
        (status.looked, status.segments, status.bytes, status.dead_bytes) = (Some(now), segments, bytes, dead);
        Ok(looked)
    }

    /// Moves every message out of a segment; `moved` is told of bytes.
    fn empty(&self, segment: u32, plan: &CompactionPlan, moved: &mut dyn FnMut(u64) -> bool) -> Result<(), Stays> {
        let engine = &self.engine;
        // Behind the others come those whose profile does not open: what such a one has there stays, and with it the segment.
        // The list is taken first: the commit that is waited for below needs the directory.
        let accounts = engine.directory().every();
        for account in accounts {
            // One that is not in memory is known from the look at all; one that is, is asked below.
            if account.seen().is_none() && !engine.share(&account)?.contains_key(&segment) {
                continue;
            }
            if engine.directory().shut.contains_key(&account.record.id) {
                return Err(Stays::Damaged);
            }
            let (state, in_memory) = engine.glance(&account)?;
            let rows = state.messages.iter().filter(|row| row.segment == segment);
            let mut waiting: Vec<(Blobs, [u8; 16])> = rows.map(|row| (Blobs::of(row), row.id)).collect();
            drop(state);
            while !waiting.is_empty() {
                let mut bytes = 0;
                let fits = waiting.iter().take_while(|(blobs, _)| {
                    bytes += blobs.len_bytes();
                    bytes <= JOB_BYTES
                });
                let count = fits.count().max(1);
                let began = Instant::now();
                let rest = waiting.split_off(count);
                let batch = engine.moving(account.record.id, std::mem::replace(&mut waiting, rest))?;
                let written = self.relocate(&account, batch, in_memory)?;
                if !moved(written) {
                    return Err(Stays::Stopped);
                }
                self.breathe(written, plan, began)?;
            }
        }
        Ok(())
    }

    /// Appends records to the segment that grows, and has the rows refer to them there. What has moved or gone meanwhile is
    /// left out. Returns how many bytes were written.
    fn relocate(&self, account: &Arc<Account>, batch: Vec<Moving>, in_memory: bool) -> Result<u64, StoreError> {
        let id = account.record.id;
        let bytes = batch.iter().map(|one| one.bytes.len()).sum();
        let outcome = self.run(bytes, move |draft| relocate(draft, id, &batch));
        self.engine.compaction.inner().shares.remove(&id);
        if !in_memory {
            account.let_go();
        }
        outcome
    }

    /// Waits so long that writing stays below the plan's rate. Ends early when the store is closed.
    fn breathe(&self, bytes: u64, plan: &CompactionPlan, began: Instant) -> Result<(), StoreError> {
        if plan.bytes_per_second > 0 {
            let until = began + Duration::from_secs_f64(bytes as f64 / plan.bytes_per_second as f64);
            while !self.engine.queue.is_closed() {
                let left = until.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    break;
                }
                std::thread::sleep(left.min(LOOK_EVERY));
            }
        }
        if self.engine.queue.is_closed() { Err(StoreError::Closed) } else { Ok(()) }
    }
}

fn relocate(draft: &mut Draft<'_>, id: AccountId, batch: &[Moving]) -> Result<u64, StoreError> {
    let state = draft.state(id)?;
    let is_there = |one: &&Moving| {
        state.message(one.blobs.slot).is_some_and(|row| row.id == one.id && Blobs::of(row) == one.blobs)
    };
    let there: Vec<&Moving> = batch.iter().filter(is_there).collect();
    if there.is_empty() {
        return Ok(0);
    }
    // By slot, as the rows are: in this order the change lays them out.
    let slots = state.messages.cover(there.iter().map(|one| one.blobs.slot));
    let bytes: Vec<u8> = there.iter().flat_map(|one| one.bytes.iter().copied()).collect();
    let written = bytes.len() as u64;
    let (segment, offset) = draft.blob(bytes)?;
    draft.change(id, Act::Relocate { segment, offset, slots }, false)?;
    Ok(written)
}

impl Engine {
    /// An account, and whether it is in memory; one that is not is read and not kept.
    fn glance(&self, account: &Account) -> Result<(Arc<AccountState>, bool), StoreError> {
        match account.seen() {
            Some(state) => Ok((state, true)),
            None => Ok((Arc::new(self.read_account(account)?.0), false)),
        }
    }

    /// What an account has in each segment. An account that is not in memory does not change, so that it is read once.
    fn share(&self, account: &Account) -> Result<Share, StoreError> {
        let id = account.record.id;
        if account.seen().is_none()
            && let Some(share) = self.compaction.inner().shares.get(&id)
        {
            return Ok(share.clone());
        }
        let (state, in_memory) = self.glance(account)?;
        let mut share = Share::new();
        for row in state.messages.iter() {
            let live = share.entry(row.segment).or_default();
            live.messages += 1;
            live.bytes += Blobs::of(row).len_bytes();
        }
        let mut inner = self.compaction.inner();
        if in_memory {
            inner.shares.remove(&id);
        } else {
            inner.shares.insert(id, share.clone());
        }
        Ok(share)
    }

    /// What all accounts have in each segment. In segments that nobody writes any more it can only become less.
    fn live(&self) -> Result<Share, StoreError> {
        let accounts = self.directory().every();
        let mut live = Share::new();
        for account in accounts {
            for (segment, of) in self.share(&account)? {
                let sum = live.entry(segment).or_default();
                sum.messages += of.messages;
                sum.bytes += of.bytes;
            }
        }
        Ok(live)
    }

    /// The records of messages as they lie on the disk, each checked.
    fn moving(&self, account: AccountId, messages: Vec<(Blobs, [u8; 16])>) -> Result<Vec<Moving>, Stays> {
        let one = |(blobs, id): (Blobs, [u8; 16])| {
            let len = usize::try_from(blobs.len_bytes()).map_err(|_| Stays::Damaged)?;
            let bytes = self.packs.read(blobs.segment, blobs.offset, len).map_err(|_| Stays::Damaged)?;
            for part in PARTS {
                let Some((offset, sealed)) = blobs.place(part) else { continue };
                let from = usize::try_from(offset - blobs.offset).map_err(|_| Stays::Damaged)?;
                let until = from + RECORD_HEADER_BYTES + usize::try_from(sealed).map_err(|_| Stays::Damaged)?;
                let bytes = bytes.get(from..until).ok_or(Stays::Damaged)?;
                check_header(bytes, account, MessageId(id), part, sealed)
                    .and_then(|record| record.check(&bytes[RECORD_HEADER_BYTES..]))
                    .map_err(|_| Stays::Damaged)?;
            }
            Ok(Moving { blobs, id, bytes })
        };
        messages.into_iter().map(one).collect()
    }
}
