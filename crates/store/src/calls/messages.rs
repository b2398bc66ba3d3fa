//! Messages: storing, flagging, copying, moving, expunging.

use std::collections::BTreeMap;
use std::sync::Arc;

use terms::{AccountId, MailboxId, MessageId, UnixMillis};
use vault::sealed_len;

use crate::account::blobs::PARTS;
use crate::account::change::{Arrived, ChangeKind};
use crate::account::decide::{self, Expunge};
use crate::account::state::AccountState;
use crate::account::usage;
use crate::engine::draft::Draft;
use crate::engine::epochs::Epoch;
use crate::error::StoreError;
use crate::pack::{RECORD_HEADER_BYTES, frame};
use crate::store::Store;
use crate::values::flags::{FlagChange, FlagSet};
use crate::values::uid_set::UidSet;

/// The longest part of a message that is stored, in bytes: 255 MiB, a little less than one message to the vault's process may have
/// (256 MiB), which is asked for the digest of what is imported. Memory holds a part whole while it is sealed; the doors allow far
/// less, and no operator can allow more (`message_size_bytes_max`).
pub const PART_BYTES_MAX: usize = 255 << 20;

/// A message to store.
#[derive(Clone)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Incoming {
    /// The account that receives it.
    pub account: AccountId,
    /// The mailbox that receives it.
    pub mailbox: MailboxId,
    /// The bytes that arrived, unchanged.
    pub original: Vec<u8>,
    /// Trace headers that clients see before them; may be empty.
    pub prefix: Vec<u8>,
    /// Finished answers for clients (envelope, structure, …), opaque here; may be empty.
    pub record: Vec<u8>,
    /// The size that clients see, in bytes.
    pub view_size_bytes: u32,
    /// When it arrived at this node. Bound into the seal.
    pub arrival: UnixMillis,
    /// The INTERNALDATE.
    pub internal_date: UnixMillis,
    pub flags: FlagSet,
}

impl std::fmt::Debug for Incoming {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Incoming({} bytes for {})", self.original.len(), self.account)
    }
}

/// A message that was stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Appended {
    pub mailbox: MailboxId,
    pub uid: u32,
    /// The mailbox's UIDVALIDITY.
    pub uid_validity: u32,
    pub id: MessageId,
    /// The MODSEQ of its arrival.
    pub modseq: u64,
}

/// The result of changing flags.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Flagged {
    /// The MODSEQ of the change; `None` when nothing changed.
    pub modseq: Option<u64>,
    /// The UIDs whose flags changed, ascending.
    pub changed: Vec<u32>,
    /// The UIDs that were left unchanged because they had been changed after `unchanged_since`, ascending.
    pub modified: Vec<u32>,
}

/// The result of a copy or a move.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Transferred {
    /// The target's UIDVALIDITY.
    pub uid_validity: u32,
    /// Old UID and new UID of each message, ascending. A UID that no longer existed is missing.
    pub uids: Vec<(u32, u32)>,
    /// The MODSEQ of the change; `None` when no message existed.
    pub modseq: Option<u64>,
}

/// The result of an expunge.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expunged {
    /// The UIDs that this call expunged, ascending.
    pub uids: Vec<u32>,
    /// The MODSEQ of the change; `None` when nothing was expunged.
    pub modseq: Option<u64>,
}

/// A message sealed, on its way to the commit thread.
struct Sealed {
    account: AccountId,
    mailbox: MailboxId,
    epoch: Arc<Epoch>,
    arrived: Arrived,
    /// The records of its parts, one after the other.
    records: Vec<u8>,
}

impl Store {
    /// Stores messages: all of them or none. Seals on the caller's thread, then waits; durable when it returns `Ok`.
    /// Concurrent calls share one sync.
    ///
    /// # Errors
    /// [`StoreError::NoSuchAccount`], [`StoreError::NoSuchMailbox`], [`StoreError::TooLarge`], [`StoreError::TooMany`],
    /// [`StoreError::OverQuota`],
    /// [`StoreError::DiskFull`], [`StoreError::NotStored`].
    pub fn append(&self, messages: Vec<Incoming>) -> Result<Vec<Appended>, StoreError> {
        let (sealed, bytes) = self.seal(messages)?;
        self.run(bytes, move |draft| append(draft, sealed, true))
    }

