//! An account after a change: mailboxes, messages, holds. Cheap to clone, since versions share their blocks.
//!
//! A message is one row of `messages`, found by its *slot*, a number that is counted within the account and never
//! reused; a mailbox has one row per UID that names the slot. So a copy costs a row, not a blob, and a message exists as
//! long as a mailbox, a hold or the bin refers to it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use terms::{CaseId, MailboxId, UnixMillis};

use crate::account::bin::Bin;
use crate::account::blocks::{Blocks, Row};
use crate::values::flags::FlagSet;
use crate::values::quota::Limits;
use crate::values::special_use::SpecialUse;
use crate::values::uid_set::UidSet;

/// The change does not fit the account: a row is lost or misplaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Misfit(pub(crate) &'static str);

pub(crate) const NO_MAILBOX: Misfit = Misfit("a change of a mailbox that is not there");
pub(crate) const NO_MESSAGE: Misfit = Misfit("a mailbox refers to a message that is not there");

/// The whole account.
#[derive(Clone, Default)]
pub(crate) struct AccountState {
    /// The number of the last change, counting those that the owner must not see.
    pub(crate) seq: u64,
    /// The last MODSEQ, counting only changes that the owner may see.
    pub(crate) modseq: u64,
    /// The last mailbox id given out.
    pub(crate) mailbox_last: u32,
    /// The last UIDVALIDITY given out.
    pub(crate) uid_validity_last: u32,
    /// The last slot given out.
    pub(crate) slot_last: u32,
    pub(crate) mailboxes: BTreeMap<MailboxId, Arc<Mailbox>>,
    /// Names that the owner subscribed to, whether or not such a mailbox exists.
    pub(crate) subscriptions: Arc<BTreeSet<String>>,
    pub(crate) messages: Blocks<MessageRow>,
    pub(crate) holds: Arc<BTreeMap<CaseId, Hold>>,
    /// What the owner deleted and can restore.
    pub(crate) bin: Bin,
    /// The account's limits.
    pub(crate) limits: Limits,
}

#[derive(Clone)]
pub(crate) struct Mailbox {
    pub(crate) id: MailboxId,
    pub(crate) name: Arc<str>,
    pub(crate) uid_validity: u32,
    pub(crate) uid_next: u32,
    pub(crate) highest_modseq: u64,
    pub(crate) special_use: Option<SpecialUse>,
    pub(crate) rows: Blocks<MailboxRow>,
    pub(crate) flags: Arc<FlagTable>,
    pub(crate) vanished: Arc<Vanished>,
    /// Messages without `\Seen`.
    pub(crate) unseen: u32,
    /// Messages with `\Deleted`.
    pub(crate) deleted: u32,
    /// The sum of the sizes that clients see.
    pub(crate) size_bytes: u64,
}

/// A message in a mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MailboxRow {
    pub(crate) uid: u32,
    pub(crate) slot: u32,
    /// An index into the mailbox's [`FlagTable`].
    pub(crate) flags: u32,
    pub(crate) modseq: u64,
    pub(crate) internal_date: UnixMillis,
}

/// A message of the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MessageRow {
    pub(crate) slot: u32,
    pub(crate) epoch: u32,
    pub(crate) id: [u8; 16],
    pub(crate) arrival: UnixMillis,
    pub(crate) view_bytes: u32,
    pub(crate) original_bytes: u32,
    pub(crate) prefix_bytes: u32,
    pub(crate) record_bytes: u32,
    /// Where the first of its pack records begins.
    pub(crate) segment: u32,
    pub(crate) offset: u64,
    /// How often mailboxes refer to it.
    pub(crate) in_mailboxes: u32,
    /// How many cases hold it.
    pub(crate) in_holds: u32,
    /// Whether its owner deleted it and can restore it.
    pub(crate) in_bin: bool,
}

impl MessageRow {
    /// Whether nothing refers to it any more.
    pub(crate) fn is_free(&self) -> bool {
        self.in_mailboxes == 0 && self.in_holds == 0 && !self.in_bin
    }
}

impl Row for MailboxRow {
    fn key(&self) -> u32 {
        self.uid
    }
}

impl Row for MessageRow {
    fn key(&self) -> u32 {
        self.slot
    }
}

