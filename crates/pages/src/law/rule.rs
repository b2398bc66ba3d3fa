//! The page of one rule: everything that a person who has to trust or sign it would ask.

use std::collections::BTreeSet;

use askama::Template;
use rules::{Effect, Roll, Rule, Start, Term, TermUnit};

use super::site::{Frame, LawSite, text};
use super::words;

/// A rule as a row of a table.
pub(super) struct RuleRow {
    pub(super) path: String,
    pub(super) id: String,
    pub(super) because: String,
    pub(super) cite: String,
    pub(super) effect: &'static str,
    pub(super) look: &'static str,
    pub(super) asks: String,
    pub(super) force: String,
    pub(super) confidence: &'static str,
    pub(super) is_unconfirmed: bool,
    pub(super) is_contested: bool,
}

/// Rules under a heading.
pub(super) struct RuleTable {
    pub(super) title: String,
    pub(super) note: String,
    pub(super) rows: Vec<RuleRow>,
}

/// A case as a row of a table.
pub(super) struct CaseRow {
    pub(super) path: String,
    pub(super) id: String,
    pub(super) title: String,
    pub(super) on: String,
    pub(super) outcome: &'static str,
    pub(super) look: &'static str,
    pub(super) fails: bool,
}

/// A condition of a rule, and the question that its fact answers.
struct ConditionRow {
    says: String,
    question: String,
    fact: String,
}

struct CaseTable {
    title: &'static str,
    none: &'static str,
    cases: Vec<CaseRow>,
}

#[derive(Template)]
#[template(path = "law/rule.html")]
struct RulePage<'a> {
    frame: Frame<'a>,
    rule: &'a Rule,
    effect: &'static str,
    look: &'static str,
    effect_means: &'a str,
    is_unconfirmed: bool,
    confidence: &'static str,
    state: &'a str,
    state_path: String,
    force: String,
    day_first: String,
    asks: String,
    basis: &'static str,
    binds: Vec<(&'a str, &'a str)>,
    conditions: Vec<ConditionRow>,
    terms: Vec<(String, String)>,
    flags: Vec<(&'a str, &'a str)>,
    actions: Vec<(&'static str, &'a str)>,
    routes: Vec<(String, String)>,
    relations: Vec<RuleTable>,
    tables: Vec<CaseTable>,
    digest: String,
}

impl LawSite {
    pub(super) fn rule_row(&self, rule: &Rule) -> RuleRow {
        RuleRow {
            path: self.rule_path(&rule.id),
            id: rule.id.clone(),
            because: rule.because.clone(),
            cite: rule.cite.join("; "),
            effect: words::effect(rule.effect),
            look: words::effect_look(rule.effect),
            asks: words::categories(&rule.asks),
            force: words::force(&rule.in_force),
            confidence: self.reading(rule).1,
            is_unconfirmed: self.is_unconfirmed(rule),
            is_contested: rule.contested,
        }
    }

    pub(super) fn case_row(&self, number: usize) -> Option<CaseRow> {
        let (case, told) = self.cases.get(number).zip(self.answers().outcomes.get(number))?;
        Some(CaseRow {
            path: self.case_path(number),
            id: case.id.clone(),
            title: case.title.clone(),
            on: case.facts.on.to_string(),
            outcome: told.outcome.as_str(),
            look: words::outcome_look(told.outcome),
            fails: !told.failures.is_empty(),
        })
    }

