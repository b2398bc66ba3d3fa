//! What the machine cannot do itself, and what it is told back.
//!
//! Needs speak of one account (who signed in) and at most one open mailbox; the performer remembers both. Message numbers
//! are always UIDs: sequence numbers are the session's own matter.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;

use terms::{Secret, UnixMillis};

use crate::fetch::{Item, Row};
use crate::flag::{FlagChange, Flags, Keyword};
use crate::name::MailboxName;
use crate::search::SearchKey;

/// Something to be done outside of the machine. Each variant names its answer; any may be answered with
/// [`Answer::Refused`] instead.
///
/// `Debug` prints the kind only: needs carry names, passwords and search words.
pub enum Need {
    /// Check a password. The account is the performer's to remember. → [`Answer::Done`]
    SignIn {
        /// The authentication identity as sent; an address, as a rule.
        user: String,
        /// The password as sent.
        password: Secret<String>,
    },
    /// The client's first message of SCRAM-SHA-256, with `plus` of SCRAM-SHA-256-PLUS. → [`Answer::Challenge`] with the
    /// node's first message
    ScramBegin {
        /// The mechanism is the one that binds to the channel.
        plus: bool,
        /// `client-first-message` (RFC 5802 section 7).
        message: Vec<u8>,
    },
    /// The client's last message, after the node's first. → [`Answer::Challenge`] with the node's last message: the account
    /// is the performer's to remember from then on.
    ScramFinish {
        /// `client-final-message`.
        message: Vec<u8>,
    },
    /// All mailboxes of the account, and all subscriptions. → [`Answer::Mailboxes`]
    Mailboxes,
    /// One mailbox, for STATUS. → [`Answer::Mailbox`]
    Mailbox(MailboxName),
    /// How much the account has, and may have. → [`Answer::Quota`]
    Quota,
    /// Make a mailbox. → [`Answer::Done`]
    Create {
        /// Its name.
        name: MailboxName,
        /// Its use, if the client declared one (RFC 6154 section 5.2).
        special_use: Option<SpecialUse>,
    },
    /// Delete a mailbox and what is in it, not its children. → [`Answer::Done`]
    Delete(MailboxName),
    /// Rename a mailbox and its children. Of INBOX: move its messages to a new mailbox, children stay (RFC 9051
    /// section 6.3.6). → [`Answer::Done`]
    Rename {
        /// The name that is.
        from: MailboxName,
        /// The name that will be.
        to: MailboxName,
    },
    /// Subscribe to a name or unsubscribe, whether there is such a mailbox or not. → [`Answer::Done`]
    Subscribe {
        /// The name.
        name: MailboxName,
        /// Which of both.
        subscribed: bool,
    },
    /// Open a mailbox, closing the one that is open, also when this one is refused. → [`Answer::Opened`]
    Open(MailboxName),
    /// Close the open mailbox. → [`Answer::Done`]
    Close,
    /// What changed in the open mailbox since the machine was last told, its own flag changes left out.
    /// → [`Answer::Changes`]; [`Refusal::NoSuchMailbox`] when it was deleted.
    Refresh,
    /// Data of messages of the open mailbox. → [`Answer::Rows`]
    Fetch {
        /// Which messages, ascending.
        uids: Uids,
        /// What of each.
        items: Arc<[Item]>,
    },
    /// Messages of the open mailbox that match. → [`Answer::Found`]
    Search {
        /// Which messages to look at, ascending.
        uids: Uids,
        /// What to look for.
        key: Arc<SearchKey<UidRanges>>,
    },
    /// Change flags of messages of the open mailbox. → [`Answer::Flags`]
    ChangeFlags {
        /// Which messages, ascending.
        uids: Vec<u32>,
        /// How.
        change: FlagChange,
        /// Which flags.
        flags: Flags,
        /// The client does not want to hear of each message (`.SILENT`).
        quiet: bool,
    },
    /// Copy messages of the open mailbox, keeping flags and internal dates. All or nothing. → [`Answer::Copied`]
    Copy {
        /// Which messages, ascending.
        uids: Vec<u32>,
        /// Where to.
        to: MailboxName,
    },
    /// Move messages of the open mailbox, keeping flags and internal dates. → [`Answer::Copied`]
    Move {
        /// Which messages, ascending.
        uids: Vec<u32>,
        /// Where to.
        to: MailboxName,
    },
    /// Remove messages of the open mailbox that have `\Deleted`. → [`Answer::Done`]
    Expunge {
        /// Among these, ascending; `None` for all.
        among: Option<Vec<u32>>,
    },
    /// Add a message. Durable when answered. → [`Answer::Appended`]
    Append {
        /// Where to.
        mailbox: MailboxName,
        /// Its flags.
        flags: Flags,
        /// Its internal date; now, if absent.
        internal_date: Option<UnixMillis>,
        /// The message as it came, unchanged.
        message: Vec<u8>,
    },
}

