//! Combining answers: effects into an outcome, outcomes of copies into that of an item, and of items into that of the
//! demand.

use std::collections::BTreeSet;

use crate::decision::{ItemOutcome, Outcome, Unit};
use crate::facts::Facts;
use crate::rule::Effect;

/// What the undefeated rules together say about a disclosure, before gates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disposition {
    Says(Outcome),
    Conflict,
    /// No rule applies.
    Gap,
}

/// Combines effects on disclosure.
pub(crate) fn dispose(says: &BTreeSet<Effect>) -> Disposition {
    let has = |effect| says.contains(&effect);
    let discloses = has(Effect::Compels) || has(Effect::Permits);
    let refuses = has(Effect::Bars) || has(Effect::Redirects);
    if has(Effect::Refers) {
        Disposition::Says(Outcome::ReferCounsel)
    } else if discloses && refuses {
        Disposition::Conflict
    } else if has(Effect::Compels) {
        // A permission does not weaken a duty.
        Disposition::Says(Outcome::Compelled)
    } else if has(Effect::Permits) {
        Disposition::Says(Outcome::Permitted)
    } else if has(Effect::Bars) {
        // A bar remains a bar even if there is another route.
        Disposition::Says(Outcome::NotCompelledBarred)
    } else if has(Effect::Redirects) {
        Disposition::Says(Outcome::NotCompelledRedirect)
    } else {
        Disposition::Gap
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    /// The copies of an item: a compelled copy answers part of it, whatever holds for the others.
    Item,
    /// The items of a demand: if one is for counsel, so is the demand.
    Demand,
}

pub(crate) fn fold_items(facts: &Facts, units: &[Unit]) -> Vec<ItemOutcome> {
    facts
        .items
        .iter()
        .map(|item| {
            let outcomes: Vec<_> =
                units.iter().filter(|unit| unit.item == item.name).map(|unit| unit.outcome).collect();
            ItemOutcome { item: item.name.clone(), category: item.category, outcome: fold(&outcomes, Level::Item) }
        })
        .collect()
}

pub(crate) fn fold(outcomes: &[Outcome], level: Level) -> Outcome {
    let has = |outcome| outcomes.contains(&outcome);
    let gives = outcomes.iter().any(|outcome| outcome.discloses() || *outcome == Outcome::Partial);
    match outcomes {
        // Rules cannot decide a demand that asks for nothing.
        [] => Outcome::ReferCounsel,
        [first, rest @ ..] if rest.iter().all(|outcome| outcome == first) => *first,
        _ if level == Level::Demand && has(Outcome::ReferCounsel) => Outcome::ReferCounsel,
        _ if gives => Outcome::Partial,
        _ if has(Outcome::ReferCounsel) => Outcome::ReferCounsel,
        _ if has(Outcome::Conditional) => Outcome::Conditional,
        _ => Outcome::NotCompelledBarred,
    }
}
