//! Checking a law set: failing cases, rules without a case, undeclared contradictions, overlapping rules, unused words.
//! Checks that need enumeration are in [`crate::survey`].

use std::collections::BTreeSet;
use std::fmt;

use crate::case::{Case, Expect, ExpectDeadline, at};
use crate::condition::Condition;
use crate::decision::{Deadline, Decision};
use crate::judge::decide;
use crate::law::LawSet;
use crate::rule::{Confidence, Effect, Rule, Topic};
use crate::survey::{Witness, survey};
use crate::value::read_day;

/// The result of a check.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// The cases, in order of id.
    pub cases: Vec<CaseResult>,
    /// Errors that must be fixed before the set can be adopted.
    pub faults: Vec<Finding>,
    /// Combinations of facts without a rule, one per instrument and question. Counsel decides them.
    pub gaps: Vec<Finding>,
    /// Remarks that a reviewer may accept.
    pub remarks: Vec<Finding>,
    /// Instruments on which no rule of law speaks in a home, with the reason.
    pub unanswered: Vec<Finding>,
    /// What the enumeration did not fully cover: facts with too many combinations, searches that were aborted.
    pub uncovered: Vec<Finding>,
    /// Facts that demonstrate the findings: a rule decides, two rules contradict each other, no rule applies.
    pub witnesses: Vec<Witness>,
}

/// A case and its failed expectations.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct CaseResult {
    /// The case.
    pub id: String,
    pub file: String,
    pub title: String,
    /// Expected and actual results; empty if the case passes.
    pub failures: Vec<String>,
}

/// A finding about rules or facts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// File and line, if any.
    pub place: String,
    /// The finding.
    pub what: String,
}

impl CheckReport {
    /// Whether the set may be used: all cases pass and there are no errors.
    pub fn passes(&self) -> bool {
        self.faults.is_empty() && self.cases.iter().all(|case| case.failures.is_empty())
    }
}

impl fmt::Display for CheckReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let failed: Vec<_> = self.cases.iter().filter(|case| !case.failures.is_empty()).collect();
        writeln!(f, "{} cases, {} failed", self.cases.len(), failed.len())?;
        for case in failed {
            writeln!(f, "  {} ({}): {}", case.id, case.file, case.title)?;
            case.failures.iter().try_for_each(|failure| writeln!(f, "    {failure}"))?;
        }
        for (name, findings) in [
            ("faults", &self.faults),
            ("gaps", &self.gaps),
            ("instruments without rules in a home", &self.unanswered),
            ("remarks", &self.remarks),
            ("not covered", &self.uncovered),
        ] {
            writeln!(f, "{} {name}", findings.len())?;
            findings.iter().try_for_each(|finding| writeln!(f, "  {}: {}", finding.place, finding.what))?;
        }
        Ok(())
    }
}

/// Runs all cases and checks the set.
pub fn check(law: &LawSet, cases: &[Case]) -> CheckReport {
    let mut report = CheckReport::default();
    let mut reached = BTreeSet::new();
    for case in cases {
        let decision = decide(law, &case.facts, case.mode);
        reached.extend(deciding(&decision));
        report.cases.push(CaseResult {
            id: case.id.clone(),
            file: case.file.clone(),
            title: case.title.clone(),
            failures: compare(case, &decision),
        });
    }
    for rule in law.rules() {
        if !reached.contains(rule.id.as_str()) {
            report.faults.push(find(rule, "no case is decided by this rule; write one"));
        }
        if rule.confidence < Confidence::Read {
            let what = format!(
                "not confirmed ({}): it supports no disclosure until counsel signs it",
                rule.confidence.as_str()
            );
            report.remarks.push(find(rule, &what));
        }
    }
    twice(law, &mut report);
    words(law, &mut report);
    let survey = survey(law);
    report.faults.extend(survey.faults);
    report.gaps = survey.gaps;
    report.remarks.extend(survey.remarks);
    report.witnesses = survey.witnesses;
    report.uncovered = survey.uncovered.into_iter().collect();
    report.unanswered = crate::homes::unanswered(law);
    report.remarks.extend(crate::homes::open_ends(law));
    report.faults.sort();
    report.remarks.sort();
    report
}

fn find(rule: &Rule, what: &str) -> Finding {
    Finding { place: format!("{}:{} {}", rule.file, rule.line, rule.id), what: what.to_owned() }
}

/// Every rule that takes part in the decision.
pub fn deciding(decision: &Decision) -> BTreeSet<String> {
    let mut all: BTreeSet<String> = decision.silence.rules.iter().cloned().collect();
    for unit in &decision.units {
        all.extend(unit.rules.iter().cloned());
        all.extend(unit.also.iter().map(|node| node.rule.clone()));
    }
    all.extend(decision.challenges.iter().flat_map(|challenge| challenge.rules.iter().cloned()));
    all
}

/// The expectations of `case` that `got` does not meet, in words; empty if it passes.
pub fn compare(case: &Case, got: &Decision) -> Vec<String> {
    let mut out = Differences::default();
    compare_outcomes(&case.expect, got, &mut out);
    compare_bases(&case.expect, got, &mut out);
    compare_consequences(&case.expect, got, &mut out);
    compare_next_steps(&case.expect, got, &mut out);
    out.0
}

