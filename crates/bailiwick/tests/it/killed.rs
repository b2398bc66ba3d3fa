//! The real program, killed at random under load: what was acknowledged is there once, with its bytes and its flags; no UID
//! goes back or names another message than before, and no MODSEQ goes back. (IMAP does not tell MODSEQ: the machine does not
//! speak CONDSTORE, so `SELECT … (CONDSTORE)` is an option that it does not know. So `account list` is asked, under load too;
//! the least that it must be is counted, for each acknowledged change took one; and the MODSEQ of each message is read from
//! what the kill left on the disk.)
//!
//! All the time the space of deleted mail is reclaimed, without a limit to its rate and with the smallest segments: much of
//! the mail ends soon, so that kills fall into passes that move what lives. In every second cycle there is one pass only, over
//! all that the cycle has left, and the kill waits until it moves.

mod left;
mod passes;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::support::Single;
use passes::Passes;

const ADDRESS: &str = "ann@ie.example";
const PASSWORD: &str = "a good password";

/// Sessions of each kind: 32 together.
const SESSIONS: usize = 16;

/// What is known of a message.
#[derive(Debug, Clone, Default)]
struct Known {
    /// Its arrival was acknowledged.
    stored: bool,
    uid: Option<u32>,
    /// The flag was acknowledged.
    flagged: bool,
    /// Its copy in the copies' mailbox was acknowledged.
    copied: bool,
    /// Its end was asked for, and acknowledged.
    ending: bool,
    ended: bool,
    /// How many changes were acknowledged in all.
    changes: u64,
}

type Told = BTreeMap<String, Known>;

/// A conversation that ends when the node does.
struct Talk(BufReader<TcpStream>);

impl Talk {
    fn to(address: &str) -> Option<Self> {
        let stream = TcpStream::connect(address).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(60))).ok()?;
        Some(Self(BufReader::new(stream)))
    }

    /// An answer up to the line that begins so, literals included.
    fn hear(&mut self, last: &str) -> Option<String> {
        let mut all = Vec::new();
        loop {
            let from = all.len();
            if self.0.read_until(b'\n', &mut all).ok()? == 0 {
                return None;
            }
            let line = String::from_utf8_lossy(&all[from..]).into_owned();
            let line = line.trim_end();
            if line.starts_with(last) {
                return String::from_utf8(all).ok();
            }
            // A node that lives refuses nobody here, whatever moves meanwhile.
            let refused_mail = line.as_bytes().get(3) == Some(&b' ') && line.starts_with(['4', '5']);
            assert!(!line.starts_with("a ") && !refused_mail, "refused: {line}");
            if let Some((_, literal)) = line.strip_suffix('}').and_then(|line| line.rsplit_once('{')) {
                let at = all.len();
                all.resize(at + literal.parse::<usize>().ok()?, 0);
                self.0.read_exact(&mut all[at..]).ok()?;
            }
        }
    }

    fn say(&mut self, line: &str, last: &str) -> Option<String> {
        self.0.get_mut().write_all(format!("{line}\r\n").as_bytes()).ok()?;
        self.hear(last)
    }

    fn imap(node: &str) -> Option<Self> {
        let mut talk = Self::to(node)?;
        talk.hear("*")?;
        talk.say(&format!("a LOGIN {ADDRESS} \"{PASSWORD}\""), "a OK")?;
        Some(talk)
    }
}

/// Lines of a message that ends soon. So the greater part of what arrives is dead a moment later, and of most segments
/// more than half is.
const LINES_OF_BRIEF: usize = 60;

/// Whether a message of an IMAP session, the `n`th of its cycle, is expunged by it.
fn is_brief(n: u64) -> bool {
    n % 3 == 2
}

/// The message of a token, which is `d` or `b` (for LMTP and IMAP) and the session, `c` and the cycle, `n` and the number, `z`.
fn body(token: &str) -> String {
    let number = token.split_once('n').unwrap().1.trim_end_matches('z').parse().unwrap();
    let lines = if token.starts_with('b') && is_brief(number) { LINES_OF_BRIEF } else { 1 };
    let line = format!("{token} ").repeat(60);
    format!("Subject: {token}\r\n\r\n{}", format!("{}\r\n", line.trim_end()).repeat(lines))
}

