//! One process per directory: two nodes sharing a data directory would overwrite each other's appends.

use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Holds `DIR/lock` by `flock(2)` until it is dropped or the process ends, however it ends. The file contains the
/// process id.
#[derive(Debug)]
pub struct DirLock {
    file: File,
}

/// Why a directory could not be locked.
#[derive(Debug)]
pub enum LockError {
    /// Another process holds the lock.
    Held {
        /// The directory.
        dir: PathBuf,
        /// The process id in the file; `None` if the other process has not written it yet.
        process: Option<u32>,
    },
    /// The file could not be created or locked.
    Io {
        /// The directory.
        dir: PathBuf,
        /// The cause.
        error: io::Error,
    },
}

impl fmt::Display for LockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held { dir, process: Some(process) } => {
                write!(f, "{} is in use by process {process}; stop it, or choose another directory", dir.display())
            }
            Self::Held { dir, process: None } => {
                write!(f, "{} is in use by another process; stop it, or choose another directory", dir.display())
            }
            Self::Io { dir, error } => write!(f, "{} cannot be locked: {error}", dir.display()),
        }
    }
}

impl std::error::Error for LockError {}

impl DirLock {
    /// The locked file, for another process: the lock is held until the last of those who have it has closed it.
    pub fn into_file(self) -> File {
        self.file
    }

    /// The lock, of a file that another process has locked and passed on.
    pub fn of_file(file: File) -> Self {
        Self { file }
    }

    /// The same lock once more, for another process.
    ///
    /// # Errors
    /// The system's.
    pub fn file(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// Locks an existing directory, without waiting.
    pub fn take(dir: &Path) -> Result<Self, LockError> {
        let io = |error| LockError::Io { dir: dir.to_owned(), error };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(dir.join("lock"))
            .map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                let process = file.read_to_string(&mut text).ok().and_then(|_| text.trim().parse().ok());
                return Err(LockError::Held { dir: dir.to_owned(), process });
            }
            Err(TryLockError::Error(error)) => return Err(io(error)),
        }
        // For people and for the message above; the kernel holds the lock, so nothing here need be durable.
        let name = |file: &mut File| {
            file.set_len(0)?;
            file.seek(SeekFrom::Start(0))?;
            writeln!(file, "{}", std::process::id())
        };
        name(&mut file).map_err(io)?;
        Ok(Self { file })
    }
}
