//! Reading: the IMAP machine on a real store and a real vault, without a socket.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::client::Client;
use crate::support::{PASSWORD, Room};
use imap::Step;
use mailroom::reading::Place;
use smtp::{Accepted, Body, Envelope, Helo, Message, Protocol, Recipient};

const ANN: &str = "ann@ie.example";

fn signed_in(room: &Room) -> Client {
    Client::signed_in(&room.mailroom, ANN, PASSWORD)
}

fn selected(room: &Room) -> Client {
    Client::selected(&room.mailroom, ANN, PASSWORD)
}

/// What these tests ask for beside.
trait Asks {
    fn octets(&mut self, item: &str) -> Vec<u8>;
    fn append(&mut self, mailbox: &str, message: &[u8]) -> String;
}

impl Asks for Client {
    /// The literal that one FETCH of one item brings.
    fn octets(&mut self, item: &str) -> Vec<u8> {
        let said = self.send(format!("a FETCH 1 {item}\r\n").as_bytes());
        let open = said.iter().position(|byte| *byte == b'{').unwrap_or_else(|| panic!("{}", text(&said)));
        let line = said[open..].iter().position(|byte| *byte == b'\n').unwrap() + open;
        let length: usize = text(&said[open + 1..line - 2]).parse().unwrap();
        said[line + 1..][..length].to_vec()
    }

