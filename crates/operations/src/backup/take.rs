//! A backup of a running node: the store at one moment, then the desk and the ledger at rest, then the manifest. Until the
//! manifest is there, there is no backup, and the last one is as it was.

use std::path::{Path, PathBuf};
use std::time::Instant;

use durable::{Disk, Files, OwnFiles, Visibility, lock_dir};
use store::{Backup, BackupSegment, StoreError};
use terms::{HOME_FORMAT, UnixMillis};
use vault::Vault;

use super::BackedUp;
use super::manifest::{AccountPart, FilePart, Manifest, SegmentPart};
use super::place::{Place, said, sha256};
use crate::backup_error::BackupError;
use crate::node::Node;
use crate::operation::{Progress, Unit};
use crate::places::Through;

/// Bytes of a segment under one digest: what is damaged is told to this measure.
const STRETCH_BYTES: u64 = 16 << 20;

/// How often the store is asked for a moment at which every segment can be opened; a compaction may remove one in between.
const ATTEMPTS: u32 = 3;

/// Where the name is kept under which the node's backups are kept at a place.
const LINEAGE: &str = "backup-lineage";

/// The name under which this node's backups are kept at a place. A restored node has another: its segments continue differently.
pub(super) fn lineage(node: &Node) -> Result<String, BackupError> {
    let path = node.dir.join("run").join(LINEAGE);
    if node.disk.exists(&path) {
        let name = node.disk.read(&path).map_err(said(&path))?;
        let name = String::from_utf8_lossy(&name).trim().to_owned();
        let is_name = name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        return if is_name { Ok(name) } else { Err(BackupError::BadLineage(path)) };
    }
    let mut bytes = [0; 16];
    node.mailroom.entropy.fill(&mut bytes);
    let name = terms::hex(&bytes);
    node.disk.write_atomic(&path, name.as_bytes(), Visibility::Private).map_err(said(&path))?;
    Ok(name)
}

/// How far a backup is.
struct Copied<'p> {
    done: u64,
    total: u64,
    written: u64,
    progress: &'p mut dyn FnMut(Progress),
}

impl Copied<'_> {
    fn add(&mut self, seen: u64, written: u64) {
        self.done += seen;
        self.written += written;
        let total = self.total.max(self.done);
        (self.progress)(Progress { unit: Unit::Bytes, done: self.done, total, failed: 0 });
    }
}

/// Backs the node up at a place.
pub(super) fn take(
    node: &Node,
    root: &Path,
    through: &Through,
    progress: &mut dyn FnMut(Progress),
) -> Result<BackedUp, BackupError> {
    let began = Instant::now();
    let place = Place::new(through.disk(&node.disk), root.join(lineage(node)?));
    place.create()?;
    let _lock = lock_dir(&*through.files(), &place.dir).map_err(|error| BackupError::Busy(error.to_string()))?;
    let keep = node.config.backup_place.iter().find(|place| place.path == root).map_or(1, |place| place.keep);
    let backup = Taking {
        vault: &node.mailroom.vault,
        home: node.config.jurisdiction.to_string(),
        hostname: node.config.hostname.clone(),
        at: node.mailroom.clock.now(),
        keep: usize::try_from(keep).unwrap_or(usize::MAX),
    };
    let moment = moment(node)?;
    let (number, manifest, written) = backup.write(&place, moment, |put| files(node, put), progress)?;
    Ok(BackedUp {
        backup: number,
        dir: place.dir,
        accounts: manifest.accounts.len() as u64,
        segments: manifest.segments.len() as u64,
        bytes_written: written,
        seconds: began.elapsed().as_secs_f64(),
        keys: None,
    })
}

/// What a backup is made with.
pub(super) struct Taking<'t> {
    pub(super) vault: &'t Vault,
    pub(super) home: String,
    pub(super) hostname: String,
    pub(super) at: UnixMillis,
    /// How many backups stay.
    pub(super) keep: usize,
}

