//! One change of an account: what is one small row on disk (docs/formats/store.md).
//!
//! A row says what was decided, not what was asked: the UIDs are those that changed, the flags in the spelling that is
//! kept. So replaying needs no judgement, and an old row means the same for ever.

use terms::{CaseId, EpochId, MailboxId, MessageId, UnixMillis};

use crate::values::flags::{FlagChange, FlagSet};
use crate::values::quota::Limits;
use crate::values::special_use::SpecialUse;
use crate::values::uid_set::UidSet;

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    /// When, by the node's clock.
    pub(crate) at: UnixMillis,
    /// The account's MODSEQ afterwards: one more than before, or the same when the owner must not notice.
    pub(crate) modseq: u64,
    pub(crate) act: Act,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Act {
    /// Messages came in; they take the next UIDs and slots in this order.
    Append { mailbox: MailboxId, messages: Vec<Arrived> },
    /// The flags of these UIDs changed.
    Flags { mailbox: MailboxId, uids: UidSet, change: FlagChange },
    /// These UIDs are gone; with `keep`, messages that no mailbox has any more are in the bin.
    Expunge { mailbox: MailboxId, uids: UidSet, keep: bool },
    /// These UIDs are now also in `to`, with the next UIDs there, in this order.
    Copy { from: MailboxId, uids: UidSet, to: MailboxId },
    /// The same, and they are gone from `from`.
    Move { from: MailboxId, uids: UidSet, to: MailboxId },
    /// A mailbox was made; it takes the next id.
    Create { name: String, uid_validity: u32, special_use: Option<SpecialUse> },
    /// A mailbox is gone with its messages; `keep` as above.
    Delete { mailbox: MailboxId, keep: bool },
    /// Mailboxes have new names: one, and those below it.
    Rename { names: Vec<(MailboxId, String)> },
    /// A name was subscribed to, or no more.
    Subscribe { name: String, subscribed: bool },
    /// A case holds what arrived in `[from, until)`: live messages, and those that another case holds.
    Hold { case: CaseId, from: UnixMillis, until: UnixMillis },
    /// A case holds nothing more.
    Release { case: CaseId },
    /// These messages of the bin are in `to`, with the next UIDs there, in this order.
    Restore { numbers: UidSet, to: MailboxId },
    /// These messages of the bin are gone for good.
    Forget { numbers: UidSet },
    /// How much the account may have.
    Limit { limits: Limits },
    /// Every mailbox has another UIDVALIDITY: this one, and the numbers after it, in the order of the ids.
    Renumber { uid_validity: u32 },
    /// The records of these messages lie elsewhere: one message behind the other, by slot, from this offset on.
    Relocate { segment: u32, offset: u64, slots: UidSet },
}

/// A message that came in.
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