/// Delivers until the node is gone.
fn deliver(door: &str, name: &str, told: &mut Told) -> Option<()> {
    let mut talk = Talk::to(door)?;
    talk.hear("220 ")?;
    talk.say("LHLO x.example", "250 ")?;
    for n in 0.. {
        let token = format!("{name}n{n}z");
        talk.say("MAIL FROM:<x@x.example>", "250 ")?;
        talk.say(&format!("RCPT TO:<{ADDRESS}>"), "250 ")?;
        talk.say("DATA", "354 ")?;
        told.insert(token.clone(), Known::default());
        talk.say(&format!("{}.", body(&token)), "250 ")?;
        let known = told.get_mut(&token)?;
        (known.stored, known.changes) = (true, 1);
    }
    Some(())
}

/// Appends, flags, copies and expunges until the node is gone.
fn use_imap(door: &str, mailbox: &str, name: &str, told: &mut Told) -> Option<()> {
    let mut talk = Talk::imap(door)?;
    talk.say(&format!("a SELECT {mailbox}"), "a OK")?;
    for n in 0.. {
        let token = format!("{name}n{n}z");
        let text = body(&token);
        told.insert(token.clone(), Known::default());
        let said = talk.say(&format!("a APPEND {mailbox} {{{}+}}\r\n{text}", text.len()), "a OK")?;
        let uid: u32 = said.split_once("APPENDUID ")?.1.split([' ', ']']).nth(1)?.parse().ok()?;
        let known = told.get_mut(&token)?;
        (known.stored, known.uid, known.changes) = (true, Some(uid), 1);
        talk.say(&format!("a UID STORE {uid} +FLAGS (\\Flagged)"), "a OK")?;
        known.flagged = true;
        known.changes += 1;
        if n % 3 == 1 {
            talk.say(&format!("a UID COPY {uid} copies"), "a OK")?;
            known.copied = true;
            known.changes += 1;
        }
        if is_brief(n) {
            known.ending = true;
            talk.say(&format!("a UID STORE {uid} +FLAGS (\\Deleted)"), "a OK")?;
            known.changes += 1;
            talk.say(&format!("a UID EXPUNGE {uid}"), "a OK")?;
            known.ended = true;
            known.changes += 1;
        }
    }
    Some(())
}

/// A mailbox as the node has it: UIDVALIDITY and UIDNEXT, and per token UID and flags. No token is there twice.
fn read(talk: &mut Talk, mailbox: &str) -> ((u64, u64), BTreeMap<String, (u32, String)>) {
    let said = talk.say(&format!("a SELECT {mailbox}"), "a OK").unwrap();
    let number = |name: &str| -> u64 {
        let rest = said.split_once(name).unwrap().1;
        rest.split(']').next().unwrap().trim().parse().unwrap()
    };
    let (validity, next) = (number("[UIDVALIDITY "), number("[UIDNEXT "));
    let mut found = BTreeMap::new();
    let said = talk.say("a UID FETCH 1:* (UID FLAGS BODY.PEEK[])", "a OK").unwrap();
    for part in said.split(" FETCH (").skip(1) {
        let uid: u32 = part.split_once("UID ").unwrap().1.split([' ', ')']).next().unwrap().parse().unwrap();
        let flags = part.split_once("FLAGS (").unwrap().1.split(')').next().unwrap().to_owned();
        let token = part.split_once("Subject: ").unwrap().1.split("\r\n").next().unwrap().to_owned();
        assert!(part.contains(&body(&token)), "{mailbox}: {token} has other bytes");
        assert!(u64::from(uid) < next);
        assert!(found.insert(token.clone(), (uid, flags)).is_none(), "{mailbox}: {token} is there twice");
    }
    ((validity, next), found)
}

/// What was seen of a mailbox before: UIDVALIDITY and UIDNEXT, and the message of each UID.
#[derive(Default)]
struct Before {
    numbers: (u64, u64),
    uids: BTreeMap<u32, String>,
}

impl Before {
    /// UIDVALIDITY stays, UIDNEXT never sinks, and a UID that named a message names no other, even when that one is gone.
    fn follow(&mut self, mailbox: &str, numbers: (u64, u64), found: &BTreeMap<String, (u32, String)>) {
        let before = std::mem::replace(&mut self.numbers, numbers);
        assert!(before.0 == 0 || before.0 == numbers.0, "{mailbox}: UIDVALIDITY {} became {}", before.0, numbers.0);
        assert!(before.1 <= numbers.1, "{mailbox}: UIDNEXT {}, then {}", before.1, numbers.1);
        for (token, (uid, _)) in found {
            let known = self.uids.entry(*uid).or_insert_with(|| {
                assert!(u64::from(*uid) >= before.1, "{mailbox}: UID {uid} appeared below UIDNEXT {}", before.1);
                token.clone()
            });
            assert_eq!(known, token, "{mailbox}: UID {uid} named another message");
        }
    }
}

