//! Is everything there, and as it was written? Without any owner: checksums, the commit sequence, references.
//!
//! Whether a blob can be opened, only its owner's key can tell; its checksum says that it is what was stored.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use terms::{AccountId, MessageId};
use vault::Part;

use crate::account::blobs::{Blobs, PARTS};
use crate::account::state::{AccountState, MessageRow};
use crate::calls::opening::check_header;
use crate::damage::{Damage, DamageKind, ROWS_FILE, SeenAt};
use crate::engine::accounts::{Account, AccountRecord};
use crate::engine::state::context;
use crate::error::StoreError;
use crate::pack::{RECORD_HEADER_BYTES, RecordError};
use crate::store::Store;

/// The result of a verification.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Report {
    /// Commits so far.
    pub commits: u64,
    pub accounts: u64,
    /// Messages, live and held.
    pub messages: u64,
    pub segments: u64,
    /// Bytes of all segments.
    pub pack_bytes: u64,
    /// Bytes of the segments that messages refer to.
    pub live_bytes: u64,
    /// All damage; empty if there is none.
    pub damages: Vec<Damage>,
    /// What is not damage but worth knowing: files that nothing refers to.
    pub notes: Vec<String>,
    /// What could not be checked now, and why: the vault became unavailable.
    pub unchecked: Vec<String>,
}

impl Report {
    /// Whether nothing is wrong, and nothing was skipped.
    pub fn is_sound(&self) -> bool {
        self.damages.is_empty() && self.unchecked.is_empty()
    }
}

impl Store {
    /// Reads and checks everything. One damaged item never stops the rest. Runs beside other work; messages that arrive or
    /// are removed meanwhile are not damage.
    pub fn verify(&self) -> Report {
        // What the rows refer to stays in place until everything is read.
        let _era = self.engine.compaction.era();
        let mut report = Report::default();
        report.damages.extend(self.damage.clone());
        self.verify_rows(&mut report);
        self.verify_directory(&mut report);
        let mut used = BTreeSet::new();
        let accounts = self.engine.directory().every();
        report.accounts = accounts.len() as u64;
        for account in accounts {
            // From disk, not from memory: memory may be right when the disk is not.
            match self.engine.survey(&account) {
                Ok(surveyed) => {
                    used.extend(surveyed.state.messages.iter().chain(&surveyed.unplaced).map(|row| row.segment));
                    report.damages.extend(surveyed.damages);
                    self.verify_account(&account, &surveyed.state, &surveyed.unplaced, &mut report);
                }
                Err(error) => report.unchecked.push(format!("account {}: {error}", account.record.id)),
            }
        }
        self.verify_segments(&used, &mut report);
        report
    }

    fn verify_rows(&self, report: &mut Report) {
        let rows = |kind, what: &dyn std::fmt::Display| Damage::of_file(kind, ROWS_FILE, what);
        let reader = self.engine.reader();
        match reader.faults() {
            Ok(faults) => report.damages.extend(faults.iter().map(|fault| rows(DamageKind::Rows, fault))),
            Err(error) => report.damages.push(rows(DamageKind::Rows, &error)),
        }
        match reader.check_commits() {
            Ok(last) => report.commits = last.seq,
            Err(StoreError::Damaged(what)) => report.damages.push(rows(DamageKind::Commits, &what)),
            Err(error) => report.damages.push(rows(DamageKind::Commits, &error)),
        }
    }

    /// Profiles as they are on disk, and a row for each of their addresses.
    fn verify_directory(&self, report: &mut Report) {
        let read = {
            let reader = self.engine.reader();
            reader.accounts().and_then(|accounts| Ok((accounts, reader.addresses()?)))
        };
        let (accounts, addresses) = match read {
            Ok(read) => read,
            Err(error) => return report.damages.push(Damage::of_file(DamageKind::Rows, ROWS_FILE, error)),
        };
        let known: BTreeMap<[u8; 32], i64> = addresses.into_iter().collect();
        for (number, id, sealed) in accounts {
            let opened = match self.engine.vault.service_open_all(vec![(context::account(id), sealed)]) {
                Ok(opened) => opened.into_iter().next().flatten(),
                Err(error) => return report.unchecked.push(format!("profiles: {error}")),
            };
            let damage = |what: &str| Damage::of_file(DamageKind::Profile, ROWS_FILE, what).of(id);
            let Some(record) = opened.and_then(|plain| AccountRecord::parse(id, &plain)) else {
                report.damages.push(damage("the seal of the account's profile is broken"));
                continue;
            };
            for address in &record.addresses {
                match self.hashes(address) {
                    Ok(hashes) if hashes.iter().any(|hash| known.get(hash) == Some(&number)) => {}
                    Ok(_) => {
                        report.damages.push(damage("the row of one of the account's addresses is altered or missing"))
                    }
                    Err(error) => return report.unchecked.push(format!("addresses: {error}")),
                }
            }
        }
    }

