//! Officers and keys on the command line, at a node that does not run: the same code answers as when it does.

use std::path::{Path, PathBuf};

use crate::support::run;
use serde_json::Value;

const ANN: &str = "passphrase of ann";
const BEN: &str = "passphrase of ben";
const CAT: &str = "passphrase of cat";
const PASSWORD: &str = "owner password";

struct Made {
    _scratch: tempfile::TempDir,
    dir: PathBuf,
}

impl Made {
    fn new() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let dir = scratch.path().join("node");
        let args = [
            "node",
            "init",
            "--node",
            dir.to_str().unwrap(),
            "--jurisdiction",
            "IE",
            "--zone",
            "Europe/Dublin",
            "--operator",
            "Example",
            "--hostname",
            "mail.ie.example",
            "--domain",
            "ie.example",
            "--officer",
            "ann",
            "--officer",
            "ben",
            "--officer",
            "cat",
        ];
        let output = run(&args, &format!("{ANN}\n{BEN}\n{CAT}\n"));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(text.contains("Write down") && text.contains("officer drill"), "{text}");
        let made = Self { _scratch: scratch, dir };
        made.ask(&["account", "add", "ann@ie.example"], PASSWORD).unwrap();
        made
    }

    fn ask(&self, args: &[&str], input: &str) -> Result<Value, String> {
        let all = [args, &["--json", "--node", self.dir.to_str().unwrap()]].concat();
        let output = run(&all, input);
        if output.status.success() {
            Ok(serde_json::from_slice(&output.stdout).unwrap())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.parent().unwrap().join(name)
    }

    fn ledger_verifies(&self) -> bool {
        run(&["ledger", "verify", self.dir.join("ledger").to_str().unwrap()], "").status.success()
    }

    fn export(&self, password: &str) -> Result<Value, String> {
        let target = self.path("export");
        self.ask(&["export", target.to_str().unwrap(), "--account", "ann@ie.example"], password)
    }
}

fn two() -> String {
    format!("{ANN}\n{BEN}\n")
}

#[test]
fn officers_come_and_go_by_two_others() {
    let node = Made::new();
    let by = ["--by", "ann", "--by", "ben"];
    let enrolled =
        node.ask(&[&["officer", "enrol", "dan"][..], &by].concat(), &(two() + "passphrase of dan\n")).unwrap();
    assert_eq!((enrolled["act"].as_str(), enrolled["by"].as_array().unwrap().len()), (Some("enrol"), 2));
    let officers = node.ask(&["officer", "list"], "").unwrap();
    let dan = officers.as_array().unwrap().iter().find(|officer| officer["officer"] == "dan").unwrap();
    assert_ne!(dan["enrolled"], dan["in_power"], "72 hours lie between");
    let early = node.ask(&["officer", "drill", "--by", "dan", "--by", "ann"], &format!("passphrase of dan\n{ANN}\n"));
    assert!(early.unwrap_err().contains("may approve from"));
    let wrong = node.ask(&[&["officer", "remove", "cat"][..], &by].concat(), &format!("{ANN}\nguess\n")).unwrap_err();
    assert!(wrong.contains("ben"), "{wrong}");
    let alone = node.ask(&["officer", "remove", "cat", "--by", "ann", "--by", "ann"], &format!("{ANN}\n{ANN}\n"));
    assert!(alone.is_err());

    node.ask(&[&["officer", "remove", "cat"][..], &by].concat(), &two()).unwrap();
    node.ask(&["officer", "passphrase", "ann"], &format!("{ANN}\nthe next of ann\n")).unwrap();
    let gone = node.ask(&["officer", "drill", "--by", "cat", "--by", "ben"], &format!("{CAT}\n{BEN}\n")).unwrap_err();
    assert!(gone.contains("cat"), "{gone}");
    node.ask(&["officer", "drill", "--by", "ann", "--by", "ben"], &format!("the next of ann\n{BEN}\n")).unwrap();

    let input = format!("the next of ann\n{BEN}\n");
    let printed = node.ask(&[&["officer", "recovery", "print", "--count", "2"][..], &by].concat(), &input).unwrap();
    let paper_shares: Vec<String> = printed["paper_shares"]
        .as_array()
        .unwrap()
        .iter()
        .map(|words| words.as_str().unwrap().replace('\n', " "))
        .collect();
    assert_eq!(paper_shares.len(), 2);
    node.ask(&["officer", "drill"], &format!("{}\n{}\n", paper_shares[0], paper_shares[1])).unwrap();
    let input = format!("{BEN}\n{}\npassphrase of eve\n", paper_shares[1]);
    node.ask(&["officer", "recovery", "restore", "eve", "--by", "ben"], &input).unwrap();
    let old = node.ask(&["officer", "drill"], &format!("{}\n{}\n", paper_shares[0], paper_shares[1])).unwrap_err();
    assert!(old.contains("replaced by a newer one"), "{old}");
    node.ask(&["node", "rotate", "escrow", "--by", "ann", "--by", "ben"], &format!("the next of ann\n{BEN}\n"))
        .unwrap();
    assert!(node.ledger_verifies());
    node.export(PASSWORD).unwrap();
}

