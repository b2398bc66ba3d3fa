//! A disk in memory that fails when told, and that loses power.
//!
//! What it models, after how real disks and kernels fail:
//! * the n-th write or sync "failed": the caller gets an error, and nothing of that step reached the disk;
//! * "failed but persisted": the caller gets an error, and all of it did (a commit whose answer was lost);
//! * after a failed sync the un-synced bytes count as clean: the next sync is a success and persists none of them, as
//!   Linux does;
//! * a full disk: from some number of bytes on, appends fail with `StorageFull` until space returns;
//! * a disk that does not answer: syncs wait until a test ends it;
//! * a power cut: of what was not synced, each file keeps nothing, all, a beginning, or a torn mixture in which some
//!   512-byte sectors are what was written and others are zero; a file that is written in blocks has zeros up to the end of
//!   its last block. Every open handle is dead afterwards.
//!
//! Names are durable at once, as the contract of [`Disk`] asks.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use durable::{AppendFile, BLOCK_BYTES, Disk, ReadAt, Visibility};

use crate::SeededEntropy;

/// A disk in memory that never fails on its own. The same as a [`FaultyDisk`] without a plan.
pub type MemoryDisk = FaultyDisk;

/// How a step fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// An error, and nothing happened.
    Failed,
    /// An error, and yet it happened.
    FailedButPersisted,
}

/// The disk. Clones share everything: give one to the code under test and keep one to cut the power.
#[derive(Clone, Default)]
pub struct FaultyDisk(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    files: BTreeMap<PathBuf, Content>,
    dirs: BTreeSet<PathBuf>,
    /// Steps that change something, counted from 0: appends, syncs, truncations, atomic writes, removals, creations.
    steps: u64,
    syncs: u64,
    /// The step that fails, and how.
    plan: Option<(u64, Fault)>,
    /// How many bytes all files together may have.
    space_bytes: Option<u64>,
    /// How long a sync takes, so that a test can see calls share one.
    sync_takes: Duration,
    /// Whether syncs wait until this ends.
    stalled: bool,
    /// Counts power cuts: a handle of an earlier life is dead.
    life: u64,
    /// What lies in blocks that were given back without being overwritten.
    freed: Vec<Vec<u8>>,
    /// Old files that were replaced and are to be overwritten still, with their directory.
    doomed: Vec<(PathBuf, Vec<u8>)>,
}

#[derive(Default)]
struct Content {
    /// What a reader sees: everything written.
    seen: Vec<u8>,
    /// What survives a power cut for certain.
    synced: Vec<u8>,
    /// From where on `seen` may differ from `synced`, unless a failed sync made the kernel forget.
    dirty_from: Option<usize>,
    /// Whether it was written in blocks in this life of the disk: a power cut leaves the last one whole.
    in_blocks: bool,
    /// Whether who writes it in blocks has it open still.
    open_in_blocks: bool,
}

impl FaultyDisk {
    /// An empty disk without faults.
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the step with this number (see [`steps`](Self::steps)) fail. One plan at a time; a new one replaces it.
    pub fn fail_step(&self, step: u64, fault: Fault) {
        self.state().plan = Some((step, fault));
    }

    /// How many steps were taken: appends, syncs, truncations, atomic writes, removals, and creations of a file. The
    /// next one has this number.
    pub fn steps(&self) -> u64 {
        self.state().steps
    }

    /// How many syncs of appended files were asked for.
    pub fn syncs(&self) -> u64 {
        self.state().syncs
    }

    /// Lets every later sync of an appended file take this long.
    pub fn slow_syncs(&self, takes: Duration) {
        self.state().sync_takes = takes;
    }

    /// Lets every sync of an appended file wait until this is called with `false`: a disk that does not answer.
    pub fn stall_syncs(&self, stalled: bool) {
        self.state().stalled = stalled;
    }

    /// Gives the disk room for this many bytes in all; `None` for no limit.
    pub fn limit_space(&self, bytes: Option<u64>) {
        self.state().space_bytes = bytes;
    }

