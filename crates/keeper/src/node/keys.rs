//! The node's own keys file: home, log, service key under the node's passphrase, signing keys under the service key.

use terms::{Entropy, Jurisdiction, Secret};
use vault::inside::{Decoder, Encoder};
use vault::{UnlockError, VaultError};
use zeroize::Zeroizing;

use crate::account::Stretch;
use crate::crypto::{Key32, Lanes, PassphraseBox, PassphraseError};
use crate::files::{NODE_FILE, damaged, unreadable};
use crate::node::service_key::{Numbered, ServiceKey};

/// "Bailiwick vault node", format 1.
const MAGIC: &[u8; 4] = b"BVN\x01";

/// Signing keys at most: the present one and the next.
const SEEDS_MAX: usize = 2;

/// The context under which the service key seals the signing keys' seeds.
const SIGNING_SEED: &str = "node signing key";

/// A log's origin is a host and a path (C2SP tlog-checkpoint); 255 bytes hold any.
const LOG_ORIGIN_LEN_MAX: usize = 255;

/// What a node is and signs with.
pub(crate) struct NodeKeys {
    pub(crate) home: Jurisdiction,
    pub(crate) log_origin: String,
    /// The public key of the node's first signing key. It names the node in the context of its passphrase permanently.
    pub(crate) named_by: [u8; 32],
    /// The seed of the key that signs; then that of the next, while it is being replaced.
    pub(crate) seeds: Vec<Key32>,
}

impl NodeKeys {
    /// The file's bytes, without the check at the end (docs/formats/keys.md).
    pub(crate) fn to_bytes(
        &self,
        (number, service_key): &Numbered,
        passphrase: &Secret<String>,
        stretch: Stretch<'_>,
    ) -> Result<Vec<u8>, VaultError> {
        if self.log_origin.len() > LOG_ORIGIN_LEN_MAX {
            return Err(VaultError::Unlock(UnlockError::LogOrigin));
        }
        let context = context(self.home.as_str(), &self.log_origin, &self.named_by);
        let sealed = PassphraseBox::seal(
            passphrase,
            &context,
            service_key.as_ref(),
            stretch.cost,
            stretch.lanes,
            stretch.entropy,
        )
        .map_err(|_| VaultError::CostTooHigh)?;
        self.with_box(&sealed, &(*number, service_key.clone()), stretch.entropy)
    }

    /// The file with these seeds and everything else as `bytes` have it: nobody's passphrase is needed for that.
    pub(crate) fn with_seeds(
        &self,
        bytes: &[u8],
        service_key: &Numbered,
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, VaultError> {
        let parsed = Parsed::read(bytes).ok_or_else(|| unreadable(NODE_FILE, &[MAGIC], bytes))?;
        self.with_box(&parsed.service, service_key, entropy)
    }

    fn with_box(
        &self,
        service: &PassphraseBox,
        service_key: &Numbered,
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, VaultError> {
        let own = ServiceKey::for_vault(std::slice::from_ref(service_key));
        let mut seeds = Zeroizing::new(Vec::with_capacity(SEEDS_MAX * 32));
        self.seeds.iter().for_each(|seed| seeds.extend_from_slice(seed.as_ref()));
        Ok(Encoder::new(MAGIC)
            .text(self.home.as_str())
            .text(&self.log_origin)
            .fixed(&self.named_by)
            .bytes(service.as_bytes())
            .bytes(&own.seal(SIGNING_SEED, &seeds, entropy))
            .finish())
    }

    /// Opens the file's bytes with the node's passphrase; gives the service key too, with its number.
    pub(crate) fn open(
        bytes: &[u8],
        passphrase: &Secret<String>,
        lanes: &Lanes,
    ) -> Result<(Self, Numbered), VaultError> {
        let parsed = Parsed::read(bytes).ok_or_else(|| unreadable(NODE_FILE, &[MAGIC], bytes))?;
        let context = context(parsed.home, parsed.log_origin, &parsed.named_by);
        let service_key = parsed.service.open(passphrase, &context, lanes).map_err(|why| match why {
            PassphraseError::Wrong => VaultError::Unlock(UnlockError::WrongPassphrase),
            PassphraseError::Damaged => damaged(NODE_FILE),
        })?;
        let service_key = key(&service_key)?;
        Self::open_with(bytes, &service_key)
    }

    /// Opens the file's bytes with the service key itself, by whatever way that was opened; gives its number too.
    pub(crate) fn open_with(bytes: &[u8], service_key: &Key32) -> Result<(Self, Numbered), VaultError> {
        let parsed = Parsed::read(bytes).ok_or_else(|| unreadable(NODE_FILE, &[MAGIC], bytes))?;
        // The second byte of any service sealing is the key's number.
        let number = *parsed.seed.get(1).ok_or_else(|| damaged(NODE_FILE))?;
        let service_key = (number, service_key.clone());
        let own = ServiceKey::for_vault(std::slice::from_ref(&service_key));
        let plain = own.open(SIGNING_SEED, parsed.seed).map(Zeroizing::new).map_err(|_| damaged(NODE_FILE))?;
        if plain.is_empty() || plain.len() > SEEDS_MAX * 32 {
            return Err(damaged(NODE_FILE));
        }
        let mut seeds = Vec::with_capacity(SEEDS_MAX);
        for seed in plain.chunks(32) {
            seeds.push(key(seed)?);
        }
        let home = parsed.home.parse().map_err(|_| damaged(NODE_FILE))?;
        Ok((Self { home, log_origin: parsed.log_origin.to_owned(), named_by: parsed.named_by, seeds }, service_key))
    }
}

struct Parsed<'a> {
    home: &'a str,
    log_origin: &'a str,
    named_by: [u8; 32],
    service: PassphraseBox,
    seed: &'a [u8],
}

impl<'a> Parsed<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut rest = Decoder::new(MAGIC, bytes)?;
        let parsed = Self {
            home: rest.text()?,
            log_origin: rest.text()?,
            named_by: rest.array()?,
            service: PassphraseBox::from_bytes(rest.bytes()?),
            seed: rest.bytes()?,
        };
        rest.end()?;
        Some(parsed)
    }
}

fn key(bytes: &[u8]) -> Result<Key32, VaultError> {
    let mut key = Key32::default();
    if bytes.len() != key.len() {
        return Err(damaged(NODE_FILE));
    }
    key.copy_from_slice(bytes);
    Ok(key)
}

fn context(home: &str, log_origin: &str, named_by: &[u8; 32]) -> Vec<u8> {
    Encoder::new(b"bailiwick/node/v1").text(home).text(log_origin).fixed(named_by).finish()
}
