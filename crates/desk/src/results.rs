//! What the desk's acts return. A result has everything that a presenter needs for its text, also at the other end of a
//! socket; as JSON it is what `--json` prints.
//!
//! Results name owners, authorities and officers; `Debug` prints the name of the type alone (invariant 10).

use std::fmt;

use rules::{Decision, Difference, Outcome};
use serde::{Deserialize, Serialize};
use terms::{Address, CaseId, Digest, OfficerName, UnixMillis};

use crate::case::{Case, CaseState, Event, EventKind, PackageRecord};
use crate::next::NextAction;
use crate::proposal;

/// Where a case stands, in short.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseSummary {
    /// Its number within the home.
    pub case: CaseId,
    /// From its proven events alone.
    pub state: CaseState,
    /// The rules' outcome over all items.
    pub outcome: Outcome,
    /// When the demand was received, by the node's clock.
    #[serde(with = "terms::rfc3339")]
    pub received: UnixMillis,
    /// Whether an account at this node has the demand's address.
    pub account_found: bool,
    /// Whether mail is on hold for the case.
    pub held: bool,
    /// The sealed package, if there is one.
    pub package: Option<PackageRecord>,
}

/// One case in full.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseDetail {
    /// Where it stands.
    #[serde(flatten)]
    pub summary: CaseSummary,
    /// The demand as letters and pages cite it.
    pub demand: DemandHead,
    /// SHA-256 of the demand file.
    pub demand_digest: Digest,
    /// The address that the demand asks about.
    pub subject: Address,
    /// The mailbox is in `owner` custody, so no two officers can open it.
    pub only_the_owner_opens: bool,
    /// The one thing to do next.
    pub next: NextAction,
    /// What the rules concluded, with facts and proof tree.
    pub decision: Decision,
    /// What was recorded, in order.
    pub events: Vec<EventSummary>,
}

/// Who demands what, as letters and pages cite it.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct DemandHead {
    pub authority: String,
    /// The authority's own.
    pub reference: String,
    /// The legal kind of the demand, in the vocabulary's word.
    pub instrument: String,
}

/// An event of a case.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct EventSummary {
    pub kind: EventKind,
    /// When it was recorded, by the node's clock.
    #[serde(with = "terms::rfc3339")]
    pub at: UnixMillis,
    /// Its entry in the ledger; `None` while a power cut left it without proof.
    pub index: Option<u64>,
    /// Who approved.
    pub officer: Option<OfficerName>,
}

/// All cases, the newest last.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
#[allow(missing_docs, reason = "the names say it")]
pub struct CaseList {
    pub cases: Vec<ListedCase>,
}

/// A line of the list.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
#[allow(missing_docs, reason = "the names say it")]
pub enum ListedCase {
    Readable(CaseSummary),
    Damaged(DamagedCase),
}

/// A case whose file does not open. It hides no other.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct DamagedCase {
    pub case: CaseId,
    pub state: Damaged,
    pub problem: String,
}

/// The one state of a damaged case, so that each line of the list has a `state`.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Damaged {
    Damaged,
}

/// A demand was served: a case for each account that it names.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct DemandServed {
    pub cases: Vec<CaseDetail>,
}

/// An officer approved; when that was the second, the case's state is [`CaseState::Cleared`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct OrderApproved {
    #[serde(flatten)]
    pub summary: CaseSummary,
    pub officer: OfficerName,
}

/// The package of a case was sealed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageSealed {
    /// Where the case stands.
    #[serde(flatten)]
    pub summary: CaseSummary,
    /// Where the package is at the node.
    pub path: String,
    /// Items in scope that could not be opened; the package lists them.
    pub failed: u64,
}

/// A letter was written, or asked for again.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct LetterWritten {
    #[serde(flatten)]
    pub summary: CaseSummary,
    /// The whole letter, as it is to be sent.
    pub letter: String,
}

/// What the rules would conclude on a day, for each account that the demand names.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct WhatIf {
    pub decisions: Vec<Decision>,
}

/// A case's decision, whose units and non-disclosure hold the proof tree.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct DecisionExplained {
    pub case: CaseId,
    pub decision: Decision,
}

/// A case decided again.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisionReplayed {
    /// The case's number.
    pub case: CaseId,
    /// The law set that decided when the demand was received.
    pub law_of_the_day: Digest,
    /// Whether that set still gives the recorded decision.
    pub as_recorded: bool,
    /// What that set gives.
    pub outcome: Outcome,
    /// In what that differs from the record; empty when `as_recorded`.
    pub differs_from_record: Vec<Difference>,
    /// The law set in use.
    pub law_today: Digest,
    /// What it gives.
    pub outcome_today: Outcome,
    /// In what today's decision differs from the record.
    pub difference: Vec<Difference>,
}

/// What two law sets make of the recorded cases.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LawCompared {
    /// The one set.
    pub old: Digest,
    /// The other.
    pub new: Digest,
    /// How many cases there are.
    pub recorded: usize,
    /// Those that the two sets decide differently.
    pub cases: Vec<CaseDifference>,
    /// Those whose file does not open, which were not compared.
    pub damaged: Vec<CaseId>,
}

/// A case that two law sets decide differently.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct CaseDifference {
    pub case: CaseId,
    /// In what they differ.
    pub difference: Vec<Difference>,
}

/// A law set came into use.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct LawAdopted {
    pub law: Digest,
    /// The set that was in use until then.
    pub previous: Digest,
    /// The name of the key that signed it.
    pub counsel: String,
}

/// A rule was confirmed: from now on decisions may rest on it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct RuleConfirmed {
    pub rule: String,
    pub digest: Digest,
    /// The name of the key that signed it.
    pub counsel: String,
}

impl CaseSummary {
    pub(crate) fn of(case: &Case) -> Self {
        Self {
            case: case.id,
            state: case.state(),
            outcome: case.decision.outcome,
            received: case.received,
            account_found: case.account.is_some(),
            held: case.has(EventKind::Hold),
            package: case.package.clone(),
        }
    }
}

impl CaseDetail {
    pub(crate) fn of(case: &Case, next: NextAction, only_the_owner_opens: bool) -> Self {
        let event = |event: &Event| EventSummary {
            kind: event.kind,
            at: event.at,
            index: event.receipt.as_ref().map(|receipt| receipt.index),
            officer: event.approval.as_ref().map(|approval| approval.officer.clone()),
        };
        Self {
            summary: CaseSummary::of(case),
            demand: proposal::demand_head(case),
            demand_digest: case.demand_digest,
            subject: case.subject.clone(),
            only_the_owner_opens,
            next,
            decision: case.decision.clone(),
            events: case.events.iter().map(event).collect(),
        }
    }
}

macro_rules! debug_is_the_name_alone {
    ($($name:ident),+ $(,)?) => {
        $(impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($name))
            }
        })+
    };
}

debug_is_the_name_alone!(
    CaseSummary,
    CaseDetail,
    DemandHead,
    EventSummary,
    CaseList,
    ListedCase,
    DamagedCase,
    Damaged,
    DemandServed,
    OrderApproved,
    PackageSealed,
    LetterWritten,
    WhatIf,
    DecisionExplained,
    DecisionReplayed,
    LawCompared,
    CaseDifference,
    LawAdopted,
    RuleConfirmed,
);
