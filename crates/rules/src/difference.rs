//! The differences between two decisions, line by line: for replaying a case under another set, and for seeing what a
//! new set would change.

use std::collections::BTreeMap;

use crate::case::Case;
use crate::decision::{Deadline, Decision};
use crate::judge::decide;
use crate::law::LawSet;

/// How `new` differs from `old`; empty if they reach the same conclusion for the same reasons.
pub fn difference(old: &Decision, new: &Decision) -> Vec<String> {
    let mut out = Vec::new();
    let mut line = |what: &str, old: &str, new: &str| {
        if old != new {
            out.push(format!("{what}: {} → {}", or_none(old), or_none(new)));
        }
    };
    line("outcome", old.outcome.as_str(), new.outcome.as_str());
    let (was, is) = (units(old), units(new));
    let places: std::collections::BTreeSet<&String> = was.keys().chain(is.keys()).collect();
    for place in places {
        let side = |all: &BTreeMap<String, String>| all.get(place).cloned().unwrap_or_default();
        line(place, &side(&was), &side(&is));
    }
    let silence = |decision: &Decision| {
        format!("{:?} ({})", decision.silence.state, decision.silence.rules.join(", ")).to_lowercase()
    };
    line("silence", &silence(old), &silence(new));
    let actions =
        |decision: &Decision| decision.actions.iter().map(|action| action.as_str()).collect::<Vec<_>>().join(", ");
    line("to do", &actions(old), &actions(new));
    line("deadlines", &terms(&old.deadlines), &terms(&new.deadlines));
    line("follow-ups", &terms(&old.follow_ups), &terms(&new.follow_ups));
    let questions = |decision: &Decision| {
        decision.questions.iter().map(|question| question.fact.as_str()).collect::<Vec<_>>().join(", ")
    };
    line("questions", &questions(old), &questions(new));
    out
}

fn or_none(text: &str) -> &str {
    if text.is_empty() { "none" } else { text }
}

fn units(decision: &Decision) -> BTreeMap<String, String> {
    let place = |item: &str, copy: Option<&str>| copy.map_or(item.to_owned(), |copy| format!("{item} @ {copy}"));
    decision
        .units
        .iter()
        .map(|unit| {
            let also: Vec<&str> = unit.also.iter().map(|node| node.rule.as_str()).collect();
            let what = format!("{} ({}; beside it {})", unit.outcome, unit.rules.join(", "), also.join(", "));
            (place(&unit.item, unit.copy.as_deref()), what)
        })
        .collect()
}

fn terms(all: &[Deadline]) -> String {
    all.iter().map(|term| format!("{} {}", term.purpose.as_str(), term.local)).collect::<Vec<_>>().join(", ")
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
    pub cases: Vec<(String, Vec<String>)>,
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
        let lines = difference(&was, &is);
        if !lines.is_empty() {
            out.cases.push((case.id.clone(), lines));
        }
    }
    out
}

impl std::fmt::Display for SetDifference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (name, rules) in [("gone", &self.rules_gone), ("new", &self.rules_new), ("changed", &self.rules_changed)] {
            writeln!(
                f,
                "{} rules {name}{}{}",
                rules.len(),
                if rules.is_empty() { "" } else { ": " },
                rules.join(", ")
            )?;
        }
        writeln!(f, "{} case files are decided differently", self.cases.len())?;
        for (id, lines) in &self.cases {
            writeln!(f, "  {id}")?;
            lines.iter().try_for_each(|line| writeln!(f, "    {line}"))?;
        }
        Ok(())
    }
}
