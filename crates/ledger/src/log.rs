//! The log: appending and proving. There is one writer per directory, which the node's lock guarantees.
//!
//! The order of an append makes it safe against a power cut: entry bundles, tiles, and last, atomically, the
//! checkpoint. Until the checkpoint is replaced nothing has happened: files beyond its size do not count, and are
//! overwritten, or removed when the log is opened. Once it is replaced, everything it covers is already durable.
//!
//! A log must never sign two histories. A failure while the checkpoint is replaced is therefore resolved by reading
//! which one is there: anyone who has read the newer one from the disk must find it continued.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use durable::{Disk, Visibility};

use crate::LedgerError;
use crate::checkpoint::Checkpoint;
use crate::entry::{Commitment, Opening};
use crate::files::{
    CHECKPOINT, KEYS, VKEY, partials, published_key, read_head, read_history, read_last, read_sized, verified,
};
use crate::hash::Hash;
use crate::keys::{KeyChange, KeyHistory};
use crate::note::{Signer, Verifier};
use crate::receipt::Receipt;
use crate::stage::{Head, Signing, Staged, stage};
use crate::tile::{self, LEVELS, TileRow, WIDTH};
use crate::tree::{Edge, Tree};

/// The log of one home, stored in one directory.
pub struct Log {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    state: Mutex<State>,
}

struct State {
    signing: Signing,
    head: Head,
    /// A head whose checkpoint may or may not have reached the disk.
    in_doubt: Option<Head>,
    /// A failed append may have left files beyond the head.
    unswept: bool,
}

impl Log {
    /// Creates an empty log in `dir` and signs its empty head. Durable when it returns.
    ///
    /// # Errors
    /// [`LedgerError::Exists`] if there already is one; [`LedgerError::Damaged`] if there are tiles without a
    /// checkpoint, which must not be overwritten; [`LedgerError::Malformed`] for an origin that is not a valid key
    /// name; [`LedgerError::Disk`].
    pub fn create(
        disk: Arc<dyn Disk>,
        dir: PathBuf,
        origin: String,
        signer: Arc<dyn Signer>,
    ) -> Result<Self, LedgerError> {
        let verifier = Verifier::new(&origin, signer.public_key())?;
        if disk.exists(&dir.join(CHECKPOINT)) {
            return Err(LedgerError::Exists(dir));
        }
        if disk.exists(&dir.join("tile")) {
            return Err(LedgerError::damaged(&dir.join(CHECKPOINT), "is missing, although there are tiles"));
        }
        let edge = Edge::default();
        let checkpoint = Checkpoint { origin, size: 0, root: edge.root() }.sign(&verifier, &*signer)?;
        let head = Head { size: 0, checkpoint, edge, bundle: Vec::new() };
        let vkey = format!("{verifier}\n");
        let signing = Signing { signer, verifier };
        let state = State { signing, head: head.clone(), in_doubt: None, unswept: false };
        let log = Self { disk, dir, state: Mutex::new(state) };
        log.write(Path::new(VKEY), vkey.as_bytes())?;
        log.write(Path::new(CHECKPOINT), head.checkpoint.as_bytes())?;
        Ok(log)
    }

    /// Opens the log in `dir`. Checks the signature of its checkpoint and that the last tiles match its root, and
    /// removes what an interrupted append left beyond it. ([`crate::verify_dir`] checks all tiles.)
    ///
    /// # Errors
    /// [`LedgerError::Missing`], [`LedgerError::OtherKey`], [`LedgerError::Damaged`], [`LedgerError::Disk`].
    pub fn open(
        disk: Arc<dyn Disk>,
        dir: PathBuf,
        origin: String,
        signer: Arc<dyn Signer>,
    ) -> Result<Self, LedgerError> {
        let verifier = Verifier::new(&origin, signer.public_key())?;
        let (found, checkpoint) = read_head(&*disk, &dir)?;
        if found != verifier {
            return Err(LedgerError::OtherKey { found: found.to_string(), wanted: verifier.to_string() });
        }
        let path = dir.join(CHECKPOINT);
        let signed = verified(&path, &checkpoint, &verifier)?;
        let mut levels: [Vec<Hash>; LEVELS as usize] = Default::default();
        for (level, hashes) in (0..LEVELS).zip(&mut levels) {
            *hashes = tile::hashes_from_bytes(&read_last(&*disk, &dir, TileRow::Level(level), signed.size)?);
        }
        let edge = Edge::new(levels);
        let bundle_bytes = read_last(&*disk, &dir, TileRow::Entries, signed.size)?;
        let bundle = tile::bundle_from_bytes(&bundle_bytes).unwrap_or_default();
        if edge.root() != signed.root {
            return Err(LedgerError::damaged(&path, "its root does not match the tiles"));
        }
        if !bundle.iter().map(Commitment::leaf).eq(edge.level(0).iter().copied()) {
            let path = dir.join(TileRow::Entries.path(signed.size / WIDTH, signed.size % WIDTH));
            return Err(LedgerError::damaged(&path, "its entries do not match the tile at level 0"));
        }
        let head = Head { size: signed.size, checkpoint, edge, bundle };
        let signing = Signing { signer, verifier };
        let log = Self { disk, dir, state: Mutex::new(State { signing, head, in_doubt: None, unswept: true }) };
        log.sweep(&mut log.lock())?;
        Ok(log)
    }

