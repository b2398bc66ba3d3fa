//! The check that only an owner can run: every message can be opened, and what is stored beside it matches it.
//!
//! Each original is opened; its record and its sizes are derived again and compared with what is stored, and so is what the owner's
//! index holds of it. One damaged message never stops the rest. Nothing is written.

use store::{Damage, DamageKind, MessageEntry, StoreError};
use vault::{Part, SignedIn};

use crate::import::Progress;
use crate::index::{CheckedVolumes, Derived};
use crate::mailroom::Mailroom;
use crate::record::Record;

/// Bytes of mail that are opened at once; a longer message is opened alone.
const OPEN_BYTES_MAX: u64 = 8 << 20;

/// Messages that are opened at once.
const OPEN_MESSAGES_MAX: usize = 256;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CheckReport {
    /// Messages that were opened, including those in the bin.
    pub messages: u64,
    /// Bytes of their originals.
    pub bytes: u64,
    /// Files of the index.
    pub volumes: u64,
    /// Messages that are in the index.
    pub indexed: u64,
    /// All damage; empty if there is none.
    pub damages: Vec<Damage>,
    /// What is not damage but worth knowing.
    pub notes: Vec<String>,
}

/// Checks everything that the signed-in owner has. `progress` is called before the first message and after each batch.
///
/// # Errors
/// [`StoreError::VaultAway`], [`StoreError::Vault`] when the session is over; [`StoreError::Damaged`] when the account's rows
/// cannot be read: the check without an owner says which.
pub fn run(mail: &Mailroom, right: &SignedIn, progress: &mut dyn FnMut(Progress)) -> Result<CheckReport, StoreError> {
    mail.look_at_volumes(right, |volumes| {
        let account = right.account();
        let owned = mail.store.owned(account, &mail.store.owned_slots(account)?)?;
        let deleted: Vec<MessageEntry> = mail.store.deleted(right)?.into_iter().map(|deleted| deleted.entry).collect();
        let total = (owned.len() + deleted.len()) as u64;
        let mut check = Check { mail, right, volumes, report: CheckReport::default(), progress, total };
        check.step();
        check.all(&owned, true)?;
        check.all(&deleted, false)?;
        Ok(check.finish(owned.len() as u64))
    })
}

struct Check<'c> {
    mail: &'c Mailroom,
    right: &'c SignedIn,
    volumes: Option<CheckedVolumes>,
    report: CheckReport,
    progress: &'c mut dyn FnMut(Progress),
    total: u64,
}

type Opened = Result<Vec<u8>, StoreError>;

