//! The commit thread: the only writer of a store.
//!
//! # What is durable when a caller is answered
//!
//! When a call that changes something returns `Ok`, all of it survives a power cut: the blobs are in a segment that was
//! synced, and the rows are in a committed transaction whose log was synced. When it returns an error, either nothing of
//! it is stored ([`StoreError::DiskFull`], or the call itself was refused), or it is not known ([`StoreError::NotStored`]):
//! then it is stored completely or not at all, and no caller was told that it is. What a session sees ([`MailboxView`], the
//! sizes, the MODSEQ) is already durable: it is published after the commit, before the answer.
//!
//! # How
//!
//! Jobs from all connections wait in one bounded queue. The thread takes everything in it: while it syncs one batch, the
//! next one accumulates, so the busier the node, the more callers share a sync. For a batch:
//!
//! 1. each job plans against the latest state of its account, including earlier jobs of the batch ([`Draft`]);
//! 2. all changes are sent to the vault to be sealed, in one call; concurrently with 3, a second thread receives them and drafts one
//!    transaction of all rows, with the number of the commit and the tail of the segment ([`RowWriterThread`]);
//! 3. the blobs of all jobs are appended to the segment in one write, and synced once;
//! 4. the transaction is committed;
//! 5. the new states are published, watchers are notified, callers are answered.
//!
//! # When it fails
//!
//! * No space: the batch is refused; the segment is cut back; the next batch is attempted.
//! * A sync or a commit fails: it is not retried, because the kernel may report success for pages that it has dropped.
//!   The segment is abandoned (uncut: a commit whose sync failed may still be found after a kill, and then its blobs are
//!   there), the database is reopened, what was in memory of it is dropped, and no caller in the batch is told that
//!   its call succeeded. If the database cannot be opened, every batch is refused until it can.
//! * The WAL of the rows cannot be checkpointed: nothing is lost, the WAL grows, the node reports it, and the checkpoint is retried
//!   when the WAL has grown.
//!
//! What the kernel does after a failed sync, and why this is sufficient, is at the head of `rows/wal.rs`.
//!
//! [`MailboxView`]: crate::MailboxView

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Sender;

use crate::engine::draft::{Batch, Draft, Job};
use crate::engine::row_writer::{RowDraft, RowWriterThread, Undrafted};
use crate::engine::settings::Settings;
use crate::engine::snapshotter::Request;
use crate::engine::state::{Engine, Health};
use crate::error::StoreError;
use crate::pack::PackWriter;
use crate::rows::{LastCommit, RowReader, RowWriter};

/// What the commit thread owns.
pub(crate) struct Committer {
    engine: Arc<Engine>,
    /// `None` while the database could not be reopened.
    rows: Option<RowWriter>,
    pack: PackWriter,
    snapshotter: Sender<Request>,
    settings: Settings,
    /// A checkpoint is due when the WAL has this many pages that are not in the database.
    checkpoint_at: u64,
    row_writer_thread: RowWriterThread,
}

/// How many times as long as usual the WAL may become before the commit thread waits for those who read the rows: until then it
/// checkpoints when nobody happens to read.
const WAL_LONG: u64 = 4;

impl Committer {
    pub(crate) fn new(
        engine: Arc<Engine>,
        rows: RowWriter,
        pack: PackWriter,
        snapshotter: Sender<Request>,
        settings: Settings,
        row_writer_thread: RowWriterThread,
    ) -> Self {
        let checkpoint_at = settings.wal_pages.into();
        Self { engine, rows: Some(rows), pack, snapshotter, settings, checkpoint_at, row_writer_thread }
    }

    /// Works until the queue is closed and empty. If the thread should ever panic, the queue is closed, so that every
    /// caller learns that no answer will come.
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
            // Only tidiness: what is not checkpointed now is after the next opening.
            let _ = self.engine.while_nobody_reads(false, || rows.truncate_wal());
        }
    }

    fn batch(&mut self, jobs: Vec<Job>) {
        let mut answers = Vec::with_capacity(jobs.len());
        let outcome = match self.ready() {
            Ok(()) => {
                // Without a segment to write, jobs that need none continue.
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
                // A batch that wrote nothing, because its jobs were refused or had nothing to change, says nothing about
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
        self.checkpoint();
    }

    /// Checkpoints the WAL of the rows when it is long and nobody is reading; otherwise after a later batch. Nothing
    /// acknowledged depends on it: when it fails, the operator is told, and it is retried, as `rows/wal.rs` says, when the
    /// WAL has grown by as much again.
    fn checkpoint(&mut self) {
        let Some(rows) = &self.rows else { return };
        let usual = u64::from(self.settings.wal_pages);
        let (flowed, next) = match rows.wal_pages() {
            Ok(pages) if pages < self.checkpoint_at => return,
            Ok(pages) => match self.engine.while_nobody_reads(pages >= WAL_LONG * usual, || rows.checkpoint()) {
                None => return,
                Some(Ok(())) => (Ok(()), usual),
                Some(Err(error)) => (Err(error), pages + usual),
            },
            Err(error) => (Err(error), self.checkpoint_at),
        };
        self.checkpoint_at = next;
        *self.engine.wal_stuck() = flowed.err().map(|error| error.to_string());
    }

    /// Reopens the rows if an earlier failure has closed them.
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
        // A commit without blobs repeats what the last one said: the segment may have been abandoned since.
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
            self.row_writer_thread.beside(draft, || write_blobs(pack, &batch.blobs))
        };
        // From here on an error leaves it to the next batch to reopen the rows, unless they are put back or reopened below.
        let (rows, drafted) = drafted?;
        let rows = self.rows.insert(rows);
        if let Err(unwritten) = blobs {
            return Err(self.without_blobs(begins, unwritten));
        }
        let committed = match drafted {
            Ok(()) => rows.finish(),
            Err(Undrafted::Rows(error)) => Err(error),
            Err(Undrafted::Sealing(error)) => {
                // No row refers to the blobs: the next batch overwrites them.
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

    /// After the blobs of a batch could not be written: rolls back the draft of its rows, and prepares for the next one.
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
            // The commit may be complete in the WAL's file: this process continues without it, but a process that opens the WAL after a
            // kill finds it, and must find its blobs. (A write that failed for lack of space leaves no complete commit.)
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

    /// Reopens the database and drops what was in memory of it.
    fn start_over(&mut self) -> Result<(), StoreError> {
        self.rows = None;
        let rows = RowWriter::open(&self.engine.dir)?;
        self.engine.start_over(RowReader::open(&self.engine.dir)?)?;
        let last = rows.last();
        // No row refers to what is beyond the last commit.
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
                // This fails only when the store is closing.
                let _ = self.snapshotter.send(Request::Fold(account));
            }
        }
    }
}

/// Why the blobs of a batch were not written.
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
