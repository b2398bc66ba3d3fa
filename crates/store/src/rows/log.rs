//! The write-ahead log of the rows where SQLite's care for it ends: after a sync that failed.
//!
//! The kernel takes the pages of a failed sync for clean. They are read back as they were written, and may never reach
//! the disk. Three things follow for the log:
//!
//! * A commit whose sync failed may be whole in the file. The index of the log, which the connections share, does not know
//!   it, so that this process goes on without it; but whoever opens the log after a kill builds that index from the file,
//!   and finds the commit, whose blobs the commit thread has left where they are.
//! * Whoever opens the log after a kill may build on a commit that can be read and is not on the disk. A power cut later
//!   would take that one and all that were acknowledged behind it. So the log is written anew, as it reads, and synced,
//!   before anything is built on it: [`settle`].
//! * When the log flows back and the sync of the database fails, SQLite does it again from the frame at which the last
//!   good one ended; all pages of the failed attempt are written again, and so they are dirty again. That holds only if
//!   each flow before went to the end of the log: one that a reader stopped short is counted and not synced. So it is
//!   done only while no connection of this process reads.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::RowWriter;

/// So many octets of the log are written anew at a time.
const PIECE_BYTES: usize = 1 << 18;

/// Where the log of a database lies.
fn path_of(database: &Path) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push("-wal");
    path.into()
}

/// Makes the log durable as it reads, if there is one. Nobody may write to it meanwhile. A power cut during this leaves
/// it as it was.
pub(super) fn settle(database: &Path) -> io::Result<()> {
    let file = match OpenOptions::new().read(true).write(true).open(path_of(database)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        file => file?,
    };
    let (mut at, len) = (0, file.metadata()?.len());
    let mut piece = vec![0; PIECE_BYTES];
    while at < len {
        let bytes = usize::try_from(len - at).unwrap_or(PIECE_BYTES).min(PIECE_BYTES);
        file.read_exact_at(&mut piece[..bytes], at)?;
        file.write_all_at(&piece[..bytes], at)?;
        at += bytes as u64;
    }
    file.sync_all()
}

/// How long the log is, in pages.
#[derive(Debug, Clone, Copy)]
struct LogPages {
    /// All that it has.
    all: u64,
    /// Those that have flowed back.
    flowed_back: u64,
}

impl RowWriter {
    /// Does one of SQLite's checkpoints; tells of the log afterwards.
    fn checkpoint_as(&self, mode: &str) -> rusqlite::Result<LogPages> {
        let mut statement = self.connection.prepare_cached(&format!("PRAGMA wal_checkpoint({mode})"))?;
        // -1 where there is no log.
        let pages = |row: &rusqlite::Row<'_>, at| Ok::<_, rusqlite::Error>(row.get::<_, i64>(at)?.max(0) as u64);
        statement.query_row([], |row| Ok(LogPages { all: pages(row, 1)?, flowed_back: pages(row, 2)? }))
    }

    /// Whether so many pages of the log have not flowed back.
    pub(crate) fn log_is_long(&self, pages: u32) -> rusqlite::Result<bool> {
        let log = self.checkpoint_as("NOOP")?;
        Ok(log.all.saturating_sub(log.flowed_back) >= pages.into())
    }

    /// Brings the log back into the database, as far as readers let it. Durable when it returns.
    pub(crate) fn flow_back(&self) -> rusqlite::Result<()> {
        self.checkpoint_as("PASSIVE").map(drop)
    }

    /// Brings the log back into the database, for a tidy end.
    pub(crate) fn checkpoint(&self) -> rusqlite::Result<()> {
        self.checkpoint_as("TRUNCATE").map(drop)
    }
}
