//! What is derived from a case: its span, its decision's canonical form, the head of its demand. Pure.

use rules::{Deadline, DeadlinePurpose, Decision, Facts};
use terms::{Digest, UnixMillis};

use crate::case::Case;
use crate::error::DeskError;
use crate::results::DemandHead;

/// The arrival times that the demand reaches, `[from, until)`.
pub(crate) fn span(facts: &Facts) -> (UnixMillis, UnixMillis) {
    (facts.scope.from, facts.scope.until)
}

/// The moment before which the rules let nothing leave, if it is still ahead: a duty to wait binds like a duty to answer.
pub(crate) fn not_before(decision: &Decision, now: UnixMillis) -> Option<&Deadline> {
    let waits = decision.deadlines.iter().filter(|it| it.purpose == DeadlinePurpose::NotBefore && it.at > now);
    waits.max_by_key(|it| it.at)
}

/// The decision's canonical JSON: what its digest is computed over, and what the package contains.
pub(crate) fn canonical(decision: &Decision) -> Result<Vec<u8>, DeskError> {
    serde_json::to_vec_pretty(decision).map_err(|error| DeskError::Package(error.to_string()))
}

pub(crate) fn sha256(bytes: &[u8]) -> Digest {
    let mut out = [0; 32];
    out.copy_from_slice(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref());
    Digest(out)
}

/// Who demands what, from the case's demand file, which was checked at intake.
pub(crate) fn demand_head(case: &Case) -> DemandHead {
    rules::Demand::parse(&case.demand).map_or_else(
        |_| DemandHead::default(),
        |demand| DemandHead {
            authority: demand.authority.name,
            reference: demand.reference,
            instrument: demand.instrument,
        },
    )
}
