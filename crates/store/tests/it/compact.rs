//! Space is reclaimed: what is dead is removed, what is live moves with its bytes, and readers are not disturbed.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use store::{Compacted, CompactionPlan, FlagChange, FlagSet, MailboxView, MessageEntry, Policy, Settings, StoreError};
use terms::{AccountId, CaseId, Category, MailboxId, UnixMillis};
use vault::{Part, SignedIn};
use world::{Fault, FaultyDisk, SeededEntropy};

use crate::house::{House, INBOX};

/// Some ten messages a segment.
const SMALL: Settings = Settings { segment_bytes: 4000, changes_before_fold: 8, wal_pages: 64 };

const AT_ONCE: CompactionPlan = CompactionPlan { dead_percent: 50, bytes_per_second: 0 };

fn small() -> House {
    let mut house = House::new();
    house.settings = SMALL;
    house.reopen();
    house.store().set_policy(Policy { restorable_days: 14, ..Policy::default() });
    house
}

fn compact(house: &House) -> Compacted {
    house.store().compact(&AT_ONCE, &mut |_, _| true).unwrap()
}

fn segments(house: &House) -> BTreeSet<PathBuf> {
    let packs = house.path().join("packs");
    fs::read_dir(packs).unwrap().map(|entry| entry.unwrap().path()).collect()
}

fn bytes_on_disk(house: &House) -> u64 {
    segments(house).iter().map(|path| fs::metadata(path).unwrap().len()).sum()
}

/// A message as its owner sees it, without its place on the disk: UID, MODSEQ, flags, INTERNALDATE, size, text.
type Row = (u32, u64, FlagSet, UnixMillis, u32, String);

fn seen(house: &House, owner: &SignedIn, mailbox: MailboxId) -> Vec<Row> {
    let view = house.store().snapshot(owner.account(), mailbox).unwrap();
    read(house, owner, &view)
}

fn read(house: &House, owner: &SignedIn, view: &MailboxView) -> Vec<Row> {
    let entries: Vec<MessageEntry> = view.entries().collect();
    let texts = house.store().open_parts(owner, &entries, Part::Original).unwrap();
    let records = house.store().open_parts(owner, &entries, Part::Record).unwrap();
    let mut rows = Vec::new();
    for ((entry, text), record) in entries.into_iter().zip(texts).zip(records) {
        let text = String::from_utf8(text.unwrap()).unwrap();
        assert_eq!(record.unwrap(), format!("record of {text}").into_bytes());
        let flags = (*entry.flags).clone();
        rows.push((entry.uid, entry.modseq, flags, entry.internal_date, entry.view_size_bytes, text));
    }
    rows
}

fn sound(house: &House) {
    let report = house.store().verify();
    assert!(report.is_sound(), "{report:?}");
}

