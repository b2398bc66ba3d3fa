//! `bailiwick fsck`: what is whole is called whole, running or not, and each damage is named beside what is well.

#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "a test may")]

mod support;

use std::path::{Path, PathBuf};

use serde_json::Value;
use support::{Single, run};

const ADDRESS: &str = "ann@ie.example";

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

/// Changes one octet of a file, `from_end` octets before its end.
fn damage(file: &Path, from_end: usize) -> Vec<u8> {
    let before = std::fs::read(file).unwrap();
    let mut bytes = before.clone();
    let at = bytes.len() - from_end;
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
    assert!(node.ask(&["node", "status"], "").unwrap()["store"].as_str().unwrap().starts_with("healthy"));
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
