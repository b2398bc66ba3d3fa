//! The real program on a small disk that fills: what cannot be kept is refused so that the sender tries again, reading
//! goes on, the node says that it is not well, nothing acknowledged is lost, and with room it goes on by itself.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::{Single, lines, wait_for, write_order};

const ADDRESS: &str = "ann@ie.example";
const PASSWORD: &str = "a good password";

/// A file system of 24 MiB by itself: a node takes about one, before there is mail.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Mounts it at `at`; `None` where this process may not mount, with a word on why.
    fn mount(at: &Path) -> Option<Self> {
        std::fs::create_dir(at).unwrap();
        let done = Command::new("mount").args(["-t", "tmpfs", "-o", "size=24m,mode=700", "tmpfs"]).arg(at).output();
        match done {
            Ok(done) if done.status.success() => Some(Self(at.to_owned())),
            Ok(done) => {
                println!("skipped: no file system can be mounted: {}", String::from_utf8_lossy(&done.stderr).trim());
                None
            }
            Err(error) => {
                println!("skipped: there is no `mount`: {error}");
                None
            }
        }
    }

    fn ballast(&self) -> PathBuf {
        self.0.join("ballast")
    }

    /// Takes all the room that is left, to the last block.
    fn fill(&self) {
        let mut file = File::options().create(true).append(true).open(self.ballast()).unwrap();
        for block in [1 << 20, 4096] {
            while file.write_all(&vec![0; block]).is_ok() {}
        }
    }

    /// Frees so many bytes; whether some were left to give.
    fn free(&self, bytes: u64) -> bool {
        let file = File::options().write(true).open(self.ballast()).unwrap();
        let len = file.metadata().unwrap().len();
        file.set_len(len.saturating_sub(bytes)).unwrap();
        len > 0
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let quiet = |args: &[&str]| {
            let done = Command::new("umount").args(args).arg(&self.0).stderr(Stdio::null()).status();
            done.is_ok_and(|status| status.success())
        };
        if !quiet(&[]) {
            let _ = quiet(&["--lazy"]);
        }
    }
}

/// A message of about 60 bytes a word.
fn text(name: &str, words: usize) -> String {
    format!(
        "Subject: {name}\r\n\r\n{}",
        format!("the words of {name} and no others, again and again\r\n").repeat(words)
    )
}

/// Hands a message in by a door that speaks SMTP or LMTP; the answer to its data.
fn deliver(address: &str, hello: &str, text: &str) -> String {
    let recipient = format!("RCPT TO:<{ADDRESS}>");
    let says = [hello, "MAIL FROM:<x@x.example>", &recipient, "DATA", &format!("{text}."), "QUIT"];
    let mut answers = lines(address, &says);
    answers.remove(says.len() - 1)
}

/// An owner's IMAP session.
struct Talk(BufReader<TcpStream>);

impl Talk {
    fn new(address: &str) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut talk = Self(BufReader::new(stream));
        talk.0.read_line(&mut String::new()).unwrap();
        let signed_in = talk.say(&format!("a LOGIN {ADDRESS} \"{PASSWORD}\""));
        assert!(signed_in.contains("a OK"), "{signed_in}");
        let selected = talk.say("a SELECT INBOX");
        assert!(selected.contains("a OK"), "{selected}");
        talk
    }

    /// Says a command; the whole answer. No message of this test has a line that begins as the last one does.
    fn say(&mut self, line: &str) -> String {
        self.0.get_mut().write_all(format!("{line}\r\n").as_bytes()).unwrap();
        let mut all = String::new();
        loop {
            let from = all.len();
            assert!(self.0.read_line(&mut all).unwrap() > 0, "the door hung up: {all}");
            if all[from..].starts_with("a ") {
                return all;
            }
        }
    }

    fn append(&mut self, text: &str) -> String {
        self.say(&format!("a APPEND INBOX {{{}+}}\r\n{text}", text.len()))
    }

    /// What is in INBOX: by subject the flags. Each is there once, and has the bytes that `sent` says.
    fn check(&mut self, sent: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        // A session learns of new messages at the end of a command.
        self.say("a NOOP");
        let said = self.say("a UID FETCH 1:* (FLAGS BODY.PEEK[])");
        assert!(said.contains("a OK"), "{said}");
        let mut found = BTreeMap::new();
        for part in said.split(" FETCH (").skip(1) {
            let name = part.split_once("Subject: ").unwrap().1.split("\r\n").next().unwrap().to_owned();
            assert!(part.contains(&sent[&name]), "{name} has other bytes");
            let flags = part.split_once("FLAGS (").unwrap().1.split(')').next().unwrap().to_owned();
            assert!(found.insert(name.clone(), flags).is_none(), "{name} is there twice");
        }
        found
    }
}

