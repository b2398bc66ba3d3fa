//! The finite space of facts that the rules can distinguish, for the check.
//!
//! Facts have countless values, but rules have few tests. Two values for which every test of every rule gives the same
//! result are equivalent to the law. So in a period in which no rule or membership begins or ends, each fact has a few
//! *representatives*, and what holds for all of them holds for all facts. A test on one fact becomes a set of its
//! representatives (a bit mask); a test that compares two facts becomes a table of such sets.

use std::collections::{BTreeMap, BTreeSet};

use terms::{Category, Jurisdiction, UnixMillis};

use crate::condition::{Condition, DayRef, Env, FactIndex, Pattern, Test, Truth};
use crate::facts::{FactMap, Facts, Known, Provenance, RequestedItem, Scope, StoredCopy};
use crate::law::{LawSet, RuleIndex};
use crate::rule::Topic;
use crate::value::{Day, Kind, Value};
use crate::vocabulary::About;

/// Representatives of one fact, one bit each.
pub(crate) type Mask = u128;

/// The number of bits in a mask. A fact that needs more is reported as not covered.
const VALUES_MAX: usize = 128;

/// The number of distinct members for which all subsets are tried (2^8 sets). Beyond that, only sets of at most two
/// members.
const MEMBERS_MAX: usize = 8;

/// One test on facts, over representatives.
#[derive(Debug, Clone)]
pub(crate) enum Cell {
    /// The fact has one of these values.
    One(FactIndex, Mask),
    /// The first fact has value `i`, and the second one of `table[i]`.
    Two(FactIndex, FactIndex, Vec<Mask>),
}

/// Tests that must all hold.
pub(crate) type Conjunction = Vec<Cell>;

/// The space on one day.
pub(crate) struct Space<'a> {
    pub(crate) law: &'a LawSet,
    pub(crate) day: Day,
    values: Vec<Vec<Value>>,
    /// The conditions of each rule; `None` if it is not in force on this day.
    pub(crate) rules: Vec<Option<Conjunction>>,
    /// The extra conjunctions given to [`Space::new`].
    pub(crate) extra: Vec<Conjunction>,
    /// Facts whose values are not all covered.
    pub(crate) cut: BTreeSet<String>,
}

/// The first days of all periods without a change in the law, in order. The first is before any rule.
pub(crate) fn spans(law: &LawSet, extra: &[&[Condition]]) -> Vec<Day> {
    let mut days: BTreeSet<Day> = BTreeSet::new();
    for rule in law.rules() {
        days.insert(rule.in_force.from);
        days.extend(rule.in_force.to.map(|to| to.plus_days(1)));
    }
    days.extend(law.sets.edges());
    let conditions = law.rules().iter().flat_map(|rule| &rule.when).chain(extra.iter().flat_map(|all| all.iter()));
    for condition in conditions.filter(|c| c.index == law.builtin.day || c.index == law.builtin.received_day) {
        if let Test::Before(DayRef::Fixed(day)) | Test::OnOrAfter(DayRef::Fixed(day)) = &condition.test {
            days.insert(*day);
        }
    }
    days.into_iter().collect()
}

impl<'a> Space<'a> {
    /// The space on `day`, with extra conjunctions besides the rules.
    pub(crate) fn new(law: &'a LawSet, day: Day, extra: &[&[Condition]]) -> Self {
        let in_force: Vec<bool> = law.rules().iter().map(|rule| rule.in_force.covers(day)).collect();
        let lists: Vec<&[Condition]> = law
            .rules()
            .iter()
            .zip(&in_force)
            .filter(|(_, in_force)| **in_force)
            .map(|(rule, _)| rule.when.as_slice())
            .chain(extra.iter().copied())
            .collect();
        let mut space =
            Self { law, day, values: Vec::new(), rules: Vec::new(), extra: Vec::new(), cut: BTreeSet::new() };
        space.values = space.representatives(&lists, &in_force);
        let mut known: Vec<(Condition, Cell)> = Vec::new();
        space.rules = law
            .rules()
            .iter()
            .zip(&in_force)
            .map(|(rule, in_force)| {
                in_force.then(|| {
                    let mut all: Conjunction = rule.when.iter().map(|c| space.cell(c, &mut known)).collect();
                    all.extend(space.bound(&rule.binds));
                    all
                })
            })
            .collect();
        space.extra = extra.iter().map(|all| all.iter().map(|c| space.cell(c, &mut known)).collect()).collect();
        space
    }

