//! The JSON files of a package. The same types write and read them.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use terms::{CaseId, Digest, Jurisdiction, UnixMillis};

use crate::digests::Digests;
use crate::package::{CustodyStep, Scope};

pub(crate) const ITEMS_FORMAT: &str = "bailiwick/package-items/v1";
pub(crate) const SIDECAR_FORMAT: &str = "bailiwick/package-sidecar/v1";
pub(crate) const CUSTODY_FORMAT: &str = "bailiwick/package-custody/v1";

/// `data/items.json`: every item in scope and its outcome.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Listing {
    pub(crate) format: String,
    pub(crate) home: Jurisdiction,
    pub(crate) case: CaseId,
    pub(crate) demand: Digest,
    pub(crate) decision: Digest,
    pub(crate) law: Digest,
    pub(crate) scope: Scope,
    pub(crate) counts: Counts,
    pub(crate) items: Vec<Listed>,
}

/// The number of items by outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Counts {
    pub(crate) in_scope: u64,
    pub(crate) produced: u64,
    pub(crate) withheld: u64,
    pub(crate) failed: u64,
}

impl Counts {
    pub(crate) fn add(&mut self, outcome: ListingOutcome) {
        self.in_scope += 1;
        *match outcome {
            ListingOutcome::Produced => &mut self.produced,
            ListingOutcome::Withheld => &mut self.withheld,
            ListingOutcome::Failed => &mut self.failed,
        } += 1;
    }
}

/// The outcome of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ListingOutcome {
    Produced,
    Withheld,
    Failed,
}

/// One item.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Listed {
    /// Counted from 1; the item's files are named by it.
    pub(crate) number: u64,
    pub(crate) id: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) arrival: Option<UnixMillis>,
    /// The same time, readable.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) arrival_utc: Option<String>,
    pub(crate) outcome: ListingOutcome,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) original: Option<ListedFile>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) sidecar: Option<ListedFile>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) reason: Option<String>,
}

/// A file of an item.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ListedFile {
    pub(crate) path: String,
    #[serde(flatten)]
    pub(crate) digests: Digests,
}

/// `data/sidecar/NNNNNN.json`: the data about one item.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sidecar {
    pub(crate) format: String,
    pub(crate) number: u64,
    pub(crate) id: String,
    /// SHA-256 of the original octets, if they are produced.
    pub(crate) original_sha256: Option<String>,
    pub(crate) data: Value,
}

/// `data/custody.json`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Custody {
    pub(crate) format: String,
    pub(crate) steps: Vec<CustodyLine>,
    pub(crate) sealed_at: UnixMillis,
    pub(crate) sealed_at_utc: String,
    /// The age recipient, which is public.
    pub(crate) sealed_to: String,
}

/// A step of custody; its time is also given in readable form.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CustodyLine {
    pub(crate) at: UnixMillis,
    pub(crate) at_utc: String,
    pub(crate) who: String,
    pub(crate) what: String,
}

impl From<&CustodyStep> for CustodyLine {
    fn from(step: &CustodyStep) -> Self {
        Self { at: step.at, at_utc: step.at.rfc3339(), who: step.who.clone(), what: step.what.clone() }
    }
}
