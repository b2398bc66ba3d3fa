//! Segment files: creating, opening, cutting, abandoning, reading.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use durable::{AppendFile, Disk, ReadAt};

use crate::damage::{Damage, DamageKind};

/// A batch begins a new segment when the last one has this many bytes. Large enough that a node with some terabytes has
/// about ten thousand files, small enough that rewriting one takes about a second.
pub(crate) const SEGMENT_BYTES: u64 = 256 << 20;

/// The length of a segment's own header, in bytes.
pub(crate) const SEGMENT_HEADER_BYTES: u64 = 24;

const MAGIC: &[u8; 16] = b"bailiwick pack\n\x01";

fn header(segment: u32) -> [u8; SEGMENT_HEADER_BYTES as usize] {
    let mut out = [0; SEGMENT_HEADER_BYTES as usize];
    out[..16].copy_from_slice(MAGIC);
    out[16..20].copy_from_slice(&segment.to_be_bytes());
    let checksum = crc32c::crc32c(&out[..20]);
    out[20..].copy_from_slice(&checksum.to_be_bytes());
    out
}

/// The segments of a store, for reading.
pub(crate) struct Packs {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    open: RwLock<HashMap<u32, Arc<dyn ReadAt>>>,
}

impl Packs {
    /// The segments in `dir`, which exists.
    pub(crate) fn new(disk: Arc<dyn Disk>, dir: PathBuf) -> Self {
        Self { disk, dir, open: RwLock::default() }
    }

    /// The disk they are on.
    pub(crate) fn disk(&self) -> &dyn Disk {
        &*self.disk
    }

    /// The path of a segment.
    pub(crate) fn path(&self, segment: u32) -> PathBuf {
        self.dir.join(format!("{segment:08}.pack"))
    }

    /// The numbers of the existing segments, ascending.
    pub(crate) fn segments(&self) -> io::Result<Vec<u32>> {
        let names = self.disk.list(&self.dir)?;
        let mut numbers: Vec<u32> = names.iter().filter_map(|name| name.strip_suffix(".pack")?.parse().ok()).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// A segment, opened once and shared.
    pub(crate) fn reader(&self, segment: u32) -> io::Result<Arc<dyn ReadAt>> {
        if let Some(reader) = self.open.read().unwrap_or_else(PoisonError::into_inner).get(&segment) {
            return Ok(Arc::clone(reader));
        }
        // Opened under the lock, so that a late caller does not keep a removed segment open.
        let mut open = self.open.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(reader) = open.get(&segment) {
            return Ok(Arc::clone(reader));
        }
        let reader: Arc<dyn ReadAt> = self.disk.open_read(&self.path(segment))?.into();
        open.insert(segment, Arc::clone(&reader));
        Ok(reader)
    }

    /// Removes a segment that nothing refers to; returns how many bytes it had. Durable when it returns. A missing segment is not
    /// an error.
    pub(crate) fn remove(&self, segment: u32) -> io::Result<u64> {
        let len = match self.reader(segment).and_then(|reader| reader.len()) {
            Ok(len) => len,
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            Err(error) => return Err(error),
        };
        let removed = match self.disk.remove(&self.path(segment)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(len),
        };
        self.close(segment);
        removed
    }

    /// Forgets that a segment was opened.
    fn close(&self, segment: u32) {
        self.open.write().unwrap_or_else(PoisonError::into_inner).remove(&segment);
    }

    /// The bytes of one range.
    pub(crate) fn read(&self, segment: u32, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; len];
        self.reader(segment)?.read_exact_at(&mut bytes, offset)?;
        Ok(bytes)
    }

    /// Passes the bytes of one range to `look`, without allocating: they are in a buffer of this thread that the
    /// next call reuses. A page fault for each page of each message would cost more than opening it.
    pub(crate) fn look<T>(
        &self,
        segment: u32,
        offset: u64,
        len: usize,
        look: impl FnOnce(&[u8]) -> T,
    ) -> io::Result<T> {
        thread_local! {
            static PLACE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
        }
        let reader = self.reader(segment)?;
        PLACE.with(|place| {
            // `look` never calls back into this function; if it did, the bytes would get a buffer of their own.
            let Ok(mut place) = place.try_borrow_mut() else {
                return self.read(segment, offset, len).map(|it| look(&it));
            };
            if place.len() < len {
                place.resize(len, 0);
            }
            reader.read_exact_at(&mut place[..len], offset)?;
            Ok(look(&place[..len]))
        })
    }

    /// Whether a segment's header is what was written.
    pub(crate) fn header_is_sound(&self, segment: u32) -> io::Result<bool> {
        Ok(self.read(segment, 0, SEGMENT_HEADER_BYTES as usize)? == header(segment))
    }
}

