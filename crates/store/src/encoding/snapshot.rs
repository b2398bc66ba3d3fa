//! The snapshot of an account on disk: a head, and the blocks of its tables (docs/formats/store.md).
//!
//! A fold replaces the changes up to some number by a snapshot. It writes only the blocks that changed since the last
//! fold, column by column, and the head that lists every block with the change that touched it last. The seal of a
//! block names that change, so that an older block cannot stand in for a newer one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use terms::{CaseId, MailboxId, UnixMillis};

use crate::account::bin::{self, Bin};
use crate::account::blocks::{Blocks, KEYS_PER_BLOCK};
use crate::account::change::{decode_flags, encode_flags};
use crate::account::state::{AccountState, FlagTable, Hold, Mailbox, MailboxRow, MessageRow, SpecialUse, Vanished};
use crate::encoding::bytes::{Malformed, Reader, Writer};
use crate::values::quota::Limits;
use crate::values::uid_set::UidSet;

/// The first byte of a block: the version of its encoding.
const VERSION: u8 = 1;

/// The first byte of a head. Version 1 has neither limits nor a bin.
const HEAD_VERSION: u8 = 2;

/// The table of messages, where a mailbox's number would stand.
pub(crate) const MESSAGES: u32 = 0;

/// The table of the bin; no mailbox has this number.
pub(crate) const BIN: u32 = u32::MAX;

/// A block as the head lists it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BlockName {
    /// A mailbox's number, or [`MESSAGES`], or [`BIN`].
    pub(crate) table: u32,
    pub(crate) number: u32,
    pub(crate) changed: u64,
}

/// The blocks of `state` that a change after `seq` touched, encoded.
pub(crate) fn encode_blocks(state: &AccountState, seq: u64) -> Vec<(BlockName, Vec<u8>)> {
    let mut out = Vec::new();
    for block in state.messages.blocks().iter().filter(|block| block.changed > seq) {
        let name = BlockName { table: MESSAGES, number: block.number, changed: block.changed };
        out.push((name, encode_messages(&block.rows)));
    }
    for mailbox in state.mailboxes.values() {
        for block in mailbox.rows.blocks().iter().filter(|block| block.changed > seq) {
            let name = BlockName { table: mailbox.id.0, number: block.number, changed: block.changed };
            out.push((name, encode_mailbox(&block.rows, mailbox)));
        }
    }
    for block in state.bin.rows.blocks().iter().filter(|block| block.changed > seq) {
        let name = BlockName { table: BIN, number: block.number, changed: block.changed };
        out.push((name, bin::encode_block(&block.rows, &state.bin)));
    }
    out
}

/// Every block of `state`, by table and number.
pub(crate) fn block_keys(state: &AccountState) -> BTreeSet<(u32, u32)> {
    let messages = state.messages.blocks().iter().map(|block| (MESSAGES, block.number));
    let mailboxes = state.mailboxes.values();
    let rows = mailboxes.flat_map(|mailbox| mailbox.rows.blocks().iter().map(|block| (mailbox.id.0, block.number)));
    let bin = state.bin.rows.blocks().iter().map(|block| (BIN, block.number));
    messages.chain(rows).chain(bin).collect()
}

/// Writes the first value, then each one's distance from the one before.
pub(crate) fn column(out: &mut Writer, values: impl Iterator<Item = i64>) {
    let mut before = 0_i64;
    for value in values {
        out.signed(value.wrapping_sub(before));
        before = value;
    }
}

pub(crate) fn read_column(input: &mut Reader<'_>, count: usize) -> Result<Vec<i64>, Malformed> {
    let mut before = 0_i64;
    let mut values = Vec::with_capacity(count);
    for _ in 0..count {
        before = before.wrapping_add(input.signed()?);
        values.push(before);
    }
    Ok(values)
}

pub(crate) fn read_small_column(input: &mut Reader<'_>, count: usize) -> Result<Vec<u32>, Malformed> {
    read_column(input, count)?.into_iter().map(|value| u32::try_from(value).map_err(|_| Malformed)).collect()
}

fn encode_messages(rows: &[MessageRow]) -> Vec<u8> {
    let mut out = Writer::default();
    out.byte(VERSION);
    out.number(rows.len() as u64);
    rows.iter().for_each(|row| out.raw(&row.id));
    let mut small = |of: fn(&MessageRow) -> u32| column(&mut out, rows.iter().map(|row| of(row).into()));
    small(|row| row.slot);
    small(|row| row.epoch);
    small(|row| row.view_bytes);
    small(|row| row.original_bytes);
    small(|row| row.prefix_bytes);
    small(|row| row.record_bytes);
    small(|row| row.segment);
    column(&mut out, rows.iter().map(|row| row.arrival.0));
    column(&mut out, rows.iter().map(|row| row.offset as i64));
    out.finish()
}

