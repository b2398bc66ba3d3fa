//! The primitives that the node's own process uses with keys it is given, behind one small function each. Those that open,
//! split or stretch secrets are in the keeper's `crypto/`; an auditor who wants to know which cryptography is in use reads
//! these two folders and nothing else.

mod aead;
mod hybrid;
mod kdf;
mod random;
mod signature;

pub use aead::{AeadKey, NONCE_ZERO, TAG_LEN};
pub use hybrid::{HYBRID_OVERHEAD, seal_hybrid};
pub use kdf::{Prk, hmac, same, sha256};
pub use random::{Lent, SystemEntropy};
pub use signature::verify;

/// A 32-byte secret that is wiped when dropped.
pub type Key32 = zeroize::Zeroizing<[u8; 32]>;

/// The bytes do not open: a wrong key, a wrong context, or somebody changed them. No more is known, on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DoesNotOpen;

/// A fresh key.
pub fn random_key(entropy: &dyn terms::Entropy) -> Key32 {
    let mut key = Key32::default();
    entropy.fill(key.as_mut());
    key
}
