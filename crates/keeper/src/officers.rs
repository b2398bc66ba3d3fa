//! Officers: their keys, what they approve, and what two of them do together.

mod acts;
mod approvals;
mod clearances;
mod escrow;
pub(crate) mod escrow_sweep;
pub(crate) mod paper_share;
pub(crate) mod pending_act;
pub(crate) mod release;
pub(crate) mod roster;