/// The inverse of encoding a block of messages. What refers to them is counted by [`decode`]'s caller.
fn decode_messages(bytes: &[u8]) -> Result<Vec<MessageRow>, Malformed> {
    let mut input = Reader::new(bytes);
    if input.byte()? != VERSION {
        return Err(Malformed);
    }
    let count = input.count()?;
    let ids = (0..count).map(|_| input.id()).collect::<Result<Vec<_>, _>>()?;
    let mut small = || read_small_column(&mut input, count);
    let (slots, epochs, views) = (small()?, small()?, small()?);
    let (originals, prefixes, records, segments) = (small()?, small()?, small()?, small()?);
    let (arrivals, offsets) = (read_column(&mut input, count)?, read_column(&mut input, count)?);
    input.end()?;
    let row = |at: usize| MessageRow {
        slot: slots[at],
        epoch: epochs[at],
        id: ids[at],
        arrival: UnixMillis(arrivals[at]),
        view_bytes: views[at],
        original_bytes: originals[at],
        prefix_bytes: prefixes[at],
        record_bytes: records[at],
        segment: segments[at],
        offset: offsets[at] as u64,
        in_mailboxes: 0,
        in_holds: 0,
        in_bin: false,
    };
    Ok((0..count).map(row).collect())
}

fn encode_mailbox(rows: &[MailboxRow], mailbox: &Mailbox) -> Vec<u8> {
    let mut out = Writer::default();
    out.byte(VERSION);
    out.number(rows.len() as u64);
    column(&mut out, rows.iter().map(|row| row.uid.into()));
    column(&mut out, rows.iter().map(|row| row.slot.into()));
    column(&mut out, rows.iter().map(|row| row.modseq as i64));
    column(&mut out, rows.iter().map(|row| row.internal_date.0));
    // The block's own table of flag sets, and one number per row.
    let used: BTreeSet<u32> = rows.iter().map(|row| row.flags).collect();
    let numbers: BTreeMap<u32, u64> = used.iter().copied().zip(0..).collect();
    out.number(used.len() as u64);
    for &index in &used {
        encode_flags(&mailbox.flags.set(index).cloned().unwrap_or_default(), &mut out);
    }
    rows.iter().for_each(|row| out.number(numbers.get(&row.flags).copied().unwrap_or(0)));
    out.finish()
}

fn decode_mailbox(bytes: &[u8], flags: &mut Arc<FlagTable>) -> Result<Vec<MailboxRow>, Malformed> {
    let mut input = Reader::new(bytes);
    if input.byte()? != VERSION {
        return Err(Malformed);
    }
    let count = input.count()?;
    let (uids, slots) = (read_small_column(&mut input, count)?, read_small_column(&mut input, count)?);
    let (modseqs, dates) = (read_column(&mut input, count)?, read_column(&mut input, count)?);
    let sets = input.count()?;
    let mut numbers = Vec::with_capacity(sets);
    for _ in 0..sets {
        numbers.push(FlagTable::intern(flags, &decode_flags(&mut input)?));
    }
    let mut rows = Vec::with_capacity(count);
    for at in 0..count {
        rows.push(MailboxRow {
            uid: uids[at],
            slot: slots[at],
            flags: *numbers.get(input.number()? as usize).ok_or(Malformed)?,
            modseq: modseqs[at] as u64,
            internal_date: UnixMillis(dates[at]),
        });
    }
    input.end()?;
    Ok(rows)
}

/// Everything of `state` but its blocks.
pub(crate) fn encode_head(state: &AccountState) -> Vec<u8> {
    let mut out = Writer::default();
    out.byte(HEAD_VERSION);
    out.number(state.seq);
    out.number(state.modseq);
    for last in [state.mailbox_last, state.uid_validity_last, state.slot_last] {
        out.number(last.into());
    }
    out.number(state.subscriptions.len() as u64);
    state.subscriptions.iter().for_each(|name| out.text(name));
    out.number(state.holds.len() as u64);
    for (case, hold) in &*state.holds {
        out.number(case.0);
        out.number(hold.spans.len() as u64);
        for (from, until) in &hold.spans {
            out.signed(from.0);
            out.signed(until.0);
        }
        out.uids(&hold.slots);
    }
    state.limits.encode(&mut out);
    out.number(state.bin.last.into());
    out.number(state.bin.names.len() as u64);
    for (mailbox, name) in &*state.bin.names {
        out.number(mailbox.0.into());
        out.text(name);
    }
    encode_list(&mut out, &state.bin.rows, state.seq);
    encode_list(&mut out, &state.messages, state.seq);
    out.number(state.mailboxes.len() as u64);
    for mailbox in state.mailboxes.values() {
        out.number(mailbox.id.0.into());
        out.text(&mailbox.name);
        out.number(mailbox.uid_validity.into());
        out.number(mailbox.uid_next.into());
        out.number(mailbox.highest_modseq);
        out.byte(SpecialUse::code(mailbox.special_use));
        out.number(mailbox.vanished.forgotten);
        out.number(mailbox.vanished.records.len() as u64);
        for (modseq, uids) in &mailbox.vanished.records {
            out.number(*modseq);
            out.uids(uids);
        }
        encode_list(&mut out, &mailbox.rows, state.seq);
    }
    out.finish()
}

