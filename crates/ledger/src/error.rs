//! The ledger's errors: what failed and what to do next.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Any failure of the ledger.
#[derive(Debug)]
pub enum LedgerError {
    /// A disk error. From [`Log::append`](crate::Log::append) it means that nothing was recorded.
    Disk {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The files of a log contradict each other or their signature. They are evidence and are not repaired.
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The directory already contains a log.
    Exists(PathBuf),
    /// The directory contains no log.
    Missing(PathBuf),
    /// The log in the directory has a different origin or key from the one given.
    OtherKey {
        /// The verifier key of the files.
        found: String,
        /// The expected verifier key.
        wanted: String,
    },
    /// The text is not a valid signed note, checkpoint, verifier key or proof.
    Malformed(&'static str),
    /// The expected key's signature is missing or invalid.
    Signature,
    /// The signer is currently unavailable.
    NoSignature {
        /// The signer's reason.
        why: String,
    },
    /// The proof does not lead from the entry to the root of the checkpoint.
    NotIncluded,
    /// The newer tree does not continue the older one.
    NotConsistent,
    /// The requested index or size is beyond the log.
    OutOfRange {
        /// The requested index or size.
        asked: u64,
        /// The number of entries.
        size: u64,
    },
    /// The last append may or may not have been recorded, and the disk cannot be read to find out. Nothing more is
    /// appended until it can.
    InDoubt {
        /// The cause.
        source: io::Error,
    },
}

impl LedgerError {
    pub(crate) fn disk(path: &Path, source: io::Error) -> Self {
        Self::Disk { path: path.to_owned(), source }
    }

    pub(crate) fn damaged(path: &Path, why: impl Into<String>) -> Self {
        Self::Damaged { path: path.to_owned(), why: why.into() }
    }
}

impl fmt::Display for LedgerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disk { path, source } => write!(
                f,
                "disk error at {}: {source}; nothing was recorded in the ledger; free space or repair the disk, then try again",
                path.display()
            ),
            Self::Damaged { path, why } => write!(
                f,
                "the ledger's files are inconsistent: {}: {why}; stop, keep these files as evidence, compare them with a witness or a backup, and restore the newest copy that `bailiwick ledger verify` accepts",
                path.display()
            ),
            Self::Exists(path) => {
                write!(f, "{} already contains a ledger; open it, or choose another folder", path.display())
            }
            Self::Missing(path) => write!(
                f,
                "{} contains no ledger (no `checkpoint`); check the path; if there was one, restore it from a backup",
                path.display()
            ),
            Self::OtherKey { found, wanted } => write!(
                f,
                "this ledger is signed by {found}, not by {wanted}; the folder belongs to another node, or its key was replaced"
            ),
            Self::Malformed(what) => write!(f, "malformed: {what}; ask the sender for it again"),
            Self::NoSignature { why } => {
                write!(f, "nothing was recorded in the ledger because it cannot be signed now: {why}")
            }
            Self::Signature => {
                f.write_str("not signed by the ledger's key; do not rely on it, and ask its home for the original")
            }
            Self::NotIncluded => f.write_str(
                "the proof does not lead from the entry to the checkpoint, so it does not show that the entry is in the ledger",
            ),
            Self::NotConsistent => f.write_str(
                "the newer checkpoint does not extend the older one: the ledger was rewritten or forked; keep both checkpoints as evidence",
            ),
            Self::OutOfRange { asked, size } => {
                write!(f, "entry or size {asked} is beyond the ledger's {size} entries")
            }
            Self::InDoubt { source } => write!(
                f,
                "the disk failed while the ledger's checkpoint was being replaced ({source}); until it can be read again it is unknown whether the entry was recorded; treat it as not recorded"
            ),
        }
    }
}

impl std::error::Error for LedgerError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Disk { source, .. } | Self::InDoubt { source } => Some(source),
            _ => None,
        }
    }
}
