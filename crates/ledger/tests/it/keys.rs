//! A log changes keys, and anyone who trusts either key can follow.

use std::sync::Arc;

use crate::support::{ORIGIN, TestKey, commitment, commitments, create, dir};
use durable::{Disk, Visibility};
use ledger::{
    Checkpoint, KeyHistory, LedgerError, Log, Opening, Signer, Verifier, key_change_statement, published_key,
    verify_dir, verify_extends,
};
use world::{Fault, FaultyDisk, MemoryDisk, SeededEntropy};

fn verifier(seed: u8) -> Verifier {
    Verifier::new(ORIGIN, TestKey::new(seed).public_key()).unwrap()
}

/// Records the change and changes the key.
fn change(log: &Log, from: u8, to: u8) -> Result<(), LedgerError> {
    let body = key_change_statement(&verifier(from), &verifier(to), "2026-11-25T00:00:00Z").unwrap();
    let opening = Opening::new(body, &SeededEntropy::new(u64::from(to)));
    let index = log.append(&[opening.commitment()])?[0].index;
    log.change_key(TestKey::new(to), &opening, index)
}

fn open_with(disk: &FaultyDisk, seed: u8) -> Result<Log, LedgerError> {
    Log::open(Arc::new(disk.clone()), dir(), ORIGIN.into(), TestKey::new(seed))
}

#[test]
fn a_log_continues_under_a_new_key_and_old_proofs_stay_valid() {
    let disk = MemoryDisk::new();
    let log = create(&disk);
    let old = log.append(&commitments(0..300)).unwrap();
    let kept = log.checkpoint();
    change(&log, 1, 2).unwrap();
    assert_eq!((log.verifier(), log.size()), (verifier(2), 301));
    // The head at the change is signed by both.
    for seed in [1, 2] {
        assert_eq!(Checkpoint::verify(&log.checkpoint(), &verifier(seed)).unwrap().size, 301);
    }
    let new = log.append(&[commitment(300)]).unwrap();
    new[0].verify(&commitment(300), &verifier(2)).unwrap();
    assert!(new[0].verify(&commitment(300), &verifier(1)).is_err(), "the old key no longer signs");
    old[7].verify(&commitment(7), &verifier(1)).unwrap();
    change(&log, 2, 3).unwrap();

    for trusted in [1, 2, 3] {
        let report = verify_dir(&disk, &dir(), Some(&verifier(trusted))).unwrap();
        assert_eq!((report.verifier, report.history.changes().len()), (verifier(3), 2));
        verify_extends(&disk, &dir(), &kept, &verifier(3)).unwrap();
    }
    assert!(matches!(verify_dir(&disk, &dir(), Some(&verifier(9))), Err(LedgerError::OtherKey { .. })));
    assert!(matches!(open_with(&disk, 1), Err(LedgerError::OtherKey { .. })), "a retired key opens no log");
    drop(open_with(&disk, 3).unwrap());

    let history = log.key_history().unwrap();
    assert_eq!(history.to_text().as_bytes(), disk.read(&dir().join("keys")).unwrap());
    assert_eq!((history.size_max(&verifier(1)), history.size_max(&verifier(3))), (Some(301), None));
    assert!(history.leads(&verifier(1), &verifier(3)) && !history.leads(&verifier(3), &verifier(1)));
}

/// A stolen retired key signs a head beyond the change.
#[test]
fn what_a_retired_key_signs_later_is_void() {
    let disk = MemoryDisk::new();
    let log = create(&disk);
    log.append(&commitments(0..5)).unwrap();
    change(&log, 1, 2).unwrap();
    let receipts = log.append(&commitments(5..9)).unwrap();
    let honest = Checkpoint::verify(&receipts[0].checkpoint, &verifier(2)).unwrap();
    let forged = honest.sign(&verifier(1), &*TestKey::new(1)).unwrap();
    assert!(matches!(verify_extends(&disk, &dir(), &forged, &verifier(2)), Err(LedgerError::Signature)));
}