    /// All representatives of every fact.
    pub(crate) fn all(&self) -> Vec<Mask> {
        self.values.iter().map(|values| full(values.len())).collect()
    }

    /// The representatives of `fact` equal to `value`.
    pub(crate) fn mask_of(&self, fact: FactIndex, is: impl Fn(&Value) -> bool) -> Mask {
        self.values[fact.0].iter().enumerate().filter(|(_, value)| is(value)).fold(0, |mask, (at, _)| mask | 1 << at)
    }

    /// The items of this category.
    pub(crate) fn items_of(&self, category: Category) -> Mask {
        let Some(item) = self.law.vocabulary().index("item") else { return 0 };
        self.mask_of(item, |value| match value {
            Value::Word(word) => self.law.vocabulary().item(word).is_some_and(|def| def.category == category),
            _ => false,
        })
    }

    /// The rules of `topic` that are in force on this day and cover `category`.
    pub(crate) fn rules_on(&self, topic: Topic, category: Option<Category>) -> Vec<RuleIndex> {
        self.law
            .topic(topic)
            .iter()
            .copied()
            .filter(|index| {
                let rule = self.law.at(*index);
                self.rules[index.0].is_some()
                    && (rule.asks.is_empty() || category.is_some_and(|category| rule.asks.contains(&category)))
            })
            .collect()
    }

    /// Facts for [`crate::decide`]: the first of each remaining set of representatives.
    pub(crate) fn facts(&self, left: &[Mask], category: Category) -> Option<Facts> {
        let map = |about: About| -> FactMap {
            let defs = self.law.vocabulary().facts().iter().enumerate();
            defs.filter(|(_, def)| def.about == about)
                .filter_map(|(at, def)| {
                    let value = self.values[at].get(left[at].trailing_zeros() as usize)?.clone();
                    Some((def.name.clone(), Known { value, from: Provenance::Officer }))
                })
                .collect()
        };
        let zone = "UTC".to_owned();
        let received = crate::demand::what_if_moment(self.day, &zone);
        let known = map(About::Item);
        let name = known.get("item").map_or_else(|| category.to_string(), |known| known.value.to_string());
        Some(Facts {
            home: "IE".parse().ok()?,
            zone,
            received,
            on: self.day,
            known_on: None,
            scope: Scope { from: UnixMillis(0), until: received },
            known: map(About::Demand),
            items: vec![RequestedItem { name, category, known }],
            copies: vec![StoredCopy {
                name: "copy".to_owned(),
                holds: BTreeSet::from([category]),
                known: map(About::Copy),
            }],
            signed: Vec::new(),
        })
    }

    /// The relevant facts in words: those whose representatives were narrowed.
    pub(crate) fn tell(&self, left: &[Mask]) -> String {
        let mut said = vec![format!("on {}", self.day)];
        for (at, def) in self.law.vocabulary().facts().iter().enumerate() {
            let (all, left) = (full(self.values[at].len()), left[at]);
            let built_in = at == self.law.builtin.day.0 || at == self.law.builtin.received_day.0;
            if left != all
                && !built_in
                && let Some(value) = self.values[at].get(left.trailing_zeros() as usize)
            {
                said.push(format!("{} = {value}", def.name));
            }
        }
        said.join(", ")
    }

