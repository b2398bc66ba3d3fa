//! What a session sees of a mailbox: an unchanging view of the one copy in memory.
//!
//! Taking one costs two reference counts, whatever the mailbox's size. A session keeps its view as long as IMAP requires
//! sequence numbers to be stable, takes a new one when it may report changes, and asks the new one what is different.

use std::collections::BTreeSet;
use std::sync::Arc;

use terms::{AccountId, EpochId, MailboxId, MessageId, UnixMillis};
use vault::{KeyAsk, Part};

use crate::account::blobs::Blobs;
use crate::account::state::{AccountState, Mailbox, MailboxRow, MessageRow};
use crate::pack::Era;
use crate::values::flags::FlagSet;
use crate::values::special_use::SpecialUse;
use crate::values::uid_set::UidSet;

/// A mailbox in numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct MailboxInfo {
    /// Its id; never reused within the account.
    pub id: MailboxId,
    /// Its name, in UTF-8, levels divided by `/`.
    pub name: String,
    /// The UIDVALIDITY.
    pub uid_validity: u32,
    /// The UID that the next message gets.
    pub uid_next: u32,
    /// The highest MODSEQ of anything in it.
    pub highest_modseq: u64,
    pub messages: u32,
    /// How many without `\Seen`.
    pub unseen: u32,
    pub deleted: u32,
    /// The sum of the sizes that clients see, in bytes.
    pub size_bytes: u64,
    /// The same of those with `\Deleted`.
    pub deleted_size_bytes: u64,
    /// Whether the owner subscribed to the name.
    pub subscribed: bool,
    pub special_use: Option<SpecialUse>,
}

/// An unchanging view of a mailbox. Cheap to clone.
#[derive(Clone)]
pub struct MailboxView {
    account: AccountId,
    state: Arc<AccountState>,
    mailbox: Arc<Mailbox>,
    /// As long as it exists, no segment that the state refers to is removed.
    _era: Arc<Era>,
}

/// A message in a mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct MessageEntry {
    pub account: AccountId,
    pub uid: u32,
    /// The message's id: the same in every mailbox that has it.
    pub id: MessageId,
    /// The epoch in which it was sealed.
    pub epoch: EpochId,
    /// When it arrived at this node.
    pub arrival: UnixMillis,
    /// The INTERNALDATE.
    pub internal_date: UnixMillis,
    pub flags: Arc<FlagSet>,
    pub modseq: u64,
    /// The size that clients see (prefix and original with CRLF), in bytes.
    pub view_size_bytes: u32,
    /// The size of what arrived, in bytes.
    pub original_size_bytes: u32,
    /// The message's number in its account: the same in every mailbox that has it, never reused by another message.
    pub slot: u32,
    pub(crate) blobs: Blobs,
}

impl MessageEntry {
    /// A message of the account, outside any mailbox.
    pub(crate) fn of_account(account: AccountId, message: &MessageRow) -> Self {
        Self {
            account,
            uid: 0,
            id: MessageId(message.id),
            epoch: EpochId(message.epoch),
            arrival: message.arrival,
            internal_date: message.arrival,
            flags: Arc::default(),
            modseq: 0,
            view_size_bytes: message.view_bytes,
            original_size_bytes: message.original_bytes,
            slot: message.slot,
            blobs: Blobs::of(message),
        }
    }

    /// What to request from the vault in order to open the message.
    pub fn key_ask(&self) -> KeyAsk {
        KeyAsk { epoch: self.epoch, id: self.id, arrival: self.arrival }
    }

    /// Where a part is: segment and offset; `None` if the part is empty.
    pub fn place(&self, part: Part) -> Option<(u32, u64)> {
        Some((self.blobs.segment, self.blobs.place(part)?.0))
    }

    /// The length of a part before sealing, in bytes.
    pub fn part_size_bytes(&self, part: Part) -> u32 {
        match part {
            Part::Original => self.blobs.plain[0],
            Part::Prefix => self.blobs.plain[1],
            Part::Record => self.blobs.plain[2],
        }
    }
}

/// What changed in a mailbox since some moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    /// Expunged UIDs. May include UIDs that were expunged earlier, if the moment is very long ago (RFC 7162 allows it).
    pub vanished: UidSet,
    /// New messages, and those whose flags changed, in the order of their UIDs.
    pub changed: Vec<MessageEntry>,
}

impl MailboxView {
    /// `era` was taken before `state`.
    pub(crate) fn new(account: AccountId, state: Arc<AccountState>, id: MailboxId, era: Arc<Era>) -> Option<Self> {
        let mailbox = Arc::clone(state.mailboxes.get(&id)?);
        Some(Self { account, state, mailbox, _era: era })
    }

    /// Whose it is.
    pub fn account(&self) -> AccountId {
        self.account
    }

    /// Its id.
    pub fn id(&self) -> MailboxId {
        self.mailbox.id
    }

    /// The mailbox in numbers.
    pub fn info(&self) -> MailboxInfo {
        info(&self.state, &self.mailbox)
    }

