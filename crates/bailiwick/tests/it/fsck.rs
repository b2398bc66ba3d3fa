//! `bailiwick fsck`: what is whole is called whole, running or not, and each damage is named beside what is well.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use crate::support::{Single, client, has_tool, run, wait_for};
use serde_json::Value;

const ADDRESS: &str = "ann@ie.example";
const PASSWORD: &str = "a good password";

fn fsck(dir: &Path) -> (bool, Value) {
    let output = run(&["fsck", "--json", "--node", dir.to_str().unwrap()], "");
    let data = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    (output.status.success(), data)
}

/// What is named as damaged, in words.
fn damages(dir: &Path) -> Vec<String> {
    let (sound, data) = fsck(dir);
    let all = data["damages"].as_array().unwrap();
    assert_eq!((sound, data["sound"].as_bool()), (all.is_empty(), Some(all.is_empty())), "{data}");
    assert!(all.iter().all(|damage| damage["means"].is_string() && damage["remedy"].is_string()), "{data}");
    all.iter().map(|damage| damage["text"].as_str().unwrap().to_owned()).collect()
}

/// Changes one byte of a file, `from_end` bytes before its end, or before the zeros that a segment has behind it while it grows.
fn damage(file: &Path, from_end: usize) -> Vec<u8> {
    let before = std::fs::read(file).unwrap();
    let mut bytes = before.clone();
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    let at = end - from_end;
    bytes[at] ^= 1;
    std::fs::write(file, bytes).unwrap();
    before
}

fn files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

#[test]
fn what_is_damaged_is_named() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path().join("node");
    Single::init(&dir, &[], "");
    let node = Single::run(&dir);
    node.ask(&["account", "add", ADDRESS], "a good password").unwrap();
    let mail = scratch.path().join("mail");
    std::fs::create_dir(&mail).unwrap();
    for n in 1..=3 {
        let text = format!("Subject: number {n}\r\n\r\n{}\r\n", "words ".repeat(200));
        std::fs::write(mail.join(format!("{n}.eml")), text).unwrap();
    }
    node.ask(&["import", "--account", ADDRESS, mail.to_str().unwrap()], "").unwrap();
    let passphrase = std::fs::read_to_string(dir.join("secrets/passphrase")).unwrap();
    node.ask(&["node", "passphrase"], &passphrase).unwrap();
    assert!(node.ask(&["node", "status"], "").unwrap()["store"]["state"] == "healthy");
    let (sound, data) = fsck(&dir);
    assert!(sound && data["messages"] == 3 && data["accounts"] == 1 && data["ledger_entries"] == 1, "{data}");

    let mut packs = Vec::new();
    files(&dir.join("store/packs"), &mut packs);
    let pack = packs.into_iter().max_by_key(|pack| pack.metadata().unwrap().len()).unwrap();
    let mut ledger = Vec::new();
    files(&dir.join("ledger/tile/entries"), &mut ledger);
    let before = (damage(&pack, 5), damage(&ledger[0], 5));
    let both = damages(&dir);
    assert_eq!(both.len(), 2, "{both:?}");
    assert!(both[0].contains("\"INBOX\" UID ") && both[0].contains("segment "), "{both:?}");
    assert!(both[1].starts_with("ledger: "), "{both:?}");
    std::fs::write(&ledger[0], before.1).unwrap();
    assert_eq!(damages(&dir), both[..1]);
    drop(node);
    assert_eq!(damages(&dir), both[..1], "when it does not run");
    std::fs::write(&pack, before.0).unwrap();
    assert_eq!(damages(&dir), [""; 0]);
    let nowhere = run(&["fsck", "--node", scratch.path().join("nowhere").to_str().unwrap()], "");
    assert_eq!(nowhere.status.code(), Some(2));
}

/// A node with some letters of one owner, whose index is made.
fn with_mail(scratch: &Path, letters: usize) -> (PathBuf, Single) {
    let dir = scratch.join("node");
    Single::init(&dir, &[], "");
    let settings = std::fs::read_to_string(dir.join("node.toml")).unwrap();
    let settings = settings.replace("imap_loopback_without_tls = false", "imap_loopback_without_tls = true");
    std::fs::write(dir.join("node.toml"), settings).unwrap();
    let node = Single::run(&dir);
    node.ask(&["account", "add", ADDRESS], PASSWORD).unwrap();
    let mail = scratch.join("mail");
    std::fs::create_dir(&mail).unwrap();
    for n in 0..letters {
        let text = format!("Subject: number {n}\r\n\r\n{}\r\n", "words ".repeat(200));
        std::fs::write(mail.join(format!("{n:05}.eml")), text).unwrap();
    }
    node.ask(&["import", "--account", ADDRESS, mail.to_str().unwrap()], "").unwrap();
    (dir, node)
}

