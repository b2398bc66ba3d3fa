//! How the tree is divided into files (<https://c2sp.org/tlog-tiles>).

use std::path::PathBuf;

use crate::LedgerError;
use crate::entry::{Commitment, ENTRY_SIZE_BYTES};
use crate::hash::Hash;

/// Hashes in a full tile, and entries in a full bundle.
pub(crate) const WIDTH: u64 = 256;

/// Levels of tiles: each covers eight levels of the tree, and sizes are `u64`.
pub(crate) const LEVELS: u8 = 8;

/// An entry in a bundle: its length as a big-endian `u16`, then its bytes.
pub(crate) const BUNDLED_SIZE_BYTES: usize = 2 + ENTRY_SIZE_BYTES;

/// A row of files: the entries, or the hashes of one level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TileRow {
    Entries,
    Level(u8),
}

impl TileRow {
    /// All possible rows.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        std::iter::once(Self::Entries).chain((0..LEVELS).map(Self::Level))
    }

    /// The number of items (entries or hashes) in the row of a log of `size` entries.
    pub(crate) fn items(self, size: u64) -> u64 {
        match self {
            Self::Entries => size,
            Self::Level(level) => size >> (8 * u32::from(level)),
        }
    }

    /// The size of one item in bytes.
    pub(crate) fn item_size_bytes(self) -> usize {
        match self {
            Self::Entries => BUNDLED_SIZE_BYTES,
            Self::Level(_) => 32,
        }
    }

    /// The path of the full file `index` under the log's directory: `tile/0/x001/x234/067`, `tile/entries/000`.
    pub(crate) fn full_path(self, index: u64) -> PathBuf {
        let mut elements = vec![format!("{:03}", index % 1000)];
        let mut rest = index / 1000;
        while rest > 0 {
            elements.push(format!("x{:03}", rest % 1000));
            rest /= 1000;
        }
        let row = match self {
            Self::Entries => "entries".to_owned(),
            Self::Level(level) => level.to_string(),
        };
        ["tile".to_owned(), row].into_iter().chain(elements.into_iter().rev()).collect()
    }

    /// The directory of the partial files of `index`: `tile/0/000.p`.
    pub(crate) fn partial_dir(self, index: u64) -> PathBuf {
        let mut path = self.full_path(index).into_os_string();
        path.push(".p");
        path.into()
    }

    /// The path of file `index` with `width` items, `1..=256`.
    pub(crate) fn path(self, index: u64, width: u64) -> PathBuf {
        if width == WIDTH { self.full_path(index) } else { self.partial_dir(index).join(width.to_string()) }
    }
}

/// The width in the name of a partial file; `None` if it is not one.
pub(crate) fn partial_width(name: &str) -> Option<u64> {
    let width = name.parse().ok()?;
    ((1..WIDTH).contains(&width) && name == width.to_string()).then_some(width)
}

/// The bytes of a tile.
pub(crate) fn hashes_to_bytes(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}

/// The hashes of a tile; the length of `bytes` is a multiple of 32.
pub(crate) fn hashes_from_bytes(bytes: &[u8]) -> Vec<Hash> {
    bytes.as_chunks().0.iter().copied().map(Hash).collect()
}

/// The bytes of an entry bundle.
pub(crate) fn bundle_to_bytes(entries: &[Commitment]) -> Vec<u8> {
    let mut out = Vec::with_capacity(entries.len() * BUNDLED_SIZE_BYTES);
    for entry in entries {
        out.extend((ENTRY_SIZE_BYTES as u16).to_be_bytes());
        out.extend(entry.entry());
    }
    out
}

/// The entries of a bundle; the length of `bytes` is a multiple of the bundled size.
pub(crate) fn bundle_from_bytes(bytes: &[u8]) -> Result<Vec<Commitment>, LedgerError> {
    bytes
        .chunks(BUNDLED_SIZE_BYTES)
        .map(|chunk| match chunk.split_at_checked(2) {
            Some((len, entry)) if len == (ENTRY_SIZE_BYTES as u16).to_be_bytes() => Commitment::from_entry(entry),
            _ => Err(LedgerError::Malformed("unexpected size of an entry")),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        for (row, index, width, path) in [
            (TileRow::Level(0), 1_234_067, 256, "tile/0/x001/x234/067"),
            (TileRow::Level(0), 0, 256, "tile/0/000"),
            (TileRow::Level(1), 0, 17, "tile/1/000.p/17"),
            (TileRow::Level(2), 999, 1, "tile/2/999.p/1"),
            (TileRow::Entries, 1000, 256, "tile/entries/x001/000"),
            (TileRow::Entries, 273, 112, "tile/entries/273.p/112"),
        ] {
            assert_eq!(row.path(index, width).to_str().unwrap(), path);
        }
        for (name, width) in
            [("1", Some(1)), ("255", Some(255)), ("0", None), ("256", None), ("01", None), ("+1", None), ("", None)]
        {
            assert_eq!(partial_width(name), width, "{name}");
        }
    }

    /// The specification's example: 70,000 entries.
    #[test]
    fn widths() {
        let widths: Vec<_> = (0..4)
            .map(|level| (TileRow::Level(level).items(70_000) / 256, TileRow::Level(level).items(70_000) % 256))
            .collect();
        assert_eq!(widths, [(273, 112), (1, 17), (0, 1), (0, 0)]);
    }
}
