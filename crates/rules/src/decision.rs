//! What the rules conclude: per item and per stored copy, with everything needed to tell it, check it and make it again.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use terms::{Category, Digest, UnixMillis};

use crate::facts::Facts;
use crate::rule::{Confidence, DeadlinePurpose, Effect};
use crate::value::{Day, Value};

/// For real or for the sake of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// A demand that was served here. A rule that is not confirmed supports no disclosure: such a decision becomes
    /// [`Outcome::ReferCounsel`].
    Service,
    /// Another day, other facts. Mints nothing; a rule that is not confirmed decides, and is named in
    /// [`Unit::unconfirmed`].
    WhatIf,
}

/// What follows for an item, a copy, or the whole demand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Outcome {
    /// The law compels disclosure.
    Compelled,
    /// The law allows it and does not compel it.
    Permitted,
    /// Not compelled, and disclosure would itself be unlawful.
    NotCompelledBarred,
    /// Not compelled; something else would reach the data.
    NotCompelledRedirect,
    /// Some of it.
    Partial,
    /// Something named is missing: a step of the authority, or a fact.
    Conditional,
    /// Unsettled, contradictory, or outside the rules: counsel decides.
    ReferCounsel,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Compelled,
        Self::Permitted,
        Self::NotCompelledBarred,
        Self::NotCompelledRedirect,
        Self::Partial,
        Self::Conditional,
        Self::ReferCounsel,
    ];

    /// The word in files and on pages.
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

/// What is done besides disclosing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Action {
    /// Keep what exists, whatever happens to the mailbox.
    Preserve,
    /// Do nothing outward until the sender is verified.
    HoldVerify,
    /// Answer with Form 3.
    Form3,
    /// Raise the reasoned objection to a conflict of laws.
    ReasonedObjection,
}

impl Action {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Preserve, Self::HoldVerify, Self::Form3, Self::ReasonedObjection];

    /// The word in files and on pages.
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
    /// The digest of the law set that decided.
    pub law: Digest,
    /// The facts it decided on.
    pub facts: Facts,
    /// For real or a what-if.
    pub mode: Mode,
    /// The fold over all units.
    pub outcome: Outcome,
    /// The fold over the copies of each item, in the order asked.
    pub items: Vec<ItemOutcome>,
    /// One per item and copy.
    pub units: Vec<Unit>,
    /// Everything to be done besides, over all units.
    pub actions: BTreeSet<Action>,
    /// What is missing, in plain words, the fact that settles most first.
    pub questions: Vec<Question>,
    /// Whether the owner may be told.
    pub silence: Silence,
    /// Routes to court that are open to the provider, and those that are closed.
    pub challenges: Vec<Challenge>,
    /// By when, over all units, earliest first.
    pub deadlines: Vec<Deadline>,
    /// What comes later, earliest first.
    pub follow_ups: Vec<Deadline>,
    /// Marks such as `split_of_authority`, with the rule's reason.
    pub flags: Vec<Flag>,
}

/// One item over all its copies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemOutcome {
    /// The item's name.
    pub item: String,
    /// Its category.
    pub category: Category,
    /// The fold.
    pub outcome: Outcome,
}

/// One item in one stored copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    /// The item's name.
    pub item: String,
    /// Its category.
    pub category: Category,
    /// The copy's name; `None` when no declared copy holds this category.
    pub copy: Option<String>,
    /// What follows.
    pub outcome: Outcome,
    /// A rule that decides is itself contested.
    pub contested: bool,
    /// Rules that carry the outcome and are not confirmed (nor signed by counsel).
    pub unconfirmed: Vec<String>,
    /// The rules that decide, undefeated.
    pub rules: Vec<String>,
    /// One plain sentence per rule that decides, and what the fold of them made of it.
    pub reasons: Vec<String>,
    /// What the deciding rules stand on.
    pub citations: Vec<Citation>,
    /// What is missing, for `CONDITIONAL`.
    pub conditions: Vec<String>,
    /// What would reach the data instead.
    pub redirect: Vec<Route>,
    /// What is to be done besides.
    pub actions: BTreeSet<Action>,
    /// Two laws that disagree.
    pub conflict: Option<Conflict>,
    /// How it came about.
    pub proof: Proof,
    /// Rules that set deadlines, actions and marks beside it.
    pub also: Vec<Node>,
}

/// A citation of a rule that decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Citation {
    /// The rule.
    pub rule: String,
    /// Statute, article or case.
    pub text: String,
    /// Where it was read.
    pub source: String,
    /// When.
    pub retrieved: Day,
    /// How well.
    pub confidence: Confidence,
}

