//! The everyday: in, out, flags, copies, names.

use store::{FlagChange, FlagSet, SpecialUse, StoreError};
use terms::AccountId;
use vault::Part;

use crate::house::{House, INBOX, address, seen};

#[test]
fn a_message_comes_back_byte_for_byte_and_only_for_its_owner() {
    let mut house = House::new();
    let (ann, owner) = house.account("ann@example.org");
    let (_, other) = house.account("ben@example.org");
    let long = "long ".repeat(700_000);
    for text in ["Subject: one\r\n\r\nfirst\n", "", "\0\u{80}binary", &long] {
        house.deliver(ann, INBOX, text);
    }
    for _ in 0..2 {
        assert_eq!(house.texts(&owner, INBOX), ["Subject: one\r\n\r\nfirst\n", "", "\0\u{80}binary", &long]);
        let store = house.store();
        let view = store.snapshot(ann, INBOX).unwrap();
        let entry = view.at(3).unwrap();
        assert_eq!((entry.uid, entry.original_size_bytes), (4, long.len() as u32));
        assert_eq!(store.open_part(&owner, &entry, Part::Prefix).unwrap(), b"Received: x");
        let record = store.open_part(&owner, &entry, Part::Record).unwrap();
        assert_eq!(record.len(), "record of ".len() + long.len());
        assert_eq!(entry.part_size_bytes(Part::Record) as usize, record.len());
        let range = store.open_range(&owner, &entry, Part::Original, 3_000_000..3_000_007).unwrap();
        assert_eq!(range, long.as_bytes()[3_000_000..3_000_007]);
        assert_eq!(store.open_range(&owner, &entry, Part::Original, 3_499_999..9_000_000).unwrap(), b" ");
        assert_eq!(store.open_part(&other, &entry, Part::Original), Err(StoreError::NotCovered));
        assert!(store.verify().is_sound());
        house.reopen();
    }
}

#[test]
fn accounts_are_found_by_address_and_made_once() {
    let mut house = House::new();
    let (ann, _) = house.account("Ann@Example.org");
    let public = house.store().account(ann).unwrap().public_key;
    for _ in 0..2 {
        let store = house.store();
        assert_eq!(store.account_of(&address("ann@example.org")), Ok(Some(ann)));
        assert_eq!(store.account_of(&address("ben@example.org")), Ok(None));
        let record = &store.accounts()[0];
        assert_eq!((record.id, record.display_name.as_str()), (ann, "Display Name"));
        assert_eq!(record.addresses, [address("ann@example.org")]);
        assert!(!format!("{record:?}").contains("xample"));
        let fresh = AccountId([9; 16]);
        let create = |id, addresses: &[_]| store.create_account(id, addresses, &public, "");
        assert_eq!(create(ann, &[address("new@example.org")]), Err(StoreError::AccountExists));
        assert_eq!(create(fresh, &[address("ann@example.org")]), Err(StoreError::AddressTaken));
        let twice = [address("x@example.org"), address("X@example.org")];
        assert_eq!(create(fresh, &twice), Err(StoreError::AddressTaken));
        assert_eq!(create(fresh, &[]), Err(StoreError::NoAddress));
        assert_eq!(store.mailboxes(fresh), Err(StoreError::NoSuchAccount));
        house.reopen();
    }
}

#[test]
fn a_call_is_stored_wholly_or_not_at_all() {
    let house = House::new();
    let (ann, owner) = house.account("ann@example.org");
    let store = house.store();
    let work = store.create_mailbox(ann, "Work", None).unwrap().id;
    let mixed = |mailboxes: &[_]| mailboxes.iter().map(|&mailbox| house.message(ann, mailbox, "text")).collect();
    let before = seen(store, ann);
    let refused = store.append(mixed(&[INBOX, work, terms::MailboxId(99)]));
    assert_eq!(refused, Err(StoreError::NoSuchMailbox));
    assert_eq!(seen(store, ann), before);
    let stored = store.append(mixed(&[INBOX, work, INBOX])).unwrap();
    assert_eq!(
        stored.iter().map(|one| (one.mailbox, one.uid)).collect::<Vec<_>>(),
        [(INBOX, 1), (work, 1), (INBOX, 2)]
    );
    assert_eq!(house.texts(&owner, INBOX).len(), 2);
    assert_eq!(store.append(Vec::new()), Ok(Vec::new()));
}

