//! All that changes an account, one step after the other, against a disk that fails once at each step of its own, a disk
//! that is full at each step of the story, and rows that cannot be written at each step of it. A step that is refused
//! leaves no trace; taken again it does what it does on a good disk, down to the UIDs and MODSEQs.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use store::{FlagChange, FlagSet, Limit, Limits, Policy, Settings, Store, StoreError};
use terms::{AccountId, CaseId, MailboxId, UnixMillis};
use vault::SignedIn;
use world::{Fault, FaultyDisk, SeededEntropy};

use crate::house::{House, INBOX, seen, texts};

/// Small segments, so that a new one is begun every other step; frequent folds.
const SMALL: Settings = Settings { segment_bytes: 900, changes_before_fold: 4, wal_pages: 64 };

pub(crate) struct Account<'h> {
    pub(crate) house: &'h House,
    pub(crate) id: AccountId,
    pub(crate) owner: &'h SignedIn,
}

type Step = fn(&Account<'_>) -> Result<(), StoreError>;

impl Account<'_> {
    fn append(&self, name: &str, texts: &[&str]) -> Result<(), StoreError> {
        let mailbox = self.mailbox(name);
        let messages = texts.iter().map(|text| self.house.message(self.id, mailbox, text)).collect();
        self.house.store().append(messages).map(drop)
    }

    fn mailbox(&self, name: &str) -> MailboxId {
        self.house.store().mailbox_named(self.id, name).unwrap().id
    }

    pub(crate) fn told(&self) -> Vec<String> {
        told(self.house.store(), self.owner)
    }
}

/// All that its owner and a case can tell of an account, but for times and random identifiers.
pub(crate) fn told(store: &Store, owner: &SignedIn) -> Vec<String> {
    let id = owner.account();
    let seen = seen(store, id);
    let mut told = vec![format!("{:?}", seen.subscriptions)];
    for (info, entries, changes) in &seen.mailboxes {
        let rows: Vec<_> = entries.iter().map(|entry| (entry.uid, entry.modseq, Arc::clone(&entry.flags))).collect();
        let texts = texts(store, owner, info.id);
        told.push(format!(
            "{} {:?} {} {}: {rows:?} {texts:?} without {:?}",
            info.name, info.id, info.uid_next, info.highest_modseq, changes.vanished
        ));
    }
    let bin = store.deleted(owner).unwrap();
    told.extend(bin.iter().map(|gone| format!("bin {} of {} {:?}", gone.number, gone.mailbox, gone.entry.flags)));
    told.push(format!("{:?}", store.usage(id).unwrap()));
    let scope = store.scope(id, UnixMillis(0), UnixMillis(i64::MAX)).unwrap();
    let held = scope.iter().filter(|message| message.held_only).count();
    told.push(format!("{:?} {} {held}", store.holds(id).unwrap(), scope.len()));
    told
}

