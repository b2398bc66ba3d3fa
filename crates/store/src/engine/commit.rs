//! The commit thread: the only writer of a store.
//!
//! # What is durable when a caller is answered
//!
//! When a call that changes something returns `Ok`, all of it survives a power cut: the blobs are in a segment that was
//! synced, and the rows are in a committed transaction whose log was synced. When it returns an error, either nothing of
//! it is stored ([`StoreError::DiskFull`], or the call itself was refused), or nobody knows ([`StoreError::NotStored`]):
//! then it is stored wholly or not at all, and no caller was told that it is. What a session sees ([`MailboxView`], the
//! sizes, the MODSEQ) is durable already: it is published after the commit, before the answer.
//!
//! # How
//!
//! Jobs from all connections wait in one bounded line. The thread takes all that wait: while it syncs for one batch, the
//! next one gathers, so that the busier the node, the more callers share a sync. For a batch:
//!
//! 1. each job plans against the tip of its account, which earlier jobs of the batch have moved ([`Draft`]);
//! 2. all changes are given to the vault to be sealed, in one call; beside 3 a second thread takes them back and drafts one
//!    transaction of all rows, with the number of the commit and the tail of the segment ([`Scribe`]);
//! 3. the blobs of all jobs are appended to the segment in one write, and synced once;
//! 4. the transaction is committed;
//! 5. the tips are published, bells ring, callers are answered.
//!
//! # When it fails
//!
//! * No space: the batch is refused; the segment is cut back; the next batch is tried.
//! * A sync or a commit fails: it is not retried, because the kernel may report success for pages that it has dropped.
//!   The segment is abandoned (uncut: a commit whose sync failed may still be found after a kill, and then its blobs are
//!   there), the database is opened anew, what was in memory of it is forgotten, and nobody in the batch is answered as
//!   done. If the database cannot be opened, every batch is refused until it can.
//! * The log of the rows cannot flow back into their file: nothing is lost, the log grows, the node says so, and it is tried
//!   again when the log has grown.
//!
//! What the kernel makes of a sync that failed, and why this is enough, is at the head of `rows/log.rs`.
//!
//! [`MailboxView`]: crate::MailboxView

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Sender;

use terms::{AccountId, UnixMillis};
use vault::SealedSoon;

use crate::account::apply::apply;
use crate::account::change::{Act, Change};
use crate::account::state::AccountState;
use crate::engine::accounts::Account;
use crate::engine::epochs::Epoch;
use crate::engine::row_writer::{RowDraft, Scribe, Undrafted};
use crate::engine::settings::Settings;
use crate::engine::shared::{Engine, Health, context};
use crate::engine::snapshotter::Request;
use crate::error::StoreError;
use crate::pack::PackWriter;
use crate::rows::{LastCommit, RowReader, RowWriter, Write};
use crate::values::quota::Policy;

/// Something to commit. It plans in the draft, or is told why it cannot; what it returns is called after the commit.
pub(crate) type Job = Box<dyn FnOnce(Result<&mut Draft<'_>, StoreError>) -> Planned + Send>;

/// What a job has planned.
pub(crate) struct Planned {
    /// Whether its part of the draft is to be committed. A refused job leaves no trace.
    pub(crate) keep: bool,
    /// Answers the caller, with how the commit went.
    pub(crate) answer: Box<dyn FnOnce(Result<(), StoreError>) + Send>,
}

/// The thread's own things.
pub(crate) struct Committer {
    engine: Arc<Engine>,
    /// `None` while the database could not be opened anew.
    rows: Option<RowWriter>,
    pack: PackWriter,
    folder: Sender<Request>,
    settings: Settings,
    /// The log of the rows flows back when so many of its pages have not.
    flow_back_at: u64,
    scribe: Scribe,
}

/// An account that a batch makes.
struct NewAccount {
    account: Arc<Account>,
    hashes: Vec<[u8; 32]>,
}

/// What a batch has gathered.
struct Batch {
    engine: Arc<Engine>,
    now: UnixMillis,
    /// Where the batch's next blob will lie: segment and offset. An error when there is no segment to write.
    place: Result<(u32, u64), StoreError>,
    tips: BTreeMap<AccountId, (Arc<Account>, Arc<AccountState>)>,
    new_accounts: Vec<NewAccount>,
    writes: Vec<Write>,
    unsealed: Vec<Unsealed>,
    blobs: Vec<Vec<u8>>,
    epochs: Vec<Arc<Epoch>>,
    folds: HashSet<AccountId>,
}

/// A change whose octets are still to be sealed: which of the writes, the context, the plain octets. A batch seals them in
/// one call, because each call is a way to the vault's process and back.
type Unsealed = (usize, String, Vec<u8>);

/// What one job has gathered so far. Kept as a whole or not at all.
pub(crate) struct Draft<'b> {
    batch: &'b mut Batch,
    tips: HashMap<AccountId, (Arc<Account>, Arc<AccountState>)>,
    new_accounts: Vec<NewAccount>,
    writes: Vec<Write>,
    unsealed: Vec<Unsealed>,
    blobs: Vec<Vec<u8>>,
    blob_bytes: u64,
    epochs: Vec<Arc<Epoch>>,
    folds: HashSet<AccountId>,
}

