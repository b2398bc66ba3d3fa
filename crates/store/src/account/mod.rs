//! An account in memory, and what changes it. Pure: no disk, no vault, no clock.
//!
//! A call becomes a change (`decide.rs`, `change.rs`), which `apply.rs` applies, when it is made and again when it is replayed from
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
