//! What a check finds wrong: what it is, where it is, whose mail it affects, what it means and what to do.
//!
//! An operator reads the sentence, a script the fields. Mailboxes are named, since the person who runs a check has to tell the owner
//! what is lost. It contains no address and no word of a message.

use std::fmt;

use serde::{Deserialize, Serialize};
use terms::{AccountId, MessageId};
use vault::Part;

/// The kinds of damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DamageKind {
    /// A part of a message: its record has no valid header, or another record's.
    RecordHeader,
    /// A part of a message: its sealed bytes do not match their checksum.
    RecordBody,
    /// A part of a message cannot be read from the disk.
    RecordUnreadable,
    /// A segment's own header.
    SegmentHeader,
    /// A segment is missing, shorter than what was acknowledged, or cannot be read.
    SegmentShort,
    /// The sealed key of an epoch is missing.
    EpochKey,
    /// SQLite reports its file as damaged, or cannot read it.
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
    /// For the owner only: a part of a message cannot be opened.
    Sealed,
    /// For the owner only: the record of a message differs from what the message gives.
    Derived,
    /// For the owner only: the row of a message does not match the message.
    Columns,
}

impl DamageKind {
    /// What it means for the mail, in one sentence.
    pub fn means(self) -> &'static str {
        match self {
            Self::RecordHeader | Self::RecordBody | Self::RecordUnreadable => {
                "this part of this message cannot be opened; every other message can"
            }
            Self::SegmentHeader => "this alone loses no message",
            Self::SegmentShort => "the messages stored there are lost from this copy; each is named",
            Self::EpochKey => "the messages of that hour of this account cannot be opened",
            Self::Rows => {
                "rows may be lost; the sealed messages are still in the packs, but nothing says which they are"
            }
            Self::Commits => "commits are lost, or rows were set back to an earlier state",
            Self::Profile => {
                "the account is quarantined, or cannot be used under that address; its mail is still there, and incoming mail \
                 for it is deferred"
            }
            Self::Snapshot => "the account cannot be opened; its sealed messages are still in the packs",
            Self::Block => {
                "the account cannot be opened until this is restored; the messages named are recorded nowhere else"
            }
            Self::Change => {
                "the account cannot be opened until this is restored; what came after it is checked without its UIDs"
            }
            Self::Index => "no mail is lost; lists and searches of its owner read the messages instead, more slowly",
            Self::Sealed => "this message cannot be opened, although its bytes are those that were stored",
            Self::Derived => {
                "lists show what was derived at delivery, by another version or by an altered program; the message is intact"
            }
            Self::Columns => "clients are told a wrong size; the message is intact",
        }
    }

    /// What to do about it.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::RecordHeader | Self::RecordBody | Self::RecordUnreadable | Self::Sealed => {
                "restore a backup into another directory, export the account there, import this message here"
            }
            Self::SegmentHeader => "back up, and watch the disk",
            Self::SegmentShort => "restore a backup into another directory, and recover the named messages from there",
            Self::EpochKey
            | Self::Rows
            | Self::Commits
            | Self::Profile
            | Self::Snapshot
            | Self::Block
            | Self::Change => "stop the node and restore a backup",
            Self::Index => "bailiwick fsck --account ADDRESS --repair-index, or leave it to the owner's next sign-in",
            Self::Derived => "the mail needs nothing; export and import the message to have the record rebuilt",
            Self::Columns => "export and import the message",
        }
    }
}

/// Where an owner sees messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenAt {
    /// The mailbox's name.
    pub mailbox: String,
    /// The first affected UID.
    pub uid_first: u32,
    /// The last affected UID; equal to the first if it is one message.
    pub uid_last: u32,
}

/// One damaged item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Damage {
    pub kind: DamageKind,
    /// The file below the store's folder.
    pub file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub segment: Option<u32>,
    /// The offset in the file, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_text")]
    pub account: Option<AccountId>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_text")]
    pub message: Option<MessageId>,
    /// Which part of it: `original`, `prefix`, `record`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part: Option<&'static str>,
    /// Where its owner sees what is affected.
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

/// The name of the rows' file in reports.
pub(crate) const ROWS_FILE: &str = "rows.sqlite";

impl Damage {
    /// Damage of a file, about which nothing more is known yet.
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

    /// Damage of a segment.
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
