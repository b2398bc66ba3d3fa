//! Files that survive a power cut, and the seam at which tests simulate one.
//!
//! Everything the program stores goes through a [`Disk`], except for SQLite, which syncs its own files. The contract is
//! on the trait: each method says what is durable when it returns. `world` has a disk for tests that can fail any write
//! and that loses what was not synced.

mod clock;
mod direct;
mod files;
mod lock;
mod real;
mod shred;

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

pub use clock::SystemClock;
pub use direct::BLOCK_BYTES;
pub use files::{About, FarDisk, FileAnswer, FileAsk, FileSaid, Files, OwnFiles, lock_dir};
pub use lock::{DirLock, LockError};
pub use real::RealDisk;

/// Who on the machine may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Visibility {
    /// The node's own user only (mode 0600): keys, mail, everything by default.
    Private,
    /// Every user of the machine (mode 0644): files that are published anyway, such as the ledger's.
    Shared,
}

/// A file system. Paths are used as given.
pub trait Disk: Send + Sync {
    /// Creates `path` and every missing parent, for the node's own user only (mode 0700). Durable when it returns: the
    /// parent of each new directory is synced.
    fn create_dir_all(&self, path: &Path) -> io::Result<()>;

    /// Reads the whole file.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// Replaces the file at `path` with `bytes` atomically: after a power cut, as for any reader, there is the old file
    /// or the new one, never a mixture. Durable when it returns. After an error either of the two may be there, but one
    /// of them is.
    fn write_atomic(&self, path: &Path, bytes: &[u8], visibility: Visibility) -> io::Result<()>;

    /// Like [`write_atomic`](Disk::write_atomic), for files that hold keys: the old file's blocks are overwritten in
    /// place before they are freed. How much that is worth depends on the layers below: a copy-on-write file system, a
    /// snapshot, or a flash disk that remaps blocks may keep old bytes (docs/threat-model.md). Errors are as for
    /// `write_atomic`; in addition, an old file that was replaced may not have been overwritten yet, which
    /// [`finish_shredding`](Disk::finish_shredding) completes.
    fn replace_shredding(&self, path: &Path, bytes: &[u8], visibility: Visibility) -> io::Result<()>;

    /// Overwrites a file in place and removes it; other hard links to it lose their content too. Durable when it
    /// returns, within the same limits. A missing file is an error of kind `NotFound`.
    fn shred(&self, path: &Path) -> io::Result<()>;

    /// Overwrites what an interruption of the two methods above left in a directory. Call it when the directory is
    /// opened, before anything is written to it.
    fn finish_shredding(&self, dir: &Path) -> io::Result<()>;

    /// Removes a file. Durable when it returns. A missing file is an error of kind `NotFound`.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Whether there is a file or directory at `path`.
    fn exists(&self, path: &Path) -> bool;

    /// The names in a directory, sorted, without leftovers of an interrupted [`write_atomic`](Disk::write_atomic).
    fn list(&self, path: &Path) -> io::Result<Vec<String>>;

    /// Opens a file for appending, creating it if it is missing. The file's *name* is durable when this returns; its
    /// content is durable after [`AppendFile::sync`].
    fn open_append(&self, path: &Path, visibility: Visibility) -> io::Result<Box<dyn AppendFile>>;

    /// Like [`open_append`](Disk::open_append), for large private files that need not stay in the page cache: they may
    /// be written in whole blocks. The file is then longer than what was appended, by fewer than [`BLOCK_BYTES`] zeros,
    /// until it is [truncated](AppendFile::truncate) or dropped, so after a crash or a power cut the caller must know
    /// its length from elsewhere. A failed append leaves none of its bytes, where possible.
    fn open_append_in_blocks(&self, path: &Path) -> io::Result<Box<dyn AppendFile>> {
        self.open_append(path, Visibility::Private)
    }

    /// Opens a file for reading at any offset, even while it grows.
    fn open_read(&self, path: &Path) -> io::Result<Box<dyn ReadAt>>;
}

/// A file that only grows.
pub trait AppendFile: Send {
    /// The offset of the next append, in bytes.
    fn len(&self) -> u64;

    /// Whether nothing has been appended yet.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends the pieces in order and returns the offset of the first byte. Nothing is durable yet. On an error `len`
    /// is unchanged, and the next append overwrites whatever part of this one reached the file.
    fn append(&mut self, pieces: &[&[u8]]) -> io::Result<u64>;

    /// Makes everything appended so far durable. After an error, what is durable is unknown: the kernel may have
    /// dropped the dirty pages and report success for the next sync. Never retry it; abandon the file.
    fn sync(&mut self) -> io::Result<()>;

    /// Truncates the file to `len` bytes, for a torn tail found at opening. Durable when it returns.
    fn truncate(&mut self, len: u64) -> io::Result<()>;
}

/// A file that many threads may read at once.
pub trait ReadAt: Send + Sync {
    /// Fills `buf` from `offset`, or fails with `UnexpectedEof`.
    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()>;

    /// The file's current length, in bytes.
    fn len(&self) -> io::Result<u64>;

    /// Whether the file is currently empty.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }
}