impl Draft<'_> {
    fn new(batch: &mut Batch) -> Draft<'_> {
        Draft {
            batch,
            tips: HashMap::new(),
            new_accounts: Vec::new(),
            writes: Vec::new(),
            unsealed: Vec::new(),
            blobs: Vec::new(),
            blob_bytes: 0,
            epochs: Vec::new(),
            folds: HashSet::new(),
        }
    }

    /// The node's time at the beginning of the batch.
    pub(crate) fn now(&self) -> UnixMillis {
        self.batch.now
    }

    /// What the operator has set.
    pub(crate) fn policy(&self) -> Policy {
        self.batch.engine.policy()
    }

    /// The account with every change of the batch so far.
    pub(crate) fn state(&mut self, id: AccountId) -> Result<&AccountState, StoreError> {
        Ok(&self.tip(id)?.1)
    }

    fn tip(&mut self, id: AccountId) -> Result<&mut (Arc<Account>, Arc<AccountState>), StoreError> {
        if !self.tips.contains_key(&id) {
            let tip = match self.batch.tips.get(&id) {
                Some(tip) => tip.clone(),
                None => {
                    let account = self.batch.engine.account(id)?;
                    let state = self.batch.engine.seen(&account)?;
                    (account, state)
                }
            };
            self.tips.insert(id, tip);
        }
        self.tips.get_mut(&id).ok_or(StoreError::NoSuchAccount)
    }

    /// Does `act` and writes its row. A visible act takes the account's next MODSEQ, which is returned.
    pub(crate) fn change(&mut self, id: AccountId, act: Act, visible: bool) -> Result<u64, StoreError> {
        let at = self.batch.now;
        let (account, state) = self.tip(id)?;
        let change = Change { at, modseq: state.modseq + u64::from(visible), act };
        let number = account.number;
        let state = Arc::make_mut(state);
        apply(state, &change)
            .map_err(|misfit| StoreError::Damaged(format!("account number {number} in memory: {}", misfit.0)))?;
        let (seq, modseq) = (state.seq, state.modseq);
        self.unsealed.push((self.writes.len(), context::change(id, seq), change.encode()));
        self.writes.push(Write::Change { account: number, seq, sealed: Vec::new() });
        Ok(modseq)
    }

    /// Writes a row that changes nothing of what sessions see.
    pub(crate) fn write(&mut self, write: Write) {
        self.writes.push(write);
    }

    /// Takes the bytes of pack records; returns the segment and the offset at which they will lie.
    pub(crate) fn blob(&mut self, bytes: Vec<u8>) -> Result<(u32, u64), StoreError> {
        let (segment, tail) = self.batch.place.clone()?;
        let offset = tail + self.blob_bytes;
        self.blob_bytes += bytes.len() as u64;
        self.blobs.push(bytes);
        Ok((segment, offset))
    }

    /// Writes the epoch's sealed key, unless that was done.
    pub(crate) fn epoch(&mut self, id: AccountId, epoch: &Arc<Epoch>) -> Result<(), StoreError> {
        if !epoch.on_disk.load(Ordering::SeqCst) {
            let account = self.tip(id)?.0.number;
            self.writes.push(Write::Epoch { account, epoch: epoch.id(), sealed: epoch.sealed_key.clone() });
            self.epochs.push(Arc::clone(epoch));
        }
        Ok(())
    }

    /// Whether an account of the store or of this batch has this address.
    pub(crate) fn address_is_taken(&self, hash: &[u8; 32]) -> bool {
        let in_batch = self.batch.new_accounts.iter().chain(&self.new_accounts);
        in_batch.flat_map(|new| &new.hashes).any(|taken| taken == hash)
            || self.batch.engine.directory().by_address.contains_key(hash)
    }

    /// Makes an account without mailboxes. `account` gets the number that it is given.
    pub(crate) fn create(
        &mut self,
        id: AccountId,
        hashes: Vec<[u8; 32]>,
        sealed: Vec<u8>,
        account: impl FnOnce(i64) -> Account,
    ) -> Result<(), StoreError> {
        let in_memory = self.batch.engine.directory().has(id);
        if in_memory || self.tips.contains_key(&id) || self.batch.tips.contains_key(&id) {
            return Err(StoreError::AccountExists);
        }
        let before = self.batch.engine.directory().last_number;
        let in_batch = self.batch.new_accounts.len() + self.new_accounts.len();
        let number = before + in_batch as i64 + 1;
        self.writes.push(Write::Account { account: number, id, sealed });
        self.writes.extend(hashes.iter().map(|&hash| Write::Address { hash, account: number }));
        let account = Arc::new(account(number));
        self.tips.insert(id, (Arc::clone(&account), Arc::default()));
        self.new_accounts.push(NewAccount { account, hashes });
        Ok(())
    }

    /// Writes a snapshot that was made on top of the one at change `baseline`. `false` when another came first.
    pub(crate) fn fold(&mut self, account: &Account, baseline: u64, snapshot: Write) -> bool {
        let id = account.record.id;
        let first = account.folded.load(Ordering::SeqCst) == baseline && !self.batch.folds.contains(&id);
        if first {
            self.folds.insert(id);
            self.writes.push(snapshot);
        }
        first
    }

    fn keep(self) {
        let Self { batch, tips, new_accounts, writes, unsealed, blobs, blob_bytes, epochs, folds } = self;
        let before = batch.writes.len();
        batch.unsealed.extend(unsealed.into_iter().map(|(at, context, plain)| (before + at, context, plain)));
        batch.tips.extend(tips);
        batch.new_accounts.extend(new_accounts);
        batch.writes.extend(writes);
        batch.blobs.extend(blobs);
        if let Ok((_, tail)) = &mut batch.place {
            *tail += blob_bytes;
        }
        batch.epochs.extend(epochs);
        batch.folds.extend(folds);
    }
}

