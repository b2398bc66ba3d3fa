//! The node's own keys: the service key, the signing key, backups.

pub(crate) mod backups;
pub(crate) mod keys;
mod service;
pub(crate) mod service_key;
pub(crate) mod service_keys;
mod service_rotation;
mod signing;
pub(crate) mod signing_keys;
