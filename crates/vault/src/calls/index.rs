//! Owners' indexes.

use super::calls;
use crate::VaultError;
use crate::crypto::Key32;
use crate::owners::sign_in::SessionId;

calls! {
    index for Vault;

    /// The key of the index of the session's account.
    raw fn index_key_of(session: SessionId) -> Key32;
}
