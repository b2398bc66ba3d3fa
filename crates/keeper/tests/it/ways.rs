//! The ways to a service key while it is replaced (token, two people, older keys), a reset, the secret behind made-up salts
//! and a ring, opened by another implementation. A committed vector stays for good; a fresh one shows that the
//! program still writes the same formats.
//!
//! `cargo test -p keeper --test it -- --ignored write_the_ways` prints where a new one lies.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeySize, PrivateDecryptingKey};
use durable::Disk;
use serde_json::json;
use terms::{EpochId, Secret, hex};
use vault::{Act, TokenKey};

use crate::another;
use crate::desk::{Desk, NODE_PASSPHRASE, PASSWORD, cheap, name};

const HOLDERS: [(&str, &str); 3] = [("dora", "dora's words"), ("emil", "emil's words"), ("fred", "fred's words")];
const DAY_MILLIS: i64 = 86_400_000;

/// Every file of the vault.
fn files(desk: &Desk) -> BTreeMap<String, String> {
    let (mut files, mut folders) = (BTreeMap::new(), vec![PathBuf::from("vault")]);
    while let Some(folder) = folders.pop() {
        for entry in desk.disk.list(&folder).unwrap_or_default() {
            let path = folder.join(entry);
            match desk.disk.read(&path) {
                Ok(bytes) => {
                    let name = path.strip_prefix("vault").unwrap().to_str().unwrap().to_owned();
                    files.insert(name, hex(&bytes));
                }
                Err(_) => folders.push(path),
            }
        }
    }
    files
}

fn make() -> serde_json::Value {
    let desk = Desk::new("IE", 5);
    let gate = keeper::here(Arc::new(desk.disk.clone()), "vault".into(), desk.clock.clone(), desk.entropy.clone());
    let holders = HOLDERS.map(|(holder, words)| (name(holder), Secret::from(words))).to_vec();
    gate.set_key_holders(&NODE_PASSPHRASE.into(), &holders, cheap()).unwrap();
    let token = PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap();
    let public: PublicKeyX509Der<'_> = token.public_key().as_der().unwrap();
    let private: Pkcs8V1Der<'_> = token.as_der().unwrap();
    let key = TokenKey { id: vec![7; 16], public: public.as_ref().to_vec() };
    gate.add_token(&NODE_PASSPHRASE.into(), &key).unwrap();

    let session = desk.vault.sign_in(desk.account, &PASSWORD.into()).unwrap();
    let asks: Vec<_> = desk.mail.iter().map(|stored| stored.ask).collect();
    desk.vault.message_keys(&session, &desk.epochs, &asks).unwrap();
    drop(session);
    let both = [Desk::proof("ann"), Desk::proof("ben")];
    let reset = Act::BeginReset { account: desk.account, delay_millis: DAY_MILLIS, without_codes: true };
    desk.act(reset, both).unwrap();
    desk.vault.begin_service_rotation(&NODE_PASSPHRASE.into()).unwrap();
    desk.vault.reseal_own_files().unwrap();

    let epochs: BTreeMap<String, String> =
        desk.epochs.iter().map(|(EpochId(epoch), sealed)| (epoch.to_string(), hex(&sealed.0))).collect();
    json!({
        "node_passphrase": NODE_PASSPHRASE, "holders": BTreeMap::from(HOLDERS), "token_private": hex(private.as_ref()),
        "token_id": hex(&key.id), "account": desk.account.to_string(), "password": PASSWORD, "reset_delay": DAY_MILLIS,
        "epochs": epochs, "messages": another::messages(&desk.mail), "files": files(&desk),
    })
}

#[test]
#[ignore = "writes a file: for a new version of the format"]
fn write_the_ways() {
    println!("{}", another::write("ways.json", &make()).display());
}

#[test]
fn another_implementation_opens_the_ways() {
    another::opens("open_ways.py", &[another::here("vectors/ways.json"), another::write("ways-fresh.json", &make())]);
}
