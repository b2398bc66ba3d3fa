//! What officers have, opened by another implementation: roster and officers of format 2, shares on paper, what a case holds
//! of a closed account, a backup of keys. A committed vector stays for ever; a vector of this moment shows that the program
//! still writes the same formats (shares are dealt by chance, so the octets differ).
//!
//! `cargo test -p vault --test it -- --ignored write_the_office` prints where a new one lies.

use std::path::{Path, PathBuf};
use std::process::Command;

use durable::Disk;
use serde_json::json;
use terms::hex;
use vault::Act;

use crate::desk::{Desk, NODE_PASSPHRASE, OFFICERS, PASSWORD, name};

fn file(desk: &Desk, name: &str) -> String {
    hex(&desk.disk.read(&Path::new("vault").join(name)).unwrap())
}

/// "BVB" 1 of docs/formats/keys.md.
fn backup(desk: &Desk) -> (String, String) {
    let backup = desk.vault.back_up_keys().unwrap();
    let mut octets = [&b"BVB\x01"[..], &backup.day.to_be_bytes()].concat();
    for part in [&backup.node, &backup.sealed] {
        octets.extend_from_slice(&(part.len() as u64).to_be_bytes());
        octets.extend_from_slice(part);
    }
    (hex(&octets), hex(&backup.period))
}

fn make() -> serde_json::Value {
    let desk = Desk::new("IE", 1);
    let both = || [Desk::hand("ann"), Desk::hand("ben")];
    let papers = desk.act(Act::PrintShares { count: 2 }, both()).unwrap();
    let papers: Vec<_> = papers.iter().map(|words| words.expose().clone()).collect();
    let (backup, period) = backup(&desk);
    let account = file(&desk, &format!("accounts/{}.keys", desk.account));
    let case = desk.order().case;
    let asks = desk.asks();
    let session = desk.vault.sign_in(desk.account, &PASSWORD.into()).unwrap();
    desk.vault.close_account(&session, &[(case, asks.clone())], &desk.epochs).unwrap();
    let held = desk.disk.list(Path::new("vault/held")).unwrap().remove(0);
    let held = file(&desk, &format!("held/{}", Path::new(&held).display()));
    let dealt = file(&desk, "officers.roster");
    let officers = OFFICERS.map(|(officer, passphrase)| {
        json!({ "name": officer, "passphrase": passphrase, "file": file(&desk, &format!("officers/{officer}.keys")) })
    });
    // The escrow key is replaced, and the one of before still opens by the new one.
    desk.act(Act::Remove { officer: name("cat") }, both()).unwrap();
    let messages = desk.mail[1..4].iter().map(|stored| {
        json!({
            "id": stored.ask.id.to_string(), "epoch": stored.ask.epoch.0, "arrival": stored.ask.arrival.0,
            "plain": hex(&stored.plain), "sealed": hex(&stored.sealed),
        })
    });
    json!({
        "node_passphrase": NODE_PASSPHRASE, "node": file(&desk, "node.keys"), "roster": dealt,
        "roster_replaced": file(&desk, "officers.roster"), "officers": officers, "papers": papers,
        "account": desk.account.to_string(), "account_file": account, "password": PASSWORD, "backup": backup,
        "period": period, "case": case.0, "held": held, "messages": messages.collect::<Vec<_>>(),
        "words": bip39::Language::English.word_list().join(" "),
    })
}

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(path)
}

fn write(file: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(file);
    let text = serde_json::to_string_pretty(&make()).unwrap() + "\n";
    durable::RealDisk.write_atomic(&path, text.as_bytes(), durable::Visibility::Shared).unwrap();
    path
}

#[test]
#[ignore = "writes a file: for a new version of the format"]
fn write_the_office() {
    println!("{}", write("office.json").display());
}

#[test]
fn another_implementation_opens_the_office() {
    for vector in [here("vectors/office.json"), write("office-of-now.json")] {
        let ran = Command::new("python3").arg("-B").arg(here("open_office.py")).arg(&vector).output();
        let output = match ran {
            Ok(output) => output,
            Err(error) => return println!("skipped: python3 does not run: {error}"),
        };
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        match output.status.code() {
            Some(0) => assert!(said.contains("opened"), "{said}"),
            Some(77) => println!("{said}"),
            code => panic!("open_office.py ended with {code:?} for {}: {said}", vector.display()),
        }
    }
}