/// What would reach the data instead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// Its id in the law set.
    pub id: String,
    /// Its name.
    pub name: String,
    /// How it goes, in a sentence or two.
    pub text: String,
    /// What it stands on.
    pub cite: Vec<String>,
    /// What it needs.
    pub needs: Vec<String>,
}

/// Two laws that disagree: neither is picked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// The rules that compel or permit.
    pub compels: Vec<String>,
    /// The rules that bar, or send elsewhere.
    pub bars: Vec<String>,
    /// The proof tree of the first.
    pub compels_because: Vec<Node>,
    /// The proof tree of the second.
    pub bars_because: Vec<Node>,
}

/// How a unit's outcome came about.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Proof {
    /// Rules that apply undefeated, each with what it defeats below it.
    pub applied: Vec<Node>,
    /// Rules that may apply: a fact is missing.
    pub open: Vec<OpenRule>,
    /// Rules that one condition alone kept out.
    pub near: Vec<NearRule>,
}

/// A rule in the proof tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// The rule.
    pub rule: String,
    /// What it says.
    pub effect: Effect,
    /// Why, in its own sentence.
    pub because: String,
    /// What it stands on.
    pub cite: Vec<String>,
    /// How well it was read.
    pub confidence: Confidence,
    /// The facts it used.
    pub facts: Vec<UsedFact>,
    /// Rules that apply as well and are defeated by this one.
    pub defeats: Vec<Node>,
}

/// A fact that a rule used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsedFact {
    /// Its name.
    pub fact: String,
    /// Its value.
    pub value: Value,
    /// The condition that it met, in words.
    pub met: String,
}

/// A rule that may apply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenRule {
    /// The rule.
    pub rule: String,
    /// What it would say.
    pub effect: Effect,
    /// The facts that are missing.
    pub missing: Vec<String>,
    /// Whether the outcome could change with it.
    pub matters: bool,
}

/// A rule that one condition alone kept out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NearRule {
    /// The rule.
    pub rule: String,
    /// What it would have said.
    pub effect: Effect,
    /// The condition that was not met, in words.
    pub failed: String,
}

/// A fact that is missing and could change the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// The fact's name.
    pub fact: String,
    /// What to ask, in plain words.
    pub text: String,
    /// The item or copy it is about; `None` for the demand as a whole.
    pub about: Option<String>,
    /// Rules that wait for it.
    pub settles: Vec<String>,
}

/// Whether the owner may be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// What the rules conclude.
    pub state: SilenceState,
    /// What follows for the notice to the owner.
    pub notice: Notice,
    /// What the duty rests on, such as `court_order`.
    pub source: Option<String>,
    /// Its last day, where it has one.
    pub until: Option<Day>,
    /// The rules.
    pub rules: Vec<String>,
    /// Their sentences.
    pub reasons: Vec<String>,
    /// What they stand on.
    pub citations: Vec<Citation>,
    /// How it came about.
    pub proof: Proof,
}

/// A duty of silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SilenceState {
    /// It binds.
    Binding,
    /// There is none.
    None,
    /// It has ended.
    Ended,
    /// Unknown or unsettled: counsel decides, and until then the owner is not told.
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

/// A way to court against the demand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Challenge {
    /// Whether it is open.
    pub state: ChallengeState,
    /// The items it is about.
    pub items: Vec<String>,
    /// The rules.
    pub rules: Vec<String>,
    /// Their sentences.
    pub reasons: Vec<String>,
    /// What they stand on.
    pub citations: Vec<Citation>,
}

/// Whether a way to court is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChallengeState {
    /// Open.
    Open,
    /// Closed.
    Closed,
    /// Counsel decides.
    ReferCounsel,
}

/// A moment that matters, with its reckoning.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Deadline {
    /// The moment.
    pub at: UnixMillis,
    /// What for.
    pub purpose: DeadlinePurpose,
    /// What is to be done, in words.
    pub what: String,
    /// In UTC, RFC 3339.
    pub utc: String,
    /// In the local time of the calendar, RFC 3339 with offset.
    pub local: String,
    /// The IANA zone of `local`.
    pub zone: String,
    /// The steps, one line each.
    pub reckoning: Vec<String>,
    /// The rule that sets it.
    pub rule: String,
    /// Why the moment is not certain, when the calendar does not reach that far.
    pub uncertain: Option<String>,
}

/// A mark on the decision.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Flag {
    /// The vocabulary's word.
    pub name: String,
    /// What it means.
    pub means: String,
    /// The rule that sets it.
    pub rule: String,
}
