//! A rule of law as data: one effect, the typed conditions under which it holds, and everything a reader needs to
//! judge whether it should be trusted.

use serde::{Deserialize, Serialize};
use terms::{Category, Digest};

use crate::condition::Condition;
use crate::decision::Action;
use crate::value::Day;

/// What a rule does. Each effect belongs to one [`Topic`]; rules of one topic answer the same question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Disclosure is compelled.
    Compels,
    /// Disclosure is allowed, not compelled.
    Permits,
    /// Disclosure would be unlawful.
    Bars,
    /// The demand does not reach the data; something else does.
    Redirects,
    /// Counsel decides.
    Refers,
    /// A gate: no disclosure before something named has happened. It contradicts nothing; it turns a disclosure into
    /// a condition.
    Requires,
    /// The owner may not be told.
    SilenceBinds,
    /// Nothing forbids telling the owner.
    SilenceNone,
    /// A duty of silence has ended.
    SilenceEnded,
    /// Counsel decides whether the owner may be told.
    SilenceRefers,
    /// A way to court is open to the provider.
    ChallengeOpen,
    /// No way to court is open under this heading.
    ChallengeClosed,
    /// Counsel decides whether a way to court is open.
    ChallengeRefers,
    /// Sets a deadline, and nothing else.
    Times,
    /// Adds actions, flags or follow-ups, and nothing else.
    Notes,
}

/// The question an effect answers. `overrides` stays within a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// Does this data leave?
    Disclosure,
    /// May the owner be told?
    Silence,
    /// Can the provider go to court?
    Challenge,
    /// By when?
    Time,
    /// What else?
    Note,
}

impl Effect {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::Compels,
        Self::Permits,
        Self::Bars,
        Self::Redirects,
        Self::Refers,
        Self::Requires,
        Self::SilenceBinds,
        Self::SilenceNone,
        Self::SilenceEnded,
        Self::SilenceRefers,
        Self::ChallengeOpen,
        Self::ChallengeClosed,
        Self::ChallengeRefers,
        Self::Times,
        Self::Notes,
    ];

    /// The word in files and on pages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Compels => "compels",
            Self::Permits => "permits",
            Self::Bars => "bars",
            Self::Redirects => "redirects",
            Self::Refers => "refers",
            Self::Requires => "requires",
            Self::SilenceBinds => "silence_binds",
            Self::SilenceNone => "silence_none",
            Self::SilenceEnded => "silence_ended",
            Self::SilenceRefers => "silence_refers",
            Self::ChallengeOpen => "challenge_open",
            Self::ChallengeClosed => "challenge_closed",
            Self::ChallengeRefers => "challenge_refers",
            Self::Times => "times",
            Self::Notes => "notes",
        }
    }

    /// The question it answers.
    pub fn topic(self) -> Topic {
        match self {
            Self::Compels | Self::Permits | Self::Bars | Self::Redirects | Self::Refers | Self::Requires => {
                Topic::Disclosure
            }
            Self::SilenceBinds | Self::SilenceNone | Self::SilenceEnded | Self::SilenceRefers => Topic::Silence,
            Self::ChallengeOpen | Self::ChallengeClosed | Self::ChallengeRefers => Topic::Challenge,
            Self::Times => Topic::Time,
            Self::Notes => Topic::Note,
        }
    }
}

/// How well a rule's source was read. Only [`Confidence::Read`] supports a disclosure without counsel's signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// From memory, and not sure.
    Unsure,
    /// From memory.
    Memory,
    /// Read in a secondary source.
    Secondary,
    /// Read in the primary text.
    Read,
}

impl Confidence {
    /// The word in files and on pages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unsure => "unsure",
            Self::Memory => "memory",
            Self::Secondary => "secondary",
            Self::Read => "read",
        }
    }
}

/// What kind of law a rule is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// An act of a legislature, a regulation of the Union.
    Statute,
    /// A decision of a court; it binds the forums it names.
    Precedent,
    /// An agreement between States.
    Treaty,
    /// The provider's own floor, or an authority's guidance. It never overrides another basis.
    Policy,
}

/// What a deadline is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeadlinePurpose {
    /// The data or the answer must be there.
    AnswerBy,
    /// Data must not leave earlier.
    NotBefore,
    /// A motion must be filed.
    FileBy,
    /// An objection must be raised.
    ObjectBy,
    /// What is preserved may go.
    PreserveUntil,
    /// A renewal must have come.
    RenewBy,
    /// Someone must look again.
    ReviewOn,
}

