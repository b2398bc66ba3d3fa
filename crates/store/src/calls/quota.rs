//! Quotas: what the operator has set, and what an account uses of it.

use terms::AccountId;

use crate::account::change::ChangeKind;
use crate::account::usage::Usage;
use crate::error::StoreError;
use crate::store::Store;
use crate::values::quota::{Limits, Policy};

impl Store {
    /// Sets the policy for all accounts; it applies from the next change on.
    pub fn set_policy(&self, policy: Policy) {
        *self.engine.policy.write().unwrap_or_else(std::sync::PoisonError::into_inner) = policy;
    }

    /// The operator's policy.
    pub fn policy(&self) -> Policy {
        self.engine.policy()
    }

    /// How much of its quota an account uses.
    ///
    /// # Errors
    /// [`StoreError::NoSuchAccount`], [`StoreError::Damaged`].
    pub fn usage(&self, account: AccountId) -> Result<Usage, StoreError> {
        let state = self.engine.seen(&*self.engine.account(account)?)?;
        Ok(Usage::of(&state, &self.policy()))
    }

    /// Sets the limits of one account. An account that already exceeds them keeps what it has and gets no more. Durable when it
    /// returns; no MODSEQ changes.
    ///
    /// # Errors
    /// [`StoreError::NoSuchAccount`], and those of writing.
    pub fn set_limits(&self, account: AccountId, limits: Limits) -> Result<(), StoreError> {
        self.run(0, move |draft| {
            if draft.state(account)?.limits != limits {
                draft.change(account, ChangeKind::Limit { limits }, false)?;
            }
            Ok(())
        })
    }
}
