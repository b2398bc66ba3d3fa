//! What a change does to an account. The same function runs when a change is made and when it is replayed from disk,
//! so that the state after a restart is the state before it.

use std::sync::Arc;

use terms::{CaseId, MailboxId, UnixMillis};

use crate::account::bin;
use crate::account::blobs::Blobs;
use crate::account::change::{Arrived, Change, ChangeKind};
use crate::account::state::{
    AccountState, FlagTable, Mailbox, MailboxRow, MessageRow, Misfit, NO_MAILBOX, NO_MESSAGE, Vanished,
};
use crate::values::flags::{FlagChange, FlagSet};
use crate::values::uid_set::UidSet;

/// Applies the next change. On an error the account is left partly changed and must be dropped.
pub(crate) fn apply(state: &mut AccountState, change: &Change) -> Result<(), Misfit> {
    state.seq += 1;
    if change.modseq < state.modseq || change.modseq > state.modseq + 1 {
        return Err(Misfit("a MODSEQ that does not follow the one before"));
    }
    state.modseq = change.modseq;
    match &change.act {
        ChangeKind::Append { mailbox, messages } => append(state, *mailbox, messages),
        ChangeKind::Flags { mailbox, uids, change } => flags(state, *mailbox, uids, change),
        ChangeKind::Expunge { mailbox, uids, keep } => expunge(state, *mailbox, uids, keep.then_some(change.at)),
        ChangeKind::Copy { from, uids, to } => copy(state, *from, uids, *to),
        ChangeKind::Move { from, uids, to } => {
            copy(state, *from, uids, *to).and_then(|()| expunge(state, *from, uids, None))
        }
        ChangeKind::Create { name, uid_validity, special_use } => {
            state.mailbox_last += 1;
            state.uid_validity_last = *uid_validity;
            let id = MailboxId(state.mailbox_last);
            state.mailboxes.insert(id, Arc::new(Mailbox::new(id, name, *uid_validity, *special_use, state.modseq)));
            Ok(())
        }
        ChangeKind::Delete { mailbox, keep } => delete(state, *mailbox, keep.then_some(change.at)),
        ChangeKind::Rename { names } => rename(state, names),
        ChangeKind::Subscribe { name, subscribed } => {
            let names = Arc::make_mut(&mut state.subscriptions);
            if *subscribed {
                names.insert(name.clone());
            } else {
                names.remove(name);
            }
            Ok(())
        }
        ChangeKind::Hold { case, from, until } => {
            hold(state, *case, *from, *until);
            Ok(())
        }
        ChangeKind::Release { case } => {
            release(state, *case);
            Ok(())
        }
        ChangeKind::Restore { numbers, to } => bin::restore(state, numbers, *to),
        ChangeKind::Forget { numbers } => bin::forget(state, numbers),
        ChangeKind::Renumber { uid_validity } => {
            renumber(state, *uid_validity);
            Ok(())
        }
        ChangeKind::Limit { limits } => {
            state.limits = *limits;
            Ok(())
        }
        ChangeKind::Relocate { segment, offset, slots } => relocate(state, *segment, *offset, slots),
    }
}

fn mailbox(state: &mut AccountState, id: MailboxId) -> Result<&mut Mailbox, Misfit> {
    let modseq = state.modseq;
    let mailbox = Arc::make_mut(state.mailboxes.get_mut(&id).ok_or(NO_MAILBOX)?);
    mailbox.highest_modseq = modseq;
    Ok(mailbox)
}

fn append(state: &mut AccountState, id: MailboxId, messages: &[Arrived]) -> Result<(), Misfit> {
    let (seq, modseq, slot_last) = (state.seq, state.modseq, state.slot_last);
    let mailbox = mailbox(state, id)?;
    for (slot, message) in (slot_last + 1..).zip(messages) {
        let flags = FlagTable::intern(&mut mailbox.flags, &message.flags);
        let row = MailboxRow { uid: mailbox.uid_next, slot, flags, modseq, internal_date: message.internal_date };
        mailbox.rows.push(row, seq);
        mailbox.uid_next += 1;
        mailbox.count_in(&message.flags, message.view_bytes);
    }
    for message in messages {
        state.slot_last += 1;
        let row = MessageRow {
            slot: state.slot_last,
            epoch: message.epoch.0,
            id: message.id.0,
            arrival: message.arrival,
            view_bytes: message.view_bytes,
            original_bytes: message.original_bytes,
            prefix_bytes: message.prefix_bytes,
            record_bytes: message.record_bytes,
            segment: message.segment,
            offset: message.offset,
            in_mailboxes: 1,
            in_holds: 0,
            in_bin: false,
        };
        state.messages.push(row, seq);
    }
    Ok(())
}