/// What was sent, and what of it was acknowledged.
#[derive(Default)]
struct Told {
    sent: BTreeMap<String, String>,
    kept: Vec<String>,
}

impl Told {
    /// A message of a new name.
    fn write(&mut self, words: usize) -> (String, String) {
        let name = format!("m{}z", self.sent.len());
        let text = text(&name, words);
        self.sent.insert(name.clone(), text.clone());
        (name, text)
    }

    fn deliver(&mut self, node: &Single, door: &str, words: usize) -> String {
        let (name, text) = self.write(words);
        let hello = if door == "lmtp" { "LHLO x.example" } else { "EHLO x.example" };
        let answer = deliver(node.door(door), hello, &text);
        if answer.starts_with("250 ") {
            self.kept.push(name);
        }
        answer
    }

    fn append(&mut self, talk: &mut Talk, words: usize) -> String {
        let (name, text) = self.write(words);
        let answer = talk.append(&text);
        if answer.contains("a OK") {
            self.kept.push(name);
        }
        answer
    }

    /// What INBOX has: all that was acknowledged, with the flags.
    fn check(&self, talk: &mut Talk) -> BTreeMap<String, String> {
        let found = talk.check(&self.sent);
        let lost: Vec<&String> = self.kept.iter().filter(|name| !found.contains_key(*name)).collect();
        assert!(lost.is_empty(), "lost: {lost:?}");
        found
    }
}

/// How the node says its store is.
fn health(node: &Single) -> String {
    node.ask(&["node", "status"], "").unwrap()["store"]["state"].as_str().unwrap().to_owned()
}

/// How often the log says so.
fn said(node: &Single, words: &str) -> usize {
    node.log().matches(words).count()
}

const FULL: &str = "the disk is full; mail is deferred";

/// Nothing can be written: every door says "later", and everything that is there can be read.
fn refuses_and_reads(node: &Single, told: &mut Told, talk: &mut Talk) {
    for door in ["lmtp", "smtp", "lmtp"] {
        let answer = told.deliver(node, door, 1200);
        assert!(answer.starts_with("452 4.3.1 "), "{door}: {answer}");
    }
    let answer = told.append(talk, 1200);
    assert!(answer.contains("a NO [UNAVAILABLE]"), "{answer}");
    assert_eq!(health(node), "disk_full");
    wait_for("the log says it", || said(node, FULL) > 0);

    told.check(talk);
    let mut another = Talk::new(node.door("imap"));
    told.check(&mut another);
    let first = told.kept[0].clone();
    let found = another.say(&format!("a UID SEARCH TEXT \"words of {first} and\""));
    assert!(found.contains("* SEARCH 1\r\n"), "{found}");
    assert_eq!(said(node, FULL), 1, "{}", node.log());
}

/// Changes that take no space for bytes, until the rows have none either. Who was refused sees what is true.
fn rows_fill(told: &Told, talk: &mut Talk) {
    let mut refused = 0;
    for n in 0..400 {
        let sign = if n % 2 == 0 { "+" } else { "-" };
        let answer = talk.say(&format!("a UID STORE 1 {sign}FLAGS.SILENT (\\Flagged)"));
        let flagged = told.check(talk)[&told.kept[0]].contains("\\Flagged");
        if answer.contains("a OK") {
            assert_eq!(flagged, sign == "+", "{answer}");
        } else {
            assert!(answer.contains("a NO [UNAVAILABLE]"), "{answer}");
            refused += 1;
        }
        if refused == 3 {
            return;
        }
    }
    panic!("the rows never had too little room");
}

