//! A node backed up while it runs, lost, and restored, by the real program: mail byte for byte, UIDVALIDITY raised, what was
//! held and closed since then held and closed, a successor ledger, a desk that waits; and what damage does.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::support::{OFFICER_PASSPHRASES, Single, files, lines, run, write_order};
use serde_json::Value;

const ANN: &str = "ann@ie.example";
const BEN: &str = "ben@ie.example";
const CARA: &str = "cara@ie.example";
const PASSWORD: &str = "a good password";

struct Scratch {
    dir: tempfile::TempDir,
}

impl Scratch {
    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// The newest backup of keys, and the key of its day.
    fn keys(&self) -> [String; 4] {
        let newest = |folder: &str| files(&self.path(folder)).into_iter().max().unwrap().to_str().unwrap().to_owned();
        ["--keys".to_owned(), newest("keys"), "--day-key".to_owned(), newest("day-keys")]
    }

    fn restore(&self, from: &str, to: &str, passphrase: &str) -> Result<Value, String> {
        let (from, to, keys) = (self.text(from), self.text(to), self.keys());
        let mut args = vec!["restore", from.as_str(), "--node", to.as_str(), "--json"];
        args.extend(keys.iter().map(String::as_str));
        answer(&run(&args, passphrase))
    }
}

fn answer(output: &std::process::Output) -> Result<Value, String> {
    if output.stdout.is_empty() {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    } else {
        Ok(serde_json::from_slice(&output.stdout).unwrap())
    }
}

fn deliver(node: &Single, to: &str, subject: &str, bytes: usize) {
    let text = format!("Subject: {subject}\r\n\r\n{}\r\n.", "words of mail ".repeat(bytes / 14 + 1).trim_end());
    let said = lines(node.door("lmtp"), &["LHLO a.example", "MAIL FROM:<>", &format!("RCPT TO:<{to}>"), "DATA", &text]);
    assert!(said[5].starts_with("250"), "{said:?}");
}

/// The originals of an account, as its owner exports them.
fn exported(node: &Single, address: &str, target: &Path) -> BTreeSet<Vec<u8>> {
    node.ask(&["export", target.to_str().unwrap(), "--account", address], PASSWORD).unwrap();
    let mail = files(target).into_iter().filter(|path| path.extension().is_some_and(|ext| ext == "eml"));
    mail.map(|path| std::fs::read(path).unwrap()).collect()
}

/// UIDVALIDITY and UIDNEXT of INBOX.
fn numbers(node: &Single, address: &str) -> (u64, u64) {
    let stream = |says: &[&str]| {
        use std::io::{BufRead, BufReader, Write};
        let mut stream = std::net::TcpStream::connect(node.door("imap")).unwrap();
        stream.set_read_timeout(Some(std::time::Duration::from_secs(60))).unwrap();
        for line in says {
            stream.write_all(format!("{line}\r\n").as_bytes()).unwrap();
        }
        let mut all = String::new();
        for line in BufReader::new(stream).lines() {
            all.push_str(&line.unwrap());
            all.push('\n');
        }
        all
    };
    let login = format!("a LOGIN {address} \"{PASSWORD}\"");
    let all = stream(&[&login, "b STATUS INBOX (UIDVALIDITY UIDNEXT)", "c LOGOUT"]);
    let after = |word: &str| {
        let (_, rest) = all.split_once(&format!("{word} ")).unwrap_or_else(|| panic!("{all}"));
        rest.split(|letter: char| !letter.is_ascii_digit()).next().unwrap().parse().unwrap()
    };
    let status = all.split_once("* STATUS").unwrap_or_else(|| panic!("{all}")).1.to_owned();
    assert!(status.contains("UIDVALIDITY"), "{all}");
    (after("(UIDVALIDITY"), after("UIDNEXT"))
}

fn node_with_place(scratch: &Scratch) -> Single {
    let dir = scratch.path("node");
    Single::init(&dir, &[], "");
    let settings = std::fs::read_to_string(dir.join("node.toml")).unwrap();
    let settings = settings.replace("imap_loopback_without_tls = false", "imap_loopback_without_tls = true");
    std::fs::write(dir.join("node.toml"), &settings).unwrap();
    // No place, then one elsewhere, then one in the home.
    let ask = |args: &[&str]| answer(&run(&[args, &["--json", "--node", dir.to_str().unwrap()]].concat(), ""));
    assert!(ask(&["backup", "run"]).unwrap_err().contains("names no place for backups"));
    let place = |jurisdiction: &str| {
        let more = format!(
            "\n[[backup_place]]\npath = \"{}\"\njurisdiction = \"{jurisdiction}\"\nkeep = 3\n",
            scratch.path("place").display()
        );
        std::fs::write(dir.join("node.toml"), format!("{settings}{more}")).unwrap();
    };
    place("US");
    assert!(ask(&["node", "status"]).unwrap_err().contains("may be kept in IE only"));
    place("IE");
    let node = Single::run(&dir);
    for address in [ANN, BEN, CARA] {
        node.ask(&["account", "add", address], PASSWORD).unwrap();
    }
    node
}

