//! A law file in TOML. Every table rejects unknown fields, so that a typo is an error with a line and never a condition
//! that is silently missing.

use serde::Deserialize;
use terms::{Category, Jurisdiction};

use crate::decision::Action;
use crate::rule::{Basis, Confidence, DeadlinePurpose, Effect, Roll, Unit};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawFile {
    /// A description for readers.
    pub(crate) title: String,
    #[serde(default)]
    pub(crate) note: String,
    #[serde(default)]
    pub(crate) set: Vec<toml::Spanned<RawSet>>,
    #[serde(default)]
    pub(crate) route: Vec<toml::Spanned<RawRoute>>,
    #[serde(default)]
    pub(crate) rule: Vec<toml::Spanned<RawRule>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawSet {
    pub(crate) name: String,
    pub(crate) means: String,
    pub(crate) source: String,
    pub(crate) members: Vec<RawMember>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawMember {
    pub(crate) state: Jurisdiction,
    pub(crate) from: Option<toml::value::Datetime>,
    pub(crate) to: Option<toml::value::Datetime>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawRoute {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) state: Option<Jurisdiction>,
    #[serde(default)]
    pub(crate) asks: Vec<Category>,
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) cite: Vec<String>,
    #[serde(default)]
    pub(crate) needs: Vec<String>,
    /// States that it leads neither to nor from.
    #[serde(default)]
    pub(crate) not_between: Vec<Jurisdiction>,
    pub(crate) source: String,
    pub(crate) confidence: Confidence,
    pub(crate) in_force: RawInForce,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawInForce {
    pub(crate) from: toml::value::Datetime,
    pub(crate) to: Option<toml::value::Datetime>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawRule {
    pub(crate) id: String,
    pub(crate) effect: Effect,
    #[serde(default)]
    pub(crate) asks: Vec<Category>,
    #[serde(default)]
    pub(crate) when: toml::Table,
    #[serde(default)]
    pub(crate) binds: Vec<String>,
    #[serde(default)]
    pub(crate) overrides: Vec<String>,
    #[serde(default)]
    pub(crate) conflicts_with: Vec<String>,
    pub(crate) cite: Vec<String>,
    pub(crate) source: String,
    pub(crate) retrieved: toml::value::Datetime,
    pub(crate) confidence: Confidence,
    pub(crate) in_force: RawInForce,
    pub(crate) known_since: Option<toml::value::Datetime>,
    pub(crate) basis: Basis,
    pub(crate) deadline: Option<RawTerm>,
    #[serde(default)]
    pub(crate) follow_ups: Vec<RawTerm>,
    pub(crate) silence: Option<RawSilence>,
    pub(crate) because: String,
    #[serde(default)]
    pub(crate) contested: bool,
    #[serde(default)]
    pub(crate) flags: Vec<String>,
    #[serde(default)]
    pub(crate) redirect: Vec<String>,
    #[serde(default)]
    pub(crate) needs: Vec<String>,
    #[serde(default)]
    pub(crate) actions: Vec<Action>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawTerm {
    pub(crate) purpose: DeadlinePurpose,
    pub(crate) what: String,
    pub(crate) n: i64,
    pub(crate) unit: Unit,
    pub(crate) calendar: String,
    /// `receipt`, `day_after_receipt`, `next_full_hour`, or `fact:NAME` of a day.
    pub(crate) start: String,
    /// The first day counts: "three months beginning with the day on which …".
    #[serde(default)]
    pub(crate) first_day: bool,
    pub(crate) roll: Roll,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawSilence {
    pub(crate) source: String,
    pub(crate) until: Option<String>,
}
