//! Verifying a copy of the log from its files alone: `bailiwick ledger verify DIR`.

use std::fmt;
use std::path::{Path, PathBuf};

use durable::Disk;

use crate::LedgerError;
use crate::checkpoint::Checkpoint;
use crate::entry::Commitment;
use crate::files::{CHECKPOINT, KEYS, partials, read_head, read_history, read_sized, verified};
use crate::hash::Hash;
use crate::keys::KeyHistory;
use crate::note::Verifier;
use crate::tile::{self, LEVELS, TileRow, WIDTH};
use crate::tree::Edge;

/// The result of a successful verification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The key that signed the checkpoint.
    pub verifier: Verifier,
    /// Whether the caller supplied that key. If not, it was read from beside the files: they are consistent, as they
    /// would also be if someone had replaced all of them.
    pub key_given: bool,
    /// The number of entries; all were read.
    pub size: u64,
    /// The root, computed from the entries.
    pub root: Hash,
    /// The number of tiles and entry bundles checked, including superseded partial ones.
    pub files: u64,
    /// The earlier keys, each superseded by the next in an entry of the log.
    pub history: KeyHistory,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "origin     {}", self.verifier.name())?;
        let given = if self.key_given { "as given" } else { "read from the folder; compare it with the published one" };
        writeln!(f, "key        {} ({given})", self.verifier)?;
        for change in self.history.changes() {
            writeln!(f, "before     {} until entry {}, change signed by both keys", change.old, change.index)?;
        }
        writeln!(f, "entries    {}, all read", self.size)?;
        writeln!(f, "root       {}, computed from the entries and matching the signed checkpoint", self.root)?;
        write!(f, "files      {} tiles and bundles, all consistent", self.files)
    }
}

/// Verifies the log in `dir`: the checkpoint's signature (by `expected`, or else by the `vkey` beside it), every entry
/// bundle, every tile, that the entries hash to the signed root, and that each change of key is recorded in an entry.
/// `expected` may be one of the log's earlier keys. Files beyond the checkpoint's size belong to an append in progress,
/// or an interrupted one, and are ignored. Reads only.
///
/// # Errors
/// [`LedgerError::Damaged`] names the first file that is wrong; [`LedgerError::OtherKey`], [`LedgerError::Missing`],
/// [`LedgerError::Disk`].
pub fn verify_dir(disk: &dyn Disk, dir: &Path, expected: Option<&Verifier>) -> Result<Report, LedgerError> {
    let (verifier, note) = read_head(disk, dir)?;
    let history = read_history(disk, dir)?;
    if let Some(expected) = expected.filter(|expected| !history.leads(expected, &verifier)) {
        return Err(LedgerError::OtherKey { found: verifier.to_string(), wanted: expected.to_string() });
    }
    let path = dir.join(CHECKPOINT);
    let signed = verified(&path, &note, &verifier)?;
    check_history(&dir.join(KEYS), &history, &verifier, signed.size)?;
    let mut audit = Audit { disk, dir, size: signed.size, files: 0 };
    let mut edge = Edge::default();
    for index in 0..signed.size.div_ceil(WIDTH) {
        let path = dir.join(TileRow::Entries.full_path(index));
        let bytes = audit.row_file(TileRow::Entries, index, None)?;
        let entries = tile::bundle_from_bytes(&bytes)
            .map_err(|error| LedgerError::damaged(&path, format!("bundle {index}: {error}")))?;
        for change in history.changes().iter().filter(|change| change.index / WIDTH == index) {
            if entries.get((change.index % WIDTH) as usize) != Some(&change.opening.commitment()) {
                let why = format!("entry {} does not announce the change of key", change.index);
                return Err(LedgerError::damaged(&dir.join(KEYS), why));
            }
        }
        for leaf in entries.iter().map(Commitment::leaf) {
            for (level, hashes) in (0..).zip(edge.push(leaf)) {
                // A level 0 tile becomes full with its bundle, a higher one with the 256th tile below it.
                let index = index >> (8 * u32::from(level));
                audit.row_file(TileRow::Level(level), index, Some(&tile::hashes_to_bytes(&hashes)))?;
            }
        }
    }
    for level in 0..LEVELS {
        let hashes = edge.level(level);
        if !hashes.is_empty() {
            let index = TileRow::Level(level).items(signed.size) / WIDTH;
            audit.row_file(TileRow::Level(level), index, Some(&tile::hashes_to_bytes(hashes)))?;
        }
    }
    if edge.root() != signed.root {
        return Err(LedgerError::damaged(&path, "its root does not match the entries"));
    }
    Ok(Report {
        verifier,
        key_given: expected.is_some(),
        size: signed.size,
        root: signed.root,
        files: audit.files,
        history,
    })
}

/// Checks that the history ends in the current key, or in a change that was begun but not completed, and that the
/// entries it refers to exist.
fn check_history(path: &Path, history: &KeyHistory, now: &Verifier, size: u64) -> Result<(), LedgerError> {
    let Some(last) = history.changes().last() else { return Ok(()) };
    if last.new != *now && last.old != *now {
        return Err(LedgerError::damaged(path, "does not lead to the key that signs the log"));
    }
    if last.new == *now && last.size > size {
        return Err(LedgerError::damaged(path, "refers to more entries than there are: the log was truncated"));
    }
    Ok(())
}