impl DeadlinePurpose {
    /// The purpose in words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AnswerBy => "answer by",
            Self::NotBefore => "not before",
            Self::FileBy => "file by",
            Self::ObjectBy => "object by",
            Self::PreserveUntil => "preserve until",
            Self::RenewBy => "renew by",
            Self::ReviewOn => "review on",
        }
    }
}

/// The unit a term is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Elapsed hours: a change of the clocks changes the local time, not the number.
    Hours,
    /// Days of the calendar.
    Days,
    /// Days that are neither weekend nor holiday.
    WorkingDays,
    /// Months of the calendar.
    Months,
}

/// Where a term starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// At the moment of receipt; in days, the day of receipt is day 0.
    Receipt,
    /// The day of receipt is not counted: the day after is day 1.
    DayAfterReceipt,
    /// The next full hour after receipt.
    NextFullHour,
    /// A day that a fact names is day 0.
    Fact(String),
}

/// What happens when the last day is not a working day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Roll {
    /// Nothing.
    None,
    /// The next working day of the calendar.
    NextWorkingDay,
}

/// A term: how a deadline is reckoned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Term {
    /// What for.
    pub purpose: DeadlinePurpose,
    /// What is to be done, in words.
    pub what: String,
    /// How many.
    pub n: i64,
    /// Of what.
    pub unit: Unit,
    /// Whose days: a calendar's id, `home`, or `forum`.
    pub calendar: String,
    /// From when.
    pub start: Start,
    /// And if it ends on a day off.
    pub roll: Roll,
}

/// When a rule is law.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct InForce {
    /// The first day.
    pub from: Day,
    /// The last day; `None` while it is in force.
    pub to: Option<Day>,
}

impl InForce {
    /// Whether the rule is law on `day`.
    pub fn covers(&self, day: Day) -> bool {
        self.from <= day && self.to.is_none_or(|to| day <= to)
    }
}

/// A rule. In force, it is never edited: an amendment is a new rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rule {
    /// Its id, `us.sca.2713`; unique in the set.
    pub id: String,
    /// The file it is in.
    #[serde(skip)]
    pub file: String,
    /// The line its table starts at, counted from 1.
    #[serde(skip)]
    pub line: usize,
    /// What it does.
    pub effect: Effect,
    /// The categories it speaks of; empty means all.
    pub asks: Vec<Category>,
    /// The conditions, all of which must hold.
    pub when: Vec<Condition>,
    /// The forums it binds, with those within them; empty means all.
    pub binds: Vec<String>,
    /// Rules that it defeats where both apply, and with them whatever those override.
    pub overrides: Vec<String>,
    /// Rules that it contradicts in earnest: a conflict of laws that no rule settles. The check reports every other.
    pub conflicts_with: Vec<String>,
    /// Statute, article or case.
    pub cite: Vec<String>,
    /// Where it was read; empty when it was not (the check reports that).
    pub source: String,
    /// The day it was read.
    pub retrieved: Day,
    /// How well it was read.
    pub confidence: Confidence,
    /// When it is law.
    pub in_force: InForce,
    /// The first day on which this set knew of it.
    pub known_since: Day,
    /// What kind of law it is.
    pub basis: Basis,
    /// The deadline it sets.
    pub deadline: Option<Term>,
    /// What comes later.
    pub follow_ups: Vec<Term>,
    /// For a rule of silence: what the duty rests on, and the fact that names its last day.
    pub silence: Option<SilenceTerm>,
    /// One plain sentence.
    pub because: String,
    /// Courts or writers disagree about it.
    pub contested: bool,
    /// Marks it sets on the decision.
    pub flags: Vec<String>,
    /// Kinds of route that would reach the data instead.
    pub redirect: Vec<String>,
    /// What a gate waits for, in words.
    pub needs: Vec<String>,
    /// What is to be done besides.
    pub actions: Vec<Action>,
}

/// The duty of silence a rule speaks of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SilenceTerm {
    /// What it rests on, such as `court_order`.
    pub source: String,
    /// The fact that names its last day.
    pub until: Option<String>,
}

impl Rule {
    /// The digest that counsel's signature names: SHA-256 over the rule as JSON, fields in the order of this type.
    pub fn digest(&self) -> Digest {
        // A rule is plain data: it always serialises. Were it not to, no signature would match an empty text.
        crate::law::sha256(&serde_json::to_vec(self).unwrap_or_default())
    }
}
