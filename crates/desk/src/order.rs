//! The order: exactly what two officers approve, and until when.

use terms::AccountId;
use vault::{Clearance, Custody, FileError, Order, OrderError, OwnerError, VaultError};

use crate::answer::{Answer, opens_mail};
use crate::case::{Case, CaseState, EventKind};
use crate::desk::Desk;
use crate::error::{DeskError, NotNow};
use crate::next::{NextAction, instead};
use crate::proposal;

/// How long an order may wait for its second approval and its collection, in days. An approval that lies around is a
/// key that lies around; 14 days is the longest time that the instruments in the law set leave for an answer.
const ORDER_DAYS: i64 = 14;
const DAY_MILLIS: i64 = 86_400_000;

impl Desk {
    /// The account and the answer, if there is something in the case that two officers may approve.
    pub(crate) fn approvable(&self, case: &Case) -> Result<(AccountId, Answer), DeskError> {
        let not_now = |why: NotNow, next: Option<NextAction>| Err(DeskError::not_now(case.id, why, next));
        match case.state() {
            CaseState::Decided | CaseState::ApprovedOnce => {}
            // The clearance was not issued, was lost, or has expired.
            CaseState::Cleared if self.kept_clearance(case)?.is_none() => {}
            CaseState::Cleared => {
                let not_before = proposal::not_before(&case.decision, self.parts.clock.now()).cloned();
                return not_now(NotNow::AlreadyApproved, Some(NextAction::Collect { not_before }));
            }
            CaseState::Sealed => {
                return not_now(NotNow::AlreadySealed(self.package_path(case).display().to_string()), None);
            }
            CaseState::Refused => return not_now(NotNow::LetterWritten, None),
            CaseState::Received => return not_now(NotNow::IntakeUnfinished, Some(NextAction::FinishIntake)),
        }
        let answer = Answer::of(case);
        let Some(account) = case.account else {
            return not_now(NotNow::NoSuchAccount, Some(instead(&answer)));
        };
        if answer.produce.is_empty() {
            return not_now(NotNow::NothingToApprove(case.decision.outcome), Some(instead(&answer)));
        }
        // Before two officers give their passphrases for what no two of them can open.
        if opens_mail(&answer.produce) && self.only_the_owner_opens(account)? {
            return not_now(NotNow::OwnerCustody, Some(NextAction::ExplainOwnerCustody));
        }
        Ok((account, answer))
    }

    /// Whether the account is in `owner` custody. A closed account is in none.
    pub(crate) fn only_the_owner_opens(&self, account: AccountId) -> Result<bool, DeskError> {
        match self.parts.vault.account_guard(account) {
            Ok(guard) => Ok(guard.custody == Custody::Owner),
            Err(VaultError::Owner(OwnerError::NoSuchAccount(_))) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// The case's order: the existing one, or a new one when that has expired, belongs to another decision, or has had its
    /// approvals used up.
    pub(crate) fn draw_up_order(
        &self,
        case: &mut Case,
        account: AccountId,
        answer: &Answer,
    ) -> Result<Order, DeskError> {
        let now = self.parts.clock.now();
        // The shares were joined and forgotten, and the clearance that they led to is gone.
        let used_up = case.approvals().len() >= 2 && !case.keeps_shares();
        if let Some(order) = &case.order
            && order.expires > now
            && order.decision == case.decision_digest
            && !used_up
        {
            return Ok(order.clone());
        }
        let (from, until) = proposal::span(&case.facts);
        let mut expires = now.plus_millis(ORDER_DAYS * DAY_MILLIS);
        if let Some(old) = &case.order {
            self.parts.vault.forget_clearance(old.digest())?;
            if old.expires == expires {
                // Another order, even within the same millisecond: no approval of the old one counts for it.
                expires = expires.plus_millis(1);
            }
        }
        let order = Order {
            home: self.parts.home.clone(),
            case: case.id,
            account,
            categories: answer.produce.clone(),
            from,
            until,
            demand: case.demand_digest,
            decision: case.decision_digest,
            law: case.decision.law,
            expires,
        };
        let drawn = order.clone();
        self.record_with(case, EventKind::Order, serde_json::json!({ "order": order.digest() }), |case| {
            case.forget_shares();
            case.order = Some(drawn);
        })?;
        Ok(order)
    }

    /// The clearance that the vault keeps for the case's order, if there is one and it has not expired.
    pub(crate) fn kept_clearance(&self, case: &Case) -> Result<Option<Clearance>, DeskError> {
        let Some(order) = &case.order else { return Ok(None) };
        match self.parts.vault.clearance(order.digest()) {
            Ok(clearance) => Ok(Some(clearance)),
            Err(
                VaultError::Order(OrderError::NoClearance(_))
                | VaultError::Order(OrderError::Expired(_))
                | VaultError::Files(FileError::Damaged { .. }),
            ) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
