//! One change of an account: what is one small row on disk (docs/formats/store.md).
//!
//! A row says what was decided, not what was requested: the UIDs are those that changed, the flags are in the spelling that is
//! kept. So replaying needs no decisions, and a row always means the same.

use terms::{CaseId, EpochId, MailboxId, MessageId, UnixMillis};

use crate::values::flags::{FlagChange, FlagSet};
use crate::values::quota::Limits;
use crate::values::special_use::SpecialUse;
use crate::values::uid_set::UidSet;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    /// When, by the node's clock.
    pub(crate) at: UnixMillis,
    /// The account's MODSEQ afterwards: one more than before, or the same when the owner must not notice.
    pub(crate) modseq: u64,
    pub(crate) act: ChangeKind,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ChangeKind {
    /// Messages arrived; they take the next UIDs and slots in this order.
    Append { mailbox: MailboxId, messages: Vec<Arrived> },
    /// The flags of these UIDs changed.
    Flags { mailbox: MailboxId, uids: UidSet, change: FlagChange },
    /// These UIDs were expunged; with `keep`, messages that no mailbox refers to any more go to the bin.
    Expunge { mailbox: MailboxId, uids: UidSet, keep: bool },
    /// These messages were copied to `to`, with the next UIDs there, in this order.
    Copy { from: MailboxId, uids: UidSet, to: MailboxId },
    /// The same, and they were removed from `from`.
    Move { from: MailboxId, uids: UidSet, to: MailboxId },
    /// A mailbox was created; it takes the next id.
    Create { name: String, uid_validity: u32, special_use: Option<SpecialUse> },
    /// A mailbox was deleted with its messages; `keep` as above.
    Delete { mailbox: MailboxId, keep: bool },
    /// A mailbox and those below it were renamed.
    Rename { names: Vec<(MailboxId, String)> },
    /// A name was subscribed to or unsubscribed from.
    Subscribe { name: String, subscribed: bool },
    /// A case holds what arrived in `[from, until)`: live messages, and those that another case holds.
    Hold { case: CaseId, from: UnixMillis, until: UnixMillis },
    /// A case no longer holds anything.
    Release { case: CaseId },
    /// These messages were restored from the bin to `to`, with the next UIDs there, in this order.
    Restore { numbers: UidSet, to: MailboxId },
    /// These messages were deleted from the bin permanently.
    Forget { numbers: UidSet },
    /// The account's limits.
    Limit { limits: Limits },
    /// Every mailbox got a new UIDVALIDITY: this one and the following ones, in the order of the ids.
    Renumber { uid_validity: u32 },
    /// The records of these messages were moved: contiguous, by slot, from this offset on.
    Relocate { segment: u32, offset: u64, slots: UidSet },
}

/// A message that arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Arrived {
    pub(crate) id: MessageId,
    pub(crate) epoch: EpochId,
    pub(crate) arrival: UnixMillis,
    pub(crate) internal_date: UnixMillis,
    pub(crate) view_bytes: u32,
    pub(crate) original_bytes: u32,
    pub(crate) prefix_bytes: u32,
    pub(crate) record_bytes: u32,
    pub(crate) segment: u32,
    pub(crate) offset: u64,
    pub(crate) flags: FlagSet,
}
