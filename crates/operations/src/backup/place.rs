//! Files at a place for backups. Small ones are kept by their digest, so that what did not change is there already;
//! segments continue where the last backup ended; manifests are counted.
//!
//! Nothing here is overwritten that an earlier manifest names, so that a backup that breaks off leaves the last good
//! one as it was.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use durable::{Disk, Visibility};
use terms::Digest;

use super::manifest::Manifest;
use crate::backup_error::BackupError;
use crate::error::RoomError;

/// What the name of a manifest ends with.
const SUFFIX: &str = ".manifest";

/// SHA-256.
pub(super) fn sha256(bytes: &[u8]) -> Digest {
    let mut out = [0; 32];
    out.copy_from_slice(digest(&SHA256, bytes).as_ref());
    Digest(out)
}

/// The folder of one node's backups at a place.
pub(super) struct Place {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) dir: PathBuf,
}

impl Place {
    pub(super) fn new(disk: Arc<dyn Disk>, dir: PathBuf) -> Self {
        Self { disk, dir }
    }

    /// Makes the folders. Durable when it returns.
    pub(super) fn create(&self) -> Result<(), BackupError> {
        for name in ["pieces", "packs", "manifests", "live"] {
            let dir = self.dir.join(name);
            self.disk.create_dir_all(&dir).map_err(said(&dir))?;
        }
        Ok(())
    }

    fn piece(&self, digest: &Digest) -> PathBuf {
        let name = digest.to_string();
        self.dir.join("pieces").join(&name[..2]).join(name)
    }

    /// Keeps some bytes, unless they are there; how many were written. Durable when it returns.
    pub(super) fn put(&self, bytes: &[u8]) -> Result<(Digest, u64), BackupError> {
        let digest = sha256(bytes);
        let path = self.piece(&digest);
        if self.disk.exists(&path) {
            return Ok((digest, 0));
        }
        if let Some(parent) = path.parent() {
            self.disk.create_dir_all(parent).map_err(said(parent))?;
        }
        self.disk.write_atomic(&path, bytes, Visibility::Private).map_err(said(&path))?;
        Ok((digest, bytes.len() as u64))
    }

    /// What has this digest; `None` when it is missing or was changed.
    pub(super) fn get(&self, digest: &Digest) -> Option<Vec<u8>> {
        let bytes = self.disk.read(&self.piece(digest)).ok()?;
        (sha256(&bytes) == *digest).then_some(bytes)
    }

    /// Where a segment lies.
    pub(super) fn segment(&self, number: u32) -> PathBuf {
        self.dir.join("packs").join(format!("{number:08}.pack"))
    }

    /// The numbers of the manifests, the newest first.
    pub(super) fn manifests(&self) -> io::Result<Vec<u64>> {
        let names = match self.disk.list(&self.dir.join("manifests")) {
            Ok(names) => names,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut numbers: Vec<u64> = names.iter().filter_map(|name| name.strip_suffix(SUFFIX)?.parse().ok()).collect();
        numbers.sort_unstable_by(|one, two| two.cmp(one));
        Ok(numbers)
    }

    pub(super) fn manifest(&self, number: u64) -> PathBuf {
        self.dir.join("manifests").join(format!("{number:08}{SUFFIX}"))
    }

    /// Removes manifests beyond the newest `keep`, and what none names then.
    pub(super) fn prune(&self, keep: usize, read: impl Fn(u64) -> Option<Manifest>) -> Result<(), BackupError> {
        let numbers = self.manifests().map_err(said(&self.dir))?;
        if numbers.len() <= keep {
            return Ok(());
        }
        let (kept, gone) = numbers.split_at(keep);
        // What cannot be read may still be told to a person; then nothing is removed that it might need.
        let Some(kept) = kept.iter().map(|number| read(*number)).collect::<Option<Vec<_>>>() else { return Ok(()) };
        for number in gone {
            let path = self.manifest(*number);
            self.disk.remove(&path).map_err(said(&path))?;
        }
        let pieces: BTreeSet<String> = kept.iter().flat_map(Manifest::pieces).map(ToString::to_string).collect();
        let segments: BTreeSet<PathBuf> =
            kept.iter().flat_map(|manifest| manifest.segments.iter()).map(|one| self.segment(one.number)).collect();
        let folder = self.dir.join("pieces");
        for prefix in self.disk.list(&folder).map_err(said(&folder))? {
            let dir = folder.join(prefix);
            for name in self.disk.list(&dir).map_err(said(&dir))?.iter().filter(|name| !pieces.contains(*name)) {
                self.disk.remove(&dir.join(name)).map_err(said(&dir))?;
            }
        }
        let packs = self.dir.join("packs");
        for path in self.disk.list(&packs).map_err(said(&packs))?.iter().map(|name| packs.join(name)) {
            if !segments.contains(&path) {
                self.disk.remove(&path).map_err(said(&path))?;
            }
        }
        Ok(())
    }
}

/// A disk's error with the path before it.
pub(super) fn said(path: &Path) -> impl Fn(io::Error) -> RoomError {
    RoomError::at(path)
}
