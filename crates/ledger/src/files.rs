//! Reading a log's files, each with a limit on its size.

use std::path::Path;

use durable::Disk;

use crate::LedgerError;
use crate::checkpoint::Checkpoint;
use crate::keys::KeyHistory;
use crate::note::Verifier;
use crate::tile::{self, TileRow, WIDTH};

/// The name of the signed head in the log's directory.
pub(crate) const CHECKPOINT: &str = "checkpoint";

/// The name of the verifier key in the log's directory, which the C2SP documents do not specify.
pub(crate) const VKEY: &str = "vkey";

/// The name of the key history in the log's directory, our own too. It does not exist before the first change.
pub(crate) const KEYS: &str = "keys";

/// The maximum size of a checkpoint or verifier key: a checkpoint with 64 witness signatures is under 16 KiB.
const HEAD_SIZE_BYTES_MAX: u64 = 64 * 1024;

/// Reads a file of at most `size_bytes_max`.
fn read_bounded(disk: &dyn Disk, path: &Path, size_bytes_max: u64) -> Result<Vec<u8>, LedgerError> {
    let file = disk.open_read(path).map_err(|source| LedgerError::disk(path, source))?;
    let len = file.len().map_err(|source| LedgerError::disk(path, source))?;
    if len > size_bytes_max {
        return Err(LedgerError::damaged(path, format!("is too large ({len} bytes)")));
    }
    let mut bytes = vec![0; len as usize];
    file.read_exact_at(&mut bytes, 0).map_err(|source| LedgerError::disk(path, source))?;
    Ok(bytes)
}

/// Reads a file that has exactly `len` bytes.
pub(crate) fn read_sized(disk: &dyn Disk, path: &Path, len: usize) -> Result<Vec<u8>, LedgerError> {
    if !disk.exists(path) {
        return Err(LedgerError::damaged(path, "is missing, although the checkpoint covers it"));
    }
    let bytes = read_bounded(disk, path, len as u64)?;
    if bytes.len() == len {
        Ok(bytes)
    } else {
        Err(LedgerError::damaged(path, format!("has {} bytes, not {len}", bytes.len())))
    }
}

/// Reads the verifier key and the checkpoint of the log in `dir`.
pub(crate) fn read_head(disk: &dyn Disk, dir: &Path) -> Result<(Verifier, String), LedgerError> {
    if !disk.exists(&dir.join(CHECKPOINT)) {
        return Err(LedgerError::Missing(dir.to_owned()));
    }
    Ok((published_key(disk, dir)?, read_text(disk, &dir.join(CHECKPOINT))?))
}

/// The verifier key published beside the log in `dir`.
///
/// # Errors
/// [`LedgerError::Damaged`], [`LedgerError::Disk`].
pub fn published_key(disk: &dyn Disk, dir: &Path) -> Result<Verifier, LedgerError> {
    let path = dir.join(VKEY);
    let vkey = read_text(disk, &path)?;
    let vkey = vkey.strip_suffix('\n').unwrap_or(&vkey);
    vkey.parse().map_err(|error: LedgerError| LedgerError::damaged(&path, error.to_string()))
}

/// The history of the keys of the log in `dir`; empty when the key never changed.
pub(crate) fn read_history(disk: &dyn Disk, dir: &Path) -> Result<KeyHistory, LedgerError> {
    let path = dir.join(KEYS);
    if !disk.exists(&path) {
        return Ok(KeyHistory::default());
    }
    KeyHistory::parse(&read_text(disk, &path)?).map_err(|error| LedgerError::damaged(&path, error.to_string()))
}

fn read_text(disk: &dyn Disk, path: &Path) -> Result<String, LedgerError> {
    String::from_utf8(read_bounded(disk, path, HEAD_SIZE_BYTES_MAX)?)
        .map_err(|_| LedgerError::damaged(path, "is not UTF-8"))
}

/// Verifies the checkpoint in a file of the log; failures are reported as damage.
pub(crate) fn verified(path: &Path, note: &str, verifier: &Verifier) -> Result<Checkpoint, LedgerError> {
    Checkpoint::verify(note, verifier).map_err(|error| match error {
        LedgerError::Signature => LedgerError::damaged(path, "is not signed by this log's key"),
        other => LedgerError::damaged(path, other.to_string()),
    })
}

/// The bytes of a row's last, partial file; empty if the row ends with a full one.
pub(crate) fn read_last(disk: &dyn Disk, dir: &Path, row: TileRow, size: u64) -> Result<Vec<u8>, LedgerError> {
    let (index, width) = (row.items(size) / WIDTH, row.items(size) % WIDTH);
    if width == 0 {
        return Ok(Vec::new());
    }
    read_sized(disk, &dir.join(row.path(index, width)), width as usize * row.item_size_bytes())
}

/// The widths of the partial files of `index`, ascending; `None` if there never were any.
pub(crate) fn partials(disk: &dyn Disk, dir: &Path, row: TileRow, index: u64) -> Result<Option<Vec<u64>>, LedgerError> {
    let path = dir.join(row.partial_dir(index));
    if !disk.exists(&path) {
        return Ok(None);
    }
    let names = disk.list(&path).map_err(|source| LedgerError::disk(&path, source))?;
    let mut widths: Vec<u64> = names.iter().filter_map(|name| tile::partial_width(name)).collect();
    widths.sort_unstable();
    Ok(Some(widths))
}
