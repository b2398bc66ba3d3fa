//! Appending to files with `O_DIRECT`, bypassing the page cache.
//!
//! A mail server syncs what it writes at once and rarely reads it soon. Through the page cache, each batch is copied
//! into newly allocated pages (allocated again by the host, on a virtual machine), and the sync then writes them out.
//! With `O_DIRECT` (open(2)) the disk reads from one buffer that is reused. It requires whole blocks at aligned
//! offsets: a partly filled last block is kept in memory and written again with the next append. Its old bytes are
//! overwritten by identical ones, as happens when the page cache writes its pages.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use crate::AppendFile;

/// The block size of [`open_append_in_blocks`](crate::Disk::open_append_in_blocks), in bytes: that of most file
/// systems, and a multiple of most disks' logical blocks. Where larger blocks are required, the page cache is used.
pub const BLOCK_BYTES: usize = 4096;

/// The size of one write, in bytes: large enough that the call costs little compared to the transfer, small enough to
/// stay in the processor's cache while it is copied.
const BUFFER_BYTES: usize = 1 << 20;

/// A buffer whose address is a multiple of [`BLOCK_BYTES`].
struct AlignedBuffer {
    memory: Vec<u8>,
    from: usize,
}

impl AlignedBuffer {
    fn new() -> Self {
        let memory = vec![0; BUFFER_BYTES + BLOCK_BYTES];
        let from = memory.as_ptr().align_offset(BLOCK_BYTES);
        Self { memory, from }
    }

    fn bytes(&mut self) -> &mut [u8] {
        &mut self.memory[self.from..self.from + BUFFER_BYTES]
    }
}

/// A file that grows in whole blocks.
pub(crate) struct DirectAppend {
    /// The file through the page cache: for truncating, syncing, and where `O_DIRECT` is not supported.
    file: File,
    /// The same file opened with `O_DIRECT`; `None` where the file system does not support it.
    direct: Option<File>,
    /// The offset of the next append.
    len: u64,
    /// The bytes of the last block, if it is partly filled.
    last: Vec<u8>,
    buffer: AlignedBuffer,
}

/// The bytes of the last block of a file of `len` bytes, if it is partly filled.
fn read_last(file: &File, len: u64) -> io::Result<Vec<u8>> {
    let partial = len % BLOCK_BYTES as u64;
    let mut last = vec![0; partial as usize];
    file.read_exact_at(&mut last, len - partial)?;
    Ok(last)
}

/// The file at `path` opened with `O_DIRECT`, if that is supported and it is still the same file.
fn direct(file: &File, path: &Path) -> io::Result<Option<File>> {
    match OpenOptions::new().write(true).custom_flags(libc::O_DIRECT).open(path) {
        Ok(direct) => {
            let (one, other) = (file.metadata()?, direct.metadata()?);
            Ok(((one.dev(), one.ino()) == (other.dev(), other.ino())).then_some(direct))
        }
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(None),
        Err(error) => Err(error),
    }
}

