//! Reclaiming disk space: segments with much dead space are emptied, and removed when nobody can read them any more.
//!
//! There is no second writer. The live messages of a segment are appended again to the one that grows, by jobs of the commit
//! thread like a delivery, and the same commit records their new place. So a crash leaves each message in its old
//! place or in its new one, and both are readable. A segment that nothing refers to any more is removed when the last reader
//! that may refer to it has finished: a view holds the [`Era`](crate::pack::Era) in which it was taken; emptying a segment begins a new era,
//! and the segment waits for the earlier ones to end.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use terms::{AccountId, MessageId};

use crate::account::blobs::{Blobs, PARTS};
use crate::account::change::ChangeKind;
use crate::account::state::AccountState;
use crate::calls::opening::check_header;
use crate::engine::accounts::Account;
use crate::engine::dead_space::{Live, PackStatus, Share};
use crate::engine::draft::Draft;
use crate::engine::state::Engine;
use crate::error::StoreError;
use crate::pack::{RECORD_HEADER_BYTES, SEGMENT_HEADER_BYTES};
use crate::store::Store;

/// When segments are rewritten, and how fast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompactionPlan {
    /// A segment is rewritten when at least this percentage of it is dead; one that is fully dead is always removed.
    pub dead_percent: u8,
    /// How many bytes a second are rewritten, at most; 0 for no limit.
    pub bytes_per_second: u64,
}

impl Default for CompactionPlan {
    /// 50 %: then each byte written frees at least one, and a store takes at most twice the space of its live mail. 16 MiB a
    /// second, which leaves most of a slow disk (100 MB/s) to mail.
    fn default() -> Self {
        Self { dead_percent: 50, bytes_per_second: 16 << 20 }
    }
}

/// The result of a pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Compacted {
    /// Segments that were emptied.
    pub segments: u64,
    /// Bytes that those had, which are reclaimed when nobody reads them any more.
    pub bytes_emptied: u64,
    pub bytes_rewritten: u64,
}

impl Store {
    /// The packs as the last pass saw them.
    pub fn pack_status(&self) -> PackStatus {
        let inner = self.engine.compaction.inner();
        PackStatus {
            waiting_bytes: inner.emptied.iter().map(|one| one.bytes).sum(),
            damaged: inner.damaged.iter().copied().collect(),
            ..inner.status.clone()
        }
    }
}

/// Bytes that one job rewrites, unless a single message is longer: a delivery queued after it waits a few
/// milliseconds.
const JOB_BYTES: u64 = 1 << 20;

/// While a pass waits, it checks this often whether the store is closed.
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

/// A message that moves: where it is, and its records unchanged.
struct Moving {
    blobs: Blobs,
    id: [u8; 16],
    bytes: Vec<u8>,
}

/// Why a segment was not emptied.
enum Stays {
    /// A record is damaged: it is not copied, so that a repair finds it where it is.
    Damaged,
    /// The caller asked to stop.
    Stopped,
    Store(StoreError),
}

impl From<StoreError> for Stays {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Store {
    /// One pass over all segments: those that are fully dead are emptied, and those with much dead space are rewritten.
    /// Blocks as long as that takes; `seen` receives how many bytes of how many have been rewritten, and returns whether to continue;
    /// a pass that ends early has done what it reports. What a message's owner, a case or the bin refers to is kept. When it returns, what moved is
    /// durable in its new place; the space is reclaimed when nobody reads the old one any more, within a minute or so, or after the next start.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when an account cannot be read: then it is not known what is dead, and nothing is removed.
    /// [`StoreError::DiskFull`] and those of writing; segments that were fully dead have been emptied by then.
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
            // Checked again: only what nothing refers to is removed.
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
        // Waiting sessions hold views: they take new ones.
        let accounts: Vec<Arc<Account>> = self.engine.directory().by_id.values().cloned().collect();
        accounts.iter().for_each(|account| account.bell.stir());
    }

    /// The segments below the one that the last commit names, which are no longer written, except those already emptied.
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
                // Emptied earlier, and removed since the names were listed.
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

    /// Moves every message out of a segment; `moved` receives the number of bytes.
    fn empty(&self, segment: u32, plan: &CompactionPlan, moved: &mut dyn FnMut(u64) -> bool) -> Result<(), Stays> {
        let engine = &self.engine;
        // Quarantined accounts come last: what such an account has there stays, and so does the segment.
        // The list is taken first: the commit awaited below needs the directory.
        let accounts = engine.directory().every();
        for account in accounts {
            // An account that is not in memory is known from the first look; one that is in memory is checked below.
            if account.seen().is_none() && !engine.share(&account)?.contains_key(&segment) {
                continue;
            }
            if engine.directory().quarantined.contains_key(&account.record.id) {
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

    /// Appends records to the segment that grows, and makes the rows refer to them there. What was moved or removed meanwhile is
    /// skipped. Returns how many bytes were written.
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

    /// Waits long enough to keep writing below the plan's rate. Ends early when the store is closed.
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
    // By slot, like the rows: the change places them in this order.
    let slots = state.messages.cover(there.iter().map(|one| one.blobs.slot));
    let bytes: Vec<u8> = there.iter().flat_map(|one| one.bytes.iter().copied()).collect();
    let written = bytes.len() as u64;
    let (segment, offset) = draft.blob(bytes)?;
    draft.change(id, ChangeKind::Relocate { segment, offset, slots }, false)?;
    Ok(written)
}

impl Engine {
    /// An account, and whether it is in memory; if not, it is read and not kept.
    fn glance(&self, account: &Account) -> Result<(Arc<AccountState>, bool), StoreError> {
        match account.seen() {
            Some(state) => Ok((state, true)),
            None => Ok((Arc::new(self.read_account(account)?.0), false)),
        }
    }

    /// An account's live messages in each segment. An account that is not in memory does not change, so it is read once.
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

    /// The live messages of all accounts in each segment. In segments that are no longer written they can only decrease.
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

    /// The records of messages as they are on the disk, each checked.
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
