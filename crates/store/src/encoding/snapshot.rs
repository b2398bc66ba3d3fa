//! The snapshot of an account on disk: a head, and the blocks of its tables (docs/formats/store.md).
//!
//! A fold replaces the changes up to some number by a snapshot. It writes only the blocks that changed since the last
//! fold, column by column, and the head that lists every block with the change that touched it last. The seal of a
//! block names that change, so that an older block cannot stand in for a newer one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use terms::{CaseId, MailboxId, UnixMillis};

use crate::account::bin::Bin;
use crate::account::blocks::Blocks;
use crate::account::state::{AccountState, Hold, Mailbox, Vanished};
use crate::encoding::blocks::{self, BIN, BlockName, MESSAGES};
use crate::encoding::bytes::{Malformed, Reader, Writer};
use crate::values::quota::Limits;
use crate::values::special_use::SpecialUse;
use crate::values::uid_set::UidSet;

/// Everything of `state` but its blocks.
pub(crate) fn encode_head(state: &AccountState) -> Vec<u8> {
    let mut out = Writer::default();
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

/// The list of a table's blocks: the count, then for each its number and how many changes ago it was touched.
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

/// The blocks of a head, in the order in which [`decode`] asks for them.
pub(crate) fn block_names(head: &[u8]) -> Result<Vec<BlockName>, Malformed> {
    let mut names = Vec::new();
    decode_uncounted(head, |name| {
        names.push(name);
        Ok::<_, Malformed>(blocks::empty_block(name.table))
    })?;
    Ok(names)
}

/// As [`decode`], with an [`empty_block`] in place of a lost one: nothing is counted, and references to lost messages
/// stay. `None` if the head is malformed.
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

fn decode_uncounted<E: From<Malformed>>(
    head: &[u8],
    mut block: impl FnMut(BlockName) -> Result<Vec<u8>, E>,
) -> Result<AccountState, E> {
    let mut input = Reader::new(head);
    let mut state = AccountState { seq: input.number()?, modseq: input.number()?, ..AccountState::default() };
    state.mailbox_last = input.small()?;
    state.uid_validity_last = input.small()?;
    state.slot_last = input.small()?;
    let names = input.count()?;
    state.subscriptions = Arc::new((0..names).map(|_| input.text()).collect::<Result<_, _>>()?);
    state.holds = Arc::new(decode_holds(&mut input)?);
    state.limits = Limits::decode(&mut input)?;
    let (mut bin, list) = decode_bin_head(&mut input, state.seq)?;
    let mut blocks = Vec::with_capacity(list.len());
    for name in list {
        blocks.push((name.number, name.changed, blocks::decode_bin(&block(name)?, &mut bin.flags)?));
    }
    bin.rows = Blocks::of_blocks(blocks);
    state.bin = bin;
    let list = decode_list(&mut input, MESSAGES, state.seq)?;
    let mut blocks = Vec::with_capacity(list.len());
    for name in list {
        blocks.push((name.number, name.changed, blocks::decode_messages(&block(name)?)?));
    }
    state.messages = Blocks::of_blocks(blocks);
    let mailboxes = input.count()?;
    for _ in 0..mailboxes {
        let (mut mailbox, list) = decode_mailbox_head(&mut input, state.seq)?;
        let mut blocks = Vec::with_capacity(list.len());
        for name in list {
            let rows = blocks::decode_mailbox(&block(name)?, &mut mailbox.flags)?;
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

/// Counts the references to each message, and each mailbox's totals. A dangling reference is `Malformed`.
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
        fn garbage_is_refused_without_harm(mut head: Vec<u8>, block: Vec<u8>) {
            let _ = decode(&head, |_| Ok::<_, Refused>(block.clone()));
            head.splice(0..0, [9, 9, 9, 9, 9, 0, 0, 1, 0, 0]);
            let _ = decode(&head, |_| Ok::<_, Refused>(block.clone()));
        }
    }
}
