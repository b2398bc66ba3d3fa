//! An officer's approval of one order: a signature, and the officer's share released to the others for this order alone.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use terms::{CaseId, Digest, Jurisdiction, OfficerName, UnixMillis};

use crate::crypto::{sha256, verify};
use crate::encode::Encoder;
use crate::officers::officer::OfficerPublic;
use crate::officers::order::Order;
use crate::transport::Link;
use crate::{OfficerError, OrderError, VaultError};

/// The id of what an officer's passphrase opened.
pub type ShareId = [u8; 16];

/// How far in the future an approval may be dated: a minute, for a clock that was set back meanwhile.
const AHEAD_MILLIS_MAX: i64 = 60_000;

/// One officer's approval of one order. It opens nothing by itself: the share it releases opens only for another officer
/// who has shown a passphrase too, and only with the service key of the home.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// The home.
    pub home: Jurisdiction,
    /// The case.
    pub case: CaseId,
    /// Who approves.
    pub officer: OfficerName,
    /// Which order: its digest.
    pub order: Digest,
    /// When.
    pub at: UnixMillis,
    /// The officer's share, once for each other officer; empty when [forgotten](Approval::forget_shares).
    pub released: BTreeMap<OfficerName, SealedShare>,
    /// SHA-256 of each released share. It is signed in the shares' place, so that the approval stays proof without them.
    pub release_digests: BTreeMap<OfficerName, Digest>,
    /// Ed25519 over [`bytes`](Approval::bytes).
    #[serde(with = "hex64")]
    pub signature: [u8; 64],
}

/// A share released to one other officer: HPKE to that officer's key, then sealed under the service key.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SealedShare(#[serde(with = "base64")] pub Vec<u8>);

impl SealedShare {
    /// SHA-256 of the bytes.
    pub fn digest(&self) -> Digest {
        Digest(sha256(&[&self.0]))
    }
}

impl fmt::Debug for SealedShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedShare({} bytes)", self.0.len())
    }
}

/// That an officer has shown a passphrase for one order. Made by the vault's `approve` alone. What the passphrase opened
/// stays with the keeper and is dropped with this. `Debug` prints the name and the order.
///
/// ```compile_fail,E0451
/// let forged = vault::OpenedShare { officer: todo!(), order: todo!(), id: todo!(), link: todo!() };
/// ```
pub struct OpenedShare {
    officer: OfficerName,
    order: Digest,
    id: ShareId,
    link: Link,
}

impl fmt::Debug for OpenedShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OpenedShare({}, {})", self.officer, self.order)
    }
}

impl OpenedShare {
    pub(crate) fn new(officer: OfficerName, order: Digest, id: ShareId, link: Link) -> Self {
        Self { officer, order, id, link }
    }

    /// Whose it is.
    pub fn officer(&self) -> &OfficerName {
        &self.officer
    }

    pub(crate) fn id(&self) -> ShareId {
        self.id
    }
}

impl Drop for OpenedShare {
    fn drop(&mut self) {
        self.link.drop_share(self.id);
    }
}

/// An approval with the proof that the home's ledger has it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProvenApproval {
    /// The approval.
    pub approval: Approval,
    /// What was committed to; its body must be [`approval_statement`] of the approval.
    pub opening: ledger::Opening,
    /// Where the log has it.
    pub receipt: ledger::Receipt,
}

/// The JSON that the ledger records of an approval, byte for byte: who, for which order, when, and the digest of the
/// signed approval. It holds no share and names no owner.
pub fn approval_statement(approval: &Approval) -> Vec<u8> {
    // Every value is a number, or text that needs no escape: hexadecimal, or a name of a-z 0-9 . _ -
    format!(
        concat!(
            r#"{{"kind":"approval","home":"{}","case":{},"officer":"{}","order":"{}","at":{},"#,
            r#""approval":"{}"}}"#
        ),
        approval.home,
        approval.case,
        approval.officer,
        approval.order,
        approval.at.0,
        approval.digest()
    )
    .into_bytes()
}