fn back_up(node: &Single) -> Value {
    node.ask(&["backup", "run"], "").unwrap()
}

fn back_up_keys(node: &Single, scratch: &Scratch) {
    let (keys, day_keys) = (scratch.text("keys"), scratch.text("day-keys"));
    node.ask(&["backup", "keys", &keys, "--day-keys", &day_keys], "").unwrap();
}

fn passphrase(scratch: &Scratch) -> String {
    std::fs::read_to_string(scratch.path("node/secrets/passphrase")).unwrap()
}

#[test]
fn a_lost_node_comes_back() {
    let scratch = Scratch { dir: tempfile::tempdir().unwrap() };
    let node = node_with_place(&scratch);
    for n in 0..20 {
        deliver(&node, ANN, &format!("ann {n}"), 5_000 * n);
        deliver(&node, BEN, &format!("ben {n}"), 500);
        deliver(&node, CARA, &format!("cara {n}"), 100);
    }
    let elsewhere = node.ask(&["backup", "run", "--to", &scratch.text("elsewhere")], "").unwrap_err();
    assert!(elsewhere.contains("is not a place that node.toml names"), "{elsewhere}");
    assert!(!scratch.path("elsewhere").exists());
    let first = back_up(&node);
    deliver(&node, ANN, "ann again", 3_000);
    let (keys, day_keys) = (scratch.text("keys"), scratch.text("day-keys"));
    let second = node.ask(&["backup", "run", "--keys", &keys, "--day-keys", &day_keys], "").unwrap();
    assert!(second["keys"]["file"].as_str().unwrap().starts_with(&keys));
    let written = |backup: &Value| backup["bytes_written"].as_u64().unwrap();
    assert!(written(&second) < written(&first) / 4, "{first} {second}");
    let mail = [ANN, BEN].map(|address| exported(&node, address, &scratch.path(&format!("before {address}"))));
    let before = numbers(&node, ANN);

    // After the backup: mail that will be lost, a demand whose hold must come back, an account that closes.
    deliver(&node, ANN, "lost", 100);
    let recipient = disclosure::AgeIdentity::generate().recipient().to_string();
    write_order(&scratch.path("demand.toml"), "DMD-1", ANN, &recipient);
    let served = node.ask(&["demand", "serve", &scratch.text("demand.toml")], "").unwrap();
    assert_eq!(served["cases"][0]["held"], true);
    let case = served["cases"][0]["case"].to_string();
    node.ask(&["account", "close", CARA], PASSWORD).unwrap();
    let size = node.ask(&["node", "status"], "").unwrap()["ledger_size"].as_u64().unwrap();
    node.kill();

    // A backup that breaks off leaves something behind; the last good one stands.
    let segment = files(&scratch.path("place")).into_iter().rfind(|path| path.extension().is_some_and(|e| e == "pack"));
    let segment = segment.unwrap();
    let grown = [std::fs::read(&segment).unwrap(), vec![7; 4096]].concat();
    std::fs::write(&segment, grown).unwrap();

    let wrong = scratch.restore("place", "wrong", "not the passphrase").unwrap_err();
    assert!(wrong.contains("passphrase"), "{wrong}");
    let restored = scratch.restore("place", "new", &passphrase(&scratch)).unwrap();
    assert_eq!(restored["damages"], serde_json::json!([]), "{restored:#}");
    assert_eq!((&restored["accounts"], &restored["closed_again"]), (&3.into(), &1.into()));
    assert_eq!((&restored["cases_held"], &restored["ledger_before"]), (&1.into(), &size.into()));
    assert_eq!(restored["ledger"], "mail.ie.example/ledger/2");
    let again = scratch.restore("place", "new", &passphrase(&scratch)).unwrap_err();
    assert!(again.contains("is not empty"), "{again}");

    // Without the continuous copy: what came after the backup is lost, but for a copy of the ledger that somebody has.
    let live = PathBuf::from(second["dir"].as_str().unwrap()).join("live");
    std::fs::rename(&live, scratch.path("live")).unwrap();
    let older = scratch.restore("place", "older", &passphrase(&scratch)).unwrap();
    assert_eq!(
        (&older["cases_held"], &older["closed_again"], &older["damages"]),
        (&0.into(), &0.into(), &serde_json::json!([]))
    );
    assert!(older["ledger_before"].as_u64().unwrap() < size, "{older:#}");
    let (place, to, ledger, keys) =
        (scratch.text("place"), scratch.text("with-ledger"), scratch.text("node/ledger"), scratch.keys());
    let mut args = vec!["restore", place.as_str(), "--node", to.as_str(), "--json", "--ledger", ledger.as_str()];
    args.extend(keys.iter().map(String::as_str));
    assert_eq!(answer(&run(&args, &passphrase(&scratch))).unwrap()["ledger_before"], size);
    std::fs::rename(scratch.path("live"), &live).unwrap();

    let node = Single::run(&scratch.path("new"));
    for (address, mail) in [ANN, BEN].iter().zip(&mail) {
        let after = exported(&node, address, &scratch.path(&format!("after {address}")));
        assert!(after == *mail, "{address}: {} of {} messages", after.len(), mail.len());
    }
    let after = numbers(&node, ANN);
    assert!(after.0 > before.0, "UIDVALIDITY {} then {}", before.0, after.0);
    assert_eq!(after.1, before.1);
    assert!(node.ask(&["export", &scratch.text("closed"), "--account", CARA], PASSWORD).is_err());
    deliver(&node, BEN, "new mail", 100);

    // The case is there and held; the desk waits for two officers, and then works.
    let shown = node.ask(&["case", "show", &case], "").unwrap();
    assert_eq!(shown["held"], true, "{shown:#}");
    let waits = node.ask(&["demand", "serve", &scratch.text("demand.toml")], "").unwrap_err();
    assert!(waits.contains("open-desk"), "{waits}");
    let [(ann, ann_phrase), (ben, ben_phrase)] = OFFICER_PASSPHRASES;
    let open = ["node", "open-desk", "--by", ann, "--by", ben];
    node.ask(&open, &format!("{ann_phrase}\nwrong\n")).unwrap_err();
    node.ask(&open, &format!("{ann_phrase}\n{ben_phrase}\n")).unwrap();
    assert!(node.ask(&open, &format!("{ann_phrase}\n{ben_phrase}\n")).unwrap_err().contains("is open"));
    node.ask(&["demand", "serve", &scratch.text("demand.toml")], "").unwrap();

    // Both ledgers verify; the new node backs itself up beside the old one's backups.
    for ledger in ["new/ledger", "new/ledger-before/1"] {
        let output = run(&["ledger", "verify", &scratch.text(ledger)], "");
        assert!(output.status.success(), "{ledger}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let third = back_up(&node);
    assert_ne!(third["dir"], second["dir"]);
    back_up_keys(&node, &scratch);
    drop(node);
    let again = scratch.restore("place", "newer", &passphrase(&scratch)).unwrap();
    assert_eq!(again["ledger"], "mail.ie.example/ledger/3");
    assert_eq!(again["damages"], serde_json::json!([]), "{again:#}");
    assert!(scratch.path("newer/ledger-before/1/checkpoint").exists());
    assert!(scratch.path("newer/ledger-before/2/checkpoint").exists());
}

/// The node is killed at different moments of a backup: what was backed up before is whole, and the next one is.
#[test]
fn a_killed_backup_leaves_the_last_good_one() {
    let scratch = Scratch { dir: tempfile::tempdir().unwrap() };
    let mut node = node_with_place(&scratch);
    let fill =
        |node: &Single, from: usize| (from..from + 12).for_each(|n| deliver(node, ANN, &format!("{n}"), 900_000));
    fill(&node, 0);
    back_up(&node);
    back_up_keys(&node, &scratch);
    let mut messages = 12;
    for (round, wait) in [5_u64, 40, 90, 200].into_iter().enumerate() {
        fill(&node, messages);
        messages += 12;
        let mut client = std::process::Command::new(crate::support::PROGRAM)
            .args(["backup", "run", "--node", node.dir.to_str().unwrap()])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(std::time::Duration::from_millis(wait));
        node.kill();
        let _ = client.wait().unwrap();
        let restored = scratch.restore("place", &format!("round {round}"), &passphrase(&scratch)).unwrap();
        assert_eq!(restored["damages"], serde_json::json!([]), "after {wait} ms: {restored:#}");
        let there = restored["messages"].as_u64().unwrap();
        assert!(there >= 12 && there.is_multiple_of(12), "after {wait} ms: {there} messages");
        node = Single::run(&scratch.path("node"));
    }
    back_up(&node);
    node.kill();
    let restored = scratch.restore("place", "last", &passphrase(&scratch)).unwrap();
    assert_eq!((&restored["messages"], &restored["damages"]), (&60.into(), &serde_json::json!([])), "{restored:#}");
}

#[test]
fn damage_is_named_and_stops_nothing_else() {
    let scratch = Scratch { dir: tempfile::tempdir().unwrap() };
    let node = node_with_place(&scratch);
    for n in 0..8 {
        deliver(&node, ANN, &format!("ann {n}"), 2_000);
        deliver(&node, BEN, &format!("ben {n}"), 2_000);
    }
    back_up(&node);
    deliver(&node, BEN, "later", 2_000);
    let newest = back_up(&node);
    back_up_keys(&node, &scratch);
    let dir = PathBuf::from(newest["dir"].as_str().unwrap());
    drop(node);
    let passphrase = passphrase(&scratch);

    let drill = |scratch: &Scratch| {
        let (place, keys) = (scratch.text("place"), scratch.keys());
        let mut args = vec!["backup", "drill", place.as_str(), "--json"];
        args.extend(keys.iter().map(String::as_str));
        let output = run(&args, &passphrase);
        (output.status.success(), answer(&output).unwrap())
    };
    let (sound, said) = drill(&scratch);
    assert!(sound, "{said:#}");
    assert_eq!((&said["accounts"], &said["messages"]), (&3.into(), &17.into()));
    assert!(said["seconds"].as_f64().unwrap() > 0.0);
    let left: Vec<_> = std::fs::read_dir(scratch.path("place")).unwrap().map(|one| one.unwrap().path()).collect();
    assert_eq!(left, std::slice::from_ref(&dir), "the drill leaves nothing");

    // A changed byte in a segment costs one message; the rest is there.
    let pack = dir.join("packs/00000001.pack");
    let good = std::fs::read(&pack).unwrap();
    let mut bad = good.clone();
    let middle = bad.len() / 2;
    bad[middle] ^= 1;
    std::fs::write(&pack, &bad).unwrap();
    let (sound, said) = drill(&scratch);
    assert!(!sound);
    let damages = said["damages"].to_string();
    assert!(damages.contains("segment 1, bytes 0") && damages.contains("message "), "{damages}");
    assert_eq!(said["messages"], 17);
    let restored = scratch.restore("place", "damaged", &passphrase).unwrap();
    assert_eq!(restored["damages"].as_array().unwrap().len(), 2, "the stretch and the message: {restored:#}");
    std::fs::write(&pack, &good).unwrap();

    // The newest manifest changed: the one before serves. None left: nothing is restored.
    let manifests = files(&dir.join("manifests"));
    let newest = manifests.last().unwrap();
    let text = std::fs::read_to_string(newest).unwrap();
    std::fs::write(newest, text.replacen("\"at\":1", "\"at\":2", 1)).unwrap();
    let (sound, said) = drill(&scratch);
    assert!(!sound && said["damages"].to_string().contains("is not as this node wrote it"), "{said:#}");
    assert_eq!(said["messages"], 16);
    std::fs::write(newest, text).unwrap();

    // Every manifest of another format: nothing is opened, and the operator is told how to bring the mail along.
    let other = terms::HOME_FORMAT + 1;
    let texts: Vec<String> = manifests.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    for (path, text) in manifests.iter().zip(&texts) {
        let changed = text.replacen(&format!("\"format\":{}", terms::HOME_FORMAT), &format!("\"format\":{other}"), 1);
        assert_ne!(changed, *text);
        std::fs::write(path, changed).unwrap();
    }
    let refused = scratch.restore("place", "other-format", &passphrase).unwrap_err();
    assert!(refused.contains(&format!("written in format {other}")), "{refused}");
    assert!(refused.contains("`bailiwick export`") && refused.contains("`bailiwick import`"), "{refused}");
    manifests.iter().zip(texts).for_each(|(path, text)| std::fs::write(path, text).unwrap());

    // Every piece that only the newest has is gone: what is older stands in for it, and is named.
    let pieces = files(&dir.join("pieces"));
    let before: BTreeSet<_> = pieces.iter().filter(|path| path_is_in(path, &manifests[0])).collect();
    for path in pieces.iter().filter(|path| !before.contains(path)) {
        std::fs::remove_file(path).unwrap();
    }
    let (sound, said) = drill(&scratch);
    let damages = said["damages"].to_string();
    assert!(!sound && damages.contains("they are of the one of"), "{damages}");
    assert_eq!((&said["accounts"], &said["messages"]), (&3.into(), &16.into()));
}

fn path_is_in(piece: &Path, manifest: &Path) -> bool {
    std::fs::read_to_string(manifest).unwrap().contains(piece.file_name().unwrap().to_str().unwrap())
}
