//! What a node tells its operator by itself, for the debug log.

use std::fmt;

/// What happened that no caller waits for. It names no person.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the texts say it")]
pub enum Note {
    Unlocked,
    ClosingFinished,
    ClosingStands(String),
    IndexStays(String),
    DayKeysStay(String),
    /// Which key, and why.
    RotationStands(&'static str, String),
    NotCopied(String),
}

impl Note {
    /// Whether something is wrong.
    pub fn is_trouble(&self) -> bool {
        !matches!(self, Self::Unlocked | Self::ClosingFinished)
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unlocked => f.write_str("the node is unlocked"),
            Self::ClosingFinished => f.write_str("the interrupted closing of an account is finished"),
            Self::ClosingStands(error) => {
                write!(f, "an account could not be closed completely; it is tried again every half minute: {error}")
            }
            Self::IndexStays(error) => write!(f, "the index of a closed account could not be removed: {error}"),
            Self::DayKeysStay(error) => write!(f, "expired day keys could not be destroyed: {error}"),
            Self::RotationStands(key, error) => write!(f, "the replacement of the {key} does not proceed: {error}"),
            Self::NotCopied(error) => {
                write!(f, "the ledger and the desk could not be copied to the places for backups: {error}")
            }
        }
    }
}
