//! The package: what an authority gets. A BagIt bag (RFC 8493) in a tar file, sealed with age to the authority's key,
//! that proves itself: stock tools open and check it (`age`, `tar`, `bagit.py`, `sha256sum`), and [`verify()`] checks the
//! rest with nothing but the file and, better, the home's published key.
//!
//! * [`seal()`] writes a package from a [`Package`] and a stream of [`Item`]s, one in memory at a time.
//! * [`verify()`] reads one and reports every check; one flipped byte anywhere fails one.
//! * [`unpack()`] opens one into a folder.
//! * [`AgeIdentity`] is a key for whoever has none yet.
//!
//! This room knows no case, no vault and no store: what goes in is handed over, and what it may hold is checked against
//! the scope it states. The bytes are written down in `docs/formats/package.md`.

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
pub use package::{CustodyStep, Item, LedgerExtract, Outcome, Package, Scope};
pub use seal::{Sealed, seal};
pub use unpack::unpack;
pub use verify::{Check, Report, verify, verify_over_keys};
