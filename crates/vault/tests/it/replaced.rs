//! An account whose pair was replaced and a node whose signing key is being replaced, opened by another implementation: a
//! committed vector that stays for ever, and one of this moment.
//!
//! `cargo test -p vault --test it -- --ignored write_the_replaced` prints where a new one lies.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::process::Command;

use durable::Disk;
use serde_json::json;
use terms::{EpochId, hex};
use vault::{OwnerProof, SealedEpochKey};

use crate::desk::{Desk, NODE_PASSPHRASE, PASSWORD};

fn make() -> serde_json::Value {
    let desk = Desk::new("IE", 5);
    let vault = &desk.vault;
    vault.begin_account_rotation(desk.account, &OwnerProof::here(PASSWORD.into(), None), false).unwrap();
    let mut rows: HashMap<EpochId, SealedEpochKey> = desk.epochs.iter().cloned().collect();
    let all =
        |rows: &HashMap<EpochId, SealedEpochKey>| rows.iter().map(|(id, key)| (*id, key.clone())).collect::<Vec<_>>();
    loop {
        let fresh = vault.reseal_epochs(desk.account, &all(&rows)).unwrap();
        if fresh.is_empty() {
            break;
        }
        rows.extend(fresh);
    }
    vault.finish_account_rotation(desk.account, &all(&rows)).unwrap();
    let next = vault.begin_signing_rotation().unwrap().public_key();

    let names = ["node.keys".to_owned(), format!("accounts/{}.keys", desk.account)];
    let files: BTreeMap<_, _> =
        names.iter().map(|name| (name, hex(&desk.disk.read(&Path::new("vault").join(name)).unwrap()))).collect();
    let epochs: BTreeMap<_, _> =
        rows.iter().map(|(EpochId(epoch), sealed)| (epoch.to_string(), hex(&sealed.0))).collect();
    let messages = desk.mail.iter().map(|stored| {
        json!({
            "id": stored.ask.id.to_string(), "epoch": stored.ask.epoch.0, "arrival": stored.ask.arrival.0,
            "plain": hex(&stored.plain), "sealed": hex(&stored.sealed),
        })
    });
    json!({
        "node_passphrase": NODE_PASSPHRASE, "account": desk.account.to_string(), "password": PASSWORD,
        "first_public": hex(&desk.public.0), "next_signing_key": hex(&next), "epochs": epochs,
        "messages": messages.collect::<Vec<_>>(), "files": files,
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
fn write_the_replaced() {
    println!("{}", write("replaced.json").display());
}

#[test]
fn another_implementation_opens_what_was_replaced() {
    for vector in [here("vectors/replaced.json"), write("replaced-now.json")] {
        let ran = Command::new("python3").arg("-B").arg(here("open_replaced.py")).arg(&vector).output();
        let output = match ran {
            Ok(output) => output,
            Err(error) => return println!("skipped: python3 does not run: {error}"),
        };
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        match output.status.code() {
            Some(0) => assert!(said.contains("opened"), "{said}"),
            Some(77) => println!("{said}"),
            code => panic!("open_replaced.py ended with {code:?} for {}: {said}", vector.display()),
        }
    }
}
