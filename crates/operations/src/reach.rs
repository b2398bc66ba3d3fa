//! Which places a request needs, beside the node's own folders, and by what it reaches them.

use crate::backup::BackUp;
use crate::config::Config;
use crate::keys::BackUpKeys;
use crate::places::{Places, Through};
use crate::table::Request;

fn with_keys(mut places: Places, keys: &BackUpKeys) -> Places {
    places.write.push(keys.target.clone());
    places.write.extend(keys.day_keys.clone());
    places
}

impl Request {
    /// The places that it needs, beside the node's own folders.
    pub fn places(&self, config: &Config) -> Places {
        match self {
            Self::Import(import) => Places { read: vec![import.source.clone()], write: Vec::new() },
            Self::Export(export) => Places { read: Vec::new(), write: vec![export.target.clone()] },
            Self::BackUpKeys(keys) => with_keys(Places::default(), keys),
            Self::BackUp(BackUp { keys: Some(keys), .. }) => with_keys(Places::of_backups(config), keys),
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