    /// A segment that nothing refers to may have any content: its first sync may have failed.
    fn verify_segments(&self, used: &BTreeSet<u32>, report: &mut Report) {
        let packs = &self.engine.packs;
        let segments = match packs.segments() {
            Ok(segments) => segments,
            Err(error) => {
                let what = format_args!("the packs cannot be listed: {error}");
                return report.damages.push(Damage::of_file(DamageKind::SegmentShort, "packs", what));
            }
        };
        report.segments = segments.len() as u64;
        let grows = segments.last().copied();
        for segment in segments {
            let damage = |kind, what: &dyn std::fmt::Display| Damage::of_segment(kind, segment, None, what);
            let len = match packs.reader(segment).and_then(|reader| reader.len()) {
                Ok(len) => len,
                Err(error) => {
                    report.damages.push(damage(DamageKind::SegmentShort, &error));
                    continue;
                }
            };
            report.pack_bytes += len;
            if used.contains(&segment) {
                if !packs.header_is_sound(segment).unwrap_or(false) {
                    report.damages.push(damage(DamageKind::SegmentHeader, &"its header is damaged"));
                }
            } else if grows != Some(segment) {
                report.notes.push(format!("segment {segment}: no message refers to its {len} bytes"));
            }
        }
    }

    fn verify_account(&self, account: &Account, state: &AccountState, unplaced: &[MessageRow], report: &mut Report) {
        for row in state.messages.iter().chain(unplaced) {
            report.messages += 1;
            let seen_at = || state.seen_at(|slot| slot == row.slot);
            self.verify_message(account, row, &seen_at, report);
        }
        for epoch in state.epochs() {
            let found = self.engine.reader().epoch(account.number, epoch);
            if !matches!(found, Ok(Some(_))) {
                let what = format_args!("the key of epoch {epoch} is missing");
                report.damages.push(Damage::of_file(DamageKind::EpochKey, ROWS_FILE, what).of(account.record.id));
            }
        }
    }

    fn verify_message(
        &self,
        account: &Account,
        row: &MessageRow,
        seen_at: &dyn Fn() -> Vec<SeenAt>,
        report: &mut Report,
    ) {
        let (owner, id, blobs) = (account.record.id, MessageId(row.id), Blobs::of(row));
        for part in PARTS {
            let Some((offset, sealed)) = blobs.place(part) else { continue };
            report.live_bytes += RECORD_HEADER_BYTES as u64 + sealed;
            let Err((kind, what)) = self.check_part(owner, id, &blobs, part) else { continue };
            let damage = Damage::of_segment(kind, blobs.segment, Some(offset), what).of(owner);
            report.damages.push(damage.at(id, Some(part), seen_at()));
        }
    }

    /// Checks that a part is where its row says, as it was stored.
    fn check_part(
        &self,
        account: AccountId,
        id: MessageId,
        blobs: &Blobs,
        part: Part,
    ) -> Result<(), (DamageKind, String)> {
        let Some((offset, sealed)) = blobs.place(part) else { return Ok(()) };
        let len = usize::try_from(RECORD_HEADER_BYTES as u64 + sealed).unwrap_or(usize::MAX);
        let bytes = self.engine.packs.read(blobs.segment, offset, len);
        let bytes = bytes.map_err(|error| (DamageKind::RecordUnreadable, error.to_string()))?;
        let checked = check_header(&bytes, account, id, part, sealed)
            .and_then(|record| record.check(&bytes[RECORD_HEADER_BYTES..]));
        checked.map_err(|error| {
            let kind = match error {
                RecordError::Body => DamageKind::RecordBody,
                RecordError::Header | RecordError::Other => DamageKind::RecordHeader,
            };
            (kind, error.to_string())
        })
    }
}
