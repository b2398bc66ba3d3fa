//! What is on the disk is not what was written: it is noticed, named, and stops nothing else.

use std::fs;
use std::path::PathBuf;

use store::{DamageKind, FlagChange, FlagSet, Report, SeenAt, StoreError};
use terms::OtherFormat;
use vault::Part;

use crate::house::{House, INBOX, seen};

fn segment(house: &House, number: u32) -> PathBuf {
    house.path().join(format!("packs/{number:08}.pack"))
}

fn three_messages(house: &House) -> (terms::AccountId, vault::SignedIn) {
    let (ann, owner) = house.account("ann@example.org");
    for text in ["one", "two", "three"] {
        house.deliver(ann, INBOX, text);
    }
    (ann, owner)
}

#[test]
fn a_torn_tail_is_cut() {
    let mut house = House::new();
    let (ann, owner) = three_messages(&house);
    let whole = fs::read(segment(&house, 1)).unwrap();
    // Torn in its header, torn in its body, whole and yet never acknowledged, garbage.
    let record = &whole[24..];
    for tail in [&record[..20], &record[..80], &record[..record.len() / 3], &[0; 4096][..]] {
        house.close();
        fs::write(segment(&house, 1), [&fs::read(segment(&house, 1)).unwrap(), tail].concat()).unwrap();
        house.reopen();
        let report = house.store().verify();
        assert!(report.is_sound(), "{report:?}");
        assert_eq!(report.pack_bytes, report.live_bytes + 24);
        assert_eq!(house.texts(&owner, INBOX)[..3], ["one", "two", "three"]);
    }
    house.deliver(ann, INBOX, "four");
    assert_eq!(house.texts(&owner, INBOX)[3], "four");
    assert!(!house.path().join("packs/00000002.pack").exists());
}

#[test]
fn acknowledged_bytes_that_are_missing_are_named_and_the_rest_goes_on() {
    let mut house = House::new();
    let (ann, owner) = three_messages(&house);
    house.close();
    let whole = fs::read(segment(&house, 1)).unwrap();
    fs::write(segment(&house, 1), &whole[..whole.len() - 10]).unwrap();
    house.reopen();
    house.deliver(ann, INBOX, "four");
    let store = house.store();
    let report = store.verify();
    assert_eq!(report.damages.len(), 2, "{report:?}");
    let entries: Vec<_> = store.snapshot(ann, INBOX).unwrap().entries().collect();
    let originals = store.open_parts(&owner, &entries, Part::Original).unwrap();
    assert_eq!(originals.iter().flatten().count(), 4, "only the end of the last record is gone");
    let records = store.open_parts(&owner, &entries, Part::Record).unwrap();
    assert!(matches!(records[2], Err(StoreError::Damaged(_))));
    assert_eq!(records[3].as_deref(), Ok(&b"record of four"[..]));
    assert!(segment(&house, 2).exists());
}

#[test]
fn a_flipped_byte_fails_one_message_alone() {
    let mut house = House::new();
    let (ann, owner) = three_messages(&house);
    house.close();
    let whole = fs::read(segment(&house, 1)).unwrap();
    let second = 24 + (whole.len() - 24) / 3;
    for at in [second, second + 10, second + 45, second + 60] {
        let mut flipped = whole.clone();
        flipped[at] ^= 1;
        fs::write(segment(&house, 1), &flipped).unwrap();
        house.reopen();
        let store = house.store();
        let entries: Vec<_> = store.snapshot(ann, INBOX).unwrap().entries().collect();
        let opened = store.open_parts(&owner, &entries, Part::Original).unwrap();
        assert!(matches!(&opened[..], [Ok(_), Err(StoreError::Damaged(_)), Ok(_)]), "byte {at}: {opened:?}");
        let report = store.verify();
        assert_eq!(report.damages.len(), 1, "{report:?}");
        assert_eq!(report.damages[0].message, Some(entries[1].id));
        house.close();
    }
    fs::write(segment(&house, 1), &whole).unwrap();
    house.reopen();
    assert!(house.store().verify().is_sound());
    house.close();
    fs::remove_file(segment(&house, 1)).unwrap();
    house.reopen();
    let report = house.store().verify();
    assert!(report.damages.iter().any(|damage| damage.to_string() == "segment 1: it is missing"), "{report:?}");
    house.deliver(ann, INBOX, "the rest goes on");
}