#[test]
fn space_comes_back_and_what_lives_reads_the_same() {
    let mut house = small();
    let (ann, owner) = house.account("ann@example.org");
    let (ben, ben_owner) = house.account("ben@example.org");
    let other = house.store().create_mailbox(ann, "Other", None).unwrap().id;
    for n in 0..60 {
        house.deliver(ann, INBOX, &format!("message {n} {}", "x".repeat(200)));
        if n % 10 == 0 {
            house.deliver(ben, INBOX, &format!("for ben {n}"));
        }
    }
    let store = house.store();
    store.copy(ann, INBOX, &[7], other).unwrap();
    store.change_flags(ann, INBOX, &[60], FlagChange::Add(FlagSet::system(FlagSet::SEEN)), None).unwrap();
    // Removed completely: 1 to 45 except for the copy of 7; in the bin: 46 to 50.
    store.set_policy(Policy { restorable_days: 0, ..Policy::default() });
    store.expunge(ann, INBOX, &(1..=45).collect::<Vec<_>>()).unwrap();
    store.set_policy(Policy { restorable_days: 14, ..Policy::default() });
    store.expunge(ann, INBOX, &(46..=50).collect::<Vec<_>>()).unwrap();

    let look = |house: &House| {
        (seen(house, &owner, INBOX), seen(house, &owner, other), seen(house, &ben_owner, INBOX), {
            let deleted = house.store().deleted(&owner).unwrap();
            deleted.into_iter().map(|one| (one.number, one.entry.id)).collect::<Vec<_>>()
        })
    };
    let (before, bytes) = (look(&house), bytes_on_disk(&house));
    let modseq = house.store().mailboxes(ann).unwrap();
    let done = compact(&house);
    assert!(done.segments > 5 && done.bytes_rewritten > 0 && done.bytes_emptied > done.bytes_rewritten, "{done:?}");
    assert!(bytes_on_disk(&house) < bytes * 2 / 3, "{} of {bytes}", bytes_on_disk(&house));
    assert_eq!(house.store().pack_status().waiting_bytes, 0);
    assert_eq!(house.store().pack_status().freed_bytes, done.bytes_emptied);
    assert_eq!(look(&house), before);
    assert_eq!(house.store().mailboxes(ann).unwrap(), modseq, "no owner notices");
    sound(&house);
    // Nothing is left to do, and there is nothing to do again.
    assert_eq!(compact(&house).bytes_rewritten, 0);

    house.reopen();
    house.store().set_policy(Policy { restorable_days: 14, ..Policy::default() });
    assert_eq!(look(&house), before);
    sound(&house);
    let numbers: Vec<u32> = before.3.iter().map(|(number, _)| *number).collect();
    assert_eq!(house.store().restore(&owner, &numbers).unwrap().messages, 5);
    let restored: Vec<String> = house.texts(&owner, INBOX).split_off(10);
    assert!(restored[0].starts_with("message 45 ") && restored.len() == 5, "{restored:?}");
    for n in 0..60 {
        house.deliver(ann, INBOX, &format!("later {n}"));
    }
    sound(&house);
}

#[test]
fn what_a_case_holds_moves_and_its_owner_sees_the_same_as_the_twin() {
    let house = small();
    let (ann, owner) = house.account("ann@example.org");
    let (twin, twin_owner) = house.account("twin@example.org");
    let from = UnixMillis(0);
    let until = UnixMillis(i64::MAX);
    for n in 0..40 {
        house.deliver(ann, INBOX, &format!("message {n}"));
        house.deliver(twin, INBOX, &format!("message {n}"));
    }
    house.store().hold(CaseId(9), ann, from, until).unwrap();
    house.store().set_policy(Policy { restorable_days: 0, ..Policy::default() });
    let most: Vec<u32> = (1..=38).collect();
    for account in [ann, twin] {
        house.store().expunge(account, INBOX, &most).unwrap();
    }
    compact(&house);
    compact(&house);
    assert_eq!(seen(&house, &owner, INBOX), seen(&house, &twin_owner, INBOX));
    assert_eq!(house.store().usage(ann).unwrap(), house.store().usage(twin).unwrap());
    // The twin's are gone; the held ones are all there, and can be opened for the case.
    let scope = house.store().scope(ann, from, until).unwrap();
    assert_eq!(scope.len(), 40);
    assert_eq!(house.store().scope(twin, from, until).unwrap().len(), 2);
    let clearance = house.clear(ann, &[Category::Content], (from, until), &scope);
    for (n, message) in scope.iter().enumerate() {
        let text = house.store().open_for(&clearance, message, Part::Original).unwrap();
        assert_eq!(text, format!("message {n}").into_bytes());
    }
    // After the last case they go, too.
    let bytes = bytes_on_disk(&house);
    house.store().release_hold(CaseId(9)).unwrap();
    assert!(compact(&house).segments > 0);
    assert!(bytes_on_disk(&house) < bytes);
    sound(&house);
}

