//! The blocks of an account's tables, by columns: messages, a mailbox, the bin.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use terms::UnixMillis;

use crate::account::bin::{Bin, BinRow};
use crate::account::blocks::KEYS_PER_BLOCK;
use crate::account::state::{AccountState, FlagTable, Mailbox, MailboxRow, MessageRow};
use crate::encoding::bytes::{Malformed, Reader, Writer};
use crate::encoding::values::{decode_flags, encode_flags};

/// The table of messages, instead of a mailbox's number.
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
        out.push((name, encode_bin(&block.rows, &state.bin)));
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

/// Writes the first value, then each one's difference from the previous one.
fn column(out: &mut Writer, values: impl Iterator<Item = i64>) {
    let mut before = 0_i64;
    for value in values {
        out.signed(value.wrapping_sub(before));
        before = value;
    }
}

fn read_column(input: &mut Reader<'_>, count: usize) -> Result<Vec<i64>, Malformed> {
    let mut before = 0_i64;
    let mut values = Vec::with_capacity(count);
    for _ in 0..count {
        before = before.wrapping_add(input.signed()?);
        values.push(before);
    }
    Ok(values)
}

fn read_small_column(input: &mut Reader<'_>, count: usize) -> Result<Vec<u32>, Malformed> {
    read_column(input, count)?.into_iter().map(|value| u32::try_from(value).map_err(|_| Malformed)).collect()
}

fn encode_messages(rows: &[MessageRow]) -> Vec<u8> {
    let mut out = Writer::default();
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
pub(crate) fn decode_messages(bytes: &[u8]) -> Result<Vec<MessageRow>, Malformed> {
    let mut input = Reader::new(bytes);
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

pub(crate) fn decode_mailbox(bytes: &[u8], flags: &mut Arc<FlagTable>) -> Result<Vec<MailboxRow>, Malformed> {
    let mut input = Reader::new(bytes);
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

fn encode_bin(rows: &[BinRow], bin: &Bin) -> Vec<u8> {
    let mut out = Writer::default();
    out.number(rows.len() as u64);
    let mut small = |of: fn(&BinRow) -> u32| column(&mut out, rows.iter().map(|row| of(row).into()));
    small(|row| row.number);
    small(|row| row.slot);
    small(|row| row.mailbox);
    column(&mut out, rows.iter().map(|row| row.internal_date.0));
    column(&mut out, rows.iter().map(|row| row.at.0));
    let mut numbers: BTreeMap<u32, u64> = BTreeMap::new();
    let mut used = Vec::new();
    for row in rows {
        let next = numbers.len() as u64;
        numbers.entry(row.flags).or_insert_with(|| {
            used.push(row.flags);
            next
        });
    }
    out.number(used.len() as u64);
    for index in used {
        encode_flags(&bin.flags.set(index).cloned().unwrap_or_default(), &mut out);
    }
    rows.iter().for_each(|row| out.number(numbers.get(&row.flags).copied().unwrap_or(0)));
    out.finish()
}

pub(crate) fn decode_bin(bytes: &[u8], flags: &mut Arc<FlagTable>) -> Result<Vec<BinRow>, Malformed> {
    let mut input = Reader::new(bytes);
    let count = input.count()?;
    let mut small = || read_small_column(&mut input, count);
    let (numbers, slots, mailboxes) = (small()?, small()?, small()?);
    let (dates, ats) = (read_column(&mut input, count)?, read_column(&mut input, count)?);
    let sets = input.count()?;
    let mut indexes = Vec::with_capacity(sets);
    for _ in 0..sets {
        indexes.push(FlagTable::intern(flags, &decode_flags(&mut input)?));
    }
    let mut rows = Vec::with_capacity(count);
    for at in 0..count {
        rows.push(BinRow {
            number: numbers[at],
            slot: slots[at],
            mailbox: mailboxes[at],
            flags: *indexes.get(input.number()? as usize).ok_or(Malformed)?,
            internal_date: UnixMillis(dates[at]),
            at: UnixMillis(ats[at]),
        });
    }
    input.end()?;
    Ok(rows)
}

/// A block without rows, of that table.
pub(crate) fn empty_block(table: u32) -> Vec<u8> {
    // Blocks of messages have no flag sets to count.
    if table == MESSAGES { vec![0] } else { vec![0, 0] }
}

/// Whether these bytes are a block of that table.
pub(crate) fn is_block(table: u32, bytes: &[u8]) -> bool {
    let mut flags = Arc::default();
    match table {
        MESSAGES => decode_messages(bytes).is_ok(),
        BIN => decode_bin(bytes, &mut flags).is_ok(),
        _ => decode_mailbox(bytes, &mut flags).is_ok(),
    }
}

/// The keys that a block of this number may have.
pub(crate) fn keys_of(number: u32) -> std::ops::RangeInclusive<u32> {
    let first = number.saturating_mul(KEYS_PER_BLOCK);
    first..=first.saturating_add(KEYS_PER_BLOCK - 1)
}