fn flags(state: &mut AccountState, id: MailboxId, uids: &UidSet, change: &FlagChange) -> Result<(), Misfit> {
    let (seq, modseq) = (state.seq, state.modseq);
    let mailbox = mailbox(state, id)?;
    // What each flag set in use becomes: there are few sets and many rows.
    let before = mailbox.flags.sets().to_vec();
    let mut after: Vec<Option<u32>> = vec![None; before.len()];
    let (mut unseen, mut deleted) = (i64::from(mailbox.unseen), i64::from(mailbox.deleted));
    let table = &mut mailbox.flags;
    mailbox.rows.update(uids, seq, |row| {
        let Some(old) = before.get(row.flags as usize) else { return };
        let index = *after[row.flags as usize].get_or_insert_with(|| FlagTable::intern(table, &change.after(old)));
        if let Some(new) = table.set(index) {
            unseen += i64::from(new.is_unseen()) - i64::from(old.is_unseen());
            deleted += i64::from(new.is_deleted()) - i64::from(old.is_deleted());
        }
        row.flags = index;
        row.modseq = modseq;
    });
    mailbox.unseen = u32::try_from(unseen).unwrap_or(0);
    mailbox.deleted = u32::try_from(deleted).unwrap_or(0);
    tidy_flags(mailbox);
    Ok(())
}

/// How many flag sets a mailbox may have beyond twice its messages before unused ones are dropped.
const FLAG_SETS_SPARE: usize = 1024;

/// Drops flag sets that no message has, after a client has used very many.
fn tidy_flags(mailbox: &mut Mailbox) {
    if mailbox.flags.sets().len() <= FLAG_SETS_SPARE + 2 * mailbox.rows.len() as usize {
        return;
    }
    let old = std::mem::take(&mut mailbox.flags);
    let mut table: Arc<FlagTable> = Arc::default();
    // The numbers exist in this process only: a block on disk has its own table.
    mailbox.rows.annotate(|row| {
        if let Some(flags) = old.set(row.flags) {
            row.flags = FlagTable::intern(&mut table, flags);
        }
    });
    mailbox.flags = table;
}

/// Takes messages out of a mailbox. With the time `keep`, those that no mailbox refers to any more go to the bin; otherwise those
/// that nothing refers to any more are removed.
fn unlink(
    state: &mut AccountState,
    rows: &[MailboxRow],
    mailbox: &Mailbox,
    keep: Option<UnixMillis>,
) -> Result<(), Misfit> {
    let seq = state.seq;
    let mut free = Vec::new();
    // In the bin's own numbers, once per flag set.
    let mut numbers: Vec<Option<u32>> = vec![None; mailbox.flags.sets().len()];
    let none = Arc::new(FlagSet::none());
    for row in rows {
        let mut last = false;
        let found = state.messages.update_one(row.slot, seq, |message| {
            message.in_mailboxes = message.in_mailboxes.saturating_sub(1);
            last = message.in_mailboxes == 0;
            message.in_bin = last && keep.is_some();
            if message.is_free() {
                free.push(message.slot);
            }
        });
        if !found {
            return Err(NO_MESSAGE);
        }
        if let (true, Some(at)) = (last, keep) {
            let (table, none) = (&mut state.bin.flags, &none);
            let intern = || FlagTable::intern(table, mailbox.flags.set(row.flags).unwrap_or(none));
            let flags = *numbers[row.flags as usize].get_or_insert_with(intern);
            state.bin.put(row, flags, mailbox.id, at, seq);
        }
    }
    state.messages.remove(&UidSet::of(&free), seq);
    Ok(())
}

fn expunge(state: &mut AccountState, id: MailboxId, uids: &UidSet, keep: Option<UnixMillis>) -> Result<(), Misfit> {
    let (seq, modseq) = (state.seq, state.modseq);
    let gone = mailbox(state, id)?.rows.remove(uids, seq);
    let sizes: Vec<u32> =
        gone.iter().map(|row| state.message(row.slot).map_or(0, |message| message.view_bytes)).collect();
    let mailbox = mailbox(state, id)?;
    for (row, size) in gone.iter().zip(sizes) {
        let flags = mailbox.flags_of(row);
        mailbox.count_out(&flags, size);
    }
    Vanished::push(Arc::make_mut(&mut mailbox.vanished), modseq, uids.clone());
    let mailbox = Arc::clone(state.mailboxes.get(&id).ok_or(NO_MAILBOX)?);
    unlink(state, &gone, &mailbox, keep)
}

