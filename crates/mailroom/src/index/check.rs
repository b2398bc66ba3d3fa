//! Does an owner's index match the owner's mail? Without the owner only the head and foot of each file can be
//! checked. With the owner's key every block is opened, each stored value is compared with what the message gives now, and each
//! dictionary with the texts stored beside it.

use std::collections::{BTreeSet, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use durable::ReadAt;
use store::{Damage, DamageKind, MessageEntry, Store, StoreError};
use terms::AccountId;
use vault::IndexKey;

use super::code::Reader;
use super::fold::Derived;
use super::owner::{HeaderText, Texts};
use super::places::docs;
use super::volume::{Block, BlockRow, Column, FOOT_BYTES, FOOT_MAGIC, HEAD_BYTES, MAGIC, Volume};
use super::words::{BETWEEN, words};
use crate::mailroom::Mailroom;
use crate::record::Record;

/// What the heads and feet of a node's index files say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[allow(missing_docs, reason = "the names say it")]
pub struct IndexFiles {
    pub files: u64,
    /// Damaged files.
    pub damages: Vec<Damage>,
    /// What is not damage: files that nothing needs.
    pub notes: Vec<String>,
}

impl Mailroom {
    /// Looks at the index files of all accounts, without any owner: whether each begins and ends as one. What is in between is
    /// sealed, and only [`check::run`](crate::check::run) can check it.
    pub fn check_index_files(&self) -> IndexFiles {
        let mut out = IndexFiles::default();
        for account in self.store.derived_accounts().unwrap_or_default() {
            let numbers = match self.store.derived_files(account) {
                Ok(numbers) => numbers,
                Err(error) => {
                    let damage = Damage::of_file(DamageKind::Index, format!("index/{account}"), error);
                    out.damages.push(damage.of(account));
                    continue;
                }
            };
            out.files += numbers.len() as u64;
            if self.store.account(account) == Err(StoreError::NoSuchAccount) {
                out.notes.push(format!("index/{account}: these {} files belong to no account", numbers.len()));
            }
            for &number in &numbers {
                if let Err(wrong) = outside(&self.store, account, number) {
                    wrong.tell(account, number, numbers.last() == Some(&number), &mut out.damages, &mut out.notes);
                }
            }
        }
        out
    }
}

/// Why a file is not a volume.
enum Wrong {
    /// It does not begin as one, or belongs to another account.
    Head,
    /// It does not end as one.
    End,
    /// It begins and ends as one, but cannot be opened.
    Inside,
}

fn name(account: AccountId, number: u64) -> String {
    format!("index/{account}/{number:08}.index")
}

impl Wrong {
    /// Reports damage; or a note, if it may be a file that is being written or whose writing was interrupted: the last one.
    fn tell(&self, account: AccountId, number: u64, is_last: bool, damages: &mut Vec<Damage>, notes: &mut Vec<String>) {
        let file = name(account, number);
        let what = match self {
            Self::Head => "it does not begin like an index",
            Self::End if is_last => {
                return notes.push(format!(
                    "{file}: not finished, or damaged at its end; it is rebuilt when the owner signs in"
                ));
            }
            Self::End => "it does not end like an index",
            Self::Inside => "its list of blocks cannot be opened: altered, or sealed with a previous key",
        };
        damages.push(Damage::of_file(DamageKind::Index, file, what).of(account));
    }
}

/// Whether a file begins and ends as a volume.
fn outside(store: &Store, account: AccountId, number: u64) -> Result<(), Wrong> {
    let file = store.derived_open(account, number).map_err(|_| Wrong::Head)?;
    let mut head = [0; HEAD_BYTES];
    let len = file.len().map_err(|_| Wrong::Head)?;
    if len < (HEAD_BYTES + FOOT_BYTES) as u64 {
        return Err(Wrong::End);
    }
    file.read_exact_at(&mut head, 0).map_err(|_| Wrong::Head)?;
    if &head[..16] != MAGIC || head[16..32] != account.0 {
        return Err(Wrong::Head);
    }
    ends(&*file, len).ok_or(Wrong::End)
}

fn ends(file: &dyn ReadAt, len: u64) -> Option<()> {
    let mut foot = [0; FOOT_BYTES];
    let at = len - FOOT_BYTES as u64;
    file.read_exact_at(&mut foot, at).ok()?;
    let (offset, rest) = foot.split_first_chunk::<8>()?;
    let (list_bytes, mark) = rest.split_first_chunk::<4>()?;
    let end = u64::from_be_bytes(*offset).checked_add(u32::from_be_bytes(*list_bytes).into())?;
    (mark == FOOT_MAGIC && end == at).then_some(())
}

/// An owner's volumes as they are on disk, while they are checked.
pub(crate) struct Volumes {
    account: AccountId,
    open: Vec<Open>,
    /// Messages that had a place.
    pub(crate) indexed: u64,
    pub(crate) damages: Vec<Damage>,
    pub(crate) notes: Vec<String>,
}

struct Open {
    volume: Volume,
    /// The last opened block of each column.
    last: Vec<(u32, Option<Block>)>,
    /// Blocks already reported.
    bad: BTreeSet<u32>,
    /// Something in it does not match the messages.
    differs: bool,
}

impl Volumes {
    /// Opens all volumes of an account. Nothing may write any meanwhile.
    pub(super) fn open(store: &Store, key: &IndexKey) -> Result<Self, StoreError> {
        let account = key.account();
        let numbers = store.derived_files(account)?;
        let mut this = Self { account, open: Vec::new(), indexed: 0, damages: Vec::new(), notes: Vec::new() };
        for &number in &numbers {
            let opened =
                outside(store, account, number).and_then(|()| Volume::open(store, key, number).ok_or(Wrong::Inside));
            match opened {
                Ok(volume) => {
                    this.open.push(Open { volume, last: Vec::new(), bad: BTreeSet::new(), differs: false });
                }
                Err(wrong) => {
                    let is_last = numbers.last() == Some(&number);
                    wrong.tell(account, number, is_last, &mut this.damages, &mut this.notes);
                }
            }
        }
        let replaced: BTreeSet<u64> =
            this.open.iter().flat_map(|open| open.volume.list.replaces.iter().copied()).collect();
        for open in this.open.iter().filter(|open| replaced.contains(&open.volume.number)) {
            this.notes.push(format!("{}: replaced by another; it goes by itself", name(account, open.volume.number)));
        }
        this.open.retain(|open| !replaced.contains(&open.volume.number));
        Ok(this)
    }

    /// The number of volumes.
    pub(crate) fn count(&self) -> u64 {
        self.open.len() as u64
    }

    /// Compares what the volumes hold of a message with what it gives.
    pub(crate) fn hold(&mut self, entry: &MessageEntry, record: &Record, derived: &Derived<'_>) {
        let Some((open, doc)) =
            self.open.iter_mut().find_map(|open| Some((open.volume.find(entry)?, open))).map(|(d, o)| (o, d))
        else {
            return;
        };
        self.indexed += 1;
        let known = open.volume.list.docs.get(doc as usize);
        let mut same = known.is_some_and(|doc| doc.sent == record.sent && doc.searchable == derived.searchable);
        for (column, value) in derived.values(record) {
            // A block that cannot be opened is reported separately.
            if let Some(kept) = open.value(self.account, column, doc, &mut self.damages) {
                same &= kept.as_deref() == value;
            }
        }
        if !same && !open.differs {
            open.differs = true;
            let what = "what it holds of a message differs from what the message gives";
            let damage =
                Damage::of_file(DamageKind::Index, name(self.account, open.volume.number), what).of(self.account);
            self.damages.push(damage.at(entry.id, None, Vec::new()));
        }
    }

    /// Opens what has not been opened yet, and compares each dictionary with the stored texts.
    pub(crate) fn finish(&mut self) {
        for open in &mut self.open {
            for of in [Texts::Header, Texts::Body] {
                let kept = open.kept_words(self.account, of, &mut self.damages);
                let listed = open.listed_words(self.account, of, &mut self.damages);
                if kept.is_some() && listed.is_some() && kept != listed {
                    let what = format!("its words of {of:?} texts do not match the texts it holds");
                    let file = name(self.account, open.volume.number);
                    self.damages.push(Damage::of_file(DamageKind::Index, file, what).of(self.account));
                }
            }
        }
    }
}

/// All pairs of a word and a message that contains it, in no order: their number and a sum. Two equal values mean the same pairs,
/// unless they were forged, which takes the key.
#[derive(Default, PartialEq, Eq)]
struct Pairs(u64, u128);

impl Pairs {
    fn add(&mut self, word: u64, doc: u32) {
        self.0 += 1;
        self.1 = self.1.wrapping_add(u128::from(word).wrapping_mul(2 * u128::from(doc) + 1));
    }
}

fn hash(word: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    word.hash(&mut hasher);
    hasher.finish()
}

impl Open {
    /// A block; `None` if it cannot be opened, which is reported once.
    fn block(&mut self, account: AccountId, row: &BlockRow, damages: &mut Vec<Damage>) -> Option<Vec<u8>> {
        let opened = self.volume.read(row);
        if opened.is_none() && self.bad.insert(row.number) {
            let what = format!("block {} ({:?}) cannot be opened", row.number, row.column);
            let damage = Damage::of_file(DamageKind::Index, name(account, self.volume.number), what).of(account);
            damages.push(Damage { offset: Some(row.offset), ..damage });
        }
        opened
    }

    /// The stored value of a message; `None` if its block cannot be opened.
    #[allow(clippy::option_option, reason = "not readable, and not kept, are two things")]
    fn value(
        &mut self,
        account: AccountId,
        column: Column,
        doc: u32,
        damages: &mut Vec<Damage>,
    ) -> Option<Option<Vec<u8>>> {
        let row = *self.volume.block_of(column, doc)?;
        let at = match self.last.iter().position(|(number, _)| *number == row.number) {
            Some(at) => at,
            None => {
                let block = self.block(account, &row, damages).map(Block::new);
                // One per column: messages come in the order of their places.
                self.last.retain(|(number, _)| {
                    self.volume.list.blocks.get(*number as usize - 1).is_some_and(|other| other.column != column)
                });
                self.last.push((row.number, block));
                self.last.len() - 1
            }
        };
        let block = self.last.get(at)?.1.as_ref()?;
        Some(block.value(doc - row.first).map(|(octets, range)| octets[range].to_vec()))
    }

    /// The words of the stored texts.
    fn kept_words(&mut self, account: AccountId, of: Texts, damages: &mut Vec<Damage>) -> Option<Pairs> {
        let rows: Vec<BlockRow> = self.volume.blocks(of.column()).copied().collect();
        let (mut pairs, mut whole) = (Pairs::default(), true);
        let mut seen = HashSet::new();
        for row in rows {
            let Some(block) = self.block(account, &row, damages) else {
                whole = false;
                continue;
            };
            let block = Block::new(block);
            for place in 0.. {
                let doc = row.first + place;
                let Some((octets, range)) = block.value(place) else {
                    // Past the last value, or a message without one.
                    if block.has(place) { continue } else { break }
                };
                let text = &octets[range];
                let text = match of {
                    Texts::Header => HeaderText::decode(text).map_or(&[][..], |header| header.text),
                    Texts::Body => text,
                };
                seen.clear();
                words(std::str::from_utf8(text).unwrap_or_default(), |word| {
                    let word = hash(word.as_bytes());
                    if seen.insert(word) {
                        pairs.add(word, doc);
                    }
                });
            }
        }
        whole.then_some(pairs)
    }

    /// The words of the dictionary.
    fn listed_words(&mut self, account: AccountId, of: Texts, damages: &mut Vec<Damage>) -> Option<Pairs> {
        let (of_words, of_places) = of.columns();
        let rows = |column| self.volume.blocks(column).copied().collect::<Vec<BlockRow>>();
        let rows: Vec<(BlockRow, BlockRow)> = rows(of_words).into_iter().zip(rows(of_places)).collect();
        let (mut pairs, mut whole) = (Pairs::default(), true);
        for (of_words, of_places) in rows {
            let words = self.block(account, &of_words, damages);
            let places = self.block(account, &of_places, damages);
            let (Some(words), Some(places)) = (words, places) else {
                whole = false;
                continue;
            };
            let mut places = Reader(&places);
            for word in words.split(|octet| *octet == BETWEEN).filter(|word| !word.is_empty()) {
                let length = places.count().unwrap_or(0);
                let word = hash(word);
                docs(places.raw(length).unwrap_or_default()).for_each(|doc| pairs.add(word, doc));
            }
        }
        whole.then_some(pairs)
    }
}
