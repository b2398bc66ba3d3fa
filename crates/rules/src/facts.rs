//! What is known about a demand when it is decided. A decision depends only on this and on the law set, named by its
//! digest: both are kept, so any decision can be reproduced.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use terms::{Category, Digest, Jurisdiction, UnixMillis};

use crate::value::{Day, Value};

/// All known facts. A fact that is not in a map is unknown, and becomes a question if it matters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// The home that decides.
    pub home: Jurisdiction,
    /// The IANA time zone of the home, `Europe/Dublin`.
    pub zone: String,
    /// When the demand was received: by the node's clock, or the day of a what-if.
    pub received: UnixMillis,
    /// The day whose law applies; the home's local day.
    pub on: Day,
    /// If given, only rules known on this day are used: "what did we know when we decided".
    pub known_on: Option<Day>,
    /// Arrival times requested, limited to the time before receipt: `[from, until)`.
    pub scope: Scope,
    /// Facts about the demand, its issuer, the provider and the user, by name.
    pub known: FactMap,
    /// The items requested.
    pub items: Vec<RequestedItem>,
    /// The copies of the data.
    pub copies: Vec<StoredCopy>,
    /// Counsel's signatures on individual rules; an unconfirmed rule supports a disclosure only with one.
    pub signed: Vec<RuleSignature>,
}

/// Facts by name.
pub type FactMap = BTreeMap<String, Known>;

/// A value and its provenance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Known {
    pub value: Value,
    /// Where it comes from.
    pub from: Provenance,
}

/// Where a fact comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provenance {
    /// The demand states it.
    Demand,
    /// The node's operator declared it.
    Home,
    /// An officer established and entered it.
    Officer,
    /// Computed from other facts, such as the end of a term.
    Computed,
    /// The demand does not mention it, and the vocabulary says what that means.
    Silence,
}

/// A range of arrival times, `[from, until)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// The first moment requested; 0 if the demand names none, since no mail is older than 1970.
    pub from: UnixMillis,
    /// The end of the range requested; never later than the receipt of the demand.
    pub until: UnixMillis,
}

/// An item requested.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct RequestedItem {
    /// Its name in this decision: the name in the vocabulary, or that name with `, arriving later`.
    pub name: String,
    pub category: Category,
    /// Facts about it.
    pub known: FactMap,
}

/// A copy of requested data in one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredCopy {
    /// Its name in this decision, such as `mailbox` or `parent's record`.
    pub name: String,
    /// The categories it holds.
    pub holds: BTreeSet<Category>,
    /// Facts about it.
    pub known: FactMap,
}

/// Counsel's confirmation of one rule in its present form. A changed rule has another digest and needs a new signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct RuleSignature {
    pub rule: String,
    /// The digest of the rule that was signed ([`crate::Rule::digest`]).
    pub digest: Digest,
    /// Who signed.
    pub counsel: String,
    pub at: UnixMillis,
}

impl Known {
    /// A value stated in the demand.
    pub fn demand(value: Value) -> Self {
        Self { value, from: Provenance::Demand }
    }

    /// A value declared by the operator.
    pub fn home(value: Value) -> Self {
        Self { value, from: Provenance::Home }
    }

    /// A value computed from others.
    pub fn computed(value: Value) -> Self {
        Self { value, from: Provenance::Computed }
    }
}
