//! A volume: one file of an owner's index, as it is read (docs/formats/index.md). It never changes; what it says about a
//! message is true as long as the message exists.
//!
//! Anything that cannot be opened or is malformed is `None` here: then the message itself is read, which is slower but equally
//! correct, and the volume is rebuilt.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use durable::ReadAt;
use message::Day;
use store::{MessageEntry, Store};
use terms::{MessageId, UnixMillis};
use vault::{INDEX_BLOCK_OVERHEAD, IndexFileId, IndexKey, IndexOpener};

use super::code::Reader;

/// What a volume begins with: the mark of its type.
pub(super) const MAGIC: &[u8; 16] = b"bailiwick index\x01";

/// Magic, account, salt, commitment.
pub(super) const HEAD_BYTES: usize = 16 + 16 + 16 + 32;

/// The last bytes: offset and length of the list of blocks, and a mark.
pub(super) const FOOT_BYTES: usize = 8 + 4 + 4;
pub(super) const FOOT_MAGIC: &[u8; 4] = b"bwx\x01";

/// The longest block before it was compressed, in bytes: a text of the longest that is indexed, and its header.
pub(super) const BLOCK_BYTES_MAX: u64 = 64 << 20;

/// What a block holds. The numbers are part of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Column {
    /// ENVELOPE as sent to clients.
    Envelope = 1,
    /// BODYSTRUCTURE with extension data, as sent to clients.
    BodyStructure = 2,
    /// BODY without extension data, as sent to clients.
    Body = 3,
    /// The first words.
    Preview = 4,
    /// The header that clients see, including the prefix and the empty line.
    Header = 5,
    /// What a search sees of the headers.
    HeaderText = 8,
    /// What a search sees of the text parts.
    BodyText = 9,
    /// Words of header texts.
    HeaderWords = 16,
    /// Which messages contain them.
    HeaderPlaces = 17,
    /// Words of body texts.
    BodyWords = 18,
    /// Which messages contain them.
    BodyPlaces = 19,
}

impl Column {
    /// All columns that have a value for each message.
    pub(super) const VALUES: [Self; 7] = [
        Self::Envelope,
        Self::BodyStructure,
        Self::Body,
        Self::Preview,
        Self::Header,
        Self::HeaderText,
        Self::BodyText,
    ];

    fn of_number(number: u8) -> Option<Self> {
        let words = [Self::HeaderWords, Self::HeaderPlaces, Self::BodyWords, Self::BodyPlaces];
        Self::VALUES.into_iter().chain(words).find(|column| *column as u8 == number)
    }
}

/// A block as listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BlockRow {
    pub(super) column: Column,
    /// The first message, or the first word, in it.
    pub(super) first: u32,
    pub(super) sealed_bytes: u32,
    /// Whether it is compressed.
    pub(super) packed: bool,
    pub(super) plain_bytes: u32,
    /// Its number and its place in the file; not stored, but counted.
    pub(super) number: u32,
    pub(super) offset: u64,
}

/// What is known of a message besides its columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Doc {
    pub(super) slot: u32,
    pub(super) id: MessageId,
    /// The Date field: the moment, and the day by the sender's clock.
    pub(super) sent: Option<(UnixMillis, Day)>,
    /// Whether its texts are in the volume. Those of very long ones are not.
    pub(super) searchable: bool,
}

/// The list of a volume.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct List {
    /// Volumes that this one replaces: they are to be removed.
    pub(super) replaces: Vec<u64>,
    /// By slot, ascending.
    pub(super) docs: Vec<Doc>,
    /// In the order of their numbers.
    pub(super) blocks: Vec<BlockRow>,
}