#[test]
fn a_full_disk_defers_and_resumes() {
    let scratch = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(&scratch.path().join("disk")) else { return };
    let dir = disk.0.join("node");
    Single::init(&dir, &[], "");
    let settings = std::fs::read_to_string(dir.join("node.toml")).unwrap();
    let settings = settings.replace("imap_loopback_without_tls = false", "imap_loopback_without_tls = true");
    std::fs::write(dir.join("node.toml"), settings).unwrap();
    // The test reads the log, so it lies elsewhere at first. Later it fills with the rest.
    std::os::unix::fs::symlink(scratch.path().join("log"), dir.join("node.log")).unwrap();
    let mut node = Single::run(&dir);
    node.ask(&["account", "add", ADDRESS], PASSWORD).unwrap();

    let mut told = Told::default();
    for door in ["lmtp", "smtp", "lmtp"] {
        let answer = told.deliver(&node, door, 10);
        assert!(answer.starts_with("250 "), "{answer}");
    }
    let mut talk = Talk::new(node.door("imap"));
    assert!(told.append(&mut talk, 10).contains("a OK"));
    assert_eq!(told.check(&mut talk).len(), 4);
    assert_eq!(health(&node), "healthy");

    disk.fill();
    refuses_and_reads(&node, &mut told, &mut talk);
    rows_fill(&told, &mut talk);
    // Keys and the ledger are on the same disk.
    let refused = node.ask(&["account", "add", "ben@ie.example"], PASSWORD);
    assert!(refused.is_err(), "{refused:?}");
    let order = scratch.path().join("order.toml");
    let to = disclosure::AgeIdentity::generate().recipient().to_string();
    write_order(&order, "DMD-1", ADDRESS, &to);
    let refused = node.ask(&["demand", "serve", order.to_str().unwrap()], "");
    assert!(refused.is_err(), "{refused:?}");
    let before = told.check(&mut talk);

    // Room comes back block by block, so that now this, now that has too little.
    let mut in_a_row = 0;
    while in_a_row < 8 {
        assert!(disk.free(4096), "all space is free again, and mail is refused: {}", node.log());
        let answer = told.deliver(&node, "lmtp", 300);
        assert!(
            answer.starts_with("250 ") || answer.starts_with("452 4.3.1 ") || answer.starts_with("451 "),
            "{answer}"
        );
        in_a_row = if answer.starts_with("250 ") { in_a_row + 1 } else { 0 };
        disk.free(if in_a_row > 0 { 64 << 10 } else { 0 });
    }
    disk.free(u64::MAX);
    assert!(told.append(&mut talk, 1200).contains("a OK"));
    assert!(told.deliver(&node, "smtp", 1200).starts_with("250 "));
    assert_eq!(health(&node), "healthy");
    wait_for("the log says that it is over", || said(&node, "the store is healthy again") > 0);
    node.ask(&["account", "add", "ben@ie.example"], PASSWORD).unwrap();
    let served = node.ask(&["demand", "serve", order.to_str().unwrap()], "").unwrap();
    assert_eq!(served["cases"].as_array().unwrap().len(), 1, "{served}");
    let found = told.check(&mut talk);
    assert!(before.iter().all(|(name, flags)| found.get(name) == Some(flags)));
    assert_eq!(said(&node, "panicked"), 0, "{}", node.log());

    // The log is on the full disk, too; then the node is killed while it is full.
    node.kill();
    std::fs::remove_file(dir.join("node.log")).unwrap();
    node = Single::run(&dir);
    disk.fill();
    for _ in 0..40 {
        let answer = told.deliver(&node, "lmtp", 1200);
        assert!(answer.starts_with("452 4.3.1 "), "{answer}");
    }
    let mut talk = Talk::new(node.door("imap"));
    let before = told.check(&mut talk);
    node.kill();
    disk.free(u64::MAX);
    node = Single::run(&dir);
    let mut talk = Talk::new(node.door("imap"));
    assert_eq!(told.check(&mut talk), before);
    let checked = node.ask(&["fsck"], "").unwrap();
    assert_eq!(checked["damages"], serde_json::json!([]), "{checked}");
    drop(node);
}
