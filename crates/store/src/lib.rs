//! Sealed mail of one jurisdiction: packs, rows, columns and a log of changes.