impl Committer {
    pub(crate) fn new(
        engine: Arc<Engine>,
        rows: RowWriter,
        pack: PackWriter,
        folder: Sender<Request>,
        settings: Settings,
        scribe: Scribe,
    ) -> Self {
        let flow_back_at = settings.log_pages.into();
        Self { engine, rows: Some(rows), pack, folder, settings, flow_back_at, scribe }
    }

    /// Works until the line is closed and empty. If the thread should ever panic, the line is closed, so that every
    /// caller learns that nobody will answer.
    pub(crate) fn run(mut self) {
        struct Abort(Arc<Engine>);
        impl Drop for Abort {
            fn drop(&mut self) {
                self.0.queue.abort();
            }
        }
        let abort = Abort(Arc::clone(&self.engine));
        while let Some(jobs) = abort.0.queue.take() {
            self.batch(jobs);
        }
        if let Some(rows) = &self.rows {
            // Only tidiness: what has not flowed back does so after the next opening.
            let _ = self.engine.while_nobody_reads(|| rows.checkpoint());
        }
    }

    fn batch(&mut self, jobs: Vec<Job>) {
        let mut answers = Vec::with_capacity(jobs.len());
        let outcome = match self.ready() {
            Ok(()) => {
                // Without a segment to write, what needs none goes on.
                let place = self.pack.ready().map(|()| self.pack.tail()).map_err(|error| StoreError::writing(&error));
                let mut batch = Batch::new(&self.engine, place.clone());
                for job in jobs {
                    let mut draft = Draft::new(&mut batch);
                    let planned = job(Ok(&mut draft));
                    if planned.keep {
                        draft.keep();
                    }
                    answers.push(planned.answer);
                }
                let writes = !batch.writes.is_empty();
                let outcome = self.store(batch);
                // A batch that wrote nothing, because its jobs were refused or had nothing to change, says nothing of
                // the disk.
                if writes || place.is_err() {
                    *self.engine.health() = Health::of(outcome.as_ref().err().or(place.as_ref().err()));
                }
                outcome
            }
            Err(error) => {
                answers.extend(jobs.into_iter().map(|job| job(Err(error.clone())).answer));
                *self.engine.health() = Health::of(Some(&error));
                Err(error)
            }
        };
        answers.into_iter().for_each(|answer| answer(outcome.clone()));
        self.flow_back();
    }

