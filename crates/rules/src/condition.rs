//! A condition of a rule: a fact and a test on it. Three-valued: for an unknown fact every test is unknown.

use serde::Serialize;
use terms::Jurisdiction;

use crate::places::PlaceSets;
use crate::value::{Day, Kind, Value};

/// A fact's index in the vocabulary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct FactIndex(pub(crate) usize);

/// A fact and a test on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Condition {
    /// The fact's name.
    pub fact: String,
    /// Its index in the vocabulary of this set (not part of the rule's meaning).
    #[serde(skip)]
    pub(crate) index: FactIndex,
    pub test: Test,
}

/// A test on a value. A value of the wrong type counts as unknown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Test {
    /// The value is one of these; for a place: it is within one of them.
    OneOf(Vec<Pattern>),
    /// The value is not one of these.
    NoneOf(Vec<Pattern>),
    /// A number, at least.
    AtLeast(i64),
    /// A number, at most.
    AtMost(i64),
    /// A day before another.
    Before(DayRef),
    /// A day that is the same as another or later.
    OnOrAfter(DayRef),
    /// A set that contains at least one of these.
    Has(Vec<Pattern>),
    /// A set that contains none of these.
    HasNone(Vec<Pattern>),
    /// A set that contains nothing but these.
    Only(Vec<Pattern>),
    /// Two places are the same State.
    SameAs(OtherFact),
    /// Two places are different States.
    DiffersFrom(OtherFact),
}

/// What a value is compared with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Pattern {
    Value(Value),
    /// This State, or a place within it.
    Within(Jurisdiction),
    /// A member of this dated set of States on the day of the decision.
    Member(String),
}

/// A day: fixed, or another fact's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DayRef {
    /// This day.
    Fixed(Day),
    /// The day of another fact.
    Fact(OtherFact),
}

/// Another fact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OtherFact {
    /// Its name.
    pub fact: String,
    #[serde(skip)]
    pub(crate) index: FactIndex,
}

/// The result of a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Truth {
    True,
    False,
    Unknown,
}

impl From<bool> for Truth {
    fn from(yes: bool) -> Self {
        if yes { Self::True } else { Self::False }
    }
}

/// The facts of one unit, by their index in the vocabulary.
pub(crate) struct Env<'a> {
    pub(crate) values: Vec<Option<&'a Value>>,
    pub(crate) day: Day,
    pub(crate) sets: &'a PlaceSets,
}

impl Env<'_> {
    pub(crate) fn value(&self, index: FactIndex) -> Option<&Value> {
        self.values.get(index.0).copied().flatten()
    }
}

impl Condition {
    pub(crate) fn holds(&self, env: &Env<'_>) -> Truth {
        let Some(value) = env.value(self.index) else {
            return Truth::Unknown;
        };
        match (&self.test, value) {
            (Test::OneOf(patterns), _) => patterns.iter().any(|p| p.matches(value, env)).into(),
            (Test::NoneOf(patterns), _) => (!patterns.iter().any(|p| p.matches(value, env))).into(),
            (Test::AtLeast(least), Value::Int(n)) => (n >= least).into(),
            (Test::AtMost(most), Value::Int(n)) => (n <= most).into(),
            (Test::Before(limit), Value::Day(day)) => {
                limit.resolve(env).map_or(Truth::Unknown, |limit| (*day < limit).into())
            }
            (Test::OnOrAfter(limit), Value::Day(day)) => {
                limit.resolve(env).map_or(Truth::Unknown, |limit| (*day >= limit).into())
            }
            (Test::Has(patterns), _) => any_member(value, |v| patterns.iter().any(|p| p.matches(v, env))),
            (Test::HasNone(patterns), _) => not(any_member(value, |v| patterns.iter().any(|p| p.matches(v, env)))),
            (Test::Only(patterns), _) => not(any_member(value, |v| !patterns.iter().any(|p| p.matches(v, env)))),
            (Test::SameAs(other), Value::Place(place)) => same_state(place, env.value(other.index)),
            (Test::DiffersFrom(other), Value::Place(place)) => not(same_state(place, env.value(other.index))),
            _ => Truth::Unknown,
        }
    }

    /// The facts that the test needs but the environment lacks.
    pub(crate) fn missing(&self, env: &Env<'_>) -> Vec<FactIndex> {
        let other = match &self.test {
            Test::SameAs(other)
            | Test::DiffersFrom(other)
            | Test::Before(DayRef::Fact(other))
            | Test::OnOrAfter(DayRef::Fact(other)) => Some(other.index),
            _ => None,
        };
        [Some(self.index), other].into_iter().flatten().filter(|index| env.value(*index).is_none()).collect()
    }

