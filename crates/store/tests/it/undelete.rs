//! Quota and the bin: what counts, what is restored, what is deleted, and that a hold shows in none of it.

use store::{DeletedMessage, FlagChange, FlagSet, Limit, Limits, Policy, StoreError};
use terms::{CaseId, Clock, UnixMillis};
use vault::Part;

use crate::house::{House, INBOX, seen};

const DAY: i64 = 86_400_000;

fn policy(restorable_days: u32) -> Policy {
    Policy { restorable_days, ..Policy::default() }
}

fn numbers(deleted: &[DeletedMessage]) -> Vec<u32> {
    deleted.iter().map(|message| message.number).collect()
}

#[test]
fn what_was_expunged_comes_back_as_it_was() {
    let mut house = House::new();
    let (ann, owner) = house.account("ann@example.org");
    house.store().set_policy(policy(14));
    for n in 1..=4 {
        house.deliver(ann, INBOX, &format!("message {n}"));
    }
    let store = house.store();
    let flags = FlagSet::system(FlagSet::FLAGGED | FlagSet::DELETED).and_keyword("$Work");
    store.change_flags(ann, INBOX, &[2], FlagChange::Add(flags), None).unwrap();
    let archive = store.create_mailbox(ann, "Archive/2026", None).unwrap().id;
    store.copy(ann, INBOX, &[1], archive).unwrap();
    store.move_(ann, INBOX, &[4], archive).unwrap();
    let dates = store.snapshot(ann, INBOX).unwrap().entry(2).unwrap().internal_date;
    // 1 is still in the archive: it is not deleted. 2 and 3 are.
    store.expunge(ann, INBOX, &[1, 2, 3]).unwrap();
    house.clock.advance(DAY);
    // The archive goes with 1 and 4.
    store.delete_mailbox(ann, "Archive/2026").unwrap();

    let check = |store: &store::Store| {
        let deleted = store.deleted(&owner).unwrap();
        let places: Vec<&str> = deleted.iter().map(|message| message.mailbox.as_str()).collect();
        assert_eq!(places, ["INBOX", "INBOX", "Archive/2026", "Archive/2026"]);
        assert_eq!(deleted[0].until, deleted[0].deleted.plus_millis(14 * DAY));
        let entries: Vec<_> = deleted.iter().map(|message| message.entry.clone()).collect();
        let opened = store.open_parts(&owner, &entries, Part::Original).unwrap();
        let texts: Vec<_> = opened.into_iter().map(|text| String::from_utf8(text.unwrap()).unwrap()).collect();
        assert_eq!(texts, ["message 2", "message 3", "message 1", "message 4"]);
        assert!(store.verify().is_sound());
    };
    check(house.store());
    house.reopen();
    house.store().set_policy(policy(14));
    check(house.store());

    let store = house.store();
    let modseq = store.mailbox_named(ann, "INBOX").unwrap().highest_modseq;
    let restored = store.restore(&owner, &[1, 3, 4, 99]).unwrap();
    assert_eq!(restored.messages, 3);
    assert_eq!(restored.mailboxes, [("INBOX".to_owned(), 1), ("Archive/2026".to_owned(), 2)]);
    assert_eq!(house.texts(&owner, INBOX), ["message 2"]);
    let back = store.snapshot(ann, INBOX).unwrap().at(0).unwrap();
    assert_eq!((back.uid, back.internal_date), (5, dates));
    assert!(back.modseq > modseq);
    assert_eq!(*back.flags, FlagSet::system(FlagSet::FLAGGED).and_keyword("$Work"), "not \\Deleted any more");
    let archive = store.mailbox_named(ann, "Archive/2026").unwrap().id;
    assert_eq!(house.texts(&owner, archive), ["message 1", "message 4"]);
    assert_eq!(numbers(&store.deleted(&owner).unwrap()), [2]);
    // What is back may be deleted again, under a new number.
    store.expunge(ann, INBOX, &[5]).unwrap();
    assert_eq!(numbers(&store.deleted(&owner).unwrap()), [2, 5]);
    let now = seen(store, ann);
    house.reopen();
    assert_eq!(seen(house.store(), ann), now);
    assert!(house.store().verify().is_sound());
}