/// Opens a segment and cuts off what is beyond `tail`; returns its length afterwards.
fn cut(packs: &Packs, segment: u32, tail: u64) -> io::Result<(Box<dyn AppendFile>, u64)> {
    let mut file = packs.disk.open_append_in_blocks(&packs.path(segment))?;
    if file.len() > tail {
        file.truncate(tail)?;
    }
    let len = file.len();
    Ok((file, len))
}

/// The segment that grows. Owned by one thread.
pub(crate) struct PackWriter {
    packs: Arc<Packs>,
    segment: u32,
    /// `None` after an abandonment, until a new segment could be created.
    file: Option<Box<dyn AppendFile>>,
    segment_bytes: u64,
}

impl PackWriter {
    /// Continues with the last segment, or begins the first. `acknowledged` is the last segment that the rows refer to and
    /// how many of its bytes; anything beyond is cut off. The second value says what is missing, if anything.
    pub(crate) fn open(
        packs: &Arc<Packs>,
        acknowledged: Option<(u32, u64)>,
        segment_bytes: u64,
    ) -> io::Result<(Self, Option<Damage>)> {
        let highest = packs.segments()?.last().copied();
        let mut damage = None;
        let (known, tail) = acknowledged.unwrap_or((0, SEGMENT_HEADER_BYTES));
        let mut this = Self { packs: Arc::clone(packs), segment: known, file: None, segment_bytes };
        match highest {
            Some(highest) if highest == known => {
                this.segment = highest;
                // If its end cannot be read or cut, it does not grow any more. What cannot be read is found when every record
                // is checked.
                if let Ok((file, len)) = cut(packs, highest, tail) {
                    // A damaged header is found when all headers are checked.
                    let what = format!("it has {len} of {tail} acknowledged bytes");
                    let short = Damage::of_segment(DamageKind::SegmentShort, highest, None, what);
                    damage = (len != tail).then_some(short);
                    let sound = len == tail && packs.header_is_sound(highest).unwrap_or(false);
                    this.file = sound.then_some(file);
                }
            }
            Some(highest) if highest > known => {
                this.segment = highest;
                let (mut file, len) = cut(packs, highest, SEGMENT_HEADER_BYTES)?;
                if len != SEGMENT_HEADER_BYTES || !packs.header_is_sound(highest)? {
                    // Created, but never acknowledged: its header did not reach the disk.
                    file.truncate(0)?;
                    file.append(&[&header(highest)])?;
                    file.sync()?;
                }
                this.file = Some(file);
            }
            _ if known > 0 => {
                damage = Some(Damage::of_segment(DamageKind::SegmentShort, known, None, "it is missing"));
            }
            _ => {}
        }
        if this.file.is_none() {
            this.begin()?;
        }
        Ok((this, damage))
    }

    /// Begins the next segment. Its header is durable when this returns.
    fn begin(&mut self) -> io::Result<()> {
        let highest = self.packs.segments()?.last().copied().unwrap_or(0);
        let next = self.segment.max(highest) + 1;
        let path = self.packs.path(next);
        let begin = || {
            let mut file = self.packs.disk.open_append_in_blocks(&path)?;
            file.append(&[&header(next)])?;
            file.sync()?;
            Ok(file)
        };
        let file = begin().inspect_err(|_: &io::Error| {
            // Tidiness: nothing refers to it, and on a full disk each batch would leave one more. The next attempt reuses
            // the number, so nobody may keep reading this file under it.
            let _ = self.packs.disk.remove(&path);
            self.packs.close(next);
        })?;
        self.segment = next;
        self.file = Some(file);
        Ok(())
    }

    /// Prepares for a batch: begins a new segment if the last one is full or abandoned.
    pub(crate) fn ready(&mut self) -> io::Result<()> {
        match &self.file {
            Some(file) if file.len() < self.segment_bytes => Ok(()),
            _ => self.begin(),
        }
    }

    /// The segment that grows, and its length; only after [`ready`](Self::ready).
    pub(crate) fn tail(&self) -> (u32, u64) {
        (self.segment, self.file.as_ref().map_or(SEGMENT_HEADER_BYTES, |file| file.len()))
    }

    /// Appends; nothing is durable yet.
    pub(crate) fn append(&mut self, pieces: &[&[u8]]) -> io::Result<()> {
        let file = self.file.as_mut().ok_or_else(|| io::Error::other("the segment was abandoned"))?;
        file.append(pieces).map(|_| ())
    }

    /// Makes what was appended durable. After an error: [`abandon`](Self::abandon).
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        self.file.as_mut().ok_or_else(|| io::Error::other("the segment was abandoned"))?.sync()
    }

    /// Never writes this segment again. The next [`ready`](Self::ready) begins another.
    pub(crate) fn abandon(&mut self) {
        self.file = None;
    }

    /// Removes what was appended beyond `tail` of the current segment, when no row can refer to it.
    pub(crate) fn cut_to(&mut self, segment: u32, tail: u64) {
        let Some(file) = self.file.as_mut() else { return };
        if self.segment == segment && file.len() > tail && file.truncate(tail).is_err() {
            self.file = None;
        }
    }
}
