//! The tamper-evident log of one home, in the C2SP formats, so that stock tools can read it: tlog-tiles (the files),
//! tlog-checkpoint (the signed head), signed-note (the signature), tlog-proof (a proof in one file). The tree is that
//! of RFC 6962.
//!
//! Every entry is a salted [`Commitment`] of equal size: the log shows how many events were recorded, never what they
//! were. What was recorded is an [`Opening`], which is kept separately and disclosed when it may be.
//!
//! * [`Log`] appends and proves. What it returns is durable.
//! * [`Receipt`] is the result of an append: it proves, without access to the log, that a commitment is in it.
//! * [`KeyHistory`] links each key that has signed the log to the next, up to the current one.
//! * [`verify_dir`] checks a copy of the files using only the log's public key.
//!
//! `docs/formats/ledger.md` specifies the bytes.

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
