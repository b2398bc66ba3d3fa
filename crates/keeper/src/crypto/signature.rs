//! Ed25519 (RFC 8032).

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};

use super::{DoesNotOpen, Key32};

/// A key that signs.
pub(crate) struct SigningKey {
    pair: Ed25519KeyPair,
    public: [u8; 32],
}

impl SigningKey {
    /// The key of a 32-byte seed (RFC 8032 section 5.1.5).
    pub(crate) fn from_seed(seed: &Key32) -> Result<Self, DoesNotOpen> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.as_ref()).map_err(|_| DoesNotOpen)?;
        let public = pair.public_key().as_ref().try_into().map_err(|_| DoesNotOpen)?;
        Ok(Self { pair, public })
    }

    pub(crate) fn public(&self) -> [u8; 32] {
        self.public
    }

    #[expect(clippy::expect_used, reason = "the length of an Ed25519 signature is fixed (RFC 8032 section 5.1.6)")]
    pub(crate) fn sign(&self, text: &[u8]) -> [u8; 64] {
        self.pair.sign(text).as_ref().try_into().expect("64 bytes")
    }
}
