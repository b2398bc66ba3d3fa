//! Opening sealed parts: for the owner who signed in, and for a case with a clearance. There is no third way.

use std::collections::BTreeSet;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use terms::{AccountId, EpochId, MessageId};
use vault::{Clearance, KeyAsk, MailError, MessageKey, Part, SealedEpochKey, SignedIn, VaultError};

use crate::account::blobs::Blobs;
use crate::account::view::{MailboxView, MessageEntry};
use crate::calls::cases::ScopedMessage;
use crate::engine::state::Engine;
use crate::error::StoreError;
use crate::pack::{RECORD_HEADER_BYTES, Record, RecordError};
use crate::store::Store;

/// Parts up to this sealed length are read in one piece; longer ones chunk by chunk. A megabyte is what the vault
/// opens at a time.
const READ_WHOLE_BYTES: u64 = 1 << 20;

/// From this many sealed epoch keys on, all of the account's keys are read by one statement: one by one, an owner with years of mail
/// would wait for ten thousand.
const EPOCHS_READ_TOGETHER: usize = 64;

/// When a single message is read, the keys of this many messages around it are requested together. A round trip to the vault costs as much
/// as deriving about thirty keys; a mail client that walks through a mailbox makes it once per this many messages.
const NEAR_BLOCK: u32 = 128;

/// A request for more messages than this asks for their keys only.
const NEAR_ENTRIES_MAX: usize = 16;

impl Store {
    /// Opens a part of each message, in their order. A message that is damaged fails alone. Memory holds everything
    /// returned: request no more than may be held, by [`MessageEntry::part_size_bytes`].
    ///
    /// # Errors
    /// As a whole: [`StoreError::NotCovered`] when an entry is not the signed-in owner's; [`StoreError::Vault`] when
    /// the keys do not open. For one: [`StoreError::Damaged`].
    pub fn open_parts(
        &self,
        signed_in: &SignedIn,
        entries: &[MessageEntry],
        part: Part,
    ) -> Result<Vec<Result<Vec<u8>, StoreError>>, StoreError> {
        let keys = match (self.keys(signed_in, entries), entries) {
            (Ok(keys), _) => keys,
            // The key of an epoch is damaged: open each message separately, so that only those of that epoch fail.
            (Err(error @ StoreError::Damaged(_)), [_]) => return Ok(vec![Err(error)]),
            (Err(StoreError::Damaged(_)), _) => {
                return Ok(entries.iter().map(|entry| self.open_part(signed_in, entry, part)).collect());
            }
            (Err(error), _) => return Err(error),
        };
        let one =
            |(entry, key): (&MessageEntry, &MessageKey)| self.engine.open_part(entry.account, &entry.blobs, key, part);
        Ok(entries.iter().zip(&keys).map(one).collect())
    }

    /// Opens a part of one message.
    ///
    /// # Errors
    /// As [`open_parts`](Self::open_parts).
    pub fn open_part(&self, signed_in: &SignedIn, entry: &MessageEntry, part: Part) -> Result<Vec<u8>, StoreError> {
        let keys = self.keys(signed_in, std::slice::from_ref(entry))?;
        let key = keys.first().ok_or(StoreError::NotCovered)?;
        self.engine.open_part(entry.account, &entry.blobs, key, part)
    }

    /// Opens a range of a part, clamped to its end, reading only what it needs.
    ///
    /// # Errors
    /// As [`open_parts`](Self::open_parts).
    pub fn open_range(
        &self,
        signed_in: &SignedIn,
        entry: &MessageEntry,
        part: Part,
        range: Range<u64>,
    ) -> Result<Vec<u8>, StoreError> {
        let keys = self.keys(signed_in, std::slice::from_ref(entry))?;
        let key = keys.first().ok_or(StoreError::NotCovered)?;
        self.engine.open_range(entry.account, &entry.blobs, key, part, range)
    }

    /// The keys of these entries, requested from the vault at once, for callers that open several parts of each, such as a
    /// listing.
    ///
    /// # Errors
    /// As [`open_parts`](Self::open_parts).
    pub fn opener(&self, signed_in: &SignedIn, entries: &[MessageEntry]) -> Result<Opener, StoreError> {
        Ok(Opener { engine: Arc::clone(&self.engine), keys: self.keys(signed_in, entries)? })
    }