    /// Records `commitments` in order and returns a proof for each. When it returns, they and every file that the new
    /// checkpoint covers are durable.
    ///
    /// # Errors
    /// [`LedgerError::Disk`]: the log is unchanged. [`LedgerError::InDoubt`]: the disk failed in the one step where the
    /// result is unknown; treat the entries as not recorded, whatever turns up later (an entry for something that was
    /// not done is harmless, the reverse is not).
    pub fn append(&self, commitments: &[Commitment]) -> Result<Vec<Receipt>, LedgerError> {
        let mut state = self.lock();
        self.settle(&mut state)?;
        if commitments.is_empty() {
            return Ok(Vec::new());
        }
        self.sweep(&mut state)?;

        let staged = stage(&state.signing, &state.head, commitments)?;
        let receipts = self.prove(&state.head, &staged)?;

        state.unswept = true;
        for (path, bytes) in &staged.files {
            self.write(path, bytes)?;
        }
        if let Err(failed) = self.write(Path::new(CHECKPOINT), staged.head.checkpoint.as_bytes()) {
            state.in_doubt = Some(staged.head);
            self.settle(&mut state)?;
            if state.head.size == receipts.first().map_or(0, |receipt| receipt.index) {
                return Err(failed);
            }
        } else {
            state.head = staged.head;
            state.unswept = false;
        }
        self.prune(&staged.full);
        Ok(receipts)
    }

    /// The signed head.
    pub fn checkpoint(&self) -> String {
        self.lock().head.checkpoint.clone()
    }

    /// The number of entries.
    pub fn size(&self) -> u64 {
        self.lock().head.size
    }

    /// The verifier key of the current signer, to be published.
    pub fn verifier(&self) -> Verifier {
        self.lock().signing.verifier.clone()
    }

    /// The earlier signing keys.
    ///
    /// # Errors
    /// [`LedgerError::Disk`], [`LedgerError::Damaged`].
    pub fn key_history(&self) -> Result<KeyHistory, LedgerError> {
        let _state = self.lock();
        read_history(&*self.disk, &self.dir)
    }

