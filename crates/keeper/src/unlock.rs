//! What a locked vault answers, and the ways to its service key beside the passphrase.

mod gate;
pub(crate) mod key_holders;
mod token;
pub(crate) mod token_wrap;
