//! Officers: orders, approvals, clearances, and what two of them do together.

pub(crate) mod act;
pub(crate) mod approval;
pub(crate) mod clearance;
pub(crate) mod escrow;
pub(crate) mod officer;
pub(crate) mod order;
