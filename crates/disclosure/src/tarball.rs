//! The tar file: POSIX ustar in one canonical form. The same bag at the same time gives the same tar file, and the
//! reader demands exactly these bytes, so that a changed owner, mode or padding byte is detected like a changed
//! message.

use std::io::{self, Read, Write};

use tar::{EntryType, Header};

const BLOCK: usize = 512;

/// The header of a file: mode 0644, owner 0:0 without names, and the time of sealing.
fn header(path: &str, size_bytes: u64, mtime: u64) -> io::Result<Header> {
    let mut header = Header::new_ustar();
    header.set_path(path)?;
    header.set_entry_type(EntryType::Regular);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(mtime);
    header.set_size(size_bytes);
    header.set_cksum();
    Ok(header)
}

fn padding(size_bytes: u64) -> usize {
    let beyond = (size_bytes % BLOCK as u64) as usize;
    (BLOCK - beyond) % BLOCK
}

/// Writes the tar file.
pub(crate) struct TarWriter<W> {
    out: W,
    /// Unix seconds.
    mtime: u64,
}

impl<W: Write> TarWriter<W> {
    pub(crate) fn new(out: W, mtime: u64) -> Self {
        Self { out, mtime }
    }

    pub(crate) fn file(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        let size_bytes = bytes.len() as u64;
        self.out.write_all(header(path, size_bytes, self.mtime)?.as_bytes())?;
        self.out.write_all(bytes)?;
        self.out.write_all(&[0; BLOCK][..padding(size_bytes)])
    }

    /// Writes the two zero blocks that end the file.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        self.out.write_all(&[0; 2 * BLOCK])?;
        Ok(self.out)
    }
}

/// Reads a tar file exactly as [`TarWriter`] writes it and refuses any other. Passes each file to `take` as its path,
/// its size, and a reader of its bytes; returns the common `mtime`.
pub(crate) fn read_tar(
    mut input: impl Read,
    mut take: impl FnMut(&str, u64, &mut dyn Read) -> io::Result<()>,
) -> io::Result<u64> {
    let mut mtime = None;
    loop {
        let mut block = [0; BLOCK];
        input.read_exact(&mut block)?;
        if block == [0; BLOCK] {
            break;
        }
        let found = Header::from_byte_slice(&block);
        let path =
            String::from_utf8(found.path_bytes().into_owned()).map_err(|_| refused("a path that is not UTF-8"))?;
        let (size_bytes, moment) = (found.entry_size()?, found.mtime()?);
        let canonical = header(&path, size_bytes, moment)?;
        if canonical.as_bytes() != &block || *mtime.get_or_insert(moment) != moment {
            return Err(refused("a header that differs from the form in which packages are written"));
        }
        let mut body = (&mut input).take(size_bytes);
        take(&path, size_bytes, &mut body)?;
        if body.limit() != 0 {
            return Err(refused("a file shorter than its header says"));
        }
        let padding = &mut [0; BLOCK][..padding(size_bytes)];
        input.read_exact(padding)?;
        if padding.iter().any(|byte| *byte != 0) {
            return Err(refused("bytes between the files"));
        }
    }
    let mut end = Vec::new();
    input.take(2 * BLOCK as u64).read_to_end(&mut end)?;
    if end != [0; BLOCK] {
        return Err(refused("data after the last file"));
    }
    mtime.ok_or_else(|| refused("no files"))
}

/// An error for bytes that are not a package of ours.
pub(crate) fn refused(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> io::Result<Vec<(String, Vec<u8>)>> {
        let mut files = Vec::new();
        read_tar(bytes, |path, size, body| {
            let mut content = Vec::new();
            body.read_to_end(&mut content)?;
            if content.len() as u64 != size {
                return Err(refused("short"));
            }
            files.push((path.to_owned(), content));
            Ok(())
        })?;
        Ok(files)
    }

    #[test]
    fn every_changed_byte_is_detected() {
        let mut writer = TarWriter::new(Vec::new(), 1_795_411_159);
        writer.file("bag/bagit.txt", b"hello").unwrap();
        writer.file("bag/data/empty", b"").unwrap();
        writer.file("bag/data/block", &[7; 512]).unwrap();
        let tar = writer.finish().unwrap();
        let files = read(&tar).unwrap();
        assert_eq!(files.iter().map(|(_, bytes)| bytes.len()).collect::<Vec<_>>(), [5, 0, 512]);
        for at in 0..tar.len() {
            for bit in [0, 5, 7] {
                let mut flipped = tar.clone();
                flipped[at] ^= 1 << bit;
                assert!(read(&flipped).ok() != Some(files.clone()), "byte {at}");
            }
        }
        for cut in 0..tar.len() {
            assert!(read(&tar[..cut]).is_err(), "cut at {cut}");
        }
        assert!(read(&[&tar[..], &[0]].concat()).is_err());
        // A header that promises more than there is, up to the largest size.
        for size_bytes in [1, 512, u64::MAX - 600, u64::MAX] {
            let promised = [header("bag/x", size_bytes, 0).unwrap().as_bytes(), &tar[tar.len() - 1024..]].concat();
            assert!(read(&promised).is_err(), "{size_bytes}");
        }
        // Stock tools can read it; the tar crate's reader represents them here.
        let names: Vec<_> =
            tar::Archive::new(&tar[..]).entries().unwrap().map(|e| e.unwrap().path().unwrap().into_owned()).collect();
        assert_eq!(names.len(), 3);
    }
}
