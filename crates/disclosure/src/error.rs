//! Errors around a package: what failed and what to do next.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Any failure of this crate. A package that fails its checks is not an error but a [`Report`](crate::Report).
#[derive(Debug)]
pub enum DisclosureError {
    /// The package could not be written. Any partial output is unusable.
    Write(io::Error),
    /// An item could not be collected.
    Collect(Box<dyn std::error::Error + Send + Sync>),
    /// The facts supplied contradict each other; the package would not verify, so it was not made.
    Facts(String),
    /// Invalid ledger proofs.
    Ledger(ledger::LedgerError),
    /// The certificate's template refers to an unknown fact.
    Template(String),
    /// Not a valid age recipient.
    Recipient(&'static str),
    /// Not a valid age identity.
    Identity(&'static str),
    /// A file could not be read or written.
    File {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A sealed package was given without the key that opens it.
    IdentityNeeded(PathBuf),
    /// The package cannot be opened with this identity, or is damaged.
    Unseal(String),
}

impl fmt::Display for DisclosureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Write(source) => {
                write!(
                    f,
                    "the package could not be written ({source}); delete the partial file, repair the disk, and collect again"
                )
            }
            Self::Collect(source) => write!(f, "an item could not be collected ({source}); no package was made"),
            Self::Facts(why) => write!(f, "no package was made because it would not verify: {why}"),
            Self::Ledger(source) => write!(f, "the ledger proofs for this package are invalid: {source}"),
            Self::Template(why) => write!(f, "invalid certificate template: {why}; correct the template"),
            Self::Recipient(why) => {
                write!(f, "not an age recipient ({why}); ask the authority for the line that begins with age1")
            }
            Self::Identity(why) => {
                write!(f, "not an age identity ({why}); use the file that age-keygen wrote, not the public key")
            }
            Self::File { path, source } => write!(f, "{}: {source}", path.display()),
            Self::IdentityNeeded(path) => {
                write!(f, "{} is sealed; name the age identity that opens it", path.display())
            }
            Self::Unseal(why) => write!(
                f,
                "the package cannot be opened ({why}); it is sealed to another key, or it was changed; ask its home for another copy"
            ),
        }
    }
}

impl std::error::Error for DisclosureError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Write(source) | Self::File { source, .. } => Some(source),
            Self::Collect(source) => Some(&**source),
            Self::Ledger(source) => Some(source),
            _ => None,
        }
    }
}
