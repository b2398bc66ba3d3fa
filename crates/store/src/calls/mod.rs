//! What the crates above call: the methods of [`Store`](crate::Store), by subject.

pub(crate) mod accounts;
pub(crate) mod cases;
pub(crate) mod deleted;
pub(crate) mod index_files;
pub(crate) mod mailboxes;
pub(crate) mod messages;
pub(crate) mod opening;
pub(crate) mod quota;
