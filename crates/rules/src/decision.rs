//! A decision: the conclusions per item and stored copy, with everything needed to present, check and reproduce it.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use terms::{Category, Digest, UnixMillis};

use crate::facts::Facts;
use crate::rule::{Confidence, DeadlinePurpose, Effect};
use crate::value::{Day, Value};

/// Whether a demand was actually served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// A demand that was served here. An unconfirmed rule supports no disclosure: such a decision becomes
    /// [`Outcome::ReferCounsel`].
    Service,
    /// A hypothetical day or facts. It authorizes nothing; unconfirmed rules take part and are listed in
    /// [`Unit::unconfirmed`].
    WhatIf,
}

/// The conclusion for an item, a copy, or the whole demand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Outcome {
    /// The law compels disclosure.
    Compelled,
    /// The law permits disclosure but does not compel it.
    Permitted,
    /// Not compelled, and disclosure would itself be unlawful.
    NotCompelledBarred,
    /// Not compelled; another legal process would reach the data.
    NotCompelledRedirect,
    /// Only part of the data.
    Partial,
    /// Something specific is missing: a step by the authority, or a fact.
    Conditional,
    /// Unsettled, contradictory, or outside the rules: counsel decides.
    ReferCounsel,
}

impl Outcome {
    /// All values.
    pub const ALL: [Self; 7] = [
        Self::Compelled,
        Self::Permitted,
        Self::NotCompelledBarred,
        Self::NotCompelledRedirect,
        Self::Partial,
        Self::Conditional,
        Self::ReferCounsel,
    ];

    /// The name used in files and on pages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Compelled => "COMPELLED",
            Self::Permitted => "PERMITTED",
            Self::NotCompelledBarred => "NOT_COMPELLED_BARRED",
            Self::NotCompelledRedirect => "NOT_COMPELLED_REDIRECT",
            Self::Partial => "PARTIAL",
            Self::Conditional => "CONDITIONAL",
            Self::ReferCounsel => "REFER_COUNSEL",
        }
    }

    /// Whether data may leave under this outcome alone (after two approvals).
    pub fn discloses(self) -> bool {
        matches!(self, Self::Compelled | Self::Permitted)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What must be done besides disclosing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Action {
    /// Preserve existing data, whatever happens to the mailbox.
    Preserve,
    /// Take no external action until the sender is verified.
    HoldVerify,
    /// Answer with Form 3.
    Form3,
    /// File the reasoned objection for conflict of laws.
    ReasonedObjection,
}

impl Action {
    /// All values.
    pub const ALL: [Self; 4] = [Self::Preserve, Self::HoldVerify, Self::Form3, Self::ReasonedObjection];

    /// The name used in files and on pages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Preserve => "PRESERVE",
            Self::HoldVerify => "HOLD_VERIFY",
            Self::Form3 => "FORM3",
            Self::ReasonedObjection => "REASONED_OBJECTION",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A decision. A pure function of [`Decision::law`], [`Decision::facts`] and [`Decision::mode`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The digest of the law set.
    pub law: Digest,
    /// The facts decided on.
    pub facts: Facts,
    /// Service or what-if.
    pub mode: Mode,
    /// The outcome over all units.
    pub outcome: Outcome,
    /// The outcome of each item over its copies, in the order requested.
    pub items: Vec<ItemOutcome>,
    /// One per item and copy.
    pub units: Vec<Unit>,
    /// The actions of all units.
    pub actions: BTreeSet<Action>,
    /// The missing facts as questions, the most decisive first.
    pub questions: Vec<Question>,
    /// Whether the owner may be told.
    pub silence: Silence,
    /// Challenges available to the provider, and those that are not.
    pub challenges: Vec<Challenge>,
    /// The deadlines of all units, earliest first.
    pub deadlines: Vec<Deadline>,
    /// Later dates, earliest first.
    pub follow_ups: Vec<Deadline>,
    /// Flags such as `split_of_authority`.
    pub flags: Vec<Flag>,
}

/// An item over all its copies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct ItemOutcome {
    /// The item's name.
    pub item: String,
    pub category: Category,
    pub outcome: Outcome,
}

/// One item in one stored copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Unit {
    /// The item's name.
    pub item: String,
    pub category: Category,
    /// The copy's name; `None` if no declared copy holds this category.
    pub copy: Option<String>,
    /// The conclusion.
    pub outcome: Outcome,
    /// Whether a deciding rule is contested.
    pub contested: bool,
    /// Rules that the outcome rests on but that are neither confirmed nor signed by counsel.
    pub unconfirmed: Vec<String>,
    /// The deciding (undefeated) rules.
    pub rules: Vec<String>,
    /// One plain sentence per deciding rule, and how they were combined.
    pub reasons: Vec<String>,
    /// The legal bases of the deciding rules.
    pub citations: Vec<Citation>,
    /// What is missing, for `CONDITIONAL`.
    pub conditions: Vec<String>,
    /// What would reach the data instead.
    pub redirect: Vec<Route>,
    /// Actions besides disclosure.
    pub actions: BTreeSet<Action>,
    /// The conflict of laws, if there is one.
    pub conflict: Option<Conflict>,
    /// How the outcome was reached.
    pub proof: Proof,
    /// Rules that add deadlines, actions and flags.
    pub also: Vec<Node>,
}

