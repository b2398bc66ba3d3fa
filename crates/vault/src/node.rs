//! The node's own keys file: home, log, service key under the node's passphrase, signing key under the service key.

use terms::{Jurisdiction, Secret};
use zeroize::Zeroizing;

use crate::VaultError;
use crate::account::Stretch;
use crate::crypto::{Key32, Lanes, PassphraseBox, PassphraseError, SigningKey};
use crate::encode::{Decoder, Encoder};
use crate::folder::{NODE_FILE, damaged, unreadable};
use crate::service::{Numbered, ServiceKey};

/// "Bailiwick vault node", format 1.
const MAGIC: &[u8; 4] = b"BVN\x01";

/// The context under which the service key seals the signing key's seed.
const SIGNING_SEED: &str = "node signing key";

/// A log's origin is a host and a path (C2SP tlog-checkpoint); 255 octets hold any.
const LOG_ORIGIN_LEN_MAX: usize = 255;

/// What a node is and signs with.
pub(crate) struct NodeKeys {
    pub(crate) home: Jurisdiction,
    pub(crate) log_origin: String,
    pub(crate) signing_seed: Key32,
}

impl NodeKeys {
    /// The file's octets, without the check at the end (docs/formats/keys.md).
    pub(crate) fn to_bytes(
        &self,
        (number, service_key): &Numbered,
        passphrase: &Secret<String>,
        stretch: Stretch<'_>,
    ) -> Result<Vec<u8>, VaultError> {
        if self.log_origin.len() > LOG_ORIGIN_LEN_MAX {
            return Err(VaultError::LogOrigin);
        }
        let signing = SigningKey::from_seed(&self.signing_seed).map_err(|_| VaultError::UnusableKey)?;
        let context = context(self.home.as_str(), &self.log_origin, &signing.public());
        let sealed = PassphraseBox::seal(
            passphrase,
            &context,
            service_key.as_ref(),
            stretch.cost,
            stretch.lanes,
            stretch.entropy,
        )
        .map_err(|_| VaultError::CostTooHigh)?;
        let own = ServiceKey::for_vault(&[(*number, service_key.clone())]);
        let seed = own.seal(SIGNING_SEED, self.signing_seed.as_ref(), stretch.entropy);
        Ok(Encoder::new(MAGIC)
            .text(self.home.as_str())
            .text(&self.log_origin)
            .fixed(&signing.public())
            .octets(sealed.as_bytes())
            .octets(&seed)
            .finish())
    }

    /// Opens the file's octets with the node's passphrase; gives the service key too, with its number.
    pub(crate) fn open(
        bytes: &[u8],
        passphrase: &Secret<String>,
        lanes: &Lanes,
    ) -> Result<(Self, Numbered), VaultError> {
        let parsed = Parsed::read(bytes).ok_or_else(|| unreadable(NODE_FILE, &[MAGIC], bytes))?;
        let context = context(parsed.home, parsed.log_origin, &parsed.signing_public);
        let service_key = parsed.service.open(passphrase, &context, lanes).map_err(|why| match why {
            PassphraseError::Wrong => VaultError::WrongPassphrase,
            PassphraseError::Damaged => damaged(NODE_FILE),
        })?;
        let service_key = key(&service_key)?;
        Self::open_with(bytes, &service_key)
    }

    /// Opens the file's octets with the service key itself, by whatever way that was opened; gives its number too.
    pub(crate) fn open_with(bytes: &[u8], service_key: &Key32) -> Result<(Self, Numbered), VaultError> {
        let parsed = Parsed::read(bytes).ok_or_else(|| unreadable(NODE_FILE, &[MAGIC], bytes))?;
        // The second octet of any service sealing is the key's number.
        let number = *parsed.seed.get(1).ok_or_else(|| damaged(NODE_FILE))?;
        let service_key = (number, service_key.clone());
        let own = ServiceKey::for_vault(std::slice::from_ref(&service_key));
        let seed = own.open(SIGNING_SEED, parsed.seed);
        let signing_seed = key(&Zeroizing::new(seed.map_err(|_| damaged(NODE_FILE))?))?;
        let signer = SigningKey::from_seed(&signing_seed).map_err(|_| damaged(NODE_FILE))?;
        if signer.public() != parsed.signing_public {
            return Err(damaged(NODE_FILE));
        }
        let home = parsed.home.parse().map_err(|_| damaged(NODE_FILE))?;
        Ok((Self { home, log_origin: parsed.log_origin.to_owned(), signing_seed }, service_key))
    }
}

struct Parsed<'a> {
    home: &'a str,
    log_origin: &'a str,
    signing_public: [u8; 32],
    service: PassphraseBox,
    seed: &'a [u8],
}

impl<'a> Parsed<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut rest = Decoder::new(MAGIC, bytes)?;
        let parsed = Self {
            home: rest.text()?,
            log_origin: rest.text()?,
            signing_public: rest.array()?,
            service: PassphraseBox::from_bytes(rest.octets()?),
            seed: rest.octets()?,
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

fn context(home: &str, log_origin: &str, signing_public: &[u8; 32]) -> Vec<u8> {
    Encoder::new(b"bailiwick/node/v1").text(home).text(log_origin).fixed(signing_public).finish()
}
