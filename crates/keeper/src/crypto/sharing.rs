//! Shamir's secret sharing over GF(256) (A. Shamir, "How to share a secret", 1979), by the crate `blahaj`.
//!
//! The threshold is two: one share tells nothing at all, and any two give the secret. Shares carry no check of their own,
//! so a caller checks what came out (the vault compares the public key).

use blahaj::Sharks;
use terms::Entropy;
use vault::inside::Lent;
use zeroize::Zeroizing;

use super::{DoesNotOpen, Key32};

/// How many shares give the secret: two officers, always (ARCHITECTURE.md, invariant 2).
const THRESHOLD: u8 = 2;

/// Bytes of a share of 32 bytes: its place on the curve, then one byte for each byte of the secret.
pub(crate) const SHARE_LEN: usize = 33;

/// One share, wiped when dropped.
#[derive(Clone)]
pub(crate) struct Share(Zeroizing<Vec<u8>>);

impl Share {
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        // Place 0 is where the secret itself lies; no dealer hands it out.
        (bytes.len() == SHARE_LEN && bytes.first() != Some(&0)).then(|| Self(Zeroizing::new(bytes.to_vec())))
    }

    pub(crate) fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Where on the curve it lies: the number of the share in its deal.
    pub(crate) fn place(&self) -> u8 {
        self.0.first().copied().unwrap_or_default()
    }
}

/// Deals `count` shares of `secret`, any two of which give it back.
pub(crate) fn split(secret: &[u8; 32], count: u8, entropy: &dyn Entropy) -> Vec<Share> {
    Sharks(THRESHOLD)
        .dealer_rng(secret, &mut Lent(entropy))
        .take(usize::from(count))
        .map(|share| Share(Zeroizing::new(Vec::from(&share))))
        .collect()
}

/// The secret of two different shares. What comes out of shares that do not belong together is noise: check it.
pub(crate) fn join(one: &Share, two: &Share) -> Result<Key32, DoesNotOpen> {
    let shares = [&one.0, &two.0].map(|share| blahaj::Share::try_from(share.as_slice()));
    let [Ok(one), Ok(two)] = shares else { return Err(DoesNotOpen) };
    let secret = Zeroizing::new(Sharks(THRESHOLD).recover(&[one, two]).map_err(|_| DoesNotOpen)?);
    let mut out = Key32::default();
    if secret.len() != out.len() {
        return Err(DoesNotOpen);
    }
    out.copy_from_slice(&secret);
    Ok(out)
}
