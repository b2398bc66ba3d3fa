//! Folding: messages become a volume; small volumes become a larger one.
//!
//! A fold takes a slice of messages at a time, so that memory is bounded, sessions have the first volumes soon, and a
//! node that stops loses one slice of work. Until then, messages are read and searched themselves.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use message::{Structure, casemap_into};
use store::{MessageEntry, StoreError};
use vault::Part;

use super::job::{Job, Stop, next_number};
use super::merge;
use super::owner::{HeaderText, Texts};
use super::places::Places;
use super::volume::{Column, Doc, Volume};
use super::words::words;
use super::writer::{Words, Writer};
use crate::record::Record;

/// Messages in a slice.
const SLICE_DOCS_MAX: usize = 1024;

/// Bytes of mail after which a slice is full. Its words and lists take at most about as much memory.
const SLICE_BYTES_MAX: u64 = 64 << 20;

/// Bytes of mail that are opened at once; a longer message is opened alone.
const OPEN_BYTES_MAX: u64 = 4 << 20;

/// Bytes of a message's texts that are indexed. A message with more is searched itself: it is one in many
/// thousands, and its words would fill most of a dictionary.
const TEXT_BYTES_MAX: usize = 8 << 20;

/// Bytes of a header that is stored for lists. Longer ones are read from the message.
const HEADER_BYTES_MAX: usize = 64 << 10;

/// Brings the index of an owner up to date. Returns when everything is folded, when it is told to stop, or
/// when nothing more can be done now.
pub(super) fn run(job: &Job, stop: &Stop) -> Result<(), StoreError> {
    let index = &job.index;
    let _writing = index.writing.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    index.news.store(0, Ordering::Relaxed);
    follow_key(job)?;
    tidy(job)?;
    // What cannot be opened is tried again at the next sign-in.
    let mut tried = BTreeSet::new();
    while !stop.is_set() {
        let wanted = missing(job, &tried)?;
        if wanted.is_empty() {
            break;
        }
        let slice = slice_of(job, &wanted)?;
        tried.extend(wanted.iter().take_while(|slot| Some(**slot) <= slice.last().map(|entry| entry.slot)));
        if slice.is_empty() {
            tried.extend(wanted);
            continue;
        }
        let number = fold_slice(job, &slice, stop)?;
        if follow_key(job)? {
            // What was written uses the previous key, and may contain what arrived since.
            tidy(job)?;
            tried.clear();
            continue;
        }
        if let Some(number) = number {
            index.publish(Volume::open(&job.store, &index.key(), number), &[]);
        }
        merge::grown(job, stop)?;
    }
    merge::shrunk(job, stop)
}

/// Switches to another key if the account's key pair was replaced; then nothing of the index is left. Returns whether it was.
fn follow_key(job: &Job) -> Result<bool, StoreError> {
    let key = job.vault.index_key(&job.owner).map_err(|error| StoreError::Vault(error.to_string()))?;
    let changed = !key.is(&job.index.key());
    if changed {
        job.index.take_key(key);
    }
    Ok(changed)
}

/// Removes files that are not volumes of the index: torn by a stop, replaced by another, damaged, sealed with a previous key.
fn tidy(job: &Job) -> Result<(), StoreError> {
    let index = &job.index;
    let volumes = index.volumes();
    let broken: Vec<Arc<Volume>> =
        volumes.iter().filter(|volume| volume.broken.load(Ordering::Relaxed)).cloned().collect();
    if !broken.is_empty() {
        index.publish(None, &broken);
    }
    let kept: BTreeSet<u64> = index.volumes().iter().map(|volume| volume.number).collect();
    for number in job.store.derived_files(index.account())? {
        if !kept.contains(&number) {
            job.store.derived_remove(index.account(), number)?;
        }
    }
    Ok(())
}

/// The slots of the owner's messages that are in no volume, ascending.
fn missing(job: &Job, tried: &BTreeSet<u32>) -> Result<Vec<u32>, StoreError> {
    let volumes = job.index.volumes();
    let mut folded: Vec<u32> = volumes.iter().flat_map(|volume| volume.list.docs.iter().map(|doc| doc.slot)).collect();
    folded.sort_unstable();
    let owned = job.store.owned_slots(job.index.account())?;
    let is_new = |slot: &u32| folded.binary_search(slot).is_err() && !tried.contains(slot);
    Ok(owned.into_iter().filter(is_new).collect())
}

/// The first of these messages, as many as go into one volume.
fn slice_of(job: &Job, slots: &[u32]) -> Result<Vec<MessageEntry>, StoreError> {
    let slots = slots.get(..SLICE_DOCS_MAX).unwrap_or(slots);
    let mut slice = job.store.owned(job.index.account(), slots)?;
    slice.truncate(full_at(&slice, SLICE_BYTES_MAX));
    Ok(slice)
}

/// How many of these messages have `bytes` together, but at least one.
fn full_at(entries: &[MessageEntry], bytes: u64) -> usize {
    let mut sum = 0;
    let room = |entry: &&MessageEntry| {
        sum += u64::from(entry.original_size_bytes);
        sum <= bytes
    };
    entries.iter().take_while(room).count().max(1).min(entries.len())
}

/// The words of one kind of texts.
type Dictionary = HashMap<Box<[u8]>, Places>;

