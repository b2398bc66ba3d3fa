//! The store as its callers hold it: opening, closing, and how calls reach the commit thread.

use std::path::Path;
use std::sync::mpsc::{Sender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use durable::{DirLock, Disk};
use terms::{Clock, Entropy};
use vault::Vault;

use crate::damage::Damage;
use crate::engine::commit::Committer;
use crate::engine::draft::{Draft, Planned};
use crate::engine::row_writer::RowWriterThread;
use crate::engine::settings::Settings;
use crate::engine::snapshotter::{self, Request};
use crate::engine::state::{Engine, Health};
use crate::error::StoreError;
use crate::pack::{PackWriter, Packs};
use crate::rows::{RowReader, RowWriter};

/// Sealed mail of one jurisdiction. All calls block, and may come from any thread; what is durable when a call returns
/// is documented at the head of `engine/commit.rs`. Dropping it closes it.
pub struct Store {
    pub(crate) engine: Arc<Engine>,
    threads: Mutex<Option<Threads>>,
    /// What was found wrong with the packs at opening.
    pub(crate) damage: Option<Damage>,
    _lock: DirLock,
}

struct Threads {
    snapshotter: Sender<Request>,
    handles: [JoinHandle<()>; 2],
}

/// Calls back once: with the outcome, or with [`StoreError::Closed`] if it is dropped first.
struct Answer<T>(Option<Callback<T>>);

type Callback<T> = Box<dyn FnOnce(Result<T, StoreError>) + Send>;

impl<T> Answer<T> {
    fn give(mut self, outcome: Result<T, StoreError>) {
        if let Some(call) = self.0.take() {
            call(outcome);
        }
    }
}

impl<T> Drop for Answer<T> {
    fn drop(&mut self) {
        if let Some(call) = self.0.take() {
            call(Err(StoreError::Closed));
        }
    }
}

impl Store {
    /// Opens the store in `dir`, or creates one. One process at a time: the directory is locked.
    ///
    /// The packs are on `disk`; the rows are SQLite's, which uses the machine's file system directly.
    ///
    /// # Errors
    /// [`StoreError::CannotOpen`], [`StoreError::OtherFormat`], [`StoreError::Damaged`] when commits are missing.
    pub fn open(
        disk: Arc<dyn Disk>,
        dir: &Path,
        vault: Arc<Vault>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, StoreError> {
        Self::open_with(Settings::default(), disk, dir, vault, clock, entropy)
    }

    /// As [`open`](Self::open), with other sizes.
    pub fn open_with(
        settings: Settings,
        disk: Arc<dyn Disk>,
        dir: &Path,
        vault: Arc<Vault>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, StoreError> {
        let cannot = |error: std::io::Error| StoreError::CannotOpen(format!("{}: {error}", dir.display()));
        let packs_dir = dir.join("packs");
        disk.create_dir_all(&packs_dir).map_err(cannot)?;
        let lock = DirLock::take(dir).map_err(|error| StoreError::CannotOpen(error.to_string()))?;
        let rows = RowWriter::open(dir)?;
        let last = rows.last();
        let acknowledged = (last.segment > 0).then_some((last.segment, last.tail));
        let packs = Arc::new(Packs::new(disk, packs_dir));
        let (pack, damage) = PackWriter::open(&packs, acknowledged, settings.segment_bytes).map_err(cannot)?;
        let reader = RowReader::open(dir)?;
        let engine = Arc::new(Engine::new(dir.to_owned(), vault, clock, entropy, packs, reader)?);
        let (snapshotter, requests) = channel();
        let row_writer_thread = RowWriterThread::start().map_err(cannot)?;
        let committer =
            Committer::new(Arc::clone(&engine), rows, pack, snapshotter.clone(), settings, row_writer_thread);
        let for_snapshotter = Arc::clone(&engine);
        let thread = |name: &str| std::thread::Builder::new().name(name.to_owned());
        let handles = [
            thread("store-snapshots").spawn(move || snapshotter::run(&for_snapshotter, &requests)).map_err(cannot)?,
            thread("store-commit").spawn(move || committer.run()).map_err(cannot)?,
        ];
        let threads = Mutex::new(Some(Threads { snapshotter, handles }));
        Ok(Self { engine, threads, damage, _lock: lock })
    }

    /// Finishes pending work, and ends the threads. Every later change is refused with [`StoreError::Closed`]; views already
    /// taken remain usable.
    pub fn close(&self) {
        let threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.engine.queue.close();
        if let Some(Threads { snapshotter, handles }) = threads {
            // An error means that the thread has ended already.
            let _ = snapshotter.send(Request::Stop);
            for handle in handles {
                let _ = handle.join();
            }
        }
    }

    /// How the last write went, and whether the WAL of the rows can be checkpointed.
    pub fn health(&self) -> Health {
        let last = self.engine.health().clone();
        match (last, &*self.engine.wal_stuck()) {
            (Health::Fine, Some(why)) => Health::WalStuck(why.clone()),
            (last, _) => last,
        }
    }

    /// Commits what `plan` drafts, and calls `answer` afterwards. Waits only while the queue is full.
    pub(crate) fn submit_job<T: Send + 'static>(
        &self,
        bytes: usize,
        plan: impl FnOnce(&mut Draft<'_>) -> Result<T, StoreError> + Send + 'static,
        answer: impl FnOnce(Result<T, StoreError>) + Send + 'static,
    ) {
        let answer = Answer(Some(Box::new(answer)));
        let job = move |draft: Result<&mut Draft<'_>, StoreError>| match draft.and_then(plan) {
            Ok(value) => Planned { keep: true, answer: Box::new(move |outcome| answer.give(outcome.map(|()| value))) },
            Err(error) => Planned { keep: false, answer: Box::new(move |_| answer.give(Err(error))) },
        };
        // A job that the queue refuses is dropped, which answers it.
        drop(self.engine.queue.put(Box::new(job), bytes));
    }

    /// Commits what `plan` drafts, and waits for the commit.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        bytes: usize,
        plan: impl FnOnce(&mut Draft<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (sender, receiver) = sync_channel(1);
        self.submit_job(bytes, plan, move |outcome| {
            // This fails only if the waiting thread is gone.
            let _ = sender.send(outcome);
        });
        receiver.recv().unwrap_or(Err(StoreError::Closed))
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.close();
    }
}