/// A citation of a deciding rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Citation {
    pub rule: String,
    /// Statute, article or case.
    pub text: String,
    /// The source consulted.
    pub source: String,
    /// When it was consulted.
    pub retrieved: Day,
    /// How well it was read.
    pub confidence: Confidence,
}

/// What would reach the data instead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Route {
    /// Its id in the law set.
    pub id: String,
    pub name: String,
    /// How it works, in a sentence or two.
    pub text: String,
    /// Its legal basis.
    pub cite: Vec<String>,
    /// Its requirements.
    pub needs: Vec<String>,
}

/// A conflict of laws: neither side is picked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// The rules that compel or permit.
    pub compels: Vec<String>,
    /// The rules that bar or redirect.
    pub bars: Vec<String>,
    /// The proof tree of the former.
    pub compels_because: Vec<Node>,
    /// The proof tree of the latter.
    pub bars_because: Vec<Node>,
}

/// How a unit's outcome was reached.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Proof {
    /// Undefeated rules, each with the rules it defeats below it.
    pub applied: Vec<Node>,
    /// Rules that may apply depending on missing facts.
    pub open: Vec<OpenRule>,
    /// Rules that fail a single condition.
    pub near: Vec<NearRule>,
}

/// A rule in the proof tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Node {
    pub rule: String,
    pub effect: Effect,
    /// Its reason.
    pub because: String,
    /// Its legal basis.
    pub cite: Vec<String>,
    /// How well it was read.
    pub confidence: Confidence,
    /// The facts that it used.
    pub facts: Vec<UsedFact>,
    /// Applicable rules defeated by this one.
    pub defeats: Vec<Node>,
}

/// A fact that a rule used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct UsedFact {
    /// Its name.
    pub fact: String,
    pub value: Value,
    /// The condition it met, in words.
    pub met: String,
}

/// A rule that may apply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct OpenRule {
    pub rule: String,
    /// Its effect if it applied.
    pub effect: Effect,
    /// The facts that are missing.
    pub missing: Vec<String>,
    /// Whether it could change the outcome.
    pub matters: bool,
}

/// A rule that fails a single condition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct NearRule {
    pub rule: String,
    /// Its effect if it had applied.
    pub effect: Effect,
    /// The condition that was not met, in words.
    pub failed: String,
}

/// A missing fact that could change the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// The fact's name.
    pub fact: String,
    /// The question in plain words.
    pub text: String,
    /// The item or copy it concerns; `None` for the whole demand.
    pub about: Option<String>,
    /// The rules that need it.
    pub settles: Vec<String>,
}

/// Whether the owner may be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Silence {
    /// The conclusion.
    pub state: SilenceState,
    /// What it means for the notice to the owner.
    pub notice: Notice,
    /// The source of the duty, such as `court_order`.
    pub source: Option<String>,
    /// Its last day, if any.
    pub until: Option<Day>,
    pub rules: Vec<String>,
    /// Their reasons.
    pub reasons: Vec<String>,
    /// Their legal bases.
    pub citations: Vec<Citation>,
    /// How it was reached.
    pub proof: Proof,
}

/// Whether there is a non-disclosure duty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SilenceState {
    /// It binds.
    Binding,
    /// There is none.
    None,
    /// It has ended.
    Ended,
    /// Unknown or unsettled: counsel decides; the owner is not told until then.
    ReferCounsel,
}

/// The notice to the owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    /// Not now.
    Blocked,
    /// The provider may tell the owner.
    Allowed,
    /// It is due.
    Due,
    /// Counsel decides.
    ReferCounsel,
}

/// A way to challenge the demand in court.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Challenge {
    /// Whether it is available.
    pub state: ChallengeState,
    /// The items concerned.
    pub items: Vec<String>,
    pub rules: Vec<String>,
    /// Their reasons.
    pub reasons: Vec<String>,
    /// Their legal bases.
    pub citations: Vec<Citation>,
}

/// Whether a challenge is available.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum ChallengeState {
    Open,
    Closed,
    /// Counsel decides.
    ReferCounsel,
}

/// A deadline and how it was computed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Deadline {
    /// The moment.
    pub at: UnixMillis,
    pub purpose: DeadlinePurpose,
    /// What must be done, in words.
    pub what: String,
    /// In UTC, RFC 3339.
    pub utc: String,
    /// In the local time of the calendar, RFC 3339 with offset.
    pub local: String,
    /// The IANA zone of `local`.
    pub zone: String,
    /// The steps of the computation, one line each.
    pub steps: Vec<String>,
    /// The rule that sets it.
    pub rule: String,
    /// Why it is uncertain, if the calendar does not cover it.
    pub uncertain: Option<String>,
}

/// A flag on the decision.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Flag {
    /// Its name in the vocabulary.
    pub name: String,
    /// What it means.
    pub means: String,
    /// The rule that sets it.
    pub rule: String,
}
