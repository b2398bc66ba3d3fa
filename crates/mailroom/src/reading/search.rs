//! SEARCH: columns decide where they can, then the owner's index; a message is opened only if neither can.
//!
//! Texts are compared in the form of RFC 5051 (`message::casemap`). The index answers a text within one word by itself;
//! for every other text, and for a single header field, it names candidates, whose stored texts are then searched. Messages
//! that are not in the index yet are searched themselves. So the answer is the same with and without an index.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::num::NonZero;
use std::sync::{Arc, OnceLock};

use imap::{Date, SearchHits, SearchKey, UidRanges};
use message::Day;
use store::{MessageEntry, StoreError};

use super::large::Turn;
use super::message_reader::MessageReader;
use super::words::system_bit;
use super::{Reading, Unmet};
use crate::index::{self, DocSet, HeaderText, IndexPlace, Opened, OwnerIndex, Query, Texts, Volumes};

type Key = SearchKey<UidRanges>;

/// Messages that one lane searches before the lanes synchronize, if there are two.
const LANE_UIDS_MAX: usize = 256;

/// Bytes that are opened before an answer: about 10 ms of work, after which the server can see whether the client is still
/// there.
const ANSWER_BYTES_MAX: usize = 4 << 20;

/// Memory that a search takes for an opened message, in times of its size: the message, its text, and that in the form of
/// `casemap`; decoding takes some more.
const SEARCHED_TIMES: usize = 5;

/// A search in progress: its key, its texts, and what the index says about them.
pub(super) struct Plan {
    key: Arc<Key>,
    root: Node,
    texts: Vec<Text>,
    index: Option<(Arc<OwnerIndex>, Volumes)>,
    /// What each lane has open.
    lanes: [Opened; 2],
    /// Whether an answer was full before everything was searched: then both lanes are used.
    heavy: bool,
}

/// A key, with its texts by number.
enum Node {
    And(Vec<Self>),
    Or(Box<Self>, Box<Self>),
    Not(Box<Self>),
    /// Answered by the columns.
    Columns(Key),
    /// Answered by the date in the Date field.
    Sent(When, Date),
    Text(usize),
}

#[derive(Clone, Copy)]
enum When {
    Before,
    On,
    Since,
}

/// A text to search for, and where.
struct Text {
    scope: Scope,
    query: Query,
    /// By volume, in their order; requested once.
    candidates: Vec<OnceLock<Option<Candidates>>>,
}

#[derive(PartialEq, Eq)]
enum Scope {
    /// In the values of the fields of this name.
    Field(String),
    Body,
    /// Everywhere.
    All,
}

/// The answer of a volume's dictionary.
struct Candidates {
    header: Option<DocSet>,
    body: Option<DocSet>,
}

impl Plan {
    /// The plan of a key: the existing one, if it is of the same search.
    pub(super) fn of(before: Option<Self>, key: &Arc<Key>, index: Option<&Arc<OwnerIndex>>) -> Self {
        if let Some(plan) = before.filter(|plan| Arc::ptr_eq(&plan.key, key)) {
            return plan;
        }
        let index = index.map(|index| (Arc::clone(index), index.volumes()));
        let mut texts = Vec::new();
        let root = Node::of(key, &mut texts);
        let volumes = index.as_ref().map_or(0, |(_, volumes)| volumes.len());
        for text in &mut texts {
            text.candidates.resize_with(volumes, OnceLock::new);
        }
        Self { key: Arc::clone(key), root, texts, index, lanes: Default::default(), heavy: false }
    }

    /// A message's place in the index.
    fn place(&self, entry: &MessageEntry) -> Option<(usize, IndexPlace)> {
        let (_, volumes) = self.index.as_ref()?;
        let place = index::find(volumes, entry)?;
        let at = volumes.iter().position(|volume| Arc::ptr_eq(volume, &place.volume))?;
        Some((at, place))
    }
}

