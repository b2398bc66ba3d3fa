//! A case: our handling of one demand for one account in one home, a chain of events.

use std::fmt;

use ledger::{Opening, Receipt};
use rules::{Decision, Facts};
use serde::{Deserialize, Serialize};
use terms::{AccountId, Address, CaseId, Digest, UnixMillis};
use vault::{Approval, Order, ProvenApproval};

use crate::answer::Answer;

/// A case as it is kept, sealed, in the desk's directory.
///
/// `Debug` prints its number only.
#[derive(Clone, Serialize, Deserialize)]
pub struct Case {
    /// Counted from 1 within the home.
    pub id: CaseId,
    /// When the demand was received, by the node's clock.
    pub received: UnixMillis,
    /// The demand file, byte for byte.
    pub demand: String,
    /// SHA-256 of the demand file.
    pub demand_digest: Digest,
    /// The address that this case is about.
    pub subject: Address,
    /// The account it resolves to here, if there is one.
    pub account: Option<AccountId>,
    /// The demand and the home as the rules saw them.
    pub facts: Facts,
    /// What the rules concluded.
    pub decision: Decision,
    /// SHA-256 of the decision's canonical JSON.
    pub decision_digest: Digest,
    /// What officers approve; drawn up at the first approval.
    pub order: Option<Order>,
    /// Everything recorded, in order.
    pub events: Vec<Event>,
    /// The letter's file name. It counts once its event is proven ([`Case::has`]).
    pub letter: Option<String>,
    /// The package. It counts once its event is proven.
    pub package: Option<PackageRecord>,
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Case({})", self.id)
    }
}

/// One recorded event.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Event {
    #[allow(missing_docs, reason = "the name says it")]
    pub kind: EventKind,
    /// When it was recorded, by the node's clock.
    pub at: UnixMillis,
    /// What the ledger's commitment hides.
    pub opening: Opening,
    /// The proof that the ledger has it. It is absent only if a power cut came between the two.
    pub receipt: Option<Receipt>,
    /// The approval that this event records.
    pub approval: Option<Approval>,
}

/// What can happen in a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// The demand came in.
    Demand,
    /// The rules decided.
    Decision,
    /// Mail is to be preserved.
    Hold,
    /// An order was drawn up for approval.
    Order,
    /// An officer approved the order.
    Approval,
    /// Mail is to be collected under the clearance.
    Collect,
    /// The package was sealed.
    Seal,
    /// A letter was written.
    Letter,
}

impl EventKind {
    /// The word in the ledger.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Demand => "demand",
            Self::Decision => "decision",
            Self::Hold => "hold",
            Self::Order => "order",
            Self::Approval => "approval",
            Self::Collect => "collect",
            Self::Seal => "seal",
            Self::Letter => "letter",
        }
    }
}

/// The sealed package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageRecord {
    /// Its file name in the desk's `packages`.
    pub file: String,
    /// SHA-256 of the sealed file.
    pub digest: Digest,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// Messages produced.
    pub messages: u64,
    /// Items in scope that could not be opened.
    pub failed: u64,
}

/// Where a case stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseState {
    /// Received. The intake was interrupted; the next action or the next start completes it.
    Received,
    /// Decided; no officer has approved.
    Decided,
    /// One officer has approved.
    ApprovedOnce,
    /// Two have. The clearance is in the vault, unless it was lost or has expired.
    Cleared,
    /// The package is sealed.
    Sealed,
    /// A letter was written instead.
    Refused,
}

impl Case {
    /// Where the case stands, from its proven events alone.
    pub fn state(&self) -> CaseState {
        if self.package.is_some() && self.has(EventKind::Seal) {
            CaseState::Sealed
        } else if self.letter.is_some() && self.has(EventKind::Letter) && Answer::of(self).produce.is_empty() {
            CaseState::Refused
        } else if !self.has(EventKind::Decision) {
            CaseState::Received
        } else {
            match self.approvals().len() {
                0 => CaseState::Decided,
                1 => CaseState::ApprovedOnce,
                _ => CaseState::Cleared,
            }
        }
    }

    /// The approvals of the current order that the ledger has: the latest of each officer.
    pub fn approvals(&self) -> Vec<ProvenApproval> {
        let Some(order) = &self.order else { return Vec::new() };
        let digest = order.digest();
        let mut found: Vec<ProvenApproval> = Vec::new();
        for event in &self.events {
            if let (Some(approval), Some(receipt)) = (&event.approval, &event.receipt)
                && approval.order == digest
            {
                found.retain(|earlier| earlier.approval.officer != approval.officer);
                found.push(ProvenApproval {
                    approval: approval.clone(),
                    opening: event.opening.clone(),
                    receipt: receipt.clone(),
                });
            }
        }
        found
    }

    /// Whether an event of this kind has its proof.
    pub fn has(&self, kind: EventKind) -> bool {
        self.events.iter().any(|event| event.kind == kind && event.receipt.is_some())
    }
}

impl Case {
    /// Drops every released share that is still in the case; returns whether there was one.
    pub(crate) fn forget_shares(&mut self) -> bool {
        let mut found = false;
        for approval in self.events.iter_mut().filter_map(|event| event.approval.as_mut()) {
            found |= !approval.released.is_empty();
            approval.forget_shares();
        }
        found
    }

    /// Whether a released share is still in the case.
    pub(crate) fn keeps_shares(&self) -> bool {
        self.events.iter().filter_map(|event| event.approval.as_ref()).any(|approval| !approval.released.is_empty())
    }
}
