//! Whether the cases hold the rules: a rule that can be taken away, or whose first or last day can be moved by one,
//! without a case noticing, is held by nobody. The changes are made to the loaded set, so that hundreds of them take a
//! second.

use std::fmt;
use std::fmt::Write as _;

use crate::case::Case;
use crate::check::{compare, deciding};
use crate::facts::Facts;
use crate::judge::decide;
use crate::law::{LawSet, RuleIndex};
use crate::rule::{InForce, Rule};
use crate::value::Day;

/// A change of a rule that no case notices.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unheld {
    /// The rule.
    pub rule: String,
    /// The change.
    pub change: Change,
}

/// A change of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// It is taken away.
    Removed,
    /// Its first day is moved by one: later when `true`.
    First(bool),
    /// Its last day is moved by one: later when `true`.
    Last(bool),
}

/// A day on which a case would hold an end of a rule: the facts of `like` on that day.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct HoldingDay {
    /// The case whose facts serve.
    pub like: String,
    /// The day.
    pub on: Day,
    /// Whether the rule decides on that day.
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

/// Every change of one rule that no case of `cases` notices, in order of rule. All cases are taken to pass as the set
/// stands.
pub fn unheld(law: &LawSet, cases: &[Case]) -> Vec<Unheld> {
    let mut out = Vec::new();
    let mut changed = law.clone();
    for (at, rule) in law.rules().iter().enumerate() {
        let index = RuleIndex(at);
        let in_force = rule.in_force;
        for change in changes(in_force) {
            // A rule whose last day lies before its first applies on no day: it is gone.
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

/// Whether the rule is law on `on` in one of the two states only: elsewhere the change cannot be noticed.
fn concerns(in_force: InForce, change: Change, on: Day) -> bool {
    in_force.covers(on) != moved(in_force, change).covers(on)
}

fn noticed(law: &LawSet, case: &Case) -> bool {
    !compare(case, &decide(law, &case.facts, case.mode)).is_empty()
}

/// Days on which the cases there are would hold the first and last day of `rule`: its first day and the one before, its
/// last day and the one after, as far as the facts of some case make it decide there and not beyond. For whoever writes
/// the cases that [`unheld`] misses.
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
        // The days of a case are written beside its facts: one that has days already is a copy of another.
        let mut plain = cases.iter().filter(|case| !case.id.contains(" on "));
        if let Some(case) = plain.find(|case| decides(case, inside) && !decides(case, outside)) {
            out.push(HoldingDay { like: case.id.clone(), on: inside, decides: true });
            out.push(HoldingDay { like: case.id.clone(), on: outside, decides: false });
        }
    }
    out
}

/// Cases to be added.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proposed {
    /// Path below `law/` and text.
    pub files: Vec<(String, String)>,
    /// Rules for whose ends the facts of no case serve.
    pub by_hand: Vec<String>,
}

/// Cases that would notice the moved days of `unheld`, as far as the facts of other cases serve ([`holding_days`]).
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

/// The case files for a rule's days: one for each case whose facts they take.
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

/// The facts as they would be on another day, the demand received then.
fn on_day(facts: &Facts, on: Day) -> Facts {
    let received = crate::demand::what_if_moment(on, &facts.zone);
    Facts { on, received, ..facts.clone() }
}
