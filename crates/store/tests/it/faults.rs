//! Every write and sync of the packs fails once, in both ways; the disk fills; the database is locked.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use store::{FlagChange, FlagSet, Health, Settings, StoreError};
use vault::SignedIn;
use world::{Fault, FaultyDisk, SeededEntropy};

use crate::house::{House, INBOX, seen};

/// Small segments, so that rollovers are among the steps; frequent folds.
const SMALL: Settings = Settings { segment_bytes: 1500, changes_before_fold: 4, wal_pages: 64 };

/// What was tried, and what of it was acknowledged.
#[derive(Default)]
struct Told {
    tried: BTreeSet<String>,
    acknowledged: BTreeSet<String>,
}

impl Told {
    fn deliver(&mut self, house: &House, owner: &SignedIn, text: String) {
        let stored = house.store().append(vec![house.message(owner.account(), INBOX, &text)]);
        match stored {
            Ok(_) => drop(self.acknowledged.insert(text.clone())),
            Err(error) => assert!(matches!(error, StoreError::NotStored(_) | StoreError::DiskFull), "{error}"),
        }
        self.tried.insert(text);
    }

    /// Every acknowledged message is there once with its bytes, and nothing that was not tried.
    fn check(&self, house: &House, owner: &SignedIn, what: &str) {
        let texts = house.texts(owner, INBOX);
        let stored: BTreeSet<String> = texts.iter().cloned().collect();
        assert_eq!(stored.len(), texts.len(), "{what}: twice");
        assert!(self.acknowledged.is_subset(&stored), "{what}: lost");
        assert!(stored.is_subset(&self.tried), "{what}: invented");
        let report = house.store().verify();
        assert!(report.is_sound(), "{what}: {:?}", report.damages);
    }
}

/// Delivers, with the fault at `step` steps from now; then continues, loses power, and continues again.
fn run(step: u64, fault: Fault) -> u64 {
    let disk = FaultyDisk::new();
    let mut house = House::on(Arc::new(disk.clone()), SMALL);
    let (ann, owner) = house.account("ann@example.org");
    let what = format!("{fault:?} at {step}");
    let mut told = Told::default();
    told.deliver(&house, &owner, "before".to_owned());
    let first = disk.steps();
    disk.fail_step(first + step, fault);
    for n in 0..8 {
        told.deliver(&house, &owner, format!("message {n}"));
        house.store().change_flags(ann, INBOX, &[1], FlagChange::Set(FlagSet::system(n)), None).unwrap();
    }
    let steps = disk.steps() - first;
    told.check(&house, &owner, &what);
    let before = seen(house.store(), ann);

    house.close();
    disk.cut_power(&SeededEntropy::new(step));
    house.reopen();
    assert_eq!(seen(house.store(), ann), before, "{what}");
    told.check(&house, &owner, &what);
    told.deliver(&house, &owner, "after".to_owned());
    assert!(told.acknowledged.contains("after"));
    told.check(&house, &owner, &what);
    assert!(told.acknowledged.len() >= 9, "{what}: one fault refuses one call");
    steps
}

#[test]
fn every_step_fails_in_both_ways() {
    for fault in [Fault::Failed, Fault::FailedButPersisted] {
        let mut step = 0;
        // Until the fault is beyond the last step.
        while step <= run(step, fault) {
            step += 1;
        }
        assert!(step > 16, "{step}");
    }
}

#[test]
fn a_power_cut_at_any_moment_loses_nothing_acknowledged() {
    for seed in 0..25 {
        let disk = FaultyDisk::new();
        let mut house = House::on(Arc::new(disk.clone()), SMALL);
        let (_, owner) = house.account("ann@example.org");
        let mut told = Told::default();
        for n in 0..seed % 7 + 1 {
            told.deliver(&house, &owner, format!("message {n}"));
        }
        // The power goes while the store runs: what it writes afterwards fails.
        disk.cut_power(&SeededEntropy::new(seed));
        told.deliver(&house, &owner, "in the dark".to_owned());
        house.reopen();
        told.check(&house, &owner, &format!("seed {seed}"));
        told.deliver(&house, &owner, "after".to_owned());
        told.check(&house, &owner, &format!("seed {seed}"));
    }
}

#[test]
fn a_failed_sync_abandons_the_segment() {
    let disk = FaultyDisk::new();
    let house = House::on(Arc::new(disk.clone()), Settings::default());
    let (ann, owner) = house.account("ann@example.org");
    house.deliver(ann, INBOX, "kept");
    let view = house.store().snapshot(ann, INBOX).unwrap();
    let segment = |n: u32| house.path().join(format!("packs/{n:08}.pack"));
    let before = house.store().verify().live_bytes as usize + 24;
    // The next step is the append, the one after it the sync.
    disk.fail_step(disk.steps() + 1, Fault::Failed);
    let refused = house.store().append(vec![house.message(ann, INBOX, "refused")]);
    assert!(matches!(refused, Err(StoreError::NotStored(_))));
    assert!(matches!(house.store().health(), Health::Failing(_)));
    let garbage = disk_len(&disk, &segment(1));
    assert!(garbage > before);
    house.deliver(ann, INBOX, "after");
    assert_eq!(house.store().health(), Health::Fine);
    assert_eq!(disk_len(&disk, &segment(1)), garbage, "the segment is never written again");
    assert!(disk_len(&disk, &segment(2)) > 24);
    assert_eq!(house.texts(&owner, INBOX), ["kept", "after"]);
    assert_eq!(view.len(), 1, "a session's view stays");
}

