//! The index of an owner's mail: lists as sent to clients, and what a search needs, sealed with a key of the owner's
//! (docs/formats/index.md; how it is used, docs/flows/read.md).
//!
//! * An index consists of *volumes* (`volume.rs`), files that never change. A volume has the messages of a slice by columns, in
//!   blocks of many, and a dictionary of their words (`words.rs`, `places.rs`).
//! * One thread of the node (`worker.rs`) makes volumes of new messages (`fold.rs`) and larger volumes of small ones (`merge.rs`),
//!   for owners who are signed in: only then is there a key.
//! * A session asks the [`OwnerIndex`] of its owner (`sessions.rs`, `owner.rs`). What the index does not know is read from the message.
//!
//! All of it is derived: it can be dropped at any time, and is rebuilt.

mod cache;
mod check;
mod code;
mod fold;
mod job;
mod merge;
mod owner;
mod places;
mod sessions;
mod volume;
mod words;
pub(crate) mod worker;
mod writer;

pub use check::IndexFiles;
pub(crate) use check::Volumes as CheckedVolumes;
pub(crate) use fold::Derived;
pub(crate) use owner::{HeaderText, Opened, OwnerIndex, Texts, Volumes, find};
pub(crate) use places::DocSet;
pub use sessions::IndexSize;
pub(crate) use volume::{Column, IndexPlace, Piece};
pub(crate) use words::Query;
pub use worker::Indexes;
