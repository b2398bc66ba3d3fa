//! The tree of RFC 6962 section 2.1: hashing and verifying proofs. Pure functions.

use aws_lc_rs::digest;

use crate::LedgerError;
use crate::hash::Hash;

fn sha256(parts: &[&[u8]]) -> Hash {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(part);
    }
    let mut out = [0; 32];
    out.copy_from_slice(context.finish().as_ref());
    Hash(out)
}

/// `MTH({d}) = SHA-256(0x00 || d)`.
pub fn leaf_hash(data: &[u8]) -> Hash {
    sha256(&[&[0], data])
}

/// `SHA-256(0x01 || left || right)`.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    sha256(&[&[1], &left.0, &right.0])
}

/// `MTH({}) = SHA-256()`: the root of a log without entries.
pub fn empty_root() -> Hash {
    sha256(&[])
}

/// The largest power of two smaller than `n`, for `n >= 2` (the `k` of section 2.1).
pub(crate) fn split(n: u64) -> u64 {
    debug_assert!(n >= 2);
    1 << (u64::BITS - 1 - (n - 1).leading_zeros())
}

/// The root over `nodes`, each the root of a complete subtree of the same size, except that the last may be smaller.
/// (The tree over complete subtrees has the shape of the tree over their leaves: both split at powers of two.)
pub(crate) fn root_over(nodes: &[Hash]) -> Hash {
    match nodes {
        [] => empty_root(),
        [one] => *one,
        _ => {
            let (left, right) = nodes.split_at(split(nodes.len() as u64) as usize);
            node_hash(&root_over(left), &root_over(right))
        }
    }
}

/// Checks that `leaf` is entry `index` of the tree of `size` entries with this `root` (RFC 9162 section 2.1.3.2, which
/// proves what RFC 6962 section 2.1.1 constructs).
///
/// # Errors
/// [`LedgerError::NotIncluded`], or [`LedgerError::OutOfRange`] when `index` is not below `size`.
pub fn verify_inclusion(leaf: &Hash, index: u64, size: u64, proof: &[Hash], root: &Hash) -> Result<(), LedgerError> {
    if index >= size {
        return Err(LedgerError::OutOfRange { asked: index, size });
    }
    let (mut at, mut last, mut hash) = (index, size - 1, *leaf);
    for sibling in proof {
        if last == 0 {
            return Err(LedgerError::NotIncluded);
        }
        if at & 1 == 1 || at == last {
            hash = node_hash(sibling, &hash);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    if last == 0 && hash == *root { Ok(()) } else { Err(LedgerError::NotIncluded) }
}

/// Checks that the tree of `new_size` extends the tree of `old_size` (RFC 9162 section 2.1.4.2). Between equal sizes
/// the proof is empty. Every tree extends the empty one, so there is no proof from it; do not ask for one.
///
/// # Errors
/// [`LedgerError::NotConsistent`]; [`LedgerError::OutOfRange`] when `old_size` is beyond `new_size`;
/// [`LedgerError::Malformed`] when it is 0.
pub fn verify_consistency(
    old_size: u64,
    old_root: &Hash,
    new_size: u64,
    new_root: &Hash,
    proof: &[Hash],
) -> Result<(), LedgerError> {
    let result = |ok: bool| if ok { Ok(()) } else { Err(LedgerError::NotConsistent) };
    if old_size > new_size {
        return Err(LedgerError::OutOfRange { asked: old_size, size: new_size });
    }
    if old_size == 0 {
        return Err(LedgerError::Malformed("a consistency proof from size 0 proves nothing"));
    }
    if old_size == new_size {
        return result(proof.is_empty() && old_root == new_root);
    }
    // If the old tree is complete, its root is the first node and is omitted from the proof.
    let (first, rest) = if old_size.is_power_of_two() {
        (old_root, proof)
    } else {
        match proof.split_first() {
            Some(parts) => parts,
            None => return Err(LedgerError::NotConsistent),
        }
    };
    let (mut at, mut last) = (old_size - 1, new_size - 1);
    while at & 1 == 1 {
        at >>= 1;
        last >>= 1;
    }
    let (mut old, mut new) = (*first, *first);
    for node in rest {
        if last == 0 {
            return Err(LedgerError::NotConsistent);
        }
        if at & 1 == 1 || at == last {
            old = node_hash(node, &old);
            new = node_hash(node, &new);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            new = node_hash(&new, node);
        }
        at >>= 1;
        last >>= 1;
    }
    result(last == 0 && old == *old_root && new == *new_root)
}
