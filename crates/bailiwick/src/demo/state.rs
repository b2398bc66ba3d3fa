//! The demo's folder: what makes it ours, and what is remembered in it from one start to the next.

use std::path::{Path, PathBuf};

use durable::{DirLock, Disk, RealDisk, Visibility};
use serde::{Deserialize, Serialize};
use terms::{Address, HOME_FORMAT, Jurisdiction, OfficerName};

use super::error::DemoError;
use super::places::PLACES;

/// `demo.json` in the demo's folder: what makes the folder ours, and the secrets that a demo may write down. It is written
/// before anything else, without nodes: a first start that was broken off is known by it.
#[derive(Serialize, Deserialize)]
pub(super) struct DemoState {
    pub(super) format: u32,
    pub(super) ports: u16,
    pub(super) nodes: Vec<NodeState>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct NodeState {
    pub(super) jurisdiction: Jurisdiction,
    pub(super) accounts: Vec<AccountState>,
    pub(super) officers: Vec<OfficerState>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct AccountState {
    pub(super) address: Address,
    pub(super) password: String,
}

#[derive(Serialize, Deserialize)]
pub(super) struct OfficerState {
    pub(super) name: OfficerName,
    pub(super) passphrase: String,
}

pub(super) const STATE_FILE: &str = "demo.json";

/// Makes or takes the demo's folder: empty, absent, or one that a demo made.
pub(super) fn claim(dir: &Path) -> Result<(PathBuf, DirLock), DemoError> {
    if dir.exists() && !dir.is_dir() {
        return Err(DemoError::NotAFolder(dir.to_owned()));
    }
    // The lock alone is what a demo leaves that was stopped before it had claimed the folder.
    let foreign = !dir.join(STATE_FILE).exists()
        && dir.read_dir().is_ok_and(|mut entries| entries.any(|it| it.is_ok_and(|it| it.file_name() != "lock")));
    if foreign {
        return Err(DemoError::ForeignFolder(dir.to_owned()));
    }
    RealDisk.create_dir_all(dir).map_err(DemoError::at(dir))?;
    let dir = std::fs::canonicalize(dir).map_err(DemoError::at(dir))?;
    let lock = DirLock::take(&dir).map_err(|error| DemoError::Busy(error.to_string()))?;
    Ok((dir, lock))
}

/// Removes what a demo made, and nothing else; the folder's claim stays. Only for a folder that is claimed.
pub(super) fn clear(dir: &Path) -> Result<(), DemoError> {
    for place in PLACES {
        let node = dir.join(place.jurisdiction);
        if node.exists() {
            std::fs::remove_dir_all(&node).map_err(DemoError::at(&node))?;
        }
    }
    Ok(())
}

pub(super) fn load(dir: &Path) -> Result<Option<DemoState>, DemoError> {
    let path = dir.join(STATE_FILE);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(DemoError::at(&path)(error)),
    };
    let state: DemoState = serde_json::from_str(&text)
        .map_err(|error| DemoError::State { path: path.clone(), problem: error.to_string() })?;
    if state.format != HOME_FORMAT {
        let problem = "it was made by another version of this program".to_owned();
        return Err(DemoError::State { path, problem });
    }
    if state.nodes.is_empty() {
        // A first start that was broken off: nobody has been told the passwords of what it made.
        clear(dir)?;
        return Ok(None);
    }
    Ok(Some(state))
}

pub(super) fn save(dir: &Path, state: &DemoState) -> Result<(), DemoError> {
    let path = dir.join(STATE_FILE);
    let text = serde_json::to_vec_pretty(state).map_err(|error| DemoError::Program(error.to_string()))?;
    RealDisk.write_atomic(&path, &text, Visibility::Private).map_err(DemoError::at(&path))
}

/// The nodes of demos in the current folder, and in the folders in it: for a hint, never as a default.
pub(crate) fn nodes_near() -> Vec<PathBuf> {
    let folders = std::fs::read_dir(".").into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    let demos = std::iter::once(PathBuf::from(".")).chain(folders).filter(|dir| dir.join(STATE_FILE).is_file());
    let nodes = demos.flat_map(|dir| PLACES.map(|place| dir.join(place.jurisdiction)));
    nodes.filter(|node| node.join("node.toml").is_file()).collect()
}
