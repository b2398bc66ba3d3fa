//! Every write, truncation and sync of SQLite's own fails once: not done, done and yet told as failed, for want of space. The
//! files of the rows are not on a disk of `world`, so the test starts itself again with a library before the machine's calls
//! (`failing_rows.c`), which also keeps what the disk would have of each file when the power went.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use durable::RealDisk;
use store::{FlagChange, FlagSet, Health, Settings, Store, StoreError};
use terms::AccountId;
use vault::SignedIn;

use crate::house::{House, INBOX, copy_dir, texts};

/// Where the one that was started again finds its control.
const CONTROL: &str = "ROWS_CONTROL";
const STEPS: &str = "ROWS_STEPS";

/// The folds of six deliveries are among the steps.
const SETTINGS: Settings = Settings { segment_bytes: 4096, changes_before_fold: 4 };

const MESSAGES: u32 = 6;

#[test]
fn every_call_of_the_rows_fails_in_each_way() {
    if std::env::var_os(CONTROL).is_some() {
        return each_call_fails();
    }
    let dir = tempfile::tempdir().unwrap();
    let Some(library) = library(dir.path()) else { return };
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "failing_rows::every_call_of_the_rows_fails_in_each_way", "--nocapture"])
        .env("LD_PRELOAD", library)
        .env(CONTROL, dir.path().join("control"))
        .env(STEPS, dir.path().join("steps"))
        .status()
        .unwrap();
    assert!(status.success());
}

/// The library, compiled; `None` where there is no C compiler, which is said.
fn library(dir: &Path) -> Option<PathBuf> {
    let (source, library) = (concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/failing_rows.c"), dir.join("rows.so"));
    let compiled =
        Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).args([source, "-ldl"]).status();
    match compiled {
        Ok(status) => assert!(status.success()),
        Err(error) => {
            assert!(std::env::var("BAILIWICK_TOOLS").as_deref() != Ok("required"), "cc: {error}");
            println!("skipped: there is no C compiler: {error}");
            return None;
        }
    }
    Some(library)
}

fn each_call_fails() {
    let mut run = 0;
    for how in ['f', 'p', 's'] {
        let mut call = 1;
        loop {
            run += 1;
            let calls = with_failure(run, call, how);
            if call > calls {
                break;
            }
            call += 1;
        }
        println!("{how}: {call} runs");
        assert!(call > 60, "{how}: {call}");
    }
}

/// Has call number `call` of the rows fail; how many there were.
fn with_failure(run: u32, call: u64, how: char) -> u64 {
    let what = format!("{how} at {call}");
    let (control, steps) = (std::env::var(CONTROL).unwrap(), std::env::var(STEPS).unwrap());
    std::fs::write(&control, format!("{run} 0 {how}")).unwrap();
    let mut house = House::on(Arc::new(RealDisk), SETTINGS);
    let (ann, owner) = house.account("ann@example.org");
    house.deliver(ann, INBOX, "before");
    // From here on calls count, under a number that no run had.
    std::fs::write(&control, format!("{} {call} {how}", 1_000_000 + run)).unwrap();
    std::fs::write(&steps, "0").unwrap();
    let mut told = Told {
        tried: BTreeSet::new(),
        acknowledged: BTreeSet::from(["before".to_owned()]),
        flags: vec![FlagSet::none()],
        refused: 0,
        refused_before: 0,
    };
    for n in 0..MESSAGES {
        told.deliver(&house, ann, &format!("message {n}"));
        told.flag(&house, ann, n as u8 % 4);
        told.check_after_power_cut(&house, ann, &owner, &what);
        told.check_after_kill(&house, ann, &owner, &what);
    }
    // The failure may be the last one's, or a fold's beside it; what comes then is taken, and all is well again.
    let well = (0..3).any(|n| {
        told.deliver(&house, ann, &format!("one more {n}"));
        house.store().health() == Health::Fine
    });
    assert!(well, "{what}: {:?}", house.store().health());
    told.check(house.store(), ann, &owner, &what);
    assert!(told.refused <= 1, "{what}: one failure refuses one call");
    house.close();
    let calls = std::fs::read_to_string(&steps).unwrap().parse().unwrap();
    std::fs::write(&control, format!("{run} 0 {how}")).unwrap();
    house.reopen();
    told.check(house.store(), ann, &owner, &what);
    told.deliver(&house, ann, "after");
    assert!(told.acknowledged.contains("after"), "{what}");
    told.check(house.store(), ann, &owner, &what);
    calls
}

