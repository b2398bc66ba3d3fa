//! HKDF-SHA256 (RFC 5869), HMAC-SHA256 (RFC 2104) and SHA-256 (FIPS 180-4).

use aws_lc_rs::{constant_time, digest, hkdf, hmac as mac};
use zeroize::Zeroizing;

/// A pseudorandom key of HKDF: what `Extract` gives and `Expand` takes.
pub struct Prk(hkdf::Prk);

struct Len(usize);

impl hkdf::KeyType for Len {
    fn len(&self) -> usize {
        self.0
    }
}

impl Prk {
    /// `HKDF-Extract(salt, ikm)`.
    pub fn extract(salt: &[u8], ikm: &[u8]) -> Self {
        Self(hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(ikm))
    }

    /// A key that is uniform already, used without `Extract` (RFC 5869 section 3.3).
    pub fn from_uniform(key: &[u8; 32]) -> Self {
        Self(hkdf::Prk::new_less_safe(hkdf::HKDF_SHA256, key))
    }

    /// `HKDF-Expand(self, info, N)`, `info` being the parts in a row. Callers make the parts self-delimiting.
    #[expect(clippy::expect_used, reason = "fails only for more than 255 blocks (RFC 5869 section 2.3); N is small")]
    pub fn expand<const N: usize>(&self, info: &[&[u8]]) -> Zeroizing<[u8; N]> {
        let mut out = Zeroizing::new([0; N]);
        self.0.expand(info, Len(N)).and_then(|okm| okm.fill(out.as_mut())).expect("a short output");
        out
    }
}

/// HMAC-SHA256 of the parts in a row. Callers make the parts self-delimiting.
pub fn hmac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let mut context = mac::Context::with_key(&mac::Key::new(mac::HMAC_SHA256, key));
    for part in parts {
        context.update(part);
    }
    let mut out = [0; 32];
    out.copy_from_slice(context.sign().as_ref());
    out
}

/// SHA-256 of the parts in a row.
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(part);
    }
    let mut out = [0; 32];
    out.copy_from_slice(context.finish().as_ref());
    out
}

/// Whether both are the same, in a time that does not depend on where they differ.
pub fn same(one: &[u8], two: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(one, two).is_ok()
}
