//! What follows from a decision for this home: which categories two officers may approve, whether to preserve, which
//! span of arrival times. Pure.

use std::collections::BTreeSet;

use rules::{Action, Decision, Facts, OWN_COPIES, Outcome};
use terms::{Category, Digest, UnixMillis};

use crate::{Case, DeskError};

/// The categories that the rules compel us to produce from this home's own store. What the rules merely permit is a
/// human's choice and not made here.
pub(crate) fn to_produce(decision: &Decision) -> Vec<Category> {
    let compelled: BTreeSet<Category> = decision
        .units
        .iter()
        .filter(|unit| unit.outcome == Outcome::Compelled && unit.unconfirmed.is_empty())
        .filter(|unit| unit.copy.as_deref().is_some_and(|name| OWN_COPIES.contains(&name)))
        .map(|unit| unit.category)
        .collect();
    // A case that is counsel's in any part waits for counsel as a whole.
    if decision.outcome == Outcome::ReferCounsel { Vec::new() } else { compelled.into_iter().collect() }
}

/// Whether these categories are answered by opening messages. Traffic data alone has no sealed part of its own yet, and
/// the vault gives no message keys for it.
pub(crate) fn opens_mail(categories: &[Category]) -> bool {
    categories.contains(&Category::Content)
}

/// Whether mail must be kept while the case is open: because the rules say so, or because an order will be answered from
/// it and the owner must not be able to empty it meanwhile.
pub(crate) fn preserves(decision: &Decision) -> bool {
    decision.actions.contains(&Action::Preserve) || opens_mail(&to_produce(decision))
}

/// The arrival times that the demand reaches, `[from, until)`.
pub(crate) fn span(facts: &Facts) -> (UnixMillis, UnixMillis) {
    (facts.scope.from, facts.scope.until)
}

/// The decision's canonical octets: what its digest is of, and what the package holds.
pub(crate) fn canonical(decision: &Decision) -> Result<Vec<u8>, DeskError> {
    serde_json::to_vec_pretty(decision).map_err(|error| DeskError::Package(error.to_string()))
}

/// SHA-256.
pub(crate) fn sha256(bytes: &[u8]) -> Digest {
    let mut out = [0; 32];
    out.copy_from_slice(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref());
    Digest(out)
}

/// What letters and pages say of the paper.
pub(crate) struct Paper {
    /// The authority's name.
    pub authority: String,
    /// Its reference.
    pub reference: String,
    /// The kind of paper.
    pub instrument: String,
}

/// Reads what letters need off the case's paper, which was checked at intake.
pub(crate) fn paper(case: &Case) -> Paper {
    match rules::Demand::parse(&case.demand) {
        Ok(demand) => {
            Paper { authority: demand.authority.name, reference: demand.reference, instrument: demand.instrument }
        }
        Err(_) => Paper { authority: String::new(), reference: String::new(), instrument: String::new() },
    }
}