/// What was tried, and what of it was acknowledged.
struct Told {
    tried: BTreeSet<String>,
    acknowledged: BTreeSet<String>,
    /// The flags of message 1 that may be there: the last acknowledged ones, and those of which nobody knows.
    flags: Vec<FlagSet>,
    refused: usize,
    refused_before: usize,
}

impl Told {
    /// Delivers; how often something had been refused before.
    fn deliver(&mut self, house: &House, ann: AccountId, text: &str) -> usize {
        let before = self.refused;
        self.tried.insert(text.to_owned());
        match house.store().append(vec![house.message(ann, INBOX, text)]) {
            Ok(_) => drop(self.acknowledged.insert(text.to_owned())),
            Err(error) => self.refuse(&error),
        }
        before
    }

    fn flag(&mut self, house: &House, ann: AccountId, bits: u8) {
        let flags = FlagSet::system(bits);
        match house.store().change_flags(ann, INBOX, &[1], FlagChange::Set(flags.clone()), None) {
            Ok(_) => self.flags = vec![flags],
            Err(error) => {
                self.refuse(&error);
                self.flags.push(flags);
            }
        }
    }

    fn refuse(&mut self, error: &StoreError) {
        assert!(matches!(error, StoreError::NotStored(_) | StoreError::DiskFull), "{error}");
        self.refused += 1;
    }

    /// Every acknowledged message is there once with its bytes, the flags are the acknowledged ones, nothing was invented.
    fn check(&self, store: &Store, ann: AccountId, owner: &SignedIn, what: &str) {
        let all = texts(store, owner, INBOX);
        let stored: BTreeSet<String> = all.iter().cloned().collect();
        assert_eq!(stored.len(), all.len(), "{what}: twice");
        assert!(self.acknowledged.is_subset(&stored), "{what}: lost {:?}", self.acknowledged.difference(&stored));
        let invented = stored.iter().find(|text| *text != "before" && !self.tried.contains(*text));
        assert_eq!(invented, None, "{what}");
        let view = store.snapshot(ann, INBOX).unwrap();
        let flags = view.entries().next().unwrap().flags.clone();
        assert!(self.flags.contains(&flags), "{what}: {flags:?} of {:?}", self.flags);
        let report = store.verify();
        assert!(report.is_sound(), "{what}: {:?}", report.damages);
    }

    /// Opens what can be read at this moment, as after a kill, when a call was refused: then a commit of which nobody knows may
    /// be found, with all that belongs to it.
    fn check_after_kill(&mut self, house: &House, ann: AccountId, owner: &SignedIn, what: &str) {
        if std::mem::replace(&mut self.refused_before, self.refused) == self.refused {
            return;
        }
        let copy = tempfile::Builder::new().prefix("power-cut").tempdir().unwrap();
        copy_dir(&house.path(), copy.path());
        let store = house.open_at(copy.path()).unwrap_or_else(|error| panic!("{what}, after a kill: {error}"));
        self.check(&store, ann, owner, &format!("{what}, after a kill"));
    }

    /// Opens what the disk has at this moment: what was waiting for a sync, or for one that failed, is not there.
    fn check_after_power_cut(&self, house: &House, ann: AccountId, owner: &SignedIn, what: &str) {
        let copy = tempfile::Builder::new().prefix("power-cut").tempdir().unwrap();
        copy_dir(&house.path(), copy.path());
        for file in ["rows.sqlite", "rows.sqlite-wal"] {
            let disk = copy.path().join(format!("{file}.disk"));
            if disk.exists() {
                std::fs::rename(disk, copy.path().join(file)).unwrap();
            }
        }
        let _ = std::fs::remove_file(copy.path().join("rows.sqlite-shm"));
        let store = house.open_at(copy.path()).unwrap_or_else(|error| panic!("{what}, after a power cut: {error}"));
        self.check(&store, ann, owner, &format!("{what}, after a power cut"));
    }
}
