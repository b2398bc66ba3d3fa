//! RSA-OAEP (RFC 8017 section 7.1) to a key that a token holds: what a token opens and nothing else does.
//!
//! With SHA-1 in both places, because that is what every token has (SoftHSM 2 has no other; smart cards that do OAEP by
//! themselves often have no other). OAEP asks of its hash no resistance to collisions, and the breaks of SHA-1 are of that
//! kind. The padding's randomness is the library's own: nothing that is kept depends on who gives it.

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rsa::{OAEP_SHA1_MGF1SHA1, OaepPublicEncryptingKey, PublicEncryptingKey, PublicKeyComponents};

use super::DoesNotOpen;

/// The DER SubjectPublicKeyInfo (RFC 5280 section 4.1) of an RSA key, from its two numbers, big-endian.
pub(crate) fn rsa_public(modulus: &[u8], exponent: &[u8]) -> Result<Vec<u8>, DoesNotOpen> {
    let components = PublicKeyComponents { n: without_zeros(modulus), e: without_zeros(exponent) };
    let key: PublicEncryptingKey = components.try_into().map_err(|_| DoesNotOpen)?;
    let der: PublicKeyX509Der<'_> = key.as_der().map_err(|_| DoesNotOpen)?;
    Ok(der.as_ref().to_vec())
}

/// A token may write a number with zeros before it; the library wants none.
fn without_zeros(number: &[u8]) -> &[u8] {
    &number[number.iter().take_while(|byte| **byte == 0).count()..]
}

/// Seals `plain` to the RSA key whose SubjectPublicKeyInfo is `public`. Fails for anything but an RSA key of 2048 to 8192 bits.
pub(crate) fn seal_oaep(public: &[u8], plain: &[u8]) -> Result<Vec<u8>, DoesNotOpen> {
    let key = PublicEncryptingKey::from_der(public).map_err(|_| DoesNotOpen)?;
    let key = OaepPublicEncryptingKey::new(key).map_err(|_| DoesNotOpen)?;
    let mut out = vec![0; key.ciphertext_size()];
    let len = key.encrypt(&OAEP_SHA1_MGF1SHA1, plain, &mut out, None).map_err(|_| DoesNotOpen)?.len();
    out.truncate(len);
    Ok(out)
}

/// A token in software, for tests.
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
pub(crate) mod soft {
    use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
    use aws_lc_rs::rsa::{KeySize, OAEP_SHA1_MGF1SHA1, OaepPrivateDecryptingKey, PrivateDecryptingKey};

    pub(crate) struct SoftToken(PrivateDecryptingKey);

    impl SoftToken {
        pub(crate) fn new() -> Self {
            Self(PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap())
        }

        pub(crate) fn public(&self) -> Vec<u8> {
            let der: PublicKeyX509Der<'_> = self.0.public_key().as_der().unwrap();
            der.as_ref().to_vec()
        }

        pub(crate) fn open(&self, sealed: &[u8]) -> Option<Vec<u8>> {
            let key = OaepPrivateDecryptingKey::new(self.0.clone()).unwrap();
            let mut out = vec![0; key.min_output_size()];
            key.decrypt(&OAEP_SHA1_MGF1SHA1, sealed, &mut out, None).ok().map(|plain| plain.to_vec())
        }
    }
}
