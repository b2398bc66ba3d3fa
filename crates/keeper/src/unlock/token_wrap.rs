//! The service key under a secret that only a PKCS#11 token opens (docs/formats/keys.md, `node.token`).

use terms::Entropy;
use vault::inside::{Decoder, Encoder, TokenAsk};
use vault::{TokenKey, UnlockError, VaultError};
use zeroize::Zeroizing;

use crate::account::wrap::{RANDOM_WRAP_OVERHEAD, RandomWrap};
use crate::crypto::{Key32, random_key, same, seal_oaep, sha256};
use crate::files::{Folder, TOKEN_FILE, damaged, unreadable};
use crate::node::service_key::ServiceKey;

/// "Bailiwick vault PKCS#11", format 1.
const MAGIC: &[u8; 4] = b"BVP\x01";

/// The file: the service keys under a secret that only the token opens.
pub(crate) struct TokenWrap {
    key: TokenKey,
    /// The secret, by RSA-OAEP to the token's key.
    secret: Vec<u8>,
    /// How many service keys there are: two while one is replaced, since nobody knows at which moment the power goes.
    count: u8,
    keys: RandomWrap,
}

impl TokenWrap {
    /// Seals the service keys to a token's key. The token is not needed.
    pub(crate) fn seal(key: TokenKey, keys: &[&Key32], entropy: &dyn Entropy) -> Result<Self, VaultError> {
        let secret = random_key(entropy);
        let sealed =
            seal_oaep(&key.public, secret.as_ref()).map_err(|_| VaultError::Unlock(UnlockError::TokenKeyUnusable))?;
        let mut plain = Zeroizing::new(Vec::with_capacity(32 * keys.len()));
        keys.iter().for_each(|key| plain.extend_from_slice(key.as_ref()));
        let wrap = RandomWrap::seal(secret.as_ref(), &context(&key.public), &plain, entropy);
        Ok(Self { key, secret: sealed, count: u8::try_from(keys.len()).unwrap_or(u8::MAX), keys: wrap })
    }

    /// What the token is asked to open, and which of its keys does.
    pub(crate) fn ask(&self, to: [u8; 32]) -> TokenAsk {
        TokenAsk { id: self.key.id.clone(), sealed: self.secret.clone(), to }
    }

    /// The service keys, by the secret that the token opened: one, or the new and the old while it is replaced.
    pub(crate) fn service_keys(&self, secret: &[u8]) -> Result<Vec<Key32>, VaultError> {
        let plain = self
            .keys
            .open(secret, &context(&self.key.public))
            .map_err(|_| VaultError::Unlock(UnlockError::TokenAnswer))?;
        let one = |part: &[u8]| {
            let mut key = Key32::default();
            key.copy_from_slice(part);
            key
        };
        Ok(plain.chunks_exact(32).map(one).collect())
    }

    /// Seals other service keys to the token's key instead of those in the file, if there is one. Durable when it
    /// returns.
    pub(crate) fn reseal(
        folder: &Folder,
        own: &ServiceKey,
        keys: &[&Key32],
        entropy: &dyn Entropy,
    ) -> Result<(), VaultError> {
        // Only for a file that was written by someone who had a service key, or the keys would go to anyone who swapped it.
        let Some((wrap, check)) = Self::read_both(folder)? else { return Ok(()) };
        if !own.hashes(TOKEN_FILE, &wrap.to_bytes()).iter().any(|wanted| same(wanted, &check)) {
            return Err(damaged(TOKEN_FILE));
        }
        Self::seal(wrap.key, keys, entropy)?.write(folder, own)
    }

    /// Writes the file. Durable when it returns.
    pub(crate) fn write(&self, folder: &Folder, own: &ServiceKey) -> Result<(), VaultError> {
        let mut body = self.to_bytes();
        let check = own.hash(TOKEN_FILE, &body);
        body.extend_from_slice(&check);
        folder.write_summed(TOKEN_FILE, body)
    }

    /// Reads the file, if there is one, before there is a service key.
    pub(crate) fn read(folder: &Folder) -> Result<Option<Self>, VaultError> {
        Ok(Self::read_both(folder)?.map(|(wrap, _)| wrap))
    }

    fn read_both(folder: &Folder) -> Result<Option<(Self, [u8; 32])>, VaultError> {
        let Some(bytes) = folder.read_summed(TOKEN_FILE)? else { return Ok(None) };
        Self::parse(&bytes).map(Some).ok_or_else(|| unreadable(TOKEN_FILE, &[MAGIC], &bytes))
    }

    fn to_bytes(&self) -> Vec<u8> {
        let out = Encoder::new(MAGIC).bytes(&self.key.public).bytes(&self.key.id).bytes(&self.secret);
        out.u8(self.count).bytes(self.keys.as_bytes()).finish()
    }

    fn parse(bytes: &[u8]) -> Option<(Self, [u8; 32])> {
        let mut rest = Decoder::new(MAGIC, bytes)?;
        let public = rest.bytes()?.to_vec();
        let key = TokenKey { id: rest.bytes()?.to_vec(), public };
        let secret = rest.bytes()?.to_vec();
        let count = rest.u8()?;
        let sealed = rest.bytes()?;
        if !(1..=2).contains(&count) || sealed.len() != RANDOM_WRAP_OVERHEAD + 32 * usize::from(count) {
            return None;
        }
        let keys = RandomWrap::from_bytes(sealed, 32 * usize::from(count))?;
        let check = rest.array()?;
        rest.end()?;
        Some((Self { key, secret, count, keys }, check))
    }
}

fn context(public: &[u8]) -> Vec<u8> {
    Encoder::new(b"bailiwick/token/v1").fixed(&sha256(&[public])).finish()
}