    /// As [`append`](Self::append), regardless of the quota: for a notice that an owner must receive.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    pub fn append_beyond_quota(&self, messages: Vec<Incoming>) -> Result<Vec<Appended>, StoreError> {
        let (sealed, bytes) = self.seal(messages)?;
        self.run(bytes, move |draft| append(draft, sealed, false))
    }

    /// As [`append`](Self::append), without waiting for the disk: `answer` is called once, from the commit thread or
    /// (when the messages are refused at once) from this one, and must be quick. Waits only while the queue of jobs is
    /// full, which is what slows a sender down.
    pub fn submit(
        &self,
        messages: Vec<Incoming>,
        answer: impl FnOnce(Result<Vec<Appended>, StoreError>) + Send + 'static,
    ) {
        match self.seal(messages) {
            Ok((sealed, bytes)) => self.submit_job(bytes, move |draft| append(draft, sealed, true), answer),
            Err(error) => answer(Err(error)),
        }
    }

    /// Whether [`submit`](Self::submit) of this many bytes for one account would return without waiting, neither for the disk nor
    /// for the vault: the account and the number of its last epoch are in memory, and the queue of jobs is at most half full.
    pub fn takes_at_once(&self, account: AccountId, bytes: usize) -> bool {
        let known = self.engine.account(account).is_ok_and(|it| it.is_in_memory() && it.epochs.are_known());
        known && self.engine.queue.has_capacity(bytes)
    }

    fn seal(&self, messages: Vec<Incoming>) -> Result<(Vec<Sealed>, usize), StoreError> {
        let sealed = messages.into_iter().map(|message| self.seal_one(message)).collect::<Result<Vec<_>, _>>()?;
        let bytes = sealed.iter().map(|message| message.records.len()).sum();
        Ok((sealed, bytes))
    }

    fn seal_one(&self, message: Incoming) -> Result<Sealed, StoreError> {
        let Incoming { account: id, mailbox, original, prefix, record, view_size_bytes, arrival, internal_date, flags } =
            message;
        let engine = &self.engine;
        let account = engine.account(id)?;
        let parts = [original, prefix, record];
        let size = |part: &Vec<u8>| match u32::try_from(part.len()) {
            Ok(size) if part.len() <= PART_BYTES_MAX => Ok(size),
            _ => Err(StoreError::TooLarge),
        };
        let (original_bytes, prefix_bytes, record_bytes) = (size(&parts[0])?, size(&parts[1])?, size(&parts[2])?);
        let last_epoch = || engine.reader().last_epoch(account.number).map_err(|error| StoreError::reading(&error));
        let key = || account.receives();
        let epoch = account.epochs.current(id, key, engine.clock.now(), &*engine.entropy, last_epoch)?;
        let message = MessageId::random(&*engine.entropy);
        let lens = parts.iter().map(|part| RECORD_HEADER_BYTES + sealed_len(part.len() as u64) as usize);
        let mut records = Vec::with_capacity(lens.sum());
        for (part, plain) in PARTS.iter().zip(&parts).filter(|(_, plain)| !plain.is_empty()) {
            let framed = frame(id, message, *part, &mut records, |out| {
                epoch.sealer.seal_into(message, arrival, *part, plain, out)
            });
            framed.map_err(|error| StoreError::vault(&error))?.ok_or(StoreError::TooLarge)?;
        }
        let arrived = Arrived {
            id: message,
            epoch: epoch.id(),
            arrival,
            internal_date,
            view_bytes: view_size_bytes,
            original_bytes,
            prefix_bytes,
            record_bytes,
            segment: 0,
            offset: 0,
            flags,
        };
        Ok(Sealed { account: id, mailbox, epoch, arrived, records })
    }

    /// Changes flags of those of `uids` that exist; with `unchanged_since`, of those whose MODSEQ is not above it.
    /// Writes one small row, however many they are; none if nothing changes.
    ///
    /// # Errors
    /// [`StoreError::NoSuchMailbox`], [`StoreError::TooMany`] keywords, and those of writing.
    pub fn change_flags(
        &self,
        account: AccountId,
        mailbox: MailboxId,
        uids: &[u32],
        change: FlagChange,
        unchanged_since: Option<u64>,
    ) -> Result<Flagged, StoreError> {
        let uids = UidSet::of(uids);
        self.run(0, move |draft| {
            let decision = decide::flags(draft.state(account)?, mailbox, &uids, &change, unchanged_since)?;
            let modseq = decision.act.map(|act| draft.change(account, act, true)).transpose()?;
            Ok(Flagged { modseq, changed: decision.changed, modified: decision.modified })
        })
    }

    /// Copies those of `uids` that exist into another mailbox of the account, including flags and INTERNALDATE. The
    /// bytes are not copied.
    ///
    /// # Errors
    /// [`StoreError::NoSuchMailbox`], [`StoreError::TooMany`], and those of writing.
    pub fn copy(
        &self,
        account: AccountId,
        from: MailboxId,
        uids: &[u32],
        to: MailboxId,
    ) -> Result<Transferred, StoreError> {
        self.transfer(account, from, uids, to, false)
    }

    /// Moves those of `uids` that exist into another mailbox of the account, in one step.
    ///
    /// # Errors
    /// As [`copy`](Self::copy).
    pub fn move_(
        &self,
        account: AccountId,
        from: MailboxId,
        uids: &[u32],
        to: MailboxId,
    ) -> Result<Transferred, StoreError> {
        self.transfer(account, from, uids, to, true)
    }

    fn transfer(
        &self,
        account: AccountId,
        from: MailboxId,
        uids: &[u32],
        to: MailboxId,
        moves: bool,
    ) -> Result<Transferred, StoreError> {
        let uids = UidSet::of(uids);
        self.run(0, move |draft| {
            let policy = draft.policy();
            let state = draft.state(account)?;
            let (act, uids) = decide::transfer(state, from, &uids, to, moves)?;
            if let Some(ChangeKind::Copy { uids, .. }) = &act {
                let (bytes, count) = sizes(state, from, uids)?;
                usage::check(state, &policy, bytes, count)?;
            }
            let modseq = act.map(|act| draft.change(account, act, true)).transpose()?;
            let uid_validity = decide::mailbox(draft.state(account)?, to)?.uid_validity;
            Ok(Transferred { uid_validity, uids, modseq })
        })
    }

    /// Expunges those of `uids` that exist, whatever their flags. Their owner can restore them for as long as the
    /// policy says. What a case holds is kept, invisible to the owner.
    ///
    /// # Errors
    /// [`StoreError::NoSuchMailbox`], and those of writing.
    pub fn expunge(&self, account: AccountId, mailbox: MailboxId, uids: &[u32]) -> Result<Expunged, StoreError> {
        self.expunge_those(account, mailbox, UidSet::of(uids), Expunge::Any)
    }

    /// Expunges the messages that have `\Deleted` at this moment: all of them, or those in `within`.
    ///
    /// # Errors
    /// As [`expunge`](Self::expunge).
    pub fn expunge_deleted(
        &self,
        account: AccountId,
        mailbox: MailboxId,
        within: Option<&[u32]>,
    ) -> Result<Expunged, StoreError> {
        let uids = within.map_or_else(|| UidSet::of_ranges([(1, u32::MAX)]), UidSet::of);
        self.expunge_those(account, mailbox, uids, Expunge::Deleted)
    }

    fn expunge_those(
        &self,
        account: AccountId,
        mailbox: MailboxId,
        uids: UidSet,
        which: Expunge,
    ) -> Result<Expunged, StoreError> {
        self.run(0, move |draft| {
            let keep = draft.policy().restorable_days > 0;
            let (act, uids) = decide::expunge(draft.state(account)?, mailbox, &uids, which, keep)?;
            let modseq = act.map(|act| draft.change(account, act, true)).transpose()?;
            Ok(Expunged { uids, modseq })
        })
    }
}

