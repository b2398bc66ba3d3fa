//! The tamper-evident log of one home, in the form that the C2SP documents give it, so that stock tools read it:
//! tlog-tiles (what the files are), tlog-checkpoint (the signed head), signed-note (the signature), tlog-proof (a proof
//! in one file). The tree is RFC 6962's.
//!
//! Every entry is an equal-sized salted [`Commitment`]: who reads the log learns how many steps were recorded, never
//! what they were. What was recorded is an [`Opening`], kept apart and shown when it may be shown.
//!
//! * [`Log`] appends and proves. What it returns is durable.
//! * [`Receipt`] is what an append gives: it proves, without the log, that a commitment is in it.
//! * [`KeyHistory`] leads from a key that signed the log once to the one that signs it now.
//! * [`verify_dir`] checks a copy of the files with nothing but the log's public key.
//!
//! The bytes are written down in `docs/formats/ledger.md`.

mod audit;
mod checkpoint;
mod copy;
mod entry;
mod error;
mod files;
mod hash;
mod keys;
mod log;
mod merkle;
mod note;
mod receipt;
mod stage;
mod survey;
mod tile;
mod tree;

pub use audit::{Report, verify_dir, verify_extends};
pub use checkpoint::Checkpoint;
pub use copy::LogFiles;
pub use entry::{Commitment, ENTRY_SIZE_BYTES, Opening};
pub use error::LedgerError;
pub use files::published_key;
pub use hash::Hash;
pub use keys::{KeyChange, KeyHistory, key_change_statement};
pub use log::Log;
pub use merkle::{empty_root, leaf_hash, node_hash, verify_consistency, verify_inclusion};
pub use note::{Signer, Verifier};
pub use receipt::{Receipt, verify_opening};
pub use survey::{Survey, survey_dir};
