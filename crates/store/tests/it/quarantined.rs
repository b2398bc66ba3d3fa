//! The profile of one account is damaged: that account is quarantined until it is restored, with nothing lost, and all others continue.

use std::collections::BTreeMap;

use store::{CompactionPlan, DamageKind, RowRestorer, Settings, Store, StoreError, profile_in};
use terms::{AccountId, CaseId, UnixMillis};
use vault::AccountPublicKey;

use crate::house::{House, INBOX, address, copy_dir, seen};

/// Some ten messages a segment.
const SMALL: Settings = Settings { segment_bytes: 4000, changes_before_fold: 8, wal_pages: 64 };

const BEN: &str = "ben@example.org";

fn rows(house: &House) -> rusqlite::Connection {
    rusqlite::Connection::open(house.path().join("rows.sqlite")).unwrap()
}

fn numbers(house: &House) -> Vec<i64> {
    let rows = rows(house);
    let mut all = rows.prepare("SELECT account FROM accounts ORDER BY account").unwrap();
    all.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

fn is_damaged<T: std::fmt::Debug>(what: &str, outcome: Result<T, StoreError>) {
    assert!(matches!(outcome, Err(StoreError::Damaged(_))), "{what}: {outcome:?}");
}

/// Every way to use an account.
fn every_call_is_refused(store: &Store, house: &House, ben: AccountId) {
    is_damaged("address", store.open_account_of(&address(BEN)));
    is_damaged("what arrives", store.receiver_of(&address(BEN)));
    is_damaged("profile", store.account(ben));
    is_damaged("closed", store.is_closed(ben));
    is_damaged("closing", store.close_account(ben));
    is_damaged("mailboxes", store.mailboxes(ben));
    is_damaged("mailbox", store.create_mailbox(ben, "Another", None));
    is_damaged("delivery", store.append(vec![house.message(ben, INBOX, "no")]));
    is_damaged("usage", store.usage(ben));
    is_damaged("holds", store.holds(ben));
    is_damaged("hold", store.hold(CaseId(1), ben, UnixMillis(0), UnixMillis(i64::MAX)));
    is_damaged("sealing again", store.reseal_account(ben));
    is_damaged("another key", store.receive_by(ben, &AccountPublicKey([1; 32])));
}

#[test]
fn one_account_is_quarantined_and_the_others_continue() {
    let mut house = House::new();
    house.settings = SMALL;
    house.reopen();
    let (ann, of_ann) = house.account("ann@example.org");
    let (ben, of_ben) = house.account(BEN);
    for n in 0..20 {
        house.deliver(ann, INBOX, &format!("of ann {n} {}", "x".repeat(200)));
        house.deliver(ben, INBOX, &format!("of ben {n} {}", "x".repeat(200)));
    }
    house.store().hold(CaseId(1), ben, UnixMillis(0), UnixMillis(i64::MAX)).unwrap();
    house.store().hold(CaseId(2), ann, UnixMillis(0), UnixMillis(i64::MAX)).unwrap();
    let (before, texts) = (seen(house.store(), ben), house.texts(&of_ben, INBOX));
    house.close();
    rows(&house)
        .execute_batch(
            "CREATE TABLE old AS SELECT * FROM accounts;
             UPDATE accounts SET sealed = CAST(substr(sealed, 1, 2) || zeroblob(60) AS BLOB) WHERE account = 2",
        )
        .unwrap();
    house.reopen();
    let store = house.store();
    assert_eq!(store.quarantined_accounts(), [ben]);
    let others: Vec<AccountId> = store.accounts().iter().map(|record| record.id).collect();
    assert_eq!(others, [ann]);
    every_call_is_refused(store, &house, ben);
    let report = store.verify();
    let found: Vec<_> = report.damages.iter().map(|damage| (damage.kind, damage.account)).collect();
    assert_eq!(found, [(DamageKind::Profile, Some(ben))], "{report:?}");
    assert_eq!((report.accounts, report.messages), (2, 40), "the mail of the quarantined account is checked, too");
    assert_eq!(report.notes, [""; 0]);

    // Neither its address nor its id nor its number is given to another.
    assert_eq!(store.account_of(&address(BEN)), Ok(Some(ben)));
    let public = house.vault.create_account(AccountId([7; 16]), &"a password".into()).unwrap();
    let taken = store.create_account(AccountId([7; 16]), &[address(BEN)], &public, "");
    assert_eq!(taken, Err(StoreError::AddressTaken));
    let twice = store.create_account(ben, &[address("new@example.org")], &public, "");
    assert_eq!(twice, Err(StoreError::AccountExists));
    let (cara, of_cara) = house.account("cara@example.org");
    assert_eq!(numbers(&house), [1, 2, 3]);
    house.deliver(cara, INBOX, "of cara");
    house.deliver(ann, INBOX, "of ann, later");
    assert_eq!(house.texts(&of_cara, INBOX), ["of cara"]);
    assert_eq!(house.texts(&of_ann, INBOX).len(), 21);

    // A case that holds nothing of it ends; one that does waits. Keys that sealed its rows stay needed.
    assert_eq!(house.store().release_hold(CaseId(2)), Ok(1));
    is_damaged("the case that holds mail of it", house.store().release_hold(CaseId(1)));
    assert_eq!(house.store().stale_accounts(99).unwrap().last(), Some(&ben));
    // What is dead is reclaimed, and none of the mail that waits.
    let uids: Vec<u32> = (1..=20).collect();
    house.store().expunge(ann, INBOX, &uids).unwrap();
    let plan = CompactionPlan { dead_percent: 1, bytes_per_second: 0 };
    house.store().compact(&plan, &mut |_, _| true).unwrap();
    house.store().forget_deleted().unwrap();

    house.close();
    rows(&house)
        .execute_batch(
            "UPDATE accounts SET sealed = (SELECT sealed FROM old WHERE account = 2) WHERE account = 2; DROP TABLE old",
        )
        .unwrap();
    house.reopen();
    assert_eq!(house.store().quarantined_accounts(), []);
    assert!(house.store().verify().is_sound());
    assert_eq!((seen(house.store(), ben), house.texts(&of_ben, INBOX)), (before, texts));
    house.deliver(ben, INBOX, "of ben, later");
    assert_eq!(house.store().release_hold(CaseId(1)), Ok(1));
}

/// Each way in which a profile may be invalid. Of two damaged ones each is quarantined.
#[test]
fn whatever_is_wrong_with_a_profile() {
    for sql in [
        "UPDATE accounts SET sealed = zeroblob(0) WHERE account > 1",
        "UPDATE accounts SET sealed = zeroblob(200) WHERE account > 1",
        "UPDATE accounts SET sealed = (SELECT sealed FROM accounts WHERE account = 1) WHERE account > 1",
        "UPDATE accounts SET sealed = CAST(sealed || x'00' AS BLOB) WHERE account > 1",
    ] {
        let mut house = House::new();
        let (ann, owner) = house.account("ann@example.org");
        let quarantined = [house.account(BEN).0, house.account("cara@example.org").0];
        house.close();
        rows(&house).execute_batch(sql).unwrap();
        house.reopen();
        assert_eq!(house.store().quarantined_accounts(), quarantined, "{sql}");
        house.deliver(ann, INBOX, "goes on");
        assert_eq!(house.texts(&owner, INBOX), ["goes on"]);
        house.account("dora@example.org");
        assert_eq!(numbers(&house), [1, 2, 3, 4], "{sql}");
    }
}

/// What is restored has the rows of the newest copy and, where its profile is damaged, that of an older one.
#[test]
fn a_copy_takes_the_profile_of_an_older_one() {
    let mut house = House::new();
    let (ben, owner) = house.account(BEN);
    house.deliver(ben, INBOX, "early");
    let older = house.store().backup().unwrap().pieces(ben).unwrap();
    house.deliver(ben, INBOX, "late");
    house.close();
    rows(&house).execute_batch("UPDATE accounts SET sealed = zeroblob(60)").unwrap();
    house.reopen();
    let backup = house.store().backup().unwrap();
    let pieces: BTreeMap<AccountId, Vec<Vec<u8>>> =
        backup.accounts().map(|id| (id, backup.pieces(id).unwrap())).collect();
    assert_eq!(profile_in(&house.vault, ben, &pieces[&ben]), Ok(None));
    assert_eq!(profile_in(&house.vault, AccountId([7; 16]), &older), Ok(None), "it is somebody else's");
    let profile = profile_in(&house.vault, ben, &older).unwrap();
    assert!(profile.is_some());
    let restored = tempfile::tempdir().unwrap();
    std::fs::create_dir(restored.path().join("packs")).unwrap();
    copy_dir(&house.path().join("packs"), &restored.path().join("packs"));
    let mut rows = RowRestorer::create(restored.path(), backup.tail()).unwrap();
    rows.account(ben, &pieces[&ben], profile).unwrap();
    rows.finish().unwrap();
    let store = house.open_at(restored.path()).unwrap();
    assert_eq!(store.quarantined_accounts(), []);
    assert_eq!(crate::house::texts(&store, &owner, INBOX), ["early", "late"]);
}
