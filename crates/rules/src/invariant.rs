//! What must hold whatever the rules say, as data (`law/invariants.toml`): a sentence, the facts it speaks of, and the
//! outcomes that must never come about. The check looks for facts that break one; so a new rule cannot open what the
//! house promised to keep shut. They decide nothing.

use serde::Deserialize;
use terms::Category;

use crate::condition::Condition;
use crate::decision::Outcome;
use crate::raw::RawInForce;
use crate::rule::{Effect, InForce};

/// A promise about every decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invariant {
    /// Its id.
    pub id: String,
    /// The file and the line it starts at.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
    /// The promise, in one sentence.
    pub says: String,
    /// The categories it speaks of; empty means all.
    pub asks: Vec<Category>,
    /// The facts it speaks of, all of which must hold.
    pub when: Vec<Condition>,
    /// It speaks only of decisions in which a rule of this effect stands.
    pub stands: Option<Effect>,
    /// The outcomes that must not come about.
    pub never: Vec<Outcome>,
    /// The days it speaks of; `None`: all.
    pub in_force: Option<InForce>,
}

/// Facts that cannot come together, so that the check need not look at them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Impossible {
    /// The facts.
    pub when: Vec<Condition>,
    /// Why, in one sentence.
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
