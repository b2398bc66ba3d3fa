//! The index of one owner, while a session of the owner is open: its volumes, and what they contain.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use message::Day;
use store::{MessageEntry, Store};
use terms::{AccountId, UnixMillis};
use vault::IndexKey;

use super::cache::{BlockName, Cache};
use super::code::Reader;
use super::places::{DocSet, collect, hits};
use super::volume::{Block, Column, IndexPlace, Piece, Volume};
use super::words::Query;

/// All volumes of an owner, as of one moment.
pub(crate) type Volumes = Arc<Vec<Arc<Volume>>>;

/// The index of one owner. Shared by the owner's sessions; its keys and opened blocks are dropped with the last one.
pub(crate) struct OwnerIndex {
    account: AccountId,
    /// Changes when the account's key pair is replaced.
    key: RwLock<Arc<IndexKey>>,
    store: Arc<Store>,
    cache: Arc<Cache>,
    /// `None` until first used.
    volumes: Mutex<Option<Volumes>>,
    /// Held while writing volumes.
    pub(super) writing: Mutex<()>,
    /// Messages that arrived since the last fold was requested, as sessions saw them.
    pub(super) news: AtomicU32,
}

impl Drop for OwnerIndex {
    fn drop(&mut self) {
        let volumes = self.volumes.lock().unwrap_or_else(PoisonError::into_inner).take();
        volumes.iter().flat_map(|volumes| volumes.iter()).for_each(|volume| self.cache.forget(volume.ticket));
    }
}

impl OwnerIndex {
    pub(super) fn new(key: IndexKey, store: Arc<Store>, cache: Arc<Cache>) -> Self {
        let (account, key) = (key.account(), RwLock::new(Arc::new(key)));
        let (volumes, writing) = (Mutex::default(), Mutex::default());
        Self { account, key, store, cache, volumes, writing, news: AtomicU32::new(0) }
    }

    /// The owner's account.
    pub(super) fn account(&self) -> AccountId {
        self.account
    }

    /// The key by which volumes are written and opened.
    pub(super) fn key(&self) -> Arc<IndexKey> {
        self.key.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Switches to another key. The volumes of the previous one are no longer used.
    pub(super) fn take_key(&self, key: IndexKey) {
        *self.key.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(key);
        self.publish(None, &self.volumes());
    }

    fn place(&self) -> MutexGuard<'_, Option<Volumes>> {
        self.volumes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The current volumes.
    pub(crate) fn volumes(&self) -> Volumes {
        let mut place = self.place();
        match &*place {
            Some(volumes) => Arc::clone(volumes),
            None => Arc::clone(place.insert(Arc::new(self.load()))),
        }
    }

    /// Opens the volumes on disk. One that was replaced by another, is torn or cannot be opened is skipped; the
    /// next fold removes it.
    fn load(&self) -> Vec<Arc<Volume>> {
        let (numbers, key) = (self.store.derived_files(self.account).unwrap_or_default(), self.key());
        let opened: Vec<Volume> =
            numbers.iter().filter_map(|&number| Volume::open(&self.store, &key, number)).collect();
        let replaced: BTreeSet<u64> = opened.iter().flat_map(|volume| volume.list.replaces.iter().copied()).collect();
        opened.into_iter().filter(|volume| !replaced.contains(&volume.number)).map(Arc::new).collect()
    }

    /// Adds a new volume, or replaces some with it.
    pub(super) fn publish(&self, new: Option<Volume>, instead_of: &[Arc<Volume>]) {
        let mut place = self.place();
        let gone = |volume: &Arc<Volume>| instead_of.iter().any(|old| old.ticket == volume.ticket);
        let kept = place.iter().flat_map(|volumes| volumes.iter()).filter(|volume| !gone(volume)).cloned();
        *place = Some(Arc::new(kept.chain(new.map(Arc::new)).collect()));
        drop(place);
        instead_of.iter().for_each(|old| self.cache.forget(old.ticket));
    }

    /// Counts messages that a session saw arrive; returns whether they are enough to fold.
    pub(super) fn has_news(&self, more: usize, enough: u32) -> bool {
        let more = u32::try_from(more).unwrap_or(u32::MAX);
        let before = self.news.fetch_add(more, Ordering::Relaxed);
        before.saturating_add(more) >= enough
    }
}

/// A message's place in these volumes.
pub(crate) fn find(volumes: &Volumes, entry: &MessageEntry) -> Option<IndexPlace> {
    volumes.iter().filter(|volume| !volume.broken.load(Ordering::Relaxed)).find_map(|volume| {
        let doc = volume.find(entry)?;
        Some(IndexPlace { volume: Arc::clone(volume), doc })
    })
}

/// What the index says about a message that has a place. Every `None` means: look at the message.
impl OwnerIndex {
    /// The value of a column.
    pub(crate) fn value(&self, place: &IndexPlace, column: Column) -> Option<Piece> {
        let row = place.volume.block_of(column, place.doc)?;
        self.cache.block(&place.volume, row)?.value(place.doc - row.first)
    }

