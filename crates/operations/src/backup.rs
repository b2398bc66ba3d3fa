//! Backups of a whole node, and a node made of them (docs/backup.md; the files are in docs/formats/backup.md).
//!
//! ```text
//! backup/place.rs      files at a place: pieces by digest, segments, manifests
//! backup/manifest.rs   what a backup consists of, under the node's own tag
//! backup/take.rs       a backup of the running node
//! backup/live.rs       what is copied all the time: ledger, desk, closed accounts
//! backup/restore.rs    a node from a backup
//! backup/drill.rs      the same into a temporary folder, timed
//! ```

mod drill;
mod live;
mod manifest;
mod place;
mod restore;
mod take;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::json;
use vault::{Act, ActedBy};

use crate::backup_error::BackupError;
use crate::error::{OperationError, RequestError, RoomError};
use crate::keys::{BackUpKeys, KeysBackedUp, KeysError};
use crate::node::Node;
use crate::operation::{Operation, Progress, TwoConsents, both};
use crate::places::Through;

pub use drill::{Drilled, drill};
pub use live::follow;
pub use restore::{Plan, Restored, restore};

/// Backs the node up while it runs.
#[derive(Debug, Serialize, Deserialize)]
pub struct BackUp {
    /// To which place; the only one when absent.
    pub to: Option<PathBuf>,
    /// The keys too, at once: a replacement of keys in between would part the two.
    pub keys: Option<BackUpKeys>,
    /// By what the places are reached.
    #[serde(skip)]
    pub through: Through,
}

/// A backup.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BackedUp {
    /// Its number at the place.
    pub backup: u64,
    /// The node's folder at the place.
    pub dir: PathBuf,
    /// Accounts.
    pub accounts: u64,
    /// Segments.
    pub segments: u64,
    /// Bytes that were new.
    pub bytes_written: u64,
    /// How long it took.
    pub seconds: f64,
    /// The backup of keys, if it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<KeysBackedUp>,
}

impl Operation for BackUp {
    type Target = Node;
    type Output = BackedUp;
    type Error = OperationError;

    fn run(self, node: &Node, progress: &mut dyn FnMut(Progress)) -> Result<BackedUp, OperationError> {
        let place = node.backup_place(self.to)?;
        let mut done = take::take(node, &place, &self.through, progress)?;
        if let Some(keys) = self.keys {
            done.keys = Some(keys.run(node, progress)?);
        }
        Ok(done)
    }
}

/// Opens the desk of a restored node.
#[derive(Debug, Serialize, Deserialize)]
pub struct OpenDesk {
    /// Two officers.
    pub by: TwoConsents,
}

/// The desk is open again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeskOpened {
    /// The ledger's entry.
    pub entry: u64,
    /// Who agreed.
    pub by: Vec<String>,
}

impl Operation for OpenDesk {
    type Target = Node;
    type Output = DeskOpened;
    type Error = OperationError;

    /// The ledger has it first.
    fn run(self, node: &Node, _: &mut dyn FnMut(Progress)) -> Result<DeskOpened, OperationError> {
        if node.desk_is_open().is_ok() {
            return Err(BackupError::DeskOpen.into());
        }
        // Their shares are joined and checked: so it is they, and the escrow key is whole.
        let (signed, _, _) = node.act_of_two(Act::Drill, None, both(self.by))?;
        let entry = node.record("desk-opened", json!({ "act": signed.digest() })).map_err(KeysError::from)?;
        let path = Node::desk_waits_path(&node.dir);
        node.disk.remove(&path).map_err(|error| BackupError::from(RoomError::file(&path, error)))?;
        Ok(DeskOpened { entry, by: signed.by.iter().map(ActedBy::label).collect() })
    }
}

impl Node {
    /// The place for backups: one that the configuration names as lying in the home, and no other.
    fn backup_place(&self, wanted: Option<PathBuf>) -> Result<PathBuf, BackupError> {
        let places: Vec<PathBuf> = self.config.backup_place.iter().map(|place| place.path.clone()).collect();
        let home = self.config.jurisdiction.clone();
        match (wanted, places.as_slice()) {
            (_, []) => Err(BackupError::NoPlace { home }),
            (None, [one]) => Ok(one.clone()),
            (None, _) => Err(BackupError::SeveralPlaces { places }),
            (Some(wanted), _) if places.contains(&wanted) => Ok(wanted),
            (Some(wanted), _) => Err(BackupError::UnknownPlace { wanted, home, places }),
        }
    }

    /// Whether the desk may act: not after a restoration, until two officers have opened it.
    pub(crate) fn desk_is_open(&self) -> Result<(), RequestError> {
        if self.disk.exists(&Self::desk_waits_path(&self.dir)) { Err(RequestError::DeskClosed) } else { Ok(()) }
    }
}