    pub(super) fn rule_page(&self, index: usize) -> Option<String> {
        let (rule, seen) = self.law.rules().get(index).zip(self.answers().by_rule.get(index))?;
        let vocabulary = self.law.vocabulary();
        let means = |word: &str| vocabulary.means(word).unwrap_or_default();
        let state = words::state_of(&rule.file);
        let conditions = rule.when.iter().map(|condition| ConditionRow {
            says: condition.describe(),
            question: vocabulary.fact(&condition.fact).map(|fact| fact.question.clone()).unwrap_or_default(),
            fact: condition.fact.clone(),
        });
        let kinds = |kind: &String| {
            let routes = self.law.routes().iter().filter(move |route| route.kind == *kind);
            routes.map(|route| (route.id.clone(), route.name.clone())).collect::<Vec<_>>()
        };
        let cases = |list: &BTreeSet<usize>| list.iter().filter_map(|number| self.case_row(*number)).collect();
        let only_defeated = seen.defeated.difference(&seen.decides).copied().collect();
        text(RulePage {
            frame: self.frame("../", ""),
            effect: words::effect(rule.effect),
            look: words::effect_look(rule.effect),
            effect_means: means(rule.effect.as_str()),
            is_unconfirmed: self.is_unconfirmed(rule),
            confidence: self.reading(rule).0,
            state: words::state_name(state),
            state_path: words::state_page(state),
            force: words::force(&rule.in_force),
            day_first: words::day_page(rule.in_force.from),
            asks: words::categories(&rule.asks),
            basis: words::basis(rule.basis),
            binds: rule.binds.iter().map(|word| (word.as_str(), means(word))).collect(),
            conditions: conditions.collect(),
            terms: rule.deadline.iter().chain(&rule.follow_ups).map(term).collect(),
            flags: rule.flags.iter().map(|word| (word.as_str(), means(word))).collect(),
            actions: rule.actions.iter().map(|action| (action.as_str(), means(action.as_str()))).collect(),
            routes: rule.redirect.iter().flat_map(kinds).collect(),
            relations: self.relations(rule),
            tables: vec![
                CaseTable {
                    title: "Cases decided by this rule",
                    none: "None. A rule that decides no case is untested.",
                    cases: cases(&seen.decides),
                },
                CaseTable {
                    title: "Cases in which it applies but another rule prevails",
                    none: "None.",
                    cases: cases(&only_defeated),
                },
                CaseTable {
                    title: "Cases that miss this rule by one condition",
                    none: "None.",
                    cases: cases(&seen.kept_out),
                },
            ],
            digest: rule.digest().to_string(),
            rule,
        })
    }

    /// What it overrides, what overrides it, and what it contradicts in earnest; only what there is.
    fn relations(&self, rule: &Rule) -> Vec<RuleTable> {
        let rows = |wanted: &dyn Fn(&Rule) -> bool| -> Vec<RuleRow> {
            self.law.rules().iter().filter(|other| wanted(other)).map(|other| self.rule_row(other)).collect()
        };
        let tables = [
            ("Overrides", "Where both apply, this rule prevails.", rows(&|other| rule.overrides.contains(&other.id))),
            (
                "Overridden by",
                "Where both apply, the other rule prevails.",
                rows(&|other| other.overrides.contains(&rule.id)),
            ),
            (
                "Conflicts with",
                "A conflict of laws that no rule resolves: where both apply, counsel decides.",
                rows(&|other| rule.conflicts_with.contains(&other.id) || other.conflicts_with.contains(&rule.id)),
            ),
        ];
        tables
            .into_iter()
            .filter(|(_, _, rows)| !rows.is_empty())
            .map(|(title, note, rows)| RuleTable { title: title.to_owned(), note: note.to_owned(), rows })
            .collect()
    }
}

/// A term in words: what it is for, and how it is counted.
fn term(term: &Term) -> (String, String) {
    let unit = match (term.unit, term.n) {
        (TermUnit::Hours, 1) => "hour",
        (TermUnit::Hours, _) => "hours",
        (TermUnit::Days, 1) => "day",
        (TermUnit::Days, _) => "days",
        (TermUnit::WorkingDays, 1) => "working day",
        (TermUnit::WorkingDays, _) => "working days",
        (TermUnit::Months, 1) => "month",
        (TermUnit::Months, _) => "months",
    };
    let start = match &term.start {
        Start::Receipt => "from receipt".to_owned(),
        Start::DayAfterReceipt => "not counting the day of receipt".to_owned(),
        Start::NextFullHour => "from the next full hour after receipt".to_owned(),
        Start::Fact(fact) => format!("from the date of {}", words::spaced(fact)),
    };
    let roll = match term.roll {
        Roll::None => "",
        Roll::NextWorkingDay => "; a deadline that falls on a non-working day moves to the next working day",
    };
    let calendar = match term.calendar.as_str() {
        "home" => "calendar of the home".to_owned(),
        "forum" => "calendar of the court".to_owned(),
        id => format!("calendar {}", id.to_uppercase()),
    };
    (format!("{}: {}", term.purpose.as_str(), term.what), format!("{} {unit}, {start}; {calendar}{roll}", term.n))
}

/// Whether the rule says something about data leaving.
pub(super) fn is_of(rule: &Rule, topic: rules::Topic) -> bool {
    Effect::topic(rule.effect) == topic
}