#[test]
fn a_reader_of_an_old_view_keeps_reading_and_the_segment_waits() {
    let house = small();
    house.store().set_policy(Policy::default());
    let (ann, owner) = house.account("ann@example.org");
    for n in 0..40 {
        house.deliver(ann, INBOX, &format!("message {n}"));
    }
    let view = house.store().snapshot(ann, INBOX).unwrap();
    let before = read(&house, &owner, &view);
    let late: Vec<MessageEntry> = view.entries().skip(35).collect();
    house.store().expunge(ann, INBOX, &(1..=35).collect::<Vec<_>>()).unwrap();
    let (bytes, files) = (bytes_on_disk(&house), segments(&house));
    let done = compact(&house);
    assert!(done.segments > 2, "{done:?}");
    // Nothing was removed: the view can read every message, including expunged ones.
    assert!(segments(&house).is_superset(&files));
    assert_eq!(house.store().pack_status().waiting_bytes, done.bytes_emptied);
    assert_eq!(read(&house, &owner, &view), before);
    // A later view does not keep them; nor does the next pass take them for new.
    let now = house.store().snapshot(ann, INBOX).unwrap();
    assert_eq!(compact(&house).segments, 0);
    drop(view);
    compact(&house);
    assert!(bytes_on_disk(&house) < bytes / 2);
    assert_eq!(read(&house, &owner, &now).len(), 5);
    // Who has an entry without its view finds the message where it is now.
    let texts = house.store().open_parts(&owner, &late, Part::Original).unwrap();
    assert_eq!(texts[4].as_deref(), Ok("message 39".as_bytes()));
    assert_eq!(house.store().open_range(&owner, &late[0], Part::Original, 8..10).unwrap(), b"35");
    sound(&house);
}

#[test]
fn a_damaged_record_stays_where_it_is_and_stops_nothing_else() {
    let mut house = small();
    let (ann, owner) = house.account("ann@example.org");
    for n in 0..40 {
        house.deliver(ann, INBOX, &format!("message {n}"));
    }
    house.close();
    let first = house.path().join("packs/00000001.pack");
    let mut bytes = fs::read(&first).unwrap();
    // In the body of the first message.
    bytes[24 + 52 + 5] ^= 1;
    fs::write(&first, bytes).unwrap();
    house.reopen();
    house.store().expunge(ann, INBOX, &(2..=39).collect::<Vec<_>>()).unwrap();
    let done = compact(&house);
    assert!(done.segments > 1);
    assert_eq!(house.store().pack_status().damaged, [1]);
    assert!(first.exists());
    assert_eq!(compact(&house).bytes_rewritten, 0, "not again and again");
    let entries: Vec<MessageEntry> = house.store().snapshot(ann, INBOX).unwrap().entries().collect();
    let opened = house.store().open_parts(&owner, &entries, Part::Original).unwrap();
    assert!(matches!(opened[0], Err(StoreError::Damaged(_))));
    assert_eq!(opened[1].as_deref(), Ok("message 39".as_bytes()));
}

#[test]
fn a_backup_that_is_being_taken_keeps_its_segments() {
    let house = small();
    house.store().set_policy(Policy::default());
    let (ann, _) = house.account("ann@example.org");
    for n in 0..40 {
        house.deliver(ann, INBOX, &format!("message {n}"));
    }
    let backup = house.store().backup().unwrap();
    house.store().expunge(ann, INBOX, &(1..=39).collect::<Vec<_>>()).unwrap();
    let files = segments(&house);
    assert!(compact(&house).segments > 0);
    assert!(segments(&house).is_superset(&files));
    for segment in backup.segments() {
        let mut bytes = vec![0; usize::try_from(segment.len).unwrap()];
        segment.read(0, &mut bytes).unwrap();
    }
    drop(backup);
    compact(&house);
    assert!(segments(&house).len() < files.len());
    // The next one has gaps among its numbers, and all that lives.
    let numbers: Vec<u32> = house.store().backup().unwrap().segments().iter().map(|segment| segment.number).collect();
    assert!(numbers.windows(2).all(|two| two[0] < two[1]) && numbers[0] > 1, "{numbers:?}");
}

/// On a full disk segments that are wholly dead go without a byte written.
#[test]
fn a_full_disk_gets_its_dead_space_back() {
    let disk = FaultyDisk::new();
    let house = House::on(Arc::new(disk.clone()), SMALL);
    let (ann, owner) = house.account("ann@example.org");
    for n in 0..40 {
        house.deliver(ann, INBOX, &format!("message {n}"));
    }
    disk.limit_space(Some(disk.used_bytes()));
    house.store().expunge(ann, INBOX, &(1..=30).collect::<Vec<_>>()).unwrap();
    let full = house.store().append(vec![house.message(ann, INBOX, &"x".repeat(5000))]);
    assert_eq!(full, Err(StoreError::DiskFull));
    let used = disk.used_bytes();
    let outcome = house.store().compact(&AT_ONCE, &mut |_, _| true);
    assert!(matches!(outcome, Ok(_) | Err(StoreError::DiskFull)), "{outcome:?}");
    assert!(disk.used_bytes() < used);
    assert_eq!(house.texts(&owner, INBOX).len(), 10);
    house.deliver(ann, INBOX, "there is space again");
    sound(&house);
}

