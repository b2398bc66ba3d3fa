//! Appending around the page cache.
//!
//! What a mail server writes is synced at once and, most of it, not read soon. Through the page cache each batch is copied
//! into pages that are fresh, which the machine has to find and, when it is a virtual one, its host too; then the sync
//! writes them out again. With `O_DIRECT` (open(2)) the disk takes the bytes from one place in memory that is used again
//! and again. It asks for whole blocks at whole offsets: the last block, partly filled, is kept in memory and written again with what
//! follows it. Its old bytes are written over by the same bytes, as they are when the page cache writes its pages.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::AppendFile;

/// What [`open_append_in_blocks`](crate::Disk::open_append_in_blocks) writes in, in bytes. No disk in use has larger logical blocks than
/// these, and file systems have blocks of as many.
pub const BLOCK_BYTES: usize = 4096;

/// How much goes to the disk in one call, in bytes: enough that a call costs little beside the transfer, little enough to
/// stay in the processor's cache while it is copied.
const PLACE_BYTES: usize = 1 << 20;

/// Memory at an address that is a multiple of [`BLOCK_BYTES`].
struct Place {
    memory: Vec<u8>,
    from: usize,
}

impl Place {
    fn new() -> Self {
        let memory = vec![0; PLACE_BYTES + BLOCK_BYTES];
        let from = memory.as_ptr().align_offset(BLOCK_BYTES);
        Self { memory, from }
    }

    fn bytes(&mut self) -> &mut [u8] {
        &mut self.memory[self.from..self.from + PLACE_BYTES]
    }
}

/// A file that grows in whole blocks.
pub(crate) struct DirectAppend {
    path: PathBuf,
    file: File,
    /// Whether the file system was found to take writes around the page cache.
    direct: bool,
    /// Where the next append begins.
    len: u64,
    /// The bytes of the last block, when it is partly filled.
    last: Vec<u8>,
    place: Place,
}

fn open(path: &Path, mode: u32, flags: i32) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(mode).custom_flags(flags).open(path)
}

/// The bytes of the last block of a file of `len` bytes, when that is partly filled.
fn read_last(path: &Path, len: u64) -> io::Result<Vec<u8>> {
    let partial = len % BLOCK_BYTES as u64;
    let mut last = vec![0; partial as usize];
    if partial > 0 {
        // Through the page cache, which takes any length.
        File::open(path)?.read_exact_at(&mut last, len - partial)?;
    }
    Ok(last)
}

impl DirectAppend {
    /// Opens or makes a file. Where the file system cannot write around the page cache, it is written through it.
    pub(crate) fn open(path: &Path, mode: u32) -> io::Result<Self> {
        let (file, direct) = match open(path, mode, libc::O_DIRECT) {
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => (open(path, mode, 0)?, false),
            file => (file?, true),
        };
        let len = file.metadata()?.len();
        let last = read_last(path, len)?;
        Ok(Self { path: path.to_owned(), file, direct, len, last, place: Place::new() })
    }

    /// Writes whole blocks.
    fn write(&mut self, blocks: usize, at: u64) -> io::Result<()> {
        let bytes = &self.place.bytes()[..blocks];
        match self.file.write_all_at(bytes, at) {
            Err(error) if error.kind() == io::ErrorKind::InvalidInput && self.direct => {
                // The file system took the flag and not the write.
                self.file = open(&self.path, 0, 0)?;
                self.direct = false;
                self.file.write_all_at(&self.place.bytes()[..blocks], at)
            }
            written => written,
        }
    }

    fn write_pieces(&mut self, pieces: &[&[u8]]) -> io::Result<()> {
        let mut filled = self.last.len();
        let mut at = self.len - filled as u64;
        self.place.bytes()[..filled].copy_from_slice(&self.last);
        for mut piece in pieces.iter().copied() {
            while !piece.is_empty() {
                let (now, rest) = piece.split_at(piece.len().min(PLACE_BYTES - filled));
                self.place.bytes()[filled..filled + now.len()].copy_from_slice(now);
                filled += now.len();
                piece = rest;
                if filled == PLACE_BYTES {
                    self.write(PLACE_BYTES, at)?;
                    at += PLACE_BYTES as u64;
                    filled = 0;
                }
            }
        }
        let partial = filled % BLOCK_BYTES;
        let blocks = filled.next_multiple_of(BLOCK_BYTES);
        self.place.bytes()[filled..blocks].fill(0);
        if blocks > 0 {
            self.write(blocks, at)?;
        }
        self.last.clear();
        self.last.extend_from_slice(&self.place.bytes()[filled - partial..filled]);
        Ok(())
    }
}

impl AppendFile for DirectAppend {
    fn len(&self) -> u64 {
        self.len
    }

    fn append(&mut self, pieces: &[&[u8]]) -> io::Result<u64> {
        self.write_pieces(pieces)?;
        let offset = self.len;
        self.len += pieces.iter().map(|piece| piece.len() as u64).sum::<u64>();
        Ok(offset)
    }

    fn sync(&mut self) -> io::Result<()> {
        // fdatasync: the length and the places of the blocks too, since without them the data could not be read back; and what
        // the disk has in a cache of its own.
        self.file.sync_data()
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        let last = read_last(&self.path, len)?;
        self.file.set_len(len)?;
        (self.len, self.last) = (len, last);
        self.file.sync_all()
    }
}

impl Drop for DirectAppend {
    fn drop(&mut self) {
        // Tidiness: the zeros behind the end say nothing.
        let _ = self.file.set_len(self.len);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail this way")]

    use super::*;

    /// A file system that takes the flag and then not the write is written through the page cache. Memory that does not begin
    /// at a block's beginning has any disk refuse.
    #[test]
    fn what_cannot_go_around_the_page_cache_goes_through_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pack");
        let mut file = DirectAppend::open(&path, 0o600).unwrap();
        file.place.from += 1;
        for piece in [&[1; 5000][..], &[2; 100], &[3; 9000]] {
            file.append(&[piece]).unwrap();
            file.sync().unwrap();
        }
        if file.direct {
            println!("skipped: {} takes writes from any address", dir.path().display());
        }
        drop(file);
        assert_eq!(std::fs::read(&path).unwrap(), [&[1; 5000][..], &[2; 100], &[3; 9000]].concat());
    }
}
