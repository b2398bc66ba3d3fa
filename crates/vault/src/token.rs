//! Unlocking by a PKCS#11 token: the service key sealed so that only a key opens it which never leaves the token
//! (docs/formats/keys.md, `node.token`).
//!
//! Foreign code (the token's module) is needed to reach a token, and has no business in the vault's process. So a third
//! process talks to the token and ends ([`errand`]); what the token opens, it seals to a key that the vault has made for this
//! one answer. The node carries it across and cannot read it.
//!
//! The token's key is an RSA pair: whatever takes the service key's place is sealed to its public half, without the token.

mod confine;
mod device;
mod errand;
mod line;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
mod tests;

use std::borrow::Cow;
use std::fmt;

use terms::Entropy;
use zeroize::Zeroizing;

use crate::VaultError;
use crate::account::wrap::{RANDOM_WRAP_OVERHEAD, RandomWrap};
use crate::crypto::{Key32, random_key, same, seal_oaep, sha256};
use crate::encode::{Decoder, Encoder};
use crate::folder::{Folder, TOKEN_FILE, damaged, unreadable};
use crate::service::ServiceKey;
use crate::wire::{Octets, Wire, wire_struct};

pub use errand::serve_standard_input;
pub use line::Token;

/// "Bailiwick vault PKCS#11", format 1.
const MAGIC: &[u8; 4] = b"BVP\x01";

/// What is known of the key in a token: enough to seal to it and to find it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenKey {
    /// The key's `CKA_ID`.
    pub id: Vec<u8>,
    /// The public half: DER SubjectPublicKeyInfo of an RSA key.
    pub public: Vec<u8>,
}

impl Wire for TokenKey {
    fn put(&self, out: &mut crate::wire::Out) {
        Octets(self.id.clone()).put(out);
        Octets(self.public.clone()).put(out);
    }

    fn take(rest: &mut Decoder<'_>) -> Option<Self> {
        Some(Self { id: Octets::take(rest)?.0, public: Octets::take(rest)?.0 })
    }
}

/// What a locked vault wants opened by the token, and to whom the answer is sealed.
pub(crate) struct TokenAsk {
    pub(crate) id: Octets,
    /// The secret, by RSA-OAEP to the token's key.
    pub(crate) sealed: Octets,
    /// X25519, made for this answer alone.
    pub(crate) to: [u8; 32],
}
wire_struct!(TokenAsk { id, sealed, to });

/// What an answer is sealed for.
pub(crate) fn answer_info(to: &[u8; 32]) -> Vec<u8> {
    Encoder::new(b"bailiwick/token-answer/v1").fixed(to).finish()
}