    /// Makes `new` the signing key. `opening` is the entry at `index` that announced it
    /// ([`key_change_statement`](crate::key_change_statement)). Durable when it returns; until then, and after an
    /// error, the old key signs, and the call can be repeated with the same key, also after a restart.
    ///
    /// The order makes it safe: the history, then the head under both keys, then the published key. A reader in between
    /// always finds a head that the published key has signed.
    ///
    /// # Errors
    /// [`LedgerError::OutOfRange`] or [`LedgerError::Malformed`] for an entry that is not in this log or says something
    /// else; [`LedgerError::Disk`], [`LedgerError::InDoubt`].
    pub fn change_key(&self, new: Arc<dyn Signer>, opening: &Opening, index: u64) -> Result<(), LedgerError> {
        let mut state = self.lock();
        self.settle(&mut state)?;
        let old = state.signing.clone();
        let verifier = Verifier::new(old.verifier.name(), new.public_key())?;
        if verifier == old.verifier {
            return Ok(());
        }
        within(index.saturating_add(1), state.head.size)?;
        let mut history = read_history(&*self.disk, &self.dir)?;
        history.withdraw(&verifier);
        let (one, two) = ((&old.verifier, &*old.signer), (&verifier, &*new));
        history.push(KeyChange::sign(one, two, index, state.head.size, opening)?)?;
        self.write(Path::new(KEYS), history.to_text().as_bytes())?;

        let signed = Checkpoint::verify(&state.head.checkpoint, &old.verifier)?;
        let checkpoint = signed.sign(&old.verifier, &*old.signer)? + &verifier.signature_line(&signed.text(), &*new)?;
        let head = Head { checkpoint, ..state.head.clone() };
        if let Err(failed) = self.write(Path::new(CHECKPOINT), head.checkpoint.as_bytes()) {
            state.in_doubt = Some(head);
            self.settle(&mut state)?;
            return Err(failed);
        }
        state.head = head;
        let vkey = format!("{verifier}\n");
        let published = self.write(Path::new(VKEY), vkey.as_bytes());
        // A failed write may have taken effect: the published key is the one that signs.
        if published.is_err() && published_key(&*self.disk, &self.dir)? != verifier {
            return published;
        }
        state.signing = Signing { signer: new, verifier };
        Ok(())
    }

    /// The inclusion proof of entry `index` in the tree of the first `size` entries.
    ///
    /// # Errors
    /// [`LedgerError::OutOfRange`], [`LedgerError::Disk`], [`LedgerError::Damaged`].
    pub fn inclusion(&self, index: u64, size: u64) -> Result<Vec<Hash>, LedgerError> {
        let state = self.lock();
        within(size, state.head.size)?;
        within(index.saturating_add(1), size)?;
        Tree::new(&|level, tile| self.tile(&state.head, level, tile)).inclusion(index, size)
    }

    /// The consistency proof between the trees of the first `old` and the first `new` entries.
    ///
    /// # Errors
    /// [`LedgerError::OutOfRange`], [`LedgerError::Disk`], [`LedgerError::Damaged`].
    pub fn consistency(&self, old: u64, new: u64) -> Result<Vec<Hash>, LedgerError> {
        let state = self.lock();
        within(new, state.head.size)?;
        within(old, new)?;
        Tree::new(&|level, tile| self.tile(&state.head, level, tile)).consistency(old, new)
    }

    /// Receipts for these entries, all against the current checkpoint, as a package contains them.
    ///
    /// # Errors
    /// As [`Log::inclusion`].
    pub fn receipts(&self, indexes: &[u64]) -> Result<Vec<Receipt>, LedgerError> {
        let state = self.lock();
        let read = |level, tile| self.tile(&state.head, level, tile);
        let tree = Tree::new(&read);
        let prove = |&index: &u64| {
            within(index.saturating_add(1), state.head.size)?;
            let proof = tree.inclusion(index, state.head.size)?;
            Ok(Receipt { index, proof, checkpoint: state.head.checkpoint.clone() })
        };
        indexes.iter().map(prove).collect()
    }

    /// Reads the files while nothing is being appended; `look` gets the size and a function that reads a file by its
    /// path below the directory.
    pub(crate) fn at_rest<T>(
        &self,
        look: impl FnOnce(u64, &dyn Fn(&Path) -> Result<Vec<u8>, LedgerError>) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        let mut state = self.lock();
        self.settle(&mut state)?;
        look(state.head.size, &|name| {
            let path = self.dir.join(name);
            self.disk.read(&path).map_err(|source| LedgerError::disk(&path, source))
        })
    }

    /// The state is only ever replaced as a whole, so it is consistent even after a panic.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The hashes of a tile of `head`.
    fn tile(&self, head: &Head, level: u8, index: u64) -> Result<Vec<Hash>, LedgerError> {
        if index >= TileRow::Level(level).items(head.size) / WIDTH {
            return Ok(head.edge.level(level).to_vec());
        }
        let path = self.dir.join(TileRow::Level(level).full_path(index));
        Ok(tile::hashes_from_bytes(&read_sized(&*self.disk, &path, WIDTH as usize * 32)?))
    }

