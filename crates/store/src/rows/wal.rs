//! The write-ahead log (WAL) of the rows in the one situation that SQLite does not handle: after a failed sync.
//!
//! The kernel marks the pages of a failed sync as clean. They read back as they were written, but may never reach
//! the disk. This has three consequences for the WAL:
//!
//! * A commit whose sync failed may be complete in the file. The index of the WAL, which the connections share, does not contain
//!   it, so this process continues without it; but a process that opens the WAL after a kill rebuilds that index from the file,
//!   and finds the commit, whose blobs the commit thread has left in place.
//! * A process that opens the WAL after a kill may build on a commit that can be read but is not on the disk. A later power cut
//!   would destroy that commit and everything acknowledged after it. So the WAL is rewritten, as it reads, and synced,
//!   before anything is built on it: [`settle`].
//! * If a checkpoint fails to sync the database, SQLite repeats it from the frame at which the last
//!   successful one ended; all pages of the failed attempt are written again, and so are dirty again. That holds only if
//!   each earlier checkpoint reached the end of the WAL: one that a reader stopped early is counted but not synced. So checkpoints
//!   run only while no connection of this process is reading. (An operator's own SQL shell may be reading at that moment; the damage also
//!   needs a failed sync of the database, and then a power cut.)

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::RowWriter;

/// The header of the WAL: at 8 the size of a page, at 16 two salts (<https://www.sqlite.org/fileformat2.html#walformat>).
const HEADER_BYTES: usize = 32;

/// The header of a frame, followed by one page: at 8 the salts of the WAL that it belongs to.
const FRAME_HEADER_BYTES: usize = 24;

/// How many frames of the WAL are rewritten at a time.
const FRAMES_AT_ONCE: usize = 64;

/// The path of a database's WAL.
fn path_of(database: &Path) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push("-wal");
    path.into()
}

/// Makes the WAL durable as it reads, if there is one. What is beyond its last frame, left over from an earlier, longer WAL, is
/// ignored. Nothing may write to the WAL meanwhile. A power cut during this leaves it as it was.
pub(super) fn settle(database: &Path) -> io::Result<()> {
    let file = match OpenOptions::new().read(true).write(true).open(path_of(database)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        file => file?,
    };
    let len = file.metadata()?.len();
    if len >= HEADER_BYTES as u64 {
        rewrite(&file, len)?;
    }
    file.sync_all()
}

fn rewrite(file: &File, len: u64) -> io::Result<()> {
    let mut header = [0; HEADER_BYTES];
    file.read_exact_at(&mut header, 0)?;
    file.write_all_at(&header, 0)?;
    let page = u32::from_be_bytes([header[8], header[9], header[10], header[11]]) as usize;
    // Otherwise no page fits, and SQLite treats the WAL as empty.
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

/// The length of the WAL, in pages.
#[derive(Debug, Clone, Copy)]
struct WalPages {
    /// All pages in it.
    all: u64,
    /// Those that are already in the database.
    checkpointed: u64,
}

impl RowWriter {
    /// Runs one of SQLite's checkpoints; returns the WAL's length afterwards.
    fn checkpoint_as(&self, statement: &'static str) -> rusqlite::Result<WalPages> {
        let mut statement = self.connection.prepare_cached(statement)?;
        // -1 if there is no WAL.
        let pages = |row: &rusqlite::Row<'_>, at| Ok::<_, rusqlite::Error>(row.get::<_, i64>(at)?.max(0) as u64);
        statement.query_row([], |row| Ok(WalPages { all: pages(row, 1)?, checkpointed: pages(row, 2)? }))
    }

    /// How many pages of the WAL are not in the database yet.
    pub(crate) fn wal_pages(&self) -> rusqlite::Result<u64> {
        let log = self.checkpoint_as("PRAGMA wal_checkpoint(NOOP)")?;
        Ok(log.all.saturating_sub(log.checkpointed))
    }

    /// Checkpoints the WAL as far as readers allow. Durable when it returns, unless a reader stopped it.
    pub(crate) fn checkpoint(&self) -> rusqlite::Result<()> {
        self.checkpoint_as("PRAGMA wal_checkpoint(PASSIVE)").map(drop)
    }

    /// Checkpoints the WAL and empties it, before closing.
    pub(crate) fn truncate_wal(&self) -> rusqlite::Result<()> {
        self.checkpoint_as("PRAGMA wal_checkpoint(TRUNCATE)").map(drop)
    }
}
