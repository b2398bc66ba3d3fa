//! Is everything there, and as it was written? Without any owner: checksums, the commit sequence, references.
//!
//! That a blob also opens, only its owner's key can tell; its checksum says that it is what was stored.

use std::collections::BTreeSet;

use terms::{AccountId, EpochId, MessageId};

use crate::StoreError;
use crate::accounts::Account;
use crate::pack::RECORD_HEADER_BYTES;
use crate::reading::check_header;
use crate::state::{AccountState, MessageRow};
use crate::store::Store;
use crate::view::{Blobs, PARTS};

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// Commits so far.
    pub commits: u64,
    /// Accounts.
    pub accounts: u64,
    /// Messages, live and held.
    pub messages: u64,
    /// Segments.
    pub segments: u64,
    /// Bytes of all segments.
    pub pack_bytes: u64,
    /// Bytes of the segments that messages refer to.
    pub live_bytes: u64,
    /// Every damage, one sentence each; empty when all is well.
    pub damages: Vec<String>,
}

impl Report {
    /// Whether nothing is wrong.
    pub fn is_sound(&self) -> bool {
        self.damages.is_empty()
    }

    fn note(&mut self, damage: impl std::fmt::Display) {
        self.damages.push(damage.to_string());
    }
}

impl Store {
    /// Reads everything and checks it. One damage never stops the rest. Runs beside other work; messages that come and
    /// go meanwhile are no damage.
    pub fn verify(&self) -> Report {
        let mut report = Report::default();
        report.damages.extend(self.damage.clone());
        self.verify_rows(&mut report);
        let mut used = BTreeSet::new();
        let mut accounts: Vec<_> = self.engine.directory().by_id.values().cloned().collect();
        accounts.sort_unstable_by_key(|account| account.number);
        report.accounts = accounts.len() as u64;
        for account in accounts {
            // From disk, not from memory: memory may be right where the disk is not.
            match self.engine.read_account(&account) {
                Ok((state, _)) => {
                    used.extend(state.messages.iter().map(|row| row.segment));
                    self.verify_account(&account, &state, &mut report);
                }
                Err(error) => report.note(error),
            }
        }
        self.verify_segments(&used, &mut report);
        report
    }

    fn verify_rows(&self, report: &mut Report) {
        let reader = self.engine.reader();
        match reader.faults() {
            Ok(faults) => report.damages.extend(faults.into_iter().map(|fault| format!("rows: {fault}"))),
            Err(error) => report.note(StoreError::reading(&error)),
        }
        match reader.check_commits() {
            Ok(last) => report.commits = last.seq,
            Err(error) => report.note(error),
        }
    }

    /// A segment that nothing refers to may have any content: its first sync may have failed.
    fn verify_segments(&self, used: &BTreeSet<u32>, report: &mut Report) {
        let packs = &self.engine.packs;
        let segments = match packs.segments() {
            Ok(segments) => segments,
            Err(error) => return report.note(format!("the packs cannot be listed: {error}")),
        };
        report.segments = segments.len() as u64;
        for segment in segments {
            match packs.reader(segment).and_then(|reader| reader.len()) {
                Ok(len) => report.pack_bytes += len,
                Err(error) => report.note(format!("segment {segment}: {error}")),
            }
            if used.contains(&segment) && !packs.header_is_sound(segment).unwrap_or(false) {
                report.note(format!("segment {segment} has a damaged header"));
            }
        }
    }

    fn verify_account(&self, account: &Account, state: &AccountState, report: &mut Report) {
        let mut epochs = BTreeSet::new();
        for row in state.messages.iter() {
            report.messages += 1;
            epochs.insert(EpochId(row.epoch));
            self.verify_message(account.record.id, state, row, report);
        }
        for epoch in epochs {
            let found = self.engine.reader().epoch(account.number, epoch);
            if !matches!(found, Ok(Some(_))) {
                report.note(format!("the key of epoch {epoch} of account {} is missing: its messages of that hour do not open; restore a backup", account.record.id));
            }
        }
    }

    fn verify_message(&self, account: AccountId, state: &AccountState, row: &MessageRow, report: &mut Report) {
        let (id, blobs) = (MessageId(row.id), Blobs::of(row));
        for part in PARTS {
            let Some((offset, sealed)) = blobs.place(part) else { continue };
            let len = RECORD_HEADER_BYTES as u64 + sealed;
            report.live_bytes += len;
            let what = || {
                let places = places(state, row.slot);
                format!(
                    "{part:?} of message {id} of account {account} ({places}), segment {} at {offset}",
                    blobs.segment
                )
            };
            match self.engine.packs.read(blobs.segment, offset, usize::try_from(len).unwrap_or(usize::MAX)) {
                Ok(bytes) => {
                    let checked = check_header(&bytes, account, id, part, sealed)
                        .and_then(|record| record.check(&bytes[RECORD_HEADER_BYTES..]));
                    if let Err(error) = checked {
                        report.note(format!("{}: {error}", what()));
                    }
                }
                Err(error) => report.note(format!("{}: {error}", what())),
            }
        }
    }
}

/// Where an owner sees a message, for whoever has to tell the owner what is lost.
fn places(state: &AccountState, slot: u32) -> String {
    let seen: Vec<String> = state
        .mailboxes
        .values()
        .flat_map(|mailbox| {
            let rows = mailbox.rows.iter().filter(|row| row.slot == slot);
            rows.map(|row| format!("{:?} UID {}", mailbox.name, row.uid))
        })
        .collect();
    if seen.is_empty() { "in no mailbox".to_owned() } else { seen.join(", ") }
}
