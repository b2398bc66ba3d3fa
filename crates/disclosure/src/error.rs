//! What goes wrong with a package, whose fault it is, and what comes next.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Every failure of this room. A package that fails its checks is no error: it is a [`Report`](crate::Report).
#[derive(Debug)]
pub enum DisclosureError {
    /// The package could not be written. What was written of it is worthless.
    Write(io::Error),
    /// An item could not be collected.
    Collect(Box<dyn std::error::Error + Send + Sync>),
    /// What was handed over contradicts itself; the package would not verify, so it is not made.
    Facts(String),
    /// Ledger proofs that do not prove.
    Ledger(ledger::LedgerError),
    /// The certificate's template asks for something that is not a fact of a package.
    Template(String),
    /// A text is no age recipient.
    Recipient(&'static str),
    /// A text or file is no age identity.
    Identity(&'static str),
    /// A file could not be read or written.
    File {
        /// The file in question.
        path: PathBuf,
        /// What the system said.
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
                    "the package could not be written ({source}): throw the part away, mend the disk, collect again"
                )
            }
            Self::Collect(source) => write!(f, "an item could not be collected ({source}): no package was made"),
            Self::Facts(why) => write!(f, "this package would not verify, so it was not made: {why}"),
            Self::Ledger(source) => write!(f, "the ledger's proofs for this package do not hold: {source}"),
            Self::Template(why) => write!(f, "the certificate's template is wrong: {why}; mend the template"),
            Self::Recipient(why) => {
                write!(f, "this is no age recipient ({why}): ask the authority for the line that begins with age1")
            }
            Self::Identity(why) => {
                write!(f, "this is no age identity ({why}): it is the file that age-keygen wrote, not the public key")
            }
            Self::File { path, source } => write!(f, "{}: {source}", path.display()),
            Self::IdentityNeeded(path) => {
                write!(f, "{} is sealed: name the age identity that opens it", path.display())
            }
            Self::Unseal(why) => write!(
                f,
                "the package does not open ({why}): it is sealed to another key, or it was changed; ask its home for it again"
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