    /// Whether the condition can hold for this instrument; always true for a condition on another fact.
    pub(crate) fn may_be_instrument(&self, word: &str) -> bool {
        let named = |patterns: &[Pattern]| {
            patterns.iter().any(|pattern| matches!(pattern, Pattern::Value(Value::Word(known)) if known == word))
        };
        match &self.test {
            Test::OneOf(patterns) => self.fact != "instrument" || named(patterns),
            Test::NoneOf(patterns) => self.fact != "instrument" || !named(patterns),
            _ => true,
        }
    }

    /// Every fact the condition reads.
    pub(crate) fn reads(&self) -> Vec<FactIndex> {
        let mut reads = vec![self.index];
        if let Test::SameAs(other)
        | Test::DiffersFrom(other)
        | Test::Before(DayRef::Fact(other))
        | Test::OnOrAfter(DayRef::Fact(other)) = &self.test
        {
            reads.push(other.index);
        }
        reads
    }

    /// The fact that the test compares with, if it compares two.
    pub fn other_fact(&self) -> Option<&str> {
        match &self.test {
            Test::SameAs(other)
            | Test::DiffersFrom(other)
            | Test::Before(DayRef::Fact(other))
            | Test::OnOrAfter(DayRef::Fact(other)) => Some(&other.fact),
            _ => None,
        }
    }

    /// The condition in words: `copy_stored has none of US`.
    pub fn describe(&self) -> String {
        let list = |patterns: &[Pattern]| patterns.iter().map(Pattern::describe).collect::<Vec<_>>().join(" or ");
        let test = match &self.test {
            Test::OneOf(patterns) => format!("is {}", list(patterns)),
            Test::NoneOf(patterns) => format!("is not {}", list(patterns)),
            Test::AtLeast(n) => format!("is at least {n}"),
            Test::AtMost(n) => format!("is at most {n}"),
            Test::Before(day) => format!("is before {}", day.describe()),
            Test::OnOrAfter(day) => format!("is {} or later", day.describe()),
            Test::Has(patterns) => format!("has {}", list(patterns)),
            Test::HasNone(patterns) => format!("has no {}", list(patterns)),
            Test::Only(patterns) => format!("has nothing but {}", list(patterns)),
            Test::SameAs(other) => format!("is the State of {}", other.fact),
            Test::DiffersFrom(other) => format!("is a different State from {}", other.fact),
        };
        format!("{} {test}", self.fact)
    }
}

impl DayRef {
    fn resolve(&self, env: &Env<'_>) -> Option<Day> {
        match self {
            Self::Fixed(day) => Some(*day),
            Self::Fact(other) => match env.value(other.index)? {
                Value::Day(day) => Some(*day),
                _ => None,
            },
        }
    }

    fn describe(&self) -> String {
        match self {
            Self::Fixed(day) => day.to_string(),
            Self::Fact(other) => other.fact.clone(),
        }
    }
}

impl Pattern {
    pub(crate) fn matches(&self, value: &Value, env: &Env<'_>) -> bool {
        match (self, value) {
            (Self::Value(wanted), _) => wanted == value,
            (Self::Within(wanted), Value::Place(place)) => within(place, wanted),
            (Self::Member(set), Value::Place(place)) => env.sets.has(set, place, env.day),
            _ => false,
        }
    }

    fn describe(&self) -> String {
        match self {
            Self::Value(value) => value.to_string(),
            Self::Within(place) => place.to_string(),
            Self::Member(set) => format!("a member of {set}"),
        }
    }
}

/// Whether `place` is `wanted` or within it: `US-NY` is within `US`.
pub(crate) fn within(place: &Jurisdiction, wanted: &Jurisdiction) -> bool {
    place == wanted || place.state() == wanted.as_str()
}

fn same_state(place: &Jurisdiction, other: Option<&Value>) -> Truth {
    match other {
        Some(Value::Place(other)) => (place.state() == other.state()).into(),
        _ => Truth::Unknown,
    }
}

fn not(truth: Truth) -> Truth {
    match truth {
        Truth::True => Truth::False,
        Truth::False => Truth::True,
        Truth::Unknown => Truth::Unknown,
    }
}

fn any_member(value: &Value, test: impl Fn(&Value) -> bool) -> Truth {
    match value {
        Value::Places(places) => places.iter().any(|place| test(&Value::Place(place.clone()))).into(),
        Value::Words(words) => words.iter().any(|word| test(&Value::Word(word.clone()))).into(),
        _ => Truth::Unknown,
    }
}