impl List {
    pub(super) fn encode(&self) -> Vec<u8> {
        use super::code::{put, put_signed};
        let mut out = Vec::new();
        put(&mut out, self.replaces.len() as u64);
        self.replaces.iter().for_each(|&number| put(&mut out, number));
        put(&mut out, self.docs.len() as u64);
        let mut before = 0;
        for doc in &self.docs {
            put(&mut out, u64::from(doc.slot - before));
            before = doc.slot;
            out.extend_from_slice(&doc.id.0);
            out.push(u8::from(doc.searchable) | u8::from(doc.sent.is_some()) << 1);
            if let Some((moment, day)) = doc.sent {
                put_signed(&mut out, moment.0);
                put(&mut out, day.year.into());
                out.extend_from_slice(&[day.month, day.day]);
            }
        }
        put(&mut out, self.blocks.len() as u64);
        for block in &self.blocks {
            out.push(block.column as u8);
            put(&mut out, block.first.into());
            put(&mut out, block.sealed_bytes.into());
            out.push(block.packed.into());
            put(&mut out, block.plain_bytes.into());
        }
        out
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut input = Reader(bytes);
        let count = input.count()?;
        let replaces = (0..count).map(|_| input.number()).collect::<Option<Vec<_>>>()?;
        let count = input.count()?;
        let mut docs = Vec::with_capacity(count);
        let mut before = 0_u32;
        for _ in 0..count {
            let slot = before.checked_add(input.small()?).filter(|slot| *slot > before || docs.is_empty())?;
            before = slot;
            let id = MessageId(input.raw(16)?.try_into().ok()?);
            let marks = input.octet()?;
            let sent = if marks & 2 == 0 {
                None
            } else {
                let (moment, year) = (UnixMillis(input.signed()?), u16::try_from(input.number()?).ok()?);
                Some((moment, Day { year, month: input.octet()?, day: input.octet()? }))
            };
            docs.push(Doc { slot, id, sent, searchable: marks & 1 == 1 });
        }
        let count = input.count()?;
        let mut blocks = Vec::with_capacity(count);
        let mut offset = HEAD_BYTES as u64;
        for number in 1..=u32::try_from(count).ok()? {
            let (column, first) = (Column::of_number(input.octet()?)?, input.small()?);
            let (sealed_bytes, packed, plain_bytes) = (input.small()?, input.octet()? == 1, input.small()?);
            if u64::from(plain_bytes) > BLOCK_BYTES_MAX || u64::from(sealed_bytes) > BLOCK_BYTES_MAX {
                return None;
            }
            blocks.push(BlockRow { column, first, sealed_bytes, packed, plain_bytes, number, offset });
            offset += u64::from(sealed_bytes);
        }
        input.end()?;
        Some(Self { replaces, docs, blocks })
    }
}

/// A piece of an opened block: shared bytes and a range in them.
pub(crate) type Piece = (Arc<Vec<u8>>, Range<usize>);

/// A message's place: the volume, and which of its messages it is.
#[derive(Clone)]
pub(crate) struct IndexPlace {
    pub(crate) volume: Arc<Volume>,
    pub(crate) doc: u32,
}

/// One file of an index, open.
pub(crate) struct Volume {
    /// Its number among the account's files.
    pub(super) number: u64,
    /// A number that no other opened volume of this process has.
    pub(super) ticket: u64,
    file: Arc<dyn ReadAt>,
    opener: IndexOpener,
    pub(super) list: List,
    /// The places in `list.blocks` of each column's blocks, in order.
    columns: Vec<(Column, Vec<u32>)>,
    /// Something in it could not be opened: it is no longer used, and is rebuilt.
    pub(super) broken: AtomicBool,
}

static TICKETS: AtomicU64 = AtomicU64::new(1);

impl Volume {
    /// Opens a volume. `None` when it is torn, damaged, or sealed with another key.
    pub(super) fn open(store: &Store, key: &IndexKey, number: u64) -> Option<Self> {
        let file = store.derived_open(key.account(), number).ok()?;
        let len = file.len().ok()?;
        let mut head = [0; HEAD_BYTES];
        file.read_exact_at(&mut head, 0).ok()?;
        let (magic, rest) = head.split_first_chunk::<16>()?;
        let (account, rest) = rest.split_first_chunk::<16>()?;
        let (salt, rest) = rest.split_first_chunk::<16>()?;
        if magic != MAGIC || *account != key.account().0 {
            return None;
        }
        let opener = key.open(&IndexFileId { salt: *salt, commitment: rest.try_into().ok()? }).ok()?;
        let mut foot = [0; FOOT_BYTES];
        let foot_at = len.checked_sub(FOOT_BYTES as u64)?;
        file.read_exact_at(&mut foot, foot_at).ok()?;
        let (offset, rest) = foot.split_first_chunk::<8>()?;
        let (list_bytes, mark) = rest.split_first_chunk::<4>()?;
        let (offset, list_bytes) = (u64::from_be_bytes(*offset), u32::from_be_bytes(*list_bytes));
        if mark != FOOT_MAGIC || offset.checked_add(list_bytes.into())? != foot_at {
            return None;
        }
        let mut sealed = vec![0; list_bytes as usize];
        file.read_exact_at(&mut sealed, offset).ok()?;
        let list = List::decode(&opener.open_list(&sealed).ok()?)?;
        let mut columns: Vec<(Column, Vec<u32>)> = Vec::new();
        for (block, at) in list.blocks.iter().zip(0..) {
            match columns.iter_mut().find(|(column, _)| *column == block.column) {
                Some((_, blocks)) => blocks.push(at),
                None => columns.push((block.column, vec![at])),
            }
        }
        let ticket = TICKETS.fetch_add(1, Ordering::Relaxed);
        Some(Self { number, ticket, file, opener, list, columns, broken: AtomicBool::new(false) })
    }