    /// How many messages.
    pub fn len(&self) -> u32 {
        self.mailbox.rows.len()
    }

    /// Whether there is no message.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The UIDVALIDITY.
    pub fn uid_validity(&self) -> u32 {
        self.mailbox.uid_validity
    }

    /// The UID that the next message gets.
    pub fn uid_next(&self) -> u32 {
        self.mailbox.uid_next
    }

    /// The highest MODSEQ of anything in the mailbox.
    pub fn highest_modseq(&self) -> u64 {
        self.mailbox.highest_modseq
    }

    /// The account's MODSEQ: that of the last change that this view contains.
    pub fn account_modseq(&self) -> u64 {
        self.state.modseq
    }

    /// The keywords that messages of this mailbox have, or had since the store was opened.
    pub fn keywords(&self) -> BTreeSet<String> {
        self.mailbox.flags.sets().iter().flat_map(|flags| flags.keywords.iter().cloned()).collect()
    }

    /// The message with this UID.
    pub fn entry(&self, uid: u32) -> Option<MessageEntry> {
        self.mailbox.rows.find(uid).and_then(|row| self.full(row))
    }

    /// The message at this position, counted from 0. (Its IMAP sequence number is one more.)
    pub fn at(&self, position: u32) -> Option<MessageEntry> {
        self.mailbox.rows.at(position).and_then(|row| self.full(row))
    }

    /// How many messages precede the one with this UID; `None` if it does not exist.
    pub fn position(&self, uid: u32) -> Option<u32> {
        self.mailbox.rows.place(uid).map(|(position, _)| position)
    }

    /// How many messages have a smaller UID, whether or not this one exists.
    pub fn rank(&self, uid: u32) -> u32 {
        self.mailbox.rows.rank(uid)
    }

