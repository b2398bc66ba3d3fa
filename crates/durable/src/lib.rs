//! Files that survive a power cut, and the seam at which tests cut it.
//!
//! Everything that the program keeps goes through a [`Disk`] (the one exception is SQLite, which brings its own care).
//! The contract is on the trait: each method says what is durable when it returns. `world` has a disk for tests that
//! fails the n-th write, and that forgets what was not synced.

mod clock;
mod direct;
mod lock;
mod real;
mod shred;

use std::io;
use std::path::Path;

pub use clock::SystemClock;
pub use direct::BLOCK_BYTES;
pub use lock::{DirLock, LockError};
pub use real::RealDisk;

/// Who on the machine may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visibility {
    /// The node's own user only (mode 0600): keys, mail, everything by default.
    Private,
    /// Everybody on the machine (mode 0644): what is published anyway, such as the ledger's files.
    Shared,
}

/// A place for files. Paths are the caller's; nothing is interpreted.
pub trait Disk: Send + Sync {
    /// Makes `path` and every missing parent, for the node's own user only (mode 0700). Durable when it returns: each directory made is synced into its parent.
    fn create_dir_all(&self, path: &Path) -> io::Result<()>;

    /// The whole file.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// Replaces `path` by `bytes`, as one step: a reader, and a power cut, see the old file or the new one, never a
    /// mixture. Durable when it returns. On an error the old file stands, or the new one (never neither).
    fn write_atomic(&self, path: &Path, bytes: &[u8], visibility: Visibility) -> io::Result<()>;

    /// As [`write_atomic`](Disk::write_atomic), for files that hold keys: when it returns, the octets of the old file
    /// are overwritten where they lay, and only then were their blocks given back. What that is worth depends on what is
    /// below: a file system that copies on write, a snapshot, or a flash disk that moves blocks keeps old octets
    /// somewhere (docs/threat-model.md). On an error the old file stands or the new one, as with `write_atomic`, and an
    /// old one that was replaced may not be overwritten yet: [`finish_shredding`](Disk::finish_shredding) does that.
    fn replace_shredding(&self, path: &Path, bytes: &[u8], visibility: Visibility) -> io::Result<()>;

    /// Overwrites a file where it lies and removes it; a file with another name elsewhere (a hard link) loses its
    /// content too. Durable when it returns, within the same bounds. A missing file is an error of kind `NotFound`.
    fn shred(&self, path: &Path) -> io::Result<()>;

    /// Overwrites what an interruption of the two methods above left in a directory. Call it when the directory is
    /// opened, before anything else is written in it.
    fn finish_shredding(&self, dir: &Path) -> io::Result<()>;

    /// Removes a file. Durable when it returns. A missing file is an error of kind `NotFound`.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Whether something lies at `path`.
    fn exists(&self, path: &Path) -> bool;

    /// The names in a directory, sorted. Left-overs of an interrupted [`write_atomic`](Disk::write_atomic) are not
    /// among them.
    fn list(&self, path: &Path) -> io::Result<Vec<String>>;

    /// Opens a file for appending, and makes it when it is missing. The file's *name* is durable when this returns;
    /// its content is a matter of [`AppendFile::sync`].
    fn open_append(&self, path: &Path, visibility: Visibility) -> io::Result<Box<dyn AppendFile>>;

    /// As [`open_append`](Disk::open_append), for a large file of the node's own user whose bytes need not stay in memory
    /// once they are written: they may go to the disk in whole blocks. The file then is longer than what was appended, by
    /// zeros and by less than [`BLOCK_BYTES`], until it is [cut](AppendFile::truncate) or dropped: who opens it anew after a
    /// kill or a power cut must know its length from elsewhere. An append that fails leaves none of its bytes, if that is possible.
    fn open_append_in_blocks(&self, path: &Path) -> io::Result<Box<dyn AppendFile>> {
        self.open_append(path, Visibility::Private)
    }

    /// Opens a file for reading at any offset, also while it grows.
    fn open_read(&self, path: &Path) -> io::Result<Box<dyn ReadAt>>;
}

/// A file that only grows.
pub trait AppendFile: Send {
    /// Where the next append begins, in bytes.
    fn len(&self) -> u64;

    /// Whether nothing was appended yet.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends the pieces one after the other; returns the offset of the first byte. Nothing is durable yet.
    /// On an error `len` is what it was, and the next append overwrites whatever part of this one reached the file.
    fn append(&mut self, pieces: &[&[u8]]) -> io::Result<u64>;

    /// Makes everything appended so far durable. After an error nobody knows what is: the kernel may have dropped the
    /// dirty pages and will call the next sync a success. Never retry it; abandon the file.
    fn sync(&mut self) -> io::Result<()>;

    /// Cuts the file to `len` bytes, for a torn tail found at opening. Durable when it returns.
    fn truncate(&mut self, len: u64) -> io::Result<()>;
}

/// A file read at offsets, by many threads at once.
pub trait ReadAt: Send + Sync {
    /// Fills `buf` from `offset`, or fails with `UnexpectedEof`.
    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()>;

    /// The file's length now, in bytes.
    fn len(&self) -> io::Result<u64>;

    /// Whether the file has no bytes now.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }
}
