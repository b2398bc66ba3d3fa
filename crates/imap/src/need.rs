//! What the machine cannot do itself, and the answers it gets.
//!
//! Needs concern one account (that of the signed-in user) and at most one open mailbox; the backend keeps track of
//! both. Messages are always identified by UID: sequence numbers are internal to the session.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;

use terms::{Secret, UnixMillis};

use crate::fetch::{FetchItem, FetchRow};
use crate::flag::{FlagChange, Flags, Keyword};
use crate::name::MailboxName;
use crate::search::SearchKey;

/// Something to be done outside the machine. Each variant names its answer; any may be answered with
/// [`Answer::Refused`] instead.
///
/// `Debug` prints only the kind: needs contain names, passwords and search terms.
pub enum Need {
    /// Check a password and remember the account. → [`Answer::Done`]
    SignIn {
        /// The authentication identity as sent, usually an address.
        user: String,
        /// The password as sent.
        password: Secret<String>,
    },
    /// The client's first message of SCRAM-SHA-256, or with `plus` of SCRAM-SHA-256-PLUS. → [`Answer::Challenge`] with
    /// the server's first message
    ScramBegin {
        /// Whether the mechanism is the one with channel binding.
        plus: bool,
        /// `client-first-message` (RFC 5802 section 7).
        message: Vec<u8>,
    },
    /// The client's final message. → [`Answer::Challenge`] with the server's final message; the backend then remembers
    /// the account.
    ScramFinish {
        /// `client-final-message`.
        message: Vec<u8>,
    },
    /// All mailboxes of the account, and all subscriptions. → [`Answer::Mailboxes`]
    Mailboxes,
    /// One mailbox, for STATUS. → [`Answer::Mailbox`]
    Mailbox(MailboxName),
    /// The account's usage and limits. → [`Answer::Quota`]
    Quota,
    /// Create a mailbox. → [`Answer::Done`]
    Create {
        /// Its name.
        name: MailboxName,
        /// Its special use, if the client declared one (RFC 6154 section 5.2).
        special_use: Option<SpecialUse>,
    },
    /// Delete a mailbox and its messages, but not its children. → [`Answer::Done`]
    Delete(MailboxName),
    /// Rename a mailbox and its children. For INBOX: move its messages to a new mailbox; its children stay (RFC 9051
    /// section 6.3.6). → [`Answer::Done`]
    Rename {
        /// The current name.
        from: MailboxName,
        /// The new name.
        to: MailboxName,
    },
    /// Subscribe to a name or unsubscribe, whether or not there is such a mailbox. → [`Answer::Done`]
    Subscribe {
        /// The name.
        name: MailboxName,
        /// Whether to subscribe or to unsubscribe.
        subscribed: bool,
    },
    /// Open a mailbox, closing the current one even if this fails. → [`Answer::Opened`]
    Open(MailboxName),
    /// Close the open mailbox. → [`Answer::Done`]
    Close,
    /// What changed in the open mailbox since the last report, without the session's own flag changes.
    /// → [`Answer::Changes`]; [`Refusal::NoSuchMailbox`] when it was deleted.
    Refresh,
    /// Data of messages in the open mailbox. → [`Answer::Rows`]
    Fetch {
        /// The messages, ascending.
        uids: Uids,
        /// The items of each.
        items: Arc<[FetchItem]>,
    },
    /// Search the open mailbox. → [`Answer::Found`]
    Search {
        /// The messages to search, ascending.
        uids: Uids,
        /// The search key.
        key: Arc<SearchKey<UidRanges>>,
    },
    /// Change flags of messages in the open mailbox. → [`Answer::Flags`]
    ChangeFlags {
        /// The messages, ascending.
        uids: Vec<u32>,
        /// Whether to set, add or remove them.
        change: FlagChange,
        /// The flags.
        flags: Flags,
        /// The client does not want the new flags reported (`.SILENT`).
        quiet: bool,
    },
    /// Copy messages from the open mailbox with flags and internal dates. All or nothing. → [`Answer::Copied`]
    Copy {
        /// The messages, ascending.
        uids: Vec<u32>,
        /// The target mailbox.
        to: MailboxName,
    },
    /// Move messages from the open mailbox with flags and internal dates. → [`Answer::Copied`]
    Move {
        /// The messages, ascending.
        uids: Vec<u32>,
        /// The target mailbox.
        to: MailboxName,
    },
    /// Remove messages with `\Deleted` from the open mailbox. → [`Answer::Done`]
    Expunge {
        /// Limited to these, ascending; `None` for all.
        among: Option<Vec<u32>>,
    },
    /// Add a message. Durable when answered. → [`Answer::Appended`]
    Append {
        /// The target mailbox.
        mailbox: MailboxName,
        /// Its flags.
        flags: Flags,
        /// Its internal date; `None` for now.
        internal_date: Option<UnixMillis>,
        /// The message, byte for byte as received.
        message: Vec<u8>,
    },
}