impl Node {
    fn of(key: &Key, texts: &mut Vec<Text>) -> Self {
        let mut text = |scope, sought: &str| {
            texts.push(Text { scope, query: Query::new(&message::casemap(sought)), candidates: Vec::new() });
            Self::Text(texts.len() - 1)
        };
        match key {
            Key::Header(name, sought) => text(Scope::Field(name.to_ascii_uppercase()), sought),
            Key::Body(sought) => text(Scope::Body, sought),
            Key::Text(sought) => text(Scope::All, sought),
            Key::SentBefore(date) => Self::Sent(When::Before, *date),
            Key::SentOn(date) => Self::Sent(When::On, *date),
            Key::SentSince(date) => Self::Sent(When::Since, *date),
            Key::And(keys) => Self::And(keys.iter().map(|key| Self::of(key, texts)).collect()),
            Key::Or(one, two) => Self::Or(Box::new(Self::of(one, texts)), Box::new(Self::of(two, texts))),
            Key::Not(key) => Self::Not(Box::new(Self::of(key, texts))),
            other => Self::Columns(other.clone()),
        }
    }
}

/// The matches among the first of `uids`. A damaged message matches nothing that requires opening it.
///
/// A search that opens much uses two threads, if the machine has two cores: unpacking stored texts is pure CPU work.
pub(super) fn found(reading: Reading<'_>, uids: &[u32], plan: &mut Plan) -> Result<SearchHits, Unmet> {
    let [mut one, mut two] = std::mem::take(&mut plan.lanes);
    let work = Work { reading, plan };
    let both = plan.heavy
        && uids.len() >= 2
        && std::thread::available_parallelism().is_ok_and(|all| all > NonZero::<usize>::MIN);
    let found = if both {
        let (first, rest) = uids.split_at(LANE_UIDS_MAX.min(uids.len() / 2));
        let second = &rest[..LANE_UIDS_MAX.min(rest.len())];
        std::thread::scope(|scope| {
            let beside = scope.spawn(|| work.stretch(second, &mut two));
            let mut found = work.stretch(first, &mut one)?;
            // What the second lane found counts if nothing before it was left out.
            if let (true, Ok(Ok(more))) = (found.covered == first.len(), beside.join()) {
                found.covered += more.covered;
                found.uids.extend(more.uids);
            }
            Ok::<_, Unmet>(found)
        })?
    } else {
        work.stretch(uids, &mut one)?
    };
    plan.heavy |= found.covered < uids.len();
    plan.lanes = [one, two];
    Ok(found)
}

/// The state of a lane.
struct Work<'w> {
    reading: Reading<'w>,
    plan: &'w Plan,
}

impl Work<'_> {
    /// The matches among the first of `uids`, until as much was opened as one answer may take.
    fn stretch(&self, uids: &[u32], opened: &mut Opened) -> Result<SearchHits, Unmet> {
        let mut found = SearchHits { covered: 0, uids: Vec::new() };
        let mut bytes = 0;
        let opened_before = opened.bytes;
        for uid in uids {
            found.covered += 1;
            self.reading.stop.check()?;
            let Some(entry) = self.reading.view.entry(*uid) else { continue };
            let place = self.plan.place(&entry);
            let mut searched = Searched {
                work: self,
                entry: &entry,
                place: place.as_ref(),
                opened,
                reader: OnceCell::new(),
                turn: OnceCell::new(),
                text: OnceCell::new(),
                fields: OnceCell::new(),
            };
            let matches = match searched.matches(&self.plan.root) {
                Ok(matches) => matches,
                Err(Unmet::Store(StoreError::Damaged(_))) => false,
                Err(error) => return Err(error),
            };
            if searched.reader.get().is_some() {
                bytes += entry.original_size_bytes as usize;
            }
            if matches {
                found.uids.push(*uid);
            }
            if bytes + (opened.bytes - opened_before) >= ANSWER_BYTES_MAX {
                break;
            }
        }
        Ok(found)
    }
}

/// What the columns say about a key that they can answer.
fn by_columns(key: &Key, entry: &MessageEntry) -> bool {
    let day = || Date::of(entry.internal_date);
    match key {
        Key::Flag(flag) => entry.flags.has(system_bit(*flag)),
        Key::Keyword(keyword) => entry.flags.keywords.iter().any(|have| have.eq_ignore_ascii_case(keyword.as_str())),
        Key::Before(date) => day() < *date,
        Key::On(date) => day() == *date,
        Key::Since(date) => day() >= *date,
        Key::Larger(size) => u64::from(entry.view_size_bytes) > *size,
        Key::Smaller(size) => u64::from(entry.view_size_bytes) < *size,
        Key::Set(uids) => uids.contains(entry.uid),
        // These are nodes of their own.
        _ => false,
    }
}

