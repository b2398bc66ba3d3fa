//! The differences between two decisions: for replaying a case under another set, and for seeing what a new set would
//! change.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::case::Case;
use crate::decision::{Action, Deadline, Decision, Outcome, SilenceState};
use crate::judge::decide;
use crate::law::LawSet;
use crate::rule::DeadlinePurpose;

/// One thing that two decisions say differently, and what each says of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Difference {
    Outcome {
        old: Outcome,
        new: Outcome,
    },
    /// One item in one copy; `None` on the side that says nothing of it.
    Item {
        item: String,
        copy: Option<String>,
        old: Option<ItemConclusion>,
        new: Option<ItemConclusion>,
    },
    Silence {
        old: SilenceConclusion,
        new: SilenceConclusion,
    },
    Actions {
        old: Vec<Action>,
        new: Vec<Action>,
    },
    Deadlines {
        old: Vec<Due>,
        new: Vec<Due>,
    },
    /// Dates that follow later.
    FollowUps {
        old: Vec<Due>,
        new: Vec<Due>,
    },
    /// Names of the facts that are missing, most decisive first.
    Questions {
        old: Vec<String>,
        new: Vec<String>,
    },
}

/// What a decision says of one item in one copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemConclusion {
    /// The conclusion.
    pub outcome: Outcome,
    /// Ids of the rules that it follows from.
    pub rules: Vec<String>,
    /// Ids of the rules that apply besides.
    pub also: Vec<String>,
}

/// What a decision says of non-disclosure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SilenceConclusion {
    /// Whether there is a duty.
    pub state: SilenceState,
    /// Ids of the rules that it follows from.
    pub rules: Vec<String>,
}

/// A deadline without the way in which it was computed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Due {
    /// What must be done by then.
    pub purpose: DeadlinePurpose,
    /// In the local time of the calendar, RFC 3339 with offset.
    pub local: String,
}

/// How `new` differs from `old`; empty if they reach the same conclusion for the same reasons.
pub fn difference(old: &Decision, new: &Decision) -> Vec<Difference> {
    let mut out = Vec::new();
    let mut unlike = |differ: bool, difference: Difference| {
        if differ {
            out.push(difference);
        }
    };
    unlike(old.outcome != new.outcome, Difference::Outcome { old: old.outcome, new: new.outcome });
    let (mut was, mut is) = (items(old), items(new));
    let places: BTreeSet<_> = was.keys().chain(is.keys()).cloned().collect();
    for place in places {
        let (old, new) = (was.remove(&place), is.remove(&place));
        let (item, copy) = place;
        unlike(old != new, Difference::Item { item, copy, old, new });
    }
    let silence = |decision: &Decision| SilenceConclusion {
        state: decision.silence.state,
        rules: decision.silence.rules.clone(),
    };
    let (was, is) = (silence(old), silence(new));
    unlike(was != is, Difference::Silence { old: was, new: is });
    let actions = |decision: &Decision| decision.actions.iter().copied().collect();
    unlike(old.actions != new.actions, Difference::Actions { old: actions(old), new: actions(new) });
    let (was, is) = (due(&old.deadlines), due(&new.deadlines));
    unlike(was != is, Difference::Deadlines { old: was, new: is });
    let (was, is) = (due(&old.follow_ups), due(&new.follow_ups));
    unlike(was != is, Difference::FollowUps { old: was, new: is });
    let questions =
        |decision: &Decision| decision.questions.iter().map(|question| question.fact.clone()).collect::<Vec<_>>();
    let (was, is) = (questions(old), questions(new));
    unlike(was != is, Difference::Questions { old: was, new: is });
    out
}

/// By item and copy.
fn items(decision: &Decision) -> BTreeMap<(String, Option<String>), ItemConclusion> {
    decision
        .units
        .iter()
        .map(|unit| {
            let also = unit.also.iter().map(|node| node.rule.clone()).collect();
            let conclusion = ItemConclusion { outcome: unit.outcome, rules: unit.rules.clone(), also };
            ((unit.item.clone(), unit.copy.clone()), conclusion)
        })
        .collect()
}

fn due(all: &[Deadline]) -> Vec<Due> {
    all.iter().map(|term| Due { purpose: term.purpose, local: term.local.clone() }).collect()
}

/// How a new set changes the rules and the results of the cases.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SetDifference {
    /// Rules that only the old set has.
    pub rules_gone: Vec<String>,
    /// Rules that only the new set has.
    pub rules_new: Vec<String>,
    /// Rules with the same id but a different meaning.
    pub rules_changed: Vec<String>,
    /// Cases of both sets that are decided differently: id and differences.
    pub cases: Vec<(String, Vec<Difference>)>,
}

/// Compares two sets: their rules, and how they decide the cases that both have. Each set interprets a case by its own
/// vocabulary.
pub fn compare_sets(old: (&LawSet, &[Case]), new: (&LawSet, &[Case])) -> SetDifference {
    let mut out = SetDifference::default();
    for rule in old.0.rules() {
        match new.0.rule(&rule.id) {
            None => out.rules_gone.push(rule.id.clone()),
            Some(other) if other.digest() != rule.digest() => out.rules_changed.push(rule.id.clone()),
            Some(_) => {}
        }
    }
    out.rules_new = new.0.rules().iter().filter(|r| old.0.rule(&r.id).is_none()).map(|r| r.id.clone()).collect();
    let known: BTreeMap<&str, &Case> = old.1.iter().map(|case| (case.id.as_str(), case)).collect();
    for case in new.1 {
        let Some(before) = known.get(case.id.as_str()) else { continue };
        let was = decide(old.0, &before.facts, before.mode);
        let is = decide(new.0, &case.facts, case.mode);
        let differences = difference(&was, &is);
        if !differences.is_empty() {
            out.cases.push((case.id.clone(), differences));
        }
    }
    out
}
