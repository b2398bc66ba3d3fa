//! The profile of one account is damaged, by the real program: everybody else's mail goes in and out, what arrives for that
//! account waits with its senders, `fsck` and `node status` name it, and a backup brings it back.

use std::path::Path;
use std::process::Command;

use crate::support::{Single, client, files, has_tool, lines, run};
use serde_json::{Value, json};

const ANN: &str = "ann@ie.example";
const BEN: &str = "ben@ie.example";
const PASSWORD: &str = "a good password";

/// What the door says to each of two recipients, and of the message for those that it took.
fn deliver(node: &Single, door: &str, to: &[&str], subject: &str) -> Vec<String> {
    let hello = if door == "lmtp" { "LHLO a.example" } else { "EHLO a.example" };
    let mut says = vec![hello.to_owned(), "MAIL FROM:<>".to_owned()];
    says.extend(to.iter().map(|to| format!("RCPT TO:<{to}>")));
    says.extend(["DATA".to_owned(), format!("Subject: {subject}\r\n\r\ntext\r\n.")]);
    let says: Vec<&str> = says.iter().map(String::as_str).collect();
    lines(node.door(door), &says).split_off(3)
}

fn takes(node: &Single, door: &str, to: &str, subject: &str) {
    let said = deliver(node, door, &[to], subject);
    assert!(said[2].starts_with("250"), "{said:?}");
}

/// The last line of the answer to each of LOGIN, SELECT and LOGOUT.
fn read(node: &Single, address: &str, password: &str) -> Vec<String> {
    let login = format!("a LOGIN {address} \"{password}\"");
    lines(node.door("imap"), &[&login, "a SELECT INBOX", "a LOGOUT"]).split_off(1)
}

fn subjects(node: &Single, address: &str, target: &Path) -> Vec<String> {
    node.ask(&["export", target.to_str().unwrap(), "--account", address], PASSWORD).unwrap();
    let mail = files(target).into_iter().filter(|path| path.extension().is_some_and(|ext| ext == "eml"));
    let subject = |path: &std::path::PathBuf| {
        let text = std::fs::read_to_string(path).unwrap();
        text.lines().find_map(|line| line.strip_prefix("Subject: ")).unwrap().to_owned()
    };
    let mut all: Vec<String> = mail.map(|path| subject(&path)).collect();
    all.sort();
    all
}

