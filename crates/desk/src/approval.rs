//! Approval: an officer signs the order with their own key and releases their share for it; the second officer's
//! approval mints the clearance.

use terms::{AccountId, CaseId, Category, OfficerName, Secret};
use vault::{KeyAsk, OpenedShare, Order};

use crate::{Case, Desk, DeskError, Kind, Said, State, proposal, show};

/// How long an order may wait for its second approval and its collection, in days. An approval that lies about is a key
/// that lies about; 14 days is the longest time that the instruments in the set leave for an answer.
const ORDER_DAYS: i64 = 14;
const DAY_MILLIS: i64 = 86_400_000;

impl Desk {
    /// Records `officer`'s approval of the case's order. With the second officer's approval the clearance is minted and
    /// kept. Durable when it returns.
    ///
    /// # Errors
    /// A case that is not to be approved (and what to do instead), the same officer twice, a wrong passphrase; the
    /// ledger's and the vault's. After an error no approval counts that is not in the ledger.
    pub fn approve(&self, id: CaseId, officer: &OfficerName, passphrase: &Secret<String>) -> Result<Said, DeskError> {
        let _turn = self.turn();
        let mut case = self.load(id)?;
        self.settle_records(&mut case)?;
        let (account, categories) = self.approvable(&case)?;
        self.draw_up_order(&mut case, account, categories)?;
        let order = case.order.clone().ok_or_else(|| DeskError::NotNow("the case has no order".to_owned()))?;
        let earlier = case.approvals();
        if earlier.len() == 1 && earlier.iter().any(|proven| proven.approval.officer == *officer) {
            return Err(DeskError::SameOfficer(officer.clone()));
        }
        let (approval, share) = self.parts.vault.approve(&order, officer, passphrase)?;
        self.record_approval(&mut case, approval)?;
        if case.approvals().len() >= 2 {
            self.clear(&case, &order, officer, account, share)?;
            // The shares have done what they were released for; the signatures stand without them.
            forget_shares(&mut case);
            self.save(&case)?;
        }
        Ok(show::approved(&case, officer))
    }

    /// What of the case two officers may approve: the account, and the categories that the rules compel us to produce
    /// from this home.
    fn approvable(&self, case: &Case) -> Result<(AccountId, Vec<Category>), DeskError> {
        match case.state() {
            State::Decided | State::ApprovedOnce => {}
            // Both approvals are recorded and the clearance is not there: a power cut lay between. Approve once more.
            State::Cleared if self.clearance(case).is_err() => {}
            State::Cleared => {
                return Err(DeskError::NotNow(format!(
                    "two officers have approved; `case collect {}` is next",
                    case.id
                )));
            }
            State::Sealed => return Err(DeskError::NotNow("the package of this case is sealed already".to_owned())),
            State::Refused => {
                return Err(DeskError::NotNow(
                    "a letter was written in this case; serve the demand again to reopen it".to_owned(),
                ));
            }
        }
        let Some(account) = case.account else {
            return Err(DeskError::NotNow(format!(
                "no account at this node has the address of the demand; `case refuse {}` writes the answer",
                case.id
            )));
        };
        let categories = proposal::to_produce(&case.decision);
        if categories.is_empty() {
            return Err(DeskError::NotNow(format!(
                "the rules let nothing be produced in this case (outcome {}); `case show {id}` says why, `case refuse {id}` \
                 writes the letter",
                case.decision.outcome,
                id = case.id
            )));
        }
        if categories.contains(&Category::Traffic) && !categories.contains(&Category::Content) {
            return Err(DeskError::NotNow(format!(
                "case {} is for traffic data without content; this version cannot open the one without the other, and \
                 opens nothing then. Answer it by hand, with counsel",
                case.id
            )));
        }
        Ok((account, categories))
    }

    /// Draws up the order when there is none, or when the one there is has expired or was of another decision.
    fn draw_up_order(&self, case: &mut Case, account: AccountId, categories: Vec<Category>) -> Result<(), DeskError> {
        let now = self.parts.clock.now();
        if case.order.as_ref().is_some_and(|order| order.expires > now && order.decision == case.decision_digest) {
            return Ok(());
        }
        let (from, until) = proposal::span(&case.facts);
        let order = Order {
            home: self.parts.home.clone(),
            case: case.id,
            account,
            categories,
            from,
            until,
            demand: case.demand_digest,
            decision: case.decision_digest,
            law: self.parts.law.digest(),
            expires: now.plus_millis(ORDER_DAYS * DAY_MILLIS),
        };
        let digest = order.digest();
        forget_shares(case);
        case.order = Some(order);
        self.record(case, Kind::Order, serde_json::json!({ "order": digest }))
    }

    /// Drops the shares that were released for an order whose time is over: nobody will join them.
    pub(crate) fn forget_lapsed_shares(&self, case: &mut Case) -> Result<(), DeskError> {
        let lapsed = case.order.as_ref().is_some_and(|order| order.expires <= self.parts.clock.now());
        if lapsed && forget_shares(case) { self.save(case) } else { Ok(()) }
    }

    /// Joins the two approvals into a clearance and keeps it.
    fn clear(
        &self,
        case: &Case,
        order: &Order,
        second: &OfficerName,
        account: AccountId,
        share: OpenedShare,
    ) -> Result<(), DeskError> {
        let (own, mut others): (Vec<_>, Vec<_>) =
            case.approvals().into_iter().partition(|proven| proven.approval.officer == *second);
        let (Some(own), Some(first)) = (own.into_iter().next(), others.pop()) else {
            return Err(DeskError::NotNow("two different officers must approve".to_owned()));
        };
        let asks = self.asks(order, account)?;
        let mut epochs: Vec<_> = asks.iter().map(|ask| ask.epoch).collect();
        epochs.sort_unstable();
        epochs.dedup();
        let epochs = self.parts.store.epoch_keys(account, &epochs)?;
        let clearance = self.parts.vault.clear(order, [first, own], share, &epochs, &asks)?;
        self.parts.vault.keep_clearance(&clearance)?;
        Ok(())
    }

    /// The messages whose keys the order asks for: none unless it is for content.
    fn asks(&self, order: &Order, account: AccountId) -> Result<Vec<KeyAsk>, DeskError> {
        if !proposal::opens_mail(&order.categories) {
            return Ok(Vec::new());
        }
        let scope = self.parts.store.scope(account, order.from, order.until)?;
        Ok(scope.iter().map(store::ScopedMessage::key_ask).collect())
    }

    /// The clearance of a case.
    pub(crate) fn clearance(&self, case: &Case) -> Result<vault::Clearance, DeskError> {
        let order = case.order.as_ref().ok_or_else(|| DeskError::NotNow("no officer has approved".to_owned()))?;
        Ok(self.parts.vault.clearance(order.digest())?)
    }
}

/// Drops every released share that the case still holds; says whether there was one.
pub(crate) fn forget_shares(case: &mut Case) -> bool {
    let mut found = false;
    for approval in case.steps.iter_mut().filter_map(|step| step.approval.as_mut()) {
        found |= !approval.released.is_empty();
        approval.forget_shares();
    }
    found
}