/// A message being searched.
struct Searched<'r> {
    work: &'r Work<'r>,
    entry: &'r MessageEntry,
    place: Option<&'r (usize, IndexPlace)>,
    opened: &'r mut Opened,
    reader: OnceCell<MessageReader<'r>>,
    /// The turn that a large message waits for before it is opened.
    turn: OnceCell<Option<Turn>>,
    text: OnceCell<Whole>,
    /// The values of the fields that the search is about, by name in capitals.
    fields: OnceCell<HashMap<&'r str, Values>>,
}

/// The values of the fields of one name, in the form of `casemap`, one after another.
#[derive(Default)]
struct Values {
    text: String,
    /// Where each ends.
    ends: Vec<usize>,
}

impl Values {
    fn add(&mut self, value: &str) {
        message::casemap_into(value, &mut self.text);
        self.ends.push(self.text.len());
    }

    fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| &self.text.as_bytes()[start..*end])
    }
}

/// The searched text of an opened message, in the form of `casemap`.
struct Whole {
    header: String,
    body: String,
}

impl<'r> Searched<'r> {
    /// Whether the message matches, as far as columns and index can tell without opening it.
    fn known(&self, node: &Node) -> Option<bool> {
        match node {
            Node::And(nodes) => {
                let mut all = Some(true);
                for node in nodes {
                    match self.known(node) {
                        Some(false) => return Some(false),
                        Some(true) => {}
                        None => all = None,
                    }
                }
                all
            }
            Node::Or(one, two) => match (self.known(one), self.known(two)) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            },
            Node::Not(node) => self.known(node).map(|matches| !matches),
            Node::Columns(key) => Some(by_columns(key, self.entry)),
            Node::Sent(when, date) => {
                let sent = OwnerIndex::sent(&self.place?.1)?;
                Some(self.sent(*when, *date, sent.map(|(_, day)| day)))
            }
            Node::Text(number) => self.known_text(&self.work.plan.texts[*number]),
        }
    }

    fn known_text(&self, text: &Text) -> Option<bool> {
        let (at, place) = self.place.filter(|(_, place)| OwnerIndex::is_searchable(place))?;
        let candidates = self.candidates(text, *at, place)?;
        let has = |set: &Option<DocSet>| set.as_ref().is_some_and(|set| set.has(place.doc));
        if !has(&candidates.header) && !has(&candidates.body) {
            return Some(false);
        }
        (text.query.exact && !matches!(text.scope, Scope::Field(_))).then_some(true)
    }

    fn candidates<'p>(&self, text: &'p Text, at: usize, place: &IndexPlace) -> Option<&'p Candidates> {
        let ask = || {
            let (index, _) = self.work.plan.index.as_ref()?;
            let ask = |of| index.candidates(&place.volume, of, &text.query);
            Some(Candidates {
                header: if text.scope == Scope::Body { None } else { Some(ask(Texts::Header)?) },
                body: if matches!(text.scope, Scope::Field(_)) { None } else { Some(ask(Texts::Body)?) },
            })
        };
        text.candidates.get(at)?.get_or_init(ask).as_ref()
    }

    /// Whether the message matches. What is known without opening it is checked first, at every level.
    fn matches(&mut self, node: &Node) -> Result<bool, Unmet> {
        if let Some(known) = self.known(node) {
            return Ok(known);
        }
        self.work.reading.stop.check()?;
        match node {
            Node::And(nodes) => {
                for node in nodes {
                    if !self.matches(node)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Node::Or(one, two) => Ok(self.matches(one)? || self.matches(two)?),
            Node::Not(node) => Ok(!self.matches(node)?),
            Node::Sent(when, date) => {
                let sent = self.reader().record()?.sent.map(|(_, day)| day);
                Ok(self.sent(*when, *date, sent))
            }
            Node::Text(number) => {
                let plan = self.work.plan;
                let text = &plan.texts[*number];
                match self.by_kept_text(text) {
                    Some(matches) => Ok(matches),
                    None => self.by_message(text),
                }
            }
            Node::Columns(key) => Ok(by_columns(key, self.entry)),
        }
    }

    /// The date in the Date field as the sender wrote it; the internal date for a message without one.
    fn sent(&self, when: When, date: Date, sent: Option<Day>) -> bool {
        let day = sent.map_or_else(|| Date::of(self.entry.internal_date), |day| Date(day.days_since_1970()));
        match when {
            When::Before => day < date,
            When::On => day == date,
            When::Since => day >= date,
        }
    }

    /// What the stored texts say; `None` if there are none or they cannot be opened.
    fn by_kept_text(&mut self, text: &Text) -> Option<bool> {
        let (at, place) = self.place.filter(|(_, place)| OwnerIndex::is_searchable(place))?;
        let candidates = self.candidates(text, *at, place)?;
        if candidates.header.as_ref().is_some_and(|set| set.has(place.doc)) {
            let (block, range) = self.opened.text(place, Texts::Header)?;
            let header = HeaderText::decode(&block[range])?;
            let matches = match &text.scope {
                Scope::Field(name) => header.values(name).any(|value| text.query.is_in(value)),
                _ => text.query.is_in(header.text),
            };
            if matches {
                return Some(true);
            }
        }
        if candidates.body.as_ref().is_some_and(|set| set.has(place.doc)) {
            let (block, range) = self.opened.text(place, Texts::Body)?;
            return Some(text.query.is_in(&block[range]));
        }
        Some(false)
    }

    /// What the message itself says.
    fn by_message(&self, text: &Text) -> Result<bool, Unmet> {
        let query = &text.query;
        match &text.scope {
            Scope::Field(name) => {
                let values = self.fields()?.get(name.as_str());
                Ok(values.is_some_and(|values| values.iter().any(|value| query.is_in(value))))
            }
            Scope::Body => Ok(query.is_in(self.text()?.body.as_bytes())),
            Scope::All => {
                let all = self.text()?;
                Ok(query.is_in(all.header.as_bytes()) || query.is_in(all.body.as_bytes()))
            }
        }
    }

    fn reader(&self) -> &MessageReader<'r> {
        let Reading { mail, owner, .. } = self.work.reading;
        self.reader.get_or_init(|| MessageReader::new(mail, owner, self.entry))
    }

    /// The reader, once a large message may be opened. It takes some five times its size: as it is, its text, and both in the form
    /// of `casemap`.
    fn reader_in_turn(&self) -> Result<&MessageReader<'r>, Unmet> {
        if self.turn.get().is_none() {
            let Reading { mail, owner, stop, .. } = self.work.reading;
            let bytes = (self.entry.view_size_bytes as usize).saturating_mul(SEARCHED_TIMES);
            let _ = self.turn.set(mail.large.turn(owner.account(), bytes, stop)?);
        }
        Ok(self.reader())
    }

    /// The fields that the search is about: the header is read and parsed once for all keys.
    fn fields(&self) -> Result<&HashMap<&'r str, Values>, Unmet> {
        if let Some(fields) = self.fields.get() {
            return Ok(fields);
        }
        let header = self.reader_in_turn()?.header()?;
        let names = self.work.plan.texts.iter().filter_map(|text| match &text.scope {
            Scope::Field(name) => Some((name.as_str(), Values::default())),
            _ => None,
        });
        let mut fields: HashMap<&'r str, Values> = names.collect();
        let mut name = String::new();
        for field in message::fields(&header[..message::header_len(&header)]) {
            name.clear();
            name.push_str(std::str::from_utf8(field.name).unwrap_or_default());
            name.make_ascii_uppercase();
            if let Some(values) = fields.get_mut(name.as_str()) {
                values.add(&field.decoded());
            }
        }
        Ok(self.fields.get_or_init(|| fields))
    }

    /// The searched text of the message: opened once for all keys.
    fn text(&self) -> Result<&Whole, Unmet> {
        if let Some(text) = self.text.get() {
            return Ok(text);
        }
        let reader = self.reader_in_turn()?;
        let message::SearchText { header, body, .. } = {
            let whole = reader.whole()?;
            message::search_text(&whole, reader.structure()?)
        };
        self.work.reading.stop.check()?;
        // One after the other, so that no more than one of them is there twice.
        let header = casemapped(header);
        let body = casemapped(body);
        Ok(self.text.get_or_init(|| Whole { header, body }))
    }
}

/// The form of `casemap`. The text itself is dropped.
fn casemapped(text: String) -> String {
    message::casemap(&text)
}