#[test]
fn flags_follow_their_changes() {
    let house = House::new();
    let (ann, _) = house.account("ann@example.org");
    let store = house.store();
    for _ in 0..5 {
        house.deliver(ann, INBOX, "text");
    }
    let change = |uids: &[u32], change, since| store.change_flags(ann, INBOX, uids, change, since).unwrap();
    let seen_flag = FlagSet::system(FlagSet::SEEN);

    let first = change(&[1, 2, 3, 9], FlagChange::Add(seen_flag.clone()), None);
    assert_eq!((first.changed.as_slice(), first.modified.as_slice()), (&[1, 2, 3][..], &[][..]));
    let again = change(&[1, 2, 3], FlagChange::Add(seen_flag.clone()), None);
    assert_eq!((again.modseq, again.changed.len()), (None, 0));

    // 2 was changed meanwhile: a conditional store leaves it unchanged (RFC 7162 section 3.1.3).
    let known = first.modseq.unwrap();
    change(&[2], FlagChange::Add(FlagSet::none().and_keyword("$Forwarded")), None);
    let third = change(&[1, 2, 3, 4], FlagChange::Set(FlagSet::system(FlagSet::DELETED)), Some(known));
    assert_eq!((third.changed.as_slice(), third.modified.as_slice()), (&[1, 3, 4][..], &[2][..]));

    // One keyword, however it is spelled.
    change(&[5], FlagChange::Add(FlagSet::none().and_keyword("$FORWARDED")), None);
    let view = store.snapshot(ann, INBOX).unwrap();
    assert_eq!(view.keywords().into_iter().collect::<Vec<_>>(), ["$Forwarded"]);
    let flags: Vec<(u32, u8, usize)> =
        view.flags().map(|(uid, flags)| (uid, flags.system, flags.keywords.len())).collect();
    let (s, d) = (FlagSet::SEEN, FlagSet::DELETED);
    assert_eq!(flags, [(1, d, 0), (2, s, 1), (3, d, 0), (4, d, 0), (5, 0, 1)]);
    assert_eq!(view.first_unseen(), Some(0));

    let changes = view.changes_since(third.modseq.unwrap() - 1);
    assert_eq!(changes.changed.iter().map(|entry| entry.uid).collect::<Vec<_>>(), [1, 3, 4, 5]);
    let gone = store.expunge_deleted(ann, INBOX, Some(&[1, 2, 3])).unwrap();
    assert_eq!(gone.uids, [1, 3]);
    let now = store.snapshot(ann, INBOX).unwrap();
    assert_eq!(now.uids().collect::<Vec<_>>(), [2, 4, 5]);
    assert_eq!(
        now.changes_after(&view).vanished.iter().collect::<Vec<_>>(),
        [1, 2, 3][..1].iter().chain(&[3]).copied().collect::<Vec<_>>()
    );
    assert_eq!(view.uids().count(), 5, "an old view does not move");

    let many: FlagSet = (0..200).fold(FlagSet::none(), |flags, n| flags.and_keyword(&format!("k{n}")));
    assert!(matches!(store.change_flags(ann, INBOX, &[2], FlagChange::Add(many), None), Err(StoreError::TooMany(_))));
}

#[test]
fn copies_share_their_bytes_and_moves_are_one_step() {
    let mut house = House::new();
    let (ann, owner) = house.account("ann@example.org");
    for n in 1..=4 {
        house.deliver(ann, INBOX, &format!("text {n}"));
    }
    // A segment that grows has zeros behind its end, until it is closed.
    let pack_bytes = |house: &mut House| {
        house.reopen();
        house.store().verify().pack_bytes
    };
    let bytes = pack_bytes(&mut house);
    let store = house.store();
    let sent = store.create_mailbox(ann, "Sent", Some(SpecialUse::Sent)).unwrap();
    store.change_flags(ann, INBOX, &[2], FlagChange::Set(FlagSet::system(FlagSet::FLAGGED)), None).unwrap();

    let copied = store.copy(ann, INBOX, &[4, 2, 77], sent.id).unwrap();
    assert_eq!((copied.uids.as_slice(), copied.uid_validity), (&[(2, 1), (4, 2)][..], sent.uid_validity));
    let moved = store.move_(ann, INBOX, &[1, 2], sent.id).unwrap();
    assert_eq!(moved.uids, [(1, 3), (2, 4)]);
    assert_eq!(store.copy(ann, sent.id, &[1], sent.id).unwrap().uids, [(1, 5)]);
    assert_eq!(store.copy(ann, sent.id, &[70], INBOX).unwrap().modseq, None);
    assert_eq!(pack_bytes(&mut house), bytes);
    for _ in 0..2 {
        assert_eq!(house.texts(&owner, sent.id), ["text 2", "text 4", "text 1", "text 2", "text 2"]);
        assert_eq!(house.texts(&owner, INBOX), ["text 3", "text 4"]);
        let view = house.store().snapshot(ann, sent.id).unwrap();
        let (first, second) = (view.entry(1).unwrap(), view.entry(4).unwrap());
        assert_eq!((first.id, &first.flags), (second.id, &second.flags));
        assert!(first.flags.has(FlagSet::FLAGGED));
        assert_eq!(view.info().special_use, Some(SpecialUse::Sent));
        house.reopen();
    }
    // The last reference goes: so does the message.
    let store = house.store();
    let before = store.verify();
    store.expunge(ann, sent.id, &[1, 4, 5]).unwrap();
    assert_eq!(store.verify().messages, before.messages - 1);
    store.delete_mailbox(ann, "Sent").unwrap();
    assert_eq!(house.texts(&owner, INBOX), ["text 3", "text 4"]);
    assert!(house.store().verify().is_sound());
}