/// Parses one condition of a `when` table. `find` looks up a fact by name.
pub(crate) fn read(
    name: &str,
    raw: &toml::Value,
    find: &dyn Fn(&str) -> Option<(FactIndex, Kind)>,
    sets: &PlaceSets,
) -> Result<Condition, String> {
    let (index, kind) = find(name).ok_or_else(|| {
        format!("`{name}` is not a fact in vocabulary.toml; correct the name, or declare the fact there")
    })?;
    let test = match raw {
        toml::Value::Table(table) => {
            let mut entries = table.iter();
            let (Some((operator, operand)), None) = (entries.next(), entries.next()) else {
                return Err(format!(
                    "`{name}`: only one test per fact is allowed, such as {{ not = … }}; write two rules instead"
                ));
            };
            read_test(operator, operand, &kind, find, sets)
        }
        _ if matches!(kind, Kind::Places | Kind::Words(_)) => {
            Err("is a set: use { has = … }, { has_none = … } or { only = … }".to_owned())
        }
        _ => patterns(&kind, raw, sets).map(Test::OneOf),
    }
    .map_err(|error| format!("`{name}`: {error}"))?;
    Ok(Condition { fact: name.to_owned(), index, test })
}

fn read_test(
    operator: &str,
    operand: &toml::Value,
    kind: &Kind,
    find: &dyn Fn(&str) -> Option<(FactIndex, Kind)>,
    sets: &PlaceSets,
) -> Result<Test, String> {
    let element = match kind {
        Kind::Places => Some(Kind::Place),
        Kind::Words(words) => Some(Kind::Word(words.clone())),
        _ => None,
    };
    let other = |wanted: &Kind| {
        let name = operand.as_str().ok_or("expected the name of another fact")?;
        match find(name) {
            Some((index, found)) if found == *wanted => Ok(OtherFact { fact: name.to_owned(), index }),
            Some(_) => Err(format!("`{name}` has a different type")),
            None => Err(format!("`{name}` is not a fact in vocabulary.toml")),
        }
    };
    let day = || match operand {
        toml::Value::Datetime(when) => crate::value::read_day(when).map(DayRef::Fixed),
        _ => other(&Kind::Day).map(DayRef::Fact),
    };
    let int = || operand.as_integer().ok_or_else(|| "expected a whole number".to_owned());
    match (operator, kind, element) {
        ("has", _, Some(element)) => patterns(&element, operand, sets).map(Test::Has),
        ("has_none", _, Some(element)) => patterns(&element, operand, sets).map(Test::HasNone),
        ("only", _, Some(element)) => patterns(&element, operand, sets).map(Test::Only),
        ("one_of", _, None) => patterns(kind, operand, sets).map(Test::OneOf),
        ("not" | "none_of", _, None) => patterns(kind, operand, sets).map(Test::NoneOf),
        ("at_least", Kind::Int, _) => int().map(Test::AtLeast),
        ("at_most", Kind::Int, _) => int().map(Test::AtMost),
        ("before", Kind::Day, _) => day().map(Test::Before),
        ("on_or_after", Kind::Day, _) => day().map(Test::OnOrAfter),
        ("same_as", Kind::Place, _) => other(&Kind::Place).map(Test::SameAs),
        ("differs_from", Kind::Place, _) => other(&Kind::Place).map(Test::DiffersFrom),
        _ => Err(format!(
            "`{operator}` is not a test for {}; the tests are: has, has_none, only (sets); one_of, not, none_of (all others); at_least, at_most (numbers); before, on_or_after (days); same_as, differs_from (jurisdictions)",
            kind.describe()
        )),
    }
}

/// A pattern or a list of patterns.
fn patterns(kind: &Kind, raw: &toml::Value, sets: &PlaceSets) -> Result<Vec<Pattern>, String> {
    let one = std::slice::from_ref(raw);
    let list = raw.as_array().map_or(one, Vec::as_slice);
    if list.is_empty() {
        return Err("an empty list never matches; remove the condition".to_owned());
    }
    list.iter()
        .map(|raw| match (kind, raw.as_str()) {
            (Kind::Place, Some(text)) => place_pattern(text, sets),
            _ => Value::read(kind, raw).map(Pattern::Value),
        })
        .collect()
}

fn place_pattern(text: &str, sets: &PlaceSets) -> Result<Pattern, String> {
    if let Some(name) = text.strip_prefix('@') {
        return if sets.knows(name) {
            Ok(Pattern::Member(name.to_owned()))
        } else {
            Err(format!("`@{name}` is not a set of States; declare it with [[set]]"))
        };
    }
    // A union such as EU is a set of that name if the law declares one.
    if sets.knows(text) {
        return Ok(Pattern::Member(text.to_owned()));
    }
    text.parse().map(Pattern::Within).map_err(|error| format!("`{text}`: {error}"))
}
