//! How much of its quota an account uses, and whether more fits.

use crate::account::state::{AccountState, Mailbox};
use crate::error::StoreError;
use crate::values::quota::{Limits, Policy};

/// How much of its quota an account uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// The sizes that clients see, in bytes.
    pub bytes: u64,
    /// Messages, counted in each mailbox.
    pub messages: u64,
    /// The limit in bytes, if there is one.
    pub bytes_max: Option<u64>,
    /// The limit in messages, if there is one.
    pub messages_max: Option<u64>,
    /// The limits of this account.
    pub limits: Limits,
}

impl Usage {
    pub(crate) fn of(state: &AccountState, policy: &Policy) -> Self {
        let sum = |(bytes, messages): (u64, u64), mailbox: &std::sync::Arc<Mailbox>| {
            (bytes + mailbox.size_bytes, messages + u64::from(mailbox.rows.len()))
        };
        let (bytes, messages) = state.mailboxes.values().fold((0, 0), sum);
        let limits = state.limits;
        let (bytes_max, messages_max) = (limits.bytes.or(policy.bytes_max), limits.messages.or(policy.messages_max));
        Self { bytes, messages, bytes_max, messages_max, limits }
    }

    /// Whether this much more fits.
    pub fn has_space(&self, bytes: u64, messages: u64) -> bool {
        self.bytes_max.is_none_or(|most| self.bytes.saturating_add(bytes) <= most)
            && self.messages_max.is_none_or(|most| self.messages.saturating_add(messages) <= most)
    }
}

/// Checks that this much more fits into an account.
pub(crate) fn check(state: &AccountState, policy: &Policy, bytes: u64, messages: u64) -> Result<(), StoreError> {
    let limited = state.limits != Limits::default() || policy.bytes_max.is_some() || policy.messages_max.is_some();
    if !limited || messages == 0 || Usage::of(state, policy).has_space(bytes, messages) {
        Ok(())
    } else {
        Err(StoreError::OverQuota)
    }
}
