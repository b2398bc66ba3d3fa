//! The machine's own file system.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, IoSlice, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::direct::DirectAppend;
use crate::{AppendFile, Disk, ReadAt, Visibility, shred};

/// The machine's file system, with every sync that POSIX requires for durability.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealDisk;

/// Numbers this process's temporary files, so that no two threads share one.
static TEMPORARY: AtomicU64 = AtomicU64::new(0);

/// The suffix of a temporary file's name, which begins with a dot.
pub(crate) const TEMPORARY_SUFFIX: &str = ".tmp";

fn mode(visibility: Visibility) -> u32 {
    match visibility {
        Visibility::Private => 0o600,
        Visibility::Shared => 0o644,
    }
}

/// The parent directory; for a relative path of one component, the working directory.
pub(crate) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

pub(crate) fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

pub(crate) fn temporary(path: &Path) -> io::Result<PathBuf> {
    hidden(path, TEMPORARY_SUFFIX)
}

/// A hidden name next to `path` that no other thread of this process uses.
pub(crate) fn hidden(path: &Path, suffix: &str) -> io::Result<PathBuf> {
    let name =
        path.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the path has no file name"))?;
    let mut hidden = OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{}{suffix}", TEMPORARY.fetch_add(1, Ordering::Relaxed)));
    Ok(path.with_file_name(hidden))
}

pub(crate) fn write_and_rename(temporary: &Path, path: &Path, bytes: &[u8], visibility: Visibility) -> io::Result<()> {
    // A leftover of an earlier process may have this name; overwrite it.
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(mode(visibility)).open(temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    #[expect(
        clippy::disallowed_methods,
        reason = "the directory is synced below; this is the safe path that the lint points to"
    )]
    fs::rename(temporary, path)?;
    sync_dir(parent(path))
}

impl Disk for RealDisk {
    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        if path.is_dir() {
            return Ok(());
        }
        let above = parent(path);
        if above != path {
            self.create_dir_all(above)?;
        }
        match DirBuilder::new().mode(0o700).create(path) {
            Ok(()) => {}
            // Another thread was faster; sync its entry anyway.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => {}
            Err(error) => return Err(error),
        }
        sync_dir(above)
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        fs::read(path)
    }

    fn write_atomic(&self, path: &Path, bytes: &[u8], visibility: Visibility) -> io::Result<()> {
        let temporary = temporary(path)?;
        let written = write_and_rename(&temporary, path, bytes, visibility);
        if written.is_err() {
            // After a failed rename the temporary file is still there, and the disk may be full. Nothing depends on
            // this.
            let _ = fs::remove_file(&temporary);
        }
        written
    }

    fn replace_shredding(&self, path: &Path, bytes: &[u8], visibility: Visibility) -> io::Result<()> {
        shred::replace(path, bytes, visibility)
    }

    fn shred(&self, path: &Path) -> io::Result<()> {
        shred::shred(path)
    }

    fn finish_shredding(&self, dir: &Path) -> io::Result<()> {
        shred::finish(dir)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)?;
        sync_dir(parent(path))
    }

    fn exists(&self, path: &Path) -> bool {
        path.exists()
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(path)? {
            let name = entry?.file_name().into_string().map_err(|_| {
                io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!("{} contains a name that is not UTF-8", path.display()),
                )
            })?;
            if !(name.starts_with('.') && (name.ends_with(TEMPORARY_SUFFIX) || name.ends_with(shred::DOOMED_SUFFIX))) {
                names.push(name);
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    fn open_append(&self, path: &Path, visibility: Visibility) -> io::Result<Box<dyn AppendFile>> {
        Ok(Box::new(RealAppend::over(RealAppend::file(path, visibility)?)?))
    }

    fn open_append_in_blocks(&self, path: &Path) -> io::Result<Box<dyn AppendFile>> {
        let file = DirectAppend::open(path, mode(Visibility::Private))?;
        sync_dir(parent(path))?;
        Ok(Box::new(file))
    }

    fn open_read(&self, path: &Path) -> io::Result<Box<dyn ReadAt>> {
        Ok(Box::new(RealRead(File::open(path)?)))
    }
}

pub(crate) struct RealAppend {
    file: File,
    /// The offset of the next append.
    len: u64,
    /// An append failed midway, so the file's position is somewhere after `len`.
    misplaced: bool,
}

impl RealAppend {
    /// Opens the file, or creates it; its name is durable then.
    pub(crate) fn file(path: &Path, visibility: Visibility) -> io::Result<File> {
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(mode(visibility)).open(path)?;
        sync_dir(parent(path))?;
        Ok(file)
    }

    /// Appends to an open file.
    pub(crate) fn over(mut file: File) -> io::Result<Self> {
        let len = file.seek(SeekFrom::End(0))?;
        Ok(Self { file, len, misplaced: false })
    }

    fn write(&mut self, pieces: &[&[u8]]) -> io::Result<()> {
        let mut slices: Vec<IoSlice<'_>> = pieces.iter().map(|piece| IoSlice::new(piece)).collect();
        let mut rest = &mut slices[..];
        // Skip leading empty pieces: `write_vectored` of nothing but those returns 0, which is not a failure.
        IoSlice::advance_slices(&mut rest, 0);
        while !rest.is_empty() {
            match self.file.write_vectored(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => IoSlice::advance_slices(&mut rest, written),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl AppendFile for RealAppend {
    fn len(&self) -> u64 {
        self.len
    }

    fn append(&mut self, pieces: &[&[u8]]) -> io::Result<u64> {
        if self.misplaced {
            self.file.seek(SeekFrom::Start(self.len))?;
            self.misplaced = false;
        }
        if let Err(error) = self.write(pieces) {
            self.misplaced = true;
            return Err(error);
        }
        let offset = self.len;
        self.len += pieces.iter().map(|piece| piece.len() as u64).sum::<u64>();
        Ok(offset)
    }

    fn sync(&mut self) -> io::Result<()> {
        // fdatasync also writes the length, without which the data could not be read back (POSIX, and Linux's man
        // page), but not the timestamps.
        self.file.sync_data()
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.misplaced = true;
        self.file.set_len(len)?;
        self.len = len;
        self.file.sync_all()
    }
}

pub(crate) struct RealRead(pub(crate) File);

impl ReadAt for RealRead {
    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        FileExt::read_exact_at(&self.0, buf, offset)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }
}