/// The total size that clients see, and the number of messages.
fn sizes(state: &AccountState, mailbox: MailboxId, uids: &UidSet) -> Result<(u64, u64), StoreError> {
    let rows = &decide::mailbox(state, mailbox)?.rows;
    let (mut bytes, mut count) = (0, 0);
    for &(first, last) in uids.ranges() {
        for row in rows.from(rows.rank(first)).take_while(|row| row.uid <= last) {
            bytes += state.message(row.slot).map_or(0, |message| u64::from(message.view_bytes));
            count += 1;
        }
    }
    Ok((bytes, count))
}

/// Plans the arrival of sealed messages: one row per mailbox.
fn append(draft: &mut Draft<'_>, messages: Vec<Sealed>, limited: bool) -> Result<Vec<Appended>, StoreError> {
    let mut groups: BTreeMap<(AccountId, MailboxId), (Vec<usize>, Vec<Arrived>)> = BTreeMap::new();
    let count = messages.len();
    for (at, message) in messages.into_iter().enumerate() {
        let Sealed { account, mailbox, epoch, mut arrived, records } = message;
        arrived.flags = decide::keep_flags(decide::mailbox(draft.state(account)?, mailbox)?, &arrived.flags)?;
        draft.epoch(account, &epoch)?;
        (arrived.segment, arrived.offset) = draft.blob(records)?;
        let (places, group) = groups.entry((account, mailbox)).or_default();
        places.push(at);
        group.push(arrived);
    }
    let policy = draft.policy();
    let mut appended: Vec<Option<Appended>> = vec![None; count];
    for ((account, mailbox), (places, group)) in groups {
        let state = draft.state(account)?;
        let target = decide::mailbox(state, mailbox)?;
        decide::check_uids_left(target, group.len())?;
        if limited {
            let bytes = group.iter().map(|arrived| u64::from(arrived.view_bytes)).sum();
            usage::check(state, &policy, bytes, group.len() as u64)?;
        }
        let more = u32::try_from(group.len()).map_err(|_| StoreError::TooMany("messages at once"))?;
        state.slot_last.checked_add(more).ok_or(StoreError::TooMany("messages in an account, ever"))?;
        let (uid_validity, first) = (target.uid_validity, target.uid_next);
        let ids: Vec<MessageId> = group.iter().map(|arrived| arrived.id).collect();
        let modseq = draft.change(account, ChangeKind::Append { mailbox, messages: group }, true)?;
        for ((at, id), uid) in places.into_iter().zip(ids).zip(first..) {
            appended[at] = Some(Appended { mailbox, uid, uid_validity, id, modseq });
        }
    }
    Ok(appended.into_iter().flatten().collect())
}
