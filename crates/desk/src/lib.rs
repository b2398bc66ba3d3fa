//! What is done with demands.
//!
//! ```text
//! intake → decision → hold → two approvals → clearance → collect → seal
//!                        └→ letter
//! ```
//!
//! Each arrow is a ledger entry first ([`record`]): the entry's salt is durable, then the log has the leaf and a proof of
//! it, and only then does the step have its effect. A node that dies between the two carries on at its next start
//! ([`Desk::open`]), and so does the next action on the case, so that no recorded step stays without its effect.
//!
//! The desk opens no mail. It asks the rules what they conclude, collects two officers' approvals, and hands them to the
//! vault; the vault, and only it, makes the [`vault::Clearance`] with which the store opens what is in scope.

mod adopt;
mod answer;
mod approval;
mod case;
mod collect;
mod desk;
mod error;
mod file;
mod held;
mod house;
mod intake;
mod items;
mod law;
mod letter;
mod next;
mod order;
mod proposal;
mod record;
mod replay;
mod results;
mod resume;
mod wording;

pub use case::{Case, CaseState, Event, EventKind, PackageRecord};
pub use desk::{Desk, DeskParts};
pub use error::{DeskError, NotNow};
pub use intake::what_if;
pub use law::{CounselKey, DeskLaw, LawError, LawFiles, LawInUse, Texts, rule_text, set_text};
pub use next::{ApprovalNeed, NextAction};
pub use replay::LawChoice;
pub use results::{
    CaseDetail, CaseDifference, CaseList, CaseSummary, Damaged, DamagedCase, DecisionExplained, DecisionReplayed,
    DemandHead, DemandServed, EventSummary, LawAdopted, LawCompared, LetterWritten, ListedCase, OrderApproved,
    PackageSealed, RuleConfirmed, WhatIf,
};
