//! HPKE (RFC 9180), base mode: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM. Sealing, which needs no secret; opening
//! is the keeper's.
//!
//! Each sealing has a key of its own from a fresh ephemeral key, so that its nonce is used once. `info` names what is
//! sealed and for whom; it is bound into the key, so that nothing sealed for one purpose opens for another.

use hpke::aead::AesGcm256;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, OpModeS, Serializable, single_shot_seal_with_rng};
use terms::Entropy;

use super::DoesNotOpen;
use super::random::Lent;

type Public = <X25519HkdfSha256 as Kem>::PublicKey;

/// Bytes of the encapsulated key (`Nenc`, RFC 9180 section 7.1).
const ENC_LEN: usize = 32;

/// Bytes that sealing adds: the encapsulated key and the tag.
pub const HYBRID_OVERHEAD: usize = ENC_LEN + super::TAG_LEN;

/// Seals `plain` to the owner of `public`: encapsulated key (32), ciphertext, tag (16). Fails when `public` is not a usable
/// key (a point of low order).
///
/// # Errors
/// Then.
pub fn seal_hybrid(
    public: &[u8; 32],
    info: &[u8],
    plain: &[u8],
    entropy: &dyn Entropy,
) -> Result<Vec<u8>, DoesNotOpen> {
    let public = Public::from_bytes(public).map_err(|_| DoesNotOpen)?;
    let (encapsulated, text) = single_shot_seal_with_rng::<AesGcm256, HkdfSha256, X25519HkdfSha256>(
        &OpModeS::Base,
        &public,
        info,
        plain,
        &[],
        &mut Lent(entropy),
    )
    .map_err(|_| DoesNotOpen)?;
    let mut out = encapsulated.to_bytes().to_vec();
    out.extend_from_slice(&text);
    Ok(out)
}
