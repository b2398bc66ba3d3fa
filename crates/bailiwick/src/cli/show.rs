//! What the command line prints: the text of each result, made from the result alone. This is the only place where results
//! become text.

pub(crate) mod account;
pub(crate) mod backup;
pub(crate) mod desk;
pub(crate) mod fsck;
pub(crate) mod key_holders;
pub(crate) mod law;
pub(crate) mod mail;
pub(crate) mod node;
pub(crate) mod officers;
pub(crate) mod token;
pub(crate) mod verify;
