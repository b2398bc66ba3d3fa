//! The journal of an import: what has been imported, so that a second run continues where the first stopped.
//!
//! One file per account, target and source, in the node's data directory. Every record is sealed under the service key; a
//! message is identified by a keyed hash of its bytes, so that the file reveals nothing. The order of writes makes it
//! exactly-once across a crash:
//!
//! 1. *Intent*: which messages are next, and the next UID of each mailbox they go to. Synced.
//! 2. The store appends them, all or none. Durable when it returns.
//! 3. *Done*. Synced with the next intent.
//!
//! A crash leaves at most one intent whose outcome is unknown. The next run looks at the UIDs assigned since: either the whole batch is
//! there, in sequence with the same sizes and dates, or none of it is. Only if the
//! owner expunged one of its messages between the crash and the next run would that batch be imported twice.

use std::collections::HashMap;
use std::io;
use std::path::Path;

use durable::{AppendFile, Disk, Visibility};
use terms::MailboxId;
use vault::Vault;

/// Separates the journal's seals and hashes from all others of the service key.
const CONTEXT: &str = "mailroom/import/journal/v1";

const INTENT: u8 = 1;
const DONE: u8 = 2;

/// One message of an intent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    /// The mailbox it goes to.
    pub(super) mailbox: MailboxId,
    /// [`Journal::digest`] of its bytes.
    pub(super) digest: [u8; 32],
    /// Its size in bytes.
    pub(super) size: u64,
    /// Its internal date in milliseconds.
    pub(super) date: i64,
}

/// A mailbox's UIDVALIDITY and next UID at an intent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Floor {
    pub(super) mailbox: MailboxId,
    pub(super) uid_validity: u32,
    pub(super) uid_next: u32,
}

/// A batch that is to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Intent {
    pub(super) floors: Vec<Floor>,
    pub(super) rows: Vec<Row>,
}

/// An open journal.
pub(super) struct Journal<'v> {
    vault: &'v Vault,
    file: Box<dyn AppendFile>,
    /// Counts the records, so that none can be omitted or moved unnoticed.
    next: u64,
    /// How often this import has put a message into a mailbox.
    stored: HashMap<(MailboxId, [u8; 32]), u64>,
    /// The last intent, while its outcome is unknown.
    open: Option<Intent>,
}

impl<'v> Journal<'v> {
    /// Opens or creates the journal at `path`. It is cut at the first record that cannot be opened: a power cut may tear the last
    /// ones. Other damage may cause messages to be imported twice, but never to be missed.
    pub(super) fn open(vault: &'v Vault, disk: &dyn Disk, path: &Path) -> io::Result<Self> {
        let bytes = if disk.exists(path) { disk.read(path)? } else { Vec::new() };
        let file = disk.open_append(path, Visibility::Private)?;
        let mut journal = Self { vault, file, next: 0, stored: HashMap::new(), open: None };
        let mut frames = Vec::new();
        let mut rest = bytes.as_slice();
        while let Some(sealed) = framed(rest) {
            frames.push(sealed);
            rest = &rest[4 + sealed.len()..];
        }
        let sealed = frames.iter().map(|sealed| (CONTEXT.to_owned(), sealed.to_vec())).collect();
        // An unavailable vault says nothing about the records.
        let opened = vault.service_open_all(sealed).map_err(io::Error::other)?;
        let mut at = 0;
        for (sealed, plain) in frames.iter().zip(opened) {
            if plain.and_then(|plain| journal.take(&plain)).is_none() {
                break;
            }
            at += 4 + sealed.len();
        }
        if at < bytes.len() {
            journal.file.truncate(at as u64)?;
        }
        Ok(journal)
    }

    /// The keyed hash that identifies a message in the journal.
    pub(super) fn digest(vault: &Vault, original: &[u8]) -> io::Result<[u8; 32]> {
        vault.service_hash(CONTEXT, original).map_err(io::Error::other)
    }

    /// How often this import has imported each message.
    pub(super) fn stored(&self) -> &HashMap<(MailboxId, [u8; 32]), u64> {
        &self.stored
    }

    /// The batch of which it is not known whether it was stored.
    pub(super) fn open_intent(&self) -> Option<&Intent> {
        self.open.as_ref()
    }

