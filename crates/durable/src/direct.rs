//! Appending around the page cache.
//!
//! What a mail server writes is synced at once and, most of it, not read soon. Through the page cache each batch is copied
//! into pages that are fresh, which the machine has to find and, when it is a virtual one, its host too; then the sync
//! writes them out again. With `O_DIRECT` (open(2)) the disk takes the bytes from one place in memory that is used again
//! and again. It asks for whole blocks at whole offsets: the last block, partly filled, is kept in memory and written again with what
//! follows it. Its old bytes are written over by the same bytes, as they are when the page cache writes its pages.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use crate::AppendFile;

/// What [`open_append_in_blocks`](crate::Disk::open_append_in_blocks) writes in, in bytes: the blocks of most file systems, and a
/// multiple of the logical blocks of most disks. Where larger ones are asked for, the page cache is used.
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
    /// The file through the page cache: for its end, its sync, and where nothing else is to be had.
    file: File,
    /// The same file around the page cache; `None` where the file system cannot.
    around: Option<File>,
    /// Where the next append begins.
    len: u64,
    /// The bytes of the last block, when it is partly filled.
    last: Vec<u8>,
    place: Place,
}

/// The bytes of the last block of a file of `len` bytes, when that is partly filled.
fn read_last(file: &File, len: u64) -> io::Result<Vec<u8>> {
    let partial = len % BLOCK_BYTES as u64;
    let mut last = vec![0; partial as usize];
    file.read_exact_at(&mut last, len - partial)?;
    Ok(last)
}

/// The file at `path` around the page cache, if that is possible and it is this file.
fn around(file: &File, path: &Path) -> io::Result<Option<File>> {
    match OpenOptions::new().write(true).custom_flags(libc::O_DIRECT).open(path) {
        Ok(around) => {
            let (one, other) = (file.metadata()?, around.metadata()?);
            Ok(((one.dev(), one.ino()) == (other.dev(), other.ino())).then_some(around))
        }
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(None),
        Err(error) => Err(error),
    }
}

impl DirectAppend {
    /// Opens or makes a file.
    pub(crate) fn open(path: &Path, mode: u32) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(mode).open(path)?;
        let len = file.metadata()?.len();
        let (around, last) = (around(&file, path)?, read_last(&file, len)?);
        Ok(Self { file, around, len, last, place: Place::new() })
    }

    /// Writes the first bytes of the place: whole blocks.
    fn write(&mut self, blocks: usize, at: u64) -> io::Result<()> {
        let bytes = &self.place.memory[self.place.from..self.place.from + blocks];
        if let Some(around) = &self.around {
            match around.write_all_at(bytes, at) {
                // The file system took the flag and not the write, or had larger blocks.
                Err(error) if error.kind() == io::ErrorKind::InvalidInput => self.around = None,
                written => return written,
            }
        }
        self.file.write_all_at(bytes, at)
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
        self.write_pieces(pieces).inspect_err(|_| {
            // Gives back what was written: on a full disk others need it.
            let _ = self.file.set_len(self.len);
        })?;
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
        let last = read_last(&self.file, len)?;
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

    fn scratch() -> (tempfile::TempDir, DirectAppend) {
        let dir = tempfile::tempdir().unwrap();
        let file = DirectAppend::open(&dir.path().join("pack"), 0o600).unwrap();
        (dir, file)
    }

    fn content(dir: &tempfile::TempDir) -> Vec<u8> {
        std::fs::read(dir.path().join("pack")).unwrap()
    }

    /// A file system may take the flag and not the write. Most refuse one from memory that does not begin where a sector could.
    #[test]
    fn what_cannot_go_around_the_page_cache_goes_through_it() {
        let (dir, mut file) = scratch();
        file.place.from += 1;
        for piece in [&[1; 5000][..], &[2; 100], &[3; 9000]] {
            file.append(&[piece]).unwrap();
            file.sync().unwrap();
        }
        if file.around.is_some() {
            println!("skipped: {} takes writes from any address", dir.path().display());
        }
        drop(file);
        assert_eq!(content(&dir), [&[1; 5000][..], &[2; 100], &[3; 9000]].concat());
    }

    /// An append that fails halfway leaves the file as long as it was, and the next one takes its place.
    #[test]
    fn an_append_that_fails_leaves_nothing() {
        let (dir, mut file) = scratch();
        let path = dir.path().join("pack");
        file.append(&[&[1; 5000]]).unwrap();
        // The first part of it is written, and then no more can be.
        file.file.write_all_at(&[9; 3 * BLOCK_BYTES], 5000).unwrap();
        file.around = Some(File::open(&path).unwrap());
        file.append(&[&[2; 20_000]]).unwrap_err();
        assert_eq!((file.len(), content(&dir).len()), (5000, 5000));
        file.around = around(&file.file, &path).unwrap();
        assert_eq!(file.append(&[&[3; 100]]).unwrap(), 5000);
        file.sync().unwrap();
        drop(file);
        assert_eq!(content(&dir), [&[1; 5000][..], &[3; 100]].concat());
    }

    /// A name that another file has by now is not written.
    #[test]
    fn another_file_of_that_name_is_not_this_one() {
        let (dir, file) = scratch();
        let path = dir.path().join("pack");
        std::fs::remove_file(&path).unwrap();
        let _other = DirectAppend::open(&path, 0o600).unwrap();
        assert!(around(&file.file, &path).unwrap().is_none());
    }
}
