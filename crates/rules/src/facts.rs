//! What is known of a demand on the day it is decided. With the digest of the law set, this is all that a decision
//! depends on: both are kept, so any decision can be made again.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use terms::{Category, Digest, Jurisdiction, UnixMillis};

use crate::value::{Day, Value};

/// Everything known. A fact that is not in a map is unknown, and comes back as a question where it matters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// The home that decides.
    pub home: Jurisdiction,
    /// The IANA time zone of the home, `Europe/Dublin`.
    pub zone: String,
    /// When the demand was received: the node's clock, or the day of a what-if.
    pub received: UnixMillis,
    /// The day whose law is asked for; the home's local day.
    pub on: Day,
    /// Only rules that were known on this day are used, when it is given: "what did we know when we decided".
    pub known_on: Option<Day>,
    /// Arrival times asked for, already cut at the receipt: `[from, until)`.
    pub scope: Scope,
    /// Facts about the demand, its issuer, the provider and the user, by the vocabulary's names.
    pub known: FactMap,
    /// What is asked for.
    pub items: Vec<Item>,
    /// Where it lies.
    pub copies: Vec<Copy>,
    /// Counsel's signatures under single rules; a rule that is not confirmed supports a disclosure only with one.
    pub signed: Vec<RuleSignature>,
}

/// Facts by name.
pub type FactMap = BTreeMap<String, Known>;

/// A value and where we have it from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// The value.
    pub value: Value,
    /// Who says so.
    pub from: Provenance,
}

/// Where a fact comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provenance {
    /// The paper says it.
    Demand,
    /// The node's operator declared it.
    Home,
    /// An officer found it out and entered it.
    Officer,
    /// Reckoned from other facts, such as the end of a term.
    Reckoned,
    /// The paper shows nothing of the kind, and the vocabulary says what that means.
    Silence,
}

/// A span of arrival times, `[from, until)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// The first moment asked for. 0 when the demand names no beginning: no mail is older than 1970.
    pub from: UnixMillis,
    /// The first moment no longer asked for; never later than the receipt of the demand.
    pub until: UnixMillis,
}

/// One thing asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Its name in this decision: the vocabulary's word, or that word with `, arriving later`.
    pub name: String,
    /// Its category.
    pub category: Category,
    /// Facts about it.
    pub known: FactMap,
}

/// One place where data asked for lies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copy {
    /// Its name in this decision, such as `mailbox` or `parent's record`.
    pub name: String,
    /// The categories it holds.
    pub holds: BTreeSet<Category>,
    /// Facts about it.
    pub known: FactMap,
}

/// Counsel confirms one rule as it stands. A changed rule has another digest and needs another signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleSignature {
    /// The rule.
    pub rule: String,
    /// The digest of the rule that was signed ([`crate::Rule::digest`]).
    pub digest: Digest,
    /// Who signed.
    pub counsel: String,
    /// When.
    pub at: UnixMillis,
}

impl Known {
    /// A value on the paper's word.
    pub fn demand(value: Value) -> Self {
        Self { value, from: Provenance::Demand }
    }

    /// A value the operator declared.
    pub fn home(value: Value) -> Self {
        Self { value, from: Provenance::Home }
    }

    /// A value reckoned from others.
    pub fn reckoned(value: Value) -> Self {
        Self { value, from: Provenance::Reckoned }
    }
}