    /// As [`opener`](Self::opener), for callers that read a few messages of `view` and will read others: when keys are requested,
    /// so are those of the messages around them, and they are kept for the owner's sessions.
    ///
    /// # Errors
    /// As [`open_parts`](Self::open_parts).
    pub fn opener_near(
        &self,
        signed_in: &SignedIn,
        view: &MailboxView,
        entries: &[MessageEntry],
    ) -> Result<Opener, StoreError> {
        let asks: Vec<KeyAsk> = entries.iter().map(MessageEntry::key_ask).collect();
        let few = (1..=NEAR_ENTRIES_MAX).contains(&entries.len()) && view.account() == signed_in.account();
        if few && self.engine.vault.kept_message_keys(signed_in, &asks).is_none() {
            let blocks: BTreeSet<u32> =
                entries.iter().filter_map(|entry| Some(view.position(entry.uid)? / NEAR_BLOCK)).collect();
            let near: Vec<KeyAsk> =
                blocks.iter().flat_map(|block| view.key_asks(block * NEAR_BLOCK, NEAR_BLOCK)).collect();
            // If one of the others cannot be opened, these are requested alone.
            let _ = self.ask_keys(signed_in, &near);
        }
        self.opener(signed_in, entries)
    }

    fn keys(&self, signed_in: &SignedIn, entries: &[MessageEntry]) -> Result<Vec<MessageKey>, StoreError> {
        let owner = signed_in.account();
        if entries.iter().any(|entry| entry.account != owner) {
            return Err(StoreError::NotCovered);
        }
        let asks: Vec<KeyAsk> = entries.iter().map(MessageEntry::key_ask).collect();
        match self.engine.vault.kept_message_keys(signed_in, &asks) {
            Some(keys) => Ok(keys),
            None => self.ask_keys(signed_in, &asks),
        }
    }

    /// Requests the keys of the owner's messages from the vault, and keeps them.
    fn ask_keys(&self, signed_in: &SignedIn, asks: &[KeyAsk]) -> Result<Vec<MessageKey>, StoreError> {
        let owner = signed_in.account();
        let epochs: BTreeSet<EpochId> = asks.iter().map(|ask| ask.epoch).collect();
        let vault = &self.engine.vault;
        let wanted = vault.epochs_wanted(signed_in, &epochs.into_iter().collect::<Vec<_>>());
        let epochs = self.epoch_keys(owner, &wanted)?;
        let keys = vault.message_keys(signed_in, &epochs, asks).map_err(|error| match error {
            // An altered row is damage like any other; the session and its other messages are unaffected.
            VaultError::Mail(MailError::EpochDoesNotOpen(_)) => StoreError::Damaged(error.to_string()),
            other => StoreError::vault(&other),
        })?;
        vault.keep_message_keys(signed_in, &keys);
        Ok(keys)
    }

    /// The sealed keys of these epochs of an account. They open nothing by themselves.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when one is missing.
    pub fn epoch_keys(
        &self,
        account: AccountId,
        epochs: &[EpochId],
    ) -> Result<Vec<(EpochId, SealedEpochKey)>, StoreError> {
        let account = self.engine.account(account)?;
        if epochs.len() >= EPOCHS_READ_TOGETHER {
            self.engine.read_epoch_keys(&account)?;
        }
        epochs.iter().map(|&epoch| Ok((epoch, self.engine.epoch_key(&account, epoch)?))).collect()
    }

    /// Opens a part of a message for a case.
    ///
    /// # Errors
    /// [`StoreError::NotCovered`] when the message is another account's, arrived outside of the order's time, or the
    /// order does not ask for content; [`StoreError::NoSuchMessage`] when it is gone; [`StoreError::Vault`] when the
    /// clearance has expired or has no key for it; [`StoreError::Damaged`].
    pub fn open_for(&self, clearance: &Clearance, message: &ScopedMessage, part: Part) -> Result<Vec<u8>, StoreError> {
        let order = clearance.order();
        if order.account != message.account || !order.covers_arrival(message.arrival) || !order.covers_content() {
            return Err(StoreError::NotCovered);
        }
        // The row decides, not what the caller says about the message.
        let state = self.engine.seen(&*self.engine.account(order.account)?)?;
        let row = state.message(message.slot).filter(|row| MessageId(row.id) == message.id);
        let row = row.ok_or(StoreError::NoSuchMessage)?;
        if !order.covers_arrival(row.arrival) {
            return Err(StoreError::NotCovered);
        }
        let key = clearance.message_key(message.id).map_err(|error| StoreError::vault(&error))?;
        self.engine.open_part(order.account, &Blobs::of(row), key, part)
    }
}

/// The keys of some messages of one owner; see [`Store::opener`].
pub struct Opener {
    engine: Arc<Engine>,
    keys: Vec<MessageKey>,
}