/// What the performer says to a [`Need`].
#[derive(Debug)]
pub enum Answer {
    /// It is done; there is nothing to tell.
    Done,
    /// It was not done, and nothing was changed.
    Refused(Refusal),
    /// What the client is to be told next of the exchange by which it signs in.
    Challenge(Vec<u8>),
    /// The mailboxes.
    Mailboxes(Mailboxes),
    /// One mailbox.
    Mailbox(MailboxRow),
    /// How much the account has, and may have.
    Quota(Quota),
    /// The mailbox is open.
    Opened(Opened),
    /// What changed.
    Changes(Changes),
    /// Some messages of a FETCH.
    Rows(Rows),
    /// Some results of a SEARCH.
    Found(Found),
    /// Flags were changed.
    Flags(FlagsChanged),
    /// Messages were copied or moved.
    Copied(Copied),
    /// The message was added.
    Appended(Appended),
}

/// Why a need was not met. The words for the client are the machine's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The name and the password do not open an account; which of both is not said.
    SignIn,
    /// What the client sent is none of the mechanism's messages.
    NotTheMechanism,
    /// The client would act for somebody else.
    OtherIdentity,
    /// Too many sign-ins failed, for this name or from this network; whether there is such an account is not said.
    SlowDown,
    /// There is no such mailbox.
    NoSuchMailbox,
    /// There is such a mailbox already.
    AlreadyExists,
    /// It can never succeed: INBOX deleted, a mailbox moved below itself.
    Cannot,
    /// A limit of the store or of the performer's memory.
    Limit,
    /// The message is too big.
    TooBig,
    /// The account has no room.
    OverQuota,
    /// Temporary: it may succeed later.
    Unavailable,
    /// Stored data is damaged.
    Corrupt,
}

/// What LIST and LSUB choose from, in any order.
#[derive(Debug, Clone, Default)]
pub struct Mailboxes {
    /// The mailboxes of the account.
    pub rows: Vec<MailboxRow>,
    /// The names that the owner subscribed to; a mailbox need not be there (RFC 9051 section 6.3.7).
    pub subscribed: Vec<MailboxName>,
}

/// A mailbox in LIST and STATUS.
#[derive(Debug, Clone)]
pub struct MailboxRow {
    /// Its name.
    pub name: MailboxName,
    /// What it is for.
    pub special_use: Option<SpecialUse>,
    /// How many messages it has.
    pub messages: u32,
    /// How many of them lack `\Seen`.
    pub unseen: u32,
    /// How many of them have `\Deleted`.
    pub deleted: u32,
    /// The UID of the next message.
    pub uid_next: u32,
    /// The generation of its UIDs.
    pub uid_validity: u32,
    /// The sum of their RFC822.SIZE.
    pub size_bytes: u64,
    /// The same of those with `\Deleted`.
    pub deleted_size_bytes: u64,
}

/// How much an account has, and may have (RFC 9208).
#[derive(Debug, Clone, Copy, Default)]
pub struct Quota {
    /// The sum of RFC822.SIZE over all mailboxes.
    pub bytes: u64,
    /// The most of it, if there is a limit.
    pub bytes_max: Option<u64>,
    /// Messages of all mailboxes.
    pub messages: u64,
    /// The most of them, if there is a limit.
    pub messages_max: Option<u64>,
}

