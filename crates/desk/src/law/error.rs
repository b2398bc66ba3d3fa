//! What can go wrong with a law set, a signature under it, or the law directory.

use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};
use terms::Digest;

/// Why a law set was not read, adopted or confirmed. The set in use is the one that it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LawError {
    /// A file of the law directory cannot be read or written.
    File {
        /// The file.
        path: String,
        /// What the system said.
        problem: String,
    },
    /// A kept law set is not what was kept.
    Damaged {
        /// Its file.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
    /// `current` names no set.
    NoneInUse,
    /// No set of this name was ever in use at this node.
    NeverInUse(String),
    /// The set lacks a file that every set has.
    Lacks(String),
    /// The files are not a law set; the text names each mistake.
    DoesNotLoad(String),
    /// The set has no cases, or its cases do not pass; the text is the report.
    CheckFails(String),
    /// The node's configuration names no counsel.
    NoCounsel,
    /// The note is not counsel's signature under this set.
    NotSigned {
        /// The name of counsel's key.
        counsel: String,
        /// The set.
        set: Digest,
    },
    /// The note is not signed by counsel.
    NotCounsels {
        /// The name of counsel's key.
        counsel: String,
        /// What is wrong with the note.
        problem: String,
    },
    /// The note is not about a rule of the set in use as it stands.
    NoSuchRule,
}

impl LawError {
    pub(super) fn file(path: &Path, error: impl fmt::Display) -> Self {
        Self::File { path: path.display().to_string(), problem: error.to_string() }
    }

    pub(super) fn damaged(path: &Path, problem: impl fmt::Display) -> Self {
        Self::Damaged { path: path.display().to_string(), problem: problem.to_string() }
    }
}

impl fmt::Display for LawError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, problem } => write!(f, "{path}: {problem}"),
            Self::Damaged { path, problem } => write!(f, "{path} is damaged ({problem}); restore it from the backup"),
            Self::NoneInUse => f.write_str("no law set is in use"),
            Self::NeverInUse(name) => write!(f, "this node never had the law set {name} in use"),
            Self::Lacks(path) => write!(f, "the law set lacks {path}"),
            Self::DoesNotLoad(what) => f.write_str(what),
            Self::CheckFails(report) => {
                write!(f, "a law set is adopted only when it has cases and passes its check:\n{report}")
            }
            Self::NoCounsel => f.write_str(
                "this node has no counsel: put counsel's public key into node.toml as `counsel` and restart the node; \
                 `law counsel-key` makes a key",
            ),
            Self::NotSigned { counsel, set } => write!(
                f,
                "the signature is not that of {counsel} under the law set {set}; sign this exact set with `law sign`"
            ),
            Self::NotCounsels { counsel, problem } => write!(f, "the note is not signed by {counsel}: {problem}"),
            Self::NoSuchRule => f.write_str(
                "the note does not match a rule of the law set in use as it stands; sign the rule from this exact set",
            ),
        }
    }
}

impl std::error::Error for LawError {}
