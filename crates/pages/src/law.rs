//! The law site: the set by instrument, by State and by date, each rule with its source and its cases, and a form that
//! decides made-up facts. Made for counsel to read and to print.
//!
//! A [`LawSite`] is pure: a path in, a page out, the same whether a node serves it below `/law` or `law render` writes it
//! into a directory; only the form needs a node. Links are relative, so that both work, and nothing refers outside.

mod day;
mod decided;
mod form;
mod picture;
mod published;
mod rule;
mod set;
mod site;
mod whatif;
mod words;

#[cfg(test)]
pub(crate) mod tests;

pub(crate) use form::QUERY_BYTES_MAX;
pub use published::PublishedLaw;
pub(crate) use published::router;
pub use site::{LawSite, Medium, Page};
