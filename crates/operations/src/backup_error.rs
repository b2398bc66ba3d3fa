//! Why a backup was not made, or a node not restored.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use terms::Jurisdiction;

use crate::config::InvalidConfig;
use crate::error::RoomError;
use crate::node::NodeError;

/// Why a backup was not made, or a node not restored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the texts say it")]
pub enum BackupError {
    #[error(
        "node.toml names no place for backups. Mail may be kept in {home} only, so name one that lies \
         there:\n[[backup_place]]\npath = \"/…\"\njurisdiction = \"{home}\""
    )]
    NoPlace { home: Jurisdiction },
    #[error("node.toml names several places; choose one with --to: {}", shown(places))]
    SeveralPlaces { places: Vec<PathBuf> },
    #[error(
        "{} is not a place that node.toml names as lying in {home}; nothing was copied. It names: {}",
        wanted.display(),
        shown(places)
    )]
    UnknownPlace { wanted: PathBuf, home: Jurisdiction, places: Vec<PathBuf> },
    #[error("another backup is running: {0}")]
    Busy(String),
    #[error("{}: this is not the name of a lineage", .0.display())]
    BadLineage(PathBuf),
    #[error("{}: the path must be UTF-8", .0.display())]
    NotUtf8(PathBuf),
    #[error("the desk is open already")]
    DeskOpen,
    #[error("{} is not empty; a restored node needs a directory of its own", .0.display())]
    NotEmpty(PathBuf),
    #[error("{} has no backups of a node", .0.display())]
    NoBackups(PathBuf),
    #[error("no backup in {} belongs to the node whose keys these are", .0.display())]
    OtherKeys(PathBuf),
    #[error("no backup has an undamaged node.toml")]
    NoConfig,
    #[error("node.toml of the backup: {0}")]
    Config(InvalidConfig),
    #[error("backup {number}: {problem}")]
    OtherFormat { number: u64, problem: String },
    #[error("keys: {0}")]
    Keys(String),
    #[error("the list of accounts that were closed since does not open: {0}")]
    ClosedList(String),
    #[error("segment {number}: {error}")]
    Segment { number: u32, error: String },
    #[error(transparent)]
    Node(#[from] NodeError),
    #[error(transparent)]
    Room(RoomError),
}

fn shown(places: &[PathBuf]) -> String {
    places.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}