    /// Writes one file under the log's directory. Durable when it returns.
    fn write(&self, name: &Path, bytes: &[u8]) -> Result<(), LedgerError> {
        let path = self.dir.join(name);
        let written = match path.parent() {
            Some(parent) if !self.disk.exists(parent) => self.disk.create_dir_all(parent),
            _ => Ok(()),
        };
        written
            .and_then(|()| self.disk.write_atomic(&path, bytes, Visibility::Shared))
            .map_err(|source| LedgerError::disk(&path, source))
    }

    /// The receipts for what `staged` adds to `head`. Called before anything is written, so that an unreadable tile
    /// fails the whole append.
    fn prove(&self, head: &Head, staged: &Staged) -> Result<Vec<Receipt>, LedgerError> {
        let next = &staged.head;
        let read = |level, index| match staged.full.get(&(level, index)) {
            Some(hashes) => Ok(hashes.clone()),
            None => self.tile(next, level, index),
        };
        let tree = Tree::new(&read);
        (head.size..next.size)
            .map(|index| {
                let proof = tree.inclusion(index, next.size)?;
                Ok(Receipt { index, proof, checkpoint: next.checkpoint.clone() })
            })
            .collect()
    }

    /// If the last checkpoint write is in doubt, finds out which checkpoint the disk has and makes it durable.
    fn settle(&self, state: &mut State) -> Result<(), LedgerError> {
        let Some(next) = state.in_doubt.take() else { return Ok(()) };
        let path = self.dir.join(CHECKPOINT);
        let settled = match self.disk.read(&path) {
            Ok(found) if found == state.head.checkpoint.as_bytes() => return Ok(()),
            // It is visible, but perhaps not durable; rewriting and syncing it makes it so.
            Ok(found) if found == next.checkpoint.as_bytes() => {
                self.disk.write_atomic(&path, next.checkpoint.as_bytes(), Visibility::Shared)
            }
            Ok(_) => Err(io::Error::other("the checkpoint on disk is neither the old nor the new one")),
            Err(source) => Err(source),
        };
        match settled {
            Ok(()) => {
                state.head = next;
                state.unswept = false;
                Ok(())
            }
            Err(source) => {
                state.in_doubt = Some(next);
                Err(LedgerError::InDoubt { source })
            }
        }
    }

    /// Removes what a failed or interrupted append left beyond the head. Files are written in ascending order, so they
    /// have no gap after the head's last file; they are removed in descending order to keep it so.
    fn sweep(&self, state: &mut State) -> Result<(), LedgerError> {
        if !state.unswept {
            return Ok(());
        }
        for row in TileRow::all() {
            let items = row.items(state.head.size);
            let mut beyond = Vec::new();
            let (mut index, mut keep) = (items / WIDTH, items % WIDTH);
            loop {
                let full = row.full_path(index);
                let full_there = self.disk.exists(&self.dir.join(&full));
                let partials = self.partials(row, index)?;
                if !full_there && partials.is_none() && index > items / WIDTH {
                    break;
                }
                let partials = partials.unwrap_or_default().into_iter().filter(|width| *width > keep);
                beyond.extend(partials.map(|width| row.path(index, width)));
                beyond.extend(full_there.then_some(full));
                (index, keep) = (index + 1, 0);
            }
            for path in beyond.iter().rev().map(|name| self.dir.join(name)) {
                self.disk.remove(&path).map_err(|source| LedgerError::disk(&path, source))?;
            }
        }
        state.unswept = false;
        Ok(())
    }

    /// The widths of the partial files of `index`, ascending; `None` if there never were any.
    fn partials(&self, row: TileRow, index: u64) -> Result<Option<Vec<u64>>, LedgerError> {
        partials(&*self.disk, &self.dir, row, index)
    }

    /// Removes the partial files of tiles that are now full, as tlog-tiles permits. A failure is harmless.
    fn prune(&self, full: &BTreeMap<(u8, u64), Vec<Hash>>) {
        for &(level, index) in full.keys() {
            let rows = [TileRow::Level(level), TileRow::Entries];
            for row in &rows[..if level == 0 { 2 } else { 1 }] {
                for width in self.partials(*row, index).ok().flatten().unwrap_or_default() {
                    let _ = self.disk.remove(&self.dir.join(row.path(index, width)));
                }
            }
        }
    }
}

fn within(asked: u64, size: u64) -> Result<(), LedgerError> {
    if asked <= size { Ok(()) } else { Err(LedgerError::OutOfRange { asked, size }) }
}