#[test]
fn after_its_days_it_is_gone() {
    let mut house = House::new();
    let (ann, owner) = house.account("ann@example.org");
    let (ben, ben_owner) = house.account("ben@example.org");
    house.store().set_policy(policy(14));
    for account in [ann, ben] {
        house.deliver(account, INBOX, "early");
        house.deliver(account, INBOX, "late");
        house.store().expunge(account, INBOX, &[1]).unwrap();
    }
    house.clock.advance(DAY);
    house.store().expunge(ann, INBOX, &[2]).unwrap();
    house.clock.advance(13 * DAY - 1);
    assert_eq!(house.store().forget_deleted().unwrap(), 0);
    assert_eq!(house.store().verify().messages, 4);
    // Also of accounts that nobody has used since the start.
    house.reopen();
    let store = house.store();
    store.set_policy(policy(14));
    assert_eq!(store.forget_deleted().unwrap(), 0);
    house.clock.advance(1);
    assert_eq!(numbers(&store.deleted(&owner).unwrap()), [2], "not offered any more, whether the job ran or not");
    assert_eq!(store.restore(&owner, &[1]).unwrap().messages, 0);
    assert_eq!(store.forget_deleted().unwrap(), 2);
    assert_eq!(store.forget_deleted().unwrap(), 0);
    assert_eq!(store.verify().messages, 2);
    // Never for a closed account.
    store.close_account(ann).unwrap();
    assert_eq!(store.deleted(&owner).unwrap(), []);
    assert_eq!(store.restore(&owner, &[2]), Err(StoreError::NoSuchAccount));
    assert_eq!(store.forget_deleted().unwrap(), 1);
    assert_eq!(store.verify().messages, 1);
    // Without days, at once.
    store.set_policy(policy(0));
    store.expunge(ben, INBOX, &[2]).unwrap();
    assert_eq!(store.deleted(&ben_owner).unwrap(), []);
    assert_eq!(store.verify().messages, 0);
}

#[test]
fn the_bin_survives_folds() {
    let mut house = House::new();
    let (ann, owner) = house.account("ann@example.org");
    house.settings.changes_before_fold = 5;
    for round in 0..2 {
        house.reopen();
        house.store().set_policy(policy(14));
        let messages: Vec<_> = (0..300).map(|n| house.message(ann, INBOX, &format!("{round}/{n}"))).collect();
        let uids: Vec<u32> = house.store().append(messages).unwrap().iter().map(|one| one.uid).collect();
        for part in uids.chunks(30) {
            house.store().expunge(ann, INBOX, part).unwrap();
        }
        house.store().restore(&owner, &[3, 4]).unwrap();
    }
    house.reopen();
    let store = house.store();
    store.set_policy(policy(14));
    let deleted = store.deleted(&owner).unwrap();
    assert_eq!(deleted.len(), 598);
    assert!(deleted.is_sorted_by_key(|message| message.number));
    assert_eq!(house.texts(&owner, INBOX), ["0/2", "0/3"]);
    let all = numbers(&deleted);
    assert_eq!(store.restore(&owner, &all).unwrap().messages, 598);
    assert!(store.verify().is_sound());
    assert_eq!(store.verify().messages, 600);
}