/// The account's MODSEQ: it belongs to all of its mailboxes. An error when the node is gone.
fn ask_modseq(node: &Single) -> Result<u64, String> {
    Ok(node.ask(&["account", "list"], "")?[0]["modseq"].as_u64().unwrap())
}

fn modseq(node: &Single) -> u64 {
    ask_modseq(node).unwrap()
}

/// Asks for the account's MODSEQ until the node is about to be killed; the highest that was told, which never sinks meanwhile.
fn watch_modseq(node: &Single, over: &AtomicBool) -> u64 {
    let mut told = 0;
    while !over.load(Ordering::SeqCst) {
        // The last question may meet the kill.
        let Ok(now) = ask_modseq(node) else { break };
        assert!(now >= told, "MODSEQ {told} was told, then {now}");
        told = now;
    }
    told
}

/// How many changes were acknowledged.
fn changes<'t>(told: impl IntoIterator<Item = &'t Told>) -> u64 {
    told.into_iter().flat_map(BTreeMap::values).map(|known| known.changes).sum()
}

fn check(mailbox: &str, told: &Told, found: &BTreeMap<String, (u32, String)>) {
    assert!(found.keys().all(|token| told.contains_key(token)), "{mailbox}: invented");
    for (token, known) in told {
        match found.get(token) {
            Some((uid, flags)) => {
                assert!(!known.ended, "{mailbox}: {token} is back");
                assert!(known.uid.is_none_or(|known| known == *uid), "{mailbox}: {token} has another UID");
                assert!(!known.flagged || flags.contains("\\Flagged"), "{mailbox}: {token} lost its flag");
            }
            None => assert!(!known.stored || known.ending, "{mailbox}: {token} is lost"),
        }
    }
}

/// A shell that waits for a line and then kills: what a shell would take to start would be too late for a pass.
struct Kill(Child);

impl Kill {
    fn ready(processes: [u32; 3]) -> Self {
        let mut shell = Command::new("sh");
        shell.args(["-c", "read line; kill -KILL \"$0\" \"$1\" \"$2\""]).stdin(Stdio::piped());
        shell.args(processes.map(|process| process.to_string()));
        Self(shell.spawn().unwrap())
    }

    fn now(mut self) {
        self.0.stdin.take().unwrap().write_all(b"\n").unwrap();
        self.0.wait().unwrap();
    }
}

/// The settings of a node that gives space back as soon and as fast as it may. Nothing is kept restorable, so that what is
/// expunged is dead.
fn set(dir: &Path) {
    let path = dir.join("node.toml");
    let mut settings = std::fs::read_to_string(&path).unwrap();
    for (usual, wanted) in [
        ("imap_loopback_without_tls = false", "imap_loopback_without_tls = true"),
        ("restorable_days = 14", "restorable_days = 0"),
        ("segment_bytes = 268435456", "segment_bytes = 1048576"),
        ("rewrite_bytes_per_second = 16777216", "rewrite_bytes_per_second = 0"),
    ] {
        assert!(settings.contains(usual), "{settings}");
        settings = settings.replace(usual, wanted);
    }
    std::fs::write(path, settings).unwrap();
}

