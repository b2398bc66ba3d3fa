//! What the check finds by enumeration: unreachable rules, gaps, contradictions, violated invariants. Each is a
//! question about the finite space of one period ([`crate::space`]), answered by search ([`crate::search`]): either
//! with facts as a witness, or with certainty that there are none.
//!
//! Missing facts need not be considered: a rule with a missing fact never makes an answer more definite (tested in
//! `tests/it/properties.rs`), so what holds if all facts are known holds in general.

use std::collections::{BTreeMap, BTreeSet};

use terms::Category;

use crate::check::{Finding, contradict};
use crate::condition::{Condition, FactIndex, Pattern, Test};
use crate::facts::Facts;
use crate::invariant::Invariant;
use crate::law::{LawSet, RuleIndex};
use crate::rule::{Effect, Rule, Topic};
use crate::search::{Goal, Search, SearchResult};
use crate::space::{Mask, Space, spans};
use crate::value::Value;

/// The findings.
#[derive(Default)]
pub(crate) struct Survey {
    pub(crate) faults: Vec<Finding>,
    pub(crate) gaps: Vec<Finding>,
    pub(crate) remarks: Vec<Finding>,
    /// What could not be covered completely.
    pub(crate) uncovered: BTreeSet<Finding>,
    /// The witnesses of the findings.
    pub(crate) witnesses: Vec<Witness>,
}

/// Facts that demonstrate a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// What they demonstrate.
    pub of: WitnessOf,
    /// The facts, all of them known.
    pub facts: Facts,
}

/// What a witness demonstrates when its facts are decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WitnessOf {
    /// The rule decides.
    Reached(String),
    /// Two undefeated rules disagree.
    Contradiction(String, String),
    /// No rule applies.
    Gap,
    /// The outcome violates an invariant.
    Broken(String),
}

/// The set, and the space of each period.
struct Surveyor<'a> {
    law: &'a LawSet,
    spaces: Vec<Space<'a>>,
    out: Survey,
}

/// Asks every question.
pub(crate) fn survey(law: &LawSet) -> Survey {
    let extra: Vec<&[Condition]> = law
        .impossible()
        .iter()
        .map(|impossible| impossible.when.as_slice())
        .chain(law.invariants().iter().map(|invariant| invariant.when.as_slice()))
        .collect();
    let spaces: Vec<Space<'_>> = spans(law, &extra).into_iter().map(|day| Space::new(law, day, &extra)).collect();
    let mut surveyor = Surveyor { law, spaces, out: Survey::default() };
    for fact in surveyor.spaces.iter().flat_map(|space| &space.cut) {
        let what = format!("`{fact}` has more combinations of values than were checked");
        surveyor.out.uncovered.insert(Finding { place: "vocabulary.toml".to_owned(), what });
    }
    surveyor.reach();
    surveyor.contradictions();
    surveyor.gaps();
    surveyor.invariants();
    surveyor.out
}

/// The categories a rule is checked for; a single `None` if it concerns the whole demand.
fn categories(rule: &Rule) -> Vec<Option<Category>> {
    match rule.effect.topic() {
        Topic::Silence => vec![None],
        _ if rule.asks.is_empty() => Category::ALL.into_iter().map(Some).collect(),
        _ => rule.asks.iter().copied().map(Some).collect(),
    }
}

/// Whether the rule explicitly covers this instrument.
fn names(rule: &Rule, instrument: FactIndex, word: &str) -> bool {
    let is_word = |pattern: &Pattern| matches!(pattern, Pattern::Value(Value::Word(known)) if known == word);
    rule.when.iter().any(|condition| {
        condition.index == instrument && matches!(&condition.test, Test::OneOf(list) if list.iter().any(is_word))
    })
}

fn place(rule: &Rule) -> String {
    format!("{}:{} {}", rule.file, rule.line, rule.id)
}

