//! A stored message being read: each part is opened when it is needed, once.

use std::borrow::Cow;
use std::cell::{Cell, OnceCell};
use std::sync::Arc;

use imap::Refusal;
use message::Structure;
use store::{MessageEntry, Opener, StoreError};
use vault::{Part, SignedIn};

use super::Unmet;
use super::listing::Listing;
use crate::index::Column;
use crate::mailroom::Mailroom;
use crate::record::Record;

/// Up to this size an original is opened completely even if a range would be enough: it is one chunk of the seal, which is opened as a
/// whole anyway.
pub(super) const WHOLE_BYTES_MAX: u32 = 64 * 1024;

/// Bytes that the values of one message may take besides the message itself and one copy of it (headers of parts, decoded parts). A
/// client could request the same large item under 256 names; none does.
const SPENT_BYTES_MAX: usize = 16 << 20;

/// Bytes of headers that one FETCH may search in one message, times the names it searches for, in eights. A mail program requests a
/// few lists of fields of a header of some 10 KB; 256 lists of 256 names in a header of 50 MB would take minutes.
const SEARCHED_BYTES_MAX: usize = 2 << 30;

/// Reads a message of the signed-in owner. What is requested may come from the record, from a range of the original, or from
/// all of it.
pub(super) struct MessageReader<'r> {
    mail: &'r Mailroom,
    owner: &'r SignedIn,
    /// The message's key, if it was requested together with others, and which of them it is.
    key: Option<(&'r Opener, usize)>,
    pub(super) entry: &'r MessageEntry,
    /// What the index has of it.
    listing: Listing,
    record: OnceCell<Arc<Record>>,
    prefix: OnceCell<Vec<u8>>,
    /// Prefix and view.
    whole: OnceCell<Arc<Vec<u8>>>,
    structure: OnceCell<Structure>,
    /// The header alone, and its structure as a message of its own.
    header: OnceCell<Arc<Vec<u8>>>,
    header_structure: OnceCell<Structure>,
    spent_bytes: Cell<usize>,
    searched_bytes: Cell<usize>,
}

impl<'r> MessageReader<'r> {
    pub(super) fn new(mail: &'r Mailroom, owner: &'r SignedIn, entry: &'r MessageEntry) -> Self {
        Self {
            mail,
            owner,
            key: None,
            entry,
            listing: Listing::default(),
            record: OnceCell::new(),
            prefix: OnceCell::new(),
            whole: OnceCell::new(),
            structure: OnceCell::new(),
            header: OnceCell::new(),
            header_structure: OnceCell::new(),
            spent_bytes: Cell::new(0),
            searched_bytes: Cell::new(0),
        }
    }

    /// With a record that was opened in a batch. An unreadable one is derived when it is needed.
    pub(super) fn with_record(self, octets: &[u8]) -> Self {
        if let Ok(record) = Record::decode(octets) {
            let _ = self.record.set(Arc::new(record));
        }
        self
    }

    /// With what the index has of it.
    pub(super) fn with_listing(mut self, listing: Listing) -> Self {
        self.listing = listing;
        self
    }

    /// What the index has of it in this column.
    pub(super) fn listed(&self, column: Column) -> Option<&[u8]> {
        self.listing.get(column)
    }

    /// With its key, which was requested together with others: it was the `at`th.
    pub(super) fn with_key(mut self, opener: &'r Opener, at: usize) -> Self {
        self.key = Some((opener, at));
        self
    }

    fn open(&self, part: Part) -> Result<Vec<u8>, StoreError> {
        let mut out = Vec::new();
        self.open_into(part, &mut out)?;
        Ok(out)
    }

    fn open_into(&self, part: Part, out: &mut Vec<u8>) -> Result<(), StoreError> {
        match self.key {
            Some((opener, at)) => opener.open_into(at, self.entry, part, out),
            None => {
                out.append(&mut self.mail.store.open_part(self.owner, self.entry, part)?);
                Ok(())
            }
        }
    }

    /// The bytes in memory because of this message.
    pub(super) fn held_bytes(&self) -> usize {
        self.whole.get().map_or(0, |whole| whole.len()) + self.spent_bytes.get()
    }

    /// Counts bytes that are derived from the message and held besides it: at most a copy of the message and
    /// [`SPENT_BYTES_MAX`].
    pub(super) fn spend(&self, bytes: usize) -> Result<(), Refusal> {
        self.spent_bytes.set(self.spent_bytes.get().saturating_add(bytes));
        let max = SPENT_BYTES_MAX + self.entry.view_size_bytes as usize;
        if self.spent_bytes.get() > max { Err(Refusal::Limit) } else { Ok(()) }
    }

    /// Counts a search of a header for fields of so many names, before it is made.
    pub(super) fn search(&self, header: &[u8], names: usize) -> Result<(), Refusal> {
        let bytes = header.len().saturating_mul(1 + names / 8);
        self.searched_bytes.set(self.searched_bytes.get().saturating_add(bytes));
        if self.searched_bytes.get() > SEARCHED_BYTES_MAX { Err(Refusal::Limit) } else { Ok(()) }
    }

