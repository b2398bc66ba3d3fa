//! What can go wrong, whose fault it is, and what comes next.

use std::fmt;
use std::io;

use terms::OtherFormat;

/// An error of the store. It names no address, subject or mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreError {
    /// The caller's: there is no such account here.
    NoSuchAccount,
    /// The caller's: there is no such mailbox (any more).
    NoSuchMailbox,
    /// The caller's: there is no such message (any more).
    NoSuchMessage,
    /// The caller's: a mailbox of that name exists.
    MailboxExists,
    /// The caller's: not a valid mailbox name.
    BadName,
    /// The caller's: INBOX cannot be deleted.
    InboxStays,
    /// The caller's: the account exists.
    AccountExists,
    /// The caller's: another account has one of the addresses.
    AddressTaken,
    /// The caller's: an account without any address.
    NoAddress,
    /// The caller's: the message, or a part that goes with it, exceeds [`crate::PART_BYTES_MAX`].
    TooLarge,
    /// The caller's: more of something than the store allows; the text names the limit.
    TooMany(&'static str),
    /// The caller's: the account would exceed its quota. Nothing was stored.
    OverQuota,
    /// The caller's: the mail belongs to someone else, or is outside what the clearance covers.
    NotCovered,
    /// The disk is full. Nothing of the call was stored, and what was acknowledged before is safe: free some space and try again.
    DiskFull,
    /// The machine's: a write or a sync failed, and the store does not know whether the call is stored. It reports
    /// nothing as done, and continues with a fresh file. Try again.
    NotStored(String),
    /// The machine's or an intruder's: what is on the disk is not what was written. Everything else continues.
    Damaged(String),
    /// The operator's: the home is written in another format. Nothing of it was read.
    OtherFormat(OtherFormat),
    /// The operator's: the directory is in use, or is not a store.
    CannotOpen(String),
    /// The vault refused or failed; the text is its own.
    Vault(String),
    /// The vault is locked or temporarily unavailable. Nothing was stored; try again.
    VaultAway,
    /// The machine's: the disk is so slow that reading an account took longer than it may. Try again.
    TooSlow,
    /// The store was closed.
    Closed,
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchAccount => f.write_str("no such account here"),
            Self::NoSuchMailbox => f.write_str("no such mailbox"),
            Self::NoSuchMessage => f.write_str("no such message"),
            Self::MailboxExists => f.write_str("a mailbox with that name already exists"),
            Self::BadName => {
                f.write_str("a mailbox name has 1 to 1024 bytes, no empty levels and no control characters")
            }
            Self::InboxStays => f.write_str("INBOX cannot be deleted"),
            Self::AccountExists => f.write_str("the account already exists"),
            Self::AddressTaken => f.write_str("the address belongs to another account"),
            Self::NoAddress => f.write_str("an account needs an address"),
            Self::TooLarge => f.write_str("the message is too large to store"),
            Self::TooMany(what) => write!(f, "too many {what}"),
            Self::OverQuota => {
                f.write_str("the account's quota is exceeded: delete some mail, or have the quota raised")
            }
            Self::NotCovered => f.write_str("this mail is not covered by the authorization presented"),
            Self::DiskFull => f.write_str("the disk is full: nothing was stored; free some space and try again"),
            Self::NotStored(why) => write!(f, "it is not known whether this was stored ({why}): try again"),
            Self::Damaged(what) => write!(f, "damaged on disk: {what}; restore it from a backup"),
            Self::OtherFormat(other) => other.fmt(f),
            Self::CannotOpen(why) => write!(f, "the store cannot be opened: {why}"),
            Self::Vault(why) => write!(f, "the vault refused: {why}"),
            Self::VaultAway => f.write_str("the vault is locked or unavailable: nothing was stored; try again"),
            Self::TooSlow => {
                f.write_str("reading the account took too long: the disk is slow or overloaded; try again")
            }
            Self::Closed => f.write_str("the store is closed"),
        }
    }
}

impl std::error::Error for StoreError {}

impl StoreError {
    /// An error while writing a file.
    pub(crate) fn writing(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull,
            _ => Self::NotStored(error.to_string()),
        }
    }

    /// An error while writing rows.
    pub(crate) fn rows(error: &rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::DiskFull,
            _ => Self::NotStored(error.to_string()),
        }
    }

    /// An error while reading rows.
    pub(crate) fn reading(error: &rusqlite::Error) -> Self {
        Self::Damaged(format!("rows: {error}"))
    }

    /// An error of the vault.
    pub(crate) fn vault(error: &vault::VaultError) -> Self {
        if error.is_temporary() { Self::VaultAway } else { Self::Vault(error.to_string()) }
    }
}
