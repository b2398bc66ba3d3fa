//! The service key: what the node needs while nobody is signed in.

use super::calls;
use crate::VaultError;

calls! {
    service for Vault;

    /// Seals a block under the service key: contexts and plain texts.
    raw fn seal_block(items: &[(String, Vec<u8>)]) -> Vec<Vec<u8>>, soon;

    /// Opens a block that was sealed under the service key: contexts and sealed texts. `None` for what does not open.
    raw fn open_block(items: &[(String, Vec<u8>)]) -> Vec<Option<Vec<u8>>>;

    /// Keyed hashes of a block of data, in one context, under the service key.
    raw fn hash_block(context: &str, data: &[Vec<u8>]) -> Vec<[u8; 32]>;

    /// The keyed hashes of [`service_hash`](crate::Vault::service_hash) under every service key, the present one first: what
    /// was hashed before a rotation is found by one of them.
    ///
    /// # Errors
    /// [`VaultError::Locked`].
    pub fn service_hashes(context: &str, data: &[u8]) -> Vec<[u8; 32]>;
}
