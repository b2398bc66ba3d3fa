//! A place on a disk that fails: whichever write of a backup fails, and whether it took place or not, the previous backup is
//! whole, and the next one is.

#![allow(clippy::panic, reason = "a test may")]

use std::sync::Arc;

use durable::{Disk, RealDisk};
use store::{FlagSet, Incoming, Store};
use terms::{AccountId, Clock, Secret};
use vault::{CostProfile, Founding, Vault};
use world::{Fault, FaultyDisk, ManualClock, MemoryDisk, SeededEntropy};

use super::manifest::Manifest;
use super::place::{Place, sha256};
use super::take::{Put, Taking};
use crate::backup_error::BackupError;

struct Source {
    _dir: tempfile::TempDir,
    clock: Arc<ManualClock>,
    vault: Arc<Vault>,
    store: Store,
    account: AccountId,
}

impl Source {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (clock, entropy) = (Arc::new(ManualClock::default()), Arc::new(SeededEntropy::new(1)));
        let officers = ["ann", "ben"].map(|name| (name.parse().unwrap(), Secret::from(name)));
        let gate = keeper::here(Arc::new(MemoryDisk::new()), "vault".into(), clock.clone(), entropy.clone());
        let vault = gate.create(Founding {
            home: "IE".parse().unwrap(),
            log_origin: "ie.example/ledger".to_owned(),
            passphrase: "node passphrase".into(),
            officers: officers.into(),
            cost: CostProfile::new(8, 1, 1).unwrap(),
        });
        let vault = Arc::new(vault.unwrap());
        let disk = Arc::new(RealDisk);
        let store =
            Store::open(disk, &dir.path().join("store"), vault.clone(), clock.clone(), entropy.clone()).unwrap();
        let account = AccountId([7; 16]);
        let key = vault.create_account(account, &"owner password".into()).unwrap();
        store.create_account(account, &["ann@ie.example".parse().unwrap()], &key, "").unwrap();
        Self { _dir: dir, clock, vault, store, account }
    }

    fn deliver(&self) {
        let now = self.clock.now();
        let inbox = self.store.mailbox_named(self.account, "INBOX").unwrap().id;
        let message = Incoming {
            account: self.account,
            mailbox: inbox,
            original: b"a message".repeat(50),
            prefix: Vec::new(),
            record: Vec::new(),
            view_size_bytes: 450,
            arrival: now,
            internal_date: now,
            flags: FlagSet::none(),
        };
        self.store.append(vec![message]).unwrap();
    }

    fn taking(&self) -> Taking<'_> {
        let (home, hostname) = ("IE".to_owned(), "mail.ie.example".to_owned());
        Taking { vault: &self.vault, home, hostname, at: self.clock.now(), keep: 2 }
    }

    fn back_up(&self, place: &Place, file: &str) -> Result<u64, BackupError> {
        place.create()?;
        let files = |put: Put<'_>| put("node.toml".to_owned(), file.as_bytes());
        let done = self.taking().write(place, self.store.backup().unwrap(), files, &mut |_| ())?;
        Ok(done.0)
    }
}

/// Everything that a manifest names is there, byte for byte.
fn is_whole(place: &Place, manifest: &Manifest) -> bool {
    let segments = manifest.segments.iter().all(|part| {
        let bytes = place.disk.read(&place.segment(part.number)).unwrap_or_default();
        let mut at = 0;
        part.stretches.iter().all(|(len, digest)| {
            let len = usize::try_from(*len).unwrap();
            at += len;
            bytes.get(at - len..at).is_some_and(|some| sha256(some) == *digest)
        })
    });
    segments && manifest.pieces().all(|digest| place.get(digest).is_some())
}

fn run(source: &Source, step: u64, fault: Fault) -> bool {
    let disk = FaultyDisk::new();
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let place = Place::new(shared, "place".into());
    let what = format!("{fault:?} at {step}");
    source.deliver();
    let first = source.back_up(&place, "one").unwrap();
    source.deliver();
    let begins = disk.steps();
    disk.fail_step(begins + step, fault);
    let second = source.back_up(&place, "two");
    let reached = disk.steps() > begins + step;
    disk.cut_power(&SeededEntropy::new(step));
    let read = |number| source.taking().read(&place, number);
    assert!(is_whole(&place, &read(first).unwrap()), "{what}: the previous one");
    if let Ok(second) = second {
        assert!(is_whole(&place, &read(second).unwrap()), "{what}: the one that was said to be done");
    }
    source.deliver();
    let third = source.back_up(&place, "three").unwrap();
    assert!(is_whole(&place, &read(third).unwrap()), "{what}: the one after");
    let numbers = place.manifests().unwrap();
    assert_eq!((numbers.first(), numbers.len()), (Some(&third), 2), "{what}: two are kept");
    assert!(numbers.iter().all(|number| is_whole(&place, &read(*number).unwrap())), "{what}: those that are kept");
    reached
}

#[test]
fn each_write_of_a_backup_fails_once() {
    let source = Source::new();
    for fault in [Fault::Failed, Fault::FailedButPersisted] {
        let mut step = 0;
        while run(&source, step, fault) {
            step += 1;
        }
        assert!(step >= 5, "{step} steps");
    }
}
