//! Invariants, as data (`law/invariants.toml`): a sentence, the facts it covers, and the outcomes that must never
//! occur. They take no part in decisions. The check looks for facts that violate one, so that a new rule cannot permit
//! what was promised never to happen.

use serde::Deserialize;
use terms::Category;

use crate::condition::Condition;
use crate::decision::Outcome;
use crate::raw::RawInForce;
use crate::rule::{Effect, InForce};

/// A promise about every decision.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Invariant {
    pub id: String,
    /// The file and the line it starts at.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
    /// The promise, in one sentence.
    pub says: String,
    /// The categories it covers; empty means all.
    pub asks: Vec<Category>,
    /// The facts it covers, all of which must hold.
    pub when: Vec<Condition>,
    /// It covers only decisions in which a rule with this effect is undefeated.
    pub stands: Option<Effect>,
    /// The outcomes that must not occur.
    pub never: Vec<Outcome>,
    /// The days it covers; `None` means all.
    pub in_force: Option<InForce>,
}

/// A combination of facts that cannot occur, so that the check skips it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Impossible {
    /// The facts.
    pub when: Vec<Condition>,
    /// The reason, in one sentence.
    pub because: String,
}

/// The file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawInvariants {
    #[serde(rename = "title", default)]
    _title: String,
    #[serde(rename = "note", default)]
    _note: String,
    #[serde(default)]
    pub(crate) invariant: Vec<toml::Spanned<RawInvariant>>,
    #[serde(default)]
    pub(crate) impossible: Vec<toml::Spanned<RawImpossible>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawInvariant {
    pub(crate) id: String,
    pub(crate) says: String,
    #[serde(default)]
    pub(crate) asks: Vec<Category>,
    #[serde(default)]
    pub(crate) when: toml::Table,
    pub(crate) stands: Option<Effect>,
    pub(crate) never: Vec<Outcome>,
    pub(crate) in_force: Option<RawInForce>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawImpossible {
    pub(crate) when: toml::Table,
    pub(crate) because: String,
}
