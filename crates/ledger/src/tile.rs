//! How the tree is cut into files (<https://c2sp.org/tlog-tiles>).

use std::path::PathBuf;

use crate::LedgerError;
use crate::entry::{Commitment, ENTRY_SIZE_BYTES};
use crate::hash::Hash;

/// Hashes in a full tile, and entries in a full bundle.
pub(crate) const WIDTH: u64 = 256;

/// Levels of tiles: eight of the tree's levels each, and a size is a `u64`.
pub(crate) const LEVELS: u8 = 8;

/// An entry in a bundle: its length as a big-endian `u16`, then its bytes.
pub(crate) const BUNDLED_SIZE_BYTES: usize = 2 + ENTRY_SIZE_BYTES;

/// Which row of files: the entries, or the hashes of a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Row {
    Entries,
    Level(u8),
}

impl Row {
    /// Every row there can be.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        std::iter::once(Self::Entries).chain((0..LEVELS).map(Self::Level))
    }

    /// How many items (entries or hashes) the row has in a log of `size` entries.
    pub(crate) fn items(self, size: u64) -> u64 {
        match self {
            Self::Entries => size,
            Self::Level(level) => size >> (8 * u32::from(level)),
        }
    }

    /// Bytes of one item.
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

/// The width that the name of a partial file states, if it is one.
pub(crate) fn partial_width(name: &str) -> Option<u64> {
    let width = name.parse().ok()?;
    ((1..WIDTH).contains(&width) && name == width.to_string()).then_some(width)
}

/// The bytes of a tile.
pub(crate) fn hashes_to_bytes(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}

/// The hashes of a tile; `bytes` is a multiple of 32 long.
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

/// The entries of a bundle; `bytes` is a multiple of the bundled size long.
pub(crate) fn bundle_from_bytes(bytes: &[u8]) -> Result<Vec<Commitment>, LedgerError> {
    bytes
        .chunks(BUNDLED_SIZE_BYTES)
        .map(|chunk| match chunk.split_at_checked(2) {
            Some((len, entry)) if len == (ENTRY_SIZE_BYTES as u16).to_be_bytes() => Commitment::from_entry(entry),
            _ => Err(LedgerError::Malformed("an entry of another size")),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        for (row, index, width, path) in [
            (Row::Level(0), 1_234_067, 256, "tile/0/x001/x234/067"),
            (Row::Level(0), 0, 256, "tile/0/000"),
            (Row::Level(1), 0, 17, "tile/1/000.p/17"),
            (Row::Level(2), 999, 1, "tile/2/999.p/1"),
            (Row::Entries, 1000, 256, "tile/entries/x001/000"),
            (Row::Entries, 273, 112, "tile/entries/273.p/112"),
        ] {
            assert_eq!(row.path(index, width).to_str().unwrap(), path);
        }
        for (name, width) in
            [("1", Some(1)), ("255", Some(255)), ("0", None), ("256", None), ("01", None), ("+1", None), ("", None)]
        {
            assert_eq!(partial_width(name), width, "{name}");
        }
    }

    /// The document's example: 70,000 entries.
    #[test]
    fn widths() {
        let widths: Vec<_> = (0..4)
            .map(|level| (Row::Level(level).items(70_000) / 256, Row::Level(level).items(70_000) % 256))
            .collect();
        assert_eq!(widths, [(273, 112), (1, 17), (0, 1), (0, 0)]);
    }
}
