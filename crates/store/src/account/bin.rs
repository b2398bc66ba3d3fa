//! The bin: what an owner has deleted and can restore for some days.
//!
//! A message comes here when no mailbox refers to it any more. It no longer counts in the owner's mailboxes and quota, keeps its flags, its
//! dates and the name of its mailbox, and is deleted permanently when its days are over or the account is closed. A hold neither
//! brings a message here nor keeps it here: a held account and an identical one without a hold have the same bin (invariant 13).

use std::collections::BTreeMap;
use std::sync::Arc;

use terms::{MailboxId, UnixMillis};

use crate::account::blocks::{Blocks, Row};
use crate::account::state::{AccountState, FlagTable, Mailbox, MailboxRow, Misfit, NO_MAILBOX, NO_MESSAGE};
use crate::values::flags::{FlagChange, FlagSet};
use crate::values::uid_set::UidSet;

/// A message in the bin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BinRow {
    /// Counted within the account, never reused.
    pub(crate) number: u32,
    pub(crate) slot: u32,
    /// An index into the bin's flag table.
    pub(crate) flags: u32,
    /// The mailbox that had it last.
    pub(crate) mailbox: u32,
    pub(crate) internal_date: UnixMillis,
    /// When it was deleted.
    pub(crate) at: UnixMillis,
}

impl Row for BinRow {
    fn key(&self) -> u32 {
        self.number
    }
}

/// The bin of an account.
#[derive(Clone, Default)]
pub(crate) struct Bin {
    /// The last number given out.
    pub(crate) last: u32,
    pub(crate) rows: Blocks<BinRow>,
    pub(crate) flags: Arc<FlagTable>,
    /// The names of deleted mailboxes whose messages are in the bin.
    pub(crate) names: Arc<BTreeMap<MailboxId, String>>,
}

impl Bin {
    /// Whether this many numbers are left.
    pub(crate) fn has_numbers(&self, more: u32) -> bool {
        self.last.checked_add(more).is_some()
    }

    /// The flags of a row.
    pub(crate) fn flags_of(&self, row: &BinRow) -> Arc<FlagSet> {
        self.flags.set(row.flags).cloned().unwrap_or_default()
    }

    /// The rows with these numbers, as far as they exist.
    pub(crate) fn rows_of<'b>(&'b self, numbers: &'b UidSet) -> impl Iterator<Item = &'b BinRow> {
        let rows = |&(first, last): &(u32, u32)| {
            self.rows.from(self.rows.rank(first)).take_while(move |row| row.number <= last)
        };
        numbers.ranges().iter().flat_map(rows)
    }

    /// Adds a message that no mailbox refers to any more; `flags` is an index into the bin's own table.
    pub(crate) fn put(&mut self, row: &MailboxRow, flags: u32, mailbox: MailboxId, at: UnixMillis, seq: u64) {
        self.last = self.last.saturating_add(1);
        let (slot, internal_date) = (row.slot, row.internal_date);
        self.rows.push(BinRow { number: self.last, slot, flags, mailbox: mailbox.0, internal_date, at }, seq);
    }

    /// Remembers the name of a mailbox that is being deleted, if messages in the bin were in it.
    pub(crate) fn remember(&mut self, mailbox: &Mailbox) {
        if self.rows.iter().any(|row| row.mailbox == mailbox.id.0) {
            Arc::make_mut(&mut self.names).insert(mailbox.id, mailbox.name.to_string());
        }
    }

    /// Takes rows out, and drops names and flags that are no longer needed.
    fn take(&mut self, numbers: &UidSet, seq: u64) -> Vec<BinRow> {
        let taken = self.rows.remove(numbers, seq);
        if !self.names.is_empty() && !taken.is_empty() {
            let used: std::collections::BTreeSet<u32> = self.rows.iter().map(|row| row.mailbox).collect();
            Arc::make_mut(&mut self.names).retain(|mailbox, _| used.contains(&mailbox.0));
        }
        if self.rows.len() == 0 {
            self.flags = Arc::default();
        }
        taken
    }
}

/// Restores messages from the bin to a mailbox, with new UIDs in the order of their numbers, unchanged except for
/// `\Deleted`, which would make the next client delete them at once.
pub(crate) fn restore(state: &mut AccountState, numbers: &UidSet, to: MailboxId) -> Result<(), Misfit> {
    let (seq, modseq) = (state.seq, state.modseq);
    let flags_before = Arc::clone(&state.bin.flags);
    let mut target = Arc::clone(state.mailboxes.get(&to).ok_or(NO_MAILBOX)?);
    let mailbox = Arc::make_mut(&mut target);
    mailbox.highest_modseq = modseq;
    let undelete = FlagChange::Remove(FlagSet::system(FlagSet::DELETED));
    for row in state.bin.take(numbers, seq) {
        let flags = undelete.after(&flags_before.set(row.flags).cloned().unwrap_or_default());
        let mut view_bytes = 0;
        let found = state.messages.update_one(row.slot, seq, |message| {
            message.in_bin = false;
            message.in_mailboxes += 1;
            view_bytes = message.view_bytes;
        });
        if !found {
            return Err(NO_MESSAGE);
        }
        let index = FlagTable::intern(&mut mailbox.flags, &flags);
        let (uid, slot, internal_date) = (mailbox.uid_next, row.slot, row.internal_date);
        mailbox.rows.push(MailboxRow { uid, slot, flags: index, modseq, internal_date }, seq);
        mailbox.uid_next += 1;
        mailbox.count_in(&flags, view_bytes);
    }
    state.mailboxes.insert(to, target);
    Ok(())
}

/// Deletes messages from the bin permanently; what a case holds of them stays for the case.
pub(crate) fn forget(state: &mut AccountState, numbers: &UidSet) -> Result<(), Misfit> {
    let seq = state.seq;
    let mut free = Vec::new();
    for row in state.bin.take(numbers, seq) {
        let found = state.messages.update_one(row.slot, seq, |message| {
            message.in_bin = false;
            if message.is_free() {
                free.push(message.slot);
            }
        });
        if !found {
            return Err(NO_MESSAGE);
        }
    }
    state.messages.remove(&UidSet::of(&free), seq);
    Ok(())
}
