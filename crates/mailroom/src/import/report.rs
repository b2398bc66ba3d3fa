//! What an import or an export reports: its progress, what it did, what failed.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use store::StoreError;

/// Failures that a report names individually; further ones are only counted.
const FAILURES_NAMED_MAX: usize = 1_000;

/// The progress of an import or export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Messages processed, whether imported, already there, or failed.
    pub done: u64,
    /// Messages in all.
    pub total: u64,
    /// Messages that failed.
    pub failed: u64,
    /// Bytes of the messages processed.
    pub bytes: u64,
}

/// One thing that failed.
///
/// `Debug` prints nothing of it: the names of files may be those of people, or subjects.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The file, and the offset in it for an mbox.
    pub what: String,
    #[allow(missing_docs, reason = "the name says it")]
    pub why: String,
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Failure")
    }
}

impl Failure {
    pub(crate) fn new(file: &Path, offset: Option<u64>, why: &dyn fmt::Display) -> Self {
        let what = match offset {
            Some(offset) => format!("{} at {offset}", file.display()),
            None => file.display().to_string(),
        };
        Self { what, why: why.to_string() }
    }
}

/// The result of an import.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ImportReport {
    /// Messages that were imported.
    pub imported: u64,
    /// Their total size in bytes.
    pub bytes: u64,
    /// Messages that an earlier run had imported.
    pub already_in: u64,
    /// Messages that were not imported.
    pub failed: u64,
    /// The first of them, with the reasons.
    pub failures: Vec<Failure>,
}

impl ImportReport {
    pub(super) fn fail(&mut self, failure: Failure) {
        self.failed += 1;
        if self.failures.len() < FAILURES_NAMED_MAX {
            self.failures.push(failure);
        }
    }
}

/// Why an import stopped. What was imported stays, and the next run continues from there.
#[derive(Debug)]
pub enum ImportError {
    /// The caller's: the source cannot be read at all.
    Source(PathBuf, io::Error),
    /// The caller's: an import of this source into this mailbox is running.
    Running,
    /// The machine's: the journal cannot be written.
    Journal(io::Error),
    /// The store's, about the account, the mailbox or the disk; the text is its own.
    Store(StoreError),
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Source(path, error) => write!(f, "{} cannot be read: {error}", path.display()),
            Self::Running => f.write_str("an import of this source is already running: wait for it"),
            Self::Journal(error) => {
                write!(f, "the import's journal cannot be written: {error}; fix that and run the import again")
            }
            Self::Store(error) => write!(f, "{error}; run the import again to continue"),
        }
    }
}

impl std::error::Error for ImportError {}

impl From<StoreError> for ImportError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
