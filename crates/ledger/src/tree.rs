//! Proofs computed from tiles (RFC 6962 sections 2.1.1 and 2.1.2), and the growing right edge.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::LedgerError;
use crate::hash::Hash;
use crate::merkle::{node_hash, root_over, split};
use crate::tile::{LEVELS, WIDTH};

/// Reads the hashes of a tile by level and index; of a partial one possibly more than needed.
type ReadTile<'t> = &'t dyn Fn(u8, u64) -> Result<Vec<Hash>, LedgerError>;

/// A tree whose complete subtrees are looked up in tiles. Each tile is read and hashed once.
pub(crate) struct Tree<'t> {
    read: ReadTile<'t>,
    seen: RefCell<BTreeMap<(u8, u64), Rows>>,
}

/// The hashes of a tile, and above them the levels that the file omits; of each, the complete nodes.
type Rows = Vec<Vec<Hash>>;

fn rows(tile: Vec<Hash>) -> Rows {
    let mut rows = vec![tile];
    for row in 0..8 {
        rows.push(rows[row].as_chunks().0.iter().map(|[left, right]| node_hash(left, right)).collect());
    }
    rows
}

impl<'t> Tree<'t> {
    pub(crate) fn new(read: ReadTile<'t>) -> Self {
        Self { read, seen: RefCell::default() }
    }

    /// `MTH(D[start:end])`, for `start < end`, where `start` is a multiple of the size of the subtree that `end` cuts.
    fn root(&self, start: u64, end: u64) -> Result<Hash, LedgerError> {
        let len = end - start;
        if len.is_power_of_two() {
            return self.subtree(len.trailing_zeros(), start >> len.trailing_zeros());
        }
        let middle = start + split(len);
        Ok(node_hash(&self.root(start, middle)?, &self.root(middle, end)?))
    }

    /// The root of the complete subtree of `2^height` entries that is number `index` of its height.
    fn subtree(&self, height: u32, index: u64) -> Result<Hash, LedgerError> {
        let (level, row) = ((height / 8) as u8, height % 8);
        let per_tile = WIDTH >> row;
        let key = (level, index / per_tile);
        let mut seen = self.seen.borrow_mut();
        let rows = match seen.entry(key) {
            Entry::Occupied(found) => found.into_mut(),
            Entry::Vacant(gap) => gap.insert(rows((self.read)(key.0, key.1)?)),
        };
        rows.get(row as usize)
            .and_then(|nodes| nodes.get((index % per_tile) as usize))
            .copied()
            .ok_or(LedgerError::Malformed("a tile has fewer hashes than the log's size requires"))
    }

    /// `PATH(index, D[size])`, for `index < size`.
    pub(crate) fn inclusion(&self, index: u64, size: u64) -> Result<Vec<Hash>, LedgerError> {
        let (mut start, mut end, mut path) = (0, size, Vec::new());
        while end - start > 1 {
            let middle = start + split(end - start);
            if index < middle {
                path.push(self.root(middle, end)?);
                end = middle;
            } else {
                path.push(self.root(start, middle)?);
                start = middle;
            }
        }
        path.reverse();
        Ok(path)
    }

    /// `PROOF(old, D[new])`, for `old <= new`; empty for equal sizes and for an empty old tree.
    pub(crate) fn consistency(&self, old: u64, new: u64) -> Result<Vec<Hash>, LedgerError> {
        let (mut start, mut end, mut path) = (0, new, Vec::new());
        if old == 0 || old == new {
            return Ok(path);
        }
        // SUBPROOF: walk to the node where the old tree ends, collecting the siblings.
        while old != end {
            let middle = start + split(end - start);
            if old <= middle {
                path.push(self.root(middle, end)?);
                end = middle;
            } else {
                path.push(self.root(start, middle)?);
                start = middle;
            }
        }
        // The old root itself is omitted if the old tree is one complete subtree from the beginning.
        if start != 0 {
            path.push(self.root(start, end)?);
        }
        path.reverse();
        Ok(path)
    }
}

/// The hashes of the last, partial tile of each level: all the state that an append needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Edge([Vec<Hash>; LEVELS as usize]);

impl Edge {
    /// The edge with these partial tiles, from level 0 up, none of them full.
    pub(crate) fn new(levels: [Vec<Hash>; LEVELS as usize]) -> Self {
        Self(levels)
    }

    /// The hashes of the partial tile of `level`.
    pub(crate) fn level(&self, level: u8) -> &[Hash] {
        self.0.get(usize::from(level)).map_or(&[], Vec::as_slice)
    }

    /// Adds a leaf and returns the tiles that it filled, lowest level first.
    pub(crate) fn push(&mut self, leaf: Hash) -> Vec<Vec<Hash>> {
        let (mut hash, mut filled) = (leaf, Vec::new());
        for level in &mut self.0 {
            level.push(hash);
            if level.len() < WIDTH as usize {
                break;
            }
            hash = root_over(level);
            filled.push(std::mem::take(level));
        }
        filled
    }

    /// The root of the whole tree.
    pub(crate) fn root(&self) -> Hash {
        let below: Option<Hash> = self.0.iter().fold(None, |below, level| {
            let nodes: Vec<Hash> = level.iter().copied().chain(below).collect();
            if nodes.is_empty() { below } else { Some(root_over(&nodes)) }
        });
        below.unwrap_or_else(crate::merkle::empty_root)
    }
}
