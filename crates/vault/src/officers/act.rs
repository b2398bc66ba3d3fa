//! What two officers do together that opens no mail: enrol and remove officers, replace the escrow key, print shares on
//! paper, prove that shares still join, set a new password for an owner who forgot it, make a new pair for an account.
//!
//! Both are present: each gives a passphrase, or a paper share in a passphrase's place. Both sign one statement,
//! the ledger records it, and only then does the vault act. No share is released to anybody on the way.

use std::fmt;

use serde::{Deserialize, Serialize};
use terms::{AccountId, Digest, Jurisdiction, OfficerName, Secret, UnixMillis};

use crate::crypto::sha256;
use crate::encode::Encoder;
use crate::officers::approval::hex64;

/// The id of an act that waits for its proof.
pub type ActId = [u8; 16];

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Act {
    /// Make an officer, who can do nothing for [`POWERLESS_MILLIS`](crate::POWERLESS_MILLIS), and deal new shares.
    Enrol {
        /// The new officer.
        officer: OfficerName,
    },
    /// End an officer's power, replace the escrow key, and deal shares of the new one: what the removed officer keeps joins
    /// with nothing.
    Remove {
        /// The officer.
        officer: OfficerName,
    },
    /// Replace the escrow key and deal shares of the new one; or resume a replacement that was interrupted.
    RotateEscrow,
    /// Deal new shares, some of them on paper.
    PrintShares {
        /// How many on paper, 1 to 9.
        count: u8,
    },
    /// Prove that two shares join to the escrow key.
    Drill,
    /// Make a new pair for an account, because somebody may have its private key.
    RotateAccount {
        /// Whose.
        account: AccountId,
    },
    /// Begin the reset of a password that an owner forgot. Nothing is opened: when the delay is over, two officers agree
    /// again, to [`FinishReset`](Self::FinishReset).
    BeginReset {
        /// Whose.
        account: AccountId,
        /// How long the owner has to stop it.
        delay_millis: i64,
        /// The owner lost the authenticator app too: codes are off afterwards.
        without_codes: bool,
    },
    /// Set a new password for an owner, once the delay of a reset is over.
    FinishReset {
        /// Whose.
        account: AccountId,
    },
}

impl Act {
    /// The act in one word.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Enrol { .. } => "enrol",
            Self::Remove { .. } => "remove",
            Self::RotateEscrow => "rotate-escrow",
            Self::PrintShares { .. } => "print-shares",
            Self::Drill => "drill",
            Self::RotateAccount { .. } => "rotate-account",
            Self::BeginReset { .. } => "begin-reset",
            Self::FinishReset { .. } => "finish-reset",
        }
    }

    /// The officer whom it concerns.
    pub fn officer(&self) -> Option<&OfficerName> {
        match self {
            Self::Enrol { officer } | Self::Remove { officer } => Some(officer),
            _ => None,
        }
    }
}

/// What a person who acts shows. `Debug` prints no secret.
#[derive(Clone)]
pub enum OfficerProof {
    /// An officer and the officer's passphrase.
    Officer(OfficerName, Secret<String>),
    /// The words of a paper share.
    PaperShare(Secret<String>),
}

impl fmt::Debug for OfficerProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Officer(name, _) => write!(f, "OfficerProof({name})"),
            Self::PaperShare(_) => f.write_str("OfficerProof(paper share)"),
        }
    }
}

/// Who has acted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ActedBy {
    /// An officer, with the officer's Ed25519 signature over [`SignedAct::bytes`].
    Officer {
        /// Who.
        name: OfficerName,
        /// The signature.
        #[serde(with = "hex64")]
        signature: [u8; 64],
    },
    /// The person who holds the paper share with this number.
    PaperShare {
        /// Counted from 1.
        number: u8,
    },
}

impl ActedBy {
    /// The officer's name, or the paper share's number.
    pub fn label(&self) -> String {
        match self {
            Self::Officer { name, .. } => name.to_string(),
            Self::PaperShare { number } => format!("paper share {number}"),
        }
    }
}

/// An act as two have agreed to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedAct {
    /// The home.
    pub home: Jurisdiction,
    /// What.
    pub act: Act,
    /// SHA-256 of the new officer's verifying key and sharing key; zeros where there is none.
    pub newcomer: Digest,
    /// When.
    pub at: UnixMillis,
    /// Who: two.
    pub by: Vec<ActedBy>,
}

impl SignedAct {
    /// What the officers sign (docs/formats/keys.md).
    pub fn bytes(&self) -> Vec<u8> {
        let count = match self.act {
            Act::PrintShares { count } => count,
            _ => 0,
        };
        let mut out = Encoder::new(b"bailiwick/officers-act/v1")
            .text(self.home.as_str())
            .text(self.act.name())
            .text(self.act.officer().map_or("", OfficerName::as_str))
            .u8(count)
            .fixed(&self.newcomer.0)
            .i64(self.at.0);
        for by in &self.by {
            out = out.text(&by.label());
        }
        match self.act {
            Act::BeginReset { account, delay_millis, without_codes } => {
                out = out.fixed(&account.0).i64(delay_millis).u8(u8::from(without_codes));
            }
            Act::FinishReset { account } | Act::RotateAccount { account } => out = out.fixed(&account.0),
            _ => {}
        }
        out.finish()
    }

    /// SHA-256 of [`bytes`](Self::bytes) and the signatures, in order.
    pub fn digest(&self) -> Digest {
        let bytes = self.bytes();
        let signatures = self.by.iter().filter_map(|by| match by {
            ActedBy::Officer { signature, .. } => Some(&signature[..]),
            ActedBy::PaperShare { .. } => None,
        });
        let parts: Vec<&[u8]> = std::iter::once(&bytes[..]).chain(signatures).collect();
        Digest(sha256(&parts))
    }
}

/// The JSON that the ledger records of an act, byte for byte. It names officers, and no owner.
pub fn act_statement(signed: &SignedAct) -> Vec<u8> {
    // Every value is a number, or text that needs no escape.
    let by: Vec<String> = signed.by.iter().map(|by| format!("\"{}\"", by.label())).collect();
    let officer = signed.act.officer().map(|name| format!(r#","officer":"{name}""#)).unwrap_or_default();
    format!(
        r#"{{"format":"bailiwick/ledger-entry/v1","kind":"officers","act":"{}"{officer},"home":"{}","at":{},"by":[{}],"digest":"{}"}}"#,
        signed.act.name(),
        signed.home,
        signed.at.0,
        by.join(","),
        signed.digest()
    )
    .into_bytes()
}