/// Takes a file's path below the node's directory, and its bytes.
pub(super) type Put<'p> = &'p mut dyn FnMut(String, &[u8]) -> Result<(), BackupError>;

impl Taking<'_> {
    /// The manifest of that number, when it is one of this node.
    pub(super) fn read(&self, place: &Place, number: u64) -> Option<Manifest> {
        let bytes = place.disk.read(&place.manifest(number)).ok()?;
        Manifest::of_bytes(&bytes, self.vault).ok().flatten()
    }

    /// Writes the backup of a moment, with the files that `files` passes once the moment is let go. Gives its number, its
    /// manifest, and how many bytes were new. Durable when it returns; before that, and after an error, there is none, and
    /// earlier ones are as they were.
    pub(super) fn write(
        &self,
        place: &Place,
        mut moment: Backup,
        files: impl FnOnce(Put<'_>) -> Result<(), BackupError>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(u64, Manifest, u64), BackupError> {
        let numbers = place.manifests().map_err(said(&place.dir))?;
        let previous = numbers.iter().find_map(|number| self.read(place, *number));
        let before = |number: u32| previous.as_ref()?.segments.iter().find(|part| part.number == number);
        let new = |one: &BackupSegment| one.len.saturating_sub(before(one.number).map_or(0, SegmentPart::len));
        let total = moment.segments().iter().map(new).sum();
        let mut copied = Copied { done: 0, total, written: 0, progress };
        // Rows first: as long as they are held, their log grows.
        let accounts = accounts(place, &moment, &mut copied)?;
        moment.rows_are_taken();
        let segments = moment.segments().iter().map(|one| segment(place, one, before(one.number), &mut copied));
        let segments = segments.collect::<Result<Vec<_>, _>>()?;
        let tail = moment.tail();
        drop(moment);
        let mut parts = Vec::new();
        files(&mut |path, bytes| {
            let (digest, written) = place.put(bytes)?;
            copied.add(written, written);
            parts.push(FilePart { path, digest });
            Ok(())
        })?;
        let (home, hostname, at) = (self.home.clone(), self.hostname.clone(), self.at);
        let manifest = Manifest { format: HOME_FORMAT, home, hostname, at, tail, accounts, segments, files: parts };
        let number = numbers.first().map_or(1, |last| last + 1);
        let path = place.manifest(number);
        place.disk.write_atomic(&path, &manifest.to_bytes(self.vault)?, Visibility::Private).map_err(said(&path))?;
        place.prune(self.keep, |number| self.read(place, number))?;
        Ok((number, manifest, copied.written))
    }
}

fn moment(node: &Node) -> Result<Backup, BackupError> {
    let mut outcome = Err(StoreError::Closed);
    for _ in 0..ATTEMPTS {
        outcome = node.mailroom.store.backup();
        if outcome.is_ok() {
            break;
        }
    }
    Ok(outcome?)
}

fn accounts(place: &Place, moment: &Backup, copied: &mut Copied<'_>) -> Result<Vec<AccountPart>, BackupError> {
    let mut parts = Vec::new();
    for account in moment.accounts() {
        let mut pieces = Vec::new();
        for piece in moment.pieces(account)? {
            let (digest, written) = place.put(&piece)?;
            copied.add(written, written);
            pieces.push(digest);
        }
        parts.push(AccountPart { account, pieces });
    }
    Ok(parts)
}

