//! Ed25519 (RFC 8032): checking. Signing is the keeper's.

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};

/// Whether `signature` over `text` is by the owner of `public`.
pub fn verify(public: &[u8; 32], text: &[u8], signature: &[u8; 64]) -> bool {
    UnparsedPublicKey::new(&ED25519, public).verify(text, signature).is_ok()
}
