//! Merging: volumes of similar size become one, and dead messages are dropped.
//!
//! A volume never changes, so an expunged message stays in it, sealed and unreachable, until the volume
//! is rewritten: when eight of its size have accumulated, or when a quarter of it is dead. Over 100,000 messages, each is rewritten about
//! five times, without being opened again: blocks that are fully live are copied as they are.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use store::StoreError;

use super::job::{Job, Stop, next_number};
use super::owner::Texts;
use super::places::{Places, docs};
use super::volume::{Column, Volume, values};
use super::words::BETWEEN;
use super::writer::{Words, Writer};

/// How many volumes of one size become one, and the factor from one size to the next.
const FAN: usize = 8;

/// Messages in the smallest size.
const SMALLEST_DOCS: usize = 64;

/// What a merge may take in: messages, and bytes on disk. A larger volume stays as it is.
const MERGED_DOCS_MAX: usize = 1 << 16;
const MERGED_BYTES_MAX: u64 = 256 << 20;

/// A volume is rewritten when one message in this many is dead.
const DEAD_SHARE: usize = 4;

/// A block of fewer bytes is not copied but filled up, so that small volumes do not leave small blocks.
const TAKEN_OVER_BYTES_MIN: u32 = 32 << 10;

/// The size class of a volume.
fn size(volume: &Volume) -> u32 {
    (volume.list.docs.len() / SMALLEST_DOCS).checked_ilog(FAN).map_or(0, |size| size + 1)
}

/// Merges sizes that have accumulated enough volumes, until none has.
pub(super) fn grown(job: &Job, stop: &Stop) -> Result<(), StoreError> {
    while !stop.is_set() {
        let volumes = job.index.volumes();
        let sizes: BTreeSet<u32> = volumes.iter().map(|volume| size(volume)).collect();
        let ripe = sizes.into_iter().find_map(|wanted| {
            let mut alike: Vec<Arc<Volume>> = volumes.iter().filter(|volume| size(volume) == wanted).cloned().collect();
            alike.truncate(FAN);
            let docs: usize = alike.iter().map(|volume| volume.list.docs.len()).sum();
            let bytes: u64 = alike.iter().map(|volume| volume.file_bytes()).sum();
            (alike.len() == FAN && docs <= MERGED_DOCS_MAX && bytes <= MERGED_BYTES_MAX).then_some(alike)
        });
        match ripe {
            Some(alike) => merge(job, &alike)?,
            None => break,
        }
    }
    Ok(())
}

/// Rewrites volumes in which much is dead.
pub(super) fn shrunk(job: &Job, stop: &Stop) -> Result<(), StoreError> {
    let owned = job.store.owned_slots(job.index.account())?;
    for volume in job.index.volumes().iter() {
        if stop.is_set() {
            break;
        }
        let all = volume.list.docs.len();
        let alive = volume.list.docs.iter().filter(|doc| owned.binary_search(&doc.slot).is_ok()).count();
        if (all - alive) * DEAD_SHARE >= all {
            merge(job, std::slice::from_ref(volume))?;
        }
    }
    Ok(())
}

/// Where the messages of the inputs go: the new number of each, or `None` for the dead.
struct Moves {
    /// By input and message.
    to: Vec<Vec<Option<u32>>>,
    /// Input and message of each new one.
    from: Vec<(usize, u32)>,
}

impl Moves {
    fn of(inputs: &[Arc<Volume>], owned: &[u32]) -> Self {
        let mut alive: Vec<(u32, usize, u32)> = Vec::new();
        for (input, volume) in inputs.iter().enumerate() {
            let docs = volume.list.docs.iter().zip(0_u32..);
            let docs = docs.filter(|(doc, _)| owned.binary_search(&doc.slot).is_ok());
            alive.extend(docs.map(|(doc, at)| (doc.slot, input, at)));
        }
        alive.sort_unstable();
        alive.dedup_by_key(|(slot, _, _)| *slot);
        let mut to: Vec<Vec<Option<u32>>> = inputs.iter().map(|volume| vec![None; volume.list.docs.len()]).collect();
        for (&(_, input, doc), new) in alive.iter().zip(0..) {
            to[input][doc as usize] = Some(new);
        }
        Self { to, from: alive.into_iter().map(|(_, input, doc)| (input, doc)).collect() }
    }

    /// Whether the messages `first..first + count` of an input are consecutive from new number `next` on.
    fn is_run(&self, input: usize, first: u32, count: u32, next: u32) -> bool {
        let mine = &self.to[input];
        (0..count).all(|at| mine.get((first + at) as usize).copied().flatten() == next.checked_add(at))
    }
}

fn damaged() -> StoreError {
    StoreError::Damaged("a volume of an index; it is rebuilt at the next sign-in".to_owned())
}

/// Writes one volume replacing the inputs; none if everything is dead.
fn merge(job: &Job, inputs: &[Arc<Volume>]) -> Result<(), StoreError> {
    let (index, account) = (&job.index, job.index.account());
    let owned = job.store.owned_slots(account)?;
    let moves = Moves::of(inputs, &owned);
    let new = if moves.from.is_empty() {
        None
    } else {
        let number = next_number(job)?;
        let written = write(job, inputs, &moves, number);
        let opened = written.and_then(|()| Volume::open(&job.store, &index.key(), number).ok_or_else(damaged));
        Some(opened.inspect_err(|_| {
            // A torn file is not a volume, and the next fold would remove it as well.
            let _ = job.store.derived_remove(account, number);
        })?)
    };
    index.publish(new, inputs);
    // The new volume names these as replaced: if the node stops here, they are removed at the next fold.
    inputs.iter().try_for_each(|input| job.store.derived_remove(account, input.number))
}