/// Continues the copy of a segment.
fn segment(
    place: &Place,
    segment: &BackupSegment,
    before: Option<&SegmentPart>,
    copied: &mut Copied<'_>,
) -> Result<SegmentPart, BackupError> {
    let path = place.segment(segment.number);
    let said = said(&path);
    let fresh = || SegmentPart { number: segment.number, stretches: Vec::new() };
    let mut part = before.filter(|part| part.len() <= segment.len).cloned().unwrap_or_else(fresh);
    let mut file = place.disk.open_append(&path, Visibility::Private).map_err(&said)?;
    if file.len() < part.len() {
        // The place has lost some of it: once more from the beginning.
        part = fresh();
    }
    if file.len() > part.len() {
        // What a backup that broke off left behind the last good one.
        file.truncate(part.len()).map_err(&said)?;
    }
    if part.len() == segment.len {
        return Ok(part);
    }
    while part.len() < segment.len {
        let len = (segment.len - part.len()).min(STRETCH_BYTES);
        let mut bytes = vec![0; usize::try_from(len).unwrap_or(usize::MAX)];
        segment
            .read(part.len(), &mut bytes)
            .map_err(|error| BackupError::Segment { number: segment.number, error: error.to_string() })?;
        file.append(&[&bytes]).map_err(&said)?;
        part.stretches.push((len, sha256(&bytes)));
        copied.add(len, len);
    }
    file.sync().map_err(&said)?;
    Ok(part)
}

/// The node's other files: configuration, law, desk, ledger, earlier logs. The desk rests while its cases and the ledger are
/// looked at, so that no case mentions an entry that the copied ledger does not have.
fn files(node: &Node, put: Put<'_>) -> Result<(), BackupError> {
    let dir = &node.dir;
    let read = |path: &Path| node.disk.read(path).map_err(said(path));
    put("node.toml".to_owned(), node.settings()?.as_bytes())?;
    let packages = dir.join("desk").join("packages");
    let (desk, ledger) = node.desk.at_rest(|| {
        let mut desk = Vec::new();
        for path in walk(&dir.join("desk"))?.into_iter().filter(|path| !path.starts_with(&packages)) {
            desk.push((named(dir, &path)?, read(&path)?));
        }
        Ok::<_, BackupError>((desk, node.log.files()?))
    })?;
    for (path, bytes) in &desk {
        put(path.clone(), bytes)?;
    }
    for name in &ledger.fixed {
        let path = dir.join("ledger").join(name);
        put(named(dir, &path)?, &read(&path)?)?;
    }
    for (name, bytes) in &ledger.changing {
        put(named(dir, &dir.join("ledger").join(name))?, bytes)?;
    }
    for folder in [dir.join("law"), packages, dir.join("ledger-before")] {
        for path in walk(&folder)? {
            // A package may be erased while this goes on.
            match node.disk.read(&path) {
                Ok(bytes) => put(named(dir, &path)?, &bytes)?,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(said(&path)(error).into()),
            }
        }
    }
    Ok(())
}

/// The path below the node's directory, with `/`.
fn named(dir: &Path, path: &Path) -> Result<String, BackupError> {
    let name = below(dir, path)?.to_str().map(str::to_owned);
    name.ok_or_else(|| BackupError::NotUtf8(path.to_owned()))
}

/// The path below a folder.
pub(super) fn below<'p>(dir: &Path, path: &'p Path) -> Result<&'p Path, BackupError> {
    path.strip_prefix(dir).map_err(|_| BackupError::NotUtf8(path.to_owned()))
}

/// Every file below a folder of this process's own. See [`walk_at`].
pub(super) fn walk(dir: &Path) -> Result<Vec<PathBuf>, BackupError> {
    walk_at(&OwnFiles, dir)
}

/// Every file below a folder, sorted; none when there is no such folder. Hidden names are unfinished work.
pub(super) fn walk_at(files: &dyn Files, dir: &Path) -> Result<Vec<PathBuf>, BackupError> {
    let mut found = Vec::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = match files.entries(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(said(&folder)(error).into()),
        };
        for path in entries {
            if path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".")) {
                continue;
            }
            let about = match files.about(&path) {
                Ok(about) => about,
                // It was removed meanwhile.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => return Err(said(&path)(error).into()),
            };
            if about.is_dir {
                folders.push(path);
            } else if about.is_file {
                found.push(path);
            }
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// Whether a file holds these bytes.
pub(super) fn is_same(files: &dyn Files, disk: &dyn Disk, path: &Path, bytes: &[u8]) -> bool {
    files.about(path).is_ok_and(|about| about.size_bytes == bytes.len() as u64)
        && disk.read(path).is_ok_and(|found| found == bytes)
}
