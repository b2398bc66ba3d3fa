//! The threads of an open store, and what they share.
//!
//! All writing is done by one thread (`commit.rs`, whose head has the contract); a second one (`row_writer.rs`) drafts the rows beside
//! it, and a third (`snapshotter.rs`) folds long logs of changes into snapshots.

pub(crate) mod accounts;
pub(crate) mod commit;
pub(crate) mod dead_space;
pub(crate) mod draft;
pub(crate) mod epochs;
pub(crate) mod queue;
pub(crate) mod row_writer;
pub(crate) mod settings;
pub(crate) mod snapshotter;
pub(crate) mod state;
pub(crate) mod watch;
