//! The disk fails at every step of an append, in both ways: the log is then the old or the new one, it never signs two
//! histories, and leftover files do no harm.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::support::{self, ORIGIN, TestKey, commitment, commitments, create, dir, open};
use durable::{AppendFile, Disk, ReadAt, Visibility};
use ledger::{Checkpoint, LedgerError, Log, verify_consistency, verify_dir};
use world::{Fault, FaultyDisk};

fn signed(note: &str, log: &Log) -> Checkpoint {
    Checkpoint::verify(note, &log.verifier()).unwrap()
}

/// The checkpoint that a reader of the files sees.
fn published(disk: &FaultyDisk) -> String {
    String::from_utf8(disk.read(&dir().join("checkpoint")).unwrap()).unwrap()
}

/// A log with `before` entries, `added` appended with the fault in each step in turn; then the log continues, either in
/// the same process or after a restart.
fn check(before: u64, added: u64, fault: Fault, restart: bool) {
    for step in 0.. {
        let disk = FaultyDisk::new();
        let mut log = create(&disk);
        log.append(&commitments(0..before)).unwrap();
        let old = log.checkpoint();
        let start = disk.steps();
        disk.fail_step(start + step, fault);
        let outcome = log.append(&commitments(before..before + added));
        let reached = disk.steps() > start + step;
        disk.fail_step(u64::MAX, fault);
        let label = format!("{before}+{added}, step {step}, {fault:?}, restart {restart}");

        match &outcome {
            Ok(receipts) => {
                assert_eq!(receipts.len() as u64, added, "{label}");
                assert_eq!((log.size(), published(&disk)), (before + added, log.checkpoint()), "{label}");
            }
            Err(error) => {
                assert!(matches!(error, LedgerError::Disk { .. }), "{label}: {error}");
                assert_eq!((log.checkpoint(), published(&disk)), (old.clone(), old.clone()), "{label}");
            }
        }
        let seen = published(&disk);
        verify_dir(&disk, &dir(), Some(&log.verifier())).unwrap_or_else(|error| panic!("{label}: {error}"));
        if restart {
            drop(log);
            log = open(&disk).unwrap_or_else(|error| panic!("{label}: {error}"));
            assert_eq!(log.checkpoint(), seen, "{label}");
        }
        // Other, and fewer, entries than those that failed: leftovers must not show through.
        for n in 1..=3 {
            let receipts = log.append(&[commitment(1_000_000 + n)]).unwrap();
            receipts[0].verify(&commitment(1_000_000 + n), &log.verifier()).unwrap();
        }
        let (older, newer) = (signed(&seen, &log), signed(&log.checkpoint(), &log));
        assert_eq!(newer.size, older.size + 3, "{label}");
        let proof = log.consistency(older.size, newer.size).unwrap();
        if older.size > 0 {
            verify_consistency(older.size, &older.root, newer.size, &newer.root, &proof).unwrap();
        }
        let mut sizes = verify_dir(&disk, &dir(), Some(&log.verifier())).unwrap();
        assert_eq!(sizes.size, newer.size, "{label}");
        // There is nothing beyond the log: a full audit would ignore it, so count the files.
        sizes.files += 2;
        assert_eq!(sizes.files, support::files(&disk, &dir()).len() as u64, "{label}");
        if !reached {
            assert!(step >= 3, "bundle, tile, checkpoint at least");
            return;
        }
    }
}

#[test]
fn every_step_fails_in_both_ways() {
    for fault in [Fault::Failed, Fault::FailedButPersisted] {
        for restart in [false, true] {
            for (before, added) in [(0, 1), (4, 6), (250, 5), (253, 3), (255, 1), (256, 1), (510, 260)] {
                check(before, added, fault, restart);
            }
        }
    }
}

