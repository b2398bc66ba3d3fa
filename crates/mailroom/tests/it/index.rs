//! The index of an owner's mail: whatever it answers is what the messages themselves say, while it is made, when it is
//! damaged, and after messages went.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::client::Client;
use crate::support::{NOW, PASSWORD, Room, volumes};
use mailroom::Mailroom;
use mailroom::index::Indexes;
use store::FlagSet;
use terms::{AccountId, CaseId, UnixMillis};
use world::{Fault, FaultyDisk, SeededEntropy};

const ANN: &str = "ann@ie.example";
const BEN: &str = "ben@ie.example";

fn in_inbox(mailroom: &Mailroom, who: &str) -> Client {
    Client::selected(mailroom, who, PASSWORD)
}

trait Searches {
    fn search(&mut self, keys: &str) -> BTreeSet<u32>;
}

impl Searches for Client {
    /// What a search finds.
    fn search(&mut self, keys: &str) -> BTreeSet<u32> {
        let said = self.ask(&format!("UID SEARCH CHARSET UTF-8 {keys}"));
        let line = said.lines().find_map(|line| line.strip_prefix("* SEARCH"));
        let line = line.unwrap_or_else(|| panic!("{keys}: {said}"));
        line.split_whitespace().map(|uid| uid.parse().unwrap()).collect()
    }
}

fn text_key(key: &str, text: &str) -> String {
    format!("{key} {{{}+}}\r\n{text}", text.len())
}

/// The same mailroom without indexes.
fn scanning(mailroom: &Mailroom) -> Mailroom {
    Mailroom { index: Indexes::off(), ..mailroom.clone() }
}

fn put(mailroom: &Mailroom, account: AccountId, messages: impl IntoIterator<Item = Vec<u8>>) {
    let inbox = mailroom.store.mailbox_named(account, store::INBOX).unwrap().id;
    let incoming = |original| mailroom.incoming(account, inbox, original, Vec::new(), NOW, FlagSet::none()).unwrap();
    mailroom.store.append(messages.into_iter().map(incoming).collect()).unwrap();
}

/// Texts that are hard on an index, from a repeatable random source.
struct Writer(SeededEntropy);

const PIECES: [&str; 36] = [
    "a",
    "b",
    "ab",
    "ba",
    "A",
    "aB",
    "x1",
    "_",
    " ",
    "  ",
    ".",
    "@",
    "-",
    ", ",
    "\n",
    "hello",
    "Hello World",
    "stra\u{df}e",
    "STRASSE",
    "\u{e9}",
    "e\u{301}",
    "\u{c9}t\u{e9}",
    "\u{212b}",
    "\u{1c6}",
    "\u{fb01}",
    "\u{65e5}\u{672c}\u{8a9e}",
    "\u{65e5}",
    "\u{e01}\u{e02}",
    "\u{d55c}\u{ae00}",
    "\u{1f600}",
    "\u{3c3}\u{3c2}",
    "\u{436}\u{416}",
    "\u{130}",
    "\u{ff41}",
    "\u{30ac}",
    "=?utf-8?q?=C3=A9?=",
];

impl Writer {
    fn below(&self, end: usize) -> usize {
        self.0.below(end as u64) as usize
    }

    fn text(&self, pieces: usize) -> String {
        let mut out: String = (0..self.below(pieces)).map(|_| PIECES[self.below(PIECES.len())]).collect();
        if self.below(6) == 0 {
            // A run that is longer than a word of the dictionary.
            out.extend((0..self.below(400)).map(|_| ["a", "b", "c"][self.below(3)]));
        }
        out
    }

    /// A part of a text, perhaps in other letters.
    fn part(&self, text: &str) -> String {
        let chars: Vec<char> = text.chars().collect();
        let from = self.below(chars.len() + 1);
        let longest = [1, 3, 8, 90][self.below(4)];
        let to = (from + self.below(longest + 1)).min(chars.len());
        let part: String = chars[from..to].iter().collect();
        match self.below(3) {
            0 => part.to_lowercase(),
            1 => part.to_uppercase(),
            _ => part,
        }
    }