    /// The record; derived from the original if it is lost.
    pub(super) fn record(&self) -> Result<Arc<Record>, StoreError> {
        if let Some(record) = self.record.get() {
            return Ok(record.clone());
        }
        let stored = self.open(Part::Record).ok().and_then(|octets| Record::decode(&octets).ok());
        let record = match stored {
            Some(record) => record,
            None => {
                let original = self.open(Part::Original)?;
                Record::of(&original, &message::view(&original))
            }
        };
        Ok(self.record.get_or_init(|| Arc::new(record)).clone())
    }

    fn prefix(&self) -> Result<&[u8], StoreError> {
        if self.prefix.get().is_none() {
            let _ = self.prefix.set(self.open(Part::Prefix)?);
        }
        Ok(self.prefix.get().map(Vec::as_slice).unwrap_or_default())
    }

    /// What clients see: the prefix and the view of the original.
    pub(super) fn whole(&self) -> Result<Arc<Vec<u8>>, StoreError> {
        if let Some(whole) = self.whole.get() {
            return Ok(whole.clone());
        }
        // Contiguous in one buffer: the usual original is seen unchanged, and goes to the client from there.
        let size = |part| self.entry.part_size_bytes(part) as usize;
        let mut whole = Vec::with_capacity(size(Part::Prefix) + size(Part::Original));
        self.open_into(Part::Prefix, &mut whole)?;
        let prefix = whole.len();
        self.open_into(Part::Original, &mut whole)?;
        let other = match message::view(&whole[prefix..]) {
            Cow::Borrowed(view) if view.len() == whole.len() - prefix => None,
            view => Some([&whole[..prefix], &view].concat()),
        };
        let whole = other.unwrap_or(whole);
        Ok(self.whole.get_or_init(|| Arc::new(whole)).clone())
    }

    /// The parts of [`whole`](Self::whole).
    pub(super) fn structure(&self) -> Result<&Structure, StoreError> {
        if self.structure.get().is_none() {
            let whole = self.whole()?;
            let _ = self.structure.set(Structure::parse(&whole));
        }
        // It has just been set.
        self.structure.get().ok_or(StoreError::NoSuchMessage)
    }

    /// Whether only ranges should be opened: the original is long, not opened yet, and seen unchanged.
    fn by_range(&self) -> Result<bool, StoreError> {
        let long = self.whole.get().is_none() && self.entry.original_size_bytes > WHOLE_BYTES_MAX;
        Ok(long && self.record()?.verbatim)
    }

    fn range(&self, range: std::ops::Range<u64>) -> Result<Vec<u8>, StoreError> {
        self.mail.store.open_range(self.owner, self.entry, Part::Original, range)
    }

    /// The header that clients see, including its empty line, or more than that. Opened once.
    pub(super) fn header(&self) -> Result<Arc<Vec<u8>>, Unmet> {
        if let Some(header) = self.header.get() {
            return Ok(header.clone());
        }
        let header = if let Some(header) = self.listed(Column::Header) {
            self.spend(header.len())?;
            Arc::new(header.to_vec())
        } else if !self.by_range()? {
            return Ok(self.whole()?);
        } else {
            let bytes = self.record()?.header_bytes;
            self.spend(self.prefix()?.len().saturating_add(bytes as usize))?;
            Arc::new([self.prefix()?, &self.range(0..bytes)?].concat())
        };
        Ok(self.header.get_or_init(|| header).clone())
    }

    /// The structure of [`header`](Self::header) alone: a message of its own, with the same header.
    pub(super) fn header_structure(&self, header: &[u8]) -> &Structure {
        self.header_structure.get_or_init(|| Structure::parse(&header[..message::header_len(header)]))
    }

    /// Opens the whole message at once if pieces of it would come to more than half of it: pieces may overlap, and each is
    /// opened by itself.
    pub(super) fn prepare_pieces(&self, pieces: impl Iterator<Item = imap::Partial>) -> Result<(), StoreError> {
        let total = self.entry.view_size_bytes as usize;
        let bytes = pieces.fold(0_usize, |sum, piece| sum.saturating_add(piece.within(total).len()));
        if bytes > total / 2 && self.by_range()? {
            self.whole()?;
        }
        Ok(())
    }

    /// A piece of [`whole`](Self::whole), clamped to its end.
    pub(super) fn piece(&self, partial: imap::Partial) -> Result<imap::Octets, Unmet> {
        if !self.by_range()? {
            let whole = self.whole()?;
            let range = partial.within(whole.len());
            return Ok(imap::Octets::slice(whole, range));
        }
        let prefix = self.prefix()?;
        let total = prefix.len() + self.entry.original_size_bytes as usize;
        let wanted = partial.within(total);
        let in_prefix = prefix.get(wanted.start..wanted.end.min(prefix.len())).unwrap_or_default();
        self.spend(wanted.len())?;
        let from = wanted.start.saturating_sub(prefix.len()) as u64;
        let to = wanted.end.saturating_sub(prefix.len()) as u64;
        let rest = if to > from { self.range(from..to)? } else { Vec::new() };
        Ok([in_prefix, &rest].concat().into())
    }
}