/// The backend's answer to a [`Need`].
#[derive(Debug)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Answer {
    /// Done; there is no further result.
    Done,
    /// Not done; nothing was changed.
    Refused(Refusal),
    /// The next server message of a SASL exchange.
    Challenge(Vec<u8>),
    Mailboxes(Mailboxes),
    Mailbox(MailboxRow),
    /// The account's usage and limits.
    Quota(Quota),
    /// The mailbox is open.
    Opened(OpenedMailbox),
    Changes(Changes),
    /// Some messages of a FETCH.
    Rows(FetchRows),
    /// Some results of a SEARCH.
    Found(SearchHits),
    /// Flags were changed.
    Flags(FlagsChanged),
    /// Messages were copied or moved.
    Copied(Copied),
    /// The message was added.
    Appended(Appended),
}

/// Why a need was not met. The machine chooses the text for the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Wrong name or password, without saying which.
    WrongCredentials,
    /// The client's message is malformed for the mechanism.
    MalformedResponse,
    /// The client asked to act on behalf of someone else.
    OtherIdentity,
    /// Too many failed sign-ins for this name or from this network, without saying whether the account exists.
    TooManyFailures,
    /// Mailbox does not exist.
    NoSuchMailbox,
    /// The mailbox already exists.
    AlreadyExists,
    /// It can never succeed: deleting INBOX, moving a mailbox below itself.
    Cannot,
    /// A limit of the store or of the backend's memory.
    Limit,
    /// The message is too big.
    TooBig,
    /// The account is over quota.
    OverQuota,
    /// Temporary: it may succeed later.
    Unavailable,
    /// Stored data is damaged.
    Corrupt,
}

/// What LIST and LSUB select from, in any order.
#[derive(Debug, Clone, Default)]
pub struct Mailboxes {
    /// The mailboxes of the account.
    pub rows: Vec<MailboxRow>,
    /// The names that the owner subscribed to; the mailboxes need not exist (RFC 9051 section 6.3.7).
    pub subscribed: Vec<MailboxName>,
}

/// A mailbox as shown by LIST and STATUS.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the names say it")]
pub struct MailboxRow {
    pub name: MailboxName,
    pub special_use: Option<SpecialUse>,
    /// The number of messages.
    pub messages: u32,
    /// The number of messages without `\Seen`.
    pub unseen: u32,
    /// The number of messages with `\Deleted`.
    pub deleted: u32,
    /// The UID of the next message.
    pub uid_next: u32,
    /// Its UIDVALIDITY.
    pub uid_validity: u32,
    /// The sum of their RFC822.SIZE.
    pub size_bytes: u64,
    /// The same for messages with `\Deleted`.
    pub deleted_size_bytes: u64,
}

/// An account's usage and limits (RFC 9208).
#[derive(Debug, Clone, Copy, Default)]
pub struct Quota {
    /// The sum of RFC822.SIZE over all mailboxes.
    pub bytes: u64,
    /// The limit, if there is one.
    pub bytes_max: Option<u64>,
    /// The number of messages in all mailboxes.
    pub messages: u64,
    /// The limit, if there is one.
    pub messages_max: Option<u64>,
}

/// The special use of a mailbox (RFC 6154 section 2), as far as clients may declare it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpecialUse {
    /// `\Archive`
    Archive,
    /// `\Drafts`
    Drafts,
    /// `\Junk`
    Junk,
    /// `\Sent`
    Sent,
    /// `\Trash`
    Trash,
}

impl SpecialUse {
    /// All special uses.
    pub const ALL: [Self; 5] = [Self::Archive, Self::Drafts, Self::Junk, Self::Sent, Self::Trash];

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Archive => "\\Archive",
            Self::Drafts => "\\Drafts",
            Self::Junk => "\\Junk",
            Self::Sent => "\\Sent",
            Self::Trash => "\\Trash",
        }
    }
}

/// A mailbox as SELECT shows it.
#[derive(Debug, Clone)]
pub struct OpenedMailbox {
    /// The UIDs of its messages: every UID in these ranges exists.
    pub uids: UidRanges,
    /// Its UIDVALIDITY.
    pub uid_validity: u32,
    /// The UID of the next message.
    pub uid_next: u32,
    /// The UID of the first message without `\Seen`.
    pub first_unseen: Option<u32>,
    /// The keywords in use.
    pub keywords: Vec<Keyword>,
}

/// Changes to the open mailbox by others.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// Expunged messages, ascending.
    pub gone: Vec<u32>,
    /// New messages, ascending and above all known ones.
    pub new: Vec<u32>,
    /// Messages with changed flags, ascending, without the new ones.
    pub flags: Vec<FlagRow>,
}

/// The flags of a message.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the names say it")]
pub struct FlagRow {
    pub uid: u32,
    /// Its current flags.
    pub flags: Flags,
}

