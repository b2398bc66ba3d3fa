//! A consistent snapshot of a log's files, for a copy that verifies.

use std::path::{Path, PathBuf};

use crate::LedgerError;
use crate::files::{CHECKPOINT, KEYS, VKEY};
use crate::log::Log;
use crate::tile::{TileRow, WIDTH};

/// A snapshot of a log's files, by their paths below its directory.
pub struct LogFiles {
    /// The number of entries.
    pub size: u64,
    /// Full tiles and bundles: they never change, so a copy needs each only once.
    pub fixed: Vec<PathBuf>,
    /// All other files with their content. The checkpoint comes last and must be written last.
    pub changing: Vec<(PathBuf, Vec<u8>)>,
}

impl Log {
    /// A snapshot of the log's files.
    ///
    /// # Errors
    /// [`LedgerError::Disk`], [`LedgerError::InDoubt`].
    pub fn files(&self) -> Result<LogFiles, LedgerError> {
        self.at_rest(|size, read| {
            let mut files = LogFiles { size, fixed: Vec::new(), changing: Vec::new() };
            for row in TileRow::all() {
                let items = row.items(size);
                files.fixed.extend((0..items / WIDTH).map(|index| row.full_path(index)));
                if !items.is_multiple_of(WIDTH) {
                    let path = row.path(items / WIDTH, items % WIDTH);
                    let bytes = read(&path)?;
                    files.changing.push((path, bytes));
                }
            }
            for name in [VKEY, KEYS, CHECKPOINT] {
                match read(Path::new(name)) {
                    Ok(bytes) => files.changing.push((name.into(), bytes)),
                    // There is no key history before the first change.
                    Err(_) if name == KEYS => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(files)
        })
    }
}