fn write(job: &Job, inputs: &[Arc<Volume>], moves: &Moves, number: u64) -> Result<(), StoreError> {
    let mut writer = Writer::begin(&job.store, &job.index.key(), &*job.entropy, number)?;
    for &(input, doc) in &moves.from {
        writer.doc(inputs[input].list.docs[doc as usize]);
    }
    for column in Column::VALUES {
        write_values(&mut writer, inputs, moves, column)?;
    }
    for of in [Texts::Header, Texts::Body] {
        write_words(&mut writer, inputs, moves, of)?;
    }
    writer.finish(inputs.iter().map(|input| input.number).collect()).map(|_| ())
}

/// The last opened block of an input, and the positions of its values.
struct OpenBlock {
    number: u32,
    block: Vec<u8>,
    values: Vec<Option<Range<usize>>>,
}

fn write_values(writer: &mut Writer, inputs: &[Arc<Volume>], moves: &Moves, column: Column) -> Result<(), StoreError> {
    let mut next = 0_usize;
    let mut open: Vec<Option<OpenBlock>> = inputs.iter().map(|_| None).collect();
    while let Some(&(input, doc)) = moves.from.get(next) {
        let volume = &inputs[input];
        let row = *volume.block_of(column, doc).ok_or_else(damaged)?;
        let following = volume.blocks(column).find(|block| block.first > row.first).map(|block| block.first);
        let count = following.unwrap_or(volume.list.docs.len() as u32) - row.first;
        let new = u32::try_from(next).map_err(|_| StoreError::TooLarge)?;
        if doc == row.first && row.plain_bytes >= TAKEN_OVER_BYTES_MIN && moves.is_run(input, doc, count, new) {
            writer.take_over(&row, count, &volume.opened(&row).ok_or_else(damaged)?)?;
            next += count as usize;
            continue;
        }
        if open[input].as_ref().is_none_or(|open| open.number != row.number) {
            let block = volume.read(&row).ok_or_else(damaged)?;
            let values = values(&block).ok_or_else(damaged)?;
            open[input] = Some(OpenBlock { number: row.number, block, values });
        }
        let Some(OpenBlock { block, values, .. }) = &open[input] else { return Err(damaged()) };
        let value = values.get((doc - row.first) as usize).ok_or_else(damaged)?;
        writer.value(column, value.clone().map(|range| &block[range]))?;
        next += 1;
    }
    Ok(())
}

/// A dictionary being read from beginning to end.
struct Cursor<'v> {
    volume: &'v Volume,
    of: Texts,
    block: usize,
    words: Vec<u8>,
    places: Vec<u8>,
    /// Where in them the current word and its places begin.
    at: usize,
    places_at: usize,
}

impl<'v> Cursor<'v> {
    fn new(volume: &'v Volume, of: Texts) -> Result<Self, StoreError> {
        let mut this = Self { volume, of, block: 0, words: Vec::new(), places: Vec::new(), at: 0, places_at: 0 };
        this.load()?;
        Ok(this)
    }

    fn load(&mut self) -> Result<(), StoreError> {
        let (words, places) = self.of.columns();
        let rows = self.volume.blocks(words).nth(self.block).zip(self.volume.blocks(places).nth(self.block));
        (self.words, self.places) = match rows {
            Some((words, places)) => {
                (self.volume.read(words).ok_or_else(damaged)?, self.volume.read(places).ok_or_else(damaged)?)
            }
            None => (Vec::new(), Vec::new()),
        };
        (self.at, self.places_at) = (1, 0);
        Ok(())
    }

    /// The current word; `None` at the end.
    fn word(&self) -> Option<&[u8]> {
        let rest = self.words.get(self.at..).filter(|rest| !rest.is_empty())?;
        memchr::memchr(BETWEEN, rest).map(|end| &rest[..end])
    }

    /// The places of the current word; advances to the next one.
    fn take(&mut self, mut found: impl FnMut(u32)) -> Result<(), StoreError> {
        let word = self.word().map_or(0, <[u8]>::len);
        let mut input = super::code::Reader(self.places.get(self.places_at..).unwrap_or_default());
        let len = input.count().ok_or_else(damaged)?;
        let list = input.raw(len).ok_or_else(damaged)?;
        let left = input.0.len();
        docs(list).for_each(&mut found);
        self.places_at = self.places.len() - left;
        self.at += word + 1;
        if self.at >= self.words.len() {
            self.block += 1;
            self.load()?;
        }
        Ok(())
    }
}

fn write_words(writer: &mut Writer, inputs: &[Arc<Volume>], moves: &Moves, of: Texts) -> Result<(), StoreError> {
    let mut cursors = inputs.iter().map(|input| Cursor::new(input, of)).collect::<Result<Vec<_>, _>>()?;
    let (column, places) = of.columns();
    let mut out = Words::new([column, places]);
    let mut alive: Vec<u32> = Vec::new();
    while let Some(word) = cursors.iter().filter_map(Cursor::word).min().map(<[u8]>::to_vec) {
        alive.clear();
        for (cursor, to) in cursors.iter_mut().zip(&moves.to) {
            if cursor.word() == Some(&word) {
                cursor.take(|doc| alive.extend(to.get(doc as usize).copied().flatten()))?;
            }
        }
        alive.sort_unstable();
        let mut places = Places::default();
        alive.iter().for_each(|&doc| places.push(doc));
        // A word that only dead messages had is dropped with them.
        if !alive.is_empty() {
            out.word(writer, &word, &places.bytes)?;
        }
    }
    out.finish(writer)
}