#[test]
fn a_change_of_key_must_be_in_the_log() {
    let disk = MemoryDisk::new();
    let log = create(&disk);
    log.append(&commitments(0..5)).unwrap();
    let body = key_change_statement(&verifier(1), &verifier(2), "2026-11-25T00:00:00Z").unwrap();
    let opening = Opening::new(body, &SeededEntropy::new(1));
    assert!(matches!(log.change_key(TestKey::new(2), &opening, 5), Err(LedgerError::OutOfRange { .. })));
    let other = key_change_statement(&verifier(1), &verifier(3), "2026-11-25T00:00:00Z").unwrap();
    let other = Opening::new(other, &SeededEntropy::new(1));
    assert!(matches!(log.change_key(TestKey::new(2), &other, 4), Err(LedgerError::Malformed(_))));
    // An entry that says something else is refused, and detected by every reader.
    log.change_key(TestKey::new(2), &opening, 4).unwrap();
    assert!(matches!(verify_dir(&disk, &dir(), None), Err(LedgerError::Damaged { .. })));
}

#[test]
fn a_history_with_one_changed_byte_is_refused() {
    let disk = MemoryDisk::new();
    let log = create(&disk);
    change(&log, 1, 2).unwrap();
    change(&log, 2, 3).unwrap();
    let text = disk.read(&dir().join("keys")).unwrap();
    assert!(KeyHistory::parse(std::str::from_utf8(&text).unwrap()).is_ok());
    for at in (0..text.len()).step_by(3) {
        let mut bad = text.clone();
        bad[at] ^= 1;
        if let Ok(bad) = String::from_utf8(bad) {
            assert!(KeyHistory::parse(&bad).is_err(), "byte {at}");
        }
    }
    let lines: Vec<&str> = std::str::from_utf8(&text).unwrap().split_inclusive('\n').collect();
    for bad in [lines[12..].concat() + &lines[..12].concat(), lines[1..].concat(), lines[..13].concat(), String::new()]
    {
        assert!(KeyHistory::parse(&bad).is_err(), "{bad}");
    }
}

/// Each write of a change fails, with and without effect; the log verifies and continues, and the change can be
/// repeated.
#[test]
fn a_change_survives_a_failure_at_each_step() {
    let steps = {
        let disk = FaultyDisk::new();
        let log = create(&disk);
        let before = disk.steps();
        change(&log, 1, 2).unwrap();
        disk.steps() - before
    };
    assert!(steps >= 4, "entry, tile, head; history, head, key");
    for step in 0..steps {
        for fault in [Fault::Failed, Fault::FailedButPersisted] {
            for restart in [false, true] {
                let label = format!("step {step}, {fault:?}, restart {restart}");
                let disk = FaultyDisk::new();
                let mut log = create(&disk);
                disk.fail_step(disk.steps() + step, fault);
                let failed = change(&log, 1, 2);
                if restart {
                    drop(log);
                    let published = published_key(&disk, &dir()).unwrap();
                    let seed = if published == verifier(1) { 1 } else { 2 };
                    log = open_with(&disk, seed).unwrap_or_else(|error| panic!("{label}: {error}"));
                } else if failed.is_ok() {
                    assert_eq!(log.verifier(), verifier(2), "{label}");
                }
                verify_dir(&disk, &dir(), Some(&verifier(1))).unwrap_or_else(|error| panic!("{label}: {error}"));
                log.append(&commitments(0..2)).unwrap();
                verify_dir(&disk, &dir(), Some(&verifier(1))).unwrap_or_else(|error| panic!("{label}: {error}"));
                if log.verifier() == verifier(1) {
                    change(&log, 1, 2).unwrap_or_else(|error| panic!("{label}: {error}"));
                }
                log.append(&commitments(2..4)).unwrap();
                let report = verify_dir(&disk, &dir(), Some(&verifier(1))).unwrap();
                assert_eq!((report.verifier, report.history.changes().len()), (verifier(2), 1), "{label}");
            }
        }
    }
}

/// A log whose key never changed has no history file.
#[test]
fn a_log_whose_key_never_changed_has_no_history() {
    let disk = MemoryDisk::new();
    let log = create(&disk);
    log.append(&commitments(0..3)).unwrap();
    assert!(log.key_history().unwrap().changes().is_empty() && !disk.exists(&dir().join("keys")));
    disk.write_atomic(&dir().join("keys"), b"something\n", Visibility::Shared).unwrap();
    assert!(verify_dir(&disk, &dir(), None).is_err());
}