    /// Which of its messages this one is. The id is compared, too: a restored store may assign slots again.
    pub(super) fn find(&self, entry: &MessageEntry) -> Option<u32> {
        let at = self.list.docs.binary_search_by_key(&entry.slot, |doc| doc.slot).ok()?;
        (self.list.docs[at].id == entry.id).then_some(at as u32)
    }

    /// The blocks of a column.
    pub(super) fn blocks(&self, column: Column) -> impl ExactSizeIterator<Item = &BlockRow> {
        let blocks = self.columns.iter().find(|(known, _)| *known == column).map(|(_, blocks)| blocks.as_slice());
        blocks.unwrap_or_default().iter().map(|at| &self.list.blocks[*at as usize])
    }

    /// The block of a column that contains a message.
    pub(super) fn block_of(&self, column: Column, doc: u32) -> Option<&BlockRow> {
        let (_, blocks) = self.columns.iter().find(|(known, _)| *known == column)?;
        let after = blocks.partition_point(|at| self.list.blocks[*at as usize].first <= doc);
        Some(&self.list.blocks[*blocks.get(after.checked_sub(1)?)? as usize])
    }

    /// Reads a block, opened but not unpacked.
    pub(super) fn opened(&self, block: &BlockRow) -> Option<Vec<u8>> {
        let read = || {
            let mut sealed = vec![0; block.sealed_bytes as usize];
            self.file.read_exact_at(&mut sealed, block.offset).ok()?;
            self.opener.open(block.number, &sealed).ok()
        };
        let opened = read();
        if opened.is_none() {
            self.broken.store(true, Ordering::Relaxed);
        }
        opened
    }

    /// Reads a block.
    pub(super) fn read(&self, block: &BlockRow) -> Option<Vec<u8>> {
        let opened = self.opened(block)?;
        let plain =
            if block.packed { crate::packing::unpack(&opened, block.plain_bytes as usize) } else { Some(opened) };
        let plain = plain.filter(|plain| plain.len() == block.plain_bytes as usize);
        if plain.is_none() {
            self.broken.store(true, Ordering::Relaxed);
        }
        plain
    }

    /// How many messages it has, including dead ones.
    pub(super) fn docs(&self) -> usize {
        self.list.docs.len()
    }

    /// How many bytes it has on disk.
    pub(super) fn file_bytes(&self) -> u64 {
        self.file.len().unwrap_or(0)
    }
}

/// The sealed length of a block of `plain` bytes.
pub(super) fn sealed_bytes(plain: usize) -> usize {
    plain + INDEX_BLOCK_OVERHEAD
}

/// Where in a block of values each value is; `None` for a message that has none.
pub(super) fn values(block: &[u8]) -> Option<Vec<Option<Range<usize>>>> {
    let mut input = Reader(block);
    let count = input.count()?;
    let lens = (0..count).map(|_| input.number()).collect::<Option<Vec<_>>>()?;
    let mut at = block.len() - input.0.len();
    let mut out = Vec::with_capacity(count);
    for len in lens {
        let Some(len) = len.checked_sub(1) else {
            out.push(None);
            continue;
        };
        let end = at.checked_add(usize::try_from(len).ok()?).filter(|end| *end <= block.len())?;
        out.push(Some(at..end));
        at = end;
    }
    (at == block.len()).then_some(out)
}

/// An opened block, and the positions of its values once they are needed.
pub(super) struct Block {
    pub(super) octets: Arc<Vec<u8>>,
    values: OnceLock<Option<Vec<Option<Range<usize>>>>>,
}

impl Block {
    pub(super) fn new(octets: Vec<u8>) -> Self {
        Self { octets: Arc::new(octets), values: OnceLock::new() }
    }

    /// Whether the block includes the message `place` messages after its first.
    pub(super) fn has(&self, place: u32) -> bool {
        let values = self.values.get_or_init(|| values(&self.octets));
        values.as_ref().is_some_and(|values| (place as usize) < values.len())
    }

    /// The value of one message, `place` messages after the block's first.
    pub(super) fn value(&self, place: u32) -> Option<Piece> {
        let values = self.values.get_or_init(|| values(&self.octets)).as_ref()?;
        Some((Arc::clone(&self.octets), values.get(place as usize)?.clone()?))
    }
}
