//! Finding all damage in a log, not only the first, to learn how much of it is intact.
//!
//! A bundle of entries, the tile of their hashes and the hash of that tile one level up are three records of the same
//! thing. If two agree against the third, the third is damaged, and the check continues with the two.

use std::path::{Path, PathBuf};

use durable::Disk;

use crate::LedgerError;
use crate::audit::{Audit, Report, verify_dir};
use crate::checkpoint::Checkpoint;
use crate::entry::Commitment;
use crate::files::{CHECKPOINT, read_head, read_history, verified};
use crate::hash::Hash;
use crate::merkle::root_over;
use crate::note::Verifier;
use crate::tile::{self, LEVELS, TileRow, WIDTH};
use crate::tree::Edge;

/// The result of [`survey_dir`].
#[derive(Debug)]
pub struct Survey {
    /// The report of [`verify_dir`], if nothing is damaged.
    pub report: Option<Report>,
    /// All damage found, in the order of the files; empty if there is a report.
    pub damages: Vec<LedgerError>,
}

/// Like [`verify_dir`], but continues after the first damage. Reads only.
pub fn survey_dir(disk: &dyn Disk, dir: &Path, expected: Option<&Verifier>) -> Survey {
    let first = match verify_dir(disk, dir, expected) {
        Ok(report) => return Survey { report: Some(report), damages: Vec::new() },
        Err(error) => error,
    };
    if matches!(first, LedgerError::Missing(_) | LedgerError::OtherKey { .. }) {
        return Survey { report: None, damages: vec![first] };
    }
    let mut walk = Walk { disk, dir, damages: Vec::new(), signed: None };
    walk.head(expected);
    walk.files();
    if walk.damages.is_empty() {
        walk.damages.push(first);
    }
    Survey { report: None, damages: walk.damages }
}

struct Walk<'a> {
    disk: &'a dyn Disk,
    dir: &'a Path,
    damages: Vec<LedgerError>,
    signed: Option<Checkpoint>,
}

