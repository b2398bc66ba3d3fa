//! How much an account may have, and how much it has.
//!
//! What counts is what the owner's mailboxes show: the sizes that clients see, a copy in a second mailbox once more. What was
//! deleted does not count, whether it can be restored, or a case holds it, or not: a held account and its twin have the
//! same quota (invariant 13).

use terms::AccountId;

use crate::account::change::Act;
use crate::account::state::AccountState;
use crate::encoding::bytes::{Malformed, Reader, Writer};
use crate::error::StoreError;
use crate::store::Store;

/// A limit as it is set for one account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Limit {
    /// What the node's policy says.
    #[default]
    Policy,
    /// None.
    Unlimited,
    /// This much.
    At(u64),
}

impl Limit {
    /// The number, if there is one.
    fn or(self, policy: Option<u64>) -> Option<u64> {
        match self {
            Self::Policy => policy,
            Self::Unlimited => None,
            Self::At(most) => Some(most),
        }
    }

    fn encode(self, out: &mut Writer) {
        match self {
            Self::Policy => out.byte(0),
            Self::Unlimited => out.byte(1),
            Self::At(most) => {
                out.byte(2);
                out.number(most);
            }
        }
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(match input.byte()? {
            0 => Self::Policy,
            1 => Self::Unlimited,
            2 => Self::At(input.number()?),
            _ => return Err(Malformed),
        })
    }
}

/// The limits of one account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// Of the sizes that clients see, in bytes.
    pub bytes: Limit,
    /// Of messages, counted in each mailbox.
    pub messages: Limit,
}

impl Limits {
    pub(crate) fn encode(self, out: &mut Writer) {
        self.bytes.encode(out);
        self.messages.encode(out);
    }

    pub(crate) fn decode(input: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self { bytes: Limit::decode(input)?, messages: Limit::decode(input)? })
    }
}

/// What the operator has set for every account of the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Policy {
    /// The most bytes of an account that has no limit of its own; `None` for no limit.
    pub bytes_max: Option<u64>,
    /// The most messages of such an account; `None` for no limit.
    pub messages_max: Option<u64>,
    /// For how many days what an owner deleted can be restored; 0: it is gone at once.
    pub restorable_days: u32,
}

/// How much an account has, and may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// The sizes that clients see, in bytes.
    pub bytes: u64,
    /// Messages, counted in each mailbox.
    pub messages: u64,
    /// The most bytes, if there is a limit.
    pub bytes_max: Option<u64>,
    /// The most messages, if there is a limit.
    pub messages_max: Option<u64>,
    /// What is set for this account.
    pub limits: Limits,
}

impl Usage {
    pub(crate) fn of(state: &AccountState, policy: &Policy) -> Self {
        let sum = |(bytes, messages): (u64, u64), mailbox: &std::sync::Arc<crate::account::state::Mailbox>| {
            (bytes + mailbox.size_bytes, messages + u64::from(mailbox.rows.len()))
        };
        let (bytes, messages) = state.mailboxes.values().fold((0, 0), sum);
        let limits = state.limits;
        let (bytes_max, messages_max) = (limits.bytes.or(policy.bytes_max), limits.messages.or(policy.messages_max));
        Self { bytes, messages, bytes_max, messages_max, limits }
    }

    /// Whether so much more fits.
    pub fn has_room(&self, bytes: u64, messages: u64) -> bool {
        self.bytes_max.is_none_or(|most| self.bytes.saturating_add(bytes) <= most)
            && self.messages_max.is_none_or(|most| self.messages.saturating_add(messages) <= most)
    }
}

/// Whether so much more fits into an account.
pub(crate) fn check(state: &AccountState, policy: &Policy, bytes: u64, messages: u64) -> Result<(), StoreError> {
    let limited = state.limits != Limits::default() || policy.bytes_max.is_some() || policy.messages_max.is_some();
    if !limited || messages == 0 || Usage::of(state, policy).has_room(bytes, messages) {
        Ok(())
    } else {
        Err(StoreError::OverQuota)
    }
}

impl Store {
    /// Sets what the operator wants for every account; it holds from the next change on.
    pub fn set_policy(&self, policy: Policy) {
        *self.engine.policy.write().unwrap_or_else(std::sync::PoisonError::into_inner) = policy;
    }

    /// What the operator has set.
    pub fn policy(&self) -> Policy {
        self.engine.policy()
    }

    /// How much an account has, and may have.
    ///
    /// # Errors
    /// [`StoreError::NoSuchAccount`], [`StoreError::Damaged`].
    pub fn usage(&self, account: AccountId) -> Result<Usage, StoreError> {
        let state = self.engine.seen(&*self.engine.account(account)?)?;
        Ok(Usage::of(&state, &self.policy()))
    }

    /// Sets the limits of one account. An account that has more already keeps what it has and gets no more. Durable when it
    /// returns; no MODSEQ moves.
    ///
    /// # Errors
    /// [`StoreError::NoSuchAccount`], and those of writing.
    pub fn set_limits(&self, account: AccountId, limits: Limits) -> Result<(), StoreError> {
        self.run(0, move |draft| {
            if draft.state(account)?.limits != limits {
                draft.change(account, Act::Limit { limits }, false)?;
            }
            Ok(())
        })
    }
}