    fn representatives(&mut self, lists: &[&[Condition]], in_force: &[bool]) -> Vec<Vec<Value>> {
        let count = self.law.vocabulary().facts().len();
        let mut tests: Vec<Vec<&Condition>> = vec![Vec::new(); count];
        let mut linked: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); count];
        for condition in lists.iter().flat_map(|list| list.iter()) {
            tests[condition.index.0].push(condition);
            if let Some(other) = self.other(condition) {
                linked[condition.index.0].insert(other.0);
                linked[other.0].insert(condition.index.0);
            }
        }
        let binds: BTreeSet<&String> = self
            .law
            .rules()
            .iter()
            .zip(in_force)
            .filter(|(_, in_force)| **in_force)
            .flat_map(|(rule, _)| &rule.binds)
            .collect();
        (0..count)
            .map(|at| {
                let def = &self.law.vocabulary().facts()[at];
                let fact = FactIndex(at);
                if fact == self.law.builtin.day || fact == self.law.builtin.received_day {
                    return vec![Value::Day(self.day)];
                }
                // A fact that is compared with another needs the other's values too.
                let mut concerned: Vec<&Condition> = tests[at].clone();
                concerned.extend(linked[at].iter().flat_map(|other| tests[*other].iter().copied()));
                let (candidates, whole) = self.candidates(&def.kind, &concerned);
                let mut cut = !whole;
                let own: Vec<&Condition> = tests[at].iter().copied().filter(|c| self.other(c).is_none()).collect();
                // If two facts are compared, or each word matters by itself, no two values are equivalent.
                let apart = !linked[at].is_empty() || fact == self.law.builtin.instrument || def.name == "item";
                let mut seen: BTreeSet<Vec<bool>> = BTreeSet::new();
                let mut values: Vec<Value> = candidates
                    .into_iter()
                    .filter(|value| {
                        let mut signature: Vec<bool> = own.iter().map(|c| self.holds(c, value, None)).collect();
                        if fact == self.law.builtin.forum {
                            signature.extend(binds.iter().map(|outer| self.within(value, outer)));
                        }
                        seen.insert(signature) || apart
                    })
                    .collect();
                cut |= values.len() > VALUES_MAX;
                values.truncate(VALUES_MAX);
                if cut {
                    self.cut.insert(def.name.clone());
                }
                values
            })
            .collect()
    }

    /// Values of `kind` that these tests can distinguish, and whether they are complete.
    fn candidates(&self, kind: &Kind, tests: &[&Condition]) -> (Vec<Value>, bool) {
        match kind {
            Kind::Bool => (vec![Value::Bool(false), Value::Bool(true)], true),
            Kind::Int => {
                let mut all = BTreeSet::from([0]);
                for n in tests.iter().flat_map(|c| numbers(&c.test)) {
                    all.extend([n.saturating_sub(1), n, n.saturating_add(1)]);
                }
                (all.into_iter().map(Value::Int).collect(), true)
            }
            Kind::Day => {
                let near = |day: Day| [-2, -1, 0, 1, 2].map(|by| day.plus_days(by));
                let mut all: BTreeSet<Day> = near(self.day).into_iter().collect();
                for condition in tests {
                    if let Test::Before(DayRef::Fixed(day)) | Test::OnOrAfter(DayRef::Fixed(day)) = &condition.test {
                        all.extend(near(*day));
                    }
                }
                (all.into_iter().map(Value::Day).collect(), true)
            }
            Kind::Word(words) => (words.iter().cloned().map(Value::Word).collect(), true),
            Kind::Words(words) => {
                let words: Vec<Value> = words.iter().cloned().map(Value::Word).collect();
                let (words, whole) = self.members(words, tests);
                let sets = subsets(&words, whole).into_iter().map(|set| {
                    Value::Words(
                        set.into_iter()
                            .filter_map(|v| match v {
                                Value::Word(w) => Some(w),
                                _ => None,
                            })
                            .collect(),
                    )
                });
                (sets.collect(), whole)
            }
            Kind::Place => (self.places(tests).into_iter().map(Value::Place).collect(), true),
            Kind::Places => {
                let places: Vec<Value> = self.places(tests).into_iter().map(Value::Place).collect();
                let (places, whole) = self.members(places, tests);
                let sets = subsets(&places, whole).into_iter().map(|set| {
                    Value::Places(
                        set.into_iter()
                            .filter_map(|v| match v {
                                Value::Place(p) => Some(p),
                                _ => None,
                            })
                            .collect(),
                    )
                });
                (sets.collect(), whole)
            }
        }
    }

    /// One member of a set for each distinguishable class.
    fn members(&self, all: Vec<Value>, tests: &[&Condition]) -> (Vec<Value>, bool) {
        let mut patterns: Vec<&Pattern> = Vec::new();
        for condition in tests {
            if let Test::Has(list) | Test::HasNone(list) | Test::Only(list) = &condition.test {
                patterns.extend(list.iter().filter(|p| !patterns.contains(p)).collect::<Vec<_>>());
            }
        }
        let env = self.env();
        let mut seen: BTreeSet<Vec<bool>> = BTreeSet::new();
        let kinds: Vec<Value> = all
            .into_iter()
            .filter(|value| seen.insert(patterns.iter().map(|p| p.matches(value, &env)).collect()))
            .collect();
        let whole = kinds.len() <= MEMBERS_MAX;
        (kinds, whole)
    }

    /// Places that patterns can distinguish: those named, those in the named sets, and two that are not mentioned.
    fn places(&self, tests: &[&Condition]) -> Vec<Jurisdiction> {
        let mut all: BTreeSet<Jurisdiction> = ["BR", "NZ"].iter().filter_map(|code| code.parse().ok()).collect();
        let mut patterns: Vec<&Pattern> = Vec::new();
        for condition in tests {
            if let Test::Has(list) | Test::HasNone(list) | Test::Only(list) | Test::OneOf(list) | Test::NoneOf(list) =
                &condition.test
            {
                patterns.extend(list);
            }
        }
        for pattern in &patterns {
            match pattern {
                Pattern::Within(place) | Pattern::Value(Value::Place(place)) => {
                    all.insert(place.clone());
                }
                Pattern::Member(set) => all.extend(self.law.sets.members(set)),
                Pattern::Value(_) => {}
            }
        }
        // Two of each equivalence class: enough for "the same State" and "a different one".
        let env = self.env();
        let mut seen: BTreeMap<Vec<bool>, usize> = BTreeMap::new();
        all.into_iter()
            .filter(|place| {
                let value = Value::Place(place.clone());
                let count = seen.entry(patterns.iter().map(|p| p.matches(&value, &env)).collect()).or_default();
                *count += 1;
                *count <= 2
            })
            .collect()
    }

    fn env(&self) -> Env<'_> {
        Env { values: vec![None; self.law.vocabulary().facts().len()], day: self.day, sets: &self.law.sets }
    }

    /// The other fact that a condition compares with, unless that is the day itself.
    fn other(&self, condition: &Condition) -> Option<FactIndex> {
        let day = |index: &FactIndex| *index == self.law.builtin.day || *index == self.law.builtin.received_day;
        condition.reads().into_iter().skip(1).find(|index| !day(index))
    }

    fn holds(&self, condition: &Condition, value: &Value, other: Option<(FactIndex, &Value)>) -> bool {
        let day = Value::Day(self.day);
        let mut env = self.env();
        env.values[self.law.builtin.day.0] = Some(&day);
        env.values[self.law.builtin.received_day.0] = Some(&day);
        env.values[condition.index.0] = Some(value);
        if let Some((index, value)) = other {
            env.values[index.0] = Some(value);
        }
        condition.holds(&env) == Truth::True
    }

    fn within(&self, forum: &Value, outer: &str) -> bool {
        matches!(forum, Value::Word(forum) if self.law.vocabulary().forum_within(forum, outer))
    }

    fn cell(&self, condition: &Condition, known: &mut Vec<(Condition, Cell)>) -> Cell {
        if let Some((_, cell)) = known.iter().find(|(other, _)| other == condition) {
            return cell.clone();
        }
        let at = condition.index;
        let cell = match self.other(condition) {
            None => Cell::One(at, self.mask_of(at, |value| self.holds(condition, value, None))),
            Some(other) => Cell::Two(
                at,
                other,
                self.values[at.0]
                    .iter()
                    .map(|value| self.mask_of(other, |second| self.holds(condition, value, Some((other, second)))))
                    .collect(),
            ),
        };
        known.push((condition.clone(), cell.clone()));
        cell
    }

    fn bound(&self, binds: &[String]) -> Option<Cell> {
        let forum = self.law.builtin.forum;
        (!binds.is_empty())
            .then(|| Cell::One(forum, self.mask_of(forum, |value| binds.iter().any(|outer| self.within(value, outer)))))
    }
}

pub(crate) fn full(count: usize) -> Mask {
    if count >= VALUES_MAX { Mask::MAX } else { (1 << count) - 1 }
}

fn numbers(test: &Test) -> Vec<i64> {
    match test {
        Test::AtLeast(n) | Test::AtMost(n) => vec![*n],
        Test::OneOf(list) | Test::NoneOf(list) => list
            .iter()
            .filter_map(|pattern| match pattern {
                Pattern::Value(Value::Int(n)) => Some(*n),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// All subsets of these members; if there are too many, only those with at most two.
fn subsets(members: &[Value], whole: bool) -> Vec<Vec<Value>> {
    if whole {
        let count = 1_u32 << members.len();
        let pick = |bits: u32| members.iter().enumerate().filter(move |(at, _)| bits >> at & 1 == 1);
        return (0..count).map(|bits| pick(bits).map(|(_, value)| value.clone()).collect()).collect();
    }
    let mut out = vec![Vec::new()];
    for (at, one) in members.iter().enumerate() {
        out.push(vec![one.clone()]);
        out.extend(members[at + 1..].iter().map(|two| vec![one.clone(), two.clone()]));
    }
    out
}
