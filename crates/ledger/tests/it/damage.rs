//! A flipped byte anywhere is detected, and no outside input causes a panic.

use std::sync::Arc;

use crate::support::{self, ORIGIN, TestKey, commitments, create, dir, open};
use durable::{Disk, RealDisk, Visibility};
use ledger::{Checkpoint, LedgerError, Log, Opening, Receipt, Verifier, verify_dir, verify_opening};
use proptest::prelude::*;
use world::{FaultyDisk, MemoryDisk, SeededEntropy};

#[test]
fn every_byte_of_every_file() {
    for size in [3, 259] {
        let disk = FaultyDisk::new();
        create(&disk).append(&commitments(0..size - 1)).unwrap();
        open(&disk).unwrap().append(&commitments(size - 1..size)).unwrap();
        verify_dir(&disk, &dir(), None).unwrap();
        for path in support::files(&disk, &dir()) {
            let len = disk.read(&path).unwrap().len();
            for offset in (0..len).step_by(1 + len / 400) {
                disk.flip_byte(&path, offset);
                let error = verify_dir(&disk, &dir(), None).err();
                assert!(error.is_some(), "{} byte {offset}", path.display());
                let _ = open(&disk);
                disk.flip_byte(&path, offset);
            }
        }
        verify_dir(&disk, &dir(), None).unwrap();
    }
}

#[test]
fn every_file_missing_or_cut() {
    let disk = FaultyDisk::new();
    create(&disk).append(&commitments(0..600)).unwrap();
    for path in support::files(&disk, &dir()) {
        let bytes = disk.read(&path).unwrap();
        for broken in [None, Some(&bytes[..bytes.len() - 1]), Some(&[][..]), Some(&[&bytes[..], &[0]].concat())] {
            match broken {
                None => disk.remove(&path).unwrap(),
                Some(bytes) => disk.write_atomic(&path, bytes, Visibility::Shared).unwrap(),
            }
            let error = verify_dir(&disk, &dir(), None).err();
            // The verifier key is accepted with or without its newline.
            let tolerated = path.ends_with("vkey") && broken == Some(&bytes[..bytes.len() - 1]);
            assert_eq!(error.is_none(), tolerated, "{}", path.display());
            let _ = open(&disk);
            disk.write_atomic(&path, &bytes, Visibility::Shared).unwrap();
        }
    }
}

/// A checkpoint of a longer history than that of the tiles (a backup of the tiles alone was restored).
#[test]
fn a_checkpoint_that_contradicts_the_tiles() {
    let disk = FaultyDisk::new();
    create(&disk).append(&commitments(0..5)).unwrap();
    let checkpoint = dir().join("checkpoint");
    for other in [commitments(0..6), commitments(10..15)] {
        let log = create(&MemoryDisk::new());
        log.append(&other).unwrap();
        disk.write_atomic(&checkpoint, log.checkpoint().as_bytes(), Visibility::Shared).unwrap();
        for error in [open(&disk).err(), verify_dir(&disk, &dir(), None).err()] {
            let error = error.unwrap();
            assert!(matches!(error, LedgerError::Damaged { .. }), "{error}");
            assert!(error.to_string().contains("restore"), "{error}");
        }
    }
}

#[test]
fn another_key_and_another_origin() {
    let disk = MemoryDisk::new();
    create(&disk);
    let other = |origin: &str, seed| Log::open(Arc::new(disk.clone()), dir(), origin.into(), TestKey::new(seed));
    assert!(matches!(other(ORIGIN, 2), Err(LedgerError::OtherKey { .. })));
    assert!(matches!(other("us.bailiwick.example/ledger", 1), Err(LedgerError::OtherKey { .. })));
    assert!(matches!(other("two words", 1), Err(LedgerError::Malformed(_))));
    let stranger = Verifier::new(ORIGIN, [9; 32]).unwrap();
    assert!(matches!(verify_dir(&disk, &dir(), Some(&stranger)), Err(LedgerError::OtherKey { .. })));
    let again = Log::create(Arc::new(disk.clone()), dir(), ORIGIN.into(), TestKey::new(1));
    assert!(matches!(again, Err(LedgerError::Exists(_))));
    // A lost checkpoint does not make an empty log.
    open(&disk).unwrap().append(&commitments(0..1)).unwrap();
    disk.remove(&dir().join("checkpoint")).unwrap();
    let again = Log::create(Arc::new(disk.clone()), dir(), ORIGIN.into(), TestKey::new(1));
    assert!(matches!(again, Err(LedgerError::Damaged { .. })));
    assert!(matches!(open(&disk), Err(LedgerError::Missing(_))));
}

