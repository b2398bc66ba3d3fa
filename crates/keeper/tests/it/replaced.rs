//! An account whose pair was replaced and a node whose signing key is being replaced, opened by another implementation: a
//! committed vector that stays for good, and a fresh one.
//!
//! `cargo test -p keeper --test it -- --ignored write_the_replaced` prints where a new one lies.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use durable::Disk;
use serde_json::json;
use terms::{EpochId, hex};
use vault::{OwnerProof, SealedEpochKey};

use crate::another;
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
    json!({
        "node_passphrase": NODE_PASSPHRASE, "account": desk.account.to_string(), "password": PASSWORD,
        "first_public": hex(&desk.public.0), "next_signing_key": hex(&next), "epochs": epochs,
        "messages": another::messages(&desk.mail), "files": files,
    })
}

#[test]
#[ignore = "writes a file: for a new version of the format"]
fn write_the_replaced() {
    println!("{}", another::write("replaced.json", &make()).display());
}

#[test]
fn another_implementation_opens_what_was_replaced() {
    another::opens(
        "open_replaced.py",
        &[another::here("vectors/replaced.json"), another::write("replaced-fresh.json", &make())],
    );
}