    /// The bytes of all files together, as a reader sees them.
    pub fn used_bytes(&self) -> u64 {
        self.state().used()
    }

    /// What somebody reads who takes the medium itself: the octets of every file, and of every block that was given back
    /// without being overwritten. Each piece is what lay together, and is named once.
    pub fn image(&self) -> BTreeSet<Vec<u8>> {
        let state = self.state();
        let files = state.files.values().flat_map(|content| [content.seen.clone(), content.synced.clone()]);
        let doomed = state.doomed.iter().map(|(_, bytes)| bytes.clone());
        files.chain(doomed).chain(state.freed.iter().cloned()).collect()
    }

    /// Cuts the power: un-synced bytes are lost, kept or torn as `chance` has it, and every open handle is dead.
    pub fn cut_power(&self, chance: &SeededEntropy) {
        let mut state = self.state();
        state.life += 1;
        state.plan = None;
        for content in state.files.values_mut() {
            content.survive(chance);
            content.fill_last_block(chance);
        }
    }

    /// Changes a byte that is on the disk already, as a failing medium does. Panics when there is no such byte.
    pub fn flip_byte(&self, path: &Path, offset: usize) {
        let mut state = self.state();
        let Some(content) = state.files.get_mut(path) else {
            unreachable!("no file {}", path.display());
        };
        content.seen[offset] ^= 0xff;
        if let Some(byte) = content.synced.get_mut(offset) {
            *byte ^= 0xff;
        }
    }
}

impl Content {
    /// A file that was written and synced.
    fn whole(bytes: &[u8]) -> Self {
        Self { seen: bytes.to_vec(), synced: bytes.to_vec(), ..Self::default() }
    }

    fn persist(&mut self) {
        if self.dirty_from.take().is_some() {
            self.synced.clone_from(&self.seen);
        }
    }

    /// How long the file is, zeros behind its end included.
    fn len(&self) -> usize {
        if self.open_in_blocks { self.seen.len().next_multiple_of(BLOCK_BYTES) } else { self.seen.len() }
    }

    /// After a power cut nobody has cut what is behind the end of a file that was open, and the cut of who closed one may be
    /// lost.
    fn fill_last_block(&mut self, chance: &SeededEntropy) {
        if self.in_blocks && (self.open_in_blocks || chance.below(2) == 0) {
            let len = self.seen.len().next_multiple_of(BLOCK_BYTES);
            self.seen.resize(len, 0);
            self.synced.clone_from(&self.seen);
        }
        (self.in_blocks, self.open_in_blocks) = (false, false);
    }

    /// What a reader has of it: with the zeros behind its end.
    fn read(&self) -> Vec<u8> {
        let mut bytes = self.seen.clone();
        bytes.resize(self.len(), 0);
        bytes
    }

    /// What is left after a power cut.
    fn survive(&mut self, chance: &SeededEntropy) {
        let (Some(from), false) = (self.dirty_from, self.seen.len() <= self.synced.len()) else {
            self.dirty_from = None;
            self.seen.clone_from(&self.synced);
            return;
        };
        let from = from.min(self.synced.len());
        let mut kept = self.synced[..from].to_vec();
        let fresh = &self.seen[from..];
        match chance.below(4) {
            0 => kept.extend_from_slice(&self.synced[from..]),
            1 => kept.extend_from_slice(fresh),
            2 => kept.extend_from_slice(&fresh[..chance.below(fresh.len() as u64 + 1) as usize]),
            _ => {
                for sector in fresh.chunks(512) {
                    if chance.below(2) == 0 {
                        kept.extend_from_slice(sector);
                    } else {
                        kept.resize(kept.len() + sector.len(), 0);
                    }
                }
            }
        }
        // What was synced survives in any case.
        if kept.len() < self.synced.len() {
            kept.clone_from(&self.synced);
        }
        kept[..from].copy_from_slice(&self.synced[..from]);
        self.dirty_from = None;
        self.seen.clone_from(&kept);
        self.synced = kept;
    }
}