/// Changes the rows behind the store's back; how the store then opens and reads.
fn after(sql: &str) -> Result<(), StoreError> {
    let mut house = House::new();
    let (ann, _) = three_messages(&house);
    let (ben, _) = house.account("ben@example.org");
    house.deliver(ben, INBOX, "of ben");
    let flags = FlagChange::Set(FlagSet::system(FlagSet::SEEN));
    house.store().change_flags(ann, INBOX, &[2], flags, None).unwrap();
    house.close();
    let rows = rusqlite::Connection::open(house.path().join("rows.sqlite")).unwrap();
    rows.execute_batch(sql).unwrap();
    drop(rows);
    let store = house.open_at(&house.path())?;
    store.mailboxes(ann)?;
    store.mailboxes(ben)?;
    assert!(store.verify().is_sound());
    Ok(())
}

#[test]
fn rows_cannot_be_lost_swapped_or_forged() {
    assert_eq!(after(""), Ok(()));
    let damaged = |sql: &str| assert!(matches!(after(sql), Err(StoreError::Damaged(_))), "{sql}: {:?}", after(sql));
    damaged("DELETE FROM commits WHERE seq = 3");
    damaged("DELETE FROM commits WHERE seq = 1");
    damaged("DELETE FROM commits");
    damaged("DELETE FROM changes WHERE account = 1 AND seq = 6");
    damaged("DELETE FROM changes WHERE account = 1 AND seq = 4");
    damaged("DELETE FROM changes WHERE account = 1");
    damaged(
        "UPDATE changes SET sealed = (SELECT sealed FROM changes WHERE account = 1 AND seq = 3) WHERE account = 1 AND seq = 4",
    );
    damaged(
        "UPDATE changes SET sealed = (SELECT sealed FROM changes WHERE account = 1 AND seq = 3) WHERE account = 2 AND seq = 3",
    );
    damaged("UPDATE changes SET sealed = zeroblob(60) WHERE account = 2 AND seq = 3");
    damaged("UPDATE accounts SET sealed = (SELECT sealed FROM accounts WHERE account = 1) WHERE account = 2");
    let other = after("PRAGMA user_version = 7").unwrap_err();
    assert_eq!(other, StoreError::OtherFormat(OtherFormat(7)));
    let words = other.to_string();
    assert!(
        words.contains("format 7") && words.contains("bailiwick export") && words.contains("bailiwick import"),
        "{words}"
    );
    assert!(matches!(after("PRAGMA application_id = 7"), Err(StoreError::CannotOpen(_))));
}

#[test]
fn blocks_of_a_snapshot_cannot_be_swapped_or_set_back() {
    let mut house = House::new();
    house.settings.changes_before_fold = 5;
    house.reopen();
    let (ann, _) = house.account("ann@example.org");
    let fill = |house: &House| {
        for n in 0..40 {
            house.deliver(ann, INBOX, &format!("text {n}"));
        }
    };
    fill(&house);
    house.close();
    let rows = || rusqlite::Connection::open(house.path().join("rows.sqlite")).unwrap();
    let old = "CREATE TABLE old AS SELECT * FROM blocks";
    let blocks: i64 = rows().query_row("SELECT count(*) FROM blocks", [], |row| row.get(0)).unwrap();
    assert!(blocks >= 2, "the log was folded");
    rows().execute_batch(old).unwrap();
    house.reopen();
    fill(&house);
    let before = seen(house.store(), ann);
    house.reopen();
    assert_eq!(seen(house.store(), ann), before);
    house.close();
    let set_back = "UPDATE blocks SET sealed = (SELECT sealed FROM old WHERE old.mailbox = blocks.mailbox AND old.block = blocks.block)";
    let rows = rusqlite::Connection::open(house.path().join("rows.sqlite")).unwrap();
    rows.execute_batch(set_back).unwrap();
    drop(rows);
    house.reopen();
    assert!(matches!(house.store().mailboxes(ann), Err(StoreError::Damaged(_))));
    assert!(!house.store().verify().is_sound());
}

