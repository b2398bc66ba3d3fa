//! The one real source of randomness, and the bridge that lends any [`Entropy`] to crates that want a `rand_core` source.

use std::convert::Infallible;

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use hpke::rand_core::{TryCryptoRng, TryRng};
use terms::Entropy;

/// Unpredictable bytes of AWS-LC, seeded by the kernel.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[expect(clippy::panic, reason = "the contract of Entropy: a source that cannot must end rather than return")]
    fn fill(&self, out: &mut [u8]) {
        if SystemRandom::new().fill(out).is_err() {
            panic!("the kernel gives no random bytes; no key can be made safely");
        }
    }
}

/// Lends an [`Entropy`] as a `rand_core` generator.
pub struct Lent<'a>(pub &'a dyn Entropy);

impl TryRng for Lent<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill(out);
        Ok(())
    }
}

impl TryCryptoRng for Lent<'_> {}
