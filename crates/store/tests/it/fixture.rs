//! A home as the first program wrote it opens, and reads the same, for ever.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use durable::RealDisk;
use store::{CompactionPlan, FlagChange, FlagSet, Limit, Limits, Policy, Settings, SpecialUse, Store};
use terms::{AccountId, CaseId, UnixMillis};
use vault::{CostProfile, Founding, Vault};
use world::{ManualClock, SeededEntropy};

use crate::house::{address, message, officers, texts};

fn here(version: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(version)
}

const ACCOUNT: AccountId = AccountId([0xac; 16]);

fn open(dir: &Path, vault: Arc<Vault>) -> Store {
    let (clock, entropy) = (Arc::new(ManualClock::default()), Arc::new(SeededEntropy::new(2)));
    // Small, so that the fixture has two segments, and a snapshot with changes behind it.
    let settings = Settings { segment_bytes: 2000, changes_before_fold: 8, ..Settings::default() };
    let open = || {
        let (vault, clock, entropy) = (Arc::clone(&vault), clock.clone(), entropy.clone());
        Store::open_with(settings, Arc::new(RealDisk), &dir.join("store"), vault, clock, entropy)
    };
    crate::house::patiently(open).unwrap()
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

/// What a reader should find of the second format: what is above, but that INBOX has fewer, and what is in the bin.
fn expected_of_the_second(store: &Store, vault: &Vault) {
    store.set_policy(policy());
    let owner = vault.sign_in(ACCOUNT, &"owner password".into()).unwrap();
    let inbox = store.mailbox_named(ACCOUNT, "INBOX").unwrap();
    let numbers = [3, 4, 5, 6, 7, 8, 12].map(|n| format!("message {n}"));
    assert_eq!(texts(store, &owner, inbox.id), numbers);
    assert!(store.mailbox_named(ACCOUNT, "Gone").is_err());
    let deleted = store.deleted(&owner).unwrap();
    let seen: Vec<_> = deleted.iter().map(|one| (one.number, one.mailbox.as_str(), one.entry.flags.system)).collect();
    assert_eq!(seen, [(1, "INBOX", 0), (3, "Gone", FlagSet::FLAGGED)]);
    assert_eq!(store.usage(ACCOUNT).unwrap().limits, limits());
    assert_eq!(store.holds(ACCOUNT).unwrap(), [(CaseId(4), 11)]);
    let report = store.verify();
    assert!(report.is_sound(), "{report:?}");
    store.set_policy(Policy::default());
}

fn limits() -> Limits {
    Limits { bytes: Limit::At(1_000_000), messages: Limit::Unlimited }
}

fn policy() -> Policy {
    Policy { restorable_days: 14, ..Policy::default() }
}

/// Run by hand, once, when the format is new, with the version's name; what is there of older ones is not to be written again.
#[test]
#[ignore = "writes the fixture"]
fn write_the_fixture() {
    let here = || here("v3");
    let (clock, entropy) = (Arc::new(ManualClock::default()), Arc::new(SeededEntropy::new(1)));
    std::fs::create_dir_all(here()).unwrap();
    let gate = keeper::here(Arc::new(RealDisk), here().join("vault"), clock.clone(), entropy);
    let vault = gate.create(Founding {
        home: "IE".parse().unwrap(),
        log_origin: "ie.example/log".to_owned(),
        passphrase: "node passphrase".into(),
        officers: officers(),
        cost: CostProfile::new(8, 1, 1).unwrap(),
    });
    let vault = vault.unwrap();
    let public = vault.create_account(ACCOUNT, &"owner password".into()).unwrap();
    let vault = Arc::new(vault);
    let store = open(&here(), vault.clone());
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
    // What the second format has more: a bin, a mailbox that went into it, one message that came back and went, limits.
    store.set_policy(policy());
    store.expunge(ACCOUNT, inbox, &[1]).unwrap();
    let gone = store.create_mailbox(ACCOUNT, "Gone", None).unwrap().id;
    store.change_flags(ACCOUNT, inbox, &[2], FlagChange::Set(FlagSet::system(FlagSet::FLAGGED)), None).unwrap();
    store.move_(ACCOUNT, inbox, &[2], gone).unwrap();
    store.expunge(ACCOUNT, sent, &[1]).unwrap();
    let other = store.append(vec![message(&*clock, ACCOUNT, gone, "message 13")]).unwrap();
    store.expunge(ACCOUNT, gone, &[other[0].uid]).unwrap();
    let owner = vault.sign_in(ACCOUNT, &"owner password".into()).unwrap();
    assert_eq!(store.restore(&owner, &[2]).unwrap().messages, 1);
    store.move_(ACCOUNT, gone, &[other[0].uid + 1], sent).unwrap();
    store.delete_mailbox(ACCOUNT, "Gone").unwrap();
    store.set_limits(ACCOUNT, limits()).unwrap();
    // What the third has more: messages that moved to another segment, with changes behind that.
    store.set_policy(Policy::default());
    for n in 0..8 {
        store.append(vec![message(&*clock, ACCOUNT, sent, &format!("message 14 {n}"))]).unwrap();
    }
    let last = store.mailbox_named(ACCOUNT, "Sent").unwrap().uid_next;
    store.expunge(ACCOUNT, sent, &(last - 8..last - 3).collect::<Vec<_>>()).unwrap();
    let plan = CompactionPlan { dead_percent: 1, bytes_per_second: 0 };
    assert!(store.compact(&plan, &mut |_, _| true).unwrap().bytes_rewritten > 0);
    drop(store);
    std::fs::remove_file(here().join("store/lock")).unwrap();
}

#[test]
fn the_first_format_opens() {
    opens("v1", &expected);
}

#[test]
fn the_second_format_opens() {
    opens("v2", &expected_of_the_second);
}

#[test]
fn the_third_format_opens() {
    // Some of it has moved: a segment among the others is gone.
    let packs = std::fs::read_dir(here("v3").join("store/packs")).unwrap();
    let mut names: Vec<String> = packs.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort_unstable();
    let numbers: Vec<u32> = names.iter().map(|name| name.trim_end_matches(".pack").parse().unwrap()).collect();
    assert!(numbers.windows(2).any(|two| two[1] > two[0] + 1), "{names:?}");
    opens("v3", &expected_of_the_second);
}

fn opens(version: &str, expected: &dyn Fn(&Store, &Vault)) {
    let dir = tempfile::tempdir().unwrap();
    copy(&here(version), dir.path());
    let (clock, entropy) = (Arc::new(ManualClock::default()), Arc::new(SeededEntropy::new(3)));
    for round in 0..2 {
        let open_vault = || {
            let cost = CostProfile::new(8, 1, 1).unwrap();
            let path = dir.path().join("vault");
            let gate = keeper::here(Arc::new(RealDisk), path, clock.clone(), entropy.clone());
            gate.unlock(&"node passphrase".into(), cost)
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
