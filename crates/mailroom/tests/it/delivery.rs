//! Delivery against a real store: what is kept, for whom, and what the sender is told when it is not.

use std::sync::Arc;

use crate::support::{NOW, Room};
use mailroom::delivery::DeliveryError;
use mailroom::record::Record;
use smtp::{Accepted, Body, CipherSuite, DeliveryOutcome, Envelope, Helo, Message, Protocol, Recipient, Refusal};
use store::{FlagSet, StoreError};
use terms::{AccountId, UnixMillis};
use vault::Part;
use world::MemoryDisk;

const MESSAGE: &[u8] = b"From: Ann <x@y.example>\r\nSubject: hello\r\n\r\nA line.\r\n";

fn message(to: &[(&str, AccountId)], original: &[u8]) -> Message {
    let envelope = Envelope {
        protocol: Protocol::Smtp,
        extended: true,
        helo: Helo::parse("mx.example").unwrap(),
        peer: [192, 0, 2, 1].into(),
        tls: CipherSuite::parse("TLS_AES_128_GCM_SHA256"),
        sender: "x@y.example".parse().ok(),
        utf8: false,
        body: Body::SevenBit,
    };
    let accepted = |&(address, account): &(&str, AccountId)| Accepted {
        recipient: Recipient::Mailbox(address.parse().unwrap()),
        account,
    };
    Message { envelope, recipients: to.iter().map(accepted).collect(), original: original.to_vec() }
}

fn to<'a>(room: &Room, addresses: &[&'a str]) -> Vec<(&'a str, AccountId)> {
    addresses.iter().map(|&address| (address, room.account(address))).collect()
}

#[test]
fn every_octet_and_a_prefix() {
    let room = Room::new(&[&["ann@ie.example"]]);
    let odd = [MESSAGE, b"8-bit \xff\xfe, NUL \0, a last line without its end"].concat();
    for original in [MESSAGE, &odd, b"", b"no header"] {
        let delivered = room.mailroom.deliver(message(&to(&room, &["ann@ie.example"]), original));
        assert_eq!(delivered.results, [Ok(())]);
        assert_eq!(delivered.id.len(), 16);
    }
    assert_eq!(room.parts("ann@ie.example", Part::Original), [MESSAGE, &odd, b"", b"no header"]);
    let entries = room.inbox("ann@ie.example");
    let (prefixes, records) = (room.parts("ann@ie.example", Part::Prefix), room.parts("ann@ie.example", Part::Record));
    for (index, original) in [MESSAGE, &odd, b"", b"no header"].into_iter().enumerate() {
        let prefix = String::from_utf8(prefixes[index].clone()).unwrap();
        assert!(prefix.starts_with("Return-Path: <x@y.example>\r\nReceived: from mx.example ([192.0.2.1])\r\n"));
        assert!(
            prefix.contains("\tfor <ann@ie.example> tls TLS_AES_128_GCM_SHA256;\r\n\tMon, 23 Nov 2026 05:19:19 +0000")
        );
        let view = message::view(original);
        let entry = &entries[index];
        assert_eq!(entry.view_size_bytes as usize, prefix.len() + view.len());
        assert_eq!((entry.arrival, entry.internal_date), (NOW, NOW));
        assert_eq!(Record::decode(&records[index]).unwrap(), Record::of(original, &view));
    }
}

#[test]
fn durable_when_it_returns() {
    let room = Room::new(&[&["ann@ie.example"]]);
    let delivered = room.mailroom.deliver(message(&to(&room, &["ann@ie.example"]), MESSAGE));
    assert_eq!(delivered.outcomes(), [DeliveryOutcome::Stored]);
    // Another node process finds it in the same directory.
    let Room { mailroom, dir, clock } = room;
    let vault = mailroom.vault.clone();
    drop(mailroom);
    let mailroom = crate::support::open(Arc::new(durable::RealDisk), dir.path(), vault, clock.clone());
    let room = Room { mailroom, dir, clock };
    assert_eq!(room.parts("ann@ie.example", Part::Original), [MESSAGE]);
}

#[test]
fn one_copy_for_each_account() {
    let room = Room::new(&[&["ann@ie.example", "annie@ie.example"], &["bob@ie.example"]]);
    let to = to(&room, &["annie@ie.example", "bob@ie.example", "ann@ie.example"]);
    assert_eq!(room.mailroom.deliver(message(&to, MESSAGE)).results, [Ok(()), Ok(()), Ok(())]);
    assert_eq!(room.inbox("ann@ie.example").len(), 1);
    assert_eq!(room.inbox("bob@ie.example").len(), 1);
    let prefix = |address| String::from_utf8(room.parts(address, Part::Prefix).remove(0)).unwrap();
    assert!(prefix("ann@ie.example").contains("for <annie@ie.example>"));
    // A blind copy stays blind: no prefix names another recipient.
    assert!(!prefix("ann@ie.example").contains("bob") && !prefix("bob@ie.example").contains("ann"));
}

#[test]
fn who_is_gone_fails_alone() {
    let room = Room::new(&[&["ann@ie.example"], &["bob@ie.example"]]);
    let mut to = to(&room, &["ann@ie.example", "bob@ie.example"]);
    to.insert(1, ("gone@ie.example", AccountId([99; 16])));
    let delivered = room.mailroom.deliver(message(&to, MESSAGE));
    assert_eq!(delivered.results, [Ok(()), Err(DeliveryError::NoSuchMailbox), Ok(())]);
    assert_eq!(room.inbox("ann@ie.example").len(), 1);
    assert_eq!(room.inbox("bob@ie.example").len(), 1);
}

