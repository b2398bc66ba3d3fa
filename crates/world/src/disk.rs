//! An in-memory disk that fails on demand and loses power.
//!
//! It models how real disks and kernels fail:
//! * the n-th write or sync "failed": the caller gets an error, and nothing reached the disk;
//! * "failed but persisted": the caller gets an error, but everything reached the disk (a commit whose answer was
//!   lost);
//! * after a failed sync the unsynced bytes count as clean: the next sync succeeds and persists none of them, as on
//!   Linux;
//! * a full disk: beyond a number of bytes, appends fail with `StorageFull` until there is space again;
//! * a disk that hangs: syncs wait until the test releases them;
//! * a power cut: of its unsynced bytes, each file keeps none, all, a prefix, or a torn mixture in which some 512-byte
//!   sectors were written and others are zero; a file written in blocks has zeros up to the end of its last block.
//!   Every open handle is dead afterwards.
//!
//! Names are durable at once, as the contract of [`Disk`] demands.
//!
//! Long because every operation of the disk and its files is here, each with its faults.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use durable::{AppendFile, BLOCK_BYTES, Disk, ReadAt, Visibility};

use crate::SeededEntropy;

/// An in-memory disk that never fails: a [`FaultyDisk`] without a planned fault.
pub type MemoryDisk = FaultyDisk;

/// How an operation fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// An error, without effect.
    Failed,
    /// An error, although it took effect.
    FailedButPersisted,
}

/// Clones share all state: give one to the code under test and keep one to cut the power.
#[derive(Clone, Default)]
pub struct FaultyDisk(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    files: BTreeMap<PathBuf, Content>,
    dirs: BTreeSet<PathBuf>,
    /// Operations that change something, counted from 0: appends, syncs, truncations, atomic writes, removals,
    /// creations.
    steps: u64,
    syncs: u64,
    /// The number of the operation that fails, and how.
    plan: Option<(u64, Fault)>,
    /// The capacity for all files together, in bytes.
    space_bytes: Option<u64>,
    /// How long a sync takes, so that a test can observe calls sharing one.
    sync_takes: Duration,
    /// Whether syncs hang.
    stalled: bool,
    /// Whether reads of opened files hang.
    reads_stalled: bool,
    /// Counts power cuts: a handle from an earlier life is dead.
    life: u64,
    /// The content of blocks that were freed without being overwritten.
    freed: Vec<Vec<u8>>,
    /// Replaced files that are yet to be overwritten, with their directory.
    doomed: Vec<(PathBuf, Vec<u8>)>,
}

#[derive(Default)]
struct Content {
    /// What a reader sees: everything written.
    seen: Vec<u8>,
    /// What survives a power cut for certain.
    synced: Vec<u8>,
    /// The offset from which `seen` may differ from `synced`, unless a failed sync made the kernel forget it.
    dirty_from: Option<usize>,
    /// Whether it was written in blocks since the last power cut, which leaves the last block whole.
    in_blocks: bool,
    /// Whether the handle that writes in blocks is still open.
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

    /// Makes the operation with this number (see [`steps`](Self::steps)) fail. A later call replaces an earlier one.
    pub fn fail_step(&self, step: u64, fault: Fault) {
        self.state().plan = Some((step, fault));
    }

    /// The number of operations so far: appends, syncs, truncations, atomic writes, removals, and creations of a file.
    /// It is also the number of the next one.
    pub fn steps(&self) -> u64 {
        self.state().steps
    }

    /// The number of syncs of appended files so far.
    pub fn syncs(&self) -> u64 {
        self.state().syncs
    }

    /// Makes every later sync of an appended file take this long.
    pub fn slow_syncs(&self, takes: Duration) {
        self.state().sync_takes = takes;
    }

    /// Makes every sync of an appended file hang until this is called with `false`.
    pub fn stall_syncs(&self, stalled: bool) {
        self.state().stalled = stalled;
    }

    /// Makes every read of an opened file hang until this is called with `false`.
    pub fn stall_reads(&self, stalled: bool) {
        self.state().reads_stalled = stalled;
    }

    /// Sets the disk's capacity in bytes; `None` for no limit.
    pub fn limit_space(&self, bytes: Option<u64>) {
        self.state().space_bytes = bytes;
    }

    /// The total size of all files as a reader sees them, in bytes.
    pub fn used_bytes(&self) -> u64 {
        self.state().used()
    }