/// The list of a table's blocks: count, then number and how many changes ago it was touched.
fn encode_list<R: crate::account::blocks::Row>(out: &mut Writer, table: &Blocks<R>, seq: u64) {
    out.number(table.blocks().len() as u64);
    for block in table.blocks() {
        out.number(block.number.into());
        out.number(seq.saturating_sub(block.changed));
    }
}

fn decode_list(input: &mut Reader<'_>, table: u32, seq: u64) -> Result<Vec<BlockName>, Malformed> {
    let count = input.count()?;
    let one = |_| {
        let number = input.small()?;
        Ok(BlockName { table, number, changed: seq.checked_sub(input.number()?).ok_or(Malformed)? })
    };
    (0..count).map(one).collect()
}

/// The account of a head and its blocks. `block` fetches and opens one block. An error of `block` ends the decoding.
pub(crate) fn decode<E: From<Malformed>>(
    head: &[u8],
    block: impl FnMut(BlockName) -> Result<Vec<u8>, E>,
) -> Result<AccountState, E> {
    let mut state = decode_uncounted(head, block)?;
    count_references(&mut state)?;
    Ok(state)
}

/// As [`decode`], for whoever has an [`empty_block`] where one is lost: nothing is counted, and what refers to a lost message
/// stays. `None` when the head is none.
pub(crate) fn decode_open<E>(
    head: &[u8],
    mut block: impl FnMut(BlockName) -> Result<Vec<u8>, E>,
) -> Result<Option<AccountState>, E> {
    enum Ended<E> {
        Malformed,
        Other(E),
    }
    impl<E> From<Malformed> for Ended<E> {
        fn from(_: Malformed) -> Self {
            Self::Malformed
        }
    }
    match decode_uncounted(head, |name| block(name).map_err(Ended::Other)) {
        Ok(state) => Ok(Some(state)),
        Err(Ended::Malformed) => Ok(None),
        Err(Ended::Other(error)) => Err(error),
    }
}

/// A block without rows, of that table.
pub(crate) fn empty_block(table: u32) -> Vec<u8> {
    // Blocks of messages have no flag sets to count.
    if table == MESSAGES { vec![VERSION, 0] } else { vec![VERSION, 0, 0] }
}

/// Whether these octets are a block of that table.
pub(crate) fn is_block(table: u32, octets: &[u8]) -> bool {
    let mut flags = Arc::default();
    match table {
        MESSAGES => decode_messages(octets).is_ok(),
        BIN => bin::decode_block(octets, &mut flags).is_ok(),
        _ => decode_mailbox(octets, &mut flags).is_ok(),
    }
}

/// The keys that a block of this number may have.
pub(crate) fn keys_of(number: u32) -> std::ops::RangeInclusive<u32> {
    let first = number.saturating_mul(KEYS_PER_BLOCK);
    first..=first.saturating_add(KEYS_PER_BLOCK - 1)
}

fn decode_uncounted<E: From<Malformed>>(
    head: &[u8],
    mut block: impl FnMut(BlockName) -> Result<Vec<u8>, E>,
) -> Result<AccountState, E> {
    let mut input = Reader::new(head);
    let version = input.byte()?;
    if !(1..=HEAD_VERSION).contains(&version) {
        return Err(Malformed.into());
    }
    let mut state = AccountState { seq: input.number()?, modseq: input.number()?, ..AccountState::default() };
    state.mailbox_last = input.small()?;
    state.uid_validity_last = input.small()?;
    state.slot_last = input.small()?;
    let names = input.count()?;
    state.subscriptions = Arc::new((0..names).map(|_| input.text()).collect::<Result<_, _>>()?);
    state.holds = Arc::new(decode_holds(&mut input)?);
    if version >= 2 {
        state.limits = Limits::decode(&mut input)?;
        let (mut bin, list) = decode_bin_head(&mut input, state.seq)?;
        let mut blocks = Vec::with_capacity(list.len());
        for name in list {
            blocks.push((name.number, name.changed, bin::decode_block(&block(name)?, &mut bin.flags)?));
        }
        bin.rows = Blocks::of_blocks(blocks);
        state.bin = bin;
    }
    let list = decode_list(&mut input, MESSAGES, state.seq)?;
    let mut blocks = Vec::with_capacity(list.len());
    for name in list {
        blocks.push((name.number, name.changed, decode_messages(&block(name)?)?));
    }
    state.messages = Blocks::of_blocks(blocks);
    let mailboxes = input.count()?;
    for _ in 0..mailboxes {
        let (mut mailbox, list) = decode_mailbox_head(&mut input, state.seq)?;
        let mut blocks = Vec::with_capacity(list.len());
        for name in list {
            let rows = decode_mailbox(&block(name)?, &mut mailbox.flags)?;
            blocks.push((name.number, name.changed, rows));
        }
        mailbox.rows = Blocks::of_blocks(blocks);
        state.mailboxes.insert(mailbox.id, Arc::new(mailbox));
    }
    input.end()?;
    Ok(state)
}

