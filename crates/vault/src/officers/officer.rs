//! Officers, as everybody may know them.

use terms::{OfficerName, UnixMillis};

/// How long a new officer can do nothing: 72 hours, so that an enrolment that should not be is noticed before it can open
/// anything.
pub const POWERLESS_MILLIS: i64 = 72 * 60 * 60 * 1000;

/// What everybody may know of an officer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfficerPublic {
    /// The officer's name at this desk.
    pub name: OfficerName,
    /// Checks the officer's approvals: Ed25519.
    pub verifying_key: [u8; 32],
    /// Other officers release their shares to it: X25519.
    pub sharing_key: [u8; 32],
    /// Since when.
    pub enrolled: UnixMillis,
    /// From when on the officer's approvals count.
    pub in_power: UnixMillis,
}
