//! The bytes of what is sealed into rows: changes and snapshots (docs/formats/store.md).

pub(crate) mod blocks;
pub(crate) mod bytes;
pub(crate) mod change;
pub(crate) mod snapshot;
pub(crate) mod values;
