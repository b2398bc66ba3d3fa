//! Every primitive the vault uses, behind one small function each.
//!
//! An auditor who wants to know which cryptography is in use reads this folder and nothing else: no other file of this
//! crate names `aws_lc_rs`, `argon2`, `hpke`, `blahaj` or `totp_rs` (`cryptoki` is the way to a token, in `token/device.rs`). Nothing here is made by hand; what is ours is the choice of
//! keys, contexts and nonces, and each function says why its nonce cannot repeat.

mod aead;
mod hybrid;
mod kdf;
pub(crate) mod oaep;
mod passphrase;
mod random;
mod scram;
mod sharing;
mod signature;
mod totp;

pub(crate) use aead::{AeadKey, NONCE_ZERO, TAG_LEN};
pub(crate) use hybrid::{HYBRID_OVERHEAD, KeyPair, PrivateHalf, open_hybrid, seal_hybrid};
pub(crate) use kdf::{Prk, hmac, same, sha256};
pub(crate) use oaep::{rsa_public, seal_oaep};
pub use passphrase::{CostProfile, GUESS_TARGET};
pub(crate) use passphrase::{Lanes, PassphraseBox, PassphraseError};
pub use random::SystemEntropy;
pub(crate) use scram::{SCRAM_ITERATIONS, SCRAM_SALT_LEN, ScramKeys, client_key, server_signature, stored_key};
pub(crate) use sharing::{SHARE_LEN, Share, join, split};
pub(crate) use signature::{SigningKey, verify};
pub(crate) use totp::{TOTP_SECRET_LEN, totp_step};

/// A 32-byte secret that is wiped when dropped.
pub(crate) type Key32 = zeroize::Zeroizing<[u8; 32]>;

/// The bytes do not open: a wrong key, a wrong context, or somebody changed them. No more is known, on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DoesNotOpen;

/// A fresh key.
pub(crate) fn random_key(entropy: &dyn terms::Entropy) -> Key32 {
    let mut key = Key32::default();
    entropy.fill(key.as_mut());
    key
}