#[test]
fn names_of_mailboxes() {
    let mut house = House::new();
    let (ann, owner) = house.account("ann@example.org");
    house.deliver(ann, INBOX, "kept");
    let names =
        |house: &House| house.store().mailboxes(ann).unwrap().into_iter().map(|info| info.name).collect::<Vec<_>>();
    let store = house.store();
    let first = store.create_mailbox(ann, "a/b", None).unwrap();
    assert_eq!(store.create_mailbox(ann, "a/b", None), Err(StoreError::MailboxExists));
    assert_eq!(store.create_mailbox(ann, "inbox", None), Err(StoreError::MailboxExists));
    assert_eq!(store.create_mailbox(ann, "a//b", None), Err(StoreError::BadName));
    assert_eq!(store.delete_mailbox(ann, "Inbox"), Err(StoreError::InboxStays));
    store.set_subscribed(ann, "a/b", true).unwrap();
    store.set_subscribed(ann, "nowhere", true).unwrap();
    // A level that is not a mailbox can be renamed with the mailboxes below it.
    store.rename_mailbox(ann, "a", "Größe").unwrap();
    assert_eq!(store.subscriptions(ann).unwrap(), ["Größe/b", "INBOX", "nowhere"]);
    assert_eq!(store.mailbox_named(ann, "Größe/b").unwrap().id, first.id);
    store.rename_mailbox(ann, "INBOX", "Old").unwrap();
    assert_eq!(names(&house), ["INBOX", "Größe/b", "Old"]);
    let old = store.mailbox_named(ann, "Old").unwrap().id;
    assert_eq!(house.texts(&owner, old), ["kept"]);
    assert_eq!(house.texts(&owner, INBOX), Vec::<String>::new());
    let before = store.mailbox_named(ann, "Old").unwrap();
    store.delete_mailbox(ann, "Old").unwrap();
    let after = store.create_mailbox(ann, "Old", None).unwrap();
    assert!(after.uid_validity > before.uid_validity && after.id > before.id);
    house.reopen();
    assert_eq!(names(&house), ["INBOX", "Größe/b", "Old"]);
    let info = house.store().mailbox_named(ann, "Größe/b").unwrap();
    assert!(info.subscribed);
}

#[test]
fn an_epoch_ends_after_an_hour_or_a_thousand_messages() {
    let mut house = House::new();
    let (ann, owner) = house.account("ann@example.org");
    house.deliver(ann, INBOX, "one");
    house.clock.advance(59 * 60 * 1000);
    house.deliver(ann, INBOX, "two");
    house.clock.advance(60 * 1000);
    house.deliver(ann, INBOX, "three");
    let many = (0..1000).map(|_| house.message(ann, INBOX, "m")).collect();
    house.store().append(many).unwrap();
    house.reopen();
    house.deliver(ann, INBOX, "last");
    let view = house.store().snapshot(ann, INBOX).unwrap();
    let epochs: Vec<u32> = [1, 2, 3, 1002, 1003, 1004].map(|uid| view.entry(uid).unwrap().epoch.0).to_vec();
    assert_eq!(epochs, [1, 1, 2, 2, 3, 4]);
    assert_eq!(house.texts(&owner, INBOX).len(), 1004);
}

#[test]
fn one_process_at_a_time_and_nothing_after_closing() {
    let house = House::new();
    let (ann, _) = house.account("ann@example.org");
    assert!(matches!(house.open_at(&house.path()), Err(StoreError::CannotOpen(_))));
    house.store().close();
    assert_eq!(house.store().append(vec![house.message(ann, INBOX, "late")]), Err(StoreError::Closed));
    let (sender, receiver) = std::sync::mpsc::channel();
    house.store().submit(vec![house.message(ann, INBOX, "late")], move |outcome| sender.send(outcome).unwrap());
    assert_eq!(receiver.recv().unwrap(), Err(StoreError::Closed));
}