/// Deliveries, flags, copies, moves, expunges, holds, the bin, restoring from it, quota, names, and the end of the bin's days.
pub(crate) const STORY: [(&str, Step); 22] = [
    ("deliver", |a| a.append("INBOX", &["one"])),
    ("deliver two", |a| a.append("INBOX", &["two", "three"])),
    ("create", |a| a.house.store().create_mailbox(a.id, "Other", None).map(drop)),
    ("copy", |a| a.house.store().copy(a.id, INBOX, &[1, 2], a.mailbox("Other")).map(drop)),
    ("append", |a| a.append("Other", &["four"])),
    ("move", |a| a.house.store().move_(a.id, INBOX, &[3], a.mailbox("Other")).map(drop)),
    ("flag", |a| {
        let flags = FlagSet::system(FlagSet::FLAGGED).and_keyword("$Work");
        a.house.store().change_flags(a.id, INBOX, &[1, 2], FlagChange::Add(flags), None).map(drop)
    }),
    ("limit", |a| {
        let limits = Limits { bytes: Limit::At(4000), messages: Limit::At(40) };
        a.house.store().set_limits(a.id, limits)
    }),
    ("hold", |a| a.house.store().hold(CaseId(1), a.id, UnixMillis(0), UnixMillis(i64::MAX)).map(drop)),
    ("expunge", |a| a.house.store().expunge(a.id, INBOX, &[1, 2]).map(drop)),
    ("subscribe", |a| a.house.store().set_subscribed(a.id, "Other", true)),
    ("deliver held", |a| a.append("INBOX", &["five", "six", "seven"])),
    ("mark deleted", |a| {
        let deleted = FlagChange::Add(FlagSet::system(FlagSet::DELETED));
        a.house.store().change_flags(a.id, INBOX, &[4, 5], deleted, None).map(drop)
    }),
    ("expunge deleted", |a| a.house.store().expunge_deleted(a.id, INBOX, None).map(drop)),
    ("rename", |a| a.house.store().rename_mailbox(a.id, "Other", "Else/Where")),
    ("delete", |a| a.house.store().delete_mailbox(a.id, "Else/Where")),
    ("restore", |a| {
        let numbers: Vec<u32> = a.house.store().deleted(a.owner)?.iter().map(|gone| gone.number).step_by(2).collect();
        assert!(numbers.len() > 1, "there is something to restore");
        a.house.store().restore(a.owner, &numbers).map(drop)
    }),
    ("deliver after", |a| a.append("INBOX", &["eight"])),
    ("days pass", |a| {
        a.house.clock.advance(15 * 86_400_000);
        Ok(())
    }),
    ("forget", |a| a.house.store().forget_deleted().map(drop)),
    ("release", |a| a.house.store().release_hold(CaseId(1)).map(drop)),
    ("deliver at last", |a| a.append("INBOX", &["nine"])),
];

pub(crate) fn policy() -> Policy {
    Policy { restorable_days: 14, ..Policy::default() }
}

/// What is told of the account after each step on a good disk.
pub(crate) fn on_a_good_disk() -> Vec<Vec<String>> {
    let house = House::on(Arc::new(FaultyDisk::new()), SMALL);
    house.store().set_policy(policy());
    let (id, owner) = house.account("ann@example.org");
    let account = Account { house: &house, id, owner: &owner };
    let tell = |&(name, step): &(&str, Step)| {
        step(&account).unwrap_or_else(|error| panic!("{name}: {error}"));
        account.told()
    };
    STORY.iter().map(tell).collect()
}

/// Takes a step that may be refused: then nothing of it is there, and the same step taken again does it. Returns whether it
/// was refused. `repair` makes the disk good again.
fn take(account: &Account<'_>, at: usize, good: &[Vec<String>], what: &str, repair: impl FnOnce()) -> bool {
    let (name, step) = STORY[at];
    let before = account.told();
    let refused = match step(account) {
        Ok(()) => false,
        Err(StoreError::NotStored(_) | StoreError::DiskFull | StoreError::CannotOpen(_)) => true,
        Err(error) => panic!("{what}: {name}: {error}"),
    };
    if refused {
        assert_eq!(account.told(), before, "{what}: {name} was refused and left a trace");
    }
    repair();
    if refused {
        step(account).unwrap_or_else(|error| panic!("{what}: {name}, again: {error}"));
    }
    assert_eq!(account.told(), good[at], "{what}: {name}");
    refused
}

/// After the story: what is on the disk is what was told, and it is sound.
fn reopened(house: &mut House, id: AccountId, owner: &SignedIn, good: &[Vec<String>], what: &str) {
    house.reopen();
    house.store().set_policy(policy());
    let account = Account { house, id, owner };
    assert_eq!(Some(&account.told()), good.last(), "{what}");
    let report = house.store().verify();
    assert!(report.is_sound(), "{what}: {:?}", report.damages);
}

