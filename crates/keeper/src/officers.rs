//! Officers: their keys, what they approve, and what two of them do together.

pub(crate) mod acts;
mod approvals;
mod clearances;
pub(crate) mod escrow;
pub(crate) mod paper;
pub(crate) mod release;
pub(crate) mod roster;
