//! A volume being written: columns fill up, and go to the file block by block, so that memory holds one block of each.

use store::{DerivedFile, Store, StoreError};
use terms::Entropy;
use vault::{IndexKey, IndexSealer};

use super::code::put;
use super::volume::{BlockRow, Column, Doc, FOOT_BYTES, FOOT_MAGIC, HEAD_BYTES, List, MAGIC, sealed_bytes};
use super::words::BETWEEN;

/// Messages in a block of values: a list is fetched this many at a time.
const BLOCK_DOCS_MAX: usize = 256;

/// Bytes after which a block is full. One AES call of this length costs about 30 microseconds; texts of this length
/// compress nearly as well as longer ones.
const BLOCK_BYTES_FULL: usize = 128 << 10;

/// Bytes of words after which a block of words is full; also of places.
const WORDS_BYTES_FULL: usize = 64 << 10;
const PLACES_BYTES_FULL: usize = 256 << 10;

/// zstd's own default: half the size of level 1 saves nothing more on mail.
const PACKING_LEVEL: i32 = 3;

/// A column being filled.
struct Filling {
    column: Column,
    first: u32,
    lens: Vec<u64>,
    bytes: Vec<u8>,
}

/// A volume being written.
pub(super) struct Writer {
    sealer: IndexSealer,
    file: DerivedFile,
    list: List,
    filling: Vec<Filling>,
    packer: zstd::bulk::Compressor<'static>,
}

fn trouble(error: &dyn std::fmt::Display) -> StoreError {
    StoreError::NotStored(error.to_string())
}

impl Writer {
    /// Begins volume `number`.
    pub(super) fn begin(store: &Store, key: &IndexKey, entropy: &dyn Entropy, number: u64) -> Result<Self, StoreError> {
        let mut file = store.derived_begin(key.account(), number)?;
        let sealer = key.begin(entropy);
        let id = sealer.id();
        let mut head = Vec::with_capacity(HEAD_BYTES);
        head.extend_from_slice(MAGIC);
        head.extend_from_slice(&key.account().0);
        head.extend_from_slice(&id.salt);
        head.extend_from_slice(&id.commitment);
        file.append(&head)?;
        let filling =
            Column::VALUES.iter().map(|&column| Filling { column, first: 0, lens: Vec::new(), bytes: Vec::new() });
        let packer = zstd::bulk::Compressor::new(PACKING_LEVEL).map_err(|error| trouble(&error))?;
        Ok(Self { sealer, file, list: List::default(), filling: filling.collect(), packer })
    }

    /// The number that the next message gets.
    pub(super) fn next_doc(&self) -> u32 {
        self.list.docs.len() as u32
    }

    /// Adds a message; its slot is above those of the previous messages. Its values follow, one for each column.
    pub(super) fn doc(&mut self, doc: Doc) {
        self.list.docs.push(doc);
    }

    /// Adds the value of the next message of a column; `None` when it has none.
    pub(super) fn value(&mut self, column: Column, value: Option<&[u8]>) -> Result<(), StoreError> {
        let Some(filling) = self.filling.iter_mut().find(|filling| filling.column == column) else { return Ok(()) };
        filling.lens.push(value.map_or(0, |value| value.len() as u64 + 1));
        filling.bytes.extend_from_slice(value.unwrap_or_default());
        if filling.lens.len() >= BLOCK_DOCS_MAX || filling.bytes.len() >= BLOCK_BYTES_FULL {
            self.flush(column)?;
        }
        Ok(())
    }

    /// Seals what a column has collected.
    fn flush(&mut self, column: Column) -> Result<(), StoreError> {
        let Some(filling) = self.filling.iter_mut().find(|filling| filling.column == column) else { return Ok(()) };
        if filling.lens.is_empty() {
            return Ok(());
        }
        let mut plain = Vec::with_capacity(filling.bytes.len() + 3 * filling.lens.len() + 4);
        put(&mut plain, filling.lens.len() as u64);
        filling.lens.iter().for_each(|&len| put(&mut plain, len));
        plain.append(&mut filling.bytes);
        let first = filling.first;
        filling.first += filling.lens.len() as u32;
        filling.lens.clear();
        self.packed(column, first, &plain)
    }

