//! What the answer to a demand consists of, from the decision alone: what two officers may approve, what a letter refuses,
//! what this version cannot produce. Pure.
//!
//! The guard against over-production begins here. The store knows whole messages and whole records, so a category is
//! produced only where the rules compel *all* of it; a demand for subject lines alone is not answered with the mail.

use std::collections::BTreeSet;

use rules::{Action, Decision, OWN_COPIES, Outcome, Unit};
use terms::Category;

use crate::Case;

/// The parts of an answer. A partly compelled demand has both a package and a letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The categories that go into a package after two approvals.
    pub produce: Vec<Category>,
    /// Items that are compelled from this home but that this version cannot produce: a person answers them.
    pub manually: Vec<String>,
    /// Whether something is refused, so that a letter says why.
    pub letter: bool,
    /// Whether the sender must be verified before anything leaves, a letter included.
    pub verify: bool,
}

/// The vocabulary's fact that says how the sender was verified; unknown until an officer has done it.
const VERIFIED_HOW: &str = "verified_how";

impl Answer {
    /// The answer that the case's decision leads to.
    pub(crate) fn of(case: &Case) -> Self {
        Self::new(&case.decision, case.account.is_some())
    }

    fn new(decision: &Decision, account: bool) -> Self {
        // A forged demand is often a question: is this address yours? No letter answers it, neither to a sender who failed
        // to be verified nor to one whom nobody has tried to verify.
        let verify = decision.actions.contains(&Action::HoldVerify) || !decision.facts.known.contains_key(VERIFIED_HOW);
        // If any part of a case is referred to counsel, the whole case waits.
        let waits = verify || decision.outcome == Outcome::ReferCounsel || !account;
        let (produce, manually) = if waits { (Vec::new(), Vec::new()) } else { divide(decision) };
        let letter = !verify && (!account || decision.outcome != Outcome::Compelled);
        Self { produce, manually, letter, verify }
    }
}

/// Whether these categories are answered by opening messages. Traffic data alone has no sealed part of its own yet, and
/// the vault gives no message keys for it.
pub(crate) fn opens_mail(categories: &[Category]) -> bool {
    categories.contains(&Category::Content)
}

/// Whether mail must be kept while the case is open: because the rules say so, or because it will be answered from mail,
/// by a package or by a person, and the owner must not be able to delete it in the meantime.
pub(crate) fn preserves(decision: &Decision) -> bool {
    let from_mail = |unit: &Unit| matches!(unit.category, Category::Content | Category::Traffic);
    decision.actions.contains(&Action::Preserve)
        || (decision.outcome != Outcome::ReferCounsel
            && decision.units.iter().any(|unit| ours(unit) && compelled(unit) && from_mail(unit)))
}

/// What is compelled from this home, as the categories that can be produced and the items that cannot.
fn divide(decision: &Decision) -> (Vec<Category>, Vec<String>) {
    let units: Vec<&Unit> = decision.units.iter().filter(|unit| ours(unit)).collect();
    let whole = |category: Category| units.iter().any(|unit| unit.item == category.as_str() && compelled(unit));
    // A part that is not compelled would be disclosed along with the rest.
    let tainted = |category: Category| {
        units.iter().any(|unit| unit.category == category && !future(decision, unit) && !compelled(unit))
    };
    let mut produce: BTreeSet<Category> =
        Category::ALL.into_iter().filter(|&category| whole(category) && !tainted(category)).collect();
    if !produce.contains(&Category::Content) {
        produce.remove(&Category::Traffic);
    }
    let covered = |unit: &Unit| produce.contains(&unit.category) && !future(decision, unit);
    let manually: BTreeSet<String> =
        units.iter().filter(|unit| compelled(unit) && !covered(unit)).map(|unit| unit.item.clone()).collect();
    (produce.into_iter().collect(), manually.into_iter().collect())
}

/// Whether the unit is about this home's own store.
fn ours(unit: &Unit) -> bool {
    unit.copy.as_deref().is_some_and(|name| OWN_COPIES.contains(&name))
}

/// What the rules merely permit is for people to choose, not for this function.
fn compelled(unit: &Unit) -> bool {
    unit.outcome == Outcome::Compelled && unit.unconfirmed.is_empty()
}

/// Whether the unit is about mail that has not arrived yet.
fn future(decision: &Decision, unit: &Unit) -> bool {
    let item = decision.facts.items.iter().find(|item| item.name == unit.item);
    let known = item.and_then(|item| item.known.get("item_future"));
    known.is_some_and(|known| known.value == rules::Value::Bool(true))
}
