//! Every primitive that opens, splits or stretches a secret, behind one small function each. What the node's own process
//! uses too is in the vault's `crypto/` and is named here again.
//!
//! An auditor who wants to know which cryptography is in use reads these two folders and nothing else: no other file names
//! `aws_lc_rs`, `argon2`, `hpke`, `blahaj` or `totp_rs` (`cryptoki` is the way to a token, in `token/device.rs`). Nothing
//! here is home-made; what is ours is the choice of keys, contexts and nonces, and each function says why its nonce
//! cannot repeat.

mod hybrid;
pub(crate) mod oaep;
mod passphrase;
mod scram;
mod sharing;
mod signature;
mod totp;

pub(crate) use hybrid::{KeyPair, PrivateKey, open_hybrid};
pub(crate) use oaep::{rsa_public, seal_oaep};
pub(crate) use passphrase::{Lanes, PassphraseBox, PassphraseError, measure_cost};
pub(crate) use scram::{SCRAM_ITERATIONS, SCRAM_SALT_LEN, ScramKeys, client_key, server_signature, stored_key};
pub(crate) use sharing::{SHARE_LEN, Share, join, split};
pub(crate) use signature::SigningKey;
pub(crate) use totp::{TOTP_SECRET_LEN, totp_step};
pub(crate) use vault::inside::{
    AeadKey, DoesNotOpen, HYBRID_OVERHEAD, Key32, NONCE_ZERO, Prk, TAG_LEN, hmac, random_key, same, seal_hybrid, sha256,
};
