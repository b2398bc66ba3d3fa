//! A mailroom in a directory of its own, with one or more accounts: for tests of this crate and of the doors.

#![allow(dead_code, clippy::unwrap_used, reason = "each test uses a part of this, and may fail this way")]

use std::path::Path;
use std::sync::Arc;

use durable::{Disk, RealDisk};
use mailroom::Mailroom;
use store::{MessageEntry, Store};
use terms::{AccountId, Address, Clock, Entropy, Secret, UnixMillis};
use vault::{CostProfile, Founding, Part, SignedIn, Vault};
use world::{ManualClock, SeededEntropy};

/// The password of every account here.
pub(crate) const PASSWORD: &str = "correct horse";

/// When the world stands still: 2026-11-23T05:19:19Z.
pub(crate) const NOW: UnixMillis = UnixMillis(1_795_411_159_000);

pub(crate) struct Room {
    pub(crate) mailroom: Mailroom,
    pub(crate) dir: tempfile::TempDir,
    pub(crate) clock: Arc<ManualClock>,
}

impl Room {
    pub(crate) fn new(addresses: &[&[&str]]) -> Self {
        Self::on(Arc::new(RealDisk), addresses)
    }

    /// With an account for each list of addresses.
    pub(crate) fn on(disk: Arc<dyn Disk>, addresses: &[&[&str]]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(NOW));
        let vault = make_vault(dir.path(), clock.clone());
        let room = Self { mailroom: open(disk, dir.path(), vault, clock.clone()), dir, clock };
        for (index, addresses) in addresses.iter().enumerate() {
            let addresses: Vec<Address> = addresses.iter().map(|address| address.parse().unwrap()).collect();
            let (vault, store) = (&room.mailroom.vault, &room.mailroom.store);
            let id = AccountId([u8::try_from(index).unwrap() + 1; 16]);
            let key = vault.create_account(id, &Secret::new(PASSWORD.to_owned())).unwrap();
            store.create_account(id, &addresses, &key, "").unwrap();
        }
        room
    }

    pub(crate) fn account(&self, address: &str) -> AccountId {
        self.mailroom.recipient(&address.parse().unwrap()).unwrap()
    }

    pub(crate) fn sign_in(&self, account: AccountId) -> SignedIn {
        self.mailroom.vault.sign_in(account, &Secret::new(PASSWORD.to_owned())).unwrap()
    }

    /// The contents of an account's INBOX.
    pub(crate) fn inbox(&self, address: &str) -> Vec<MessageEntry> {
        let account = self.account(address);
        let inbox = self.mailroom.store.mailbox_named(account, store::INBOX).unwrap().id;
        let view = self.mailroom.store.snapshot(account, inbox).unwrap();
        (0..view.len()).map(|position| view.at(position).unwrap()).collect()
    }

    /// A part of each message of an account's INBOX.
    pub(crate) fn parts(&self, address: &str, part: Part) -> Vec<Vec<u8>> {
        let right = self.sign_in(self.account(address));
        let entries = self.inbox(address);
        let parts = self.mailroom.store.open_parts(&right, &entries, part).unwrap();
        parts.into_iter().map(Result::unwrap).collect()
    }
}

fn make_vault(dir: &Path, clock: Arc<dyn Clock>) -> Arc<Vault> {
    let secret = |text: &str| Secret::new(text.to_owned());
    let officers = ["first", "second"].map(|name| (name.parse().unwrap(), secret("an officer's phrase")));
    let gate = keeper::here(Arc::new(RealDisk), dir.join("vault"), clock, Arc::new(SeededEntropy::new(1)));
    let vault = gate.create(Founding {
        home: "IE".parse().unwrap(),
        log_origin: "mail.ie.example/ledger".to_owned(),
        passphrase: secret("the node's phrase"),
        officers: officers.into(),
        cost: CostProfile::new(8, 1, 1).unwrap(),
    });
    Arc::new(vault.unwrap())
}

/// Opens the store in `dir` as a starting node does.
pub(crate) fn open(disk: Arc<dyn Disk>, dir: &Path, vault: Arc<Vault>, clock: Arc<dyn Clock>) -> Mailroom {
    let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(2));
    // The database goes to the machine's file system by itself, whatever the disk of the packs is.
    std::fs::create_dir_all(dir.join("store")).unwrap();
    let store = Store::open(disk, &dir.join("store"), vault.clone(), clock.clone(), entropy.clone()).unwrap();
    Mailroom {
        store: Arc::new(store),
        vault,
        clock,
        entropy,
        hostname: "mail.ie.example".into(),
        index: Default::default(),
        large: Default::default(),
    }
}

/// The files of an account's index, sorted.
pub(crate) fn volumes(room: &Room, account: AccountId) -> Vec<std::path::PathBuf> {
    let dir = room.dir.path().join(format!("store/index/{account}"));
    let mut paths: Vec<std::path::PathBuf> =
        std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}