fn copy(state: &mut AccountState, from: MailboxId, uids: &UidSet, to: MailboxId) -> Result<(), Misfit> {
    let (seq, modseq) = (state.seq, state.modseq);
    let source = Arc::clone(state.mailboxes.get(&from).ok_or(NO_MAILBOX)?);
    let mut target = Arc::clone(state.mailboxes.get(&to).ok_or(NO_MAILBOX)?);
    let mailbox = Arc::make_mut(&mut target);
    mailbox.highest_modseq = modseq;
    // In the target's own numbers, once per flag set.
    let mut numbers: Vec<Option<u32>> = vec![None; source.flags.sets().len()];
    let none = Arc::new(FlagSet::none());
    for &(first, last) in uids.ranges() {
        for row in source.rows.from(source.rows.rank(first)).take_while(|row| row.uid <= last) {
            let flags = source.flags.set(row.flags).unwrap_or(&none);
            let intern = || FlagTable::intern(&mut mailbox.flags, flags);
            let index = *numbers[row.flags as usize].get_or_insert_with(intern);
            let mut view_bytes = 0;
            let found = state.messages.update_one(row.slot, seq, |message| {
                message.in_mailboxes += 1;
                view_bytes = message.view_bytes;
            });
            if !found {
                return Err(NO_MESSAGE);
            }
            mailbox.rows.push(MailboxRow { uid: mailbox.uid_next, flags: index, modseq, ..*row }, seq);
            mailbox.uid_next += 1;
            mailbox.count_in(flags, view_bytes);
        }
    }
    state.mailboxes.insert(to, target);
    Ok(())
}

fn delete(state: &mut AccountState, id: MailboxId, keep: Option<UnixMillis>) -> Result<(), Misfit> {
    let mailbox = state.mailboxes.remove(&id).ok_or(NO_MAILBOX)?;
    let rows: Vec<MailboxRow> = mailbox.rows.iter().copied().collect();
    unlink(state, &rows, &mailbox, keep)?;
    state.bin.remember(&mailbox);
    Ok(())
}

/// Assigns UIDVALIDITY values to the mailboxes, in the order of their ids, starting at this one.
fn renumber(state: &mut AccountState, first: u32) {
    let modseq = state.modseq;
    for (uid_validity, mailbox) in (first..).zip(state.mailboxes.values_mut()) {
        let mailbox = Arc::make_mut(mailbox);
        (mailbox.uid_validity, mailbox.highest_modseq) = (uid_validity, modseq);
        state.uid_validity_last = uid_validity;
    }
}

fn rename(state: &mut AccountState, names: &[(MailboxId, String)]) -> Result<(), Misfit> {
    // All old names are removed before the first new one is set: a mailbox that moves below itself takes the name of its child.
    let mut subscribed = Vec::new();
    for (id, name) in names {
        let mailbox = Arc::make_mut(state.mailboxes.get_mut(id).ok_or(NO_MAILBOX)?);
        let old = std::mem::replace(&mut mailbox.name, name.as_str().into());
        if state.subscriptions.contains(&*old) {
            Arc::make_mut(&mut state.subscriptions).remove(&*old);
            subscribed.push(name.clone());
        }
    }
    if !subscribed.is_empty() {
        Arc::make_mut(&mut state.subscriptions).extend(subscribed);
    }
    Ok(())
}

fn hold(state: &mut AccountState, case: CaseId, from: UnixMillis, until: UnixMillis) {
    let seq = state.seq;
    let holds = Arc::make_mut(&mut state.holds);
    let hold = holds.entry(case).or_default();
    let in_span = |message: &&MessageRow| from <= message.arrival && message.arrival < until;
    let fresh: Vec<u32> =
        state.messages.iter().filter(in_span).map(|row| row.slot).filter(|&slot| !hold.slots.contains(slot)).collect();
    let fresh = state.messages.cover(fresh);
    hold.spans.push((from, until));
    hold.slots = hold.slots.union(&fresh);
    state.messages.update(&fresh, seq, |message| message.in_holds += 1);
}

fn release(state: &mut AccountState, case: CaseId) {
    let seq = state.seq;
    let Some(hold) = Arc::make_mut(&mut state.holds).remove(&case) else { return };
    let mut free = Vec::new();
    state.messages.update(&hold.slots, seq, |message| {
        message.in_holds = message.in_holds.saturating_sub(1);
        if message.is_free() {
            free.push(message.slot);
        }
    });
    state.messages.remove(&UidSet::of(&free), seq);
}

/// The records of these messages are in another segment now, contiguous, by slot.
fn relocate(state: &mut AccountState, segment: u32, offset: u64, slots: &UidSet) -> Result<(), Misfit> {
    let (seq, mut next, mut moved) = (state.seq, offset, 0_u64);
    state.messages.update(slots, seq, |message| {
        (message.segment, message.offset) = (segment, next);
        next = next.saturating_add(Blobs::of(message).len_bytes());
        moved += 1;
    });
    if moved == 0 { Err(NO_MESSAGE) } else { Ok(()) }
}
