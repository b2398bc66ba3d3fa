//! Approval: an officer signs the order with their own key and releases their share for it; the second officer's
//! approval leads to the clearance.

use terms::{CaseId, OfficerName, Secret};
use vault::{KeyAsk, OpenedShare, Order, ProvenApproval};

use crate::answer::opens_mail;
use crate::case::Case;
use crate::desk::Desk;
use crate::error::{DeskError, NotNow};
use crate::next::{ApprovalNeed, NextAction};
use crate::results::{CaseSummary, OrderApproved};

impl Desk {
    /// Whether there is an order for `officer` to approve: asked before the passphrase is.
    ///
    /// # Errors
    /// As [`approve`](Desk::approve), except for the passphrase.
    pub fn check_approvable(&self, id: CaseId, officer: &OfficerName) -> Result<(), DeskError> {
        let _turn = self.turn();
        let case = self.resume(id)?;
        self.approvable(&case)?;
        self.check_officer(&case, officer)
    }

    /// Refuses a name that is not an officer's, and an officer who has already approved the current order.
    fn check_officer(&self, case: &Case, officer: &OfficerName) -> Result<(), DeskError> {
        if !self.parts.vault.officers()?.iter().any(|enrolled| enrolled.name == *officer) {
            return Err(DeskError::NotEnrolled(officer.clone()));
        }
        let earlier = case.approvals();
        if earlier.len() == 1 && earlier.iter().any(|proven| proven.approval.officer == *officer) {
            return Err(DeskError::SameOfficer(officer.clone()));
        }
        Ok(())
    }

    /// Records `officer`'s approval of the case's order. With the second officer's approval the clearance is issued
    /// and kept. Durable when it returns.
    ///
    /// # Errors
    /// A case that is not to be approved (and what to do instead), the same officer twice, a wrong passphrase; the
    /// ledger's and the vault's. After an error no approval counts that is not in the ledger.
    pub fn approve(
        &self,
        id: CaseId,
        officer: &OfficerName,
        passphrase: &Secret<String>,
    ) -> Result<OrderApproved, DeskError> {
        let _turn = self.turn();
        let mut case = self.resume(id)?;
        let (account, answer) = self.approvable(&case)?;
        let order = self.draw_up_order(&mut case, account, &answer)?;
        self.check_officer(&case, officer)?;
        let (approval, share) = self.parts.vault.approve(&order, officer, passphrase)?;
        self.record_approval(&mut case, approval)?;
        if case.approvals().len() >= 2 {
            self.clear(&case, &order, share)?;
            // The shares have served their purpose; the signatures stand without them.
            case.forget_shares();
            self.save(&case)?;
        }
        Ok(OrderApproved { summary: CaseSummary::of(&case), officer: officer.clone() })
    }

    /// Joins two approvals into a clearance and keeps it.
    fn clear(&self, case: &Case, order: &Order, share: OpenedShare) -> Result<(), DeskError> {
        let (own, others): (Vec<ProvenApproval>, Vec<_>) =
            case.approvals().into_iter().partition(|proven| proven.approval.officer == *share.officer());
        // The latest whose share is still there for this officer: where three approve, an earlier one may be used up.
        let released = |proven: &ProvenApproval| proven.approval.released.contains_key(share.officer());
        let first = others.into_iter().rev().find(released);
        let (Some(own), Some(first)) = (own.into_iter().next(), first) else {
            let next = NextAction::Approve { need: ApprovalNeed::AnotherOfficer };
            return Err(DeskError::not_now(case.id, NotNow::ShareUsedUp, next));
        };
        let [first, own] = self.proven_now([first, own])?;
        let asks = self.asks(order)?;
        let mut epochs: Vec<_> = asks.iter().map(|ask| ask.epoch).collect();
        epochs.sort_unstable();
        epochs.dedup();
        let epochs = self.parts.store.epoch_keys(order.account, &epochs)?;
        let clearance = self.parts.vault.clear(order, [first, own], share, &epochs, &asks)?;
        self.parts.vault.keep_clearance(&clearance)?;
        Ok(())
    }

    /// The same approvals, proven against the ledger's current head: the key that signed an earlier head may have been
    /// retired.
    fn proven_now(&self, approvals: [ProvenApproval; 2]) -> Result<[ProvenApproval; 2], DeskError> {
        let [mut one, mut two] = approvals;
        let receipts = self.parts.log.receipts(&[one.receipt.index, two.receipt.index])?;
        for (proven, receipt) in [&mut one, &mut two].into_iter().zip(receipts) {
            proven.receipt = receipt;
        }
        Ok([one, two])
    }

    /// The messages whose keys the order asks for: none unless it is for content.
    fn asks(&self, order: &Order) -> Result<Vec<KeyAsk>, DeskError> {
        if !opens_mail(&order.categories) {
            return Ok(Vec::new());
        }
        let held = self.held(order.case, order.account, order.from, order.until)?;
        Ok(held.messages.iter().map(store::ScopedMessage::key_ask).collect())
    }
}