impl Approval {
    /// What the officer signs: everything but the signature (docs/formats/keys.md).
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = Encoder::new(b"bailiwick/approval/v1")
            .text(self.home.as_str())
            .u64(self.case.0)
            .text(self.officer.as_str())
            .fixed(&self.order.0)
            .i64(self.at.0)
            .u32(u32::try_from(self.release_digests.len()).unwrap_or(u32::MAX));
        for (name, digest) in &self.release_digests {
            out = out.text(name.as_str()).fixed(&digest.0);
        }
        out.finish()
    }

    /// SHA-256 of [`bytes`](Self::bytes) and the signature: what the ledger statement names.
    pub fn digest(&self) -> Digest {
        Digest(sha256(&[&self.bytes(), &self.signature]))
    }

    /// Drops the released shares. Do it in every copy that is kept once the order is cleared, or will not be: anyone who
    /// has the service key and one officer's passphrase could join a released share with that officer's own
    /// (docs/threat-model.md). Signature and digest stay as they are.
    pub fn forget_shares(&mut self) {
        self.released.clear();
    }

    /// Refuses what is not the signed approval of exactly this order, by one of these officers.
    ///
    /// # Errors
    /// `OrderError::NotEnrolled`, `OrderError::Signature`, `OrderError::OtherOrder`, `OfficerError::NotInPower`,
    /// `OrderError::FromTheFuture`.
    pub fn check(&self, order: &Order, officers: &[OfficerPublic], now: UnixMillis) -> Result<(), VaultError> {
        let name = || self.officer.clone();
        let officer = officers.iter().find(|officer| officer.name == self.officer);
        let officer = officer.ok_or_else(|| VaultError::Order(OrderError::NotEnrolled(name())))?;
        if !verify(&officer.verifying_key, &self.bytes(), &self.signature) {
            return Err(VaultError::Order(OrderError::Signature(name())));
        }
        let as_signed =
            |(to, share): (&OfficerName, &SealedShare)| self.release_digests.get(to) == Some(&share.digest());
        if !self.released.iter().all(as_signed) {
            return Err(VaultError::Order(OrderError::Signature(name())));
        }
        if self.order != order.digest() || self.home != order.home || self.case != order.case {
            return Err(VaultError::Order(OrderError::OtherOrder(name())));
        }
        if self.at < officer.in_power || now < officer.in_power {
            return Err(VaultError::Officer(OfficerError::NotInPower { officer: name(), until: officer.in_power }));
        }
        if self.at > now.plus_millis(AHEAD_MILLIS_MAX) {
            return Err(VaultError::Order(OrderError::FromTheFuture(name())));
        }
        Ok(())
    }
}

impl ProvenApproval {
    /// Refuses an approval that the home's log does not prove; `check` knows by whose signature. The officer's enrolment is
    /// among the log's first `entries`.
    ///
    /// # Errors
    /// `OrderError::Statement`, `OrderError::Proof`.
    pub fn check_proof(
        &self,
        check: impl FnOnce(&ledger::Opening, &ledger::Receipt) -> Result<(), ledger::LedgerError>,
        entries: u64,
    ) -> Result<(), VaultError> {
        let name = || self.approval.officer.clone();
        if self.receipt.index < entries {
            return Err(VaultError::Order(OrderError::Statement(name())));
        }
        if self.opening.body != approval_statement(&self.approval) {
            return Err(VaultError::Order(OrderError::Statement(name())));
        }
        check(&self.opening, &self.receipt)
            .map_err(|error| VaultError::Order(OrderError::Proof { officer: name(), why: error.to_string() }))
    }
}

pub(crate) mod hex64 {
    use std::borrow::Cow;

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(bytes: &[u8; 64], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&terms::hex(bytes))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; 64], D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        let bytes = terms::unhex(&text).and_then(|bytes| bytes.try_into().ok());
        bytes.ok_or_else(|| D::Error::custom("a signature is 128 hexadecimal digits"))
    }
}

mod base64 {
    use std::borrow::Cow;

    use data_encoding::BASE64;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        BASE64.decode(text.as_bytes()).map_err(|_| D::Error::custom("a released share is base64"))
    }
}