#[test]
fn one_damaged_profile_stops_nobody_else() {
    if !has_tool("python3") {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let path = |name: &str| scratch.path().join(name);
    let dir = path("node");
    Single::init(&dir, &[], "");
    let settings = std::fs::read_to_string(dir.join("node.toml")).unwrap();
    let settings = settings.replace("imap_loopback_without_tls = false", "imap_loopback_without_tls = true");
    let place = format!("\n[[backup_place]]\npath = \"{}\"\njurisdiction = \"IE\"\n", path("place").display());
    std::fs::write(dir.join("node.toml"), settings + &place).unwrap();
    let node = Single::run(&dir);
    for address in [ANN, BEN] {
        node.ask(&["account", "add", address], PASSWORD).unwrap();
        takes(&node, "lmtp", address, "before");
    }
    node.ask(&["backup", "run"], "").unwrap();
    takes(&node, "lmtp", BEN, "later");
    let account = node.ask(&["account", "list"], "").unwrap()[1]["account"].as_str().unwrap().to_owned();
    drop(node);
    let script = "import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); c.executescript(sys.argv[2]); c.commit()";
    let sql = "UPDATE accounts SET sealed = CAST(substr(sealed, 1, 2) || zeroblob(80) AS BLOB) WHERE account = 2";
    let rows = dir.join("store/rows.sqlite");
    let damaged = client(Command::new("python3").args(["-c", script, rows.to_str().unwrap(), sql]), scratch.path());
    assert!(damaged.status.success(), "{}", String::from_utf8_lossy(&damaged.stderr));

    let node = Single::run(&dir);
    assert!(node.log().contains(&format!("the profile of account {account} is damaged")), "{}", node.log());
    // Others' mail goes in by each door, and out. Ben's is asked for again later, not refused for good.
    takes(&node, "smtp", ANN, "by smtp");
    for door in ["smtp", "lmtp"] {
        let said = deliver(&node, door, &[BEN, ANN], "for both");
        assert!(said[0].starts_with("451 "), "{said:?}");
        assert!(said[1].starts_with("250") && said[3].starts_with("250"), "{said:?}");
    }
    assert_eq!(subjects(&node, ANN, &path("ann")), ["before", "by smtp", "for both", "for both"]);
    assert!(read(&node, ANN, PASSWORD)[1].starts_with("a OK"));
    // Who proves to be Ben is told; who does not is told what anybody is told.
    let said = read(&node, BEN, PASSWORD);
    assert!(said[0].starts_with("a OK") && said[1].starts_with("a NO"), "{said:?}");
    assert_eq!(read(&node, BEN, "not the password")[0], read(&node, ANN, "not the password")[0]);

    let status = node.ask(&["node", "status"], "").unwrap();
    assert_eq!((&status["quarantined_accounts"], &status["accounts"]), (&json!([account]), &json!(1)), "{status}");
    let list = node.ask(&["account", "list"], "").unwrap();
    assert_eq!(
        (list[0]["messages"].clone(), list[1].clone()),
        (json!(4), json!({ "account": account, "quarantined": true }))
    );
    let again = node.ask(&["account", "add", BEN], PASSWORD).unwrap_err();
    assert!(again.contains("already"), "{again}");
    node.ask(&["account", "add", "cara@ie.example"], PASSWORD).unwrap();
    takes(&node, "lmtp", "cara@ie.example", "hello");
    let found = run(&["fsck", "--json", "--node", dir.to_str().unwrap()], "");
    let found: Value = serde_json::from_slice(&found.stdout).unwrap();
    let damages = found["damages"].as_array().unwrap();
    assert_eq!(damages.len(), 1, "{found}");
    assert_eq!((damages[0]["kind"].as_str(), damages[0]["account"].as_str()), (Some("profile"), Some(&*account)));
    let passphrase = std::fs::read_to_string(dir.join("secrets/passphrase")).unwrap();
    let refused = node.ask(&["node", "rotate", "service"], &passphrase).unwrap_err();
    assert!(refused.contains("the profile of an account"), "the previous key could never go: {refused}");

    // The newest copy has the damage; the profile is that of the copy before, the mail is all there.
    node.ask(&["backup", "run"], "").unwrap();
    let (keys, day_keys) = (path("keys"), path("day-keys"));
    let texts = [&keys, &day_keys].map(|path| path.to_str().unwrap().to_owned());
    node.ask(&["backup", "keys", &texts[0], "--day-keys", &texts[1]], "").unwrap();
    drop(node);
    let newest = |folder: &Path| files(folder).pop().unwrap().to_str().unwrap().to_owned();
    let (new, keys, day_keys) = (path("new"), newest(&keys), newest(&day_keys));
    let args =
        ["restore", path("place").to_str().unwrap(), "--node", new.to_str().unwrap(), "--json"].map(str::to_owned);
    let more = ["--keys".to_owned(), keys, "--day-key".to_owned(), day_keys];
    let args: Vec<&str> = args.iter().chain(&more).map(String::as_str).collect();
    let restored = run(&args, &passphrase);
    let restored: Value = serde_json::from_slice(&restored.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&restored.stderr)));
    let damages = restored["damages"].as_array().unwrap();
    assert_eq!(damages.len(), 1, "{restored:#}");
    assert!(damages[0].as_str().unwrap().contains("was damaged when it was backed up"), "{restored:#}");
    std::fs::write(new.join("node.toml"), std::fs::read_to_string(dir.join("node.toml")).unwrap()).unwrap();
    let node = Single::run(&new);
    assert_eq!(node.ask(&["node", "status"], "").unwrap()["quarantined_accounts"], json!([]));
    takes(&node, "lmtp", BEN, "after");
    assert_eq!(subjects(&node, BEN, &path("ben")), ["after", "before", "later"]);
}