#[derive(Default)]
struct Differences(Vec<String>);

impl Differences {
    fn add(&mut self, what: &str, expected: &dyn fmt::Display, got: &dyn fmt::Display) {
        self.0.push(format!("{what}: expected {expected}, got {got}"));
    }
}

fn compare_outcomes(expect: &Expect, got: &Decision, out: &mut Differences) {
    if let Some(outcome) = expect.outcome.filter(|outcome| *outcome != got.outcome) {
        out.add("outcome", &outcome, &got.outcome);
    }
    for (place, outcome) in &expect.outcomes {
        let found = match place.split_once(" @ ") {
            Some((item, copy)) => got
                .units
                .iter()
                .find(|unit| unit.item == item && unit.copy.as_deref() == Some(copy))
                .map(|unit| unit.outcome),
            None => got.items.iter().find(|item| item.item == *place).map(|item| item.outcome),
        };
        if found != Some(*outcome) {
            out.add(place, outcome, &found.map_or("no such unit", |outcome| outcome.as_str()));
        }
    }
}

/// Citations and rules, and how far they can be relied on.
fn compare_bases(expect: &Expect, got: &Decision, out: &mut Differences) {
    let cites: Vec<&str> = got
        .units
        .iter()
        .flat_map(|unit| &unit.citations)
        .chain(&got.silence.citations)
        .chain(got.challenges.iter().flat_map(|challenge| &challenge.citations))
        .map(|cite| cite.text.as_str())
        .chain(got.units.iter().flat_map(|unit| &unit.redirect).flat_map(|route| route.cite.iter().map(String::as_str)))
        .chain(got.units.iter().flat_map(|unit| &unit.also).flat_map(|node| node.cite.iter().map(String::as_str)))
        .collect();
    for cite in expect.cites.iter().filter(|cite| !cites.iter().any(|text| text.contains(cite.as_str()))) {
        out.add("citation", cite, &cites.join("; "));
    }
    let rules = deciding(got);
    for rule in expect.rules.iter().filter(|rule| !rules.contains(*rule)) {
        out.add("rule", rule, &rules.iter().cloned().collect::<Vec<_>>().join(", "));
    }
    for rule in expect.not_rules.iter().filter(|rule| rules.contains(*rule)) {
        out.add("rule", &format!("not {rule}"), rule);
    }
    let contested = got.units.iter().any(|unit| unit.contested);
    if expect.contested.is_some_and(|expected| expected != contested) {
        out.add("contested", &!contested, &contested);
    }
    let unconfirmed = got.units.iter().any(|unit| !unit.unconfirmed.is_empty());
    if expect.unconfirmed.is_some_and(|expected| expected != unconfirmed) {
        out.add("rests on unconfirmed rules", &!unconfirmed, &unconfirmed);
    }
}

/// Actions, flags, non-disclosure and challenges.
fn compare_consequences(expect: &Expect, got: &Decision, out: &mut Differences) {
    let actions = got.actions.iter().map(|action| action.as_str()).collect::<Vec<_>>().join(", ");
    for action in expect.actions.iter().filter(|action| !got.actions.contains(action)) {
        out.add("action", action, &actions);
    }
    for action in expect.not_actions.iter().filter(|action| got.actions.contains(action)) {
        out.add("action", &format!("no {action}"), &actions);
    }
    let flags = got.flags.iter().map(|flag| flag.name.as_str()).collect::<Vec<_>>();
    for flag in expect.flags.iter().filter(|flag| !flags.contains(&flag.as_str())) {
        out.add("flag", flag, &flags.join(", "));
    }
    if let Some(silence) = expect.silence.filter(|silence| *silence != got.silence.state) {
        out.add("silence", &format!("{silence:?}"), &format!("{:?}", got.silence.state));
    }
    if let Some(notice) = expect.notice.filter(|notice| *notice != got.silence.notice) {
        out.add("notice", &format!("{notice:?}"), &format!("{:?}", got.silence.notice));
    }
    if let Some(challenge) = expect.challenge {
        let states: Vec<_> = got.challenges.iter().map(|challenge| challenge.state).collect();
        if !challenge.is(states.first().copied()) || states.len() > 1 {
            out.add("challenge", &format!("{challenge:?}"), &format!("{states:?}"));
        }
    }
}