    /// What someone who steals the disk can read: the content of every file, and of every block that was freed without
    /// being overwritten. Each distinct content appears once.
    pub fn image(&self) -> BTreeSet<Vec<u8>> {
        let state = self.state();
        let files = state.files.values().flat_map(|content| [content.seen.clone(), content.synced.clone()]);
        let doomed = state.doomed.iter().map(|(_, bytes)| bytes.clone());
        files.chain(doomed).chain(state.freed.iter().cloned()).collect()
    }

    /// Cuts the power: unsynced bytes are lost, kept or torn as `random` decides, and every open handle is dead.
    pub fn cut_power(&self, random: &SeededEntropy) {
        let mut state = self.state();
        state.life += 1;
        state.plan = None;
        for content in state.files.values_mut() {
            content.survive(random);
            content.fill_last_block(random);
        }
    }

    /// Flips a byte that is already on the disk, as a failing medium would. Panics if there is no such byte.
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
    /// A file that is written and synced.
    fn whole(bytes: &[u8]) -> Self {
        Self { seen: bytes.to_vec(), synced: bytes.to_vec(), ..Self::default() }
    }

    fn persist(&mut self) {
        if self.dirty_from.take().is_some() {
            self.synced.clone_from(&self.seen);
        }
    }

    /// The file's length, including the zeros after its end.
    fn len(&self) -> usize {
        if self.open_in_blocks { self.seen.len().next_multiple_of(BLOCK_BYTES) } else { self.seen.len() }
    }

    /// A power cut leaves the zeros after the end of an open file, and the truncation of a closed one may be lost.
    fn fill_last_block(&mut self, random: &SeededEntropy) {
        if self.in_blocks && (self.open_in_blocks || random.below(2) == 0) {
            let len = self.seen.len().next_multiple_of(BLOCK_BYTES);
            self.seen.resize(len, 0);
            self.synced.clone_from(&self.seen);
        }
        (self.in_blocks, self.open_in_blocks) = (false, false);
    }

    /// What a reader sees, including the zeros after the end.
    fn read(&self) -> Vec<u8> {
        let mut bytes = self.seen.clone();
        bytes.resize(self.len(), 0);
        bytes
    }

    /// Keeps what survives a power cut.
    fn survive(&mut self, random: &SeededEntropy) {
        let (Some(from), false) = (self.dirty_from, self.seen.len() <= self.synced.len()) else {
            self.dirty_from = None;
            self.seen.clone_from(&self.synced);
            return;
        };
        let from = from.min(self.synced.len());
        let mut kept = self.synced[..from].to_vec();
        let fresh = &self.seen[from..];
        match random.below(4) {
            0 => kept.extend_from_slice(&self.synced[from..]),
            1 => kept.extend_from_slice(fresh),
            2 => kept.extend_from_slice(&fresh[..random.below(fresh.len() as u64 + 1) as usize]),
            _ => {
                for sector in fresh.chunks(512) {
                    if random.below(2) == 0 {
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

    /// Counts an operation and returns the fault planned for it.
    fn step(&mut self) -> Option<Fault> {
        let step = self.steps;
        self.steps += 1;
        match self.plan {
            Some((at, fault)) if at == step => Some(fault),
            _ => None,
        }
    }

    fn check_space(&self, more: u64) -> io::Result<()> {
        match self.space_bytes {
            Some(limit) if self.used() + more > limit => Err(io::ErrorKind::StorageFull.into()),
            _ => Ok(()),
        }
    }
}

fn injected() -> io::Error {
    io::Error::other("injected fault")
}

/// Does `step` unless it is to fail without effect; reports the failure either way.
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
        state.check_space(bytes.len() as u64)?;
        with_fault(fault, || {
            let old = state.files.insert(path.to_owned(), Content::whole(bytes));
            state.freed.extend(old.map(|old| old.seen));
        })
    }

    fn replace_shredding(&self, path: &Path, bytes: &[u8], _visibility: Visibility) -> io::Result<()> {
        let mut state = self.state();
        let fault = state.step();
        state.check_space(bytes.len() as u64)?;
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
    /// The offset of the next append.
    len: u64,
    /// The disk's life when this was opened.
    life: u64,
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
        state.check_space(bytes.len() as u64)?;
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
        // Outside the lock: other threads proceed while this one waits, as with a real disk.
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
        while self.disk.state().reads_stalled {
            std::thread::sleep(Duration::from_millis(1));
        }
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