#[test]
fn a_closed_account_opens_nowhere_and_a_lost_vault_comes_back() {
    let node = Made::new();
    let (backups, day_keys) = (node.path("backups"), node.path("day-keys"));
    let args = ["backup", "keys", backups.to_str().unwrap(), "--day-keys", day_keys.to_str().unwrap()];
    let backup = node.ask(&args, "").unwrap();
    let file = backup["file"].as_str().unwrap();
    let day_key = day_keys.join(format!("{}.key", backup["day"]));
    let passphrase = std::fs::read_to_string(node.dir.join("secrets/passphrase")).unwrap();
    let restored = node.path("restored");
    let restore = |vault: &Path| {
        let args = ["backup", "restore-keys", file, "--day-key", day_key.to_str().unwrap(), "--vault"];
        run(&[&args[..], &[vault.to_str().unwrap()]].concat(), &passphrase)
    };
    let output = restore(&restored);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for file in ["node.keys", "officers.roster", "officers/ann.keys"] {
        assert!(restored.join(file).is_file(), "{file}");
    }
    assert!(!restore(&restored).status.success(), "nothing is written over");

    assert!(node.ask(&["account", "close", "ann@ie.example"], "a wrong password").is_err());
    node.export(PASSWORD).unwrap();
    node.ask(&["account", "close", "ann@ie.example"], PASSWORD).unwrap();
    assert!(node.export(PASSWORD).is_err());
    assert!(node.ask(&["account", "add", "ann@ie.example"], PASSWORD).unwrap_err().contains("already"));
    assert_eq!(std::fs::read_dir(node.dir.join("vault/accounts")).unwrap().count(), 0);
    assert!(node.ledger_verifies());

    // A copy of the key of a day beyond the window goes with the next backup.
    std::fs::write(day_keys.join("17.key"), "an old one").unwrap();
    node.ask(&args, "").unwrap();
    assert!(!day_keys.join("17.key").exists() && day_key.exists());
}

/// It takes the minute in which both keys open.
#[test]
fn the_service_key_is_replaced() {
    let node = Made::new();
    let passphrase = std::fs::read_to_string(node.dir.join("secrets/passphrase")).unwrap();
    assert!(node.ask(&["node", "rotate", "service"], "a wrong one\n").is_err());
    let rotated = node.ask(&["node", "rotate", "service"], &passphrase).unwrap();
    assert_eq!(rotated["generation"], 2);
    node.export(PASSWORD).unwrap();
    let drill = ["officer", "drill", "--by", "ann", "--by", "ben"];
    node.ask(&drill, &two()).unwrap();
    assert!(node.ledger_verifies());
}

#[test]
fn an_accounts_key_and_the_signing_key_are_replaced() {
    let node = Made::new();
    let ledger = node.dir.join("ledger");
    let (vkey, head) = (node.path("vkey"), node.path("checkpoint"));
    std::fs::copy(ledger.join("vkey"), &vkey).unwrap();
    std::fs::copy(ledger.join("checkpoint"), &head).unwrap();
    assert!(node.ask(&["account", "rotate-key", "ann@ie.example"], "a wrong password\n").is_err());
    let rotated = node.ask(&["account", "rotate-key", "ann@ie.example"], &format!("{PASSWORD}\n")).unwrap();
    assert_eq!(rotated["finished"], true);
    node.export(PASSWORD).unwrap();
    let by = ["account", "rotate-key", "ann@ie.example", "--by", "ann", "--by", "ben"];
    assert!(node.ask(&by, &format!("{ANN}\nguess\n")).is_err());
    assert_eq!(node.ask(&by, &two()).unwrap()["finished"], true);
    node.export(PASSWORD).unwrap();

    let signed = node.ask(&["node", "rotate", "signing"], "").unwrap();
    assert_ne!(signed["old"], signed["new"]);
    let status = node.ask(&["node", "status"], "").unwrap();
    assert_eq!(status["rotating"]["signing"], false);
    assert_eq!(status["rotating"]["accounts"], 0);
    node.ask(&["officer", "drill", "--by", "ann", "--by", "ben"], &two()).unwrap();
    assert!(node.ledger_verifies());
    // A reader who kept the previous key and an earlier head is led on.
    let args = ["ledger", "verify", ledger.to_str().unwrap(), "--vkey", vkey.to_str().unwrap()];
    let output = run(&[&args[..], &["--since", head.to_str().unwrap()]].concat(), "");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The key of a day that is over goes by itself: at the start of the running node, and each half minute.
#[test]
fn the_running_node_destroys_the_keys_of_days_that_are_over() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path().join("node");
    crate::support::Single::init(&dir, &[], "");
    let day_keys = dir.join("vault/days");
    // Far beyond the window, and far from its end.
    let (over, kept) = (day_keys.join("17.key"), day_keys.join("99999.key"));
    [&over, &kept].iter().for_each(|path| std::fs::write(path, "the key of a day").unwrap());
    let running = crate::support::Single::run(&dir);
    crate::support::wait_for("the key of day 17 to be destroyed", || !over.exists());
    assert!(kept.exists());
    running.kill();
}

