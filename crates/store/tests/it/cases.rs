//! Scope, clearances, holds: what a case gets, and what the owner does not notice.

use store::{FlagChange, FlagSet, ScopedMessage, StoreError};
use terms::{CaseId, Category, Clock, UnixMillis};
use vault::Part;

use crate::house::{House, INBOX, seen};

const HOUR: i64 = 3_600_000;

/// A message each hour, from `start` on.
fn deliver_hourly(house: &House, account: terms::AccountId, count: usize) -> UnixMillis {
    let start = house.clock.now();
    for n in 0..count {
        house.deliver(account, INBOX, &format!("hour {n}"));
        house.clock.advance(HOUR);
    }
    start
}

fn ids(scope: &[ScopedMessage]) -> Vec<terms::MessageId> {
    scope.iter().map(|message| message.id).collect()
}

#[test]
fn a_clearance_opens_its_scope_and_nothing_else() {
    let house = House::new();
    let (ann, _) = house.account("ann@example.org");
    let (ben, _) = house.account("ben@example.org");
    let start = deliver_hourly(&house, ann, 4);
    house.deliver(ben, INBOX, "of another");
    let store = house.store();
    let span = (start.plus_millis(HOUR), start.plus_millis(3 * HOUR));
    let scope = store.scope(ann, span.0, span.1).unwrap();
    assert_eq!(scope.iter().map(|message| message.arrival).collect::<Vec<_>>(), [span.0, span.0.plus_millis(HOUR)]);
    let clearance = house.clear(ann, &[Category::Content], span, &scope);

    let texts: Vec<Vec<u8>> =
        scope.iter().map(|message| store.open_for(&clearance, message, Part::Original).unwrap()).collect();
    assert_eq!(texts, [b"hour 1", b"hour 2"]);
    assert_eq!(store.open_for(&clearance, &scope[0], Part::Prefix).unwrap(), b"Received: x");

    let all = store.scope(ann, UnixMillis(0), UnixMillis(i64::MAX)).unwrap();
    let of_ben = store.scope(ben, UnixMillis(0), UnixMillis(i64::MAX)).unwrap();
    let mut lied = all[0].clone();
    lied.arrival = span.0;
    for (what, message, error) in [
        ("too early", &all[0], StoreError::NotCovered),
        ("too late", &all[3], StoreError::NotCovered),
        ("another's", &of_ben[0], StoreError::NotCovered),
        ("a lie about arrival", &lied, StoreError::NotCovered),
    ] {
        assert_eq!(store.open_for(&clearance, message, Part::Original), Err(error), "{what}");
    }
    // In time, and yet without a key: it was not asked for when the officers cleared.
    let narrow = house.clear(ann, &[Category::Content], span, &scope[..1]);
    assert!(matches!(store.open_for(&narrow, &scope[1], Part::Original), Err(StoreError::Vault(_))));
    let traffic = house.clear(ann, &[Category::Traffic], span, &[]);
    assert_eq!(store.open_for(&traffic, &scope[0], Part::Original), Err(StoreError::NotCovered));
    house.clock.advance(100 * HOUR);
    assert!(matches!(store.open_for(&clearance, &scope[0], Part::Original), Err(StoreError::Vault(_))));
}