impl Opener {
    /// Appends a part of the entry that was the `at`th to `out`; after an error `out` is as it was. A part without bytes
    /// appends none.
    ///
    /// # Errors
    /// [`StoreError::NotCovered`] when the entry is another one; [`StoreError::Damaged`].
    pub fn open_into(&self, at: usize, entry: &MessageEntry, part: Part, out: &mut Vec<u8>) -> Result<(), StoreError> {
        let key = self.keys.get(at).filter(|key| key.id() == entry.id).ok_or(StoreError::NotCovered)?;
        self.engine.open_into(entry.account, &entry.blobs, key, part, out)
    }
}

impl Engine {
    fn open_part(
        &self,
        account: AccountId,
        blobs: &Blobs,
        key: &MessageKey,
        part: Part,
    ) -> Result<Vec<u8>, StoreError> {
        let mut out = Vec::new();
        self.open_into(account, blobs, key, part, &mut out)?;
        Ok(out)
    }

    fn open_into(
        &self,
        account: AccountId,
        blobs: &Blobs,
        key: &MessageKey,
        part: Part,
        out: &mut Vec<u8>,
    ) -> Result<(), StoreError> {
        let Some((offset, sealed)) = blobs.place(part) else { return Ok(()) };
        if sealed > READ_WHOLE_BYTES {
            out.append(&mut self.open_range(account, blobs, key, part, 0..u64::MAX)?);
            return Ok(());
        }
        let damaged = |what: &dyn std::fmt::Display| damaged(blobs, offset, what);
        let len = RECORD_HEADER_BYTES + sealed as usize;
        let opened = self.packs.look(blobs.segment, offset, len, |bytes| {
            check_header(bytes, account, key.id(), part, sealed).map_err(|error| damaged(&error))?;
            key.open_into(part, &bytes[RECORD_HEADER_BYTES..], out).map_err(|error| damaged(&error))
        });
        match opened {
            Ok(opened) => opened,
            Err(error) => match self.moved(account, key.id(), blobs, &error) {
                Some(moved) => self.open_into(account, &moved, key, part, out),
                None => Err(damaged(&error)),
            },
        }
    }

    /// Where a message is now if its segment was removed: a caller with an entry but no view may be that late.
    fn moved(&self, account: AccountId, id: MessageId, blobs: &Blobs, error: &io::Error) -> Option<Blobs> {
        if error.kind() != io::ErrorKind::NotFound {
            return None;
        }
        let state = self.seen(&*self.account(account).ok()?).ok()?;
        let now = Blobs::of(state.message(blobs.slot).filter(|row| row.id == id.0)?);
        // Segment numbers only increase, so this ends.
        (now.segment > blobs.segment).then_some(now)
    }

    fn open_range(
        &self,
        account: AccountId,
        blobs: &Blobs,
        key: &MessageKey,
        part: Part,
        range: Range<u64>,
    ) -> Result<Vec<u8>, StoreError> {
        let Some((offset, sealed)) = blobs.place(part) else { return Ok(Vec::new()) };
        let damaged = |what: &dyn std::fmt::Display| damaged(blobs, offset, what);
        let file = match self.packs.reader(blobs.segment) {
            Ok(file) => file,
            Err(error) => {
                return match self.moved(account, key.id(), blobs, &error) {
                    Some(moved) => self.open_range(account, &moved, key, part, range),
                    None => Err(damaged(&error)),
                };
            }
        };
        let mut header = [0; RECORD_HEADER_BYTES];
        file.read_exact_at(&mut header, offset).map_err(|error| damaged(&error))?;
        check_header(&header, account, key.id(), part, sealed).map_err(|error| damaged(&error))?;
        let mut read = |at: u64, len: usize| -> io::Result<Vec<u8>> {
            let mut bytes = vec![0; len];
            file.read_exact_at(&mut bytes, offset + RECORD_HEADER_BYTES as u64 + at)?;
            Ok(bytes)
        };
        key.open_range(part, &mut read, sealed, range).map_err(|error| damaged(&error))
    }
}

fn damaged(blobs: &Blobs, offset: u64, what: &dyn std::fmt::Display) -> StoreError {
    StoreError::Damaged(format!("segment {} at {offset}: {what}", blobs.segment))
}

/// Checks that a record's header is the one that the row refers to.
pub(crate) fn check_header(
    bytes: &[u8],
    account: AccountId,
    id: MessageId,
    part: Part,
    sealed: u64,
) -> Result<Record, RecordError> {
    let record = Record::decode(bytes)?;
    let fits =
        record.account == account && record.id == id && record.part == part as u8 && u64::from(record.len) == sealed;
    if fits { Ok(record) } else { Err(RecordError::Other) }
}
