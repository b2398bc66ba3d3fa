//! Mutation testing of the rules: finds rules that can be removed, or whose first or last day can be moved by one,
//! without any case failing. The changes are made to the loaded set, so that hundreds of them take a second.

use std::fmt;
use std::fmt::Write as _;

use crate::case::Case;
use crate::check::{compare, deciding};
use crate::facts::Facts;
use crate::judge::decide;
use crate::law::{LawSet, RuleIndex};
use crate::rule::{InForce, Rule};
use crate::value::Day;

/// A rule change that no case would catch.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Unheld {
    pub rule: String,
    pub change: Change,
}

/// A change of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// It is removed.
    Removed,
    /// Its first day is moved by one: later when `true`.
    First(bool),
    /// Its last day is moved by one: later when `true`.
    Last(bool),
}

/// A day on which a case would test the start or end of a rule: the facts of `like` on that day.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct HoldingDay {
    /// The case whose facts are used.
    pub like: String,
    /// The day.
    pub on: Day,
    /// Whether the rule takes part in the decision on that day.
    pub decides: bool,
}

impl fmt::Display for Unheld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = |later: bool| if later { "+1" } else { "-1" };
        match self.change {
            Change::Removed => write!(f, "{} removed", self.rule),
            Change::First(later) => write!(f, "{} from {}", self.rule, by(later)),
            Change::Last(later) => write!(f, "{} to {}", self.rule, by(later)),
        }
    }
}

/// Every rule change that no case in `cases` would catch, in order of rule. All cases are assumed to pass for the
/// unchanged set.
pub fn unheld(law: &LawSet, cases: &[Case]) -> Vec<Unheld> {
    let mut out = Vec::new();
    let mut changed = law.clone();
    for (at, rule) in law.rules().iter().enumerate() {
        let index = RuleIndex(at);
        let in_force = rule.in_force;
        for change in changes(in_force) {
            // A rule whose last day is before its first never applies: it is removed.
            changed.put_in_force(index, moved(in_force, change));
            let concerned = cases.iter().filter(|case| concerns(in_force, change, case.facts.on));
            if !concerned.into_iter().any(|case| noticed(&changed, case)) {
                out.push(Unheld { rule: rule.id.clone(), change });
            }
        }
        changed.put_in_force(index, in_force);
    }
    out.sort();
    out
}

fn changes(in_force: InForce) -> Vec<Change> {
    let mut all = vec![Change::Removed, Change::First(true), Change::First(false)];
    if in_force.to.is_some() {
        all.extend([Change::Last(true), Change::Last(false)]);
    }
    all
}

fn moved(in_force: InForce, change: Change) -> InForce {
    let by = |day: Day, later: bool| day.plus_days(if later { 1 } else { -1 });
    match change {
        Change::Removed => InForce { from: in_force.from, to: Some(in_force.from.plus_days(-1)) },
        Change::First(later) => InForce { from: by(in_force.from, later), to: in_force.to },
        Change::Last(later) => InForce { from: in_force.from, to: in_force.to.map(|to| by(to, later)) },
    }
}

/// Whether the rule is in force on `on` in only one of the two versions: on other days the change has no effect.
fn concerns(in_force: InForce, change: Change, on: Day) -> bool {
    in_force.covers(on) != moved(in_force, change).covers(on)
}

fn noticed(law: &LawSet, case: &Case) -> bool {
    !compare(case, &decide(law, &case.facts, case.mode)).is_empty()
}

/// Days on which existing cases would test the first and last day of `rule`: the first day and the one before, the last
/// day and the one after, if the facts of some case make the rule decide there and not beyond. Helps to write the cases
/// that [`unheld`] reports as missing.
pub fn holding_days(law: &LawSet, cases: &[Case], rule: &str) -> Vec<HoldingDay> {
    let Some(rule) = law.rule(rule) else { return Vec::new() };
    let decides = |case: &Case, on: Day| {
        let facts = on_day(&case.facts, on);
        deciding(&decide(law, &facts, case.mode)).contains(&rule.id)
    };
    let mut out = Vec::new();
    let ends = [(Some(rule.in_force.from), -1), (rule.in_force.to, 1)];
    for (inside, step) in ends.into_iter().filter_map(|(day, step)| Some((day?, step))) {
        let outside = inside.plus_days(step);
        // The days of a case are listed with its facts: one generated for a day is a copy of another case.
        let mut plain = cases.iter().filter(|case| !case.id.contains(" on "));
        if let Some(case) = plain.find(|case| decides(case, inside) && !decides(case, outside)) {
            out.push(HoldingDay { like: case.id.clone(), on: inside, decides: true });
            out.push(HoldingDay { like: case.id.clone(), on: outside, decides: false });
        }
    }
    out
}

/// Proposed cases.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proposed {
    /// Path relative to `law/`, and text.
    pub files: Vec<(String, String)>,
    /// Rules for which no case has suitable facts.
    pub by_hand: Vec<String>,
}

/// Cases that would catch the moved days in `unheld`, where other cases have suitable facts ([`holding_days`]).
pub fn proposed_cases(law: &LawSet, cases: &[Case], unheld: &[Unheld]) -> Proposed {
    let mut out = Proposed::default();
    let mut rules: Vec<&str> =
        unheld.iter().filter(|one| one.change != Change::Removed).map(|one| one.rule.as_str()).collect();
    rules.dedup();
    for rule in rules.into_iter().filter_map(|id| law.rule(id)) {
        let days = holding_days(law, cases, &rule.id);
        let ends = if rule.in_force.to.is_some() { 4 } else { 2 };
        if days.len() < ends {
            out.by_hand.push(rule.id.clone());
        }
        out.files.extend(case_files(rule, &days));
    }
    out
}

/// The case files for a rule's days: one for each case whose facts are used.
fn case_files(rule: &Rule, days: &[HoldingDay]) -> Vec<(String, String)> {
    let folder = rule.file.rsplit_once('/').map_or("house", |(folder, _)| folder);
    let mut files: Vec<(&str, String)> = Vec::new();
    for day in days {
        let known = files.iter().position(|(like, _)| *like == day.like);
        let at = known.unwrap_or_else(|| {
            let number = files.len();
            let ending = if number == 0 { String::new() } else { format!("-{}", number + 1) };
            let head = format!(
                "id = \"days-{id}{ending}\"\ntitle = \"The days of {id}\"\nlike = \"{like}\"\n",
                id = rule.id,
                like = day.like
            );
            files.push((&day.like, head));
            number
        });
        let field = if day.decides { "rules" } else { "not_rules" };
        let _ = write!(files[at].1, "\n[[day]]\non = {}\nexpect = {{ {field} = [\"{}\"] }}\n", day.on, rule.id);
    }
    let name = |at: usize| if at == 0 { String::new() } else { format!("-{}", at + 1) };
    files
        .into_iter()
        .enumerate()
        .map(|(at, (_, text))| (format!("{folder}/cases/days-{}{}.toml", rule.id, name(at)), text))
        .collect()
}

/// The facts as if the demand had been received on another day.
fn on_day(facts: &Facts, on: Day) -> Facts {
    let received = crate::demand::what_if_moment(on, &facts.zone);
    Facts { on, received, ..facts.clone() }
}