/// Deadlines, routes, conditions, questions and conflicts.
fn compare_next_steps(expect: &Expect, got: &Decision, out: &mut Differences) {
    for deadline in &expect.deadlines {
        if !got.deadlines.iter().chain(&got.follow_ups).any(|found| meets(deadline, found)) {
            let all: Vec<_> = got
                .deadlines
                .iter()
                .chain(&got.follow_ups)
                .map(|d| format!("{} {}", d.purpose.as_str(), d.local))
                .collect();
            let wanted = format!("{} {}", deadline.purpose.as_str(), deadline.at);
            out.add("deadline", &wanted, &all.join("; "));
        }
    }
    let routes: Vec<_> = got.units.iter().flat_map(|unit| &unit.redirect).map(|route| route.id.as_str()).collect();
    for route in expect.redirect.iter().filter(|route| !routes.contains(&route.as_str())) {
        out.add("redirect", route, &routes.join(", "));
    }
    let needs: Vec<_> = got.units.iter().flat_map(|unit| &unit.conditions).map(String::as_str).collect();
    for need in expect.needs.iter().filter(|need| !needs.iter().any(|text| text.contains(need.as_str()))) {
        out.add("condition", need, &needs.join("; "));
    }
    let questions: Vec<_> = got.questions.iter().map(|question| question.fact.as_str()).collect();
    if !expect.questions.iter().all(|fact| questions.contains(&fact.as_str()))
        || expect.questions.first().is_some_and(|first| questions.first() != Some(&first.as_str()))
    {
        out.add("questions", &expect.questions.join(", "), &questions.join(", "));
    }
    if let Some(conflict) = &expect.conflict {
        let met = got.units.iter().filter_map(|unit| unit.conflict.as_ref()).any(|found| {
            found.compels.contains(&conflict.compels)
                && found.bars.contains(&conflict.bars)
                && !found.compels_because.is_empty()
                && !found.bars_because.is_empty()
        });
        if !met {
            out.add("conflict", &format!("{} against {}", conflict.compels, conflict.bars), &"none such");
        }
    }
}

fn meets(expected: &ExpectDeadline, found: &Deadline) -> bool {
    expected.purpose == found.purpose
        && match (read_day(&expected.at), at(&expected.at)) {
            (Ok(day), _) => found.local.starts_with(&day.to_string()),
            (_, Ok(moment)) => found.at == moment,
            _ => false,
        }
}

/// Rules that say the same on the same days: an amendment whose predecessor was not ended.
fn twice(law: &LawSet, report: &mut CheckReport) {
    let rules = law.rules();
    for (at, one) in rules.iter().enumerate() {
        for two in rules.iter().skip(at + 1) {
            let days = one.in_force.to.is_none_or(|to| two.in_force.from <= to)
                && two.in_force.to.is_none_or(|to| one.in_force.from <= to);
            if days
                && !matches!(one.effect, Effect::Times | Effect::Notes)
                && one.effect == two.effect
                && one.when == two.when
                && one.asks == two.asks
                && one.binds == two.binds
                && !one.overrides.contains(&two.id)
                && !two.overrides.contains(&one.id)
            {
                let what = format!("overlaps {}: both say the same on the same days; end one the day before", two.id);
                report.faults.push(find(one, &what));
            }
        }
    }
}

/// Whether two undefeated rules cannot both be followed.
pub(crate) fn contradict(one: Effect, two: Effect) -> bool {
    let discloses = |effect| matches!(effect, Effect::Compels | Effect::Permits);
    let refuses = |effect| matches!(effect, Effect::Bars | Effect::Redirects);
    match one.topic() {
        Topic::Disclosure => (discloses(one) && refuses(two)) || (refuses(one) && discloses(two)),
        Topic::Silence | Topic::Challenge => one != two,
        Topic::Time | Topic::Note => false,
    }
}

/// Unused facts and routes.
fn words(law: &LawSet, report: &mut CheckReport) {
    let mut read: BTreeSet<usize> = BTreeSet::new();
    for rule in law.rules() {
        read.extend(rule.when.iter().flat_map(Condition::reads).map(|index| index.0));
        let terms = rule.deadline.iter().chain(&rule.follow_ups);
        let named = terms
            .filter_map(|term| match &term.start {
                crate::rule::Start::Fact(fact) => Some(fact),
                _ => None,
            })
            .chain(rule.silence.iter().filter_map(|silence| silence.until.as_ref()));
        read.extend(named.filter_map(|fact| law.vocabulary().index(fact)).map(|index| index.0));
        if !rule.binds.is_empty() {
            read.insert(law.builtin.forum.0);
        }
    }
    // A `known_of` fact reads the fact it refers to.
    for (index, fact) in law.vocabulary().facts().iter().enumerate() {
        if let Some(other) = fact.known_of.as_deref().and_then(|other| law.vocabulary().index(other))
            && read.contains(&index)
        {
            read.insert(other.0);
        }
    }
    // What the engine itself reads or sets.
    read.extend([law.builtin.copy_stored.0, law.builtin.day.0, law.builtin.received_day.0]);
    for (index, fact) in law.vocabulary().facts().iter().enumerate() {
        if !read.contains(&index) {
            let what = format!("no rule reads the fact `{}`", fact.name);
            report.remarks.push(Finding { place: "vocabulary.toml".to_owned(), what });
        }
    }
    for route in law.routes() {
        if !law.rules().iter().any(|rule| rule.redirect.contains(&route.kind)) {
            let what = format!("no rule names the route `{}` of kind `{}`", route.id, route.kind);
            report.remarks.push(Finding { place: "routes".to_owned(), what });
        }
    }
}