    /// All messages, by UID.
    pub fn entries(&self) -> impl Iterator<Item = MessageEntry> + '_ {
        self.entries_from(0)
    }

    /// The messages from a position on, by UID.
    pub fn entries_from(&self, position: u32) -> impl Iterator<Item = MessageEntry> + '_ {
        self.mailbox.rows.from(position).filter_map(|row| self.full(row))
    }

    /// What to request from the vault in order to open up to `count` messages from a position on.
    pub(crate) fn key_asks(&self, position: u32, count: u32) -> impl Iterator<Item = KeyAsk> + '_ {
        let rows = self.mailbox.rows.from(position).take(count as usize);
        rows.filter_map(|row| self.state.message(row.slot)).map(|message| KeyAsk {
            epoch: EpochId(message.epoch),
            id: MessageId(message.id),
            arrival: message.arrival,
        })
    }

    /// The messages with these UIDs, which are ascending; `None` for one that does not exist. Consecutive ones
    /// are iterated over, not searched for.
    pub fn entries_of<'v>(&'v self, uids: &'v [u32]) -> impl Iterator<Item = Option<MessageEntry>> + 'v {
        let first = uids.first().map_or(0, |uid| self.rank(*uid));
        let mut walk = self.mailbox.rows.from(first).peekable();
        uids.iter().map(move |uid| match walk.next_if(|row| row.uid == *uid) {
            Some(row) => self.full(row),
            None => {
                walk = self.mailbox.rows.from(self.rank(*uid)).peekable();
                walk.next_if(|row| row.uid == *uid).and_then(|row| self.full(row))
            }
        })
    }

    /// All UIDs, ascending.
    pub fn uids(&self) -> impl Iterator<Item = u32> + '_ {
        self.mailbox.rows.iter().map(|row| row.uid)
    }

    /// All UIDs as ranges. In a mailbox without gaps this looks at each block, not at each message.
    pub fn uid_ranges(&self) -> UidSet {
        let ranges = self.mailbox.rows.blocks().iter().flat_map(|block| {
            let ends = block.rows.first().zip(block.rows.last()).map(|(first, last)| (first.uid, last.uid));
            let whole = ends.filter(|(first, last)| (last - first) as usize + 1 == block.rows.len());
            let each = if whole.is_some() { &[][..] } else { &block.rows[..] };
            whole.into_iter().chain(each.iter().map(|row| (row.uid, row.uid)))
        });
        UidSet::of_ranges(ranges)
    }

    /// UID and flags of all messages, by UID: what `FETCH 1:* FLAGS` needs, without the rest.
    pub fn flags(&self) -> impl Iterator<Item = (u32, &FlagSet)> + '_ {
        self.mailbox.rows.iter().filter_map(|row| Some((row.uid, &**self.mailbox.flags.set(row.flags)?)))
    }

    /// The position of the first message without `\Seen`.
    pub fn first_unseen(&self) -> Option<u32> {
        if self.mailbox.unseen == 0 {
            return None;
        }
        let unseen: Vec<bool> = self.mailbox.flags.sets().iter().map(|flags| flags.is_unseen()).collect();
        let at = self.mailbox.rows.iter().position(|row| unseen.get(row.flags as usize) == Some(&true));
        at.and_then(|at| u32::try_from(at).ok())
    }

    /// What changed since `modseq`, for a client that was away (CONDSTORE, QRESYNC).
    pub fn changes_since(&self, modseq: u64) -> Changes {
        let rows = self.mailbox.rows.iter().filter(|row| row.modseq > modseq);
        Changes { vanished: self.vanished_since(modseq), changed: rows.filter_map(|row| self.full(row)).collect() }
    }

    /// What changed since an earlier view of the same mailbox: looks only at blocks touched since.
    pub fn changes_after(&self, earlier: &Self) -> Changes {
        let modseq = earlier.highest_modseq();
        let rows = self.mailbox.rows.touched_since(earlier.state.seq).filter(|row| row.modseq > modseq);
        Changes { vanished: self.vanished_since(modseq), changed: rows.filter_map(|row| self.full(row)).collect() }
    }

    /// As [`changes_after`](Self::changes_after), but only UID, MODSEQ and flags of each message.
    pub fn flags_after(&self, earlier: &Self) -> (UidSet, impl Iterator<Item = (u32, u64, &Arc<FlagSet>)>) {
        let modseq = earlier.highest_modseq();
        let rows = self.mailbox.rows.touched_since(earlier.state.seq).filter(move |row| row.modseq > modseq);
        let flags = rows.filter_map(|row| Some((row.uid, row.modseq, self.mailbox.flags.set(row.flags)?)));
        (self.vanished_since(modseq), flags)
    }

    /// The distinct flag sets of the messages with these UIDs, and how many of the messages exist.
    pub fn distinct_flags(&self, uids: &UidSet) -> (Vec<Arc<FlagSet>>, usize) {
        let mut seen = vec![false; self.mailbox.flags.sets().len()];
        let mut there = 0;
        for &(first, last) in uids.ranges() {
            for row in self.mailbox.rows.from(self.rank(first)).take_while(|row| row.uid <= last) {
                there += 1;
                if let Some(seen) = seen.get_mut(row.flags as usize) {
                    *seen = true;
                }
            }
        }
        let sets = self.mailbox.flags.sets().iter().zip(seen).filter(|(_, seen)| *seen);
        (sets.map(|(flags, _)| Arc::clone(flags)).collect(), there)
    }

    fn vanished_since(&self, modseq: u64) -> UidSet {
        let vanished = &self.mailbox.vanished;
        if modseq < vanished.forgotten {
            return self.missing();
        }
        let from = vanished.records.partition_point(|(at, _)| *at <= modseq);
        vanished.records[from..].iter().fold(UidSet::default(), |all, (_, uids)| all.union(uids))
    }

    /// Every UID below UIDNEXT that does not exist.
    fn missing(&self) -> UidSet {
        let mut next = 1;
        let mut gaps = Vec::new();
        for uid in self.uids().chain([self.mailbox.uid_next]) {
            if uid > next {
                gaps.push((next, uid - 1));
            }
            next = uid.saturating_add(1);
        }
        UidSet::of_ranges(gaps)
    }

    fn full(&self, row: &MailboxRow) -> Option<MessageEntry> {
        let message = self.state.message(row.slot)?;
        Some(MessageEntry {
            account: self.account,
            uid: row.uid,
            id: MessageId(message.id),
            epoch: EpochId(message.epoch),
            arrival: message.arrival,
            internal_date: row.internal_date,
            flags: self.mailbox.flags_of(row),
            modseq: row.modseq,
            view_size_bytes: message.view_bytes,
            original_size_bytes: message.original_bytes,
            slot: message.slot,
            blobs: Blobs::of(message),
        })
    }
}

pub(crate) fn info(state: &AccountState, mailbox: &Mailbox) -> MailboxInfo {
    MailboxInfo {
        id: mailbox.id,
        name: mailbox.name.to_string(),
        uid_validity: mailbox.uid_validity,
        uid_next: mailbox.uid_next,
        highest_modseq: mailbox.highest_modseq,
        messages: mailbox.rows.len(),
        unseen: mailbox.unseen,
        deleted: mailbox.deleted,
        size_bytes: mailbox.size_bytes,
        deleted_size_bytes: deleted_size_bytes(state, mailbox),
        subscribed: state.subscriptions.contains(&*mailbox.name),
        special_use: mailbox.special_use,
    }
}

/// The total size of the messages with `\Deleted`. Most mailboxes have none, and are not iterated over.
fn deleted_size_bytes(state: &AccountState, mailbox: &Mailbox) -> u64 {
    if mailbox.deleted == 0 {
        return 0;
    }
    let deleted: Vec<bool> = mailbox.flags.sets().iter().map(|flags| flags.is_deleted()).collect();
    let rows = mailbox.rows.iter().filter(|row| deleted.get(row.flags as usize) == Some(&true));
    rows.filter_map(|row| state.message(row.slot)).map(|message| u64::from(message.view_bytes)).sum()
}