/// Why a token does not open the vault.
#[derive(Debug)]
pub enum TokenError {
    /// The module does not load, or is none.
    Module(Cow<'static, str>),
    /// No token of this label is there.
    NoToken(String),
    /// Several tokens of this label are there.
    SeveralTokens(String),
    /// The token does not hold the key, or not as a key that stays inside.
    NoKey(Cow<'static, str>),
    /// The token refuses the PIN. Not to be tried again without a person: it locks itself after a few.
    WrongPin,
    /// The token takes no PIN any more.
    PinLocked,
    /// Somebody's wrong PIN was the last one that the token saw: nothing was tried that nobody typed.
    PinAtRisk,
    /// The token or its module fails.
    Device(Cow<'static, str>),
    /// The process that talks to the token does not start, does not answer in time, or is of another version.
    Helper(Cow<'static, str>),
    /// The vault's own refusal.
    Vault(VaultError),
}

impl TokenError {
    /// Whether another try could cost the token its PIN, so that only a person may make one.
    pub fn needs_a_person(&self) -> bool {
        matches!(self, Self::WrongPin | Self::PinLocked | Self::PinAtRisk)
    }
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Module(why) => write!(f, "the token's module does not load: {why}; check vault.token.module"),
            Self::NoToken(label) => write!(f, "no token of the label {label:?} is there; plug it in, or check its label"),
            Self::SeveralTokens(label) => {
                write!(f, "there are several tokens of the label {label:?}; give each a label of its own")
            }
            Self::NoKey(why) => write!(f, "the token has not the key that opens the vault: {why}"),
            Self::WrongPin => f.write_str(
                "the token refuses the PIN; it is not tried again, because a token locks itself after a few. Correct the \
                 PIN, and unlock once with `bailiwick node unlock --token`",
            ),
            Self::PinLocked => {
                f.write_str("the token has locked its PIN; unlock it with its own tools, or use the node's passphrase")
            }
            Self::PinAtRisk => f.write_str(
                "the token has seen a wrong PIN and nobody types this one, so it was not tried; unlock once with \
                 `bailiwick node unlock --token`",
            ),
            Self::Device(why) => write!(f, "the token fails: {why}"),
            Self::Helper(why) => write!(f, "the process that talks to the token: {why}"),
            Self::Vault(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for TokenError {}

impl From<VaultError> for TokenError {
    fn from(error: VaultError) -> Self {
        Self::Vault(error)
    }
}

impl Wire for TokenError {
    fn put(&self, out: &mut crate::wire::Out) {
        let (number, text): (u8, Cow<'static, str>) = match self {
            Self::Module(why) => (1, why.clone()),
            Self::NoToken(label) => (2, label.clone().into()),
            Self::SeveralTokens(label) => (3, label.clone().into()),
            Self::NoKey(why) => (4, why.clone()),
            Self::WrongPin => (5, "".into()),
            Self::PinLocked => (6, "".into()),
            Self::PinAtRisk => (7, "".into()),
            Self::Device(why) => (8, why.clone()),
            Self::Helper(why) => (9, why.clone()),
            // The helper knows no vault.
            Self::Vault(error) => (9, error.to_string().into()),
        };
        number.put(out);
        text.put(out);
    }

    fn take(rest: &mut Decoder<'_>) -> Option<Self> {
        let number = rest.u8()?;
        let text: Cow<'static, str> = Wire::take(rest)?;
        Some(match number {
            1 => Self::Module(text),
            2 => Self::NoToken(text.into_owned()),
            3 => Self::SeveralTokens(text.into_owned()),
            4 => Self::NoKey(text),
            5 => Self::WrongPin,
            6 => Self::PinLocked,
            7 => Self::PinAtRisk,
            8 => Self::Device(text),
            9 => Self::Helper(text),
            _ => return None,
        })
    }
}

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
        let sealed = seal_oaep(&key.public, secret.as_ref()).map_err(|_| VaultError::TokenKeyUnusable)?;
        let mut plain = Zeroizing::new(Vec::with_capacity(32 * keys.len()));
        keys.iter().for_each(|key| plain.extend_from_slice(key.as_ref()));
        let wrap = RandomWrap::seal(secret.as_ref(), &context(&key.public), &plain, entropy);
        Ok(Self { key, secret: sealed, count: u8::try_from(keys.len()).unwrap_or(u8::MAX), keys: wrap })
    }

    /// What the token is asked to open, and which of its keys does.
    pub(crate) fn ask(&self, to: [u8; 32]) -> TokenAsk {
        TokenAsk { id: Octets(self.key.id.clone()), sealed: Octets(self.secret.clone()), to }
    }

    /// The service keys, by the secret that the token opened: one, or the new and the old while it is replaced.
    pub(crate) fn service_keys(&self, secret: &[u8]) -> Result<Vec<Key32>, VaultError> {
        let plain = self.keys.open(secret, &context(&self.key.public)).map_err(|_| VaultError::TokenAnswer)?;
        let one = |part: &[u8]| {
            let mut key = Key32::default();
            key.copy_from_slice(part);
            key
        };
        Ok(plain.chunks_exact(32).map(one).collect())
    }

    /// Seals other service keys to the token's key in the place of those in the file, if there is one. Durable when it
    /// returns.
    pub(crate) fn reseal(
        folder: &Folder,
        own: &ServiceKey,
        keys: &[&Key32],
        entropy: &dyn Entropy,
    ) -> Result<(), VaultError> {
        // Only for a file that was written by whoever had a service key, or the keys go to whoever exchanged it.
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
        let out = Encoder::new(MAGIC).octets(&self.key.public).octets(&self.key.id).octets(&self.secret);
        out.u8(self.count).octets(self.keys.as_bytes()).finish()
    }

    fn parse(bytes: &[u8]) -> Option<(Self, [u8; 32])> {
        let mut rest = Decoder::new(MAGIC, bytes)?;
        let public = rest.octets()?.to_vec();
        let key = TokenKey { id: rest.octets()?.to_vec(), public };
        let secret = rest.octets()?.to_vec();
        let count = rest.u8()?;
        let sealed = rest.octets()?;
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
