//! What can go wrong at the desk, in words for the person at it. An error crosses the control socket as it is: what the
//! rooms below say is kept as text.

use std::fmt;
use std::path::Path;

use rules::{Deadline, Outcome};
use serde::{Deserialize, Serialize};
use terms::{CaseId, OfficerName};

use crate::law::LawError;
use crate::next::NextAction;

/// Why an action was not done. Nothing is lost by any of these: the case stands where it stood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeskError {
    /// The demand file is not understood; the text says where.
    Demand(String),
    /// There is no such case.
    NoCase(CaseId),
    /// The case is not in a state for this action.
    NotNow {
        /// The case.
        case: CaseId,
        /// Why.
        why: Box<NotNow>,
        /// What is to be done instead, if anything is.
        next: Option<Box<NextAction>>,
    },
    /// The officer has approved already; another one must.
    SameOfficer(OfficerName),
    /// Nobody of this name is an officer of the home.
    NotEnrolled(OfficerName),
    /// That is not this officer's passphrase.
    WrongPassphrase(OfficerName),
    /// The node is busy, locked, or was interrupted; the same call may succeed later.
    TryAgain(String),
    /// A file of the desk cannot be read or written.
    File {
        /// The file.
        path: String,
        /// What the system said.
        problem: String,
    },
    /// A file of the desk does not open, or is not what its name says.
    Damaged {
        /// The file.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The vault refuses.
    Vault(String),
    /// The ledger took no entry, so nothing was done.
    Ledger(String),
    /// The store refuses.
    Store(String),
    /// A law set, a signature under it, or the law directory.
    Law(LawError),
    /// The package could not be made.
    Package(String),
}

/// Why a case is not in a state for an action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotNow {
    /// The intake is not finished.
    IntakeUnfinished,
    /// No account at this node has the address that the demand names.
    NoSuchAccount,
    /// The rules leave nothing for officers to approve.
    NothingToApprove(Outcome),
    /// No two officers can open the mailbox.
    OwnerCustody,
    /// Fewer than two officers have approved.
    NotApproved,
    /// Two officers have approved already.
    AlreadyApproved,
    /// The share that the other officer released was used up.
    ShareUsedUp,
    /// There is no clearance that is valid now.
    NoClearance,
    /// The rules let nothing leave before this moment.
    NotBefore(Deadline),
    /// The package, at this path, is sealed.
    AlreadySealed(String),
    /// The case ended with a letter.
    LetterWritten,
    /// No letter is due.
    NoLetter,
    /// The rules compel everything that is asked for, so there is nothing to refuse.
    NothingRefused,
}

impl DeskError {
    pub(crate) fn file(path: &Path, error: impl fmt::Display) -> Self {
        Self::File { path: path.display().to_string(), problem: error.to_string() }
    }

    pub(crate) fn damaged(path: &Path, problem: impl fmt::Display) -> Self {
        Self::Damaged { path: path.display().to_string(), problem: problem.to_string() }
    }

    pub(crate) fn not_now(case: CaseId, why: NotNow, next: impl Into<Option<NextAction>>) -> Self {
        Self::NotNow { case, why: Box::new(why), next: next.into().map(Box::new) }
    }
}

impl fmt::Display for DeskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Demand(what) => write!(f, "the demand cannot be read: {what}"),
            Self::NoCase(id) => write!(f, "there is no case {id}"),
            Self::NotNow { case, why, .. } => write!(f, "case {case}: {why}"),
            Self::SameOfficer(name) => {
                write!(f, "{name} has already approved this order; the second approval must come from another officer")
            }
            Self::NotEnrolled(name) => {
                write!(f, "{name} is not an officer of this home; an enrolled officer must approve")
            }
            Self::WrongPassphrase(name) => write!(f, "that is not the passphrase of officer {name}; try again"),
            Self::File { path, problem } => write!(f, "{path}: {problem}"),
            Self::Damaged { path, problem } => {
                write!(f, "{path} is damaged ({problem}); restore it from the backup")
            }
            Self::Ledger(what) => write!(f, "the ledger took no entry, so nothing was done: {what}"),
            Self::TryAgain(what) | Self::Vault(what) | Self::Store(what) => f.write_str(what),
            Self::Law(error) => error.fmt(f),
            Self::Package(what) => write!(f, "the package was not made: {what}"),
        }
    }
}

impl fmt::Display for NotNow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::IntakeUnfinished => f.write_str("its intake is not finished"),
            Self::NoSuchAccount => f.write_str("no account at this node has the address in the demand"),
            Self::NothingToApprove(outcome) => write!(f, "there is nothing to approve; the outcome is {outcome}"),
            Self::OwnerCustody => f.write_str(
                "the mailbox is in owner custody: the provider holds only ciphertext, which no two officers can open",
            ),
            Self::NotApproved => f.write_str("two officers have not approved yet"),
            Self::AlreadyApproved => f.write_str("two officers have already approved"),
            Self::ShareUsedUp => f.write_str("the share released by the other officer has been used up"),
            Self::NoClearance => f.write_str("there is no valid clearance: it was not issued, was lost, or has expired"),
            Self::NotBefore(wait) => {
                write!(f, "nothing may leave before {} ({}): {} [{}]", wait.local, wait.utc, wait.what, wait.rule)
            }
            Self::AlreadySealed(path) => write!(f, "its package is already sealed: {path}"),
            Self::LetterWritten => {
                f.write_str("it ended with a letter; to reopen the matter, serve the demand again")
            }
            Self::NoLetter => f.write_str("no letter is due"),
            Self::NothingRefused => f.write_str(
                "the rules compel everything that is asked for, so there is nothing to refuse; departing from the rules \
                 is a decision for counsel, with reasons",
            ),
        }
    }
}

impl std::error::Error for DeskError {}

impl From<vault::VaultError> for DeskError {
    fn from(error: vault::VaultError) -> Self {
        match error {
            vault::VaultError::Order(vault::OrderError::NotEnrolled(officer)) => Self::NotEnrolled(officer),
            vault::VaultError::Officer(vault::OfficerError::WrongOfficerPassphrase(officer)) => {
                Self::WrongPassphrase(officer)
            }
            error if error.is_temporary() => Self::TryAgain(error.to_string()),
            error => Self::Vault(error.to_string()),
        }
    }
}

impl From<ledger::LedgerError> for DeskError {
    fn from(error: ledger::LedgerError) -> Self {
        Self::Ledger(error.to_string())
    }
}

impl From<store::StoreError> for DeskError {
    fn from(error: store::StoreError) -> Self {
        Self::Store(error.to_string())
    }
}

impl From<LawError> for DeskError {
    fn from(error: LawError) -> Self {
        Self::Law(error)
    }
}
