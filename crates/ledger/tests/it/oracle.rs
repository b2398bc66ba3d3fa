//! Our tree against another implementation (ct-merkle), and our proofs against our verifier.

use crate::support::{self, commitment, commitments, create, dir, open};
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use ledger::{Checkpoint, Hash, Log, verify_consistency, verify_dir, verify_inclusion};
use sha2::Sha256;
use world::MemoryDisk;

type Oracle = MemoryBackedTree<Sha256, [u8; 33]>;

fn head(log: &Log) -> Checkpoint {
    Checkpoint::verify(&log.checkpoint(), &log.verifier()).unwrap()
}

fn oracle_root(oracle: &Oracle) -> Hash {
    Hash(oracle.root().as_bytes().as_slice().try_into().unwrap())
}

fn oracle_proof(oracle: &Oracle, index: u64) -> Vec<Hash> {
    oracle.prove_inclusion(index as usize).as_bytes().chunks(32).map(|c| Hash(c.try_into().unwrap())).collect()
}

/// Grows a log to each of `sizes` and compares everything there.
fn check(sizes: impl IntoIterator<Item = u64>) {
    let disk = MemoryDisk::new();
    let log = create(&disk);
    let mut oracle = Oracle::new();
    let mut heads: Vec<Checkpoint> = Vec::new();
    assert_eq!(head(&log).root, oracle_root(&oracle));
    for size in sizes {
        let added = commitments(log.size()..size);
        let receipts = log.append(&added).unwrap();
        added.iter().for_each(|c| oracle.push(c.entry()));
        let now = head(&log);
        assert_eq!((now.size, now.root), (size, oracle_root(&oracle)));
        for (commitment, receipt) in added.iter().zip(&receipts).step_by(1 + added.len() / 64) {
            receipt.verify(commitment, &log.verifier()).unwrap();
            assert_eq!(receipt.proof, oracle_proof(&oracle, receipt.index));
        }
        for index in (0..size).step_by(1 + size as usize / 16) {
            let proof = log.inclusion(index, size).unwrap();
            assert_eq!(proof, oracle_proof(&oracle, index), "{index} of {size}");
            log.receipts(&[index]).unwrap()[0].verify(&commitment(index), &log.verifier()).unwrap();
        }
        for old in heads.iter().step_by(1 + heads.len() / 16) {
            let proof = log.consistency(old.size, size).unwrap();
            verify_consistency(old.size, &old.root, size, &now.root, &proof).unwrap();
            let index = old.size - 1;
            let proof = log.inclusion(index, old.size).unwrap();
            verify_inclusion(&commitment(index).leaf(), index, old.size, &proof, &old.root).unwrap();
        }
        heads.push(now);
    }
    let (size, checkpoint) = (log.size(), log.checkpoint());
    let report = verify_dir(&disk, &dir(), Some(&log.verifier())).unwrap();
    assert_eq!((report.size, report.root), (size, oracle_root(&oracle)));
    drop(log);
    let again = open(&disk).unwrap();
    assert_eq!((again.size(), again.checkpoint()), (size, checkpoint));
}

#[test]
fn one_by_one() {
    check(1..=300);
}

#[test]
fn around_the_tiles() {
    check([1, 2, 255, 256, 257, 511, 512, 513, 767, 1024, 1100]);
}

#[test]
fn in_strides() {
    check((0..40).map(|n| n * 37 + 5));
}

/// The example size of the tlog-tiles specification, and the widths of its tiles.
#[test]
fn seventy_thousand() {
    check([10_000, 65_535, 65_536, 65_537, 70_000]);
    let disk = MemoryDisk::new();
    create(&disk).append(&commitments(0..70_000)).unwrap();
    let names: Vec<String> = support::files(&disk, &dir()).iter().map(|p| p.display().to_string()).collect();
    let partial: Vec<&str> = names.iter().filter(|p| p.contains(".p/")).map(String::as_str).collect();
    assert_eq!(
        partial,
        [
            "/ledger/tile/0/273.p/112",
            "/ledger/tile/1/001.p/17",
            "/ledger/tile/2/000.p/1",
            "/ledger/tile/entries/273.p/112"
        ]
    );
    assert_eq!(names.iter().filter(|p| p.starts_with("/ledger/tile/0/") && !p.contains(".p/")).count(), 273);
}