impl State {
    fn used(&self) -> u64 {
        self.files.values().map(|content| content.seen.len() as u64).sum()
    }

    /// Counts a step; the fault that the plan has for it.
    fn step(&mut self) -> Option<Fault> {
        let step = self.steps;
        self.steps += 1;
        match self.plan {
            Some((at, fault)) if at == step => Some(fault),
            _ => None,
        }
    }

    fn room_for(&self, more: u64) -> io::Result<()> {
        match self.space_bytes {
            Some(limit) if self.used() + more > limit => Err(io::ErrorKind::StorageFull.into()),
            _ => Ok(()),
        }
    }
}

fn injected() -> io::Error {
    io::Error::other("the test's disk fails here")
}

/// Does `step` unless it fails without effect; reports a failure either way.
fn with_fault(fault: Option<Fault>, step: impl FnOnce()) -> io::Result<()> {
    match fault {
        None => {
            step();
            Ok(())
        }
        Some(Fault::FailedButPersisted) => {
            step();
            Err(injected())
        }
        Some(Fault::Failed) => Err(injected()),
    }
}

impl Disk for FaultyDisk {
    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        for dir in path.ancestors() {
            state.dirs.insert(dir.to_owned());
        }
        Ok(())
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let state = self.state();
        Ok(state.files.get(path).ok_or(io::ErrorKind::NotFound)?.read())
    }

    fn write_atomic(&self, path: &Path, bytes: &[u8], _visibility: Visibility) -> io::Result<()> {
        let mut state = self.state();
        let fault = state.step();
        state.room_for(bytes.len() as u64)?;
        with_fault(fault, || {
            let old = state.files.insert(path.to_owned(), Content::whole(bytes));
            state.freed.extend(old.map(|old| old.seen));
        })
    }

    fn replace_shredding(&self, path: &Path, bytes: &[u8], _visibility: Visibility) -> io::Result<()> {
        let mut state = self.state();
        let fault = state.step();
        state.room_for(bytes.len() as u64)?;
        let dir = path.parent().unwrap_or(Path::new("")).to_owned();
        with_fault(fault, || {
            let old = state.files.insert(path.to_owned(), Content::whole(bytes));
            state.doomed.extend(old.map(|old| (dir.clone(), old.seen)));
        })?;
        let fault = state.step();
        with_fault(fault, || state.doomed.retain(|(at, _)| *at != dir))
    }

    fn shred(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        let fault = state.step();
        if !state.files.contains_key(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        with_fault(fault, || {
            state.files.remove(path);
        })
    }

    fn finish_shredding(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.state();
        if state.doomed.iter().any(|(at, _)| *at == dir) {
            let fault = state.step();
            with_fault(fault, || state.doomed.retain(|(at, _)| *at != *dir))?;
        }
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        let fault = state.step();
        if !state.files.contains_key(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        with_fault(fault, || {
            let old = state.files.remove(path);
            state.freed.extend(old.map(|old| old.seen));
        })
    }

    fn exists(&self, path: &Path) -> bool {
        let state = self.state();
        state.files.contains_key(path) || state.dirs.contains(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        let state = self.state();
        if !state.dirs.contains(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let inside = state.files.keys().chain(&state.dirs).filter(|name| name.parent() == Some(path));
        let names = inside.filter_map(|name| Some(name.file_name()?.to_str()?.to_owned()));
        Ok(names.collect::<BTreeSet<_>>().into_iter().collect())
    }

    fn open_append(&self, path: &Path, _visibility: Visibility) -> io::Result<Box<dyn AppendFile>> {
        let mut state = self.state();
        if !state.files.contains_key(path) {
            let fault = state.step();
            with_fault(fault, || {
                state.files.insert(path.to_owned(), Content::default());
            })?;
        }
        let len = state.files.get(path).map_or(0, |content| content.seen.len() as u64);
        Ok(Box::new(Handle { disk: self.clone(), path: path.to_owned(), len, life: state.life, in_blocks: false }))
    }

    fn open_append_in_blocks(&self, path: &Path) -> io::Result<Box<dyn AppendFile>> {
        let file = self.open_append(path, Visibility::Private)?;
        let mut state = self.state();
        if let Some(content) = state.files.get_mut(path) {
            (content.in_blocks, content.open_in_blocks) = (true, true);
        }
        let (len, life) = (file.len(), state.life);
        Ok(Box::new(Handle { disk: self.clone(), path: path.to_owned(), len, life, in_blocks: true }))
    }

    fn open_read(&self, path: &Path) -> io::Result<Box<dyn ReadAt>> {
        let state = self.state();
        if !state.files.contains_key(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok(Box::new(Handle { disk: self.clone(), path: path.to_owned(), len: 0, life: state.life, in_blocks: false }))
    }
}

struct Handle {
    disk: FaultyDisk,
    path: PathBuf,
    /// Where the next append begins.
    len: u64,
    /// The life of the disk in which this was opened.
    life: u64,
    /// Whether this writes in blocks.
    in_blocks: bool,
}

impl Drop for Handle {
    fn drop(&mut self) {
        if self.in_blocks
            && let Ok(content) = self.alive(&mut self.disk.state())
        {
            content.open_in_blocks = false;
        }
    }
}

impl Handle {
    fn alive<'s>(&self, state: &'s mut State) -> io::Result<&'s mut Content> {
        if state.life != self.life {
            return Err(io::Error::other("the handle did not survive the power cut"));
        }
        Ok(state.files.get_mut(&self.path).ok_or(io::ErrorKind::NotFound)?)
    }
}

impl AppendFile for Handle {
    fn len(&self) -> u64 {
        self.len
    }

    fn append(&mut self, pieces: &[&[u8]]) -> io::Result<u64> {
        let mut state = self.disk.state();
        self.alive(&mut state)?;
        let fault = state.step();
        let bytes = pieces.concat();
        state.room_for(bytes.len() as u64)?;
        let content = self.alive(&mut state)?;
        let at = self.len as usize;
        with_fault(fault, || {
            content.seen.truncate(at);
            content.seen.extend_from_slice(&bytes);
            content.dirty_from = Some(content.dirty_from.map_or(at, |from| from.min(at)));
        })?;
        self.len += bytes.len() as u64;
        Ok(at as u64)
    }

    fn sync(&mut self) -> io::Result<()> {
        let takes = {
            let mut state = self.disk.state();
            self.alive(&mut state)?;
            state.syncs += 1;
            state.sync_takes
        };
        // Outside the lock: other threads go on while this one waits, as with a real disk.
        std::thread::sleep(takes);
        while self.disk.state().stalled {
            std::thread::sleep(Duration::from_millis(1));
        }
        let mut state = self.disk.state();
        let fault = state.step();
        let content = self.alive(&mut state)?;
        if fault == Some(Fault::Failed) {
            content.dirty_from = None;
            return Err(injected());
        }
        with_fault(fault, || content.persist())
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        self.alive(&mut state)?;
        let fault = state.step();
        let content = self.alive(&mut state)?;
        with_fault(fault, || {
            content.seen.truncate(len as usize);
            content.synced.clone_from(&content.seen);
            content.dirty_from = None;
        })?;
        self.len = len;
        Ok(())
    }
}

impl ReadAt for Handle {
    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        let content = self.alive(&mut state)?;
        let from = usize::try_from(offset).map_err(|_| io::ErrorKind::UnexpectedEof)?;
        let end = from.checked_add(buf.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        if end > content.len() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let written = content.seen.get(from..end.min(content.seen.len())).unwrap_or_default();
        buf[..written.len()].copy_from_slice(written);
        buf[written.len()..].fill(0);
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        let mut state = self.disk.state();
        Ok(self.alive(&mut state)?.len() as u64)
    }
}
