//! The service key: seals what the node needs while nobody is signed in.

use terms::Entropy;

use crate::VaultError;
use crate::crypto::{AeadKey, Key32, NONCE_ZERO, Prk, hmac};
use crate::encode::Encoder;

/// First octet of everything sealed: the format.
const FORMAT: u8 = 1;

/// Second octet: which service key. The first is 1; a rotation will count up.
const GENERATION: u8 = 1;

/// Octets of the random salt that gives each sealing a key of its own.
const SALT_LEN: usize = 24;

const HEAD_LEN: usize = 2 + SALT_LEN;

/// The service key of a node, ready to use. Wiped when dropped.
///
/// Each sealing derives its own AES-256 key from the service key, the context and 24 random octets, and uses it once, so
/// that the nonce can be a constant. Two sealings share a key only when both context and salt agree: after 2^64
/// sealings in one context the chance of that is 2^-65. (A random 96-bit nonce under one key would be past the limit of
/// NIST SP 800-38D section 8.3 after 2^32 sealings, which a busy node reaches in a year.)
pub(crate) struct ServiceKey(Prk);

impl ServiceKey {
    /// The service key as the other rooms use it, through the vault's `service_*` calls.
    pub(crate) fn for_rooms(key: &Key32) -> Self {
        Self(Prk::extract(b"bailiwick/service/v1", key.as_ref()))
    }

    /// The service key as the vault uses it for its own files. No context of another room reaches these.
    pub(crate) fn for_vault(key: &Key32) -> Self {
        Self(Prk::extract(b"bailiwick/vault/v1", key.as_ref()))
    }

    fn sealing_key(&self, context: &str, salt: &[u8]) -> AeadKey {
        let info = Encoder::new(b"seal").text(context).fixed(salt).finish();
        AeadKey::new(&self.0.expand::<32>(&[&info]))
    }

    pub(crate) fn seal(&self, context: &str, plain: &[u8], entropy: &dyn Entropy) -> Vec<u8> {
        let mut out = vec![0; HEAD_LEN];
        out[0] = FORMAT;
        out[1] = GENERATION;
        entropy.fill(&mut out[2..]);
        let key = self.sealing_key(context, &out[2..]);
        key.seal_into(NONCE_ZERO, &[FORMAT, GENERATION], plain, &mut out);
        out
    }

    pub(crate) fn open(&self, context: &str, sealed: &[u8]) -> Result<Vec<u8>, VaultError> {
        let (head, text) = sealed.split_at_checked(HEAD_LEN).ok_or(VaultError::DoesNotOpen)?;
        if head[..2] != [FORMAT, GENERATION] {
            return Err(VaultError::DoesNotOpen);
        }
        let mut plain = Vec::with_capacity(text.len());
        self.sealing_key(context, &head[2..])
            .open_into(NONCE_ZERO, &head[..2], text, &mut plain)
            .map_err(|_| VaultError::DoesNotOpen)?;
        Ok(plain)
    }

    pub(crate) fn hash(&self, context: &str, data: &[u8]) -> [u8; 32] {
        let info = Encoder::new(b"hash").text(context).finish();
        hmac(&self.0.expand::<32>(&[&info]), &[data])
    }
}
