//! What officers have, opened by another implementation: roster and officers of format 2, paper shares, what a case holds
//! of a closed account, a backup of keys. A committed vector stays for good; a fresh one shows that the program
//! still writes the same formats (shares are dealt by chance, so the bytes differ).
//!
//! `cargo test -p keeper --test it -- --ignored write_the_office` prints where a new one lies.

use std::path::Path;

use durable::Disk;
use serde_json::json;
use terms::hex;
use vault::Act;

use crate::another;
use crate::desk::{Desk, NODE_PASSPHRASE, OFFICERS, PASSWORD, name};

fn file(desk: &Desk, name: &str) -> String {
    hex(&desk.disk.read(&Path::new("vault").join(name)).unwrap())
}

/// "BVB" 1 of docs/formats/keys.md.
fn backup(desk: &Desk) -> (String, String) {
    let backup = desk.vault.back_up_keys().unwrap();
    let mut bytes = [&b"BVB\x01"[..], &backup.day.to_be_bytes()].concat();
    for part in [&backup.node, &backup.sealed] {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part);
    }
    (hex(&bytes), hex(&backup.day_key))
}

fn make() -> serde_json::Value {
    let desk = Desk::new("IE", 1);
    let both = || [Desk::proof("ann"), Desk::proof("ben")];
    let paper_shares = desk.act(Act::PrintShares { count: 2 }, both()).unwrap();
    let paper_shares: Vec<_> = paper_shares.iter().map(|words| words.expose().clone()).collect();
    let (backup, day_key) = backup(&desk);
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
    // The escrow key is replaced, and the previous one still opens by the new one.
    desk.act(Act::Remove { officer: name("cat") }, both()).unwrap();
    json!({
        "node_passphrase": NODE_PASSPHRASE, "node": file(&desk, "node.keys"), "roster": dealt,
        "roster_replaced": file(&desk, "officers.roster"), "officers": officers, "paper_shares": paper_shares,
        "account": desk.account.to_string(), "account_file": account, "password": PASSWORD, "backup": backup,
        "day_key": day_key, "case": case.0, "held": held, "messages": another::messages(&desk.mail[1..4]),
        "words": bip39::Language::English.word_list().join(" "),
    })
}

#[test]
#[ignore = "writes a file: for a new version of the format"]
fn write_the_office() {
    println!("{}", another::write("office.json", &make()).display());
}

#[test]
fn another_implementation_opens_the_office() {
    another::opens(
        "open_office.py",
        &[another::here("vectors/office.json"), another::write("office-fresh.json", &make())],
    );
}
