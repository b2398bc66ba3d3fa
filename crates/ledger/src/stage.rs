//! What an append will write, worked out before the disk is touched.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::LedgerError;
use crate::checkpoint::Checkpoint;
use crate::entry::Commitment;
use crate::hash::Hash;
use crate::note::{Signer, Verifier};
use crate::tile::{self, LEVELS, TileRow, WIDTH};
use crate::tree::Edge;

#[derive(Clone)]
pub(crate) struct Signing {
    pub(crate) signer: Arc<dyn Signer>,
    pub(crate) verifier: Verifier,
}

/// The log at one size.
#[derive(Clone)]
pub(crate) struct Head {
    pub(crate) size: u64,
    /// The signed note.
    pub(crate) checkpoint: String,
    pub(crate) edge: Edge,
    /// The entries of the last, partial bundle.
    pub(crate) bundle: Vec<Commitment>,
}

/// What an append is about to write.
pub(crate) struct Staged {
    pub(crate) head: Head,
    /// In the order of writing: bundles, full tiles, partial tiles; within a row by ascending index.
    pub(crate) files: Vec<(PathBuf, Vec<u8>)>,
    /// The tiles that became full, by level and index.
    pub(crate) full: BTreeMap<(u8, u64), Vec<Hash>>,
}

/// Computes the log that follows `head`, without touching the disk.
pub(crate) fn stage(signing: &Signing, head: &Head, commitments: &[Commitment]) -> Result<Staged, LedgerError> {
    let size = head
        .size
        .checked_add(commitments.len() as u64)
        .ok_or(LedgerError::OutOfRange { asked: u64::MAX, size: head.size })?;
    let mut next = head.clone();
    let mut bundles = Vec::new();
    let mut full = Vec::new();
    for commitment in commitments {
        next.bundle.push(*commitment);
        let last = next.size / WIDTH;
        next.size += 1;
        if next.size.is_multiple_of(WIDTH) {
            bundles.push((TileRow::Entries.full_path(last), tile::bundle_to_bytes(&std::mem::take(&mut next.bundle))));
        }
        for (level, hashes) in (0..).zip(next.edge.push(commitment.leaf())) {
            full.push((level, TileRow::Level(level).items(next.size) / WIDTH - 1, hashes));
        }
    }
    debug_assert_eq!(next.size, size);
    let mut files = bundles;
    if !next.bundle.is_empty() {
        let path = TileRow::Entries.path(size / WIDTH, size % WIDTH);
        files.push((path, tile::bundle_to_bytes(&next.bundle)));
    }
    for (level, index, hashes) in &full {
        files.push((TileRow::Level(*level).full_path(*index), tile::hashes_to_bytes(hashes)));
    }
    for level in 0..LEVELS {
        let (row, hashes) = (TileRow::Level(level), next.edge.level(level));
        if row.items(size) != row.items(head.size) && !hashes.is_empty() {
            let path = row.path(row.items(size) / WIDTH, hashes.len() as u64);
            files.push((path, tile::hashes_to_bytes(hashes)));
        }
    }
    let signed = Checkpoint { origin: signing.verifier.name().to_owned(), size, root: next.edge.root() };
    next.checkpoint = signed.sign(&signing.verifier, &*signing.signer)?;
    let full = full.into_iter().map(|(level, index, hashes)| ((level, index), hashes)).collect();
    Ok(Staged { head: next, files, full })
}