#[test]
fn on_a_real_disk() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("ie/ledger");
    let disk: Arc<dyn Disk> = Arc::new(RealDisk);
    let log = Log::create(disk.clone(), dir.clone(), ORIGIN.into(), TestKey::new(1)).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let log = &log;
            scope.spawn(move || {
                for n in 0..5 {
                    let added = commitments(thread * 100 + n..thread * 100 + n + 1);
                    log.append(&added).unwrap()[0].verify(&added[0], &log.verifier()).unwrap();
                }
            });
        }
    });
    assert_eq!(log.size(), 20);
    drop(log);
    assert_eq!(verify_dir(&RealDisk, &dir, None).unwrap().size, 20);
    assert_eq!(Log::open(disk, dir, ORIGIN.into(), TestKey::new(1)).unwrap().size(), 20);
}

fn receipt_of_an_opening() -> (Opening, Receipt, Verifier) {
    let disk = MemoryDisk::new();
    let log = create(&disk);
    log.append(&commitments(0..9)).unwrap();
    let opening = Opening::new(b"{\"kind\":\"approval\"}".to_vec(), &SeededEntropy::new(1));
    let receipt = log.append(&[opening.commitment()]).unwrap().remove(0);
    (opening, receipt, log.verifier())
}

#[test]
fn a_receipt_verifies_and_a_changed_one_does_not() {
    let (opening, receipt, verifier) = receipt_of_an_opening();
    verify_opening(&opening, &receipt, &verifier).unwrap();
    let json = serde_json::to_string(&receipt).unwrap();
    assert_eq!(serde_json::from_str::<Receipt>(&json).unwrap(), receipt);
    let text = receipt.to_tlog_proof();
    assert_eq!(Receipt::from_tlog_proof(&text).unwrap(), receipt);
    let with_extra = text.replacen("\n", "\nextra AAAA\n", 1);
    assert_eq!(Receipt::from_tlog_proof(&with_extra).unwrap(), receipt);

    let mut other_body = opening.clone();
    other_body.body[10] ^= 1;
    let mut other_salt = opening.clone();
    other_salt.salt[0] ^= 1;
    for changed in [other_body, other_salt] {
        assert!(matches!(verify_opening(&changed, &receipt, &verifier), Err(LedgerError::NotIncluded)));
    }
    for index in [0, 8, 10, u64::MAX] {
        assert!(verify_opening(&opening, &Receipt { index, ..receipt.clone() }, &verifier).is_err());
    }
    let stranger = Verifier::new(ORIGIN, [9; 32]).unwrap();
    assert!(matches!(verify_opening(&opening, &receipt, &stranger), Err(LedgerError::Signature)));
    // Every byte of the file form counts.
    for at in 0..text.len() {
        let mut bytes = text.clone().into_bytes();
        bytes[at] ^= 1;
        let accepted = String::from_utf8(bytes)
            .ok()
            .and_then(|text| Receipt::from_tlog_proof(&text).ok())
            .is_some_and(|receipt| verify_opening(&opening, &receipt, &verifier).is_ok());
        assert!(!accepted, "byte {at}");
    }
}

/// The fixture is a log as version 1 wrote it. It must remain readable.
#[test]
fn the_format_matches_the_fixture() {
    let fixture = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/v1");
    if std::env::var_os("BAILIWICK_WRITE_FIXTURES").is_some() {
        let _ = std::fs::remove_dir_all(&fixture);
        let log = Log::create(Arc::new(RealDisk), fixture.clone(), ORIGIN.into(), TestKey::new(1)).unwrap();
        log.append(&commitments(0..257)).unwrap();
        log.append(&commitments(257..260)).unwrap();
    }
    let report = verify_dir(&RealDisk, &fixture, None).unwrap();
    assert_eq!(report.size, 260);
    let disk = MemoryDisk::new();
    let log = create(&disk);
    log.append(&commitments(0..257)).unwrap();
    log.append(&commitments(257..260)).unwrap();
    for path in support::files(&disk, &dir()) {
        let then = std::fs::read(fixture.join(path.strip_prefix(dir()).unwrap())).unwrap();
        assert!(disk.read(&path).unwrap() == then, "{}", path.display());
    }
    assert_eq!(support::files(&RealDisk, &fixture).len(), support::files(&disk, &dir()).len());
}

proptest! {
    #[test]
    fn no_outside_input_causes_a_panic(text in "(\\PC|\n|[—+0-9=]){0,200}", cut in 0_usize..400) {
        let (opening, receipt, verifier) = receipt_of_an_opening();
        let _ = text.parse::<Verifier>();
        let _ = Checkpoint::verify(&text, &verifier);
        let _ = Receipt::from_tlog_proof(&text);
        let proof = receipt.to_tlog_proof();
        let mut at = cut.min(proof.len());
        while !proof.is_char_boundary(at) {
            at -= 1;
        }
        for mixed in [format!("{}{text}", &proof[..at]), format!("{}{text}{}", &proof[..at], &proof[at..])] {
            if let Ok(receipt) = Receipt::from_tlog_proof(&mixed) {
                let _ = verify_opening(&opening, &receipt, &verifier);
            }
        }
    }
}
