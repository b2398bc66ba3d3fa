//! The bytes of what is sealed into rows: changes and snapshots (docs/formats/store.md).

pub(crate) mod bytes;
pub(crate) mod snapshot;