#[test]
fn a_hold_outlives_expunge_deletion_and_restart() {
    let mut house = House::new();
    let (ann, owner) = house.account("ann@example.org");
    let start = deliver_hourly(&house, ann, 4);
    let store = house.store();
    let box2 = store.create_mailbox(ann, "Box", None).unwrap().id;
    store.move_(ann, INBOX, &[3], box2).unwrap();
    let span = (start.plus_millis(HOUR), start.plus_millis(100 * HOUR));
    assert_eq!(store.hold(CaseId(5), ann, span.0, span.1).unwrap(), 3);
    let held = ids(&store.scope(ann, span.0, span.1).unwrap());

    // Nothing of the future.
    house.deliver(ann, INBOX, "later");
    store.delete_mailbox(ann, "Box").unwrap();
    store.expunge(ann, INBOX, &[1, 2, 4, 5]).unwrap();
    assert_eq!(house.texts(&owner, INBOX), Vec::<String>::new());
    house.reopen();

    let store = house.store();
    let scope = store.scope(ann, UnixMillis(0), UnixMillis(i64::MAX)).unwrap();
    assert_eq!(ids(&scope), held);
    assert!(scope.iter().all(|message| message.held_only && message.places.is_empty()));
    let clearance = house.clear(ann, &[Category::Content], span, &scope);
    let opened: Vec<_> =
        scope.iter().map(|message| store.open_for(&clearance, message, Part::Original).unwrap()).collect();
    assert_eq!(opened, [b"hour 1", b"hour 2", b"hour 3"]);
    assert!(store.verify().is_sound());
    assert_eq!(store.verify().messages, 3);

    // A second case holds what the first one has; the last one to go lets go.
    assert_eq!(store.hold(CaseId(6), ann, start.plus_millis(2 * HOUR), span.1).unwrap(), 2);
    assert_eq!(store.holds(ann).unwrap(), [(CaseId(5), 3), (CaseId(6), 2)]);
    assert_eq!(store.release_hold(CaseId(5)).unwrap(), 1);
    assert_eq!(ids(&store.scope(ann, UnixMillis(0), UnixMillis(i64::MAX)).unwrap()), held[1..]);
    assert!(matches!(store.open_for(&clearance, &scope[0], Part::Original), Err(StoreError::NoSuchMessage)));
    house.reopen();
    let store = house.store();
    assert_eq!(store.release_hold(CaseId(6)).unwrap(), 1);
    assert_eq!(store.release_hold(CaseId(6)).unwrap(), 0);
    assert_eq!(store.verify().messages, 0);
}

#[test]
fn a_held_mailbox_and_its_twin_look_the_same_to_the_owner() {
    let house = House::new();
    let (ann, _) = house.account("ann@example.org");
    let (ben, _) = house.account("ben@example.org");
    let store = house.store();
    let mut views = Vec::new();
    let mut ids = Vec::new();
    for account in [ann, ben] {
        house.clock.set(UnixMillis(1_795_500_000_000));
        deliver_hourly(&house, account, 6);
        let hold = || {
            if account == ann {
                store.hold(CaseId(1), ann, UnixMillis(0), UnixMillis(i64::MAX)).unwrap();
            }
        };
        hold();
        store.change_flags(account, INBOX, &[1, 2], FlagChange::Add(FlagSet::system(FlagSet::SEEN)), None).unwrap();
        hold();
        let target = store.create_mailbox(account, "Box", None).unwrap().id;
        store.copy(account, INBOX, &[1, 2, 3], target).unwrap();
        store.expunge(account, INBOX, &[1, 2, 3, 4]).unwrap();
        hold();
        house.deliver(account, target, "more");
        store.delete_mailbox(account, "Box").unwrap();
        store.create_mailbox(account, "Box", None).unwrap();
        house.deliver(account, INBOX, "last");
        // Ids, epochs' numbers and places on disk are random, or counted for all accounts together.
        let mut seen = seen(store, account);
        let vanished = seen.mailboxes[0].2.vanished.clone();
        for (info, entries, changes) in &mut seen.mailboxes {
            // Each account's UIDVALIDITY begins at the time at which its INBOX was made: the same here.
            info.uid_validity = 0;
            ids.extend(entries.iter().map(|entry| entry.id));
            let plain = entries.iter().map(|entry| {
                (
                    entry.uid,
                    entry.modseq,
                    entry.flags.clone(),
                    entry.arrival,
                    entry.internal_date,
                    entry.view_size_bytes,
                )
            });
            views.push((account, format!("{info:?} {:?} {vanished:?}", plain.collect::<Vec<_>>())));
            changes.changed.clear();
        }
        views.push((account, format!("{:?}", seen.subscriptions)));
    }
    let of = |account| views.iter().filter(move |(id, _)| *id == account).map(|(_, view)| view).collect::<Vec<_>>();
    assert_eq!(of(ann), of(ben));
    assert!(store.scope(ann, UnixMillis(0), UnixMillis(i64::MAX)).unwrap().iter().any(|message| message.held_only));
}
