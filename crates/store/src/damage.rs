//! What a check finds wrong: what it is, where it lies, whose mail it touches, what it means and what to do.
//!
//! An operator reads the sentence, a script the fields. Mailboxes are named: whoever runs a check has to tell the owner
//! what is lost. No address and no word of a message is in any of it.

use std::fmt;

use serde::Serialize;
use terms::{AccountId, MessageId};
use vault::Part;

/// What kind of damage it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DamageKind {
    /// A part of a message: its record's header is none, or is another record's.
    RecordHeader,
    /// A part of a message: its sealed octets do not fit their checksum.
    RecordBody,
    /// A part of a message cannot be read from the disk.
    RecordUnreadable,
    /// A segment's own header.
    SegmentHeader,
    /// A segment is missing, shorter than what was acknowledged, or cannot be read.
    SegmentShort,
    /// The sealed key of an epoch is missing.
    EpochKey,
    /// SQLite finds its file damaged, or cannot read it.
    Rows,
    /// The sequence of commits has a gap.
    Commits,
    /// An account's profile, or the row of one of its addresses.
    Profile,
    /// The head of an account's snapshot.
    Snapshot,
    /// A block of an account's tables.
    Block,
    /// A change in an account's log.
    Change,
    /// A file of an owner's index.
    Index,
    /// For the owner only: a part of a message does not open.
    Sealed,
    /// For the owner only: the record of a message is not what the message gives.
    Derived,
    /// For the owner only: the row of a message and the message do not agree.
    Columns,
}

impl DamageKind {
    /// What it means for the mail, in one sentence.
    pub fn means(self) -> &'static str {
        match self {
            Self::RecordHeader | Self::RecordBody | Self::RecordUnreadable => {
                "this part of this message does not open; every other message does"
            }
            Self::SegmentHeader => "no message is lost by this alone",
            Self::SegmentShort => "the messages that lay there are lost from this copy; each is named",
            Self::EpochKey => "the messages of that hour of this account do not open",
            Self::Rows => "rows may be lost; the sealed messages are in the packs, but not which they are",
            Self::Commits => "commits are lost, or rows were put back to an earlier state",
            Self::Profile => {
                "the account is shut, or cannot be used under that address; its mail lies there still, and what arrives for it \
                 waits with its senders"
            }
            Self::Snapshot => "the account does not open; its sealed messages lie in the packs still",
            Self::Block => {
                "the account does not open until this is restored; the messages named are known in no other place"
            }
            Self::Change => {
                "the account does not open until this is restored; what came after it is checked without its UIDs"
            }
            Self::Index => "no mail is lost; lists and searches of its owner read the messages instead, more slowly",
            Self::Sealed => "this message does not open, though its octets are those that were stored",
            Self::Derived => {
                "lists show what was made at delivery, by another version or by an altered program; the message is whole"
            }
            Self::Columns => "clients are told a size that the message does not have; the message is whole",
        }
    }

    /// What to do about it.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::RecordHeader | Self::RecordBody | Self::RecordUnreadable | Self::Sealed => {
                "restore a backup into another directory, export the account there, import this message here"
            }
            Self::SegmentHeader => "back up, and watch the disk",
            Self::SegmentShort => {
                "restore a backup into another directory, and bring the named messages back from there"
            }
            Self::EpochKey
            | Self::Rows
            | Self::Commits
            | Self::Profile
            | Self::Snapshot
            | Self::Block
            | Self::Change => "stop the node and restore a backup",
            Self::Index => "bailiwick fsck --account ADDRESS --repair-index, or leave it to the owner's next sign-in",
            Self::Derived => {
                "nothing needs to be done for the mail; export and import the message to have it made anew"
            }
            Self::Columns => "export and import the message",
        }
    }
}

/// Where an owner sees messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SeenAt {
    /// The mailbox's name.
    pub mailbox: String,
    /// The first UID.
    pub uid_first: u32,
    /// The last UID; the first one, where it is one message.
    pub uid_last: u32,
}

/// One damage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Damage {
    /// What kind.
    pub kind: DamageKind,
    /// The file below the store's folder.
    pub file: String,
    /// The segment, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub segment: Option<u32>,
    /// Where in the file, in octets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// Whose it is.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_text")]
    pub account: Option<AccountId>,
    /// Which message.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_text")]
    pub message: Option<MessageId>,
    /// Which part of it: `original`, `prefix`, `record`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part: Option<&'static str>,
    /// Where its owner sees what is touched.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub seen_at: Vec<SeenAt>,
    /// What was found.
    pub what: String,
}

fn as_text<T: fmt::Display, S: serde::Serializer>(value: &Option<T>, out: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => out.collect_str(value),
        None => out.serialize_none(),
    }
}

/// The name of the rows' file, as damages name it.
pub(crate) const ROWS_FILE: &str = "rows.sqlite";

impl Damage {
    /// One of a file, of which nothing more is known yet.
    pub fn of_file(kind: DamageKind, file: impl Into<String>, what: impl fmt::Display) -> Self {
        Self {
            kind,
            file: file.into(),
            segment: None,
            offset: None,
            account: None,
            message: None,
            part: None,
            seen_at: Vec::new(),
            what: what.to_string(),
        }
    }

    /// One of a segment.
    pub fn of_segment(kind: DamageKind, segment: u32, offset: Option<u64>, what: impl fmt::Display) -> Self {
        let file = format!("packs/{segment:08}.pack");
        Self { segment: Some(segment), offset, ..Self::of_file(kind, file, what) }
    }

    /// The same, of this account.
    #[must_use]
    pub fn of(self, account: AccountId) -> Self {
        Self { account: Some(account), ..self }
    }

    /// The same, of this message.
    #[must_use]
    pub fn at(self, message: MessageId, part: Option<Part>, seen_at: Vec<SeenAt>) -> Self {
        let part = part.map(|part| match part {
            Part::Original => "original",
            Part::Prefix => "prefix",
            Part::Record => "record",
        });
        Self { message: Some(message), part, seen_at, ..self }
    }

    /// What it means for the mail.
    pub fn means(&self) -> &'static str {
        self.kind.means()
    }

    /// What to do about it.
    pub fn remedy(&self) -> &'static str {
        self.kind.remedy()
    }
}

impl fmt::Display for SeenAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.uid_first == self.uid_last {
            write!(f, "{:?} UID {}", self.mailbox, self.uid_first)
        } else {
            write!(f, "{:?} UIDs {} to {}", self.mailbox, self.uid_first, self.uid_last)
        }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.segment {
            Some(segment) => write!(f, "segment {segment}")?,
            None => f.write_str(&self.file)?,
        }
        if let Some(offset) = self.offset {
            write!(f, " at {offset}")?;
        }
        write!(f, ": {}", self.what)?;
        match (self.part, self.message) {
            (Some(part), Some(message)) => write!(f, "; the {part} of message {message}")?,
            (None, Some(message)) => write!(f, "; message {message}")?,
            _ => {}
        }
        if let Some(account) = self.account {
            write!(f, "{}account {account}", if self.message.is_some() { " of " } else { "; " })?;
        }
        match &self.seen_at[..] {
            [] => {}
            places => {
                let places: Vec<String> = places.iter().map(ToString::to_string).collect();
                write!(f, ": {}", places.join(", "))?;
            }
        }
        Ok(())
    }
}
