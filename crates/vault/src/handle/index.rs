//! Owners' indexes.

use super::Vault;
use crate::VaultError;
use crate::mail::index::IndexKey;
use crate::owners::sign_in::SignedIn;

/// Indexes.
impl Vault {
    /// The key of the owner's own index. It is derived from the account's key, and opens what was derived from the owner's
    /// mail and nothing that arrived.
    ///
    /// # Errors
    /// [`VaultError::SessionOver`].
    pub fn index_key(&self, signed_in: &SignedIn) -> Result<IndexKey, VaultError> {
        let key = self.link.index_key_of(signed_in.session())?;
        Ok(IndexKey::new(signed_in.account(), key))
    }
}
