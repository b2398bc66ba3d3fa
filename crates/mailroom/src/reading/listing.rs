//! What the owner's index has of the messages in a list, so that listing opens blocks, not messages.

use std::collections::HashMap;

use imap::{FetchItem, SectionText};
use store::MessageEntry;

use crate::index::{self, Column, OwnerIndex, Piece};

/// From this many messages in a request on, headers are taken from the index. A block has the headers of about a hundred messages:
/// for a few messages, opening their own is cheaper.
const HEADERS_FROM: usize = 8;

/// What the index has of one message.
#[derive(Default)]
pub(super) struct Listing(Vec<(Column, Piece)>);

impl Listing {
    /// The octets of a column.
    pub(super) fn get(&self, column: Column) -> Option<&[u8]> {
        let (_, (block, range)) = self.0.iter().find(|(known, _)| *known == column)?;
        block.get(range.clone())
    }
}

/// What the index has of the messages of a request.
pub(super) struct Listings {
    by_uid: HashMap<u32, Listing>,
    /// How many columns a message has if nothing is missing.
    wanted: usize,
}

impl Listings {
    /// What these items require of these messages.
    pub(super) fn of(index: Option<&OwnerIndex>, entries: &[Option<MessageEntry>], items: &[FetchItem]) -> Self {
        let mut wanted: Vec<Column> = items.iter().filter_map(column).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let headers = entries.len() >= HEADERS_FROM && items.iter().any(is_header) && !items.iter().any(is_more);
        let mut this = Self { by_uid: HashMap::new(), wanted: wanted.len() };
        let (Some(index), true) = (index, headers || !wanted.is_empty()) else { return this };
        let volumes = index.volumes();
        for entry in entries.iter().flatten() {
            let Some(place) = index::find(&volumes, entry) else { continue };
            let more = headers.then_some(Column::Header);
            let columns = wanted.iter().copied().chain(more);
            let pieces = columns.filter_map(|column| Some((column, index.value(&place, column)?)));
            this.by_uid.insert(entry.uid, Listing(pieces.collect()));
        }
        this
    }

    /// Whether everything that a record would be opened for is there.
    pub(super) fn knows(&self, uid: u32) -> bool {
        let of_record = |listing: &Listing| listing.0.iter().filter(|(column, _)| *column != Column::Header).count();
        self.by_uid.get(&uid).is_some_and(|listing| of_record(listing) == self.wanted)
    }

    /// What the index has of one message.
    pub(super) fn take(&mut self, uid: u32) -> Option<Listing> {
        self.by_uid.remove(&uid)
    }
}

/// The column that answers an item directly.
fn column(item: &FetchItem) -> Option<Column> {
    match item {
        FetchItem::Envelope => Some(Column::Envelope),
        FetchItem::Body => Some(Column::Body),
        FetchItem::BodyStructure => Some(Column::BodyStructure),
        _ => None,
    }
}

/// Whether the header of the message is enough for an item.
fn is_header(item: &FetchItem) -> bool {
    let FetchItem::Section(section, _) = item else { return false };
    let text = &section.text;
    let of_header =
        matches!(text, Some(SectionText::Header | SectionText::HeaderFields(_) | SectionText::HeaderFieldsNot(_)));
    section.part.is_empty() && of_header
}

/// Whether an item opens the message anyway.
pub(super) fn is_more(item: &FetchItem) -> bool {
    match item {
        FetchItem::Section(..) => !is_header(item),
        FetchItem::Binary(..) | FetchItem::BinarySize(_) => true,
        _ => false,
    }
}
