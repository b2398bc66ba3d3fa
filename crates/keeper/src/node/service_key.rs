//! The service key: seals what the node needs while nobody is signed in.

use std::sync::{Arc, PoisonError, RwLock};

use terms::Entropy;
use vault::inside::Encoder;
use vault::{MailError, VaultError};

use crate::crypto::{AeadKey, Key32, NONCE_ZERO, Prk, hmac};

/// First byte of everything sealed: the format.
const FORMAT: u8 = 1;

/// Second byte: which service key. The first is 1, and a rotation counts up; after 255 comes 1.
pub(crate) const FIRST_GENERATION: u8 = 1;

/// Bytes of the random salt that gives each sealing a key of its own.
const SALT_LEN: usize = 24;

const HEAD_LEN: usize = 2 + SALT_LEN;

/// The service key of a node, ready to use. Wiped when dropped.
///
/// Each sealing derives its own AES-256 key from the service key, the context and 24 random bytes, and uses it once, so
/// that the nonce can be a constant. Two sealings share a key only when both context and salt agree: after 2^64
/// sealings in one context the chance of that is 2^-65. (A random 96-bit nonce under one key would be past the limit of
/// NIST SP 800-38D section 8.3 after 2^32 sealings, which a busy node reaches in a year.)
///
/// While a service key is being replaced there are two: the new one seals, both open.
pub(crate) struct ServiceKey(RwLock<Arc<Ring>>);

/// The service keys that there are, the one that seals first.
struct Ring(Vec<(u8, Arc<Prk>)>);

/// A service key as it is kept: its number and its bytes.
pub(crate) type Numbered = (u8, Key32);

/// For which use the keys of a [`ServiceKey`] are derived.
#[derive(Clone, Copy)]
enum Use {
    Rooms,
    Vault,
}

impl Use {
    fn derive(self, keys: &[Numbered]) -> Arc<Ring> {
        let salt: &[u8] = match self {
            Self::Rooms => b"bailiwick/service/v1",
            Self::Vault => b"bailiwick/vault/v1",
        };
        Arc::new(Ring(keys.iter().map(|(number, key)| (*number, Arc::new(Prk::extract(salt, key.as_ref())))).collect()))
    }
}

fn sealing_key(prk: &Prk, context: &str, salt: &[u8]) -> AeadKey {
    let info = Encoder::new(b"seal").text(context).fixed(salt).finish();
    AeadKey::new(&prk.expand::<32>(&[&info]))
}

fn keyed_hash(prk: &Prk, context: &str, data: &[u8]) -> [u8; 32] {
    let info = Encoder::new(b"hash").text(context).finish();
    hmac(&prk.expand::<32>(&[&info]), &[data])
}

impl ServiceKey {
    /// The service keys as the other crates use them, through the vault's `service_*` calls. The first seals; there is one
    /// at least.
    pub(crate) fn for_rooms(keys: &[Numbered]) -> Self {
        Self(RwLock::new(Use::Rooms.derive(keys)))
    }

    /// The service keys as the vault uses them for its own files. No context of another room reaches these.
    pub(crate) fn for_vault(keys: &[Numbered]) -> Self {
        Self(RwLock::new(Use::Vault.derive(keys)))
    }

    /// Takes other keys instead of these, for the other crates.
    pub(crate) fn replace_for_rooms(&self, keys: &[Numbered]) {
        self.replace(Use::Rooms, keys);
    }

    /// Takes other keys instead of these, for the vault.
    pub(crate) fn replace_for_vault(&self, keys: &[Numbered]) {
        self.replace(Use::Vault, keys);
    }

    fn replace(&self, of: Use, keys: &[Numbered]) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = of.derive(keys);
    }

    fn ring(&self) -> Arc<Ring> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The numbers of the keys, the one that seals first.
    pub(crate) fn generations(&self) -> Vec<u8> {
        self.ring().0.iter().map(|(number, _)| *number).collect()
    }

    pub(crate) fn seal(&self, context: &str, plain: &[u8], entropy: &dyn Entropy) -> Vec<u8> {
        let ring = self.ring();
        let (number, prk) = &ring.0[0];
        let mut out = vec![0; HEAD_LEN];
        out[0] = FORMAT;
        out[1] = *number;
        entropy.fill(&mut out[2..]);
        let key = sealing_key(prk, context, &out[2..]);
        key.seal_into(NONCE_ZERO, &[FORMAT, *number], plain, &mut out);
        out
    }

    pub(crate) fn open(&self, context: &str, sealed: &[u8]) -> Result<Vec<u8>, VaultError> {
        let (head, text) = sealed.split_at_checked(HEAD_LEN).ok_or(VaultError::Mail(MailError::DoesNotOpen))?;
        let ring = self.ring();
        let prk = ring.0.iter().find(|(number, _)| *number == head[1]).map(|(_, prk)| prk);
        let prk = prk.filter(|_| head[0] == FORMAT).ok_or(VaultError::Mail(MailError::DoesNotOpen))?;
        let mut plain = Vec::with_capacity(text.len());
        sealing_key(prk, context, &head[2..])
            .open_into(NONCE_ZERO, &head[..2], text, &mut plain)
            .map_err(|_| VaultError::Mail(MailError::DoesNotOpen))?;
        Ok(plain)
    }

    /// The keyed hash by the key that seals.
    pub(crate) fn hash(&self, context: &str, data: &[u8]) -> [u8; 32] {
        keyed_hash(&self.ring().0[0].1, context, data)
    }

    /// The keyed hashes by every key, the one that seals first.
    pub(crate) fn hashes(&self, context: &str, data: &[u8]) -> Vec<[u8; 32]> {
        self.ring().0.iter().map(|(_, prk)| keyed_hash(prk, context, data)).collect()
    }
}
