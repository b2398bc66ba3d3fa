//! The demand as a file: what the paper says, entered once, in words of the vocabulary. With the node's declared facts
//! it becomes [`Facts`]. What neither says stays unknown.

use serde::{Deserialize, Serialize};
use terms::{Address, Jurisdiction};

/// A demand. The format is written down in `docs/law.md`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Demand {
    /// The authority's reference.
    pub reference: String,
    /// The vocabulary's word for the kind of paper.
    pub instrument: String,
    /// The forum, where the instrument has one.
    #[serde(default)]
    pub forum: Option<String>,
    /// The power that the paper names, in its own words.
    #[serde(default)]
    pub legal_basis: Option<String>,
    /// The accounts named. A case is opened for each.
    pub accounts: Vec<Address>,
    /// When the paper was served: for what-ifs alone. The day of receipt of a real demand is the node's clock.
    #[serde(default)]
    pub served: Option<toml::value::Datetime>,
    /// The authority that sends it.
    pub authority: Authority,
    /// Who issued it.
    pub issuer: Issuer,
    /// Who validated it, where the instrument needs that.
    #[serde(default)]
    pub validator: Option<Validator>,
    /// What it asks for.
    pub asks: Asks,
    /// The offence.
    #[serde(default)]
    pub offence: Option<Offence>,
    /// What it says about silence.
    #[serde(default)]
    pub silence: Option<DemandedSilence>,
    /// How the package travels.
    pub delivery: Delivery,
    /// Further facts of the vocabulary, by name, as an officer found them out.
    #[serde(default)]
    pub facts: toml::Table,
}

/// The authority that a demand comes from and a letter goes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authority {
    /// Its name.
    pub name: String,
    /// Its State.
    pub state: Jurisdiction,
}

/// Who issued the paper.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issuer {
    /// Name and office.
    pub name: String,
    /// The vocabulary's word for the office (`issuer_type`).
    #[serde(rename = "type")]
    pub office: String,
    /// How the paper's origin was verified (`verified_how`); unknown until an officer has done it.
    #[serde(default)]
    pub verified: Option<String>,
}

/// Who validated the paper.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Validator {
    /// Name and office.
    pub name: String,
    /// The vocabulary's word for the office (`validator_type`).
    #[serde(rename = "type")]
    pub office: String,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asks {
    /// Items of the vocabulary; a category's own name asks for all of it.
    pub items: Vec<String>,
    /// Arrival from: a day (from its start, in the home's zone) or a moment.
    #[serde(default)]
    pub from: Option<toml::value::Datetime>,
    /// Arrival until: a day (including it) or a moment (excluding it). None: until the receipt.
    #[serde(default)]
    pub until: Option<toml::value::Datetime>,
}

/// The offence that is investigated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offence {
    /// In words.
    pub what: String,
    /// Where it was committed.
    #[serde(default)]
    pub state: Option<Jurisdiction>,
    /// The maximum sentence, in months.
    #[serde(default)]
    pub sentence_months_max: Option<u32>,
}

/// What the paper says about telling the owner.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DemandedSilence {
    /// What the duty rests on (`silence_source`).
    pub source: String,
    /// When the duty was ordered.
    #[serde(default)]
    pub issued: Option<toml::value::Datetime>,
    /// For how many months.
    #[serde(default)]
    pub months: Option<u32>,
    /// Its last day, where the paper names one.
    #[serde(default)]
    pub until: Option<toml::value::Datetime>,
    /// It has no end.
    #[serde(default)]
    pub indefinite: Option<bool>,
}

/// How the package travels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delivery {
    /// The age recipient it is sealed to, `age1…`.
    pub age_recipient: String,
    /// Whom to write to: name, address, telephone.
    pub contact: String,
}
