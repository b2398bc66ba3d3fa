//! What needs no node: verifying a ledger and a package. A court, a journalist or the opposing side runs these.

use std::path::{Path, PathBuf};

use disclosure::AgeIdentity;
use durable::RealDisk;
use ledger::{KeyHistory, Verifier};
use serde::{Deserialize, Serialize};
use terms::Secret;

/// Why nothing could be verified, or a ledger is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the texts say it")]
pub enum VerifyError {
    #[error("{}: {problem}", path.display())]
    File { path: PathBuf, problem: String },
    #[error("the ledger in {} does not verify: {problem}", path.display())]
    Ledger { path: PathBuf, problem: String },
    #[error("the ledger in {} does not continue {}: {problem}", path.display(), since.display())]
    Fork { path: PathBuf, since: PathBuf, problem: String },
    #[error("{0}")]
    Package(String),
}

/// A ledger of which every hash was recomputed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerVerified {
    /// The log's name.
    pub origin: String,
    /// The key that signed the checkpoint.
    pub key: String,
    /// Whether that key was given. If not, it was taken from the directory itself.
    pub key_given: bool,
    /// Earlier keys, each followed by the next in an entry of the log.
    pub earlier_keys: Vec<EarlierKey>,
    /// Entries, each of them read.
    pub entries: u64,
    /// The root, computed from the entries.
    pub root: String,
    /// Tiles and bundles that were compared.
    pub files: u64,
    /// The kept checkpoint that the log continues.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Since>,
}

/// A key that signed the ledger before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct EarlierKey {
    pub key: String,
    /// The entry in which the next key followed.
    pub until: u64,
}

/// A kept checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Since {
    pub checkpoint: PathBuf,
    pub entries: u64,
}

/// Recomputes every hash of the ledger in `dir` and checks its checkpoint; with `since`, also that it continues a kept one.
///
/// # Errors
/// The first thing that is wrong with it; a file that cannot be read.
pub fn verify_ledger(dir: &Path, vkey: Option<&Path>, since: Option<&Path>) -> Result<LedgerVerified, VerifyError> {
    let key = vkey.map(verifier).transpose()?;
    let report = ledger::verify_dir(&RealDisk, dir, key.as_ref())
        .map_err(|error| VerifyError::Ledger { path: dir.to_owned(), problem: error.to_string() })?;
    let since = match since {
        None => None,
        Some(since) => {
            let older = ledger::verify_extends(&RealDisk, dir, &read(since)?, &report.verifier);
            let fork = |error: ledger::LedgerError| VerifyError::Fork {
                path: dir.to_owned(),
                since: since.to_owned(),
                problem: error.to_string(),
            };
            Some(Since { checkpoint: since.to_owned(), entries: older.map_err(fork)?.size })
        }
    };
    let earlier = report.history.changes().iter();
    Ok(LedgerVerified {
        origin: report.verifier.name().to_owned(),
        key: report.verifier.to_string(),
        key_given: report.key_given,
        earlier_keys: earlier.map(|change| EarlierKey { key: change.old.to_string(), until: change.index }).collect(),
        entries: report.size,
        root: report.root.to_string(),
        files: report.files,
        since,
    })
}

/// A package of which everything was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageVerified {
    /// Whether every check passed.
    pub sound: bool,
    /// In the order in which they build upon each other.
    pub checks: Vec<PackageCheck>,
}

/// One question about a package, and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct PackageCheck {
    pub name: String,
    pub passed: bool,
    pub finding: String,
}

/// Checks a package: every byte, every item, every proof.
///
/// # Errors
/// A file that cannot be read, or is not a package.
pub fn verify_package(
    package: &Path,
    identity: Option<&Path>,
    vkey: Option<&Path>,
    keys: Option<&Path>,
) -> Result<PackageVerified, VerifyError> {
    let key = vkey.map(verifier).transpose()?;
    let identity = identity.map(age_identity).transpose()?;
    let history = keys.map(history).transpose()?.unwrap_or_default();
    let report = disclosure::verify_over_keys(package, identity.as_ref(), key.as_ref(), &history)
        .map_err(|error| VerifyError::Package(error.to_string()))?;
    let checks = report.checks.iter().map(|check| {
        let (passed, finding) = match &check.finding {
            Ok(found) => (true, found.clone()),
            Err(why) => (false, why.clone()),
        };
        PackageCheck { name: check.name.to_owned(), passed, finding }
    });
    Ok(PackageVerified { sound: report.is_sound(), checks: checks.collect() })
}

fn read(path: &Path) -> Result<String, VerifyError> {
    std::fs::read_to_string(path).map_err(|error| wrong(path, error))
}

fn wrong(path: &Path, problem: impl std::fmt::Display) -> VerifyError {
    VerifyError::File { path: path.to_owned(), problem: problem.to_string() }
}

fn verifier(path: &Path) -> Result<Verifier, VerifyError> {
    read(path)?.trim().parse().map_err(|error| wrong(path, error))
}

fn history(path: &Path) -> Result<KeyHistory, VerifyError> {
    KeyHistory::parse(&read(path)?).map_err(|error| wrong(path, error))
}

fn age_identity(path: &Path) -> Result<AgeIdentity, VerifyError> {
    Secret::new(read(path)?).expose().parse().map_err(|error| wrong(path, error))
}
