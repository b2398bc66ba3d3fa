//! The package: what an authority receives. A BagIt bag (RFC 8493) in a tar file, sealed with age to the authority's
//! key. It is self-contained evidence: stock tools open and check it (`age`, `tar`, `bagit.py`, `sha256sum`), and
//! [`verify()`] checks the rest from the file alone or, better, with the home's published key.
//!
//! * [`seal()`] writes a package from a [`Package`] and a stream of [`PackageItem`]s, holding one in memory at a time.
//! * [`verify()`] reads a package and reports every check; a flipped byte anywhere makes one fail.
//! * [`unpack()`] unpacks one into a folder.
//! * [`AgeIdentity`] is a key pair for a recipient who has none yet.
//!
//! This crate knows nothing of cases, vault or store: the caller supplies everything, and each item is checked against
//! the stated scope. `docs/formats/package.md` specifies the bytes.

mod bag;
mod certificate;
mod digests;
mod error;
mod key;
mod listing;
mod package;
mod seal;
mod tarball;
mod unpack;
mod verify;

pub use certificate::{Certificate, HOUSE_CERTIFICATE};
pub use error::DisclosureError;
pub use key::{AgeIdentity, AgeRecipient};
pub use package::{CustodyStep, LedgerExtract, Package, PackageItem, PackageOutcome, Scope};
pub use seal::{Sealed, seal};
pub use unpack::unpack;
pub use verify::{Check, Report, verify, verify_over_keys};
