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
//!   done only while no connection of this process reads. (An operator's own shell of SQL may read at that moment; that takes
//!   a failed sync of the database, too, and then a power cut.)

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::RowWriter;

/// The header of the log: at 8 the size of a page, at 16 two salts (<https://www.sqlite.org/fileformat2.html#walformat>).
const HEADER_BYTES: usize = 32;

/// The header of a frame, which one page follows: at 8 the salts of the log that it is of.
const FRAME_HEADER_BYTES: usize = 24;

/// So many frames of the log are written anew at a time.
const FRAMES_AT_ONCE: usize = 64;

/// Where the log of a database lies.
fn path_of(database: &Path) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push("-wal");
    path.into()
}

/// Makes the log durable as it reads, if there is one. What is behind its last frame, left of longer logs before it, is not
/// looked at. Nobody may write to the log meanwhile. A power cut during this leaves it as it was.
pub(super) fn settle(database: &Path) -> io::Result<()> {
    let file = match OpenOptions::new().read(true).write(true).open(path_of(database)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        file => file?,
    };
    let len = file.metadata()?.len();
    if len >= HEADER_BYTES as u64 {
        write_anew(&file, len)?;
    }
    file.sync_all()
}

fn write_anew(file: &File, len: u64) -> io::Result<()> {
    let mut header = [0; HEADER_BYTES];
    file.read_exact_at(&mut header, 0)?;
    file.write_all_at(&header, 0)?;
    let page = u32::from_be_bytes([header[8], header[9], header[10], header[11]]) as usize;
    // Else no page fits, and SQLite takes the log for empty.
    if !(512..=65536).contains(&page) {
        return Ok(());
    }
    let frame = FRAME_HEADER_BYTES + page;
    let mut piece = vec![0; FRAMES_AT_ONCE * frame];
    let (mut at, frames) = (HEADER_BYTES as u64, (len - HEADER_BYTES as u64) / frame as u64);
    let end = at + frames * frame as u64;
    while at < end {
        let bytes = piece.len().min((end - at) as usize);
        file.read_exact_at(&mut piece[..bytes], at)?;
        let of_this_log = |frame: &&[u8]| frame[8..16] == header[16..24];
        let known = piece[..bytes].chunks_exact(frame).take_while(of_this_log).count() * frame;
        file.write_all_at(&piece[..known], at)?;
        if known < bytes {
            break;
        }
        at += known as u64;
    }
    Ok(())
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
    fn checkpoint_as(&self, statement: &'static str) -> rusqlite::Result<LogPages> {
        let mut statement = self.connection.prepare_cached(statement)?;
        // -1 where there is no log.
        let pages = |row: &rusqlite::Row<'_>, at| Ok::<_, rusqlite::Error>(row.get::<_, i64>(at)?.max(0) as u64);
        statement.query_row([], |row| Ok(LogPages { all: pages(row, 1)?, flowed_back: pages(row, 2)? }))
    }

    /// How many pages of the log have not flowed back.
    pub(crate) fn log_pages(&self) -> rusqlite::Result<u64> {
        let log = self.checkpoint_as("PRAGMA wal_checkpoint(NOOP)")?;
        Ok(log.all.saturating_sub(log.flowed_back))
    }

    /// Brings the log back into the database, as far as readers let it. Durable when it returns, unless a reader stopped it.
    pub(crate) fn flow_back(&self) -> rusqlite::Result<()> {
        self.checkpoint_as("PRAGMA wal_checkpoint(PASSIVE)").map(drop)
    }

    /// Brings the log back into the database, for a tidy end.
    pub(crate) fn checkpoint(&self) -> rusqlite::Result<()> {
        self.checkpoint_as("PRAGMA wal_checkpoint(TRUNCATE)").map(drop)
    }
}
