//! A copy at one moment, and a store made of it: the same mail, other UIDVALIDITY; what is damaged stops nothing else.

use std::path::Path;

use store::{Backup, FlagChange, FlagSet, Policy, RowRestorer, Store, StoreError};
use terms::{AccountId, CaseId, UnixMillis};

use crate::house::{House, INBOX, seen, texts};

/// Writes what a backup gives as files, as a program would.
fn copy_segments(backup: &Backup, dir: &Path) {
    std::fs::create_dir_all(dir.join("packs")).unwrap();
    for segment in backup.segments() {
        let mut bytes = vec![0; usize::try_from(segment.len).unwrap()];
        segment.read(0, &mut bytes).unwrap();
        std::fs::write(dir.join(format!("packs/{:08}.pack", segment.number)), bytes).unwrap();
    }
}

fn restored(house: &House, backup: &Backup, dir: &Path) -> Store {
    copy_segments(backup, dir);
    let mut rows = RowRestorer::create(dir, backup.tail()).unwrap();
    for account in backup.accounts() {
        rows.account(account, &backup.pieces(account).unwrap(), None).unwrap();
    }
    rows.finish().unwrap();
    house.open_at(dir).unwrap()
}

#[test]
fn a_copy_is_of_one_moment_and_reads_the_same() {
    let mut house = House::new();
    house.settings.changes_before_fold = 8;
    house.settings.segment_bytes = 4000;
    house.reopen();
    let (ann, owner) = house.account("ann@example.org");
    let (ben, _) = house.account("ben@example.org");
    let store = house.store();
    store.set_policy(Policy { restorable_days: 14, ..Policy::default() });
    let other = store.create_mailbox(ann, "Other", None).unwrap().id;
    for n in 0..40 {
        house.deliver(ann, INBOX, &format!("message {n}"));
    }
    store.copy(ann, INBOX, &[3, 4], other).unwrap();
    store.change_flags(ann, INBOX, &[5], FlagChange::Add(FlagSet::system(FlagSet::SEEN)), None).unwrap();
    store.expunge(ann, INBOX, &[1, 2]).unwrap();
    store.hold(CaseId(9), ann, UnixMillis(0), UnixMillis(i64::MAX)).unwrap();
    store.expunge(ann, INBOX, &[7]).unwrap();

    let before = seen(store, ann);
    let backup = store.backup().unwrap();
    // What comes later is not in it, and does not disturb it.
    for n in 0..40 {
        house.deliver(ann, INBOX, &format!("later {n}"));
        house.deliver(ben, INBOX, "later");
    }
    store.expunge(ann, INBOX, &[10, 11]).unwrap();

    let copy = tempfile::tempdir().unwrap();
    let twin = restored(&house, &backup, copy.path());
    twin.set_policy(store.policy());
    assert_eq!(seen(&twin, ann), before);
    assert_eq!(texts(&twin, &owner, INBOX).len(), 37);
    assert!(twin.verify().is_sound(), "{:?}", twin.verify());
    assert_eq!(twin.holds(ann).unwrap(), [(CaseId(9), 40)]);
    assert_eq!(twin.deleted(&owner).unwrap().len(), 3);

    // Every UIDVALIDITY is a new one, and the UIDs stay.
    house.clock.advance(60_000);
    twin.renumber(ann).unwrap();
    let after = seen(&twin, ann);
    let validity =
        |seen: &crate::house::Seen| seen.mailboxes.iter().map(|(info, ..)| info.uid_validity).collect::<Vec<_>>();
    let most = *validity(&before).iter().max().unwrap();
    assert!(validity(&after).iter().all(|value| *value > most), "{:?}", validity(&after));
    for ((_, one, _), (_, two, _)) in before.mailboxes.iter().zip(&after.mailboxes) {
        assert_eq!(one, two);
    }
    // It takes mail and opens again.
    twin.append(vec![house.message(ann, INBOX, "new")]).unwrap();
    drop(twin);
    let twin = house.open_at(copy.path()).unwrap();
    assert_eq!(texts(&twin, &owner, INBOX).last().unwrap(), "new");
    assert!(twin.verify().is_sound());
    assert!(matches!(RowRestorer::create(copy.path(), (1, 24)), Err(StoreError::CannotOpen(_))));
}

#[test]
fn pieces_stay_the_same_until_their_rows_change() {
    let mut house = House::new();
    house.settings.changes_before_fold = 16;
    house.reopen();
    let (ann, _) = house.account("ann@example.org");
    let (ben, _) = house.account("ben@example.org");
    let store = house.store();
    for account in [ann, ben] {
        for part in 0..40 {
            let messages = (0..500).map(|n| house.message(account, INBOX, &format!("{part} {n}"))).collect();
            store.append(messages).unwrap();
        }
    }
    // All of it folded.
    for account in [ann, ben] {
        while !store.reseal_account(account).unwrap() {}
    }
    let first = store.backup().unwrap();
    let pieces = |backup: &Backup, account: AccountId| backup.pieces(account).unwrap();
    let (ann_before, ben_before) = (pieces(&first, ann), pieces(&first, ben));
    drop(first);
    assert!(ann_before.len() > 3, "20,000 messages are in several pieces");
    for _ in 0..40 {
        house.deliver(ann, INBOX, "one more");
    }
    house.reopen();
    let second = house.store().backup().unwrap();
    assert_eq!(pieces(&second, ben), ben_before);
    let after = pieces(&second, ann);
    let same = after.iter().filter(|piece| ann_before.contains(piece)).count();
    assert!(same > 0 && same < after.len(), "{same} of {} pieces", after.len());
}

#[test]
fn damaged_rows_of_one_account_stop_no_other() {
    let house = House::new();
    let accounts = ["ann@example.org", "ben@example.org"].map(|address| house.account(address).0);
    for account in accounts {
        house.deliver(account, INBOX, "text");
    }
    let backup = house.store().backup().unwrap();
    let good = accounts.map(|account| backup.pieces(account).unwrap());
    for (at, what) in [(0, "magic"), (20, "sum"), (60, "sealed")] {
        let copy = tempfile::tempdir().unwrap();
        copy_segments(&backup, copy.path());
        let mut rows = RowRestorer::create(copy.path(), backup.tail()).unwrap();
        let mut bad = good[0].clone();
        bad[0][at] ^= 1;
        assert!(matches!(rows.account(accounts[0], &bad, None), Err(StoreError::Damaged(_))), "{what}");
        bad[0].truncate(at);
        assert!(matches!(rows.account(accounts[0], &bad, None), Err(StoreError::Damaged(_))), "{what} cut");
        // Nor do another's pieces, or one's own without the head.
        assert!(matches!(rows.account(accounts[0], &good[1], None), Err(StoreError::Damaged(_))));
        assert!(matches!(rows.account(accounts[0], &good[0][1..], None), Err(StoreError::Damaged(_))));
        rows.account(accounts[1], &good[1], None).unwrap();
        rows.finish().unwrap();
        let twin = house.open_at(copy.path()).unwrap();
        assert_eq!(twin.accounts().len(), 1);
        assert_eq!(twin.mailbox_named(accounts[1], "INBOX").unwrap().messages, 1);
        assert!(twin.verify().is_sound());
    }
}
