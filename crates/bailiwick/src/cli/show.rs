//! What the command line prints: the text of each result, made from the result alone.

pub(crate) mod desk;
