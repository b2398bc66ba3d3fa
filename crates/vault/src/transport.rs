//! The way from a node to its vault: a request goes in, an answer comes out, both encoded.

pub(crate) mod link;
pub(crate) mod process;

pub use link::{Asked, Backend, Link};
pub use process::{ALLOCATOR, NODE_OOM_SCORE_ADJ, VaultProgram};