    /// Records that `intent` is next. Durable when it returns, and so is everything before it. An earlier intent that is
    /// still open was not stored.
    pub(super) fn intend(&mut self, intent: Intent) -> io::Result<()> {
        self.append(&encode(&intent))?;
        self.file.sync()?;
        self.open = Some(intent);
        Ok(())
    }

    /// Records that the last intent is stored. Durable with the next [`intend`](Self::intend) or
    /// [`finish`](Self::finish).
    pub(super) fn done(&mut self) -> io::Result<()> {
        self.append(&[DONE])?;
        self.settle();
        Ok(())
    }

    /// Forgets the open intent, which was not stored.
    pub(super) fn abandon(&mut self) {
        self.open = None;
    }

    /// Makes everything durable.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        self.file.sync()
    }

    fn settle(&mut self) {
        for row in self.open.take().into_iter().flat_map(|intent| intent.rows) {
            *self.stored.entry((row.mailbox, row.digest)).or_default() += 1;
        }
    }

    fn append(&mut self, body: &[u8]) -> io::Result<()> {
        let mut plain = self.next.to_le_bytes().to_vec();
        plain.extend_from_slice(body);
        let sealed = self.vault.service_seal(CONTEXT, &plain).map_err(io::Error::other)?;
        let len = u32::try_from(sealed.len()).map_err(|_| io::Error::other("a journal record of 4 GiB"))?;
        self.file.append(&[&len.to_le_bytes(), &sealed])?;
        self.next += 1;
        Ok(())
    }

    fn take(&mut self, plain: &[u8]) -> Option<()> {
        let (number, body) = plain.split_first_chunk::<8>()?;
        if u64::from_le_bytes(*number) != self.next {
            return None;
        }
        match body.split_first()? {
            (&INTENT, rest) => self.open = Some(decode(rest)?),
            (&DONE, []) => self.settle(),
            _ => return None,
        }
        self.next += 1;
        Some(())
    }
}

/// The record at the beginning of `bytes`, if it is complete.
fn framed(bytes: &[u8]) -> Option<&[u8]> {
    let (len, rest) = bytes.split_first_chunk::<4>()?;
    rest.get(..usize::try_from(u32::from_le_bytes(*len)).ok()?)
}

/// `kind:u8 floors:u32 (mailbox:u32 uid_validity:u32 uid_next:u32)* rows:u32 (mailbox:u32 digest:32 size:u64 date:i64)*`,
/// little-endian.
fn encode(intent: &Intent) -> Vec<u8> {
    let mut out = vec![INTENT];
    // Both counts are bounded by a batch.
    out.extend_from_slice(&(intent.floors.len() as u32).to_le_bytes());
    for floor in &intent.floors {
        for value in [floor.mailbox.0, floor.uid_validity, floor.uid_next] {
            out.extend_from_slice(&value.to_le_bytes());
        }
    }
    out.extend_from_slice(&(intent.rows.len() as u32).to_le_bytes());
    for row in &intent.rows {
        out.extend_from_slice(&row.mailbox.0.to_le_bytes());
        out.extend_from_slice(&row.digest);
        out.extend_from_slice(&row.size.to_le_bytes());
        out.extend_from_slice(&row.date.to_le_bytes());
    }
    out
}

fn decode(mut bytes: &[u8]) -> Option<Intent> {
    fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
        let (head, rest) = bytes.split_first_chunk::<N>()?;
        *bytes = rest;
        Some(*head)
    }
    let number = |bytes: &mut &[u8]| take::<4>(bytes).map(u32::from_le_bytes);
    let mut intent = Intent { floors: Vec::new(), rows: Vec::new() };
    for _ in 0..number(&mut bytes)? {
        let (mailbox, uid_validity, uid_next) =
            (MailboxId(number(&mut bytes)?), number(&mut bytes)?, number(&mut bytes)?);
        intent.floors.push(Floor { mailbox, uid_validity, uid_next });
    }
    for _ in 0..number(&mut bytes)? {
        intent.rows.push(Row {
            mailbox: MailboxId(number(&mut bytes)?),
            digest: take(&mut bytes)?,
            size: u64::from_le_bytes(take(&mut bytes)?),
            date: i64::from_le_bytes(take(&mut bytes)?),
        });
    }
    bytes.is_empty().then_some(intent)
}