/// Compacts with the fault at `step` steps from the beginning; loses power; continues.
fn run(step: u64, fault: Fault) -> u64 {
    let disk = FaultyDisk::new();
    let mut house = House::on(
        Arc::new(disk.clone()),
        Settings { segment_bytes: 1500, changes_before_fold: 4, ..Settings::default() },
    );
    let (ann, owner) = house.account("ann@example.org");
    let what = format!("{fault:?} at {step}");
    for n in 0..16 {
        house.deliver(ann, INBOX, &format!("message {n}"));
    }
    house.store().expunge(ann, INBOX, &[1, 2, 3, 5, 6, 8, 9, 11, 12, 14]).unwrap();
    let before = seen(&house, &owner, INBOX);
    let first = disk.steps();
    disk.fail_step(first + step, fault);
    let outcome = house.store().compact(&AT_ONCE, &mut |_, _| true);
    if let Err(error) = &outcome {
        assert!(matches!(error, StoreError::NotStored(_) | StoreError::DiskFull), "{what}: {error}");
    }
    let steps = disk.steps() - first;
    assert_eq!(seen(&house, &owner, INBOX), before, "{what}");
    house.close();
    disk.cut_power(&SeededEntropy::new(step));
    house.reopen();
    assert_eq!(seen(&house, &owner, INBOX), before, "{what}, after a power cut");
    sound(&house);
    house.deliver(ann, INBOX, "after");
    compact(&house);
    compact(&house);
    let status = house.store().pack_status();
    // The segment that grows is never compacted, and it is whole blocks of 4,096 bytes.
    assert!(status.dead_bytes * 2 <= status.bytes + 4096, "{what}: {status:?}");
    assert_eq!(seen(&house, &owner, INBOX)[..6], before[..], "{what}, after another pass");
    sound(&house);
    steps
}

#[test]
fn every_step_of_a_pass_fails_in_both_ways() {
    for fault in [Fault::Failed, Fault::FailedButPersisted] {
        let mut step = 0;
        while step <= run(step, fault) {
            step += 1;
        }
        assert!(step > 6, "{step}");
    }
}

#[test]
fn mail_comes_and_goes_while_passes_run() {
    let house = small();
    let accounts: Vec<(AccountId, SignedIn)> = (0..4).map(|n| house.account(&format!("user{n}@example.org"))).collect();
    house.store().set_policy(Policy::default());
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let passes = scope.spawn(|| {
            let mut emptied = 0;
            while !over.load(Ordering::Relaxed) {
                emptied += compact(&house).segments;
            }
            emptied
        });
        let users: Vec<_> = accounts
            .iter()
            .map(|(account, owner)| {
                let house = &house;
                scope.spawn(move || {
                    let mut wanted = Vec::new();
                    for n in 0..150_u32 {
                        let text = format!("message {n} {}", "y".repeat((n as usize * 37) % 300));
                        let uid = house.deliver(*account, INBOX, &text);
                        wanted.push((uid, text));
                        if n % 5 == 4 {
                            let gone: Vec<u32> =
                                wanted.iter().rev().skip(1).step_by(2).take(2).map(|one| one.0).collect();
                            house.store().expunge(*account, INBOX, &gone).unwrap();
                            wanted.retain(|one| !gone.contains(&one.0));
                        }
                        if n % 7 == 0 {
                            let got: Vec<_> = seen(house, owner, INBOX).into_iter().map(|one| (one.0, one.5)).collect();
                            assert_eq!(got, wanted);
                        }
                    }
                    wanted
                })
            })
            .collect();
        let wanted: Vec<_> = users.into_iter().map(|user| user.join().unwrap()).collect();
        over.store(true, Ordering::Relaxed);
        assert!(passes.join().unwrap() > 3);
        compact(&house);
        sound(&house);
        for ((_, owner), wanted) in accounts.iter().zip(wanted) {
            let got: Vec<_> = seen(&house, owner, INBOX).into_iter().map(|one| (one.0, one.5)).collect();
            assert_eq!(got, wanted);
        }
    });
    let report = house.store().verify();
    assert!(report.is_sound(), "{report:?}");
}
