//! The rows of a FETCH, as many at a time as memory should hold.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use imap::{FetchItem, FetchRow, FetchRows, FetchValue, Octets, Partial, Section};
use message::{DecodeError, SectionSpec, SectionText};
use store::{MessageEntry, StoreError};
use vault::Part;

use super::listing::{self, Listings};
use super::message_reader::{MessageReader, WHOLE_BYTES_MAX};
use super::words::flags;
use super::{QUICK_BYTES_MAX, Reading, Stop, Unmet};
use crate::index::{Column, OwnerIndex};

/// Messages in one answer when records or columns suffice: a few hundred kilobytes of records.
const LIGHT_ROWS_MAX: usize = 256;

/// Messages in one answer when columns suffice.
const COLUMN_ROWS_MAX: usize = 4096;

/// Bytes after which an answer is full. A message is never split, so one answer may exceed this by one message and its values.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// The rows of the first of `uids`, and what was found damaged. A damaged message has no row; the rest continues.
/// A large message that has to be opened begins an answer of its own, so that the caller sees it coming.
///
/// # Errors
/// [`Refusal::Limit`](imap::Refusal::Limit) when the values of one message would take more than twice its size and some.
pub(super) fn rows(
    reading: Reading<'_>,
    index: Option<&OwnerIndex>,
    uids: &[u32],
    items: &[FetchItem],
) -> Result<(FetchRows, Option<StoreError>), Unmet> {
    let Reading { mail, owner, view, stop } = reading;
    let record =
        items.iter().any(|item| matches!(item, FetchItem::Envelope | FetchItem::Body | FetchItem::BodyStructure));
    let octets = items.iter().any(is_of_octets);
    let count = if record || octets { LIGHT_ROWS_MAX } else { COLUMN_ROWS_MAX };
    let uids = uids.get(..count).unwrap_or(uids);
    let mut entries: Vec<Option<MessageEntry>> = view.entries_of(uids).collect();
    let mut opener = None;
    let more = items.iter().any(listing::is_more);
    if more {
        entries.truncate(enough(&entries));
        let present: Vec<MessageEntry> = entries.iter().flatten().cloned().collect();
        // If one key cannot be opened, each message requests its own, and only damaged ones fail.
        opener = mail.store.opener_near(owner, view, &present).ok();
    }
    let mut listings = Listings::of(index, &entries, items);
    let mut records = HashMap::new();
    if record {
        let unlisted = |entry: &&MessageEntry| !listings.knows(entry.uid);
        let present: Vec<MessageEntry> = entries.iter().flatten().filter(unlisted).cloned().collect();
        let opened = mail.store.open_parts(owner, &present, Part::Record)?;
        // A record that cannot be opened is derived from the original.
        records = present.iter().zip(opened).filter_map(|(entry, record)| Some((entry.uid, record.ok()?))).collect();
    }
    let mut answer = FetchRows { covered: 0, rows: Vec::with_capacity(uids.len()), damaged: 0 };
    let mut damage = None;
    let (mut bytes, mut at) = (0, 0);
    for entry in &entries {
        let Some(entry) = entry else {
            answer.covered += 1;
            continue;
        };
        let mut reader = MessageReader::new(mail, owner, entry);
        if let Some(listing) = listings.take(entry.uid) {
            reader = reader.with_listing(listing);
        }
        let large = entry.view_size_bytes > QUICK_BYTES_MAX;
        let opens = large && octets && (more || reader.listed(Column::Header).is_none());
        if opens && answer.covered > 0 {
            break;
        }
        answer.covered += 1;
        let _turn = match opens {
            true => mail.large.turn(owner.account(), 2 * entry.view_size_bytes as usize, stop)?,
            false => None,
        };
        if let Some(opener) = &opener {
            reader = reader.with_key(opener, at);
        }
        at += 1;
        if let Some(record) = records.remove(&entry.uid) {
            reader = reader.with_record(&record);
        }
        match values(&reader, items, stop) {
            Ok(values) => {
                bytes += reader.held_bytes();
                answer.rows.push(FetchRow { uid: entry.uid, flags: flags(&entry.flags), values });
            }
            Err(Unmet::Store(error @ StoreError::Damaged(_))) => {
                answer.damaged += 1;
                damage = Some(error);
            }
            Err(error) => return Err(error),
        }
        if bytes >= ANSWER_BYTES_MAX {
            break;
        }
    }
    Ok((answer, damage))
}

