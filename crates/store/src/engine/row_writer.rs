//! The rows of a batch are drafted while its blobs are written.
//!
//! While the commit thread waits for the disk to sync a segment, a second thread waits for the vault to seal the changes and runs the
//! statements of the transaction. What is drafted is in memory only: the commit thread commits it, and only when the blobs are
//! durable.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use vault::SealedSoon;

use crate::error::StoreError;
use crate::rows::{RowWriter, Write};

/// The rows of a batch that are to be drafted, and the connection to use.
pub(crate) struct RowDraft {
    pub(crate) rows: RowWriter,
    pub(crate) writes: Vec<Write>,
    pub(crate) heads: Vec<(i64, u64)>,
    pub(crate) tail: (u32, u64),
    /// The changes that the vault seals, and which of the writes each of them is.
    pub(crate) sealing: SealedSoon,
    pub(crate) places: Vec<usize>,
}

/// Why the rows of a batch could not be drafted.
pub(crate) enum Undrafted {
    /// The vault did not seal them; no transaction was begun.
    Sealing(StoreError),
    /// The database refused.
    Rows(rusqlite::Error),
}

/// The connection, and whether it has a draft.
pub(crate) type Drafted = (RowWriter, Result<(), Undrafted>);

impl RowDraft {
    /// Waits for the vault, then writes the draft.
    pub(crate) fn write(self) -> Drafted {
        let Self { mut rows, mut writes, heads, tail, sealing, places } = self;
        let all = match sealing.wait() {
            Ok(all) => all,
            Err(error) => return (rows, Err(Undrafted::Sealing(StoreError::vault(&error)))),
        };
        for (at, bytes) in places.into_iter().zip(all) {
            if let Some(Write::Change { sealed, .. }) = writes.get_mut(at) {
                *sealed = bytes;
            }
        }
        let drafted = rows.draft(&writes, &heads, tail);
        (rows, drafted.map_err(Undrafted::Rows))
    }
}

/// The thread that drafts. It ends when this is dropped.
pub(crate) struct RowWriterThread {
    /// `None` only while this is dropped.
    to: Option<SyncSender<RowDraft>>,
    from: Receiver<Drafted>,
    thread: Option<JoinHandle<()>>,
}

impl RowWriterThread {
    /// Starts the thread.
    pub(crate) fn start() -> std::io::Result<Self> {
        let (to, drafts) = sync_channel::<RowDraft>(1);
        let (back, from) = sync_channel(1);
        let work =
            move || drafts.into_iter().try_for_each(|draft| back.send(draft.write()).map_err(drop)).unwrap_or(());
        let thread = std::thread::Builder::new().name("store-row_writer_thread".to_owned()).spawn(work)?;
        Ok(Self { to: Some(to), from, thread: Some(thread) })
    }

    /// Drafts while `act` runs; returns both results. An error means that the thread has ended, and the connection is lost with it.
    pub(crate) fn beside<T>(&self, draft: RowDraft, act: impl FnOnce() -> T) -> (T, Result<Drafted, StoreError>) {
        let sent = self.to.as_ref().is_some_and(|to| to.send(draft).is_ok());
        let outcome = act();
        let drafted = if sent { self.from.recv().ok() } else { None };
        (outcome, drafted.ok_or(StoreError::Closed))
    }
}

impl Drop for RowWriterThread {
    fn drop(&mut self) {
        self.to = None;
        // A panic of the thread has already been reported.
        self.thread.take().map(JoinHandle::join);
    }
}
