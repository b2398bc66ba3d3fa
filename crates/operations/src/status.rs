//! What a node is and how it does.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use store::{Health, PackStatus};
use terms::{AccountId, Digest, Jurisdiction};
use vault::MemoryUse;

use crate::error::OperationError;
use crate::handle::NodeHandle;
use crate::keys::KeysError;
use crate::node::Node;
use crate::operation::{Moment, Operation, Progress};

/// Shows the node's identity and health.
#[derive(Debug, Serialize, Deserialize)]
pub struct ShowStatus {}

/// A node's identity and health.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeStatus {
    /// The name on the node's page.
    pub name: String,
    /// Where its mailboxes live.
    pub jurisdiction: Jurisdiction,
    /// Its name in greetings and certificates.
    pub hostname: String,
    /// Whether mail can be taken and read.
    pub vault: Lock,
    /// The number of the node's own process.
    pub process: u32,
    /// What the system did not let the node's own process give up; nothing at a node that does not run.
    pub lacks: Vec<String>,
    /// The number of the vault's process.
    pub vault_process: Option<u32>,
    /// What the system did not let the vault's process give up.
    pub vault_lacks: Vec<String>,
    /// The token has refused the PIN; it is not asked again until a person types it.
    pub pin_refused: bool,
    /// The memory of the node's own process, as it tells it itself; absent where the system does not say.
    pub memory: Option<ProcessMemory>,
    /// The same of the vault's process; absent when it is away.
    pub vault_memory: Option<ProcessMemory>,
    /// What can be told while the node is unlocked.
    #[serde(flatten)]
    pub rooms: Option<RoomsStatus>,
}

/// What a process takes of the machine's memory, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessMemory {
    /// All pages of it that are in memory.
    pub resident_bytes: u64,
    /// The same, with pages that it shares with other processes divided among them (PSS).
    pub share_bytes: u64,
    /// Its heap and its stacks.
    pub anonymous_bytes: u64,
    /// What is not written to swap.
    pub locked_bytes: u64,
}

impl From<MemoryUse> for ProcessMemory {
    fn from(of: MemoryUse) -> Self {
        let MemoryUse { resident_bytes, share_bytes, anonymous_bytes, locked_bytes } = of;
        Self { resident_bytes, share_bytes, anonymous_bytes, locked_bytes }
    }
}

/// The file of figures of this process's memory: opened before the process gives up what is not its own.
static FIGURES: LazyLock<Option<File>> = LazyLock::new(|| File::open(MemoryUse::FILE).ok());

/// The length that the file of figures never reaches.
const FIGURES_LEN_MAX: usize = 4096;

/// Opens the file of figures, for a process that opens no such file later.
pub fn prepare() {
    LazyLock::force(&FIGURES);
}

/// The memory of this process.
fn own_memory() -> Option<ProcessMemory> {
    let mut text = [0; FIGURES_LEN_MAX];
    let len = FIGURES.as_ref()?.read_at(&mut text, 0).ok()?;
    MemoryUse::parse(std::str::from_utf8(&text[..len]).ok()?).map(ProcessMemory::from)
}

/// Locked or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Lock {
    Locked,
    Unlocked,
}

/// What can be told of a node whose rooms are open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct RoomsStatus {
    pub accounts: u64,
    pub officers: u64,
    pub ledger_size: u64,
    /// The law set in use.
    pub law: Digest,
    /// Counsel whose signature took it into use; nobody when it is the one that the program brings.
    pub law_signed_by: Option<String>,
    /// How the last write went.
    pub store: StoreHealth,
    /// Accounts whose profile is damaged: their mail waits with its senders.
    pub quarantined_accounts: Vec<AccountId>,
    pub packs: Packs,
    pub rotating: Rotating,
}

/// How the last write of the store went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum StoreHealth {
    Healthy,
    DiskFull,
    /// The next write is tried with fresh files.
    Failing {
        error: String,
    },
    /// All is stored, but the WAL of the store's rows cannot be checkpointed and grows.
    WalStays {
        error: String,
    },
}

impl From<&Health> for StoreHealth {
    fn from(health: &Health) -> Self {
        match health {
            Health::Fine => Self::Healthy,
            Health::DiskFull => Self::DiskFull,
            Health::Failing(error) => Self::Failing { error: error.clone() },
            Health::WalStuck(error) => Self::WalStays { error: error.clone() },
        }
    }
}

