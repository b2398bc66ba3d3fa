//! A rule of law as data: one effect, the typed conditions under which it applies, and what a reader needs to judge how
//! far to trust it.

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
    /// Disclosure is permitted but not compelled.
    Permits,
    /// Disclosure would be unlawful.
    Bars,
    /// The demand does not reach the data; another legal process does.
    Redirects,
    /// Counsel decides.
    Refers,
    /// A gate: no disclosure until something specific has happened. It contradicts nothing but makes a disclosure
    /// conditional.
    Requires,
    /// The owner may not be told.
    SilenceBinds,
    /// Nothing forbids telling the owner.
    SilenceNone,
    /// A non-disclosure duty has ended.
    SilenceEnded,
    /// Counsel decides whether the owner may be told.
    SilenceRefers,
    /// The provider can challenge the demand in court.
    ChallengeOpen,
    /// This challenge is not available.
    ChallengeClosed,
    /// Counsel decides whether the challenge is available.
    ChallengeRefers,
    /// Sets a deadline, and nothing else.
    Times,
    /// Adds actions, flags or follow-ups, and nothing else.
    Notes,
}

/// The question that an effect answers. `overrides` works only within a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Topic {
    /// Is this data to be disclosed?
    Disclosure,
    /// May the owner be told?
    Silence,
    /// Can the provider challenge the demand in court?
    Challenge,
    Time,
    /// What else?
    Note,
}

impl Effect {
    /// All values.
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

    /// The name used in files and on pages.
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
    /// From memory, uncertain.
    Unsure,
    /// From memory.
    Memory,
    /// Read in a secondary source.
    Secondary,
    /// Read in the primary source.
    Read,
}

impl Confidence {
    /// The name used in files and on pages.
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
#[allow(missing_docs, reason = "the names say it")]
pub enum Basis {
    /// A statute or a Union regulation.
    Statute,
    /// A court decision; it binds the forums listed.
    Precedent,
    Treaty,
    /// The provider's own minimum rules, or an authority's guidance. It never overrides another basis.
    Policy,
}

/// The purpose of a deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeadlinePurpose {
    /// The data or the answer is due.
    AnswerBy,
    /// Data must not be disclosed earlier.
    NotBefore,
    /// A motion must be filed.
    FileBy,
    /// An objection must be raised.
    ObjectBy,
    /// Preserved data may be released.
    PreserveUntil,
    /// A renewal is due.
    RenewBy,
    /// A review is due.
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

/// The unit of a term.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Elapsed hours, regardless of daylight saving time.
    Hours,
    /// Calendar days.
    Days,
    /// Days that are neither weekend nor holiday.
    WorkingDays,
    /// Calendar months.
    Months,
}

/// When a term starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// At receipt; for days, the day of receipt is day 0.
    Receipt,
    /// The day of receipt is not counted: the day after is day 1.
    DayAfterReceipt,
    /// The next full hour after receipt.
    NextFullHour,
    /// The day given by a fact is day 0.
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

/// A term, from which a deadline is computed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Term {
    pub purpose: DeadlinePurpose,
    /// What must be done, in words.
    pub what: String,
    /// The number of units.
    pub n: i64,
    pub unit: Unit,
    /// The calendar: an id, `home`, or `forum`.
    pub calendar: String,
    /// When it starts.
    pub start: Start,
    /// Whether the day of receipt, or the fact's day, is day 1 and not day 0. Left out of the digest where it is false,
    /// so that counsel's signatures on other rules stay good.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub first_day: bool,
    /// What happens if it ends on a day off.
    pub roll: Roll,
}

/// When a rule is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct InForce {
    /// The first day.
    pub from: Day,
    /// The last day; `None` while it is in force.
    pub to: Option<Day>,
}

impl InForce {
    /// Whether it is in force on `day`.
    pub fn covers(&self, day: Day) -> bool {
        self.from <= day && self.to.is_none_or(|to| day <= to)
    }
}

/// A rule. Once in force it is never edited: an amendment is a new rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Rule {
    /// Its id, `us.sca.2713`; unique in the set.
    pub id: String,
    #[serde(skip)]
    pub file: String,
    /// The line where its table starts, counted from 1.
    #[serde(skip)]
    pub line: usize,
    pub effect: Effect,
    /// The categories it covers; empty means all.
    pub asks: Vec<Category>,
    /// The conditions, all of which must hold.
    pub when: Vec<Condition>,
    /// The forums it binds, including those within them; empty means all.
    pub binds: Vec<String>,
    /// Rules that it defeats if both apply, together with the rules that those override.
    pub overrides: Vec<String>,
    /// Rules that it genuinely contradicts: a conflict of laws that no rule resolves. The check reports all other
    /// contradictions.
    pub conflicts_with: Vec<String>,
    /// Statute, article or case.
    pub cite: Vec<String>,
    /// The source consulted; empty if none (the check reports that).
    pub source: String,
    /// When the source was consulted.
    pub retrieved: Day,
    /// How well the source was read.
    pub confidence: Confidence,
    /// When it is in force.
    pub in_force: InForce,
    /// The first day on which this set contained it.
    pub known_since: Day,
    /// The kind of law.
    pub basis: Basis,
    /// The deadline that it sets.
    pub deadline: Option<Term>,
    /// Later dates.
    pub follow_ups: Vec<Term>,
    /// For a rule on non-disclosure: the source of the duty, and the fact with its last day.
    pub silence: Option<SilenceTerm>,
    /// The reason, in one plain sentence.
    pub because: String,
    /// Whether courts or scholars disagree about it.
    pub contested: bool,
    /// Flags that it sets on the decision.
    pub flags: Vec<String>,
    /// Kinds of routes that would reach the data instead.
    pub redirect: Vec<String>,
    /// What a gate requires, in words.
    pub needs: Vec<String>,
    /// Actions besides disclosure.
    pub actions: Vec<Action>,
}

/// The non-disclosure duty of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SilenceTerm {
    /// Its source, such as `court_order`.
    pub source: String,
    /// The fact with its last day.
    pub until: Option<String>,
}

impl Rule {
    /// The digest that counsel's signature names: SHA-256 over the rule as JSON, fields in the order of this type.
    pub fn digest(&self) -> Digest {
        // A rule is plain data and always serializes. If it did not, no signature would match the empty text.
        crate::law::sha256(&serde_json::to_vec(self).unwrap_or_default())
    }
}