/// As many rows of a FETCH as the backend wants to hold in memory at once; the machine asks for the rest.
#[derive(Debug, Clone)]
pub struct FetchRows {
    /// How many of the requested UIDs are covered, from the first; at least one.
    pub covered: usize,
    /// Their rows, in the order requested; none for a message that is gone or damaged.
    pub rows: Vec<FetchRow>,
    /// How many of them are damaged and cannot be read.
    pub damaged: usize,
}

/// Some results of a SEARCH; the machine asks for the rest.
#[derive(Debug, Clone)]
pub struct SearchHits {
    /// How many of the requested UIDs are covered, from the first; at least one.
    pub covered: usize,
    /// The matching ones, ascending.
    pub uids: Vec<u32>,
}

/// Flags after a STORE.
#[derive(Debug, Clone)]
pub struct FlagsChanged {
    /// The current flags of each requested message that still exists, ascending; empty for a silent change.
    pub rows: Vec<FlagRow>,
    /// For a silent change: the distinct flags of the messages that still exist.
    pub in_use: Vec<Flags>,
    /// How many of the requested messages still exist.
    pub there: usize,
}

/// Messages after a COPY or MOVE (RFC 4315 section 3, COPYUID).
#[derive(Debug, Clone)]
pub struct Copied {
    /// The target's UIDVALIDITY.
    pub uid_validity: u32,
    /// UIDs in the source, in the order copied; fewer than requested if some are gone.
    pub from: Vec<u32>,
    /// UIDs in the target, one for each of `from`.
    pub to: Vec<u32>,
}

/// A message after APPEND (RFC 4315 section 3, APPENDUID).
#[derive(Debug, Clone, Copy)]
pub struct Appended {
    /// The mailbox's UIDVALIDITY.
    pub uid_validity: u32,
    /// The UID of the message.
    pub uid: u32,
}

/// The UIDs of a long task, ascending, and how far it has come.
#[derive(Clone)]
pub struct Uids {
    all: Arc<[u32]>,
    from: usize,
}

impl Uids {
    /// Nothing done yet.
    pub(crate) fn new(all: Vec<u32>) -> Self {
        Self { all: all.into(), from: 0 }
    }

    /// The remaining UIDs.
    pub fn as_slice(&self) -> &[u32] {
        self.all.get(self.from..).unwrap_or_default()
    }

    /// Marks the next `count` as done; at least one, since otherwise the task would never end.
    pub(crate) fn advance(&mut self, count: usize) {
        self.from = self.from.saturating_add(count.max(1)).min(self.all.len());
    }
}

/// UIDs as ranges: ascending, neither overlapping nor adjacent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UidRanges(Vec<RangeInclusive<u32>>);

impl UidRanges {
    /// From ascending ranges that do not overlap.
    pub(crate) fn new(ranges: Vec<RangeInclusive<u32>>) -> Self {
        Self(ranges)
    }

    /// From ranges in the order of their first UIDs; adjacent or overlapping ones are merged.
    pub fn of(ranges: impl IntoIterator<Item = RangeInclusive<u32>>) -> Self {
        let mut joined: Vec<RangeInclusive<u32>> = Vec::new();
        for range in ranges.into_iter().filter(|range| !range.is_empty()) {
            match joined.last_mut() {
                Some(before) if *range.start() <= before.end().saturating_add(1) => {
                    *before = *before.start()..=*before.end().max(range.end());
                }
                _ => joined.push(range),
            }
        }
        Self(joined)
    }

    /// The ranges.
    pub fn as_slice(&self) -> &[RangeInclusive<u32>] {
        &self.0
    }

    /// Whether `uid` is in one of them.
    pub fn contains(&self, uid: u32) -> bool {
        let after = self.0.partition_point(|range| *range.start() <= uid);
        after.checked_sub(1).and_then(|at| self.0.get(at)).is_some_and(|range| range.contains(&uid))
    }
}

impl Need {
    /// The kind of need, for logs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::SignIn { .. } => "SignIn",
            Self::ScramBegin { .. } => "ScramBegin",
            Self::ScramFinish { .. } => "ScramFinish",
            Self::Mailboxes => "Mailboxes",
            Self::Mailbox(_) => "Mailbox",
            Self::Quota => "Quota",
            Self::Create { .. } => "Create",
            Self::Delete(_) => "Delete",
            Self::Rename { .. } => "Rename",
            Self::Subscribe { .. } => "Subscribe",
            Self::Open(_) => "Open",
            Self::Close => "Close",
            Self::Refresh => "Refresh",
            Self::Fetch { .. } => "Fetch",
            Self::Search { .. } => "Search",
            Self::ChangeFlags { .. } => "ChangeFlags",
            Self::Copy { .. } => "Copy",
            Self::Move { .. } => "Move",
            Self::Expunge { .. } => "Expunge",
            Self::Append { .. } => "Append",
        }
    }
}

impl fmt::Debug for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
