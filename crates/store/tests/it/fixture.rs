//! A home as the first program wrote it opens, and reads the same, for ever.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use durable::RealDisk;
use store::{FlagChange, FlagSet, Settings, SpecialUse, Store};
use terms::{AccountId, CaseId, UnixMillis};
use vault::{CostProfile, Vault};
use world::{ManualClock, SeededEntropy};

use crate::house::{address, message, officers, texts};

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/v1")
}

const ACCOUNT: AccountId = AccountId([0xac; 16]);

fn open(dir: &Path, vault: Arc<Vault>) -> Store {
    let (clock, entropy) = (Arc::new(ManualClock::default()), Arc::new(SeededEntropy::new(2)));
    // Small, so that the fixture has two segments, and a snapshot with changes behind it.
    let settings = Settings { segment_bytes: 2000, changes_before_fold: 8 };
    Store::open_with(settings, Arc::new(RealDisk), &dir.join("store"), vault, clock, entropy).unwrap()
}

/// What a reader should find.
fn expected(store: &Store, vault: &Vault) {
    let owner = vault.sign_in(ACCOUNT, &"owner password".into()).unwrap();
    assert_eq!(store.account_of(&address("Ann@Example.org")), Ok(Some(ACCOUNT)));
    let names: Vec<String> = store.mailboxes(ACCOUNT).unwrap().into_iter().map(|info| info.name).collect();
    assert_eq!(names, ["INBOX", "Sent", "Größe/neu"]);
    assert_eq!(store.subscriptions(ACCOUNT).unwrap(), ["Größe/neu", "INBOX"]);
    let inbox = store.mailbox_named(ACCOUNT, "INBOX").unwrap();
    assert_eq!((inbox.messages, inbox.unseen, inbox.uid_next), (9, 8, 13));
    let numbers = [1, 2, 3, 4, 5, 6, 7, 8, 12].map(|n| format!("message {n}"));
    assert_eq!(texts(store, &owner, inbox.id), numbers);
    let view = store.snapshot(ACCOUNT, inbox.id).unwrap();
    assert_eq!(*view.entry(2).unwrap().flags, FlagSet::system(FlagSet::SEEN).and_keyword("$Forwarded"));
    let vanished = view.changes_since(0).vanished;
    assert_eq!(vanished.iter().collect::<Vec<_>>(), [9, 10, 11]);
    let sent = store.mailbox_named(ACCOUNT, "Sent").unwrap();
    assert_eq!(sent.special_use, Some(SpecialUse::Sent));
    assert_eq!(texts(store, &owner, sent.id), ["message 2", "message 11"]);
    let scope = store.scope(ACCOUNT, UnixMillis(0), UnixMillis(i64::MAX)).unwrap();
    assert_eq!((scope.len(), scope.iter().filter(|message| message.held_only).count()), (12, 2));
    assert_eq!(store.holds(ACCOUNT).unwrap(), [(CaseId(4), 11)]);
    let report = store.verify();
    assert!(report.is_sound(), "{report:?}");
    assert!(report.segments >= 2);
}

/// Run by hand, once, when the format is new: `cargo test -p store -- --ignored write_the_fixture`.
#[test]
#[ignore = "writes the fixture"]
fn write_the_fixture() {
    let (clock, entropy) = (Arc::new(ManualClock::default()), Arc::new(SeededEntropy::new(1)));
    std::fs::create_dir_all(here()).unwrap();
    let vault = Vault::create_at_cost(
        Arc::new(RealDisk),
        here().join("vault"),
        "IE".parse().unwrap(),
        "ie.example/log".to_owned(),
        &"node passphrase".into(),
        officers(),
        clock.clone(),
        entropy,
        CostProfile::new(8, 1, 1).unwrap(),
    );
    let vault = vault.unwrap();
    let public = vault.create_account(ACCOUNT, &"owner password".into()).unwrap();
    let store = open(&here(), Arc::new(vault));
    store.create_account(ACCOUNT, &[address("ann@example.org")], &public, "Ann").unwrap();
    let inbox = store.mailbox_named(ACCOUNT, "INBOX").unwrap().id;
    let sent = store.create_mailbox(ACCOUNT, "Sent", Some(SpecialUse::Sent)).unwrap().id;
    store.create_mailbox(ACCOUNT, "Größe", None).unwrap();
    store.set_subscribed(ACCOUNT, "Größe", true).unwrap();
    for n in 1..=11 {
        store.append(vec![message(&*clock, ACCOUNT, inbox, &format!("message {n}"))]).unwrap();
    }
    let flags = FlagSet::system(FlagSet::SEEN).and_keyword("$Forwarded");
    store.change_flags(ACCOUNT, inbox, &[2], FlagChange::Add(flags), None).unwrap();
    store.copy(ACCOUNT, inbox, &[2], sent).unwrap();
    store.hold(CaseId(4), ACCOUNT, UnixMillis(0), UnixMillis(i64::MAX)).unwrap();
    store.move_(ACCOUNT, inbox, &[11], sent).unwrap();
    store.expunge(ACCOUNT, inbox, &[9, 10]).unwrap();
    store.rename_mailbox(ACCOUNT, "Größe", "Größe/neu").unwrap();
    store.append(vec![message(&*clock, ACCOUNT, inbox, "message 12")]).unwrap();
    drop(store);
    std::fs::remove_file(here().join("store/lock")).unwrap();
}

#[test]
fn the_first_format_opens() {
    let dir = tempfile::tempdir().unwrap();
    copy(&here(), dir.path());
    let (clock, entropy) = (Arc::new(ManualClock::default()), Arc::new(SeededEntropy::new(3)));
    for round in 0..2 {
        let open_vault = || {
            let cost = CostProfile::new(8, 1, 1).unwrap();
            let path = dir.path().join("vault");
            Vault::open_at_cost(
                Arc::new(RealDisk),
                path,
                &"node passphrase".into(),
                clock.clone(),
                entropy.clone(),
                cost,
            )
        };
        let vault = Arc::new(open_vault().unwrap());
        let store = open(dir.path(), vault.clone());
        expected(&store, &vault);
        // And it takes new mail, which a later round does not count.
        if round == 0 {
            let archive = store.create_mailbox(ACCOUNT, "Archive", None).unwrap().id;
            store.append(vec![message(&*clock, ACCOUNT, archive, "new")]).unwrap();
            store.delete_mailbox(ACCOUNT, "Archive").unwrap();
        }
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir_all(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
