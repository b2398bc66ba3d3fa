//! The one thing to do next in a case. Pure.

use rules::Deadline;
use serde::{Deserialize, Serialize};
use terms::UnixMillis;

use crate::answer::Answer;
use crate::case::{Case, CaseState, EventKind};
use crate::proposal;

/// What a person at the desk does next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum NextAction {
    /// The intake was interrupted: serve the demand again, or restart the node.
    FinishIntake,
    /// Verify the sender by a number found independently of the demand, then serve the demand again with the result. Until
    /// then nothing leaves, and no letter either.
    VerifySender,
    /// Officers approve the order.
    Approve {
        /// How many, and why (again).
        need: ApprovalNeed,
    },
    /// Collect the package.
    Collect {
        /// The duty to wait, while its moment lies ahead.
        not_before: Option<Deadline>,
    },
    /// Produce the letter about what is refused.
    WriteLetter,
    /// Send the letter; nothing else is open.
    SendLetter,
    /// A person answers, with counsel.
    AnswerManually {
        /// The items that this version cannot produce; empty when what is compelled is not in this home's own store.
        items: Vec<String>,
    },
    /// A person tells the authority that nobody but the owner can open the mailbox. Data other than content can be produced
    /// on a demand for that data alone.
    ExplainOwnerCustody,
    /// Deliver the package to the authority.
    DeliverPackage {
        /// A letter about the rest is still to be written.
        letter: bool,
        /// Items that a person answers besides.
        manually: Vec<String>,
    },
}

/// Which approval is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalNeed {
    /// Two different officers'.
    TwoOfficers,
    /// That of a second officer, different from the first.
    SecondOfficer,
    /// Either officer's once more: both approved, and the clearance was not issued.
    EitherOfficerAgain,
    /// Another officer's: the share that one of the two released was used up.
    AnotherOfficer,
    /// Two officers' once more: the order expired.
    OrderExpired,
    /// Two officers' once more: the clearance was lost.
    ClearanceLost,
}

/// What a person at the desk does next. `cleared` says whether the vault keeps the case's clearance.
pub(crate) fn next_action(case: &Case, cleared: bool, now: UnixMillis) -> NextAction {
    let answer = Answer::of(case);
    let expired = case.order.as_ref().is_some_and(|order| order.expires <= now);
    let approve = |need| NextAction::Approve { need };
    match case.state() {
        CaseState::Received => NextAction::FinishIntake,
        CaseState::Sealed => NextAction::DeliverPackage {
            letter: answer.letter && !case.has(EventKind::Letter),
            manually: answer.manually,
        },
        CaseState::Refused => NextAction::SendLetter,
        CaseState::Cleared | CaseState::ApprovedOnce if expired => approve(ApprovalNeed::OrderExpired),
        CaseState::Cleared if cleared => {
            NextAction::Collect { not_before: proposal::not_before(&case.decision, now).cloned() }
        }
        CaseState::Cleared if case.keeps_shares() => approve(ApprovalNeed::EitherOfficerAgain),
        CaseState::Cleared => approve(ApprovalNeed::ClearanceLost),
        CaseState::ApprovedOnce => approve(ApprovalNeed::SecondOfficer),
        CaseState::Decided if !answer.produce.is_empty() => approve(ApprovalNeed::TwoOfficers),
        CaseState::Decided => instead(&answer),
    }
}

/// What is done where there is nothing to approve.
pub(crate) fn instead(answer: &Answer) -> NextAction {
    if answer.verify {
        NextAction::VerifySender
    } else if answer.letter && answer.manually.is_empty() {
        NextAction::WriteLetter
    } else {
        NextAction::AnswerManually { items: answer.manually.clone() }
    }
}
