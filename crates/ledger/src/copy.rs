//! The files of a log at one moment, for a copy of it that verifies.

use std::path::{Path, PathBuf};

use crate::LedgerError;
use crate::files::{CHECKPOINT, KEYS, VKEY};
use crate::log::Log;
use crate::tile::{Row, WIDTH};

/// The files of a log at one moment, by their paths below its directory.
pub struct LogFiles {
    /// How many entries the log has.
    pub size: u64,
    /// Full tiles and bundles: they are there for ever and never change, so that a copy needs each once.
    pub fixed: Vec<PathBuf>,
    /// The others, as they are at this moment; the checkpoint is the last, and is to be written last.
    pub changing: Vec<(PathBuf, Vec<u8>)>,
}

impl Log {
    /// The files of the log as it is at this moment.
    ///
    /// # Errors
    /// [`LedgerError::Disk`], [`LedgerError::InDoubt`].
    pub fn files(&self) -> Result<LogFiles, LedgerError> {
        self.at_rest(|size, read| {
            let mut files = LogFiles { size, fixed: Vec::new(), changing: Vec::new() };
            for row in Row::all() {
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
                    // There is no history before the first change of keys.
                    Err(_) if name == KEYS => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(files)
        })
    }
}
