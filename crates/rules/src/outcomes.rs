//! Several answers folded into one: effects into an outcome, the outcomes of copies and items into those above them.

use std::collections::BTreeSet;

use crate::decision::{ItemOutcome, Outcome, Unit};
use crate::facts::Facts;
use crate::rule::Effect;

/// What the rules that stand say together about a disclosure, before gates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disposition {
    Says(Outcome),
    Conflict,
    /// No rule stands.
    Gap,
}

/// What effects of disclosure say together.
pub(crate) fn dispose(says: &BTreeSet<Effect>) -> Disposition {
    let has = |effect| says.contains(&effect);
    let discloses = has(Effect::Compels) || has(Effect::Permits);
    let refuses = has(Effect::Bars) || has(Effect::Redirects);
    if has(Effect::Refers) {
        Disposition::Says(Outcome::ReferCounsel)
    } else if discloses && refuses {
        Disposition::Conflict
    } else if has(Effect::Compels) {
        // A permission beside a duty takes nothing from it.
        Disposition::Says(Outcome::Compelled)
    } else if has(Effect::Permits) {
        Disposition::Says(Outcome::Permitted)
    } else if has(Effect::Bars) {
        // What is barred stays barred, wherever else the authority may turn.
        Disposition::Says(Outcome::NotCompelledBarred)
    } else if has(Effect::Redirects) {
        Disposition::Says(Outcome::NotCompelledRedirect)
    } else {
        Disposition::Gap
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    /// The copies of one item: one copy that is compelled answers a part of it, whatever holds for the others.
    Item,
    /// The items of a demand: while one of them is counsel's, the demand is.
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
        // A demand that asks for nothing is none that rules could decide.
        [] => Outcome::ReferCounsel,
        [first, rest @ ..] if rest.iter().all(|outcome| outcome == first) => *first,
        _ if level == Level::Demand && has(Outcome::ReferCounsel) => Outcome::ReferCounsel,
        _ if gives => Outcome::Partial,
        _ if has(Outcome::ReferCounsel) => Outcome::ReferCounsel,
        _ if has(Outcome::Conditional) => Outcome::Conditional,
        _ => Outcome::NotCompelledBarred,
    }
}