#[test]
fn a_full_disk_refuses_and_recovers() {
    let disk = FaultyDisk::new();
    let log = create(&disk);
    log.append(&commitments(0..10)).unwrap();
    disk.limit_space(Some(disk.used_bytes() + 100));
    assert!(matches!(log.append(&commitments(10..20)), Err(LedgerError::Disk { .. })));
    assert_eq!(log.size(), 10);
    disk.limit_space(None);
    log.append(&commitments(10..20)).unwrap();
    verify_dir(&disk, &dir(), None).unwrap();
}

#[test]
fn creating_is_repeatable_until_it_succeeds() {
    for fault in [Fault::Failed, Fault::FailedButPersisted] {
        for step in 0..2 {
            let disk = FaultyDisk::new();
            disk.fail_step(step, fault);
            let new = || Log::create(Arc::new(disk.clone()), dir(), ORIGIN.into(), TestKey::new(1));
            assert!(new().is_err());
            match new() {
                Ok(log) => assert_eq!(log.size(), 0),
                Err(error) => {
                    assert!(matches!(error, LedgerError::Exists(_)), "{error}");
                    assert_eq!((step, fault), (1, Fault::FailedButPersisted));
                    assert_eq!(open(&disk).unwrap().size(), 0);
                }
            }
        }
    }
}

/// A disk that is temporarily unreadable.
#[derive(Clone)]
struct Unreadable(FaultyDisk, Arc<AtomicBool>);

impl Disk for Unreadable {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        if self.1.load(Ordering::Relaxed) { Err(io::Error::other("unreadable")) } else { self.0.read(path) }
    }
    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        self.0.create_dir_all(path)
    }
    fn write_atomic(&self, path: &Path, bytes: &[u8], visibility: Visibility) -> io::Result<()> {
        self.0.write_atomic(path, bytes, visibility)
    }
    fn replace_shredding(&self, path: &Path, bytes: &[u8], visibility: Visibility) -> io::Result<()> {
        self.0.replace_shredding(path, bytes, visibility)
    }
    fn shred(&self, path: &Path) -> io::Result<()> {
        self.0.shred(path)
    }
    fn finish_shredding(&self, dir: &Path) -> io::Result<()> {
        self.0.finish_shredding(dir)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.0.remove(path)
    }
    fn exists(&self, path: &Path) -> bool {
        self.0.exists(path)
    }
    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        self.0.list(path)
    }
    fn open_append(&self, path: &Path, visibility: Visibility) -> io::Result<Box<dyn AppendFile>> {
        self.0.open_append(path, visibility)
    }
    fn open_read(&self, path: &Path) -> io::Result<Box<dyn ReadAt>> {
        self.0.open_read(path)
    }
}

/// The checkpoint's write fails with an unknown result: nothing more is appended until it is known.
#[test]
fn nothing_is_appended_while_in_doubt() {
    for fault in [Fault::Failed, Fault::FailedButPersisted] {
        let disk = FaultyDisk::new();
        let unreadable = Arc::new(AtomicBool::new(false));
        let log = create(&Unreadable(disk.clone(), unreadable.clone()));
        log.append(&commitments(0..4)).unwrap();
        let steps_of_append = {
            let start = disk.steps();
            log.append(&[commitment(4)]).unwrap();
            disk.steps() - start
        };
        disk.fail_step(disk.steps() + steps_of_append - 1, fault);
        unreadable.store(true, Ordering::Relaxed);
        for _ in 0..2 {
            assert!(matches!(log.append(&[commitment(5)]), Err(LedgerError::InDoubt { .. })));
            assert_eq!(log.size(), 5);
        }
        unreadable.store(false, Ordering::Relaxed);
        let seen = published(&disk);
        let receipts = log.append(&[commitment(6)]).unwrap();
        let expected = if fault == Fault::Failed { 5 } else { 6 };
        assert_eq!(receipts[0].index, expected);
        let (older, newer) = (signed(&seen, &log), signed(&log.checkpoint(), &log));
        let proof = log.consistency(older.size, newer.size).unwrap();
        verify_consistency(older.size, &older.root, newer.size, &newer.root, &proof).unwrap();
        verify_dir(&disk, &dir(), None).unwrap();
    }
}