impl Walk<'_> {
    /// Checks the key, the key history and the signed head.
    fn head(&mut self, expected: Option<&Verifier>) {
        if let Err(error) = read_history(self.disk, self.dir) {
            self.damages.push(error);
        }
        let path = self.dir.join(CHECKPOINT);
        let (published, note) = match read_head(self.disk, self.dir) {
            Ok((published, note)) => (Some(published), Ok(note)),
            Err(error) => {
                self.damages.push(error);
                let note = self.disk.read(&path).map_err(|source| LedgerError::disk(&path, source));
                (None, note.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
            }
        };
        let Some(verifier) = published.as_ref().or(expected) else { return };
        match note.and_then(|note| verified(&path, &note, verifier)) {
            Ok(signed) => self.signed = Some(signed),
            Err(error) => self.damages.push(error),
        }
    }

    /// The number of entries: as signed, or else according to the files.
    fn size(&self) -> u64 {
        if let Some(signed) = &self.signed {
            return signed.size;
        }
        let mut full = 0;
        while self.disk.exists(&self.dir.join(TileRow::Entries.full_path(full))) {
            full += 1;
        }
        let partials = crate::files::partials(self.disk, self.dir, TileRow::Entries, full).ok().flatten();
        full * WIDTH + partials.unwrap_or_default().last().copied().unwrap_or(0)
    }

    fn files(&mut self) {
        let size = self.size();
        let mut edge = Some(Edge::default());
        let mut audit = Audit { disk: self.disk, dir: self.dir, size, files: 0 };
        for index in 0..size.div_ceil(WIDTH) {
            let leaves = self.leaves(&mut audit, index, edge.as_ref());
            let Some((leaves, whole)) = leaves.zip(edge.as_mut()) else {
                // Neither entries nor their hashes are left: the levels above cannot be computed, only read.
                edge = None;
                continue;
            };
            for leaf in leaves {
                for (level, hashes) in (0_u8..).zip(whole.push(leaf)).skip(1) {
                    let index = index >> (8 * u32::from(level));
                    let bytes = tile::hashes_to_bytes(&hashes);
                    self.damages.extend(audit.row_file(TileRow::Level(level), index, Some(&bytes)).err());
                }
            }
        }
        let Some(edge) = edge else { return };
        for level in 1..LEVELS {
            let hashes = edge.level(level);
            if !hashes.is_empty() {
                let index = TileRow::Level(level).items(size) / WIDTH;
                let bytes = tile::hashes_to_bytes(hashes);
                self.damages.extend(audit.row_file(TileRow::Level(level), index, Some(&bytes)).err());
            }
        }
        let fits = self.signed.as_ref().is_none_or(|signed| signed.root == edge.root());
        if !fits && self.damages.is_empty() {
            let path = self.dir.join(CHECKPOINT);
            self.damages.push(LedgerError::damaged(&path, "its root does not match the entries"));
        }
    }

    /// The leaf hashes of a bundle, from the entries or from their tile, whichever is intact; the other is reported.
    fn leaves(&mut self, audit: &mut Audit<'_>, index: u64, edge: Option<&Edge>) -> Option<Vec<Hash>> {
        let bundle = audit.row_bytes(TileRow::Entries, index).and_then(|(path, bytes)| {
            let entries =
                tile::bundle_from_bytes(&bytes).map_err(|error| LedgerError::damaged(&path, error.to_string()))?;
            Ok((entries.iter().map(Commitment::leaf).collect::<Vec<_>>(), bytes))
        });
        let tile = audit.row_bytes(TileRow::Level(0), index).map(|(_, bytes)| tile::hashes_from_bytes(&bytes));
        // Compare superseded files with what is intact.
        let before = self.damages.len();
        let (bundle, bytes) = match bundle {
            Ok((leaves, bytes)) => (Ok(leaves), Some(bytes)),
            Err(error) => (Err(error), None),
        };
        let leaves = self.sounder(audit, index, edge, bundle, tile)?;
        let entries_are_sound = bytes.as_deref().and_then(|bytes| tile::bundle_from_bytes(bytes).ok());
        let entries_are_sound =
            entries_are_sound.is_some_and(|entries| entries.iter().map(Commitment::leaf).eq(leaves.iter().copied()));
        if let Some(bytes) = bytes.filter(|_| entries_are_sound) {
            self.damages.extend(audit.older(TileRow::Entries, index, &bytes).err());
        }
        if entries_are_sound || self.damages.len() == before {
            self.damages.extend(audit.older(TileRow::Level(0), index, &tile::hashes_to_bytes(&leaves)).err());
        }
        Some(leaves)
    }

    /// Of the two records of the leaves, the one to continue with; a damaged one is reported.
    fn sounder(
        &mut self,
        audit: &mut Audit<'_>,
        index: u64,
        edge: Option<&Edge>,
        bundle: Result<Vec<Hash>, LedgerError>,
        tile: Result<Vec<Hash>, LedgerError>,
    ) -> Option<Vec<Hash>> {
        match (bundle, tile) {
            (Ok(bundle), Ok(tile)) if bundle == tile => Some(bundle),
            (Ok(bundle), Ok(tile)) => {
                let mut confirmed = |leaves: &[Hash]| self.confirms(audit, index, edge, leaves);
                let (row, why, leaves) = match (confirmed(&bundle), confirmed(&tile)) {
                    (false, true) => (TileRow::Entries, "its entries do not match the hashes in the tree", tile),
                    (true, _) => (TileRow::Level(0), "its hashes do not match the entries", bundle),
                    (false, false) => (
                        TileRow::Entries,
                        "it and the tile of its hashes disagree, and neither can be confirmed",
                        bundle,
                    ),
                };
                self.damages.push(LedgerError::damaged(&self.path(audit, row, index), why));
                Some(leaves)
            }
            (bundle, tile) => {
                let leaves = bundle.as_ref().ok().or(tile.as_ref().ok()).cloned();
                self.damages.extend(bundle.err());
                self.damages.extend(tile.err());
                leaves
            }
        }
    }

    /// Whether the level above confirms these leaves: the hash of their tile, or the signed root.
    fn confirms(&self, audit: &mut Audit<'_>, index: u64, edge: Option<&Edge>, leaves: &[Hash]) -> bool {
        if leaves.len() == WIDTH as usize
            && let Ok(parent) = audit.row_file(TileRow::Level(1), index / WIDTH, None)
        {
            return tile::hashes_from_bytes(&parent).get((index % WIDTH) as usize) == Some(&root_over(leaves));
        }
        let (Some(mut edge), Some(signed)) = (edge.cloned(), &self.signed) else { return false };
        leaves.iter().for_each(|leaf| drop(edge.push(*leaf)));
        edge.root() == signed.root
    }

    fn path(&self, audit: &Audit<'_>, row: TileRow, index: u64) -> PathBuf {
        self.dir.join(row.path(index, WIDTH.min(row.items(audit.size) - index * WIDTH)))
    }
}