#[test]
fn a_loop_ends() {
    let room = Room::new(&[&["ann@ie.example"]]);
    let passed = |hops: usize| [&b"Received: by somebody\r\n".repeat(hops), MESSAGE].concat();
    let ann = to(&room, &["ann@ie.example"]);
    assert_eq!(room.mailroom.deliver(message(&ann, &passed(100))).results, [Ok(())]);
    let delivered = room.mailroom.deliver(message(&ann, &passed(101)));
    assert_eq!(delivered.results, [Err(DeliveryError::Loop)]);
    assert_eq!(delivered.outcomes(), [DeliveryOutcome::Refused(Refusal::Loop)]);
    assert_eq!(room.inbox("ann@ie.example").len(), 1);
}

#[test]
fn a_full_disk_is_said_and_passes() {
    let disk = MemoryDisk::new();
    let room = Room::on(Arc::new(disk.clone()), &[&["ann@ie.example"]]);
    let ann = to(&room, &["ann@ie.example"]);
    assert_eq!(room.mailroom.deliver(message(&ann, MESSAGE)).results, [Ok(())]);
    disk.limit_space(Some(disk.used_bytes()));
    let delivered = room.mailroom.deliver(message(&ann, MESSAGE));
    assert_eq!(delivered.results, [Err(DeliveryError::Store(StoreError::DiskFull))]);
    assert_eq!(delivered.outcomes(), [DeliveryOutcome::Refused(Refusal::InsufficientStorage)]);
    disk.limit_space(None);
    assert_eq!(room.mailroom.deliver(message(&ann, MESSAGE)).results, [Ok(())]);
    assert_eq!(room.inbox("ann@ie.example").len(), 2);
}

#[test]
fn a_full_mailbox_is_reported_and_affects_nobody_else() {
    let room = Room::new(&[&["ann@ie.example"], &["bob@ie.example"]]);
    let account = room.account("ann@ie.example");
    let limits = store::Limits { bytes: store::Limit::At(10), ..store::Limits::default() };
    room.mailroom.store.set_limits(account, limits).unwrap();
    let both = to(&room, &["ann@ie.example", "bob@ie.example"]);
    let delivered = room.mailroom.deliver(message(&both, MESSAGE));
    assert_eq!(delivered.outcomes(), [DeliveryOutcome::Refused(Refusal::MailboxFull), DeliveryOutcome::Stored]);
    assert_eq!((room.inbox("ann@ie.example").len(), room.inbox("bob@ie.example").len()), (0, 1));
    let full = Err(DeliveryError::Store(StoreError::OverQuota));
    assert_eq!(room.mailroom.check_quota(account, 10), Ok(()));
    assert_eq!(room.mailroom.check_quota(account, 11), full);
    // What the node itself must tell an owner goes in.
    room.mailroom.notice(account, "A notice", "text\r\n").unwrap();
    assert_eq!(room.inbox("ann@ie.example").len(), 1);
    assert_eq!(room.mailroom.check_quota(account, 0), full);
}

#[test]
fn who_lives_here() {
    let room = Room::new(&[&["Ann.Lee@ie.example"], &["postmaster@ie.example"]]);
    let find = |address: &str| room.mailroom.recipient(&address.parse().unwrap());
    assert!(find("ann.lee@IE.example").is_ok());
    assert!(find("\"ann.lee\"@ie.example").is_ok());
    for other in ["annlee@ie.example", "ann.lee@elsewhere.example", "ann.lee%elsewhere.example@ie.example"] {
        assert_eq!(find(other), Err(DeliveryError::NoSuchMailbox), "{other}");
    }
    assert_eq!(room.mailroom.postmaster(), find("postmaster@ie.example"));
    let nobody = Room::new(&[&["ann@ie.example"]]);
    assert_eq!(nobody.mailroom.postmaster(), Err(DeliveryError::NoSuchMailbox));
}

#[test]
fn mail_that_comes_by_another_way() {
    let room = Room::new(&[&["ann@ie.example"]]);
    let account = room.account("ann@ie.example");
    let inbox = room.mailroom.store.mailbox_named(account, store::INBOX).unwrap().id;
    let original = b"From x@y Mon Jan  1 00:00:00 2001\nSubject: old\n\ntext\n".to_vec();
    let flags = FlagSet::system(FlagSet::SEEN);
    let then = UnixMillis(978_307_200_000);
    let incoming = room.mailroom.incoming(account, inbox, original.clone(), Vec::new(), then, flags.clone()).unwrap();
    assert_eq!(incoming.view_size_bytes as usize, b"Subject: old\r\n\r\ntext\r\n".len());
    room.mailroom.store.append(vec![incoming]).unwrap();
    assert_eq!(room.parts("ann@ie.example", Part::Original), [original]);
    let entry = &room.inbox("ann@ie.example")[0];
    // When it arrived here is not when its file says: a demand's dates go by the former.
    assert_eq!((entry.arrival, entry.internal_date, &*entry.flags), (NOW, then, &flags));
}
