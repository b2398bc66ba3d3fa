//! How much an account may have.
//!
//! What counts is what the owner's mailboxes show: the sizes that clients see; a copy in a second mailbox counts again. What was
//! deleted does not count, whether or not it can be restored or a case holds it: a held account and an identical one without a hold have the
//! same quota (invariant 13).

/// A limit set for one account.
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
    /// The total of the sizes that clients see, in bytes.
    pub bytes: Limit,
    /// The number of messages, counted in each mailbox.
    pub messages: Limit,
}

/// What the operator has set for all accounts of the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Policy {
    /// The limit in bytes of an account without its own; `None` for no limit.
    pub bytes_max: Option<u64>,
    /// The limit in messages of such an account; `None` for no limit.
    pub messages_max: Option<u64>,
    /// For how many days deleted messages can be restored; 0: they are deleted permanently at once.
    pub restorable_days: u32,
}
