//! The arithmetic of SCRAM-SHA-256 (RFC 5802 section 3, RFC 7677): which key follows from which.

use std::num::NonZeroU32;

use aws_lc_rs::pbkdf2;
use zeroize::Zeroizing;

use super::{Key32, hmac, sha256};

/// Bytes of a salt.
pub(crate) const SCRAM_SALT_LEN: usize = 16;

/// Rounds of PBKDF2: what RFC 7677 section 4 asks for at least. More would not help: the passwords are random.
pub(crate) const SCRAM_ITERATIONS: NonZeroU32 = NonZeroU32::new(4096).unwrap();

/// What follows from a password: the key that proves the client, and the key that proves the node.
pub(crate) struct ScramKeys {
    pub(crate) client: Key32,
    pub(crate) server: Key32,
}

impl ScramKeys {
    /// `SaltedPassword := Hi(password, salt, i)`; `ClientKey`, `ServerKey` (RFC 5802 section 3). The password is ASCII, so
    /// that SASLprep leaves it as it is.
    pub(crate) fn derive(password: &str, salt: &[u8; SCRAM_SALT_LEN]) -> Self {
        let mut salted = Key32::default();
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, SCRAM_ITERATIONS, salt, password.as_bytes(), salted.as_mut());
        Self {
            client: Zeroizing::new(hmac(&salted, &[b"Client Key"])),
            server: Zeroizing::new(hmac(&salted, &[b"Server Key"])),
        }
    }
}

/// `StoredKey := H(ClientKey)`
pub(crate) fn stored_key(client: &Key32) -> [u8; 32] {
    sha256(&[client.as_ref()])
}

/// `ClientKey := ClientProof XOR HMAC(StoredKey, AuthMessage)`: what a proof yields if it belongs to this StoredKey.
pub(crate) fn client_key(proof: &[u8; 32], stored: &[u8; 32], auth_message: &[u8]) -> Key32 {
    let mut key = Zeroizing::new(hmac(stored, &[auth_message]));
    key.iter_mut().zip(proof).for_each(|(key, proof)| *key ^= proof);
    key
}

/// `ServerSignature := HMAC(ServerKey, AuthMessage)`
pub(crate) fn server_signature(server: &Key32, auth_message: &[u8]) -> [u8; 32] {
    hmac(server, &[auth_message])
}
