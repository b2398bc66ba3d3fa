//! Which rules of a topic prevail: the semantics of exceptions.
//!
//! As in Catala (Merigoux, Chataing, Protzenko: "Catala: a programming language for the law", ICFP 2021, section 2.2) a
//! base rule holds unless an exception does, and an exception of an exception counts as an exception of both: a rule is
//! defeated as soon as anything that overrides it, directly or through others, applies. So whether a rule is defeated
//! depends only on which rules apply: no order, no recursion.

use crate::condition::{Condition, Env, FactIndex, Truth};
use crate::law::{LawSet, RuleIndex};
use crate::rule::{Rule, Topic};
use crate::value::Day;

/// The rules of a topic by status.
#[derive(Debug, Default)]
pub(crate) struct Standings {
    /// Apply, and no applicable rule overrides them.
    pub(crate) undefeated: Vec<RuleIndex>,
    /// Apply, but an applicable rule overrides them.
    pub(crate) defeated: Vec<RuleIndex>,
    /// May apply depending on these missing facts, and no applicable rule overrides them.
    pub(crate) open: Vec<(RuleIndex, Vec<FactIndex>)>,
    /// Fail a single condition.
    pub(crate) near: Vec<(RuleIndex, String)>,
}

/// What a query of the rules needs besides a unit's facts.
pub(crate) struct RuleQuery<'a> {
    pub(crate) law: &'a LawSet,
    pub(crate) known_on: Option<Day>,
    /// The item's category; `None` for the demand as a whole.
    pub(crate) category: Option<terms::Category>,
    /// The instrument's index in the vocabulary; `None` if it is unknown.
    pub(crate) instrument: Option<usize>,
    /// The forum and those that contain it; `None` if it is unknown.
    pub(crate) forums: Option<Vec<&'a str>>,
}

enum Standing<'l> {
    Applies,
    Open(Vec<FactIndex>),
    Near(Failed<'l>),
    Out,
}

/// Why a rule does not apply. It is put into words only if there is no other reason.
enum Failed<'l> {
    Force,
    NotYetKnown,
    Bound,
    Condition(&'l Condition),
}

/// Classifies the rules of `topic` that `keep` admits.
pub(crate) fn stand(ask: &RuleQuery<'_>, env: &Env<'_>, topic: Topic, keep: &dyn Fn(RuleIndex) -> bool) -> Standings {
    let mut out = Standings::default();
    let mut applies = Vec::new();
    for index in ask.law.candidates(topic, ask.category, ask.instrument).iter().copied().filter(|index| keep(*index)) {
        let rule = ask.law.at(index);
        match standing(ask, env, rule) {
            Standing::Applies => applies.push(index),
            Standing::Open(missing) => out.open.push((index, missing)),
            Standing::Near(failed) => out.near.push((index, describe(&failed, rule))),
            Standing::Out => {}
        }
    }
    let overridden = |index: RuleIndex| applies.iter().any(|other| ask.law.overriders(index).contains(other));
    for index in &applies {
        if overridden(*index) { out.defeated.push(*index) } else { out.undefeated.push(*index) }
    }
    // Whatever the missing facts, a rule overridden by an applicable one does not count.
    out.open.retain(|(index, _)| !overridden(*index));
    out
}

fn standing<'l>(ask: &RuleQuery<'_>, env: &Env<'_>, rule: &'l Rule) -> Standing<'l> {
    let mut failed: Option<Failed<'l>> = None;
    let mut missing = Vec::new();
    // After a second failure the rule is neither open nor near.
    let mut fail = |what: Failed<'l>| failed.replace(what).is_some();
    if !rule.asks.is_empty() && ask.category.is_none_or(|category| !rule.asks.contains(&category)) {
        return Standing::Out;
    }
    if !rule.in_force.covers(env.day) && fail(Failed::Force) {
        return Standing::Out;
    }
    if ask.known_on.is_some_and(|day| day < rule.known_since) && fail(Failed::NotYetKnown) {
        return Standing::Out;
    }
    if !rule.binds.is_empty() {
        match &ask.forums {
            Some(forums) => {
                let bound = rule.binds.iter().any(|outer| forums.contains(&outer.as_str()));
                if !bound && fail(Failed::Bound) {
                    return Standing::Out;
                }
            }
            None => missing.push(ask.law.builtin.forum),
        }
    }
    for condition in &rule.when {
        match condition.holds(env) {
            Truth::True => {}
            Truth::Unknown => missing.extend(unknown(condition, env)),
            // A different instrument is not a near miss.
            Truth::False if condition.index == ask.law.builtin.instrument => return Standing::Out,
            Truth::False => {
                if fail(Failed::Condition(condition)) {
                    return Standing::Out;
                }
            }
        }
    }
    match failed {
        Some(what) if missing.is_empty() => Standing::Near(what),
        Some(_) => Standing::Out,
        None if missing.is_empty() => Standing::Applies,
        None => {
            missing.sort_unstable();
            missing.dedup();
            Standing::Open(missing)
        }
    }
}

/// The facts that an unknown condition needs. A value of the wrong type counts as missing.
fn unknown(condition: &Condition, env: &Env<'_>) -> Vec<FactIndex> {
    let missing = condition.missing(env);
    if missing.is_empty() { vec![condition.index] } else { missing }
}

fn describe(failed: &Failed<'_>, rule: &Rule) -> String {
    match (failed, rule.in_force.to) {
        (Failed::Force, Some(to)) => format!("in force from {} to {to} only", rule.in_force.from),
        (Failed::Force, None) => format!("in force from {} only", rule.in_force.from),
        (Failed::NotYetKnown, _) => format!("not known to this set before {}", rule.known_since),
        (Failed::Bound, _) => format!("binds {} only", rule.binds.join(", ")),
        (Failed::Condition(condition), _) => condition.describe(),
    }
}
