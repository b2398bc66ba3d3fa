//! Why an operation was not done, in types that cross the control socket. Each subject has an enum of its own beside its
//! operations (those of `backup` and `fsck` are in this folder, so that no folders import each other); [`OperationError`] says which subject it was. What a room below says is kept as text, with the room's name.

use std::fmt;
use std::io;
use std::path::Path;

use desk::DeskError;
use serde::{Deserialize, Serialize};

use crate::accounts::AccountError;
use crate::backup_error::BackupError;
use crate::fsck_error::FsckError;
use crate::keys::KeysError;
use crate::law::LawError;
use crate::node::NodeError;
use crate::officers::OfficersError;
use crate::token::TokenError;
use crate::transfer::TransferError;
use crate::verify::VerifyError;

/// Why an operation was not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "subject", content = "error", rename_all = "snake_case")]
#[error(transparent)]
#[allow(missing_docs, reason = "the names say it")]
pub enum OperationError {
    Node(#[from] NodeError),
    Account(#[from] AccountError),
    Keys(#[from] KeysError),
    Token(#[from] TokenError),
    Officers(#[from] OfficersError),
    Backup(#[from] BackupError),
    Fsck(#[from] FsckError),
    Transfer(#[from] TransferError),
    Desk(#[from] DeskError),
    Law(#[from] LawError),
    Verify(#[from] VerifyError),
    Request(#[from] RequestError),
}

/// Why a request was not even tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum RequestError {
    /// It is not a request of the table: the command line is of another version than the node.
    #[error("the request is not understood: {0}")]
    NotUnderstood(String),
    /// The node is locked, and this needs its mail.
    #[error("the node is locked; while it runs, unlock it with `bailiwick node unlock`")]
    Locked,
    /// The node does not run, and this is about a running one.
    #[error("the node does not run; start it with `bailiwick node run`, then unlock it")]
    NotRunning,
    /// The node's own process has ended, and its parent starts another.
    #[error("the node is starting again; try again in a moment")]
    Starting,
    /// A process that this needs does not start.
    #[error("a process that this needs does not start: {0}")]
    NoProcess(String),
    /// As many requests are being answered as the node answers at once, and as many wait.
    #[error("the node is busy with other requests; try again later")]
    Busy,
    /// The node was restored, and its desk is closed until two officers open it.
    #[error(
        "this node was restored from a backup and its desk is closed: check what is missing since the backup, then have two \
         officers run `node open-desk --by A --by B`"
    )]
    DeskClosed,
}

/// A room below operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Room {
    Vault,
    Store,
    Ledger,
    Desk,
    Mailroom,
    Rules,
    /// Files of the node itself, and those that an operator names.
    Files,
}

impl fmt::Display for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Vault => "vault",
            Self::Store => "store",
            Self::Ledger => "ledger",
            Self::Desk => "desk",
            Self::Mailroom => "mailroom",
            Self::Rules => "rules",
            Self::Files => "files",
        })
    }
}

/// What a room below said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
#[allow(missing_docs, reason = "the names say it")]
pub struct RoomError {
    pub room: Room,
    pub message: String,
}

impl RoomError {
    /// A disk's error, with the path before it.
    pub fn file(path: &Path, error: io::Error) -> Self {
        Self { room: Room::Files, message: format!("{}: {error}", path.display()) }
    }

    /// [`file`](Self::file) for `map_err`.
    pub fn at(path: &Path) -> impl Fn(io::Error) -> Self {
        let path = path.to_owned();
        move |error| Self::file(&path, error)
    }
}

/// The errors of rooms below, each of which becomes a [`RoomError`] of any subject with `?`.
pub(crate) trait Lower {
    fn told(self) -> RoomError;
}

macro_rules! lower {
    ($($error:ty => $room:ident),+ $(,)?) => {
        $(impl Lower for $error {
            fn told(self) -> RoomError {
                RoomError { room: Room::$room, message: self.to_string() }
            }
        })+
    };
}

lower! {
    vault::VaultError => Vault,
    store::StoreError => Store,
    ledger::LedgerError => Ledger,
    DeskError => Desk,
    durable::LockError => Files,
    serde_json::Error => Files,
    rules::LawErrors => Rules,
    desk::LawError => Rules,
}

impl Lower for RoomError {
    fn told(self) -> RoomError {
        self
    }
}

/// Lets a subject's enum, which has a variant `Room`, take the errors of the rooms below with `?`.
macro_rules! from_rooms {
    ($($subject:ty),+ $(,)?) => {
        $(impl<E: Lower> From<E> for $subject {
            fn from(error: E) -> Self {
                Self::Room(error.told())
            }
        })+
    };
}

from_rooms!(
    NodeError,
    AccountError,
    KeysError,
    TokenError,
    OfficersError,
    BackupError,
    FsckError,
    TransferError,
    LawError
);