fn decode_holds(input: &mut Reader<'_>) -> Result<BTreeMap<CaseId, Hold>, Malformed> {
    let count = input.count()?;
    let mut holds = BTreeMap::new();
    for _ in 0..count {
        let case = CaseId(input.number()?);
        let spans = input.count()?;
        let span = |_| Ok((UnixMillis(input.signed()?), UnixMillis(input.signed()?)));
        let spans = (0..spans).map(span).collect::<Result<_, _>>()?;
        holds.insert(case, Hold { spans, slots: input.uids()? });
    }
    Ok(holds)
}

fn decode_bin_head(input: &mut Reader<'_>, seq: u64) -> Result<(Bin, Vec<BlockName>), Malformed> {
    let (last, count) = (input.small()?, input.count()?);
    let name = |_| Ok((MailboxId(input.small()?), input.text()?));
    let names: BTreeMap<MailboxId, String> = (0..count).map(name).collect::<Result<_, _>>()?;
    let list = decode_list(input, BIN, seq)?;
    Ok((Bin { last, names: Arc::new(names), ..Bin::default() }, list))
}

fn decode_mailbox_head(input: &mut Reader<'_>, seq: u64) -> Result<(Mailbox, Vec<BlockName>), Malformed> {
    let (id, name) = (MailboxId(input.small()?), input.text()?);
    let (uid_validity, uid_next, highest_modseq) = (input.small()?, input.small()?, input.number()?);
    let special_use = SpecialUse::of_code(input.byte()?).ok_or(Malformed)?;
    let forgotten = input.number()?;
    let count = input.count()?;
    let record = |_| Ok((input.number()?, input.uids()?));
    let records: Vec<(u64, UidSet)> = (0..count).map(record).collect::<Result<_, _>>()?;
    let mut mailbox = Mailbox::new(id, &name, uid_validity, special_use, highest_modseq);
    mailbox.uid_next = uid_next;
    mailbox.vanished = Arc::new(Vanished { forgotten, records });
    let list = decode_list(input, id.0, seq)?;
    Ok((mailbox, list))
}

/// Counts what refers to each message, and each mailbox's totals. A reference into nothing is `Malformed`.
fn count_references(state: &mut AccountState) -> Result<(), Malformed> {
    let mut in_mailboxes = vec![0_u32; state.messages.len() as usize];
    for mailbox in state.mailboxes.values_mut() {
        let mailbox = Arc::make_mut(mailbox);
        let (rows, flags) = (mailbox.rows.clone(), Arc::clone(&mailbox.flags));
        for row in rows.iter() {
            let (position, message) = state.messages.place(row.slot).ok_or(Malformed)?;
            in_mailboxes[position as usize] += 1;
            mailbox.count_in(flags.set(row.flags).ok_or(Malformed)?, message.view_bytes);
        }
    }
    let mut counts = in_mailboxes.into_iter();
    state.messages.annotate(|message| message.in_mailboxes = counts.next().unwrap_or(0));
    let binned: BTreeSet<u32> = state.bin.rows.iter().map(|row| row.slot).collect();
    if binned.iter().any(|slot| state.messages.find(*slot).is_none_or(|message| message.in_mailboxes > 0)) {
        return Err(Malformed);
    }
    if !binned.is_empty() {
        state.messages.annotate(|message| message.in_bin = binned.contains(&message.slot));
    }
    let holds = Arc::clone(&state.holds);
    if !holds.is_empty() {
        state.messages.annotate(|message| {
            message.in_holds = holds.values().filter(|hold| hold.slots.contains(message.slot)).count() as u32;
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug)]
    struct Refused;

    impl From<Malformed> for Refused {
        fn from(_: Malformed) -> Self {
            Self
        }
    }

    proptest! {
        #[test]
        fn garbage_is_refused_without_harm(mut head: Vec<u8>, mut block: Vec<u8>) {
            let _ = decode(&head, |_| Ok::<_, Refused>(block.clone()));
            head.splice(0..0, [VERSION, 9, 9, 9, 9, 9, 0, 0, 1, 0, 0]);
            block.insert(0, VERSION);
            let _ = decode(&head, |_| Ok::<_, Refused>(block.clone()));
        }
    }
}
