//! What a kill left on the disk, read from a copy before the program runs again: the MODSEQ of each message, which IMAP does
//! not tell, and what a client would be told that comes back with the last MODSEQ that it knows (RFC 7162).

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use durable::{RealDisk, SystemClock};
use store::{FlagSet, MailboxInfo, MailboxView, Store};
use terms::Secret;
use vault::{CostProfile, SystemEntropy};

/// A mailbox as it was left: its numbers, and by UID the MODSEQ and the flags of each message.
struct Left {
    info: MailboxInfo,
    rows: BTreeMap<u32, (u64, FlagSet)>,
}

impl Left {
    fn of(view: &MailboxView) -> Self {
        let row = |entry: store::MessageEntry| (entry.uid, (entry.modseq, (*entry.flags).clone()));
        Self { info: view.info(), rows: view.entries().map(row).collect() }
    }

    /// No MODSEQ sank, and what changed since leads from what was there to what is there: nobody who asks for the changes
    /// since the MODSEQ that was true then misses a message that came, changed or went.
    fn lead_to(self, view: &MailboxView) -> Self {
        let (now, since) = (Self::of(view), self.info.highest_modseq);
        let name = &now.info.name;
        assert!(now.info.highest_modseq >= since, "{name}: the highest MODSEQ was {since}");
        for (uid, (modseq, _)) in &now.rows {
            let before = self.rows.get(uid).map_or(since + 1, |(before, _)| *before);
            assert!(*modseq >= before, "{name}: UID {uid} has MODSEQ {modseq}, after {before}");
        }
        let changes = view.changes_since(since);
        let mut rows = self.rows;
        rows.retain(|uid, _| !changes.vanished.contains(*uid));
        rows.extend(changes.changed.into_iter().map(|entry| (entry.uid, (entry.modseq, (*entry.flags).clone()))));
        assert!(rows == now.rows, "{name}: the changes since {since} lead elsewhere");
        now
    }

    /// Every UID that was ever given is there or has vanished, and no MODSEQ is above the mailbox's.
    fn check(&self, view: &MailboxView) {
        let (name, vanished) = (&self.info.name, view.changes_since(0).vanished);
        for uid in 1..self.info.uid_next {
            assert!(self.rows.contains_key(&uid) != vanished.contains(uid), "{name}: UID {uid}");
        }
        assert!(self.rows.values().all(|(modseq, _)| *modseq <= self.info.highest_modseq), "{name}");
    }

    /// One session used this mailbox, and did all that it did to one message before it began the next: in the order of
    /// UIDs each MODSEQ is above the one before, over all kills.
    fn check_order(&self) {
        let modseqs: Vec<u64> = self.rows.values().map(|(modseq, _)| *modseq).collect();
        assert!(modseqs.is_sorted_by(|one, next| one < next), "{}: {modseqs:?}", self.info.name);
    }
}

/// All mailboxes of the account, as the kill before left them.
#[derive(Default)]
pub(crate) struct Before(BTreeMap<String, Left>);

impl Before {
    /// Reads what is in the data directory `dir`, where nothing runs, of the account with this address; `alone` are the
    /// mailboxes that one session at a time used. Returns the account's highest MODSEQ.
    pub(crate) fn follow(&mut self, dir: &Path, address: &str, alone: &[String]) -> u64 {
        let copy = tempfile::tempdir().unwrap();
        for room in ["store", "vault"] {
            copy_dir(&dir.join(room), &copy.path().join(room));
        }
        let passphrase = std::fs::read_to_string(dir.join("secrets/passphrase")).unwrap();
        let passphrase = Secret::new(passphrase.trim_end().to_owned());
        let (disk, clock, entropy) = (Arc::new(RealDisk), Arc::new(SystemClock), Arc::new(SystemEntropy));
        let vault = copy.path().join("vault");
        let gate = keeper::here(disk.clone(), vault, clock.clone(), entropy.clone());
        let vault = gate.unlock(&passphrase, CostProfile::OWASP).unwrap();
        let store = Store::open(disk, &copy.path().join("store"), Arc::new(vault), clock, entropy).unwrap();
        let verified = store.verify();
        assert!(verified.is_sound(), "{verified:?}");
        let account = store.account_of(&address.parse().unwrap()).unwrap().unwrap();
        let mut highest = 0;
        for info in store.mailboxes(account).unwrap() {
            let view = store.snapshot(account, info.id).unwrap();
            let left = match self.0.remove(&info.name) {
                Some(before) => before.lead_to(&view),
                None => Left::of(&view),
            };
            left.check(&view);
            if alone.contains(&info.name) {
                left.check_order();
            }
            highest = highest.max(info.highest_modseq);
            self.0.insert(info.name, left);
        }
        highest
    }
}

fn copy_dir(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (kind, target) = (entry.file_type().unwrap(), to.join(entry.file_name()));
        if kind.is_dir() {
            copy_dir(&entry.path(), &target);
        } else if kind.is_file() && entry.file_name() != "rows.sqlite-shm" {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