/// The ledger has what was done, and not what somebody without the secret asked for.
#[test]
fn a_wrong_secret_leaves_no_entry() {
    let node = Made::new();
    let size = || node.ask(&["node", "status"], "").unwrap()["ledger_size"].as_u64().unwrap();
    let before = size();
    let holders = "a wrong one\npassphrase of dora\npassphrase of emil\n";
    let officers = format!("{ANN}\nguess\n");
    for (args, input) in [
        (&["node", "rotate", "service"][..], "a wrong one\n"),
        (&["node", "passphrase"], "a wrong one\n"),
        (&["node", "key-holders", "set", "--holder", "dora", "--holder", "emil"], holders),
        (&["node", "token", "add", "--module", "/nowhere.so", "--token-label", "x"], "a wrong one\n1234\n"),
        (&["account", "rotate-key", "ann@ie.example"], "a wrong password\n"),
        (&["account", "rotate-key", "ann@ie.example", "--by", "ann", "--by", "ben"], &officers),
        (&["account", "close", "ann@ie.example"], "a wrong password\n"),
        (&["officer", "drill", "--by", "ann", "--by", "ben"], &officers),
        (&["node", "rotate", "escrow", "--by", "ann", "--by", "ben"], &officers),
    ] {
        let said = node.ask(args, input).unwrap_err();
        assert!(said.contains("wrong") || said.contains("not the passphrase"), "{args:?}: {said}");
        assert_eq!(size(), before, "{args:?}");
    }
    // And what is done has one.
    node.ask(&["account", "rotate-key", "ann@ie.example"], &format!("{PASSWORD}\n")).unwrap();
    assert_eq!(size(), before + 1);
    assert!(node.ledger_verifies());
}

#[test]
fn the_passphrase_is_replaced() {
    let node = Made::new();
    let (file, next) = (node.dir.join("secrets/passphrase"), node.dir.join("secrets/passphrase.next"));
    let old = std::fs::read_to_string(&file).unwrap();
    assert!(node.ask(&["node", "passphrase"], "a wrong one\n").unwrap_err().contains("passphrase is wrong"));
    assert!(!next.exists());
    let vault_before = std::fs::read(node.dir.join("vault/node.keys")).unwrap();
    node.ask(&["node", "passphrase"], &old).unwrap();
    let new = std::fs::read_to_string(&file).unwrap();
    assert!(new != old && !next.exists());
    node.export(PASSWORD).unwrap();
    assert!(node.ask(&["node", "passphrase"], &old).unwrap_err().contains("passphrase is wrong"));

    // The power failed before the vault had the new one, after it had it, and after the old file was overwritten.
    let lay = |passphrase: Option<&str>, following: &str| {
        match passphrase {
            Some(text) => std::fs::write(&file, text).unwrap(),
            None => std::fs::remove_file(&file).unwrap(),
        }
        std::fs::write(&next, following).unwrap();
        std::fs::set_permissions(&next, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    };
    for (passphrase, following) in
        [(Some(new.as_str()), "one that never came"), (Some(old.as_str()), &new), (None, &new)]
    {
        lay(passphrase, following);
        node.ask(&["officer", "list"], "").unwrap();
        assert!(!next.exists());
        assert_eq!(std::fs::read_to_string(&file).unwrap(), new);
    }
    // A copy of the vault from before opens by the old one, and only by it.
    std::fs::write(node.dir.join("vault/node.keys"), vault_before).unwrap();
    assert!(node.ask(&["officer", "list"], "").is_err());
    std::fs::write(&file, &old).unwrap();
    node.ask(&["officer", "list"], "").unwrap();
    assert!(node.ledger_verifies());
}
