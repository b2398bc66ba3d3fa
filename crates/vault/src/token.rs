//! Unlocking by a PKCS#11 token: the service key sealed so that only a key opens it which never leaves the token
//! (docs/formats/keys.md, `node.token`).
//!
//! Foreign code (the token's module) is needed to reach a token, and has no business in the vault's process. So a third
//! process talks to the token and ends (`token/serve.rs` of the keeper); what the token opens, it seals to a key that the vault has made for this
//! one answer. The node carries it across and cannot read it.
//!
//! The token's key is an RSA pair: whatever takes the service key's place is sealed to its public key, without the token.

mod line;

use std::borrow::Cow;
use std::fmt;

use terms::Secret;

use crate::VaultError;
use crate::encode::{Decoder, Encoder};
use crate::wire::{Out, Wire, wire_struct};

pub use line::Token;

/// What is known of the key in a token: enough to seal to it and to find it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenKey {
    /// The key's `CKA_ID`.
    pub id: Vec<u8>,
    /// The public key: DER SubjectPublicKeyInfo of an RSA key.
    pub public: Vec<u8>,
}

wire_struct!(TokenKey { id, public });

/// What a locked vault wants opened by the token, and to whom the answer is sealed.
pub struct TokenAsk {
    /// Which of its keys opens it: `CKA_ID`.
    pub id: Vec<u8>,
    /// The secret, by RSA-OAEP to the token's key.
    pub sealed: Vec<u8>,
    /// X25519, made for this answer alone.
    pub to: [u8; 32],
}
wire_struct!(TokenAsk { id, sealed, to });

/// What an answer is sealed for.
pub fn answer_info(to: &[u8; 32]) -> Vec<u8> {
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
            Self::NoToken(label) => write!(f, "no token with the label {label:?}; plug it in, or check its label"),
            Self::SeveralTokens(label) => {
                write!(f, "there are several tokens with the label {label:?}; give each a label of its own")
            }
            Self::NoKey(why) => write!(f, "the token does not hold the key that opens the vault: {why}"),
            Self::WrongPin => f.write_str(
                "the token refuses the PIN; it is not tried again, because tokens lock themselves after a few attempts. \
                 Correct the PIN, and unlock once with `bailiwick node unlock --token`",
            ),
            Self::PinLocked => {
                f.write_str("the token has locked its PIN; unlock it with its own tools, or use the node's passphrase")
            }
            Self::PinAtRisk => f.write_str(
                "the last PIN shown to the token was wrong and nobody typed this one, so it was not tried; unlock once \
                 with `bailiwick node unlock --token`",
            ),
            Self::Device(why) => write!(f, "token error: {why}"),
            Self::Helper(why) => write!(f, "the process that talks to the token failed: {why}"),
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
    fn put(&self, out: &mut Out) {
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

/// What the helper is asked to do.
#[allow(missing_docs, reason = "the names say it")]
pub struct HelperAsk {
    /// The path of the token's module.
    pub module: String,
    pub label: String,
    pub pin: Secret<String>,
    /// Whether a person typed the PIN just now.
    pub typed: bool,
    /// Whether the token is reached over a network.
    pub network: bool,
    pub job: Job,
}
wire_struct!(HelperAsk { module, label, pin, typed, network, job });

/// What the token is to do.
pub enum Job {
    /// Make a key.
    Make,
    /// Find the key of this id.
    Find(Vec<u8>),
    /// Open a secret.
    Open(TokenAsk),
}

impl Wire for Job {
    fn put(&self, out: &mut Out) {
        match self {
            Self::Make => 1_u8.put(out),
            Self::Find(id) => {
                2_u8.put(out);
                id.put(out);
            }
            Self::Open(ask) => {
                3_u8.put(out);
                ask.put(out);
            }
        }
    }

    fn take(rest: &mut Decoder<'_>) -> Option<Self> {
        match rest.u8()? {
            1 => Some(Self::Make),
            2 => Wire::take(rest).map(Self::Find),
            3 => Wire::take(rest).map(Self::Open),
            _ => None,
        }
    }
}

/// What it answers: a key's public key, or a secret that is sealed to the vault.
#[allow(missing_docs, reason = "the names say it")]
pub enum HelperAnswer {
    Key(TokenKey),
    Opened(Vec<u8>),
}

impl Wire for HelperAnswer {
    fn put(&self, out: &mut Out) {
        match self {
            Self::Key(key) => {
                1_u8.put(out);
                key.put(out);
            }
            Self::Opened(sealed) => {
                2_u8.put(out);
                sealed.put(out);
            }
        }
    }

    fn take(rest: &mut Decoder<'_>) -> Option<Self> {
        match rest.u8()? {
            1 => Wire::take(rest).map(Self::Key),
            2 => Wire::take(rest).map(Self::Opened),
            _ => None,
        }
    }
}