    fn message(&self) -> (String, Vec<u8>) {
        let body = self.text(60);
        let subject = self.text(8).replace('\n', " ");
        let encoded = body.bytes().map(|octet| format!("={octet:02X}")).collect::<Vec<_>>();
        let encoded: String = encoded.chunks(20).map(|line| line.concat() + "=\r\n").collect();
        let kind = ["plain", "html"][self.below(2)];
        let mut out = format!(
            "From: {} <{}@x.example>\r\nSubject: {subject}\r\nX-Odd: {}\r\nMIME-Version: 1.0\r\n",
            self.text(3).replace('\n', " "),
            ["ann", "ben", "anna"][self.below(3)],
            self.text(3).replace('\n', " "),
        );
        match self.below(4) {
            0 => out += &format!("Content-Type: text/plain; charset=utf-8\r\n\r\n{}", body.replace('\n', "\r\n")),
            1 => {
                out += &format!(
                    "Content-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n{encoded}"
                )
            }
            2 => {
                out += &format!(
                    "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\
                 {body}\r\n--b\r\nContent-Disposition: attachment; filename*=utf-8''{}.bin\r\n\r\nzzz\r\n--b--\r\n",
                    ["caf%C3%A9", "x1"][self.below(2)]
                )
            }
            _ => out = format!("no header at all {body}"),
        }
        (format!("{subject}\n{body}"), out.into_bytes())
    }

    fn keys(&self, texts: &[String], depth: usize) -> String {
        let text = match self.below(5) {
            0 => self.text(3),
            _ => self.part(&texts[self.below(texts.len())]),
        };
        match self.below(if depth == 0 { 9 } else { 12 }) {
            0..=2 => text_key("BODY", &text),
            3 | 4 => text_key("TEXT", &text),
            5 => text_key("SUBJECT", &text),
            6 => text_key("FROM", ["ann", "ANN@x", "x.example", "b"][self.below(4)]),
            7 => text_key("HEADER X-Odd", &text),
            8 => text_key("HEADER Content-Type", ["html", "", "utf"][self.below(3)]),
            9 => format!("NOT {}", self.keys(texts, depth - 1)),
            10 => format!("OR {} {}", self.keys(texts, depth - 1), self.keys(texts, depth - 1)),
            _ => format!("({} {})", self.keys(texts, depth - 1), self.keys(texts, depth - 1)),
        }
    }
}

/// Random mail and random searches: with an index and without, the same. Between the rounds mail comes, goes and is
/// copied, and the index is made of what is there, or not yet.
#[test]
fn an_index_and_a_scan_find_the_same() {
    let mut found = 0;
    for seed in 1..4 {
        let room = Room::new(&[&[ANN]]);
        let (mailroom, account, writer) = (&room.mailroom, room.account(ANN), Writer(SeededEntropy::new(seed)));
        let mut texts = Vec::new();
        for round in 0..6 {
            let (more, messages): (Vec<_>, Vec<_>) = (0..25).map(|_| writer.message()).unzip();
            texts.extend(more);
            put(mailroom, account, messages);
            let mut client = in_inbox(mailroom, ANN);
            if round % 3 > 0 {
                mailroom.index.settle();
            }
            let mut scan = in_inbox(&scanning(mailroom), ANN);
            for _ in 0..120 {
                let keys = writer.keys(&texts, 2);
                let (by_index, by_scan) = (client.search(&keys), scan.search(&keys));
                assert_eq!(by_index, by_scan, "seed {seed}, round {round}: {keys}");
                found += by_scan.len();
            }
            mailroom.index.settle();
            if round == 3 {
                client.ask("COPY 1:20 INBOX");
                client.ask("STORE 5:60 +FLAGS.SILENT (\\Deleted)");
                client.ask("EXPUNGE");
            }
        }
        assert!(mailroom.index_size(&room.sign_in(account)).unwrap().messages > 90);
    }
    assert!(found > 5_000, "the searches find something: {found}");
}

/// Writes over every segment of the packs, so that no message opens any more.
fn spoil_the_mail(room: &Room) {
    for entry in fs::read_dir(room.dir.path().join("store/packs")).unwrap() {
        let path = entry.unwrap().path();
        let len = fs::metadata(&path).unwrap().len();
        fs::write(&path, vec![0; len as usize]).unwrap();
    }
}

