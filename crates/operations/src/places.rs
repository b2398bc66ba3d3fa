//! Files that a person names, and the places for backups. A running node's own process reaches them only through a process that has them
//! and nothing else (docs/processes.md), which its parent starts for the one request; a command at a node that does not run has its own
//! rights.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use durable::{Disk, FarDisk, Files, OwnFiles};

use crate::config::Config;

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
}