/// What a mailbox is for (RFC 6154 section 2), as far as a client may declare it.
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
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Archive, Self::Drafts, Self::Junk, Self::Sent, Self::Trash];

    /// As on the wire.
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
pub struct Opened {
    /// The UIDs of its messages: every one in these ranges is there.
    pub uids: UidRanges,
    /// The generation of its UIDs.
    pub uid_validity: u32,
    /// The UID of the next message.
    pub uid_next: u32,
    /// The UID of the first message without `\Seen`.
    pub first_unseen: Option<u32>,
    /// The keywords in use.
    pub keywords: Vec<Keyword>,
}

/// What others did to the open mailbox.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// Messages that are gone, ascending.
    pub gone: Vec<u32>,
    /// Messages that are new, ascending and above all the machine knows.
    pub new: Vec<u32>,
    /// Messages whose flags are different, ascending; not the new ones.
    pub flags: Vec<FlagRow>,
}

/// The flags of a message.
#[derive(Debug, Clone)]
pub struct FlagRow {
    /// Its UID.
    pub uid: u32,
    /// Its flags now.
    pub flags: Flags,
}

/// As many rows of a FETCH as the performer cares to hold in memory at once; the machine asks for the rest.
#[derive(Debug, Clone)]
pub struct Rows {
    /// How many of the UIDs asked for are dealt with, from the first; at least one.
    pub covered: usize,
    /// Their rows, in the order asked; none for a message that is gone or damaged.
    pub rows: Vec<Row>,
    /// How many of them are damaged and cannot be read.
    pub damaged: usize,
}

/// As many results of a SEARCH as came of one stretch of work; the machine asks for the rest.
#[derive(Debug, Clone)]
pub struct Found {
    /// How many of the UIDs asked for are dealt with, from the first; at least one.
    pub covered: usize,
    /// Those of them that match, ascending.
    pub uids: Vec<u32>,
}

/// Flags after a STORE.
#[derive(Debug, Clone)]
pub struct FlagsChanged {
    /// The flags now of each message asked for that is still there, ascending; none for a quiet change.
    pub rows: Vec<FlagRow>,
    /// Of a quiet change: the distinct flags of the messages that are still there.
    pub in_use: Vec<Flags>,
    /// How many of the messages asked for are still there.
    pub there: usize,
}

/// Messages after a COPY or MOVE (RFC 4315 section 3, COPYUID).
#[derive(Debug, Clone)]
pub struct Copied {
    /// The generation of UIDs in the target.
    pub uid_validity: u32,
    /// UIDs in the source, in the order copied; fewer than asked for if some are gone.
    pub from: Vec<u32>,
    /// UIDs in the target, one for each of `from`.
    pub to: Vec<u32>,
}

/// A message after APPEND (RFC 4315 section 3, APPENDUID).
#[derive(Debug, Clone, Copy)]
pub struct Appended {
    /// The generation of UIDs in the mailbox.
    pub uid_validity: u32,
    /// The UID of the message.
    pub uid: u32,
}

/// UIDs of a long piece of work, ascending, of which a part is left.
#[derive(Clone)]
pub struct Uids {
    all: Arc<[u32]>,
    from: usize,
}

impl Uids {
    /// All of `all`.
    pub(crate) fn new(all: Vec<u32>) -> Self {
        Self { all: all.into(), from: 0 }
    }

    /// Those that are left.
    pub fn as_slice(&self) -> &[u32] {
        self.all.get(self.from..).unwrap_or_default()
    }

    /// Without the first `count` of those that are left. An answer that covers nothing would never end: at least one.
    pub(crate) fn advance(&mut self, count: usize) {
        self.from = self.from.saturating_add(count.max(1)).min(self.all.len());
    }
}

/// UIDs as ranges: ascending, apart and not touching.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UidRanges(Vec<RangeInclusive<u32>>);

impl UidRanges {
    /// From ranges that are ascending and apart.
    pub(crate) fn new(ranges: Vec<RangeInclusive<u32>>) -> Self {
        Self(ranges)
    }

    /// From ranges in the order of their first UIDs; those that touch or overlap become one.
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
