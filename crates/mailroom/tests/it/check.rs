//! The owner's check: what is right is called right, whatever became of the index meanwhile; what is kept beside a message
//! and is not what the message gives is named with its UID; and one damage never stops the rest.

use std::fs;

use crate::client::Client;
use crate::support::{NOW, PASSWORD, Room, volumes};
use mailroom::check::{self, CheckReport};
use store::{DamageKind, FlagSet, Incoming};

const ANN: &str = "ann@ie.example";

fn incoming(room: &Room, text: &str) -> Incoming {
    let (mailroom, account) = (&room.mailroom, room.account(ANN));
    let inbox = mailroom.store.mailbox_named(account, store::INBOX).unwrap().id;
    let prefix = b"Received: by mail.ie.example\r\n".to_vec();
    mailroom.incoming(account, inbox, text.as_bytes().to_vec(), prefix, NOW, FlagSet::none()).unwrap()
}

fn sample(number: usize) -> String {
    let words: String = (0..40).map(|word| format!("word{} ", (number * 7 + word * word) % 300)).collect();
    format!(
        "From: Ann <ann{number}@x.example>\r\nSubject: message {number}\r\n\r\n{words}\r\nna\u{ef}ve \u{65e5}\u{672c}\r\n"
    )
}

fn put(room: &Room, numbers: std::ops::Range<usize>) {
    let all = numbers.map(|number| incoming(room, &sample(number))).collect();
    room.mailroom.store.append(all).unwrap();
}

fn session(room: &Room) -> Client {
    let client = Client::selected(&room.mailroom, ANN, PASSWORD);
    room.mailroom.index.settle();
    client
}

fn checked(room: &Room) -> CheckReport {
    let right = room.sign_in(room.account(ANN));
    check::run(&room.mailroom, &right, &mut |_| {}).unwrap()
}

#[test]
fn what_is_whole_is_called_whole() {
    let room = Room::new(&[&[ANN]]);
    for round in 0..12 {
        put(&room, round * 20..round * 20 + 20);
        let mut client = session(&room);
        if round == 6 {
            client.ask("STORE 3:60 +FLAGS.SILENT (\\Deleted)");
            client.ask("EXPUNGE");
        }
        if round % 4 == 3 {
            let report = checked(&room);
            assert_eq!(report.damages, [], "round {round}");
            assert_eq!(report.indexed, report.messages.min(report.indexed));
            assert!(report.indexed > 60 && report.volumes > 0, "{report:?}");
        }
    }
    put(&room, 500..503);
    let report = checked(&room);
    assert_eq!(report.damages, []);
    assert!(report.notes.iter().any(|note| note.starts_with("3 messages are not in the index yet")), "{report:?}");
}

#[test]
fn what_is_kept_beside_a_message_is_held_against_it() {
    let room = Room::new(&[&[ANN]]);
    let mut wrong = [incoming(&room, &sample(0)), incoming(&room, &sample(1)), incoming(&room, &sample(2))];
    wrong[0].record = incoming(&room, &sample(9)).record;
    wrong[1].view_size_bytes += 1;
    wrong[2].record = b"no record".to_vec();
    put(&room, 10..20);
    room.mailroom.store.append(wrong.into()).unwrap();
    put(&room, 20..30);
    let found: Vec<_> = checked(&room).damages;
    let named: Vec<(DamageKind, u32)> = found.iter().map(|damage| (damage.kind, damage.seen_at[0].uid_first)).collect();
    assert_eq!(named, [(DamageKind::Derived, 11), (DamageKind::Columns, 12), (DamageKind::Derived, 13)], "{found:?}");
    assert!(found[0].what.ends_with("envelope, preview, header") || found[0].what.contains("envelope"), "{found:?}");
    assert_eq!(found[0].seen_at[0].mailbox, "INBOX");
}

#[test]
fn each_byte_of_an_index_counts() {
    let room = Room::new(&[&[ANN]]);
    put(&room, 0..60);
    drop(session(&room));
    let (account, file) = (room.account(ANN), volumes(&room, room.account(ANN)).remove(0));
    assert_eq!(checked(&room).damages, []);
    let whole = fs::read(&file).unwrap();
    for at in (0..whole.len()).step_by(whole.len() / 90) {
        let mut flipped = whole.clone();
        flipped[at] ^= 0x20;
        fs::write(&file, &flipped).unwrap();
        let report = checked(&room);
        let name = file.file_name().unwrap().to_str().unwrap();
        let is_named =
            report.damages.iter().any(|damage| damage.kind == DamageKind::Index && damage.file.ends_with(name));
        // The end of the last file may be one that was not written to its end: a note.
        assert!(is_named || at + 16 >= whole.len() && !report.notes.is_empty(), "octet {at}: {report:?}");
        assert_eq!(report.messages, 60);
    }
    fs::write(&file, &whole).unwrap();
    assert_eq!(checked(&room).damages, []);
    // Without the owner, the outside alone.
    assert_eq!(room.mailroom.check_index_files().damages, []);
    for at in [0, 20] {
        let mut flipped = whole.clone();
        flipped[at] ^= 1;
        fs::write(&file, &flipped).unwrap();
        assert_eq!(room.mailroom.check_index_files().damages[0].account, Some(account));
    }
    let right = room.sign_in(account);
    assert_eq!(room.mailroom.rebuild_index(&right).unwrap().messages, 60);
    assert_eq!(checked(&room).damages, []);
}

#[test]
fn one_message_that_does_not_open_stops_no_other() {
    let room = Room::new(&[&[ANN]]);
    put(&room, 0..30);
    drop(session(&room));
    let entries = room.inbox(ANN);
    let (segment, offset) = entries[4].place(vault::Part::Original).unwrap();
    let pack = room.dir.path().join(format!("store/packs/{segment:08}.pack"));
    let mut bytes = fs::read(&pack).unwrap();
    bytes[offset as usize + 80] ^= 1;
    fs::write(&pack, bytes).unwrap();
    let report = checked(&room);
    assert_eq!(report.messages, 30);
    assert_eq!(report.damages.len(), 1, "{report:?}");
    let damage = &report.damages[0];
    assert_eq!((damage.kind, damage.seen_at[0].uid_first), (DamageKind::Sealed, entries[4].uid));
    assert_eq!((damage.segment, damage.offset), (Some(segment), Some(offset)));
}