impl DirectAppend {
    /// Opens the file, or creates it.
    pub(crate) fn open(path: &Path, mode: u32) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(mode).open(path)?;
        let len = file.metadata()?.len();
        let (direct, last) = (direct(&file, path)?, read_last(&file, len)?);
        Ok(Self { file, direct, len, last, buffer: AlignedBuffer::new() })
    }

    /// Writes the first `blocks` bytes of the buffer, a multiple of the block size.
    fn write(&mut self, blocks: usize, at: u64) -> io::Result<()> {
        let bytes = &self.buffer.memory[self.buffer.from..self.buffer.from + blocks];
        if let Some(direct) = &self.direct {
            match direct.write_all_at(bytes, at) {
                // The file system accepted the flag but not the write, or has larger blocks.
                Err(error) if error.kind() == io::ErrorKind::InvalidInput => self.direct = None,
                written => return written,
            }
        }
        self.file.write_all_at(bytes, at)
    }

    fn write_pieces(&mut self, pieces: &[&[u8]]) -> io::Result<()> {
        let mut filled = self.last.len();
        let mut at = self.len - filled as u64;
        self.buffer.bytes()[..filled].copy_from_slice(&self.last);
        for mut piece in pieces.iter().copied() {
            while !piece.is_empty() {
                let (now, rest) = piece.split_at(piece.len().min(BUFFER_BYTES - filled));
                self.buffer.bytes()[filled..filled + now.len()].copy_from_slice(now);
                filled += now.len();
                piece = rest;
                if filled == BUFFER_BYTES {
                    self.write(BUFFER_BYTES, at)?;
                    at += BUFFER_BYTES as u64;
                    filled = 0;
                }
            }
        }
        let partial = filled % BLOCK_BYTES;
        let blocks = filled.next_multiple_of(BLOCK_BYTES);
        self.buffer.bytes()[filled..blocks].fill(0);
        if blocks > 0 {
            self.write(blocks, at)?;
        }
        self.last.clear();
        self.last.extend_from_slice(&self.buffer.bytes()[filled - partial..filled]);
        Ok(())
    }
}

impl AppendFile for DirectAppend {
    fn len(&self) -> u64 {
        self.len
    }

    fn append(&mut self, pieces: &[&[u8]]) -> io::Result<u64> {
        self.write_pieces(pieces).inspect_err(|_| {
            // Free what was written: on a full disk others need the space.
            let _ = self.file.set_len(self.len);
        })?;
        let offset = self.len;
        self.len += pieces.iter().map(|piece| piece.len() as u64).sum::<u64>();
        Ok(offset)
    }

    fn sync(&mut self) -> io::Result<()> {
        // fdatasync also writes the length and the block map, without which the data could not be read back, and
        // flushes the disk's own cache.
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
        // Cut the zeros after the end. Nothing depends on it.
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

    /// A file system may accept the flag but not the write. Most refuse a write from unaligned memory.
    #[test]
    fn a_refused_direct_write_goes_through_the_page_cache() {
        let (dir, mut file) = scratch();
        file.buffer.from += 1;
        for piece in [&[1; 5000][..], &[2; 100], &[3; 9000]] {
            file.append(&[piece]).unwrap();
            file.sync().unwrap();
        }
        if file.direct.is_some() {
            println!("skipped: {} accepts writes from any address", dir.path().display());
        }
        drop(file);
        assert_eq!(content(&dir), [&[1; 5000][..], &[2; 100], &[3; 9000]].concat());
    }

    /// An append that fails halfway leaves the file at its old length, and the next one overwrites it.
    #[test]
    fn an_append_that_fails_leaves_nothing() {
        let (dir, mut file) = scratch();
        let path = dir.path().join("pack");
        file.append(&[&[1; 5000]]).unwrap();
        // The first part is written, then every write fails.
        file.file.write_all_at(&[9; 3 * BLOCK_BYTES], 5000).unwrap();
        file.direct = Some(File::open(&path).unwrap());
        file.append(&[&[2; 20_000]]).unwrap_err();
        assert_eq!((file.len(), content(&dir).len()), (5000, 5000));
        file.direct = direct(&file.file, &path).unwrap();
        assert_eq!(file.append(&[&[3; 100]]).unwrap(), 5000);
        file.sync().unwrap();
        drop(file);
        assert_eq!(content(&dir), [&[1; 5000][..], &[3; 100]].concat());
    }

    /// If the name now refers to another file, that file is not written.
    #[test]
    fn a_replaced_file_is_not_written() {
        let (dir, file) = scratch();
        let path = dir.path().join("pack");
        std::fs::remove_file(&path).unwrap();
        let _other = DirectAppend::open(&path, 0o600).unwrap();
        assert!(direct(&file.file, &path).unwrap().is_none());
    }
}
