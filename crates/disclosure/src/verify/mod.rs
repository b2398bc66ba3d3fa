//! Verifying a package, sealed or not, without a server. All checks are run and reported even after one has failed: a
//! court wants to know what is wrong, not only whether something is.

mod checks;
mod contents;

use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use ledger::{KeyHistory, Verifier};

use crate::DisclosureError;
use crate::key::AgeIdentity;
use contents::Contents;

/// The first line of an age file, without armor.
const AGE_MAGIC: &[u8] = b"age-encryption.org/v1\n";

/// One check and its result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// The name of the check.
    pub name: &'static str,
    /// What was found: `Ok` if the check passed.
    pub finding: Result<String, String>,
}

/// All checks of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// In the order in which they build on each other.
    pub checks: Vec<Check>,
}

impl Report {
    /// Whether every check passed.
    pub fn is_sound(&self) -> bool {
        !self.checks.is_empty() && self.checks.iter().all(|check| check.finding.is_ok())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for check in &self.checks {
            match &check.finding {
                Ok(found) => writeln!(f, "ok    {:<12} {found}", check.name)?,
                Err(why) => writeln!(f, "FAIL  {:<12} {why}", check.name)?,
            }
        }
        let failed = self.checks.iter().filter(|check| check.finding.is_err()).count();
        match failed {
            0 => write!(f, "The package is sound: {} checks passed.", self.checks.len()),
            _ => write!(f, "DO NOT RELY ON THIS PACKAGE: {failed} of {} checks failed.", self.checks.len()),
        }
    }
}

/// Verifies the package at `path`: a sealed file, which `identity` opens; a tar file; or an unpacked folder. `key` is
/// the home's ledger key as the home publishes it. Without it the copy in the package is used, and the report says so:
/// that shows that the package is consistent, not who made it.
///
/// # Errors
/// [`DisclosureError::File`] if there is nothing to read, [`DisclosureError::IdentityNeeded`] for a sealed package
/// without an identity. Everything else is a finding.
pub fn verify(path: &Path, identity: Option<&AgeIdentity>, key: Option<&Verifier>) -> Result<Report, DisclosureError> {
    verify_over_keys(path, identity, key, &KeyHistory::default())
}

/// Like [`verify`]; `history` is the home's published key history, which links the package's key and `key`, in either
/// direction.
pub fn verify_over_keys(
    path: &Path,
    identity: Option<&AgeIdentity>,
    key: Option<&Verifier>,
    history: &KeyHistory,
) -> Result<Report, DisclosureError> {
    let report = |contents| report(contents, key, history);
    let failure = |source| DisclosureError::File { path: path.to_owned(), source };
    if path.is_dir() {
        return Ok(report(Contents::of_folder(path)));
    }
    let mut file = BufReader::new(File::open(path).map_err(failure)?);
    let is_age = file.fill_buf().map_err(failure)?.starts_with(AGE_MAGIC);
    if is_age || path.extension().is_some_and(|ending| ending == "age") {
        let identity = identity.ok_or_else(|| DisclosureError::IdentityNeeded(path.to_owned()))?;
        Ok(match unsealed(file, identity) {
            Ok(tar) => report(Contents::of_tar(tar)),
            Err(why) => report(Err(why)),
        })
    } else {
        Ok(report(Contents::of_tar(file)))
    }
}

/// The tar file in a sealed package. Every byte is authenticated before it is passed on.
pub(crate) fn unsealed(file: BufReader<File>, identity: &AgeIdentity) -> Result<impl Read + use<>, String> {
    let opened = age::Decryptor::new_buffered(file).map_err(|error| error.to_string())?;
    let stream = opened.decrypt(std::iter::once(identity.inner())).map_err(|error| error.to_string())?;
    Ok(BufReader::new(stream))
}

fn report(contents: Result<Contents, String>, key: Option<&Verifier>, history: &KeyHistory) -> Report {
    match contents {
        Err(why) => Report { checks: vec![Check { name: "container", finding: Err(why) }] },
        Ok(contents) => {
            let container = Check { name: "container", finding: Ok(contents.container.clone()) };
            let mut checks = vec![container];
            checks.extend(checks::all(&contents, key, history));
            Report { checks }
        }
    }
}
