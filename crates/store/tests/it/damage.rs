//! What lies on the disk is not what was written: it is noticed, named, and stops nothing else.

use std::fs;
use std::path::PathBuf;

use store::{FlagChange, FlagSet, StoreError};
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
    assert_eq!(after("PRAGMA user_version = 7"), Err(StoreError::NewerFormat(7)));
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
