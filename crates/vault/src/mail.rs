//! The node's own work on mail with keys that it is given: sealing what arrives, opening what is asked for.

pub(crate) mod epoch;
pub(crate) mod index;
pub(crate) mod kept;
pub(crate) mod message;
