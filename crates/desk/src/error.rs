//! What can go wrong at the desk, in words for the person at it.

use std::fmt;
use std::path::{Path, PathBuf};

use terms::{CaseId, OfficerName};

/// Why an action was not done. Nothing is lost by any of these: the case stands where it stood.
#[derive(Debug)]
pub enum DeskError {
    /// The demand file is not understood; the text says where.
    Demand(String),
    /// There is no such case.
    NoCase(CaseId),
    /// The case is not in a state for this action; the text says what comes next.
    NotNow(String),
    /// The officer approved already; another one must.
    SameOfficer(OfficerName),
    /// A file of the desk.
    File(PathBuf, std::io::Error),
    /// A case file is damaged.
    Damaged(PathBuf, String),
    /// The vault says no.
    Vault(vault::VaultError),
    /// The ledger took no entry, so the step was not done.
    Ledger(ledger::LedgerError),
    /// The store says no.
    Store(store::StoreError),
    /// A law set, a signature under it, or the law directory; the text says which and what comes next.
    Law(String),
    /// The package could not be made.
    Package(String),
}

impl DeskError {
    /// A file error at `path`.
    pub(crate) fn file(path: &Path, error: std::io::Error) -> Self {
        Self::File(path.to_owned(), error)
    }
}

impl fmt::Display for DeskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Demand(what) => write!(f, "the demand is not understood: {what}"),
            Self::NoCase(id) => write!(f, "there is no case {id}; `case list` shows them"),
            Self::NotNow(what) => f.write_str(what),
            Self::SameOfficer(name) => {
                write!(f, "{name} has approved this order already; the second approval is another officer's")
            }
            Self::File(path, error) => write!(f, "{}: {error}", path.display()),
            Self::Damaged(path, what) => {
                write!(f, "{} is damaged ({what}); restore it from the backup", path.display())
            }
            Self::Vault(error) => error.fmt(f),
            Self::Ledger(error) => write!(f, "the ledger took no entry, so nothing was done: {error}"),
            Self::Store(error) => error.fmt(f),
            Self::Law(what) => f.write_str(what),
            Self::Package(what) => write!(f, "the package was not made: {what}"),
        }
    }
}

impl std::error::Error for DeskError {}

impl From<vault::VaultError> for DeskError {
    fn from(error: vault::VaultError) -> Self {
        Self::Vault(error)
    }
}

impl From<ledger::LedgerError> for DeskError {
    fn from(error: ledger::LedgerError) -> Self {
        Self::Ledger(error)
    }
}

impl From<store::StoreError> for DeskError {
    fn from(error: store::StoreError) -> Self {
        Self::Store(error)
    }
}