/// The story, with the fault at this step of the disk; how many of its own steps the disk took.
fn with_a_fault(at: u64, fault: Fault, good: &[Vec<String>]) -> u64 {
    let what = format!("{fault:?} at {at}");
    let disk = FaultyDisk::new();
    let mut house = House::on(Arc::new(disk.clone()), SMALL);
    house.store().set_policy(policy());
    let (id, owner) = house.account("ann@example.org");
    let first = disk.steps();
    disk.fail_step(first + at, fault);
    let account = Account { house: &house, id, owner: &owner };
    let refused = (0..STORY.len()).filter(|&step| take(&account, step, good, &what, || ())).count();
    assert!(refused <= 1, "{what}: one fault refuses one step");
    let steps = disk.steps() - first;
    house.close();
    disk.cut_power(&SeededEntropy::new(at));
    reopened(&mut house, id, &owner, good, &what);
    steps
}

#[test]
fn every_step_of_the_disk_fails_in_both_ways() {
    let good = on_a_good_disk();
    for fault in [Fault::Failed, Fault::FailedButPersisted] {
        let mut at = 0;
        while at <= with_a_fault(at, fault, &good) {
            at += 1;
        }
        assert!(at > 16, "{at}");
    }
}

#[test]
fn rows_that_cannot_be_written_refuse_every_step() {
    let good = on_a_good_disk();
    let mut house = House::on(Arc::new(FaultyDisk::new()), SMALL);
    house.store().set_policy(policy());
    let (id, owner) = house.account("ann@example.org");
    // Each takes as long as a lock is waited for, twice: some steps of each kind are enough.
    for (at, (name, _)) in STORY.iter().enumerate() {
        let account = Account { house: &house, id, owner: &owner };
        if !["copy", "hold", "restore", "forget", "limit", "deliver after"].contains(name) {
            take(&account, at, &good, "rows", || ());
            continue;
        }
        let other = rusqlite::Connection::open(house.path().join("rows.sqlite")).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let refused = take(&account, at, &good, "locked rows", || other.execute_batch("ROLLBACK").unwrap());
        assert!(refused, "{name}");
    }
    reopened(&mut house, id, &owner, &good, "locked rows");
}

/// A small file system by itself.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Mounts it at `at`; `None`, with a word on why, where this process may not.
    fn mount(at: &Path) -> Option<Self> {
        let done = Command::new("mount").args(["-t", "tmpfs", "-o", "size=4m,mode=700", "tmpfs"]).arg(at).output();
        if done.as_ref().is_ok_and(|done| done.status.success()) {
            return Some(Self(at.to_owned()));
        }
        println!("skipped: no file system can be mounted here: {done:?}");
        None
    }

    /// Takes all space except this many bytes.
    fn fill(&self, but_bytes: u64) {
        let path = self.0.join("ballast");
        let mut file = File::create(&path).unwrap();
        for block in [1 << 18, 4096] {
            while file.write_all(&vec![0; block]).is_ok() {}
        }
        let len = file.metadata().unwrap().len();
        file.set_len(len.saturating_sub(but_bytes)).unwrap();
    }

    fn empty(&self) {
        std::fs::remove_file(self.0.join("ballast")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).stderr(Stdio::null()).status();
    }
}

/// Packs and rows on one disk that is full, or all but full, at each step: SQLite's log, its index and the segments come to
/// the end of the space at different steps.
#[test]
fn a_disk_that_is_full_at_every_step() {
    let good = on_a_good_disk();
    let mut refused = 0;
    for but_bytes in [0, 4096, 8192, 16_384] {
        let what = format!("{but_bytes} bytes left");
        let mut house = House::new();
        house.close();
        let Some(disk) = SmallDisk::mount(&house.path()) else { return };
        house.settings = SMALL;
        house.reopen();
        house.store().set_policy(policy());
        let (id, owner) = house.account("ann@example.org");
        let account = Account { house: &house, id, owner: &owner };
        for at in 0..STORY.len() {
            disk.fill(but_bytes);
            refused += usize::from(take(&account, at, &good, &what, || disk.empty()));
        }
        reopened(&mut house, id, &owner, &good, &what);
        house.close();
    }
    assert!(refused > STORY.len() / 2, "{refused}");
}