    /// Brings the log of the rows back into their file when it is long and nobody reads; else after a later batch. Nothing
    /// acknowledged hangs on it: when it fails, the operator is told, and it is done again, as `rows/log.rs` says, when the
    /// log has grown by as much again.
    fn flow_back(&mut self) {
        let Some(rows) = &self.rows else { return };
        let usual = u64::from(self.settings.log_pages);
        let (flowed, next) = match rows.log_pages() {
            Ok(pages) if pages < self.flow_back_at => return,
            Ok(pages) => match self.engine.while_nobody_reads(|| rows.flow_back()) {
                None => return,
                Some(Ok(())) => (Ok(()), usual),
                Some(Err(error)) => (Err(error), pages + usual),
            },
            Err(error) => (Err(error), self.flow_back_at),
        };
        self.flow_back_at = next;
        *self.engine.log_stays() = flowed.err().map(|error| error.to_string());
    }

    /// Opens the rows that an earlier failure has closed.
    fn ready(&mut self) -> Result<(), StoreError> {
        if self.rows.is_none() { self.start_over() } else { Ok(()) }
    }

    /// Makes a batch durable, and lets sessions see it.
    fn store(&mut self, mut batch: Batch) -> Result<(), StoreError> {
        if batch.writes.is_empty() {
            return Ok(());
        }
        let Some(rows) = self.rows.take() else { return Err(StoreError::Closed) };
        let before = rows.last();
        let begins = self.pack.tail();
        let (places, sealing) = batch.seal();
        // A commit without blobs says again what the last one said: the segment may have been abandoned since.
        let tail = match batch.place {
            Ok(ends) if !batch.blobs.is_empty() => ends,
            _ => (before.segment, before.tail),
        };
        let heads = batch.tips.values().map(|(account, tip)| (account.number, tip.seq)).collect();
        let draft = RowDraft { rows, writes: std::mem::take(&mut batch.writes), heads, tail, sealing, places };
        let (blobs, drafted) = if batch.blobs.is_empty() {
            (Ok(()), Ok(draft.write()))
        } else {
            let pack = &mut self.pack;
            self.scribe.beside(draft, || write_blobs(pack, &batch.blobs))
        };
        // From here on an error leaves it to the next batch to open the rows, unless they are put back or opened below.
        let (rows, drafted) = drafted?;
        let rows = self.rows.insert(rows);
        if let Err(unwritten) = blobs {
            return Err(self.without_blobs(begins, unwritten));
        }
        let committed = match drafted {
            Ok(()) => rows.finish(),
            Err(Undrafted::Rows(error)) => Err(error),
            Err(Undrafted::Sealing(error)) => {
                // No row knows the blobs: the next batch overwrites them.
                if !batch.blobs.is_empty() {
                    self.pack.cut_to(begins.0, begins.1);
                }
                return Err(error);
            }
        };
        if let Err(error) = committed {
            return Err(self.without_rows(before, &error));
        }
        debug_assert!(batch.blobs.is_empty() || self.pack.tail() == tail);
        self.publish(batch);
        Ok(())
    }