#[test]
fn a_quota_refuses_what_does_not_fit_and_nothing_else() {
    let mut house = House::new();
    let (ann, owner) = house.account("ann@example.org");
    let store = house.store();
    store.set_policy(policy(14));
    // A message of n bytes counts n + 10: what clients see.
    let text = "x".repeat(90);
    for _ in 0..3 {
        house.deliver(ann, INBOX, &text);
    }
    let other = store.create_mailbox(ann, "Other", None).unwrap().id;
    let limits = |bytes, messages| Limits { bytes, messages };
    let modseq = store.snapshot(ann, INBOX).unwrap().account_modseq();
    store.set_limits(ann, limits(Limit::At(400), Limit::Policy)).unwrap();
    assert_eq!(store.snapshot(ann, INBOX).unwrap().account_modseq(), modseq);
    let usage = store.usage(ann).unwrap();
    assert_eq!((usage.bytes, usage.messages, usage.bytes_max, usage.messages_max), (300, 3, Some(400), None));
    let append = |len: usize| store.append(vec![house.message(ann, INBOX, &"x".repeat(len))]).map(|_| ());
    assert_eq!(append(91), Err(StoreError::OverQuota));
    assert_eq!(store.copy(ann, INBOX, &[1, 2], other), Err(StoreError::OverQuota));
    assert_eq!(append(90), Ok(()));
    assert_eq!(append(0), Err(StoreError::OverQuota));
    // A move takes no space; a notice is stored anyway.
    assert_eq!(store.move_(ann, INBOX, &[1], other).unwrap().uids.len(), 1);
    store.append_beyond_quota(vec![house.message(ann, INBOX, "notice")]).unwrap();
    // What was deleted does not count, and is not restored if there is no space for it.
    store.expunge(ann, INBOX, &[2, 3]).unwrap();
    assert_eq!(store.usage(ann).unwrap().bytes, 216);
    assert_eq!(append(90), Ok(()));
    assert_eq!(store.restore(&owner, &[1]), Err(StoreError::OverQuota));
    // Two in one step do not fit where one does.
    store.set_limits(ann, limits(Limit::Unlimited, Limit::At(5))).unwrap();
    let two = || vec![house.message(ann, INBOX, "a"), house.message(ann, other, "b")];
    assert_eq!(store.append(two()), Err(StoreError::OverQuota));
    assert_eq!(append(1), Ok(()));
    assert_eq!(append(1), Err(StoreError::OverQuota));
    house.reopen();
    let store = house.store();
    assert_eq!(store.usage(ann).unwrap().messages_max, Some(5));
    // Without limits of its own, the node's.
    store.set_limits(ann, Limits::default()).unwrap();
    store.set_policy(Policy { bytes_max: Some(1000), messages_max: Some(5), restorable_days: 0 });
    let usage = store.usage(ann).unwrap();
    assert_eq!((usage.bytes_max, usage.messages_max), (Some(1000), Some(5)));
    assert_eq!(store.append(vec![house.message(ann, INBOX, "a")]), Err(StoreError::OverQuota));
}

/// Quota, bin and restoring of a held account and of its twin, step by step.
#[test]
fn a_hold_shows_neither_in_the_bin_nor_in_the_quota() {
    let house = House::new();
    let (ann, ann_owner) = house.account("ann@example.org");
    let (ben, ben_owner) = house.account("ben@example.org");
    let store = house.store();
    store.set_policy(Policy { bytes_max: Some(300), ..policy(14) });
    let mut told = Vec::new();
    for (account, owner) in [(ann, &ann_owner), (ben, &ben_owner)] {
        house.clock.set(UnixMillis(1_795_500_000_000));
        let mut story: Vec<String> = Vec::new();
        let mut tell = |what: &str| {
            let usage = store.usage(account).unwrap();
            let bin = store.deleted(owner).unwrap().into_iter().map(|message| {
                (message.number, message.mailbox, message.deleted, message.until, message.entry.view_size_bytes)
            });
            story.push(format!("{what}: {usage:?} {:?}", bin.collect::<Vec<_>>()));
        };
        let hold = || {
            if account == ann {
                store.hold(CaseId(1), ann, UnixMillis(0), UnixMillis(i64::MAX)).unwrap();
            }
        };
        for n in 0..3 {
            house.deliver(account, INBOX, &format!("message {n} {}", "x".repeat(60)));
        }
        hold();
        store.expunge(account, INBOX, &[1]).unwrap();
        tell("one deleted");
        hold();
        let boxed = store.create_mailbox(account, "Box", None).unwrap().id;
        store.move_(account, INBOX, &[2], boxed).unwrap();
        store.delete_mailbox(account, "Box").unwrap();
        tell("two deleted");
        let full = store.append(vec![house.message(account, INBOX, &"y".repeat(290))]);
        tell(&format!("{full:?}"));
        let back = store.restore(owner, &[2]).unwrap();
        tell(&format!("{back:?}"));
        house.clock.advance(14 * DAY);
        tell("over");
        let forgotten = store.deleted(owner).unwrap().len();
        let back = store.restore(owner, &[1]).unwrap();
        tell(&format!("{forgotten} {back:?}"));
        told.push(story);
    }
    assert_eq!(told[0], told[1]);
    assert_eq!(store.forget_deleted().unwrap(), 2);
    let held = store.scope(ann, UnixMillis(0), UnixMillis(i64::MAX)).unwrap();
    assert_eq!(held.iter().filter(|message| message.held_only).count(), 1, "the case has what the bin let go");
    assert_eq!(store.scope(ben, UnixMillis(0), UnixMillis(i64::MAX)).unwrap().len(), 2);
    store.release_hold(CaseId(1)).unwrap();
    assert_eq!(store.scope(ann, UnixMillis(0), UnixMillis(i64::MAX)).unwrap().len(), 2);
    assert!(store.verify().is_sound());
    assert!(house.clock.now().0 > 0);
}