/// Makes a volume from a slice. `None` if it was told to stop, or nothing of the slice could be opened.
fn fold_slice(job: &Job, slice: &[MessageEntry], stop: &Stop) -> Result<Option<u64>, StoreError> {
    let (index, account) = (&job.index, job.index.account());
    let number = next_number(job)?;
    let mut writer = Writer::begin(&job.store, &index.key(), &*job.entropy, number)?;
    let mut dictionaries = [Dictionary::new(), Dictionary::new()];
    let mut rest = slice;
    let written = (|| {
        while !rest.is_empty() {
            let (some, others) = rest.split_at(full_at(rest, OPEN_BYTES_MAX));
            rest = others;
            if stop.is_set() {
                return Ok(false);
            }
            let open = |part| job.store.open_parts(&job.owner, some, part);
            let (originals, prefixes, records) = (open(Part::Original)?, open(Part::Prefix)?, open(Part::Record)?);
            for (((entry, original), prefix), record) in some.iter().zip(originals).zip(prefixes).zip(records) {
                let (Ok(original), Ok(prefix)) = (original, prefix) else { continue };
                fold_one(&mut writer, &mut dictionaries, entry, &original, &prefix, record.ok().as_deref())?;
            }
        }
        Ok(writer.next_doc() > 0)
    })();
    let finished = match written {
        Ok(true) => {
            let [header, body] = dictionaries;
            write_words(&mut writer, Texts::Header, header)
                .and_then(|()| write_words(&mut writer, Texts::Body, body))
                .and_then(|()| writer.finish(Vec::new()))
                .map(Some)
        }
        Ok(false) => Ok(None),
        Err(error) => Err(error),
    };
    if !matches!(finished, Ok(Some(_))) {
        // A torn file is not a volume, and the next fold would remove it as well.
        let _ = job.store.derived_remove(account, number);
    }
    finished
}

fn fold_one(
    writer: &mut Writer,
    dictionaries: &mut [Dictionary; 2],
    entry: &MessageEntry,
    original: &[u8],
    prefix: &[u8],
    record: Option<&[u8]>,
) -> Result<(), StoreError> {
    let view = message::view(original);
    let record = record.and_then(|octets| Record::decode(octets).ok()).unwrap_or_else(|| Record::of(original, &view));
    let whole = [prefix, &view].concat();
    let derived = Derived::of(&whole);
    let searchable = derived.searchable;
    let doc = writer.next_doc();
    writer.doc(Doc { slot: entry.slot, id: entry.id, sent: record.sent, searchable });
    for (column, value) in derived.values(&record) {
        writer.value(column, value)?;
    }
    if searchable {
        let [header, body] = dictionaries;
        if let Some(header_text) = HeaderText::decode(&derived.header_text) {
            add_words(header, doc, std::str::from_utf8(header_text.text).unwrap_or_default());
        }
        add_words(body, doc, &derived.body_text);
    }
    Ok(())
}

/// What an index stores of a message besides its record.
pub(crate) struct Derived<'m> {
    header: &'m [u8],
    header_text: Vec<u8>,
    body_text: String,
    /// Whether its texts are stored: those of very long ones are not.
    pub(super) searchable: bool,
}

impl<'m> Derived<'m> {
    /// Of a message as clients see it.
    pub(crate) fn of(whole: &'m [u8]) -> Self {
        let header = &whole[..message::header_len(whole)];
        let (header_text, body_text) = texts(whole);
        let searchable = header_text.len() + body_text.len() <= TEXT_BYTES_MAX;
        Self { header, header_text, body_text, searchable }
    }

    /// The value of each column; `None` where none is stored.
    pub(super) fn values<'v>(&'v self, record: &'v Record) -> [(Column, Option<&'v [u8]>); 7] {
        [
            (Column::Envelope, Some(&record.envelope)),
            (Column::BodyStructure, Some(&record.bodystructure)),
            (Column::Body, Some(&record.body)),
            (Column::Preview, Some(record.preview.as_bytes())),
            (Column::Header, Some(self.header).filter(|header| header.len() <= HEADER_BYTES_MAX)),
            (Column::HeaderText, Some(self.header_text.as_slice()).filter(|_| self.searchable)),
            (Column::BodyText, Some(self.body_text.as_bytes()).filter(|_| self.searchable)),
        ]
    }
}

/// What a search sees of a message, as stored: the headers with their fields, the text parts.
fn texts(whole: &[u8]) -> (Vec<u8>, String) {
    let text = message::search_text(whole, &Structure::parse(whole));
    let mut header = String::with_capacity(text.header.len() + text.header.len() / 8);
    let mut fields = Vec::with_capacity(text.fields.len());
    let mut at = 0;
    for field in &text.fields {
        // Two fields are separated by a line end; name and value by a colon and a space.
        let mut take = |range: std::ops::Range<usize>| {
            casemap_into(&text.header[at..range.start], &mut header);
            let start = header.len();
            casemap_into(&text.header[range.clone()], &mut header);
            at = range.end;
            header.len() - start
        };
        fields.push((take(field.name.clone()), take(field.value.clone())));
    }
    casemap_into(&text.header[at..], &mut header);
    let mut body = String::with_capacity(text.body.len() + text.body.len() / 8);
    casemap_into(&text.body, &mut body);
    (HeaderText::encode(&fields, &header), body)
}

fn add_words(dictionary: &mut Dictionary, doc: u32, text: &str) {
    words(text, |word| match dictionary.get_mut(word.as_bytes()) {
        Some(places) => places.push(doc),
        None => dictionary.entry(word.as_bytes().into()).or_default().push(doc),
    });
}

fn write_words(writer: &mut Writer, of: Texts, dictionary: Dictionary) -> Result<(), StoreError> {
    let mut sorted: Vec<(Box<[u8]>, Places)> = dictionary.into_iter().collect();
    sorted.sort_unstable_by(|one, two| one.0.cmp(&two.0));
    let (column, places) = of.columns();
    let mut out = Words::new([column, places]);
    for (word, places) in &sorted {
        out.word(writer, word, &places.bytes)?;
    }
    out.finish(writer)
}