/// What has a place in the index is answered from there: not a message is opened.
#[test]
fn lists_and_searches_open_no_message() {
    let room = Room::new(&[&[ANN]]);
    let (mailroom, account, writer) = (&room.mailroom, room.account(ANN), Writer(SeededEntropy::new(9)));
    let (texts, messages): (Vec<_>, Vec<_>) = (0..300).map(|_| writer.message()).unzip();
    put(mailroom, account, messages);
    let mut client = in_inbox(mailroom, ANN);
    mailroom.index.settle();
    let mut asked: Vec<String> = ["ENVELOPE", "BODYSTRUCTURE", "BODY", "(UID ENVELOPE BODYSTRUCTURE)"]
        .iter()
        .chain(&["BODY.PEEK[HEADER.FIELDS (SUBJECT FROM)]", "(BODY.PEEK[HEADER] ENVELOPE)"])
        .map(|items| format!("FETCH 1:* {items}"))
        .collect();
    asked.extend((0..50).map(|_| format!("SEARCH CHARSET UTF-8 {}", writer.keys(&texts, 2))));
    asked.push("SEARCH SENTSINCE 1-Jan-2000".to_owned());
    let mut scan = in_inbox(&scanning(mailroom), ANN);
    let before: Vec<String> = asked.iter().map(|command| scan.ask(command)).collect();
    spoil_the_mail(&room);
    for (command, before) in asked.iter().zip(&before) {
        assert_eq!(&client.ask(command), before, "{command}");
    }
    assert!(!scan.ask("FETCH 1:* ENVELOPE").contains("ENVELOPE"), "the mail is spoiled indeed");
}

/// Whatever happens to a volume, the answers stay the same, and the next sign-in rebuilds it.
#[test]
fn damage_is_never_an_answer() {
    let room = Room::new(&[&[ANN], &[BEN]]);
    let (mailroom, account, writer) = (&room.mailroom, room.account(ANN), Writer(SeededEntropy::new(5)));
    let (texts, messages): (Vec<_>, Vec<_>) = (0..80).map(|_| writer.message()).unzip();
    put(mailroom, account, messages);
    put(mailroom, room.account(BEN), (0..10).map(|_| writer.message().1));
    drop((in_inbox(mailroom, ANN), in_inbox(mailroom, BEN)));
    mailroom.index.settle();
    let theirs = fs::read(&volumes(&room, room.account(BEN))[0]).unwrap();
    let asked: Vec<String> = (0..25)
        .map(|_| format!("SEARCH CHARSET UTF-8 {}", writer.keys(&texts, 1)))
        .chain(["FETCH 1:* (ENVELOPE BODY)".to_owned(), "FETCH 1:* BODY.PEEK[HEADER]".to_owned()])
        .collect();
    let mut scan = in_inbox(&scanning(mailroom), ANN);
    let expected: Vec<String> = asked.iter().map(|command| scan.ask(command)).collect();
    let whole = fs::read(&volumes(&room, account)[0]).unwrap();
    let step = (whole.len() / 40).max(1);
    let flipped = (0..whole.len()).step_by(step).map(|at| {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        bytes
    });
    let torn = [0, 10, 80, whole.len() / 2, whole.len() - 1].map(|len| whole[..len].to_vec());
    for bytes in flipped.chain(torn).chain([theirs]) {
        // While the session is open, and from its beginning.
        let mut open = in_inbox(mailroom, ANN);
        mailroom.index.settle();
        let volume = volumes(&room, account).pop().unwrap();
        fs::write(&volume, &bytes).unwrap();
        let answers = |client: &mut Client| asked.iter().map(|command| client.ask(command)).collect::<Vec<_>>();
        assert!(answers(&mut open) == expected, "damage under an open index");
        drop(open);
        let mut fresh = in_inbox(mailroom, ANN);
        assert!(answers(&mut fresh) == expected, "damage found at a sign-in");
        mailroom.index.settle();
        assert!(answers(&mut fresh) == expected, "after the fold");
        drop(fresh);
        drop(in_inbox(mailroom, ANN));
        mailroom.index.settle();
        assert_eq!(mailroom.index_size(&room.sign_in(account)).unwrap().messages, 80, "rebuilt");
    }
}

