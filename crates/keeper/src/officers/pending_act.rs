//! An act of two officers that waits for its proof.

use terms::Secret;
use vault::{OfficerPublic, SignedAct};

use crate::crypto::PrivateKey;
use crate::officers::roster::OfficerKeys;

/// How long an act may wait for its proof from the ledger: 10 minutes, more than any append takes.
pub(crate) const ACT_MILLIS_MAX: i64 = 10 * 60 * 1000;

/// An act that two have agreed to and that waits for its proof from the ledger. Wiped when dropped.
pub(crate) struct PendingAct {
    pub(crate) signed: SignedAct,
    pub(crate) escrow: PrivateKey,
    pub(crate) newcomer: Option<(OfficerKeys, OfficerPublic)>,
    /// The new password of an owner who forgot the old one.
    pub(crate) password: Option<Secret<String>>,
}