impl<'a> Surveyor<'a> {
    fn domain(&self, space: &Space<'_>, category: Option<Category>) -> Vec<Mask> {
        let mut domain = space.all();
        if let (Some(category), Some(item)) = (category, self.law.vocabulary().index("item")) {
            domain[item.0] &= space.items_of(category);
        }
        domain
    }

    /// Searches for facts, excluding impossible combinations.
    fn look(&self, space: &Space<'_>, domain: Vec<Mask>, mut goals: Vec<Goal>) -> SearchResult {
        goals.extend((0..self.law.impossible().len()).map(Goal::Lacks));
        Search::run(space, domain, &goals)
    }

    fn stands(&self, rule: RuleIndex) -> Vec<Goal> {
        let mut goals = vec![Goal::Applies(rule)];
        goals.extend(self.law.overriders(rule).iter().map(|over| Goal::Fails(*over)));
        goals
    }

    fn gave_up(&mut self, place: String, what: &str) {
        let what = format!("{what}: the search was aborted");
        self.out.uncovered.insert(Finding { place, what });
    }

    fn witness(&mut self, of: WitnessOf, at: usize, left: &[Mask], category: Option<Category>) {
        let facts = self.spaces[at].facts(left, category.unwrap_or(Category::Content));
        self.out.witnesses.extend(facts.map(|facts| Witness { of, facts }));
    }

