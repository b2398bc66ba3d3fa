//! One process per directory. Two nodes in one data directory would each believe that they alone append.

use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Holds `DIR/lock` by `flock(2)` until dropped, or until the process ends in whatever way. The file names the process.
#[derive(Debug)]
pub struct DirLock {
    _file: File,
}

/// Why a directory could not be locked.
#[derive(Debug)]
pub enum LockError {
    /// Another process has it.
    Held {
        /// The directory.
        dir: PathBuf,
        /// What the other process wrote into the file; `None` when it had no time to.
        process: Option<u32>,
    },
    /// The file could not be made or locked.
    Io {
        /// The directory.
        dir: PathBuf,
        /// What the system said.
        error: io::Error,
    },
}

impl fmt::Display for LockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held { dir, process: Some(process) } => {
                write!(f, "{} is in use by process {process}: stop it, or choose another directory", dir.display())
            }
            Self::Held { dir, process: None } => {
                write!(f, "{} is in use by another process: stop it, or choose another directory", dir.display())
            }
            Self::Io { dir, error } => write!(f, "{} cannot be locked: {error}", dir.display()),
        }
    }
}

impl std::error::Error for LockError {}

impl DirLock {
    /// Takes the lock of an existing directory, without waiting.
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
        // For people and for the message above; the lock itself is the kernel's, so nothing here need be durable.
        let name = |file: &mut File| {
            file.set_len(0)?;
            file.seek(SeekFrom::Start(0))?;
            writeln!(file, "{}", std::process::id())
        };
        name(&mut file).map_err(io)?;
        Ok(Self { _file: file })
    }
}
