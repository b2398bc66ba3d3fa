//! AES-256-GCM (NIST SP 800-38D), 96-bit nonce, 128-bit tag.
//!
//! GCM breaks when a nonce repeats under one key, and it does not commit to its key. Callers deal with both: every key is
//! used for one object only (so that the nonce is a constant or a counter), and where a stranger chooses what is opened a
//! commitment is compared first.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

use super::DoesNotOpen;

/// Bytes that sealing adds to each piece.
pub const TAG_LEN: usize = 16;

/// The nonce of a key that seals exactly one thing.
pub const NONCE_ZERO: [u8; 12] = [0; 12];

/// An AES-256-GCM key, ready to use. AWS-LC wipes its schedule when it is dropped.
pub struct AeadKey(LessSafeKey);

impl AeadKey {
    #[expect(clippy::expect_used, reason = "the only failure is a key of another length, and the type fixes it")]
    /// A key of its bytes.
    pub fn new(key: &[u8; 32]) -> Self {
        Self(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).expect("a key of 32 bytes")))
    }

    /// Appends ciphertext and tag of `plain` to `out`.
    #[expect(clippy::expect_used, reason = "fails only beyond 2^36 bytes (SP 800-38D 5.2.1.1), more than memory holds")]
    pub fn seal_into(&self, nonce: [u8; 12], aad: &[u8], plain: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(plain);
        let tag = self
            .0
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), &mut out[start..])
            .expect("a text within the limit");
        out.extend_from_slice(tag.as_ref());
    }

    /// Appends the plaintext of `sealed` (ciphertext and tag) to `out`, or leaves `out` as it was.
    pub fn open_into(&self, nonce: [u8; 12], aad: &[u8], sealed: &[u8], out: &mut Vec<u8>) -> Result<(), DoesNotOpen> {
        let (text, tag) = sealed.split_at_checked(sealed.len().wrapping_sub(TAG_LEN)).ok_or(DoesNotOpen)?;
        let start = out.len();
        out.extend_from_slice(text);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let opened = self.0.open_in_place_separate_tag(nonce, Aad::from(aad), tag, &mut out[start..]);
        if opened.is_err() {
            out[start..].fill(0);
            out.truncate(start);
            return Err(DoesNotOpen);
        }
        Ok(())
    }
}