    /// Unreachable rules.
    fn reach(&mut self) {
        for at in 0..self.law.rules().len() {
            let index = RuleIndex(at);
            let rule = self.law.at(index);
            let mut given_up = false;
            let mut found = None;
            'looking: for category in categories(rule) {
                for (number, space) in self.spaces.iter().enumerate().rev() {
                    if space.rules[at].is_none() {
                        continue;
                    }
                    match self.look(space, self.domain(space, category), self.stands(index)) {
                        SearchResult::Facts(left) => {
                            found = Some((number, left, category));
                            break 'looking;
                        }
                        SearchResult::GivenUp => given_up = true,
                        SearchResult::Nothing => {}
                    }
                }
            }
            match found {
                Some((number, left, category)) => {
                    self.witness(WitnessOf::Reached(rule.id.clone()), number, &left, category);
                }
                None if given_up => self.gave_up(place(rule), "whether any facts make it decide"),
                None => self.out.faults.push(Finding {
                    place: place(rule),
                    what: "unreachable: there is no day and no facts for which it decides; its conditions exclude each other, or an exception always defeats it"
                        .to_owned(),
                }),
            }
        }
    }

    /// Pairs of rules that can both be undefeated and disagree.
    fn contradictions(&mut self) {
        let count = self.law.rules().len();
        for one in 0..count {
            for two in one + 1..count {
                let (a, b) = (self.law.at(RuleIndex(one)), self.law.at(RuleIndex(two)));
                if a.effect.topic() != b.effect.topic() {
                    continue;
                }
                let same_term = a.effect == Effect::Times
                    && b.effect == Effect::Times
                    && a.deadline.as_ref().map(|term| term.purpose) == b.deadline.as_ref().map(|term| term.purpose)
                    && a.deadline != b.deadline;
                if !contradict(a.effect, b.effect) && !same_term {
                    continue;
                }
                self.pair(RuleIndex(one), RuleIndex(two), same_term);
            }
        }
    }

    fn pair(&mut self, one: RuleIndex, two: RuleIndex, same_term: bool) {
        let (a, b) = (self.law.at(one), self.law.at(two));
        let declared = a.conflicts_with.contains(&b.id) || b.conflicts_with.contains(&a.id);
        let (of_a, of_b) = (categories(a), categories(b));
        let mut given_up = false;
        let mut goals = self.stands(one);
        goals.extend(self.stands(two));
        for category in of_a.into_iter().filter(|category| of_b.contains(category)) {
            for number in (0..self.spaces.len()).rev() {
                let space = &self.spaces[number];
                if space.rules[one.0].is_none() || space.rules[two.0].is_none() {
                    continue;
                }
                match self.look(space, self.domain(space, category), goals.clone()) {
                    SearchResult::Facts(left) => {
                        let witness = space.tell(&left);
                        if same_term {
                            let what = format!("sets a different term from {} for the same purpose: {witness}", b.id);
                            self.out.remarks.push(Finding { place: place(a), what });
                            return;
                        }
                        self.witness(WitnessOf::Contradiction(a.id.clone(), b.id.clone()), number, &left, category);
                        if !declared {
                            let what = format!(
                                "contradicts {} ({} against {}), and neither overrides the other: {witness}; make one override the other, or declare `conflicts_with`",
                                b.id,
                                a.effect.as_str(),
                                b.effect.as_str()
                            );
                            self.out.faults.push(Finding { place: place(a), what });
                        }
                        return;
                    }
                    SearchResult::GivenUp => given_up = true,
                    SearchResult::Nothing => {}
                }
            }
        }
        if given_up {
            self.gave_up(place(a), &format!("whether it can contradict {}", b.id));
        } else if declared {
            let what = format!("`conflicts_with` names {}, but the two never conflict", b.id);
            self.out.remarks.push(Finding { place: place(a), what });
        }
    }

    /// Combinations of facts without a rule, one finding per instrument and category.
    fn gaps(&mut self) {
        let instrument = self.law.builtin.instrument;
        let mut alike: BTreeMap<(String, String), Vec<&'static str>> = BTreeMap::new();
        let asked = Category::ALL.into_iter().map(|category| (Topic::Disclosure, Some(category)));
        for (topic, category) in asked.chain([(Topic::Silence, None)]) {
            // By instrument: the number of periods with a gap, the latest of them, and its witness.
            let mut found: BTreeMap<String, (usize, usize, Vec<Mask>)> = BTreeMap::new();
            for number in 0..self.spaces.len() {
                let space = &self.spaces[number];
                let rules: Vec<RuleIndex> = space
                    .rules_on(topic, category)
                    .into_iter()
                    .filter(|index| self.law.at(*index).effect != Effect::Requires)
                    .collect();
                for word in &self.law.vocabulary().instruments {
                    let mut domain = self.domain(space, category);
                    domain[instrument.0] &=
                        space.mask_of(instrument, |value| matches!(value, Value::Word(known) if *known == word.name));
                    // Skip periods before the instrument existed.
                    let concerned = rules.iter().any(|rule| names(self.law.at(*rule), instrument, &word.name));
                    let latest = number + 1 == self.spaces.len();
                    if !concerned && !latest {
                        continue;
                    }
                    let goals = rules.iter().map(|rule| Goal::Fails(*rule)).collect();
                    match self.look(space, domain, goals) {
                        SearchResult::Facts(left) => {
                            let count = found.get(&word.name).map_or(0, |(count, _, _)| *count);
                            found.insert(word.name.clone(), (count + 1, number, left));
                        }
                        SearchResult::GivenUp => {
                            let what = format!("gaps for {}: the search was aborted", word.name);
                            self.out.uncovered.insert(Finding { place: space.day.to_string(), what });
                        }
                        SearchResult::Nothing => {}
                    }
                }
            }
            for (word, (count, number, left)) in found {
                let question = category.map_or("silence", |category| category.as_str());
                // Omit that the item has this category.
                let mut told = left.clone();
                if let Some(item) = self.law.vocabulary().index("item") {
                    told[item.0] = self.spaces[number].all()[item.0];
                }
                let witness = self.spaces[number].tell(&told);
                if topic == Topic::Disclosure {
                    self.witness(WitnessOf::Gap, number, &left, category);
                }
                let what = format!("no rule applies, so counsel decides; in {count} of {} periods, last {witness}", {
                    self.spaces.len()
                });
                alike.entry((word, what)).or_default().push(question);
            }
        }
        for ((word, what), questions) in alike {
            self.out.gaps.push(Finding { place: format!("{word}, {}", questions.join(", ")), what });
        }
    }

    /// Facts that violate an invariant.
    fn invariants(&mut self) {
        let first = self.law.impossible().len();
        for (at, invariant) in self.law.invariants().iter().enumerate() {
            let place = format!("{}:{} {}", invariant.file, invariant.line, invariant.id);
            let (broken, given_up) = self.broken(invariant, first + at);
            for (rule, (number, left, category)) in broken {
                let witness = self.spaces[number].tell(&left);
                self.witness(WitnessOf::Broken(invariant.id.clone()), number, &left, Some(category));
                self.out.faults.push(Finding {
                    place: place.clone(),
                    what: format!(
                        "\"{}\" is violated by {} for {}: {witness}",
                        invariant.says,
                        self.law.at(rule).id,
                        category.as_str()
                    ),
                });
            }
            if given_up {
                self.gave_up(place, &format!("whether \"{}\" holds", invariant.says));
            }
        }
    }

    /// Each rule that discloses contrary to the invariant, with facts; and whether a search was aborted.
    fn broken(&self, invariant: &Invariant, extra: usize) -> (BTreeMap<RuleIndex, Broken>, bool) {
        let mut given_up = false;
        let mut found = BTreeMap::new();
        let asks = |category: &Category| invariant.asks.is_empty() || invariant.asks.contains(category);
        for category in Category::ALL.into_iter().filter(asks) {
            for (number, space) in self.spaces.iter().enumerate().rev() {
                if invariant.in_force.is_some_and(|days| !days.covers(space.day)) {
                    continue;
                }
                let rules = space.rules_on(Topic::Disclosure, Some(category));
                for (discloses, goals) in self.breaking(invariant, &rules) {
                    if found.contains_key(&discloses) {
                        continue;
                    }
                    let goals = goals.into_iter().chain([Goal::Holds(extra)]).collect();
                    match self.look(space, self.domain(space, Some(category)), goals) {
                        SearchResult::Facts(left) => {
                            found.insert(discloses, (number, left, category));
                        }
                        SearchResult::GivenUp => given_up = true,
                        SearchResult::Nothing => {}
                    }
                }
            }
        }
        (found, given_up)
    }

    /// Each rule that could violate the invariant, and the goals for that.
    fn breaking(&self, invariant: &Invariant, rules: &[RuleIndex]) -> Vec<(RuleIndex, Vec<Goal>)> {
        let effect = |index: RuleIndex| self.law.at(index).effect;
        let outcome = |effect: Effect| match effect {
            Effect::Compels => Some(crate::decision::Outcome::Compelled),
            Effect::Permits => Some(crate::decision::Outcome::Permitted),
            _ => None,
        };
        let never = |index: &RuleIndex| outcome(effect(*index)).is_some_and(|o| invariant.never.contains(&o));
        let mut out = Vec::new();
        for rule in rules.iter().copied().filter(|index| never(index)) {
            let mut goals = self.stands(rule);
            for other in rules.iter().copied().filter(|other| *other != rule) {
                // No rule that prevents the disclosure, or leads to another outcome, may be undefeated.
                let hinders = match effect(other) {
                    Effect::Compels => !invariant.never.contains(&crate::decision::Outcome::Compelled),
                    Effect::Permits => false,
                    _ => true,
                };
                if hinders {
                    goals.push(Goal::Silent(other));
                }
            }
            match invariant.stands {
                None => out.push((rule, goals)),
                Some(wanted) => {
                    for standing in rules.iter().copied().filter(|index| effect(*index) == wanted) {
                        let mut goals = goals.clone();
                        goals.extend(self.stands(standing));
                        out.push((rule, goals));
                    }
                }
            }
        }
        out
    }
}

/// The period, the facts, the category.
type Broken = (usize, Vec<Mask>, Category);