/// What is expunged is found no more, held or not, and leaves the index when enough of it is dead; a held mailbox and its
/// twin have indexes of the same size.
#[test]
fn the_dead_go_and_holds_do_not_show() {
    let room = Room::new(&[&[ANN], &[BEN]]);
    let mailroom = &room.mailroom;
    let accounts = [room.account(ANN), room.account(BEN)];
    for account in accounts {
        let text = |n: usize| format!("Subject: message {n}\r\n\r\nword{n} {}\r\n", "filler ".repeat(200)).into_bytes();
        put(mailroom, account, (0..100).map(text));
    }
    mailroom.store.hold(CaseId(7), accounts[0], UnixMillis(0), UnixMillis(i64::MAX)).unwrap();
    let sizes = || accounts.map(|account| mailroom.index_size(&room.sign_in(account)).unwrap().messages);
    for (who, _) in [ANN, BEN].iter().zip(accounts) {
        let mut client = in_inbox(mailroom, who);
        mailroom.index.settle();
        assert_eq!(client.search("BODY word42"), BTreeSet::from([43]));
        client.ask("STORE 43 +FLAGS.SILENT (\\Deleted)");
        client.ask("EXPUNGE");
        assert_eq!(client.search("BODY word42"), BTreeSet::new());
    }
    assert_eq!(sizes(), [100, 100], "one dead of a hundred stays where it is");
    for who in [ANN, BEN] {
        let mut client = in_inbox(mailroom, who);
        client.ask("STORE 1:50 +FLAGS.SILENT (\\Deleted)");
        client.ask("EXPUNGE");
        drop(client);
        drop(in_inbox(mailroom, who));
        mailroom.index.settle();
        let mut client = in_inbox(mailroom, who);
        assert_eq!(client.search("BODY filler").len(), 49);
        assert_eq!(client.search("BODY word7").len(), 10, "word7 is gone, word70 to word79 are there");
    }
    assert_eq!(sizes(), [49, 49], "half of it dead: rewritten without");
    let bytes = accounts.map(|account| mailroom.index_size(&room.sign_in(account)).unwrap().bytes);
    assert!(bytes[0].abs_diff(bytes[1]) < 64, "{bytes:?}");
    for account in accounts {
        assert_eq!(mailroom.rebuild_index(&room.sign_in(account)).unwrap().messages, 49);
    }
}

/// Many small arrivals become few volumes, and each message is in one of them.
#[test]
fn small_volumes_merge() {
    let room = Room::new(&[&[ANN]]);
    let (mailroom, account, writer) = (&room.mailroom, room.account(ANN), Writer(SeededEntropy::new(3)));
    let mut texts = Vec::new();
    for _ in 0..40 {
        let (more, messages): (Vec<_>, Vec<_>) = (0..9).map(|_| writer.message()).unzip();
        texts.extend(more);
        put(mailroom, account, messages);
        drop(in_inbox(mailroom, ANN));
        mailroom.index.settle();
    }
    let size = mailroom.index_size(&room.sign_in(account)).unwrap();
    assert_eq!(size.messages, 360);
    assert!(size.volumes < 16, "{size:?}");
    assert_eq!(volumes(&room, account).len(), size.volumes, "what was replaced is removed");
    let (mut client, mut scan) = (in_inbox(mailroom, ANN), in_inbox(&scanning(mailroom), ANN));
    for _ in 0..100 {
        let keys = writer.keys(&texts, 2);
        assert_eq!(client.search(&keys), scan.search(&keys), "{keys}");
    }
    for items in ["ENVELOPE", "BODYSTRUCTURE", "BODY.PEEK[HEADER]"] {
        assert_eq!(client.ask(&format!("FETCH 1:* {items}")), scan.ask(&format!("FETCH 1:* {items}")));
    }
}

