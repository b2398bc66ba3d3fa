//! The people who unlock a node by hand, named after the node was made.

use crate::support::{Single, lines, wait_for};

const RCPT: [&str; 3] = ["EHLO x.example", "MAIL FROM:<a@x.example>", "RCPT TO:<ann@ie.example>"];

/// A node that unlocked itself by a file gets key holders instead, and later other key holders.
#[test]
fn they_are_named_later_and_replaced() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path().join("IE");
    Single::init(&dir, &[], "");
    let passphrase = std::fs::read_to_string(dir.join("secrets/passphrase")).unwrap();
    let node = Single::run(&dir);
    node.ask(&["account", "add", "ann@ie.example"], "correct horse battery").unwrap();
    // What a person without a name is told can be done.
    let told = node.ask(&["node", "unlock", "--holder", "dora"], "dora's own words");
    assert!(told.is_ok() || told.unwrap_err().contains("`bailiwick node key-holders set`"));
    let holders = |node: &Single| node.ask(&["node", "key-holders", "list"], "").unwrap()["holders"].clone();
    assert_eq!(holders(&node), serde_json::json!([]));
    let set = |node: &Single, names: &[&str], passphrase: &str| {
        let mut args = vec!["node", "key-holders", "set"];
        names.iter().for_each(|name| args.extend(["--holder", name]));
        let words: String = names.iter().map(|name| format!("{name}'s own words\n")).collect();
        node.ask(&args, &format!("{passphrase}\n{words}"))
    };
    assert!(set(&node, &["dora", "emil"], "wrong").unwrap_err().contains("passphrase is wrong"));
    assert!(set(&node, &["dora"], &passphrase).is_err(), "one is not two");
    assert!(dir.join("secrets/passphrase").exists(), "nothing has changed");
    assert_eq!(holders(&node), serde_json::json!([]));
    let named = set(&node, &["dora", "emil"], &passphrase).unwrap();
    assert!(named["entry"].is_u64(), "the ledger has it: {named}");
    assert_eq!(holders(&node), serde_json::json!(["dora", "emil"]));
    assert!(!dir.join("secrets/passphrase").exists());
    drop(node);

    let node = Single::run(&dir);
    assert!(lines(node.door("smtp"), &RCPT)[3].starts_with("451 4.3.0 Mailbox store unavailable (locked)"));
    assert_eq!(holders(&node), serde_json::json!(["dora", "emil"]), "also of a locked node");
    let unlock = |node: &Single, name: &str| {
        node.ask(&["node", "unlock", "--holder", name], &format!("{name}'s own words"))
            .map(|said| said["vault"].clone())
    };
    assert_eq!(unlock(&node, "emil").unwrap(), "locked");
    assert_eq!(unlock(&node, "dora").unwrap(), "unlocked");
    assert!(lines(node.door("smtp"), &RCPT)[3].starts_with("250 "));

    // Others in their place, also while the vault is unlocked by hand and no file holds the passphrase.
    set(&node, &["fred", "gina", "dora"], &passphrase).unwrap();
    assert!(
        std::process::Command::new("kill")
            .args(["-KILL", &node.vault_process().to_string()])
            .status()
            .unwrap()
            .success()
    );
    wait_for("a locked node", || node.ask(&["node", "status"], "").unwrap()["vault"] == "locked");
    wait_for("a vault", || unlock(&node, "emil").is_err_and(|said| said.contains("no officer emil")));
    assert_eq!(unlock(&node, "gina").unwrap(), "locked");
    assert_eq!(unlock(&node, "dora").unwrap(), "unlocked");
}
