//! An account in memory, and what changes it. Pure: neither disk nor vault nor clock.
//!
//! A call is decided (`decide.rs`) into a change (`change.rs`), which `apply.rs` does, when it is made and again when it is replayed from
//! disk. The state itself (`state.rs`) shares its blocks (`blocks.rs`) with every view that a session holds (`view.rs`).

pub(crate) mod apply;
pub(crate) mod bin;
pub(crate) mod blobs;
pub(crate) mod blocks;
pub(crate) mod change;
pub(crate) mod decide;
pub(crate) mod state;
pub(crate) mod usage;
pub(crate) mod view;