    /// The Date field, if it could be read.
    pub(crate) fn sent(place: &IndexPlace) -> Option<Option<(UnixMillis, Day)>> {
        place.volume.list.docs.get(place.doc as usize).map(|doc| doc.sent)
    }

    /// Whether the texts of the message are in the volume.
    pub(crate) fn is_searchable(place: &IndexPlace) -> bool {
        place.volume.list.docs.get(place.doc as usize).is_some_and(|doc| doc.searchable)
    }

    /// The messages of a volume that may have the text of a query in their headers or in their bodies; exactly those that
    /// have it, if the query is exact.
    pub(crate) fn candidates(&self, volume: &Volume, of: Texts, query: &Query) -> Option<DocSet> {
        let docs = volume.list.docs.len();
        let mut found = DocSet::all(docs);
        let (words, places) = of.columns();
        for lookup in &query.lookups {
            let mut set = DocSet::none(docs);
            for (words, places) in volume.blocks(words).zip(volume.blocks(places)) {
                let hits = hits(&self.cache.block(volume, words)?.octets, lookup);
                if !hits.is_empty() {
                    collect(&self.cache.block(volume, places)?.octets, &hits, &mut set)?;
                }
            }
            found.keep(&set);
            if found.is_empty() {
                break;
            }
        }
        Some(found)
    }
}

/// One of the two texts of a message that a search covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Texts {
    /// Its header, those of its parts, names of attached files.
    Header,
    /// Its text parts.
    Body,
}

impl Texts {
    pub(super) fn columns(self) -> (Column, Column) {
        match self {
            Self::Header => (Column::HeaderWords, Column::HeaderPlaces),
            Self::Body => (Column::BodyWords, Column::BodyPlaces),
        }
    }

    pub(super) fn column(self) -> Column {
        match self {
            Self::Header => Column::HeaderText,
            Self::Body => Column::BodyText,
        }
    }
}

/// Texts of messages that are compared with a query one after the other. The last opened block is kept here, not
/// in the cache: a search goes through many blocks, each once.
#[derive(Default)]
pub(crate) struct Opened {
    blocks: [Option<(BlockName, Arc<Block>)>; 2],
    /// Bytes of blocks opened so far.
    pub(crate) bytes: usize,
}

impl Opened {
    /// A text of a message.
    pub(crate) fn text(&mut self, place: &IndexPlace, of: Texts) -> Option<Piece> {
        let row = place.volume.block_of(of.column(), place.doc)?;
        let kept = &mut self.blocks[usize::from(of == Texts::Body)];
        let name = (place.volume.ticket, row.number);
        let block = match kept {
            Some((kept, block)) if *kept == name => Arc::clone(block),
            _ => {
                let block = Arc::new(Block::new(place.volume.read(row)?));
                self.bytes += block.octets.len();
                *kept = Some((name, Arc::clone(&block)));
                block
            }
        };
        block.value(place.doc - row.first)
    }
}

/// A stored header text: the fields of the message's own header, and the text that contains them all.
pub(crate) struct HeaderText<'b> {
    /// Lengths of name and value of each field.
    fields: Vec<(usize, usize)>,
    /// What a search of everything covers.
    pub(crate) text: &'b [u8],
}

impl<'b> HeaderText<'b> {
    /// The inverse of [`encode`](Self::encode).
    pub(crate) fn decode(kept: &'b [u8]) -> Option<Self> {
        let mut input = Reader(kept);
        let count = input.count()?;
        let mut fields = Vec::with_capacity(count);
        for _ in 0..count {
            fields.push((usize::try_from(input.number()?).ok()?, usize::try_from(input.number()?).ok()?));
        }
        Some(Self { fields, text: input.0 })
    }

    /// The stored form of a text whose fields have these lengths.
    pub(super) fn encode(fields: &[(usize, usize)], text: &str) -> Vec<u8> {
        use super::code::put;
        let mut out = Vec::with_capacity(text.len() + 3 * fields.len() + 4);
        put(&mut out, fields.len() as u64);
        for &(name, value) in fields {
            put(&mut out, name as u64);
            put(&mut out, value as u64);
        }
        out.extend_from_slice(text.as_bytes());
        out
    }

    /// The values of the fields with this name, both in the form of `casemap`. A line that is not a field has no name.
    pub(crate) fn values(&self, name: &str) -> impl Iterator<Item = &'b [u8]> {
        let (text, mut at) = (self.text, 0_usize);
        self.fields.iter().filter_map(move |&(name_bytes, value_bytes)| {
            // `Name: value` and a line end; without a name, the value alone.
            let value_at = at.checked_add(name_bytes)?.checked_add(if name_bytes > 0 { 2 } else { 0 })?;
            let found = text.get(at..)?.get(..name_bytes)?;
            let value = text.get(value_at..)?.get(..value_bytes)?;
            at = value_at + value_bytes + 1;
            (found == name.as_bytes()).then_some(value)
        })
    }
}
