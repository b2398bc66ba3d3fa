//! What goes wrong, whose fault it is, and what comes next.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Every failure of the ledger.
#[derive(Debug)]
pub enum LedgerError {
    /// The disk refused. Where this comes from [`Log::append`](crate::Log::append), nothing was recorded.
    Disk {
        /// The file in question.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The files of a log contradict each other or their signature. Not repaired here: evidence is not rewritten.
    Damaged {
        /// The file in question.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A log is in the directory already.
    Exists(PathBuf),
    /// There is no log in the directory.
    Missing(PathBuf),
    /// The log in the directory belongs to another origin or key than the one given.
    OtherKey {
        /// The verifier key of the files.
        found: String,
        /// The verifier key asked for.
        wanted: String,
    },
    /// A text is no signed note, checkpoint, verifier key or proof.
    Malformed(&'static str),
    /// No signature by the known key, or a false one.
    Signature,
    /// Whoever holds the key cannot sign now.
    NoSignature {
        /// What the holder of the key said.
        why: String,
    },
    /// The proof does not lead from the entry to the root of the checkpoint.
    NotIncluded,
    /// The newer tree does not continue the older one.
    NotConsistent,
    /// An index or a size beyond the log was asked for.
    OutOfRange {
        /// What was asked for.
        asked: u64,
        /// How many entries there are.
        size: u64,
    },
    /// The last append may or may not have been recorded, and the disk does not say. Nothing more is appended until
    /// it does.
    InDoubt {
        /// What the system said.
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
                "the disk refused {}: {source}; nothing was recorded in the ledger: free space or mend the disk, then \
                 try again",
                path.display()
            ),
            Self::Damaged { path, why } => write!(
                f,
                "the ledger's files do not agree: {}: {why}; stop, keep these files as evidence, compare them with a \
                 witness or a backup, and restore the newest copy that `bailiwick ledger verify` accepts",
                path.display()
            ),
            Self::Exists(path) => {
                write!(f, "{} holds a ledger already: open it, or choose another folder", path.display())
            }
            Self::Missing(path) => write!(
                f,
                "{} holds no ledger (no `checkpoint`): check the path; if there was one, restore it from a backup",
                path.display()
            ),
            Self::OtherKey { found, wanted } => write!(
                f,
                "this ledger is signed as {found}, not as {wanted}: the folder belongs to another node, or its key was \
                 replaced"
            ),
            Self::Malformed(what) => write!(f, "malformed: {what}; ask whoever sent it for it again"),
            Self::NoSignature { why } => {
                write!(f, "nothing was recorded in the ledger, which cannot be signed now: {why}")
            }
            Self::Signature => {
                f.write_str("not signed by the ledger's key: do not rely on it, and ask its home for the original")
            }
            Self::NotIncluded => f.write_str(
                "the proof does not lead from the entry to the checkpoint: it is not shown to be in the ledger",
            ),
            Self::NotConsistent => f.write_str(
                "the newer checkpoint does not continue the older one: the ledger was rewritten or forked; keep both \
                 checkpoints, they are the evidence",
            ),
            Self::OutOfRange { asked, size } => {
                write!(f, "entry or size {asked} was asked of a ledger of {size} entries")
            }
            Self::InDoubt { source } => write!(
                f,
                "the disk failed while the ledger's checkpoint was being replaced ({source}); whether the entry was \
                 recorded is settled when the disk answers again; treat it as not recorded"
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