/// The end of the last segment can be neither read nor cut when the store is opened: it stays as it is, and another grows.
#[test]
fn a_segment_whose_end_cannot_be_cut_does_not_grow() {
    let disk = FaultyDisk::new();
    let mut house = House::on(Arc::new(disk.clone()), Settings::default());
    let (ann, owner) = house.account("ann@example.org");
    house.deliver(ann, INBOX, "kept");
    let segment = |house: &House, n: u32| house.path().join(format!("packs/{n:08}.pack"));
    disk.cut_power(&SeededEntropy::new(1));
    house.close();
    let before = disk_len(&disk, &segment(&house, 1));
    // The first step of opening is the cut of the zeros that the power cut left.
    disk.fail_step(disk.steps(), Fault::Failed);
    house.reopen();
    house.deliver(ann, INBOX, "after");
    house.close();
    assert_eq!(disk_len(&disk, &segment(&house, 1)), before);
    assert!(disk_len(&disk, &segment(&house, 2)) > 24);
    house.reopen();
    assert_eq!(house.texts(&owner, INBOX), ["kept", "after"]);
    assert!(house.store().verify().is_sound());
}

#[test]
fn without_a_segment_to_write_the_acknowledged_tail_stands() {
    let disk = FaultyDisk::new();
    let mut house = House::on(Arc::new(disk.clone()), Settings::default());
    let (ann, owner) = house.account("ann@example.org");
    house.deliver(ann, INBOX, "kept");
    disk.fail_step(disk.steps() + 1, Fault::Failed);
    house.store().append(vec![house.message(ann, INBOX, "refused")]).unwrap_err();
    // The segment is abandoned, and there is no space for another. Flags need none.
    disk.limit_space(Some(0));
    for bits in 1..5 {
        let flags = FlagChange::Set(FlagSet::system(bits));
        house.store().change_flags(ann, INBOX, &[1], flags, None).unwrap();
        let refused = house.store().append(vec![house.message(ann, INBOX, "refused")]);
        assert_eq!(refused, Err(StoreError::DiskFull));
        assert_eq!(house.store().health(), Health::DiskFull);
    }
    assert_eq!(house.store().verify().segments, 1, "no empty segments are left behind");
    house.close();
    disk.limit_space(None);
    disk.cut_power(&SeededEntropy::new(1));
    house.reopen();
    assert_eq!(house.texts(&owner, INBOX), ["kept"]);
    assert!(house.store().verify().is_sound());
    house.deliver(ann, INBOX, "after");
    assert_eq!(house.texts(&owner, INBOX), ["kept", "after"]);
}

fn disk_len(disk: &FaultyDisk, path: &Path) -> usize {
    use durable::Disk;
    disk.read(path).unwrap().len()
}

#[test]
fn a_full_disk_refuses_and_resumes() {
    let disk = FaultyDisk::new();
    let mut house = House::on(Arc::new(disk.clone()), Settings::default());
    let (ann, owner) = house.account("ann@example.org");
    house.deliver(ann, INBOX, "kept");
    disk.limit_space(Some(disk.used_bytes() + 100));
    for _ in 0..3 {
        let refused = house.store().append(vec![house.message(ann, INBOX, "refused")]);
        assert_eq!(refused, Err(StoreError::DiskFull));
        assert_eq!(house.store().health(), Health::DiskFull);
    }
    // What needs no pack continues.
    let flags = FlagChange::Set(FlagSet::system(FlagSet::SEEN));
    house.store().change_flags(ann, INBOX, &[1], flags, None).unwrap();
    disk.limit_space(None);
    house.deliver(ann, INBOX, "after");
    assert_eq!(house.store().health(), Health::Fine);
    for _ in 0..2 {
        assert_eq!(house.texts(&owner, INBOX), ["kept", "after"]);
        assert!(house.store().verify().is_sound());
        house.reopen();
    }
}

#[test]
fn rows_that_cannot_be_written_are_reopened() {
    let mut house = House::new();
    let (ann, owner) = house.account("ann@example.org");
    house.deliver(ann, INBOX, "kept");
    // Another program has the database open: the commit fails, and reopening it may fail, too.
    let other = rusqlite::Connection::open(house.path().join("rows.sqlite")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = house.store().append(vec![house.message(ann, INBOX, "refused")]);
    assert!(matches!(refused, Err(StoreError::NotStored(_))), "{refused:?}");
    assert_eq!(house.texts(&owner, INBOX), ["kept"]);
    other.execute_batch("ROLLBACK").unwrap();
    house.deliver(ann, INBOX, "after");
    for _ in 0..2 {
        assert_eq!(house.texts(&owner, INBOX), ["kept", "after"]);
        assert!(house.store().verify().is_sound());
        house.reopen();
    }
}