    /// Seals a block, compressed if that helps. What is opened often is in the cache uncompressed, so only the first use
    /// costs.
    fn packed(&mut self, column: Column, first: u32, plain: &[u8]) -> Result<(), StoreError> {
        match self.packer.compress(plain).ok().filter(|packed| packed.len() < plain.len()) {
            Some(packed) => self.block(column, first, true, plain.len(), &packed),
            None => self.block(column, first, false, plain.len(), plain),
        }
    }

    /// Copies a block of values from another volume, whose messages are the next `docs` ones of the column.
    pub(super) fn take_over(&mut self, row: &BlockRow, docs: u32, opened: &[u8]) -> Result<(), StoreError> {
        self.flush(row.column)?;
        let Some(filling) = self.filling.iter_mut().find(|filling| filling.column == row.column) else { return Ok(()) };
        let first = filling.first;
        filling.first += docs;
        self.block(row.column, first, row.packed, row.plain_bytes as usize, opened)
    }

    fn block(
        &mut self,
        column: Column,
        first: u32,
        packed: bool,
        plain_bytes: usize,
        octets: &[u8],
    ) -> Result<(), StoreError> {
        let mut sealed = Vec::with_capacity(sealed_bytes(octets.len()));
        let number = self.sealer.seal(octets, &mut sealed).map_err(|error| trouble(&error))?;
        let offset = self.file.len();
        self.file.append(&sealed)?;
        let short = |len: usize| u32::try_from(len).map_err(|_| StoreError::TooLarge);
        let (sealed_bytes, plain_bytes) = (short(sealed.len())?, short(plain_bytes)?);
        self.list.blocks.push(BlockRow { column, first, sealed_bytes, packed, plain_bytes, number, offset });
        Ok(())
    }

    /// Finishes the volume and makes it durable: before this returns, it is not a volume. Returns its number.
    pub(super) fn finish(mut self, replaces: Vec<u64>) -> Result<u64, StoreError> {
        for column in Column::VALUES {
            self.flush(column)?;
        }
        self.list.replaces = replaces;
        let mut tail = Vec::new();
        self.sealer.seal_list(&self.list.encode(), &mut tail);
        let list_bytes = u32::try_from(tail.len()).map_err(|_| StoreError::TooLarge)?;
        let offset = self.file.len();
        tail.reserve(FOOT_BYTES);
        tail.extend_from_slice(&offset.to_be_bytes());
        tail.extend_from_slice(&list_bytes.to_be_bytes());
        tail.extend_from_slice(FOOT_MAGIC);
        self.file.append(&tail)?;
        let number = self.file.number();
        self.file.sync()?;
        Ok(number)
    }
}

/// A dictionary being written: words ascending, each with the messages that contain it.
pub(super) struct Words {
    columns: [Column; 2],
    words: Vec<u8>,
    places: Vec<u8>,
    /// Words in earlier blocks, and in this one.
    first: u32,
    count: u32,
}

impl Words {
    /// For a column of words and the column of their places.
    pub(super) fn new(columns: [Column; 2]) -> Self {
        Self { columns, words: Vec::new(), places: Vec::new(), first: 0, count: 0 }
    }

    /// Adds a word. `places`: for each message, in order, its number minus the previous one (the first: plus one).
    pub(super) fn word(&mut self, writer: &mut Writer, word: &[u8], places: &[u8]) -> Result<(), StoreError> {
        if self.words.is_empty() {
            self.words.push(BETWEEN);
        }
        self.words.extend_from_slice(word);
        self.words.push(BETWEEN);
        put(&mut self.places, places.len() as u64);
        self.places.extend_from_slice(places);
        self.count += 1;
        if self.words.len() >= WORDS_BYTES_FULL || self.places.len() >= PLACES_BYTES_FULL {
            self.flush(writer)?;
        }
        Ok(())
    }

    fn flush(&mut self, writer: &mut Writer) -> Result<(), StoreError> {
        if self.count > 0 {
            writer.packed(self.columns[0], self.first, &self.words)?;
            writer.packed(self.columns[1], self.first, &self.places)?;
        }
        self.words.clear();
        self.places.clear();
        self.first += self.count;
        self.count = 0;
        Ok(())
    }

    /// Seals what is left.
    pub(super) fn finish(mut self, writer: &mut Writer) -> Result<(), StoreError> {
        self.flush(writer)
    }
}
