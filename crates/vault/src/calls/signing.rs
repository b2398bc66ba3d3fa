//! The node's signature, and replacing the key that makes it.

use super::calls;
use crate::VaultError;

calls! {
    signing for Vault;

    /// The node's signature by the key with this public key.
    raw fn sign_as(public: &[u8; 32], message: &[u8]) -> [u8; 64];

    /// The public keys of the signing keys: the present one, and the next where there is one.
    raw fn signing_keys() -> Vec<[u8; 32]>;

    /// Makes the next signing key; gives its public key.
    raw fn begin_signing_rotation() -> [u8; 32];

    /// The ledger has changed over to the key with this public key.
    raw fn finish_signing_rotation(public: &[u8; 32]);
}
