//! What a node's parent and the node's own process say to each other (docs/processes.md), over the pair of sockets that the node's own
//! process is started with. Only the parent's own side reads files with secrets; only the other side reads what strangers send.

use std::path::PathBuf;

use doors::tls::IdentityParts;
use operations::table::{Reply, Request};
use serde::{Deserialize, Serialize};

/// Why something failed in the other process, in the words of its error: what it was there cannot pass.
#[derive(Debug, Clone, Serialize, Deserialize, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Why(pub(crate) String);

impl Why {
    /// Of an error.
    pub(crate) fn of(error: &impl ToString) -> Self {
        Self(error.to_string())
    }
}

/// What the parent says.
#[derive(Serialize, Deserialize)]
pub(crate) enum ToNode {
    /// The first message. Beside it: the vault's socket, the directory's lock, and the listening sockets in the order of
    /// [`Listen::all`](operations::config::Listen::all).
    Start(Box<Start>),
    /// An operation, its secrets replaced by names that the vault knows. Beside it, where it needs places: the socket of the process that
    /// has them.
    Request(Box<Request>),
    /// The answer to [`FromNode::Places`]; beside it the socket.
    Places(Result<(), Why>),
    /// Another vault's process. Beside it: its socket.
    Vault {
        /// Its number.
        process: u32,
    },
    /// Another certificate.
    Identity(Box<IdentityParts>),
    /// `node.toml` has changed: its text.
    Settings(String),
    /// The end: say farewell to the clients.
    Stop,
}

/// What a node's own process is started with.
#[derive(Serialize, Deserialize)]
pub(crate) struct Start {
    /// The node's directory.
    pub(crate) dir: PathBuf,
    /// The text of `node.toml`.
    pub(crate) settings: String,
    /// The certificate and its key.
    pub(crate) identity: IdentityParts,
    /// The number of the vault's process.
    pub(crate) vault_process: u32,
    /// Whether it is unlocked.
    pub(crate) is_unlocked: bool,
}

/// What the node's own process says.
#[derive(Serialize, Deserialize)]
pub(crate) enum FromNode {
    /// The doors are open.
    Ready,
    /// They do not open.
    Failed(Why),
    /// A line of the answer to a request.
    Reply(Reply),
    /// It wants a process that has the places for backups.
    Places,
}
