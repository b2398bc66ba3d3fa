//! HPKE (RFC 9180), base mode: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM. Pairs, and opening; anyone who has a
//! public key seals (`vault::inside::seal_hybrid`).
//!
//! Each sealing has a key of its own from a fresh ephemeral key, so that its nonce is used once. `info` names what is
//! sealed and for whom; it is bound into the key, so that nothing sealed for one purpose opens for another.

use hpke::aead::AesGcm256;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, OpModeR, Serializable, single_shot_open};
use terms::Entropy;
use zeroize::Zeroizing;

use super::{DoesNotOpen, Key32};

type Public = <X25519HkdfSha256 as Kem>::PublicKey;
type Private = <X25519HkdfSha256 as Kem>::PrivateKey;
type Encapsulated = <X25519HkdfSha256 as Kem>::EncappedKey;

/// Bytes of the encapsulated key (`Nenc`, RFC 9180 section 7.1).
const ENC_LEN: usize = 32;

/// The private key of an X25519 pair (RFC 7748), 32 bytes, clamped.
pub(crate) struct PrivateKey(Key32);

/// An X25519 pair.
pub(crate) struct KeyPair {
    pub(crate) private: PrivateKey,
    pub(crate) public: [u8; 32],
}

impl KeyPair {
    /// A new pair: `DeriveKeyPair` (RFC 9180 section 7.1.3) of 32 fresh bytes.
    pub(crate) fn generate(entropy: &dyn Entropy) -> Self {
        let seed = vault::inside::random_key(entropy);
        let (private, public) = X25519HkdfSha256::derive_keypair(seed.as_ref());
        Self { private: PrivateKey(private_bytes(&private)), public: public_bytes(&public) }
    }
}

impl PrivateKey {
    /// Takes 32 bytes as a private key. Clamped as RFC 7748 section 5 has it.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self(private_bytes(&Private::from_bytes(bytes).ok()?)))
    }

    /// The bytes, for wrapping.
    pub(crate) fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// The public key that belongs to it.
    pub(crate) fn public(&self) -> Result<[u8; 32], DoesNotOpen> {
        Ok(public_bytes(&X25519HkdfSha256::sk_to_pk(&self.parse()?)))
    }

    fn parse(&self) -> Result<Private, DoesNotOpen> {
        Private::from_bytes(self.0.as_ref()).map_err(|_| DoesNotOpen)
    }
}

fn private_bytes(private: &Private) -> Key32 {
    let mut out = Key32::default();
    private.write_exact(out.as_mut());
    out
}

fn public_bytes(public: &Public) -> [u8; 32] {
    let mut out = [0; 32];
    public.write_exact(&mut out);
    out
}

/// Opens what [`seal_hybrid`](vault::inside::seal_hybrid) made.
pub(crate) fn open_hybrid(private: &PrivateKey, info: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, DoesNotOpen> {
    let (encapsulated, text) = sealed.split_at_checked(ENC_LEN).ok_or(DoesNotOpen)?;
    let encapsulated = Encapsulated::from_bytes(encapsulated).map_err(|_| DoesNotOpen)?;
    single_shot_open::<AesGcm256, HkdfSha256, X25519HkdfSha256>(
        &OpModeR::Base,
        &private.parse()?,
        &encapsulated,
        info,
        text,
        &[],
    )
    .map(Zeroizing::new)
    .map_err(|_| DoesNotOpen)
}