/// Whether the view has the value of an item, so that nothing is opened or read.
pub(super) fn is_of_view(item: &FetchItem) -> bool {
    matches!(item, FetchItem::InternalDate | FetchItem::Size)
}

/// Whether the value of an item is made of the message itself.
pub(super) fn is_of_octets(item: &FetchItem) -> bool {
    matches!(item, FetchItem::Section(..) | FetchItem::Binary(..) | FetchItem::BinarySize(_))
}

/// How many of these messages an answer may need if each is requested completely; of long ones, often only a piece is.
fn enough(entries: &[Option<MessageEntry>]) -> usize {
    let mut bytes = 0;
    let full = |entry: &Option<MessageEntry>| {
        bytes += entry.as_ref().map_or(0, |entry| entry.view_size_bytes.min(WHOLE_BYTES_MAX) as usize);
        bytes >= ANSWER_BYTES_MAX
    };
    entries.iter().position(full).map_or(entries.len(), |last| last + 1)
}

/// The values of one message.
fn values(reader: &MessageReader<'_>, items: &[FetchItem], stop: &Stop) -> Result<Vec<FetchValue>, Unmet> {
    let mut decoded = Decoded::default();
    if items.len() > 1 {
        reader.prepare_pieces(items.iter().filter_map(piece_of_message))?;
    }
    let value = |item| {
        stop.check()?;
        value(reader, item, &mut decoded)
    };
    items.iter().map(value).collect()
}

/// The piece of the message itself that an item requests; all of it counts as one.
fn piece_of_message(item: &FetchItem) -> Option<Partial> {
    match item {
        FetchItem::Section(section, piece) if section.part.is_empty() && section.text.is_none() => {
            Some(piece.unwrap_or(Partial { origin: 0, length: u64::MAX }))
        }
        _ => None,
    }
}

fn value(reader: &MessageReader<'_>, item: &FetchItem, decoded: &mut Decoded) -> Result<FetchValue, Unmet> {
    let wire = |octets: &[u8]| -> Result<FetchValue, Unmet> {
        reader.spend(octets.len())?;
        Ok(FetchValue::Wire(octets.to_vec()))
    };
    match item {
        FetchItem::InternalDate => Ok(FetchValue::Moment(reader.entry.internal_date)),
        FetchItem::Size => Ok(FetchValue::Number(reader.entry.view_size_bytes.into())),
        FetchItem::Envelope => match reader.listed(Column::Envelope) {
            Some(octets) => wire(octets),
            None => wire(&reader.record()?.envelope),
        },
        FetchItem::Body => match reader.listed(Column::Body) {
            Some(octets) => wire(octets),
            None => wire(&reader.record()?.body),
        },
        FetchItem::BodyStructure => match reader.listed(Column::BodyStructure) {
            Some(octets) => wire(octets),
            None => wire(&reader.record()?.bodystructure),
        },
        FetchItem::Section(section, partial) => section_value(reader, section, *partial),
        FetchItem::Binary(part, partial) => Ok(match decoded.part(reader, part)? {
            Ok(octets) => FetchValue::Octets(cut(octets, *partial)),
            Err(why) => without(why),
        }),
        FetchItem::BinarySize(part) => Ok(match decoded.part(reader, part)? {
            Ok(octets) => FetchValue::Number(octets.as_slice().len() as u64),
            Err(why) => without(why),
        }),
    }
}

fn without(why: DecodeError) -> FetchValue {
    match why {
        DecodeError::NoSuchPart => FetchValue::Nil,
        DecodeError::UnknownEncoding => FetchValue::UnknownEncoding,
    }
}