/// What a case holds of this account.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Hold {
    /// The periods of arrival that were ordered, each `[from, until)`, in the sequence of the orders.
    pub(crate) spans: Vec<(UnixMillis, UnixMillis)>,
    pub(crate) slots: UidSet,
}

/// The distinct flag sets of a mailbox. There are few, so a row stores a number, and a client's text is built once.
#[derive(Clone, Default)]
pub(crate) struct FlagTable {
    sets: Vec<Arc<FlagSet>>,
    index: HashMap<Arc<FlagSet>, u32>,
}

impl FlagTable {
    pub(crate) fn set(&self, index: u32) -> Option<&Arc<FlagSet>> {
        self.sets.get(index as usize)
    }

    pub(crate) fn sets(&self) -> &[Arc<FlagSet>] {
        &self.sets
    }

    pub(crate) fn index_of(&self, flags: &FlagSet) -> Option<u32> {
        self.index.get(flags).copied()
    }

    /// The number of `flags`, new or known.
    pub(crate) fn intern(this: &mut Arc<Self>, flags: &FlagSet) -> u32 {
        if let Some(index) = this.index_of(flags) {
            return index;
        }
        let table = Arc::make_mut(this);
        let (index, flags) = (table.sets.len() as u32, Arc::new(flags.clone()));
        table.sets.push(Arc::clone(&flags));
        table.index.insert(flags, index);
        index
    }
}

/// Expunged UIDs, with the MODSEQ of their expunge (RFC 7162 section 3.2.5).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Vanished {
    /// What was expunged at or before this MODSEQ is no longer listed.
    pub(crate) forgotten: u64,
    pub(crate) records: Vec<(u64, UidSet)>,
}

/// Expunges remembered per mailbox before the older half is forgotten; a client that was away longer is told about every
/// missing UID, which RFC 7162 section 3.2.6 allows. At about 10 bytes each this is 40 KiB.
const VANISHED_RECORDS_MAX: usize = 4096;

impl Vanished {
    pub(crate) fn push(&mut self, modseq: u64, uids: UidSet) {
        if self.records.len() >= VANISHED_RECORDS_MAX {
            let old = self.records.drain(..VANISHED_RECORDS_MAX / 2);
            self.forgotten = old.map(|(modseq, _)| modseq).max().unwrap_or(self.forgotten);
        }
        self.records.push((modseq, uids));
    }
}

impl Mailbox {
    /// A mailbox without messages.
    pub(crate) fn new(
        id: MailboxId,
        name: &str,
        uid_validity: u32,
        special_use: Option<SpecialUse>,
        modseq: u64,
    ) -> Self {
        Self {
            id,
            name: name.into(),
            uid_validity,
            uid_next: 1,
            highest_modseq: modseq,
            special_use,
            rows: Blocks::default(),
            flags: Arc::default(),
            vanished: Arc::default(),
            unseen: 0,
            deleted: 0,
            size_bytes: 0,
        }
    }

    /// The flags of a row.
    pub(crate) fn flags_of(&self, row: &MailboxRow) -> Arc<FlagSet> {
        self.flags.set(row.flags).cloned().unwrap_or_default()
    }

    /// Adds a message to the totals.
    pub(crate) fn count_in(&mut self, flags: &FlagSet, view_bytes: u32) {
        self.unseen += u32::from(flags.is_unseen());
        self.deleted += u32::from(flags.is_deleted());
        self.size_bytes += u64::from(view_bytes);
    }

    /// Subtracts a message from the totals.
    pub(crate) fn count_out(&mut self, flags: &FlagSet, view_bytes: u32) {
        self.unseen = self.unseen.saturating_sub(flags.is_unseen().into());
        self.deleted = self.deleted.saturating_sub(flags.is_deleted().into());
        self.size_bytes = self.size_bytes.saturating_sub(view_bytes.into());
    }
}

impl AccountState {
    /// The mailbox with that canonical name.
    pub(crate) fn named(&self, name: &str) -> Option<&Arc<Mailbox>> {
        self.mailboxes.values().find(|mailbox| &*mailbox.name == name)
    }

    /// The message in a slot.
    pub(crate) fn message(&self, slot: u32) -> Option<&MessageRow> {
        self.messages.find(slot)
    }
}