/// Each write of a fold and of a merge fails once, with and without effect: the answers stay, and later all is folded.
#[test]
fn each_write_fails_once() {
    let writer = Writer(SeededEntropy::new(8));
    let (texts, messages): (Vec<_>, Vec<_>) = (0..12).map(|_| writer.message()).unzip();
    let keys: Vec<String> = (0..12).map(|_| writer.keys(&texts, 1)).collect();
    let mut failed = 0;
    // Every step at night; each time some of them.
    let stride = if std::env::var_os("BAILIWICK_NIGHTLY").is_some() { 1 } else { 5 };
    for (fault, from) in [(Fault::Failed, 0), (Fault::FailedButPersisted, 2)] {
        for step in (from..48).step_by(stride) {
            let disk = FaultyDisk::new();
            let room = Room::on(Arc::new(disk.clone()), &[&[ANN]]);
            let (mailroom, account) = (&room.mailroom, room.account(ANN));
            // Eight small volumes, and the merge that the eighth brings; the fault strikes in there.
            for (number, message) in messages.iter().take(8).enumerate() {
                put(mailroom, account, [message.clone()]);
                if number == 7 {
                    disk.fail_step(disk.steps() + step, fault);
                }
                drop(in_inbox(mailroom, ANN));
                mailroom.index.settle();
            }
            let size = mailroom.index_size(&room.sign_in(account)).unwrap();
            failed += u32::from(size.messages < 8 || size.volumes > 1);
            disk.fail_step(u64::MAX, fault);
            put(mailroom, account, messages[8..].iter().cloned());
            let (mut client, mut scan) = (in_inbox(mailroom, ANN), in_inbox(&scanning(mailroom), ANN));
            for keys in &keys {
                assert_eq!(client.search(keys), scan.search(keys), "step {step}: {keys}");
            }
            mailroom.index.settle();
            let owned = mailroom.store.owned_slots(account).unwrap().len();
            assert_eq!(mailroom.index_size(&room.sign_in(account)).unwrap().messages, owned, "step {step}");
        }
    }
    assert!(failed > 6, "writes of a fold and of a merge did fail: {failed}");
}

/// The real corpus, where it is there: words of real mail, whole and in parts, and phrases.
#[test]
fn real_mail() {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    let corpus = std::env::var_os("BAILIWICK_CORPUS").map_or(beside, PathBuf::from);
    let mut files = Vec::new();
    below(&corpus, &mut files);
    if files.is_empty() {
        println!("skipped: there is no corpus of real mail at {}", corpus.display());
        return;
    }
    files.sort();
    let room = Room::new(&[&[ANN]]);
    let (mailroom, account, writer) = (&room.mailroom, room.account(ANN), Writer(SeededEntropy::new(4)));
    let originals: Vec<Vec<u8>> =
        files.iter().step_by(files.len() / 700 + 1).map(|path| fs::read(path).unwrap()).collect();
    let texts: Vec<String> = originals
        .iter()
        .map(|original| {
            let view = message::view(original);
            let text = message::search_text(&view, &message::Structure::parse(&view));
            // A literal of IMAP holds any octet but NUL.
            (text.header + &text.body).replace('\0', "")
        })
        .collect();
    put(mailroom, account, originals);
    let mut client = in_inbox(mailroom, ANN);
    mailroom.index.settle();
    let mut scan = in_inbox(&scanning(mailroom), ANN);
    let mut found = 0;
    for _ in 0..60 {
        let keys = writer.keys(&texts, 1);
        let by_scan = scan.search(&keys);
        assert_eq!(client.search(&keys), by_scan, "{keys}");
        found += by_scan.len();
    }
    assert!(found > 60);
    for items in ["ENVELOPE", "BODYSTRUCTURE", "BODY", "BODY.PEEK[HEADER]", "BODY.PEEK[HEADER.FIELDS (TO RECEIVED)]"] {
        assert!(client.ask(&format!("FETCH 1:* {items}")) == scan.ask(&format!("FETCH 1:* {items}")), "{items}");
    }
}

fn below(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).into_iter().flatten().map(Result::unwrap) {
        match entry.file_type().unwrap().is_dir() {
            true => below(&entry.path(), out),
            false => out.push(entry.path()),
        }
    }
}
