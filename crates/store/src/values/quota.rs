//! How much an account may have, and how much it has.
//!
//! What counts is what the owner's mailboxes show: the sizes that clients see, a copy in a second mailbox once more. What was
//! deleted does not count, whether it can be restored, or a case holds it, or not: a held account and its twin have the
//! same quota (invariant 13).

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
    pub(crate) fn or(self, policy: Option<u64>) -> Option<u64> {
        match self {
            Self::Policy => policy,
            Self::Unlimited => None,
            Self::At(most) => Some(most),
        }
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