/// A conversation by IMAP; all that was said.
fn imap(node: &Single, says: &[&str]) -> String {
    let mut stream = std::net::TcpStream::connect(node.door("imap")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let login = format!("LOGIN {ADDRESS} \"{PASSWORD}\"");
    let all: String =
        [&[login.as_str()], says, &["LOGOUT"]].concat().iter().map(|line| format!("a {line}\r\n")).collect();
    stream.write_all(all.as_bytes()).unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).unwrap();
    said
}

fn owners(dir: &Path, more: &[&str], password: &str) -> (Option<i32>, Value) {
    let args = [&["fsck", "--json", "--account", ADDRESS, "--node", dir.to_str().unwrap()], more].concat();
    let Output { status, stdout, .. } = run(&args, password);
    (status.code(), serde_json::from_slice(&stdout).unwrap_or_default())
}

/// Flips an byte of a file, looks, and flips it back.
fn flipped<T>(file: &Path, at: usize, look: impl FnOnce() -> T) -> T {
    let before = std::fs::read(file).unwrap();
    let mut bytes = before.clone();
    bytes[at] ^= 1;
    std::fs::write(file, bytes).unwrap();
    let found = look();
    std::fs::write(file, before).unwrap();
    found
}

fn only(mut found: Vec<PathBuf>) -> PathBuf {
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

#[test]
fn each_kind_of_file_and_the_owners_check() {
    let scratch = tempfile::tempdir().unwrap();
    let (dir, node) = with_mail(scratch.path(), 2000);
    let indexes = || {
        let mut found = Vec::new();
        if dir.join("store/index").is_dir() {
            files(&dir.join("store/index"), &mut found);
        }
        found
    };
    let mut talk = std::net::TcpStream::connect(node.door("imap")).unwrap();
    talk.write_all(format!("a LOGIN {ADDRESS} \"{PASSWORD}\"\r\na SELECT INBOX\r\n").as_bytes()).unwrap();
    wait_for("the index", || owners(&dir, &[], PASSWORD).1["indexed"] == 2000);
    drop(talk);
    let (code, data) = owners(&dir, &[], PASSWORD);
    assert_eq!(
        (code, data["messages"].as_u64(), data["running"].as_bool()),
        (Some(0), Some(2000), Some(true)),
        "{data}"
    );
    assert_eq!(owners(&dir, &[], "another password").0, Some(2), "without a sign-in nothing is checked");

    // While it runs: what is read from the disk each time.
    let kind =
        |found: &[Value]| found.iter().map(|damage| damage["kind"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    let look = || {
        let (_, data) = fsck(&dir);
        kind(data["damages"].as_array().unwrap())
    };
    assert_eq!(look(), [""; 0]);
    assert_eq!(flipped(&dir.join("ledger/checkpoint"), 40, look), ["ledger"]);
    let mut accounts = Vec::new();
    files(&dir.join("vault/accounts"), &mut accounts);
    let account = only(accounts);
    let of_vault = flipped(&account, 100, || fsck(&dir).1["damages"].clone());
    let account_file = format!("accounts/{}", account.file_name().unwrap().to_str().unwrap());
    assert_eq!(
        (of_vault[0]["kind"].as_str(), of_vault[0]["file"].as_str()),
        (Some("vault_file"), Some(&*account_file))
    );
    assert_eq!(flipped(&dir.join("vault/officers/ann.keys"), 50, look), ["vault_file"]);
    let mut packs = Vec::new();
    files(&dir.join("store/packs"), &mut packs);
    let pack = packs.into_iter().max_by_key(|pack| pack.metadata().unwrap().len()).unwrap();
    assert_eq!(flipped(&pack, 17, look), ["segment_header"]);
    assert_eq!(flipped(&pack, 24 + 10, look), ["record_header"]);
    assert_eq!(flipped(&pack, 24 + 60, look), ["record_body"]);
    let index = indexes().remove(0);
    assert_eq!(flipped(&index, 3, look), ["index"]);
    assert_eq!(flipped(&index, 3000, look), [""; 0], "within, only the owner's key can tell");
    let (code, data) = flipped(&index, 3000, || owners(&dir, &["--repair-index"], PASSWORD));
    assert_eq!((code, kind(data["damages"].as_array().unwrap())), (Some(1), vec!["index".to_owned()]), "{data}");
    assert_eq!(data["index_rebuilt"], 2000);
    let (code, data) = flipped(&pack, 24 + 60, || owners(&dir, &[], PASSWORD));
    assert_eq!((code, kind(data["damages"].as_array().unwrap())), (Some(1), vec!["sealed".to_owned()]), "{data}");
    assert_eq!(data["damages"][0]["seen_at"][0]["uid_first"], 1, "{data}");

    // The rows, while it does not run.
    drop(node);
    // What flipped the old file back after the repair is not a file of the index: a new one was made in its place.
    let (code, data) = owners(&dir, &["--repair-index"], PASSWORD);
    assert_eq!((code.is_some(), data["running"].as_bool()), (true, Some(false)), "{data}");
    assert_eq!(owners(&dir, &[], PASSWORD).0, Some(0));
    if !has_tool("python3") {
        return;
    }
    let rows = dir.join("store/rows.sqlite");
    let whole = std::fs::read(&rows).unwrap();
    let sql = |sql: &str| {
        let script = "import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); c.executescript(sys.argv[2]); c.commit()";
        let done = client(Command::new("python3").args(["-c", script, rows.to_str().unwrap(), sql]), scratch.path());
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    let rotten = "x'00' || substr(sealed, 2)";
    for (table, change, expected) in [
        ("addresses", "UPDATE addresses SET hash = zeroblob(32)".to_owned(), &["profile"][..]),
        ("changes", format!("UPDATE changes SET sealed = CAST({rotten} AS BLOB) WHERE seq = 3"), &["change"]),
        ("accounts", format!("UPDATE accounts SET sealed = CAST({rotten} AS BLOB)"), &["profile"]),
        ("commits", "DELETE FROM commits WHERE seq = 3".to_owned(), &[]),
    ] {
        sql(&change);
        let checked = run(&["fsck", "--json", "--node", dir.to_str().unwrap()], "");
        let data: Value = serde_json::from_slice(&checked.stdout).unwrap_or_default();
        match expected {
            // The node does not open, and says for which damage.
            [] => {
                let said = String::from_utf8_lossy(&checked.stderr);
                assert!(checked.status.code() == Some(2) && said.contains("damaged on disk"), "{table}: {said}");
            }
            _ => {
                assert_eq!(checked.status.code(), Some(1), "{table}: {data}");
                assert_eq!(kind(data["damages"].as_array().unwrap()), expected, "{table}: {data}");
            }
        }
        std::fs::write(&rows, &whole).unwrap();
    }
    sql("UPDATE epochs SET sealed = zeroblob(81)");
    assert_eq!(look(), [""; 0], "only the owner's key can tell");
    let (code, data) = owners(&dir, &[], PASSWORD);
    assert_eq!((code, data["damages"][0]["kind"].as_str()), (Some(1), Some("sealed")), "{data}");
    std::fs::write(&rows, &whole).unwrap();
    assert_eq!(look(), [""; 0]);
}

#[test]
fn one_damaged_message_stops_no_session() {
    let scratch = tempfile::tempdir().unwrap();
    let (dir, node) = with_mail(scratch.path(), 5);
    let (_, data) = fsck(&dir);
    assert_eq!(data["sound"], true, "{data}");
    let mut packs = Vec::new();
    files(&dir.join("store/packs"), &mut packs);
    let pack = packs.into_iter().max_by_key(|pack| pack.metadata().unwrap().len()).unwrap();
    let bytes = std::fs::read(&pack).unwrap();
    // The third original: the parts are told by byte 40 of a record's header, and follow each other.
    let (mut at, mut originals) = (24, Vec::new());
    while at + 52 <= bytes.len() {
        let len = u32::from_be_bytes(bytes[at + 4..at + 8].try_into().unwrap()) as usize;
        if bytes[at + 40] == 1 {
            originals.push(at);
        }
        at += 52 + len;
    }
    assert_eq!(originals.len(), 5);
    let said = flipped(&pack, originals[2] + 70, || {
        imap(
            &node,
            &[
                "SELECT INBOX",
                "FETCH 1:5 (UID RFC822.SIZE)",
                "FETCH 1:5 (UID BODY.PEEK[TEXT])",
                "FETCH 1:5 (UID ENVELOPE)",
                "UID SEARCH BODY words",
                "UID SEARCH SUBJECT number",
                "APPEND INBOX {10+}\r\nA: b\r\n\r\nhi",
                "COPY 1:5 INBOX",
                "NOOP",
            ],
        )
    });
    let count = |what: &str| said.lines().filter(|line| line.starts_with("* ") && line.contains(what)).count();
    assert_eq!((count("RFC822.SIZE"), count("BODY[TEXT]"), count("ENVELOPE")), (5, 4, 5), "{said}");
    assert_eq!(said.lines().filter(|line| line.starts_with("a NO [CORRUPTION]")).count(), 1, "{said}");
    assert!(!said.contains("(UID 3 BODY[TEXT]") && said.contains("* SEARCH 1 2 4 5\r\n"), "{said}");
    assert_eq!(said.lines().filter(|line| line.starts_with("a OK")).count(), 10, "all else is done: {said}");
    assert!(node.log().contains("segment "), "the operator is told: {}", node.log());
    assert!(!node.log().contains(ADDRESS) && !node.log().contains("number"), "{}", node.log());
}