    fn append(&mut self, mailbox: &str, message: &[u8]) -> String {
        let mut command = format!("a APPEND {mailbox} {{{}+}}\r\n", message.len()).into_bytes();
        command.extend(message);
        command.extend(b"\r\n");
        text(&self.send(&command))
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// By SMTP, so with a prefix.
fn deliver(room: &Room, original: &[u8]) {
    let envelope = Envelope {
        protocol: Protocol::Smtp,
        extended: true,
        helo: Helo::parse("mx.example").unwrap(),
        peer: [192, 0, 2, 1].into(),
        tls: None,
        sender: "bob@us.example".parse().ok(),
        utf8: false,
        body: Body::SevenBit,
    };
    let recipient = Recipient::Mailbox(ANN.parse().unwrap());
    let recipients = vec![Accepted { recipient, account: room.account(ANN) }];
    let delivered = room.mailroom.deliver(Message { envelope, recipients, original: original.to_vec() });
    assert_eq!(delivered.results, [Ok(())]);
}

const MESSAGE: &[u8] = b"From: =?utf-8?q?J=C3=B6rg?= <joerg@de.example>\r\nSubject: =?utf-8?b?R3LDvMOfZQ==?=\r\n\
    Date: Sat, 29 Feb 2020 23:30:00 -0500\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
    --b\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
    Ein =DCberfall\r\n--b\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n\
    AAEC\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\ninside\r\n--b--\r\n";

#[test]
fn a_message_in_all_its_parts() {
    let room = Room::new(&[&[ANN]]);
    deliver(&room, MESSAGE);
    let mut client = selected(&room);
    let whole = client.octets("BODY.PEEK[]");
    assert!(
        whole.ends_with(MESSAGE) && whole.starts_with(b"Return-Path: <bob@us.example>\r\nReceived: from mx.example")
    );
    assert!(client.ask("FETCH 1 RFC822.SIZE").contains(&format!("RFC822.SIZE {})", whole.len())));
    let (header, body) = (client.octets("BODY.PEEK[HEADER]"), client.octets("BODY.PEEK[TEXT]"));
    assert_eq!([header, body].concat(), whole);
    for (item, expected) in [
        (
            "BODY.PEEK[HEADER.FIELDS (SUBJECT Return-Path)]",
            "Return-Path: <bob@us.example>\r\nSubject: =?utf-8?b?R3LDvMOfZQ==?=\r\n\r\n",
        ),
        ("BODY.PEEK[1]", "Ein =DCberfall"),
        ("BODY.PEEK[1]<4.5>", "=DCbe"),
        ("BODY.PEEK[2.MIME]", "Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n"),
        ("BODY.PEEK[3.HEADER]", "Subject: inner\r\n\r\n"),
        ("BODY.PEEK[3.TEXT]", "inside"),
        ("BODY.PEEK[3.1]", "inside"),
        ("BINARY.PEEK[2]", "\0\u{1}\u{2}"),
        ("BINARY.PEEK[2]<1.1>", "\u{1}"),
    ] {
        assert_eq!(text(&client.octets(item)), expected, "{item}");
    }
    for (command, expected) in [
        ("FETCH 1 BODY.PEEK[4]", "* 1 FETCH (BODY[4] NIL)\r\na OK FETCH done\r\n"),
        ("FETCH 1 BODY.PEEK[1.HEADER]", "* 1 FETCH (BODY[1.HEADER] NIL)\r\na OK FETCH done\r\n"),
        ("FETCH 1 BINARY.SIZE[2]", "* 1 FETCH (BINARY.SIZE[2] 3)\r\na OK FETCH done\r\n"),
        ("FETCH 1 FLAGS", "* 1 FETCH (FLAGS ())\r\na OK FETCH done\r\n"),
        ("FETCH 1 INTERNALDATE", "* 1 FETCH (INTERNALDATE \"23-Nov-2026 05:19:19 +0000\")\r\na OK FETCH done\r\n"),
    ] {
        assert_eq!(client.ask(command), expected);
    }
    let said = client.ask("FETCH 1 (ENVELOPE BODYSTRUCTURE BODY)");
    assert!(said.contains("\"joerg\" \"de.example\"") && said.contains("(\"text\" \"plain\""), "{said}");
    assert!(client.ask("FETCH 1 BODY[1]").contains("FLAGS (\\Seen)"));
}

/// What a command brings, and the most memory that the session holds meanwhile.
fn most_held(client: &mut Client, command: &str) -> (String, usize) {
    client.session.feed(format!("a {command}\r\n").as_bytes());
    let (mut said, mut most) = (Vec::new(), 0);
    loop {
        match client.session.step() {
            Step::Write(octets) => said.extend(octets),
            Step::Need(need) => {
                let answer = client.reader.perform(need);
                client.session.answer(answer);
            }
            Step::Wait | Step::Idle => break,
            step => panic!("{step:?}"),
        }
        most = most.max(client.session.held_bytes());
    }
    let ending = said.len().saturating_sub(200);
    (text(&said[ending..]), most)
}

/// Pieces of one message that overlap are one message in memory, and copies of its header are counted.
#[test]
fn a_fetch_holds_no_more_than_its_message() {
    let room = Room::new(&[&[ANN]]);
    let size = 3_000_000;
    let line = "X-Line: something of the usual length, and more of it\r\n";
    let header = line.repeat(size / line.len());
    deliver(&room, format!("From: a@b.example\r\n{header}\r\nthe body\r\n").as_bytes());
    let mut client = selected(&room);
    let items = |item: &dyn Fn(usize) -> String| (0..64).map(item).collect::<Vec<_>>().join(" ");
    for (what, items) in [
        ("pieces", items(&|at| format!("BODY.PEEK[]<{at}.{size}>"))),
        ("pieces of the header", items(&|at| format!("BODY.PEEK[HEADER]<{at}.{size}>"))),
        ("pieces of the text and of all", items(&|at| format!("BODY.PEEK[TEXT]<{at}.5> BODY.PEEK[]<{at}.{size}>"))),
    ] {
        let (ending, most) = most_held(&mut client, &format!("FETCH 1 ({items})"));
        assert!(ending.ends_with("a OK FETCH done\r\n"), "{what}: {ending}");
        assert!(most < 2 * size + 200_000, "{what}: {most}");
    }
    // 64 different copies of the header are more than a command may hold.
    let copies = items(&|at| format!("BODY.PEEK[HEADER.FIELDS.NOT (X-{at})]"));
    let (ending, most) = most_held(&mut client, &format!("FETCH 1 ({copies})"));
    assert_eq!((ending.as_str(), most < size), ("a NO [LIMIT] Server limit exceeded\r\n", true), "{most}");
    // Two are not.
    let copies = "BODY.PEEK[HEADER.FIELDS.NOT (X-1)] BODY.PEEK[HEADER.FIELDS.NOT (X-2)]";
    assert!(most_held(&mut client, &format!("FETCH 1 ({copies})")).0.ends_with("a OK FETCH done\r\n"));
}

/// A small message and a large one are two answers: what takes long is seen before it is done.
#[test]
fn a_large_message_begins_an_answer() {
    let room = Room::new(&[&[ANN]]);
    deliver(&room, b"Subject: small\r\n\r\nbody\r\n");
    deliver(&room, format!("Subject: large\r\n\r\n{}", "a line of text\r\n".repeat(100_000)).as_bytes());
    let mut client = selected(&room);
    client.session.feed(b"a FETCH 1:2 BODY.PEEK[]\r\n");
    let mut places = Vec::new();
    loop {
        match client.session.step() {
            Step::Write(_) => {}
            Step::Need(need) => {
                if let imap::Need::Fetch { .. } = &need {
                    places.push(client.reader.place_of(&need));
                }
                let answer = client.reader.perform(need);
                client.session.answer(answer);
            }
            _ => break,
        }
    }
    assert_eq!(places, [Place::Store, Place::Large]);
}

#[test]
fn work_ends_when_the_client_is_gone() {
    let room = Room::new(&[&[ANN]]);
    deliver(&room, MESSAGE);
    let mut client = selected(&room);
    client.reader.stop().now();
    for command in ["SEARCH BODY something", "FETCH 1 (BODY.PEEK[1] BODY.PEEK[2])"] {
        assert_eq!(client.ask(command), "a NO [UNAVAILABLE] Temporary failure, try again later\r\n", "{command}");
    }
}

/// Fields of one name are searched one by one, for all keys in one reading of the header.
#[test]
fn fields_are_searched_each_by_itself() {
    let room = Room::new(&[&[ANN]]);
    deliver(&room, b"X-One: first\r\nx-one: second\r\nX-Two: =?utf-8?b?R3LDvMOfZQ==?=\r\n\r\nbody\r\n");
    let mut client = selected(&room);
    for (keys, found) in [
        ("HEADER X-One first HEADER X-ONE second", " 1"),
        ("HEADER X-One firstsecond", ""),
        ("HEADER X-One first HEADER x-two \"gr\u{fc}\u{df}e\"", " 1"),
        ("HEADER X-Three \"\"", ""),
        ("NOT HEADER X-Three \"\"", " 1"),
    ] {
        let said = client.ask(&format!("SEARCH {keys}"));
        assert!(said.starts_with(&format!("* SEARCH{found}\r\n")), "{keys}: {said}");
    }
}

#[test]
fn search_reads_what_people_read() {
    let room = Room::new(&[&[ANN]]);
    deliver(&room, MESSAGE);
    deliver(&room, b"From: x@y.example\nSubject: plain\n\nnothing to see\n");
    let mut client = selected(&room);
    for (keys, found) in [
        ("SUBJECT grüße", "1"),
        ("FROM JÖRG", "1"),
        ("FROM example", "1 2"),
        ("BODY überfall", "1"),
        ("BODY grüße", ""),
        ("TEXT grüße", "1"),
        ("TEXT mx.example", "1 2"),
        ("BODY inside", "1"),
        ("HEADER return-path \"\"", "1 2"),
        ("HEADER MIME-Version \"\"", "1"),
        ("NOT BODY see", "1"),
        ("OR BODY see SUBJECT grüße", "1 2"),
        ("SENTON 29-Feb-2020", "1"),
        ("SENTSINCE 1-Mar-2020", "2"),
        ("ON 23-Nov-2026", "1 2"),
        ("LARGER 600", "1"),
        ("UNSEEN 2 BODY nothing", "2"),
    ] {
        let (name, rest) = keys.split_at(keys.find(' ').unwrap());
        // Outside ASCII only as a quoted string or a literal.
        let keys = if keys.is_ascii() {
            keys.to_owned()
        } else {
            keys.replace("grüße", "\"grüße\"").replace("überfall", "\"überfall\"").replace("JÖRG", "\"JÖRG\"")
        };
        let said = client.ask(&format!("SEARCH {keys}"));
        let want = format!("* SEARCH{}{found}\r\n", if found.is_empty() { "" } else { " " });
        assert!(said.starts_with(&want), "{name}{rest}: {said}");
    }
}

#[test]
fn a_long_message_is_read_in_pieces() {
    let room = Room::new(&[&[ANN]]);
    let original =
        [b"Subject: long\r\nX: y\r\n\r\n".as_slice(), &b"0123456789abcdef0123456789abcdef\r\n".repeat(20_000)].concat();
    deliver(&room, &original);
    let mut client = selected(&room);
    let whole = client.octets("BODY.PEEK[]");
    assert!(whole.ends_with(&original));
    let header = client.octets("BODY.PEEK[HEADER]");
    assert!(whole.starts_with(&header) && header.ends_with(b"Subject: long\r\nX: y\r\n\r\n"));
    assert_eq!(client.octets("BODY.PEEK[HEADER.FIELDS (X)]"), b"X: y\r\n\r\n");
    let mut pieces = Vec::new();
    loop {
        let piece = client.octets(&format!("BODY.PEEK[]<{}.100000>", pieces.len()));
        if piece.is_empty() {
            break;
        }
        pieces.extend(piece);
    }
    assert!(pieces == whole);
    for (from, length) in [(0, 10), (100, 300), (whole.len() - 5, 100)] {
        let piece = client.octets(&format!("BODY.PEEK[]<{from}.{length}>"));
        assert!(piece == whole[from..whole.len().min(from + length)]);
    }
}

#[test]
fn what_was_appended_comes_back() {
    let room = Room::new(&[&[ANN]]);
    let mut client = signed_in(&room);
    for (original, view) in [
        (&b"Subject: x\r\n\r\ny\r\n"[..], &b"Subject: x\r\n\r\ny\r\n"[..]),
        (b"Subject: x\n\na\0b\rc\n", b"Subject: x\r\n\r\na\x80b\r\nc\r\n"),
        (b"no header", b"no header"),
        (b"From x Mon\nSubject: y\n\nz", b"Subject: y\r\n\r\nz"),
    ] {
        assert!(client.append("INBOX", original).contains("a OK [APPENDUID "));
        assert!(client.ask("SELECT INBOX").contains("a OK"));
        assert_eq!(text(&client.octets("BODY.PEEK[]")), text(view));
        assert!(client.ask("FETCH 1 RFC822.SIZE").contains(&format!("RFC822.SIZE {})", view.len())));
        assert_eq!(room.parts(ANN, vault::Part::Original), [original.to_vec()]);
        client.ask("STORE 1 +FLAGS.SILENT (\\Deleted)");
        assert!(client.ask("EXPUNGE").starts_with("* 1 EXPUNGE\r\n"));
    }
    assert!(client.append("Nothing", b"x").starts_with("a NO [TRYCREATE] "));
}

#[test]
fn two_sessions_see_each_other() {
    let room = Room::new(&[&[ANN]]);
    for subject in ["one", "two", "three"] {
        deliver(&room, format!("Subject: {subject}\r\n\r\n").as_bytes());
    }
    let mut one = selected(&room);
    let mut other = selected(&room);
    // One's own change is told once, and never when silent; the other hears of it.
    assert_eq!(
        one.ask("STORE 1 +FLAGS (\\Flagged work)"),
        "* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft work)\r\n* 1 FETCH (FLAGS (\\Flagged work))\r\na OK STORE done\r\n"
    );
    assert_eq!(one.ask("STORE 2 +FLAGS.SILENT (\\Seen)"), "a OK STORE done\r\n");
    assert_eq!(one.ask("NOOP"), "a OK NOOP done\r\n");
    assert_eq!(
        other.ask("NOOP"),
        "* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft work)\r\n\
         * 1 FETCH (UID 1 FLAGS (\\Flagged work))\r\n* 2 FETCH (UID 2 FLAGS (\\Seen))\r\na OK NOOP done\r\n"
    );
    // The store keeps the spelling that came first.
    assert!(other.ask("STORE 3 +FLAGS (WORK)").contains("* 3 FETCH (FLAGS (work))\r\n"));
    assert_eq!(other.ask("SEARCH KEYWORD Work"), "* SEARCH 1 3\r\na OK SEARCH done\r\n");
    // Expunged under the other: its numbers stand until it may be told.
    one.ask("STORE 1 +FLAGS.SILENT (\\Deleted)");
    assert!(one.ask("EXPUNGE").contains("* 1 EXPUNGE\r\n"));
    assert_eq!(other.ask("FETCH 2 UID"), "* 2 FETCH (UID 2)\r\na OK FETCH done\r\n");
    assert_eq!(other.ask("FETCH 1 UID"), "a NO [EXPUNGEISSUED] Some of the requested messages no longer exist\r\n");
    deliver(&room, b"Subject: four\r\n\r\n");
    assert_eq!(other.ask("NOOP"), "* 1 EXPUNGE\r\n* 3 EXISTS\r\na OK NOOP done\r\n");
    assert!(one.ask("CREATE Work").starts_with("* 3 EXISTS\r\n"));
    assert!(one.ask("UID COPY 2:3 Work").starts_with("a OK [COPYUID "));
    let moved = one.ask("UID MOVE 2 Work");
    assert!(moved.starts_with("* OK [COPYUID ") && moved.contains(" 2 3] Moved\r\n* 1 EXPUNGE\r\n"), "{moved}");
    assert!(other.ask("STATUS Work (MESSAGES)").starts_with("* STATUS Work (MESSAGES 3)\r\n* 1 EXPUNGE\r\n"));
    assert!(other.ask("SELECT Work").contains("* 3 EXISTS\r\n"));
    assert!(one.ask("DELETE Work").contains("a OK DELETE done\r\n"));
    other.session.feed(b"a NOOP\r\n");
    let mut bye = false;
    loop {
        match other.session.step() {
            Step::Write(bytes) => bye |= text(&bytes).starts_with("* BYE "),
            Step::Need(need) => other.session.answer(other.reader.perform(need)),
            Step::Close => break,
            step => panic!("{step:?}"),
        }
    }
    assert!(bye);
}

#[test]
fn idle_hears_the_bell() {
    let room = Room::new(&[&[ANN]]);
    let mut client = selected(&room);
    let rung = Arc::new(AtomicUsize::new(0));
    let counter = rung.clone();
    let watching = client.reader.watch().unwrap().call_back(move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
    });
    assert_eq!(text(&client.send(b"a IDLE\r\n")), "+ idling\r\n");
    deliver(&room, b"Subject: one\r\n\r\n");
    assert!(rung.load(Ordering::SeqCst) > 0);
    client.session.notice();
    assert_eq!(text(&client.run()), "* 1 EXISTS\r\n");
    assert_eq!(text(&client.send(b"DONE\r\n")), "a OK IDLE done\r\n");
    drop(watching);
}

#[test]
fn names_and_levels() {
    let room = Room::new(&[&[ANN]]);
    let mut client = signed_in(&room);
    for (command, said) in [
        ("LIST \"\" *", "* LIST (\\HasNoChildren) \"/\" INBOX\r\na OK LIST done\r\n"),
        ("CREATE Entw&APw-rfe/2026/", "a OK CREATE done\r\n"),
        ("CREATE Sent (USE (\\Sent))", "a OK CREATE done\r\n"),
        ("CREATE sent/", "a OK CREATE done\r\n"),
        ("DELETE sent", "a OK DELETE done\r\n"),
        (
            "LIST \"\" %",
            "* LIST (\\Noselect \\HasChildren) \"/\" Entw&APw-rfe\r\n* LIST (\\HasNoChildren) \"/\" INBOX\r\n* LIST (\\Sent \\HasNoChildren) \"/\" Sent\r\na OK LIST done\r\n",
        ),
        ("RENAME Entw&APw-rfe/2026 Drafts/2026", "a OK RENAME done\r\n"),
        ("SUBSCRIBE Drafts/2026", "a OK Subscription changed\r\n"),
        ("LSUB \"\" *", "* LSUB () \"/\" Drafts/2026\r\n* LSUB () \"/\" INBOX\r\na OK LSUB done\r\n"),
        ("DELETE INBOX", "a NO [CANNOT] INBOX cannot be deleted\r\n"),
    ] {
        assert_eq!(client.ask(command), said, "{command}");
    }
    client.append("INBOX", b"Subject: x\r\n\r\n");
    assert_eq!(client.ask("RENAME INBOX Old"), "a OK RENAME done\r\n");
    assert!(client.ask("STATUS INBOX (MESSAGES)").contains("(MESSAGES 0)"));
    assert!(client.ask("STATUS Old (MESSAGES SIZE)").contains("(MESSAGES 1 SIZE 14)"));
}

#[test]
fn one_account_never_opens_another() {
    let room = Room::new(&[&[ANN], &["bob@ie.example"]]);
    deliver(&room, b"Subject: for ann\r\n\r\n");
    let mut client = Client::new(&room.mailroom);
    let wrong = client.ask(&format!("LOGIN {ANN} wrong"));
    assert_eq!(wrong, client.ask("LOGIN nobody@ie.example wrong"));
    assert!(client.reader.account().is_none());
    let mut bob = Client::new(&room.mailroom);
    assert!(bob.ask(&format!("LOGIN bob@ie.example \"{PASSWORD}\"")).starts_with("a OK "));
    assert!(bob.ask("SELECT INBOX").contains("* 0 EXISTS\r\n"));
}

#[test]
fn a_damaged_message_keeps_none_from_being_read() {
    let room = Room::new(&[&[ANN]]);
    for subject in ["one", "two", "three"] {
        deliver(&room, format!("Subject: {subject}\r\n\r\n{}\r\n", "x".repeat(1000)).as_bytes());
    }
    // One byte of the second original, on disk.
    let (segment, offset) = room.inbox(ANN)[1].place(vault::Part::Original).unwrap();
    let pack = room.dir.path().join(format!("store/packs/{segment:08}.pack"));
    let mut bytes = std::fs::read(&pack).unwrap();
    bytes[offset as usize + 80] ^= 1;
    let file = std::fs::OpenOptions::new().write(true).open(&pack).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, &bytes, 0).unwrap();
    let mut client = selected(&room);
    let said = client.ask("FETCH 1:3 (UID BODY.PEEK[TEXT])");
    assert!(said.contains("* 1 FETCH (UID 1 ") && said.contains("* 3 FETCH (UID 3 "), "{said}");
    assert!(
        !said.contains("* 2 FETCH")
            && said.ends_with("a NO [CORRUPTION] Stored data is damaged, the operator has been notified\r\n"),
        "{said}"
    );
    assert!(client.reader.trouble().is_some());
    assert_eq!(client.ask("SEARCH BODY xxx"), "* SEARCH 1 3\r\na OK SEARCH done\r\n");
}
