//! The input: the facts of a package and, one by one, its items.

use ledger::{Opening, Receipt, Verifier};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use terms::{AccountId, Address, CaseId, Category, Digest, Jurisdiction, UnixMillis};

use crate::certificate::Certificate;

/// The facts of a package, without its items.
pub struct Package {
    /// The folder in the tar file and, by convention, the file's name before `.tar.age`: 1 to 64 characters of `A-Z a-z
    /// 0-9 . _ -`, beginning with a letter or a digit.
    pub name: String,
    /// The home, whose law governs the package.
    pub home: Jurisdiction,
    /// The case at that home.
    pub case: CaseId,
    /// The time of sealing by the home's clock, and of every file in the tar.
    pub sealed_at: UnixMillis,
    /// The provider's name.
    pub organization: String,
    /// The authority that asked.
    pub authority: String,
    /// The authority's own reference for its demand.
    pub reference: String,
    /// SHA-256 of the demand's bytes.
    pub demand: Digest,
    /// Digest of the law set that decided.
    pub law: Digest,
    /// What was ordered. An item outside it is refused.
    pub scope: Scope,
    /// The decision as data, byte for byte; its SHA-256 is the decision's digest.
    pub decision: Vec<u8>,
    /// The decision for people: outcome, reasons, citations.
    pub decision_text: String,
    /// Who did what, in order.
    pub custody: Vec<CustodyStep>,
    /// The case's entries in the ledger. One of them must contain the demand's digest and one the decision's, in
    /// hexadecimal, to tie the package to the ledger.
    pub ledger: LedgerExtract,
    /// The certificate to be signed by a person.
    pub certificate: Certificate,
}

/// What was ordered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Scope {
    pub account: AccountId,
    /// Its addresses as given in the demand.
    pub addresses: Vec<Address>,
    /// The categories ordered.
    pub categories: Vec<Category>,
    /// Arrival at or after this moment.
    pub from: UnixMillis,
    /// Arrival before this moment.
    pub until: UnixMillis,
}

impl Scope {
    pub(crate) fn holds(&self, arrival: UnixMillis) -> bool {
        self.from <= arrival && arrival < self.until
    }
}

/// An item in scope, and what became of it. Items that are not produced are listed too, so that the authority sees what
/// it does not get.
#[derive(Debug, Clone)]
pub struct PackageItem {
    /// The message's id, or the name of another record (`subscriber`).
    pub id: String,
    /// When it arrived; `None` for items without an arrival, such as a subscriber record.
    pub arrival: Option<UnixMillis>,
    /// What became of it.
    pub outcome: PackageOutcome,
}

/// What became of an item.
#[derive(Debug, Clone)]
pub enum PackageOutcome {
    /// Content, in the bytes that arrived, with its metadata.
    Message {
        /// The original octets.
        original: Vec<u8>,
        /// The metadata within the categories ordered.
        sidecar: Value,
    },
    /// Data only: a record, or traffic data of a message whose content was not ordered.
    Data {
        /// The data, within the categories ordered.
        sidecar: Value,
    },
    /// In scope and not produced.
    Withheld {
        /// The reason, as shown to the authority.
        reason: String,
    },
    /// In scope, but could not be produced.
    Failed {
        /// The reason, as shown to the authority.
        reason: String,
    },
}

/// One step in the chain of custody.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct CustodyStep {
    pub at: UnixMillis,
    /// An officer, the authority, or the node itself.
    pub who: String,
    /// What was done, in one sentence.
    pub what: String,
}

/// The case's entries in the home's ledger, opened, all proven against one checkpoint ([`ledger::Log::receipts`]).
#[derive(Debug, Clone)]
pub struct LedgerExtract {
    /// The ledger's key, which also signs the package.
    pub verifier: Verifier,
    /// The opened entries, each with its proof.
    pub entries: Vec<(Opening, Receipt)>,
}