/// `BODY[section]<partial>`, opening no more than it needs: mail clients request headers for lists, and large
/// messages piece by piece.
fn section_value(reader: &MessageReader<'_>, section: &Section, partial: Option<Partial>) -> Result<FetchValue, Unmet> {
    if let Some(octets) = listed_fields(reader, section)? {
        return Ok(FetchValue::Octets(cut(octets, partial)));
    }
    let spec = spec(section);
    let of_message = spec.part.is_empty();
    if let (true, None, Some(partial)) = (of_message, &spec.text, partial) {
        return Ok(FetchValue::Octets(reader.piece(partial)?));
    }
    if of_message && spec.text.is_none() {
        let whole = reader.whole()?;
        let range = 0..whole.len();
        return Ok(FetchValue::Octets(Octets::slice(whole, range)));
    }
    let header_only = of_message
        && matches!(
            spec.text,
            Some(SectionText::Header | SectionText::HeaderFields(_) | SectionText::HeaderFieldsNot(_))
        );
    let names = match &spec.text {
        Some(SectionText::HeaderFields(names) | SectionText::HeaderFieldsNot(names)) => Some(names.len()),
        _ => None,
    };
    let octets = if header_only {
        let header = reader.header()?;
        let structure = reader.header_structure(&header);
        if let (Some(names), Some(message)) = (names, structure.part(&[])) {
            reader.search(&header[message.header.clone()], names)?;
        }
        message::section(&header, structure, &spec).map(|octets| keep(reader, &header, octets)).transpose()?
    } else {
        let whole = reader.whole()?;
        let structure = reader.structure()?;
        if let (Some(names), Some(part)) = (names, structure.part(&spec.part)) {
            reader.search(&whole[part.body.clone()], names)?;
        }
        message::section(&whole, structure, &spec).map(|octets| keep(reader, &whole, octets)).transpose()?
    };
    Ok(octets.map_or(FetchValue::Nil, |octets| FetchValue::Octets(cut(octets, partial))))
}

/// Fields of the message's own header, if the index has them: what mail clients request for lists. `None` if something
/// else was requested, or the index does not have it.
fn listed_fields(reader: &MessageReader<'_>, section: &Section) -> Result<Option<Octets>, Unmet> {
    let (names, wanted) = match &section.text {
        Some(imap::SectionText::HeaderFields(names)) => (names, true),
        Some(imap::SectionText::HeaderFieldsNot(names)) => (names, false),
        _ => return Ok(None),
    };
    let Some(header) = reader.listed(Column::Header).filter(|_| section.part.is_empty()) else { return Ok(None) };
    reader.search(header, names.len())?;
    let octets = message::subset(&header[..message::header_len(header)], names, wanted);
    reader.spend(octets.len())?;
    Ok(Some(octets.into()))
}

/// The octets as a range of `of` if they are one, or as octets of their own.
fn keep(reader: &MessageReader<'_>, of: &Arc<Vec<u8>>, octets: Cow<'_, [u8]>) -> Result<Octets, Unmet> {
    match octets {
        Cow::Borrowed(octets) => {
            let start = octets.as_ptr().addr().saturating_sub(of.as_ptr().addr());
            Ok(Octets::slice(of.clone(), start..start.saturating_add(octets.len())))
        }
        Cow::Owned(octets) => {
            reader.spend(octets.len())?;
            Ok(octets.into())
        }
    }
}

fn cut(octets: Octets, partial: Option<Partial>) -> Octets {
    match partial {
        Some(partial) => {
            let range = partial.within(octets.as_slice().len());
            octets.cut(range)
        }
        None => octets,
    }
}

fn spec(section: &Section) -> SectionSpec {
    let text = section.text.as_ref().map(|text| match text {
        imap::SectionText::Header => SectionText::Header,
        imap::SectionText::HeaderFields(names) => SectionText::HeaderFields(names.clone()),
        imap::SectionText::HeaderFieldsNot(names) => SectionText::HeaderFieldsNot(names.clone()),
        imap::SectionText::Text => SectionText::Text,
        imap::SectionText::Mime => SectionText::Mime,
    });
    SectionSpec { part: section.part.clone(), text }
}

/// Parts of one message without their transfer encoding, each decoded once, however many pieces of it are requested.
#[derive(Default)]
struct Decoded(HashMap<Vec<u32>, Result<Octets, DecodeError>>);

impl Decoded {
    fn part(&mut self, reader: &MessageReader<'_>, part: &[u32]) -> Result<Result<Octets, DecodeError>, Unmet> {
        if let Some(known) = self.0.get(part) {
            return Ok(known.clone());
        }
        let whole = reader.whole()?;
        let octets = match message::decoded(&whole, reader.structure()?, part) {
            Ok(octets) => Ok(keep(reader, &whole, octets)?),
            Err(why) => Err(why),
        };
        self.0.insert(part.to_vec(), octets.clone());
        Ok(octets)
    }
}