/// An account of 300 messages whose log was folded, in the state in which `sql` leaves it: what a check says of it.
fn checked_after(sql: &str, folded: bool) -> Report {
    let mut house = House::new();
    if folded {
        house.settings.changes_before_fold = 60;
        house.reopen();
    }
    let (ann, _) = house.account("ann@example.org");
    let (ben, owner) = house.account("ben@example.org");
    house.deliver(ben, INBOX, "of ben");
    for n in 0..if folded { 300 } else { 10 } {
        house.deliver(ann, INBOX, &format!("text {n}"));
    }
    // The whole log: a fold that came by itself may end anywhere.
    while folded && !house.store().reseal_account(ann).unwrap() {}
    house.close();
    let rows = rusqlite::Connection::open(house.path().join("rows.sqlite")).unwrap();
    let before: i64 = rows.query_row("SELECT count(*) FROM blocks", [], |row| row.get(0)).unwrap();
    assert_eq!(before > 0, folded);
    rows.execute_batch(sql).unwrap();
    drop(rows);
    house.reopen();
    // Others continue, and the account itself is complete or not there at all.
    assert_eq!(house.texts(&owner, INBOX), ["of ben"]);
    assert!(sql.is_empty() || matches!(house.store().mailboxes(ann), Err(StoreError::Damaged(_))), "{sql}");
    house.store().verify()
}

#[test]
fn a_lost_block_costs_no_other() {
    assert!(checked_after("", true).is_sound());
    let lost = |mailbox: u32, block: u32| {
        let sql = format!(
            "UPDATE blocks SET sealed = zeroblob(60) WHERE account = 1 AND mailbox = {mailbox} AND block = {block}"
        );
        checked_after(&sql, true)
    };
    let inbox = |uid_first, uid_last| vec![SeenAt { mailbox: "INBOX".to_owned(), uid_first, uid_last }];
    // Of the messages themselves: the others are read, the lost ones named.
    let report = lost(0, 0);
    assert_eq!(report.damages.len(), 1, "{report:?}");
    assert_eq!((report.damages[0].kind, &report.damages[0].seen_at), (DamageKind::Block, &inbox(1, 255)));
    assert_eq!(report.messages, 46, "45 and ben's");
    // Of the mailbox: the messages are all there.
    let report = lost(1, 0);
    assert_eq!((report.damages.len(), &report.damages[0].seen_at), (1, &inbox(1, 255)), "{report:?}");
    assert_eq!(report.messages, 301);
    // Two, and both are named.
    let report = checked_after("DELETE FROM blocks WHERE account = 1 AND block = 0", true);
    assert_eq!(report.damages.len(), 2, "{report:?}");
    // The head.
    let report = checked_after("UPDATE snapshots SET sealed = zeroblob(60) WHERE account = 1", true);
    assert_eq!(report.damages[0].kind, DamageKind::Snapshot, "{report:?}");
}

#[test]
fn behind_a_lost_change_messages_are_still_checked() {
    assert!(checked_after("", false).is_sound());
    // The changes are INBOX, its subscription, and ten messages.
    let report = checked_after("UPDATE changes SET sealed = zeroblob(60) WHERE account = 1 AND seq = 6", false);
    assert_eq!((report.damages.len(), report.damages[0].kind), (1, DamageKind::Change), "{report:?}");
    assert_eq!(report.messages, 10, "nine and ben's");
    let report = checked_after("DELETE FROM changes WHERE account = 1 AND seq IN (4, 7)", false);
    let kinds: Vec<DamageKind> = report.damages.iter().map(|damage| damage.kind).collect();
    assert_eq!(kinds, [DamageKind::Change, DamageKind::Change], "{report:?}");
    assert_eq!(report.messages, 9, "eight and ben's");
}

#[test]
fn a_lost_epoch_or_address_is_named_and_the_rest_goes_on() {
    let mut house = House::new();
    let (ann, owner) = three_messages(&house);
    house.close();
    let rows = rusqlite::Connection::open(house.path().join("rows.sqlite")).unwrap();
    rows.execute_batch("UPDATE addresses SET hash = zeroblob(32); UPDATE epochs SET sealed = zeroblob(81)").unwrap();
    drop(rows);
    house.reopen();
    let report = house.store().verify();
    assert_eq!((report.damages.len(), report.damages[0].kind), (1, DamageKind::Profile), "{report:?}");
    assert_eq!(report.damages[0].account, Some(ann));
    let entries: Vec<_> = house.store().snapshot(ann, INBOX).unwrap().entries().collect();
    let opened = house.store().open_parts(&owner, &entries, Part::Original).unwrap();
    assert!(
        opened.iter().all(|opened| matches!(opened, Err(StoreError::Damaged(_)))),
        "each says so itself: {opened:?}"
    );
}
