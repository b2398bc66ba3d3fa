//! A case: our handling of one demand for one account in one home, a chain of steps.

use ledger::{Opening, Receipt};
use rules::{Decision, Facts};
use serde::{Deserialize, Serialize};
use terms::{AccountId, Address, CaseId, Digest, UnixMillis};
use vault::{Approval, Order, ProvenApproval};

/// A case as it is kept, sealed, in the desk's directory.
#[derive(Debug, Serialize, Deserialize)]
pub struct Case {
    /// The version of this record.
    pub format: u32,
    /// Counted from 1 within the home.
    pub id: CaseId,
    /// When the demand was received, by the node's clock.
    pub received: UnixMillis,
    /// The paper, byte for byte.
    pub demand: String,
    /// SHA-256 of the paper.
    pub demand_digest: Digest,
    /// The identifier that this case is about.
    pub subject: Address,
    /// The account it resolves to here, if there is one.
    pub account: Option<AccountId>,
    /// The demand and the home as the rules saw them.
    pub facts: Facts,
    /// What the rules concluded.
    pub decision: Decision,
    /// SHA-256 of the decision's canonical JSON.
    pub decision_digest: Digest,
    /// What officers approve, once one of them was asked.
    pub order: Option<Order>,
    /// Every recorded step, in order.
    pub steps: Vec<Step>,
    /// The letter, once written: its file name.
    pub letter: Option<String>,
    /// The package, once sealed.
    pub package: Option<PackageRecord>,
}

/// One recorded step.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Step {
    /// What it is.
    pub kind: Kind,
    /// When it was recorded, by the node's clock.
    pub at: UnixMillis,
    /// What the ledger's commitment hides.
    pub opening: Opening,
    /// The proof that the ledger has it; absent only while a power cut lies between.
    pub receipt: Option<Receipt>,
    /// The approval that this step records.
    pub approval: Option<Approval>,
}

/// The kinds of steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
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

impl Kind {
    /// The word in the ledger and on pages.
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
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PackageRecord {
    /// Its file name in the desk's `packages`.
    pub file: String,
    /// SHA-256 of the sealed file.
    pub digest: Digest,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// Messages produced.
    pub messages: u64,
}

/// Where a case stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Decided; no officer has approved.
    Decided,
    /// One officer has approved.
    ApprovedOnce,
    /// Two have; the clearance is in the vault.
    Cleared,
    /// The package is sealed.
    Sealed,
    /// A letter was written instead.
    Refused,
}

impl State {
    /// The word on pages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Decided => "decided",
            Self::ApprovedOnce => "approved by one officer",
            Self::Cleared => "cleared by two officers",
            Self::Sealed => "package sealed",
            Self::Refused => "letter written",
        }
    }
}

impl Case {
    /// The version that this program writes.
    pub(crate) const FORMAT: u32 = 1;

    /// Where the case stands, from its steps alone.
    pub fn state(&self) -> State {
        if self.package.is_some() {
            State::Sealed
        } else if self.letter.is_some() && crate::proposal::to_produce(&self.decision).is_empty() {
            State::Refused
        } else {
            match self.approvals().len() {
                0 => State::Decided,
                1 => State::ApprovedOnce,
                _ => State::Cleared,
            }
        }
    }

    /// The approvals of the present order that the ledger has, one per officer, the latest of each.
    pub fn approvals(&self) -> Vec<ProvenApproval> {
        let Some(order) = &self.order else { return Vec::new() };
        let digest = order.digest();
        let mut found: Vec<ProvenApproval> = Vec::new();
        for step in &self.steps {
            if let (Some(approval), Some(receipt)) = (&step.approval, &step.receipt)
                && approval.order == digest
            {
                found.retain(|earlier| earlier.approval.officer != approval.officer);
                found.push(ProvenApproval {
                    approval: approval.clone(),
                    opening: step.opening.clone(),
                    receipt: receipt.clone(),
                });
            }
        }
        found
    }

    /// Whether a step of this kind has its proof.
    pub fn has(&self, kind: Kind) -> bool {
        self.steps.iter().any(|step| step.kind == kind && step.receipt.is_some())
    }
}