impl Check<'_> {
    fn step(&mut self) {
        let CheckReport { messages: done, bytes, ref damages, .. } = self.report;
        (self.progress)(Progress { done, total: self.total, failed: damages.len() as u64, bytes });
    }

    fn all(&mut self, entries: &[MessageEntry], in_index: bool) -> Result<(), StoreError> {
        let mut rest = entries;
        while !rest.is_empty() {
            let mut bytes = 0;
            let fits = |entry: &&MessageEntry| {
                bytes += u64::from(entry.original_size_bytes);
                bytes <= OPEN_BYTES_MAX
            };
            let count = rest.iter().take(OPEN_MESSAGES_MAX).take_while(fits).count().max(1);
            let (batch, after) = rest.split_at(count);
            let (originals, prefixes, records) =
                (self.open(batch, Part::Original)?, self.open(batch, Part::Prefix)?, self.open(batch, Part::Record)?);
            for (((entry, original), prefix), record) in batch.iter().zip(originals).zip(prefixes).zip(records) {
                self.one(entry, original, prefix, record, in_index);
            }
            self.step();
            rest = after;
        }
        Ok(())
    }

    /// Opens a part of each.
    fn open(&self, batch: &[MessageEntry], part: Part) -> Result<Vec<Opened>, StoreError> {
        self.mail.store.open_parts(self.right, batch, part)
    }

    fn damage(&mut self, kind: DamageKind, entry: &MessageEntry, part: Part, what: impl std::fmt::Display) {
        let damage = match entry.place(part) {
            Some((segment, offset)) => Damage::of_segment(kind, segment, Some(offset), what),
            None => Damage::of_file(kind, "rows.sqlite", what),
        };
        let seen_at = self.mail.store.seen_at(entry.account, entry.slot).unwrap_or_default();
        self.report.damages.push(damage.of(entry.account).at(entry.id, Some(part), seen_at));
    }

    fn opened(&mut self, entry: &MessageEntry, part: Part, opened: Opened) -> Option<Vec<u8>> {
        let what = match opened {
            Ok(octets) => return Some(octets),
            Err(StoreError::Damaged(what) | StoreError::Vault(what)) => what,
            Err(error) => error.to_string(),
        };
        self.damage(DamageKind::Sealed, entry, part, what);
        None
    }

    fn one(&mut self, entry: &MessageEntry, original: Opened, prefix: Opened, record: Opened, in_index: bool) {
        let original = self.opened(entry, Part::Original, original);
        let prefix = self.opened(entry, Part::Prefix, prefix);
        let record = self.opened(entry, Part::Record, record);
        self.report.messages += 1;
        let (Some(original), Some(prefix)) = (original, prefix) else { return };
        self.report.bytes += original.len() as u64;
        let view = message::view(&original);
        let now = Record::of(&original, &view);
        if let Some(record) = record {
            match Record::decode(&record) {
                Ok(stored) if stored == now => {}
                Ok(stored) => {
                    let what = format!("it differs from what the message gives: {}", differing(&stored, &now));
                    self.damage(DamageKind::Derived, entry, Part::Record, what);
                }
                Err(error) => self.damage(DamageKind::Derived, entry, Part::Record, error),
            }
        }
        if !is_header(&prefix) {
            self.damage(DamageKind::Derived, entry, Part::Prefix, "it is not a header");
        }
        let whole = [&prefix[..], &view].concat();
        let sizes = [(entry.original_size_bytes, original.len()), (entry.view_size_bytes, whole.len())];
        for (row, found) in sizes.into_iter().filter(|(row, found)| *row as usize != *found) {
            let what = format_args!("its row says {row} bytes, but it has {found}").to_string();
            self.damage(DamageKind::Columns, entry, Part::Original, what);
        }
        if let Some(volumes) = self.volumes.as_mut().filter(|_| in_index) {
            volumes.hold(entry, &now, &Derived::of(&whole));
        }
    }

    fn finish(self, owned: u64) -> CheckReport {
        let mut report = self.report;
        let Some(mut volumes) = self.volumes else {
            report.notes.push("this node keeps no index".to_owned());
            return report;
        };
        volumes.finish();
        (report.volumes, report.indexed) = (volumes.count(), volumes.indexed);
        report.damages.append(&mut volumes.damages);
        report.notes.append(&mut volumes.notes);
        if owned > report.indexed {
            let missing = owned - report.indexed;
            report.notes.push(format!(
                "{missing} messages are not in the index yet; they are read one by one until the owner signs in"
            ));
        }
        report
    }
}

/// Whether bytes are lines of a header.
fn is_header(prefix: &[u8]) -> bool {
    let closed = [prefix, b"\r\n"].concat();
    message::header_len(&closed) == closed.len()
}

/// The names of the fields that differ, as in the format.
fn differing(stored: &Record, now: &Record) -> String {
    let fields = [
        ("envelope", stored.envelope == now.envelope),
        ("bodystructure", stored.bodystructure == now.bodystructure),
        ("body", stored.body == now.body),
        ("preview", stored.preview == now.preview),
        ("sent", stored.sent == now.sent),
        ("header", stored.header_bytes == now.header_bytes),
        ("view", (stored.view_bytes, stored.verbatim) == (now.view_bytes, now.verbatim)),
    ];
    let names: Vec<&str> = fields.into_iter().filter(|(_, same)| !same).map(|(name, _)| name).collect();
    names.join(", ")
}
