//! Overwriting key files in place.
//!
//! The order makes it safe: the old file gets a second name, the new one takes its place, and only then is the old one
//! overwritten and its second name removed. A power cut at any point leaves the old or the new file intact, and a
//! second name by which [`finish`] finds what remains to be overwritten.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::Visibility;
use crate::real::{TEMPORARY_SUFFIX, hidden, parent, sync_dir, temporary, write_and_rename};

/// The suffix of the second name of a file that is to be overwritten. The name begins with a dot.
pub(crate) const DOOMED_SUFFIX: &str = ".doomed";

/// The fill pattern. Not zeros, which some file systems store as a hole.
const OVER: [u8; 4096] = [0x55; 4096];

/// Replaces the file at `path` with `bytes`, and overwrites the old file's blocks.
pub(crate) fn replace(path: &Path, bytes: &[u8], visibility: Visibility) -> io::Result<()> {
    let doomed = second_name(path)?;
    if doomed.is_some() {
        sync_dir(parent(path))?;
    }
    let temporary = temporary(path)?;
    let written = write_and_rename(&temporary, path, bytes, visibility);
    if written.is_err() {
        // It may contain the new keys, or already be gone.
        let _ = shred(&temporary);
    }
    let overwritten = doomed.map_or(Ok(()), |doomed| end(&doomed, path));
    written.and(overwritten)
}

/// Overwrites and removes the file at `path`.
pub(crate) fn shred(path: &Path) -> io::Result<()> {
    overwrite(path)?;
    fs::remove_file(path)?;
    sync_dir(parent(path))
}

/// Overwrites what an interruption left in `dir`: old files under their second names, and new ones that were never
/// renamed into place.
pub(crate) fn finish(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_prefix('.')) else {
            continue;
        };
        if name.ends_with(TEMPORARY_SUFFIX) {
            shred(&path)?;
        } else if let Some(name) = name.strip_suffix(DOOMED_SUFFIX) {
            // What remains is the file's name, a dot and the number.
            let name = name.rsplit_once('.').map_or(name, |(name, _)| name);
            end(&path, &path.with_file_name(name))?;
        }
    }
    Ok(())
}

/// Gives the file at `path` a second name; `None` if there is no file.
fn second_name(path: &Path) -> io::Result<Option<PathBuf>> {
    loop {
        let doomed = hidden(path, DOOMED_SUFFIX)?;
        match fs::hard_link(path, &doomed) {
            Ok(()) => return Ok(Some(doomed)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            // A leftover of an earlier process, which `finish` deals with; use the next number.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}

/// Overwrites the file whose second name is `doomed`, unless it is still the one at `path`, and removes that name.
fn end(doomed: &Path, path: &Path) -> io::Result<()> {
    let place = |path: &Path| fs::symlink_metadata(path).map(|found| (found.dev(), found.ino()));
    match place(path) {
        Ok(standing) if standing == place(doomed)? => {}
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => overwrite(doomed)?,
    }
    fs::remove_file(doomed)?;
    sync_dir(parent(doomed))
}

/// Overwrites every byte of a file, up to the end of its last block, and syncs it.
fn overwrite(path: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).open(path)?;
    let blocks = file.metadata()?.len().div_ceil(OVER.len() as u64);
    for _ in 0..blocks {
        file.write_all(&OVER)?;
    }
    file.sync_all()
}
