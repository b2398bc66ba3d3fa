//! Files that a person names, and the places for backups. A running node's own process reaches them only through a process that has them
//! and nothing else (docs/processes.md), which its parent starts for the one request; a command at a node that does not run has its own
//! rights.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use durable::{Disk, FarDisk, Files, OwnFiles};

use crate::backup::BackUp;
use crate::config::Config;
use crate::keys::BackUpKeys;
use crate::table::Request;

/// By what the paths of a request are reached.
#[derive(Clone, Default)]
pub struct Through(Option<Arc<dyn Files>>);

impl fmt::Debug for Through {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Through(another process)" } else { "Through(own rights)" })
    }
}

impl Through {
    /// By another process.
    pub fn other(files: Arc<dyn Files>) -> Self {
        Self(Some(files))
    }

    /// The files.
    pub(crate) fn files(&self) -> Arc<dyn Files> {
        self.0.clone().unwrap_or_else(|| Arc::new(OwnFiles))
    }

    /// A disk for them; `own` where this process has them itself.
    pub(crate) fn disk(&self, own: &Arc<dyn Disk>) -> Arc<dyn Disk> {
        match &self.0 {
            Some(files) => Arc::new(FarDisk(files.clone())),
            None => own.clone(),
        }
    }
}

/// The places that something needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    /// To read what is there.
    pub read: Vec<PathBuf>,
    /// To write there, and to make it when it is missing.
    pub write: Vec<PathBuf>,
}

impl Places {
    /// The places for backups.
    pub fn of_backups(config: &Config) -> Self {
        Self { read: Vec::new(), write: config.backup_place.iter().map(|place| place.path.clone()).collect() }
    }

    /// Whether nothing is needed.
    pub fn is_empty(&self) -> bool {
        self.read.is_empty() && self.write.is_empty()
    }

    fn and_keys(mut self, keys: &BackUpKeys) -> Self {
        self.write.push(keys.target.clone());
        self.write.extend(keys.day_keys.clone());
        self
    }
}

impl Request {
    /// The places that it needs, beside the node's own folders.
    pub fn places(&self, config: &Config) -> Places {
        match self {
            Self::Import(import) => Places { read: vec![import.source.clone()], write: Vec::new() },
            Self::Export(export) => Places { read: Vec::new(), write: vec![export.target.clone()] },
            Self::BackUpKeys(keys) => Places::default().and_keys(keys),
            Self::BackUp(BackUp { keys: Some(keys), .. }) => Places::of_backups(config).and_keys(keys),
            Self::BackUp(_) => Places::of_backups(config),
            _ => Places::default(),
        }
    }

    /// Has it reach its places by another process.
    pub fn go_through(&mut self, through: &Through) {
        match self {
            Self::Import(import) => import.through = through.clone(),
            Self::Export(export) => export.through = through.clone(),
            Self::BackUpKeys(keys) => keys.through = through.clone(),
            Self::BackUp(backup) => {
                backup.through = through.clone();
                if let Some(keys) = &mut backup.keys {
                    keys.through = through.clone();
                }
            }
            _ => {}
        }
    }
}