    /// After the blobs of a batch could not be written: gives up what was drafted of its rows, and makes ready for the next one.
    fn without_blobs(&mut self, begins: (u32, u64), unwritten: Unwritten) -> StoreError {
        if self.rows.as_ref().is_some_and(|rows| rows.give_up().is_err()) {
            self.rows = None;
        }
        match unwritten {
            Unwritten::Append(error) => {
                let error = StoreError::writing(&error);
                if error == StoreError::DiskFull {
                    // The next batch overwrites what was written of this one.
                    self.pack.cut_to(begins.0, begins.1);
                } else {
                    self.pack.abandon();
                }
                error
            }
            Unwritten::Sync(error) => {
                self.pack.abandon();
                let error = StoreError::writing(&error);
                match self.start_over() {
                    Ok(()) => error,
                    Err(worse) => worse,
                }
            }
        }
    }

    /// After the rows of a batch could not be committed.
    fn without_rows(&mut self, before: LastCommit, error: &rusqlite::Error) -> StoreError {
        let error = StoreError::rows(error);
        if error != StoreError::DiskFull {
            // The commit may be whole in the log's file: this process goes on without it, but whoever opens the log after a
            // kill finds it, and must find its blobs. (A write that had no room left no whole commit.)
            self.pack.abandon();
        }
        let start_over = self.start_over();
        let persisted = self.rows.as_ref().is_none_or(|rows| rows.last().seq > before.seq);
        match (error, start_over, persisted) {
            (StoreError::DiskFull, Ok(()), false) => StoreError::DiskFull,
            (StoreError::DiskFull, _, _) => StoreError::NotStored("the disk is full".to_owned()),
            (error, _, _) => error,
        }
    }

    /// Opens the database anew and forgets what was in memory of it.
    fn start_over(&mut self) -> Result<(), StoreError> {
        self.rows = None;
        let rows = RowWriter::open(&self.engine.dir)?;
        self.engine.start_over(RowReader::open(&self.engine.dir)?)?;
        let last = rows.last();
        // What lies behind the last commit is in no row.
        self.pack.cut_to(last.segment, last.tail);
        self.rows = Some(rows);
        Ok(())
    }

    fn publish(&self, batch: Batch) {
        batch.epochs.iter().for_each(|epoch| epoch.on_disk.store(true, Ordering::SeqCst));
        {
            let mut directory = self.engine.directory_mut();
            batch.new_accounts.into_iter().for_each(|new| directory.insert(new.account, new.hashes));
        }
        for (account, state) in batch.tips.into_values() {
            let log = state.seq.saturating_sub(account.folded.load(Ordering::SeqCst));
            let long = log >= self.settings.changes_before_fold;
            account.publish(state);
            if long && !account.folding.swap(true, Ordering::SeqCst) {
                // The folder is gone only when the store closes.
                let _ = self.folder.send(Request::Fold(account));
            }
        }
    }
}

impl Batch {
    fn new(engine: &Arc<Engine>, place: Result<(u32, u64), StoreError>) -> Self {
        Self {
            engine: Arc::clone(engine),
            now: engine.clock.now(),
            place,
            tips: BTreeMap::new(),
            new_accounts: Vec::new(),
            writes: Vec::new(),
            unsealed: Vec::new(),
            blobs: Vec::new(),
            epochs: Vec::new(),
            folds: HashSet::new(),
        }
    }

    /// Has the changes sealed that the jobs have planned: where they belong among the writes, and the vault at work.
    fn seal(&mut self) -> (Vec<usize>, SealedSoon) {
        let (places, plain): (Vec<_>, Vec<_>) =
            self.unsealed.drain(..).map(|(at, context, plain)| (at, (context, plain))).unzip();
        (places, self.engine.vault.service_seal_soon(plain))
    }
}

/// Why the blobs of a batch are not there.
enum Unwritten {
    Append(std::io::Error),
    Sync(std::io::Error),
}

/// Appends the blobs of a batch and syncs them.
fn write_blobs(pack: &mut PackWriter, blobs: &[Vec<u8>]) -> Result<(), Unwritten> {
    let pieces: Vec<&[u8]> = blobs.iter().map(Vec::as_slice).collect();
    pack.append(&pieces).map_err(Unwritten::Append)?;
    pack.sync().map_err(Unwritten::Sync)
}
