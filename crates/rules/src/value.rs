//! The types of facts. There are seven, all finite or ordered, so that every test is total: no text patterns, no
//! floats, nothing that depends on the outside world.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use terms::Jurisdiction;

/// A calendar day, written `2026-11-23`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Day(pub(crate) jiff::civil::Date);

/// The text is not a valid day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayError;

impl fmt::Display for DayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected a valid date in the form YYYY-MM-DD")
    }
}

impl std::error::Error for DayError {}

impl Day {
    /// The day with these numbers, if it exists.
    pub fn new(year: i16, month: i8, day: i8) -> Option<Self> {
        jiff::civil::Date::new(year, month, day).ok().map(Self)
    }

    /// The year.
    pub fn year(self) -> i16 {
        self.0.year()
    }

    /// How many days later `other` is; negative if it is earlier.
    pub fn days_until(self, other: Self) -> i64 {
        self.0.duration_until(other.0).as_hours() / 24
    }

    /// `days` later (earlier if negative), saturating at the ends of the calendar (years -9999 to 9999).
    #[must_use]
    pub fn plus_days(self, days: i64) -> Self {
        Self(self.0.saturating_add(jiff::SignedDuration::from_hours(days.saturating_mul(24))))
    }
}

impl FromStr for Day {
    type Err = DayError;

    fn from_str(text: &str) -> Result<Self, DayError> {
        // Exactly ten characters: jiff also accepts `20261123` and date-times, which our files must not contain.
        if text.len() != 10 {
            return Err(DayError);
        }
        text.parse().map(Self).map_err(|_| DayError)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Day {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// The type of a fact, as the vocabulary declares it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Kind {
    /// Yes or no.
    Bool,
    /// A whole number.
    Int,
    Day,
    /// One word of a closed list.
    Word(Vec<String>),
    /// A set of words of a closed list.
    Words(Vec<String>),
    /// A jurisdiction.
    Place,
    /// A set of jurisdictions.
    Places,
}

/// The value of a known fact. An unknown fact has no value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Value {
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Int(i64),
    Day(Day),
    /// One word of a closed list.
    Word(String),
    /// A set of words of a closed list.
    Words(BTreeSet<String>),
    /// A jurisdiction.
    Place(Jurisdiction),
    /// A set of jurisdictions. The empty set means "nowhere", not unknown.
    Places(BTreeSet<Jurisdiction>),
}

impl Value {
    /// Whether the value has this type; a word must be one of the type's words.
    pub fn is_of(&self, kind: &Kind) -> bool {
        match (self, kind) {
            (Self::Bool(_), Kind::Bool)
            | (Self::Int(_), Kind::Int)
            | (Self::Day(_), Kind::Day)
            | (Self::Place(_), Kind::Place)
            | (Self::Places(_), Kind::Places) => true,
            (Self::Word(word), Kind::Word(words)) => words.contains(word),
            (Self::Words(set), Kind::Words(words)) => set.iter().all(|word| words.contains(word)),
            _ => false,
        }
    }

    /// Parses a value of type `kind` from TOML. The error says what was expected.
    pub(crate) fn read(kind: &Kind, raw: &toml::Value) -> Result<Self, String> {
        match (kind, raw) {
            (Kind::Bool, toml::Value::Boolean(yes)) => Ok(Self::Bool(*yes)),
            (Kind::Int, toml::Value::Integer(n)) => Ok(Self::Int(*n)),
            (Kind::Day, toml::Value::Datetime(when)) => read_day(when).map(Self::Day),
            (Kind::Word(words), toml::Value::String(word)) => one_of(words, word).map(Self::Word),
            (Kind::Place, toml::Value::String(code)) => {
                code.parse().map(Self::Place).map_err(|error| format!("`{code}`: {error}"))
            }
            (Kind::Words(words), toml::Value::Array(list)) => list
                .iter()
                .map(|raw| text_of(raw).and_then(|word| one_of(words, word)))
                .collect::<Result<_, _>>()
                .map(Self::Words),
            (Kind::Places, toml::Value::Array(list)) => list
                .iter()
                .map(|raw| text_of(raw).and_then(|code| code.parse().map_err(|error| format!("`{code}`: {error}"))))
                .collect::<Result<_, _>>()
                .map(Self::Places),
            _ => Err(format!("expected {}, found {}", kind.describe(), raw.type_str())),
        }
    }
}

/// Parses a day from TOML, which must be a local date.
pub(crate) fn read_day(when: &toml::value::Datetime) -> Result<Day, String> {
    match (when.date, when.time, when.offset) {
        (Some(date), None, None) => i16::try_from(date.year)
            .ok()
            .zip(i8::try_from(date.month).ok())
            .zip(i8::try_from(date.day).ok())
            .and_then(|((year, month), day)| Day::new(year, month, day))
            .ok_or_else(|| DayError.to_string()),
        _ => Err(format!("expected a day such as 2026-11-23, found {when}")),
    }
}

fn text_of(raw: &toml::Value) -> Result<&str, String> {
    raw.as_str().ok_or_else(|| format!("expected a text in quotes, found {}", raw.type_str()))
}

fn one_of(words: &[String], word: &str) -> Result<String, String> {
    if words.iter().any(|known| known == word) {
        Ok(word.to_owned())
    } else {
        Err(format!("`{word}` is not one of: {}", words.join(", ")))
    }
}

impl Kind {
    /// The type in words, for errors.
    pub fn describe(&self) -> String {
        match self {
            Self::Bool => "true or false".to_owned(),
            Self::Int => "a whole number".to_owned(),
            Self::Day => "a day such as 2026-11-23 (without quotes)".to_owned(),
            Self::Word(words) => format!("one of: {}", words.join(", ")),
            Self::Words(words) => format!("a list of: {}", words.join(", ")),
            Self::Place => "a jurisdiction such as \"IE\"".to_owned(),
            Self::Places => "a list of jurisdictions such as [\"IE\"]".to_owned(),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(yes) => f.write_str(if *yes { "yes" } else { "no" }),
            Self::Int(n) => n.fmt(f),
            Self::Day(day) => day.fmt(f),
            Self::Word(word) => f.write_str(word),
            Self::Words(words) => list(f, words.iter().map(String::as_str)),
            Self::Place(place) => place.fmt(f),
            Self::Places(places) => list(f, places.iter().map(Jurisdiction::as_str)),
        }
    }
}

fn list<'a>(f: &mut fmt::Formatter<'_>, texts: impl Iterator<Item = &'a str>) -> fmt::Result {
    let texts: Vec<_> = texts.collect();
    f.write_str(&if texts.is_empty() { "none".to_owned() } else { texts.join(", ") })
}