impl std::fmt::Display for StoreHealth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Healthy => f.write_str("healthy"),
            Self::DiskFull => f.write_str("unhealthy: the disk is full; mail is deferred until there is space"),
            Self::Failing { error } => {
                write!(f, "unhealthy: the last write failed ({error}); the next one is tried with fresh files")
            }
            Self::WalStays { error } => write!(
                f,
                "unhealthy: all mail is stored, but the database's WAL cannot be checkpointed and grows ({error}); check the \
                 disk"
            ),
        }
    }
}

/// The segments of the store, as the last compaction found them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Packs {
    /// When; never since the start when absent.
    pub looked: Option<Moment>,
    pub segments: u64,
    pub bytes: u64,
    /// Bytes of deleted mail.
    pub dead_bytes: u64,
    /// Bytes that are freed when their last reader is done.
    pub waiting_bytes: u64,
    /// Bytes freed since the start.
    pub freed_bytes: u64,
    /// Segments that stay because a record in them is damaged.
    pub damaged: Vec<u32>,
}

impl From<PackStatus> for Packs {
    fn from(packs: PackStatus) -> Self {
        let PackStatus { looked, segments, bytes, dead_bytes, waiting_bytes, freed_bytes, damaged } = packs;
        Self { looked: looked.map(Moment), segments, bytes, dead_bytes, waiting_bytes, freed_bytes, damaged }
    }
}

/// The keys that are being replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Rotating {
    pub service: bool,
    pub escrow: bool,
    pub signing: bool,
    /// Accounts whose key is being replaced.
    pub accounts: u64,
    /// Those among them that need no sign-in of their owner to continue.
    pub accounts_under_way: u64,
}

/// The quarantined accounts, for an operator.
pub fn quarantined(accounts: &[AccountId]) -> String {
    let ids: Vec<String> = accounts.iter().map(ToString::to_string).collect();
    let (account, whose) = if accounts.len() == 1 { ("account", "Its") } else { ("accounts", "Their") };
    format!(
        "unhealthy: the profile of {account} {} is damaged. {whose} mail is deferred and cannot be read; other accounts are not \
         affected. Run `bailiwick fsck`, and restore a backup",
        ids.join(", ")
    )
}

impl Operation for ShowStatus {
    type Target = NodeHandle;
    type Output = NodeStatus;
    type Error = OperationError;

    fn run(self, handle: &NodeHandle, _: &mut dyn FnMut(Progress)) -> Result<NodeStatus, OperationError> {
        let closed = &handle.closed;
        let rooms = match handle.node().filter(|_| handle.is_unlocked()) {
            Some(node) => Some(node.rooms_status()?),
            None => None,
        };
        Ok(NodeStatus {
            name: closed.config.name.clone(),
            jurisdiction: closed.config.jurisdiction.clone(),
            hostname: closed.config.hostname.clone(),
            vault: if rooms.is_some() { Lock::Unlocked } else { Lock::Locked },
            process: std::process::id(),
            lacks: closed.host.lacks(),
            vault_process: closed.gate.process_id(),
            vault_lacks: handle.vault_lacks(),
            pin_refused: closed.is_pin_refused(),
            memory: own_memory(),
            vault_memory: closed.gate.memory().ok().flatten().map(ProcessMemory::from),
            rooms,
        })
    }
}

impl Node {
    fn rooms_status(&self) -> Result<RoomsStatus, KeysError> {
        let (store, vault) = (&self.mailroom.store, &self.mailroom.vault);
        let standing = vault.rotations()?;
        Ok(RoomsStatus {
            accounts: store.accounts().len() as u64,
            officers: vault.officers()?.len() as u64,
            ledger_size: self.log.size(),
            law: self.desk.law_digest(),
            law_signed_by: self.desk.law_adopted_by(),
            store: StoreHealth::from(&store.health()),
            quarantined_accounts: store.quarantined_accounts(),
            packs: store.pack_status().into(),
            rotating: Rotating {
                service: standing.service,
                escrow: standing.escrow,
                signing: standing.signing,
                accounts: standing.accounts.len() as u64,
                accounts_under_way: standing.resumable.len() as u64,
            },
        })
    }
}