/// Checks that the log in `dir` still begins with the entries of an older checkpoint, that is, that none of them was
/// removed or rewritten. `older` is the signed note, as someone saved it then; the entries are read and hashed again.
/// Call it after [`verify_dir`], with the same key. The older checkpoint may be signed by an earlier key of the log,
/// for as many entries as that key signed.
///
/// # Errors
/// [`LedgerError::Signature`] for a checkpoint that this log did not sign; [`LedgerError::Damaged`] if the log is
/// shorter or begins differently: the two checkpoints are then proof that the log was rewritten.
pub fn verify_extends(
    disk: &dyn Disk,
    dir: &Path,
    older: &str,
    verifier: &Verifier,
) -> Result<Checkpoint, LedgerError> {
    let history = read_history(disk, dir)?;
    let older = by_any_key(older, verifier, &history)?;
    let (_, note) = read_head(disk, dir)?;
    let path = dir.join(CHECKPOINT);
    let signed = verified(&path, &note, verifier)?;
    if older.size > signed.size {
        let what =
            format!("it has {} entries, but {} were signed before: the log was truncated", signed.size, older.size);
        return Err(LedgerError::damaged(&path, what));
    }
    let mut audit = Audit { disk, dir, size: signed.size, files: 0 };
    let mut edge = Edge::default();
    let mut left = older.size;
    for index in 0..older.size.div_ceil(WIDTH) {
        let bundle = dir.join(TileRow::Entries.full_path(index));
        let bytes = audit.row_file(TileRow::Entries, index, None)?;
        let entries = tile::bundle_from_bytes(&bytes)
            .map_err(|error| LedgerError::damaged(&bundle, format!("bundle {index}: {error}")))?;
        for leaf in entries.iter().take(left.min(WIDTH) as usize).map(Commitment::leaf) {
            edge.push(leaf);
        }
        left = left.saturating_sub(WIDTH);
    }
    if edge.root() == older.root {
        Ok(older)
    } else {
        Err(LedgerError::damaged(
            &path,
            "it does not begin with the entries of the older checkpoint: the log was rewritten",
        ))
    }
}

/// Verifies a checkpoint signed by the log's key, or by an earlier one within the entries that it signed.
fn by_any_key(note: &str, verifier: &Verifier, history: &KeyHistory) -> Result<Checkpoint, LedgerError> {
    let retired = history.changes().iter().filter(|change| history.leads(&change.old, verifier));
    let retired = retired.filter(|change| change.old != *verifier).find_map(|change| {
        Checkpoint::verify(note, &change.old).ok().filter(|checkpoint| checkpoint.size <= change.size)
    });
    Checkpoint::verify(note, verifier).or_else(|error| retired.ok_or(error))
}

pub(crate) struct Audit<'a> {
    pub(crate) disk: &'a dyn Disk,
    pub(crate) dir: &'a Path,
    pub(crate) size: u64,
    /// Files compared so far.
    pub(crate) files: u64,
}

impl Audit<'_> {
    /// Reads file `index` of `row`, compares it with `expected` if given, and compares the superseded partial files of
    /// the same index with it.
    pub(crate) fn row_file(
        &mut self,
        row: TileRow,
        index: u64,
        expected: Option<&[u8]>,
    ) -> Result<Vec<u8>, LedgerError> {
        let (path, bytes) = self.row_bytes(row, index)?;
        if expected.is_some_and(|expected| expected != bytes) {
            return Err(LedgerError::damaged(&path, "its hashes do not match the entries"));
        }
        self.older(row, index, &bytes)?;
        Ok(bytes)
    }

    /// Reads file `index` of `row`.
    pub(crate) fn row_bytes(&mut self, row: TileRow, index: u64) -> Result<(PathBuf, Vec<u8>), LedgerError> {
        let width = WIDTH.min(row.items(self.size) - index * WIDTH);
        let item = row.item_size_bytes();
        let mut path = self.dir.join(row.path(index, width));
        let mut stored = width;
        if width < WIDTH && !self.disk.exists(&path) {
            // A running log may have filled it since the checkpoint was read and removed the partial one.
            let full = self.dir.join(row.full_path(index));
            if self.disk.exists(&full) {
                (path, stored) = (full, WIDTH);
            }
        }
        let mut bytes = read_sized(self.disk, &path, stored as usize * item)?;
        bytes.truncate(width as usize * item);
        self.files += 1;
        Ok((path, bytes))
    }

    /// Compares the superseded partial files of `index` with the file that superseded them.
    pub(crate) fn older(&mut self, row: TileRow, index: u64, bytes: &[u8]) -> Result<(), LedgerError> {
        let item = row.item_size_bytes();
        let width = (bytes.len() / item) as u64;
        for older in partials(self.disk, self.dir, row, index)?.unwrap_or_default() {
            if older >= width {
                continue;
            }
            let path = self.dir.join(row.path(index, older));
            if bytes.get(..older as usize * item) != Some(&read_sized(self.disk, &path, older as usize * item)?[..]) {
                return Err(LedgerError::damaged(&path, "is not a prefix of the file that superseded it"));
            }
            self.files += 1;
        }
        Ok(())
    }
}
