//! The root of an account: the one secret that every wrap of the account's file wraps.
//!
//! A wrap is one way in (a password, an app password, the escrow key …); what lies behind all of them is the root, and
//! under the root lie the private keys. So a new pair for the account touches no wrap, and a new wrap touches no pair:
//! nobody has to type every secret again because one thing changed.

use terms::{AccountId, Entropy};
use vault::inside::Encoder;
use zeroize::Zeroizing;

use crate::crypto::{AeadKey, DoesNotOpen, Key32, NONCE_ZERO, Prk, random_key};

/// Bytes of a root.
pub(crate) const ROOT_LEN: usize = 32;

/// Bytes of the salt that gives each sealing a key of its own.
const SALT_LEN: usize = 24;

/// 32 bytes that open everything of one account. Wiped when dropped; lives for one call.
pub(crate) struct Root(Key32);

impl Root {
    pub(crate) fn random(entropy: &dyn Entropy) -> Self {
        Self(random_key(entropy))
    }

    /// Takes 32 bytes that a wrap gave.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut key = Key32::default();
        (bytes.len() == ROOT_LEN).then(|| key.copy_from_slice(bytes))?;
        Some(Self(key))
    }

    /// The bytes, for wrapping.
    pub(crate) fn expose(&self) -> &[u8; ROOT_LEN] {
        &self.0
    }

    /// Salt (24), ciphertext and tag. `what` names the thing and must be given again; each sealing has its own key, so its
    /// nonce is used once.
    pub(crate) fn seal(&self, account: AccountId, what: &[u8], plain: &[u8], entropy: &dyn Entropy) -> Vec<u8> {
        let mut out = vec![0; SALT_LEN];
        entropy.fill(&mut out);
        let key = self.key(account, what, &out);
        key.seal_into(NONCE_ZERO, &[], plain, &mut out);
        out
    }

    /// Opens what [`seal`](Self::seal) made for the same account and thing.
    pub(crate) fn open(
        &self,
        account: AccountId,
        what: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, DoesNotOpen> {
        let (salt, text) = sealed.split_at_checked(SALT_LEN).ok_or(DoesNotOpen)?;
        let mut plain = Vec::with_capacity(text.len());
        self.key(account, what, salt).open_into(NONCE_ZERO, &[], text, &mut plain)?;
        Ok(Zeroizing::new(plain))
    }

    fn key(&self, account: AccountId, what: &[u8], salt: &[u8]) -> AeadKey {
        let info = Encoder::new(b"bailiwick/account-root/v1").fixed(&account.0).bytes(what).fixed(salt).finish();
        AeadKey::new(&Prk::from_uniform(&self.0).expand::<32>(&[&info]))
    }
}
