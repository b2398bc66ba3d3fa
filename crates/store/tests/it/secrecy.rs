//! No byte that the store wrote tells what was stored: rows, write-ahead log, packs.

use std::path::Path;

use store::{FlagChange, FlagSet, Settings};
use terms::{CaseId, UnixMillis};

use crate::house::{House, INBOX};

/// Every file below `dir`.
fn files(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
    found
}

fn contains(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word))
}

#[test]
fn nothing_is_written_in_the_clear() {
    let mut house = House::new();
    house.settings = Settings { changes_before_fold: 8, ..Settings::default() };
    house.reopen();
    let (ann, _) = house.account("ann.canary@example.org");
    let store = house.store();
    let archive = store.create_mailbox(ann, "Mailboxcanary/Belowcanary", None).unwrap().id;
    store.set_subscribed(ann, "Subscribecanary", true).unwrap();
    for n in 0..30 {
        let text = format!("From: ann.canary@example.org\r\nSubject: Subjectcanary {n}\r\n\r\nTextcanary {n}\r\n");
        house.deliver(ann, if n % 2 == 0 { INBOX } else { archive }, &text);
    }
    let flags = FlagSet::none().and_keyword("Keywordcanary");
    store.change_flags(ann, INBOX, &[1, 2, 3], FlagChange::Add(flags), None).unwrap();
    store.copy(ann, INBOX, &[1, 2], archive).unwrap();
    store.hold(CaseId(3), ann, UnixMillis(0), UnixMillis(i64::MAX)).unwrap();
    store.expunge(ann, INBOX, &[1, 2, 3, 4]).unwrap();
    store.rename_mailbox(ann, "Mailboxcanary", "Renamedcanary").unwrap();

    let words: [&[u8]; 6] = [b"canary", b"example", b"Display Name", b"record of", b"Received", &ann.0];
    let mut kinds = std::collections::BTreeSet::new();
    // While it runs (with the write-ahead log), and after it was closed.
    for _ in 0..2 {
        for (name, bytes) in files(&house.path()) {
            for word in &words[..5] {
                assert!(!contains(&bytes, word), "{name} has {:?}", String::from_utf8_lossy(word));
            }
            kinds.insert(name.rsplit('.').next().unwrap().to_owned());
        }
        house.close();
    }
    assert!(["pack", "sqlite", "sqlite-wal"].iter().all(|kind| kinds.contains(*kind)), "{kinds:?}");
    // The search finds what is there: an account's random id stands in the clear.
    assert!(files(&house.path()).iter().any(|(_, bytes)| contains(bytes, words[5])));
}
