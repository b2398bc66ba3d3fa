//! The proof that an append returns. It is complete: it can be verified without the log.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

use crate::LedgerError;
use crate::checkpoint::Checkpoint;
use crate::entry::{Commitment, Opening};
use crate::hash::Hash;
use crate::merkle::verify_inclusion;
use crate::note::Verifier;

/// The first line of a `.tlog-proof` (<https://c2sp.org/tlog-proof>).
const PROOF_HEADER: &str = "c2sp.org/tlog-proof@v1";

/// A proof is at most as long as the tree is high, and sizes are `u64`.
const PROOF_HASHES_MAX: usize = 64;

/// The index of an entry, the path from it to the root, and the signed checkpoint with that root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Counted from 0.
    pub index: u64,
    /// From the leaf's sibling up (RFC 6962 section 2.1.1).
    pub proof: Vec<Hash>,
    /// The signed note.
    pub checkpoint: String,
}

impl Receipt {
    /// Verifies that `commitment` is in the log of `verifier`.
    ///
    /// # Errors
    /// [`LedgerError::Signature`] if the log did not sign the checkpoint, [`LedgerError::NotIncluded`] if the entry is
    /// not there, [`LedgerError::Malformed`].
    pub fn verify(&self, commitment: &Commitment, verifier: &Verifier) -> Result<(), LedgerError> {
        let checkpoint = Checkpoint::verify(&self.checkpoint, verifier)?;
        verify_inclusion(&commitment.leaf(), self.index, checkpoint.size, &self.proof, &checkpoint.root)
    }

    /// This receipt as a C2SP tlog-proof file, which other tools can read.
    pub fn to_tlog_proof(&self) -> String {
        let mut out = format!("{PROOF_HEADER}\nindex {}\n", self.index);
        for hash in &self.proof {
            let _ = writeln!(out, "{hash}");
        }
        out + "\n" + &self.checkpoint
    }

    /// Parses a C2SP tlog-proof. Extra data is skipped: it is not authenticated, and we write none.
    ///
    /// # Errors
    /// [`LedgerError::Malformed`].
    pub fn from_tlog_proof(text: &str) -> Result<Self, LedgerError> {
        const SHAPE: LedgerError =
            LedgerError::Malformed("a proof file begins with c2sp.org/tlog-proof@v1 and an index");
        let (head, checkpoint) = text.split_once("\n\n").ok_or(SHAPE)?;
        let mut lines = head.split('\n').peekable();
        if lines.next() != Some(PROOF_HEADER) {
            return Err(SHAPE);
        }
        lines.next_if(|line| line.starts_with("extra "));
        let index = lines.next().and_then(|line| line.strip_prefix("index ")).ok_or(SHAPE)?;
        if !index.bytes().all(|b| b.is_ascii_digit()) || (index != "0" && index.starts_with('0')) {
            return Err(SHAPE);
        }
        let proof: Vec<Hash> = lines.map(str::parse).collect::<Result<_, _>>().map_err(|_| SHAPE)?;
        if proof.len() > PROOF_HASHES_MAX {
            return Err(SHAPE);
        }
        Ok(Self { index: index.parse().map_err(|_| SHAPE)?, proof, checkpoint: checkpoint.to_owned() })
    }
}

/// Verifies that `opening` is what entry `receipt.index` of the log of `verifier` says.
///
/// # Errors
/// As [`Receipt::verify`].
pub fn verify_opening(opening: &Opening, receipt: &Receipt, verifier: &Verifier) -> Result<(), LedgerError> {
    receipt.verify(&opening.commitment(), verifier)
}