/// Waits until a pass moves mail, for two seconds at most: where nothing is to be moved, the kill comes all the same.
fn wait_for_a_pass(moving: &AtomicBool) {
    let ends = Instant::now() + Duration::from_secs(2);
    while !moving.load(Ordering::SeqCst) && Instant::now() < ends {
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// Kills of one node, whose mail is read whole after each: with more the reading would take the time.
const CYCLES: usize = 20;

#[test]
fn killed_at_random_nothing_acknowledged_is_lost() {
    let nodes = if std::env::var_os("BAILIWICK_NIGHTLY").is_some() { 10 } else { 1 };
    (0..nodes).for_each(|_| kill_one_node());
}

/// The life of one node, killed [`CYCLES`] times.
fn kill_one_node() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path().join("node");
    Single::init(&dir, &[], "");
    set(&dir);
    let mut node = Single::run(&dir);
    node.ask(&["account", "add", ADDRESS], PASSWORD).unwrap();
    let mailboxes: Vec<String> = (0..SESSIONS).map(|n| format!("box{n}")).collect();
    let mut talk = Talk::imap(node.door("imap")).unwrap();
    for name in mailboxes.iter().map(String::as_str).chain(["copies"]) {
        talk.say(&format!("a CREATE {name}"), "a OK").unwrap();
    }
    drop(talk);
    let (mut inbox, mut boxes) = (Told::new(), vec![Told::new(); SESSIONS]);
    let mut befores: BTreeMap<String, Before> = BTreeMap::new();
    let (mut modseq_before, mut counted) = (modseq(&node), 0);
    let mut left = left::Before::default();
    let mut passes = Passes::default();
    for cycle in 0..CYCLES {
        let (lmtp, imap) = (node.door("lmtp").to_owned(), node.door("imap").to_owned());
        // Its parent first: it would start the others again.
        let processes = [node.parent(), node.process(), node.vault_process()];
        let (all_the_time, kill) = (cycle % 2 == 0, Kill::ready(processes));
        let (over, go, moving) = (AtomicBool::new(false), AtomicBool::new(all_the_time), AtomicBool::new(false));
        let (delivered, told, passed) = std::thread::scope(|scope| {
            let (lmtp, node, dir) = (&lmtp, &node, &dir);
            let (over, go, moving) = (&over, &go, &moving);
            let compactor = scope.spawn(move || Passes::until_gone(dir, go, moving));
            let watcher = scope.spawn(move || watch_modseq(node, over));
            let deliverers: Vec<_> = (0..SESSIONS)
                .map(|n| {
                    scope.spawn(move || {
                        let mut told = Told::new();
                        let _ = deliver(lmtp, &format!("d{n}c{cycle}"), &mut told);
                        told
                    })
                })
                .collect();
            for ((n, told), name) in boxes.iter_mut().enumerate().zip(&mailboxes) {
                let imap = &imap;
                scope.spawn(move || use_imap(imap, name, &format!("b{n}c{cycle}"), told));
            }
            let random = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().subsec_nanos();
            std::thread::sleep(Duration::from_millis(300 + u64::from(random / 1000 % 500)));
            if !all_the_time {
                go.store(true, Ordering::SeqCst);
                wait_for_a_pass(moving);
                std::thread::sleep(Duration::from_micros(u64::from(random % 5000)));
            }
            over.store(true, Ordering::SeqCst);
            kill.now();
            let delivered = deliverers.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>();
            (delivered, watcher.join().unwrap(), compactor.join().unwrap())
        });
        passes.add(&passed);
        inbox.extend(delivered.into_iter().flatten());
        node.kill();
        let highest = left.follow(&dir, ADDRESS, &mailboxes);
        assert!(highest >= told, "MODSEQ {told} was told, and {highest} is the highest on the disk");
        node = Single::run(&dir);
        let (height, count) = (modseq(&node), changes(boxes.iter().chain([&inbox])));
        let least = modseq_before + count - counted;
        assert!(height >= highest, "MODSEQ {highest} is on the disk, and {height} is told");
        assert!(height >= least, "MODSEQ was {modseq_before}, {} changes came, and it is {height}", count - counted);
        (modseq_before, counted) = (height, count);

        let mut talk = Talk::imap(node.door("imap")).unwrap();
        let mut look = |name: &str| {
            let (numbers, found) = read(&mut talk, name);
            befores.entry(name.to_owned()).or_default().follow(name, numbers, &found);
            found
        };
        check("INBOX", &inbox, &look("INBOX"));
        let copies = look("copies");
        for (name, told) in mailboxes.iter().zip(&boxes) {
            check(name, told, &look(name));
            let lost = told.iter().find(|(token, known)| known.copied && !copies.contains_key(*token));
            assert!(lost.is_none(), "{name}: a copy is lost: {lost:?}");
        }
    }
    let checked = node.ask(&["fsck"], "").unwrap();
    assert_eq!(checked["damages"], serde_json::json!([]), "{checked}");
    let all = || boxes.iter().flat_map(BTreeMap::values);
    println!("reclaimed under load: {passes:?}");
    assert!(passes.segments > 0 && passes.bytes_moved > 0, "no pass moved anything: {passes:?}");
    assert!(passes.broken > 0, "no kill fell into a pass: {passes:?}");
    assert!(inbox.values().any(|known| known.stored), "nothing was delivered");
    assert!(all().any(|known| known.flagged) && all().any(|known| known.copied) && all().any(|known| known.ended));
}
