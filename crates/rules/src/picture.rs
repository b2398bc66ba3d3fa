//! Pictures of the law over time: the facts of one case, decided on every day on which the answer could change. A
//! picture shows what the rules say; its file contains facts, forums and events, but no outcomes.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::case::{Case, typed};
use crate::condition::{DayRef, Test};
use crate::decision::{Mode, Outcome};
use crate::demand::what_if_moment;
use crate::errors::{LawError, LawErrors, toml_error};
use crate::facts::{Facts, Scope};
use crate::judge::decide;
use crate::law::LawSet;
use crate::rule::Confidence;
use crate::value::{Day, read_day};
use crate::vocabulary::About;

/// The maximum number of rows: more than a reader can compare.
const ROWS_MAX: usize = 24;

/// One case over time, before several forums.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Picture {
    /// Its id: the name of its page.
    pub id: String,
    pub title: String,
    /// A note for readers; may be empty.
    pub note: String,
    /// The case whose facts are decided.
    pub case: String,
    /// The first day shown.
    pub from: Day,
    /// The last day shown.
    pub until: Day,
    /// One row per forum or other variation of the facts.
    pub rows: Vec<PictureRow>,
    /// The events, in order of day.
    pub events: Vec<PictureEvent>,
}

/// The answers to one variation of the facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PictureRow {
    /// The variation, in words.
    pub name: String,
    /// The answers, in order of day, without a gap.
    pub spans: Vec<Span>,
}

/// A period with one answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The first day.
    pub from: Day,
    /// The last day.
    pub until: Day,
    /// The answer.
    pub outcome: Outcome,
    /// Whether a deciding rule is contested.
    pub contested: bool,
    /// Whether there is a conflict of laws.
    pub conflict: bool,
    /// The deciding rules.
    pub rules: BTreeSet<String>,
    /// The unconfirmed rules that the answer rests on.
    pub unconfirmed: BTreeSet<String>,
}

/// An event.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct PictureEvent {
    pub day: Day,
    /// A short description.
    pub text: String,
    /// The citations.
    pub cite: Vec<String>,
    /// The source consulted.
    pub source: String,
    /// How well it was read.
    pub confidence: Confidence,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPicture {
    id: String,
    title: String,
    #[serde(default)]
    note: String,
    case: String,
    from: toml::value::Datetime,
    until: toml::value::Datetime,
    row: Vec<RawRow>,
    #[serde(default)]
    event: Vec<RawEvent>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRow {
    name: String,
    /// Facts of the demand that differ from those of the case.
    facts: toml::Table,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEvent {
    day: toml::value::Datetime,
    text: String,
    cite: Vec<String>,
    source: String,
    confidence: Confidence,
}

/// Parses the pictures among `files` (paths with a folder `pictures/`) and decides their rows.
///
/// # Errors
/// All errors in all pictures: a missing case, a fact or word that is not in the vocabulary, days in the wrong order.
pub fn read_pictures<P: AsRef<str>, T: AsRef<str>>(
    law: &LawSet,
    cases: &[Case],
    files: &[(P, T)],
) -> Result<Vec<Picture>, LawErrors> {
    let mut pictures = Vec::new();
    let mut errors = Vec::new();
    for (path, text) in files {
        let (path, text) = (path.as_ref(), text.as_ref());
        if !(path.split('/').any(|folder| folder == "pictures") && path.ends_with(".toml")) {
            continue;
        }
        let read = toml::from_str::<RawPicture>(text)
            .map_err(|error| toml_error(path, text, &error))
            .and_then(|raw| picture(law, cases, raw).map_err(|what| fault(path, what)));
        match read {
            Ok(picture) => pictures.push(picture),
            Err(error) => errors.push(error),
        }
    }
    pictures.sort_by(|a: &Picture, b| a.id.cmp(&b.id));
    if errors.is_empty() { Ok(pictures) } else { Err(LawErrors(errors)) }
}

fn fault(file: &str, what: String) -> LawError {
    LawError { file: file.to_owned(), line: None, rule: None, what }
}

fn picture(law: &LawSet, cases: &[Case], raw: RawPicture) -> Result<Picture, String> {
    let case = cases
        .iter()
        .find(|case| case.id == raw.case)
        .ok_or_else(|| format!("`case` names `{}`, which is not a case with an [expect]", raw.case))?;
    let (from, until) = (read_day(&raw.from)?, read_day(&raw.until)?);
    if until < from {
        return Err(format!("`until` ({until}) is before `from` ({from})"));
    }
    if raw.row.len() > ROWS_MAX {
        return Err(format!("more than {ROWS_MAX} rows"));
    }
    let days = days_of_change(law, from, until);
    let rows = raw
        .row
        .into_iter()
        .map(|row| {
            let mut facts = case.facts.clone();
            facts.known.extend(typed(law, &row.facts, About::Demand)?);
            Ok(PictureRow { name: row.name, spans: spans(law, &facts, &days, until) })
        })
        .collect::<Result<_, String>>()?;
    let mut events = raw
        .event
        .into_iter()
        .map(|event| {
            let day = read_day(&event.day)?;
            if day < from || until < day {
                return Err(format!("the event of {day} is outside the picture"));
            }
            let RawEvent { text, cite, source, confidence, .. } = event;
            Ok(PictureEvent { day, text, cite, source, confidence })
        })
        .collect::<Result<Vec<_>, String>>()?;
    events.sort_by_key(|event| event.day);
    Ok(Picture { id: raw.id, title: raw.title, note: raw.note, case: raw.case, from, until, rows, events })
}

/// `from`, and every later day up to `until` on which a rule, route or membership begins or has just ended, or to which
/// a condition refers: between two of them the same facts always have the same answer.
pub(crate) fn days_of_change(law: &LawSet, from: Day, until: Day) -> Vec<Day> {
    let mut days = BTreeSet::from([from]);
    let forces = law.rules().iter().map(|rule| rule.in_force).chain(law.routes().iter().map(|route| route.in_force));
    for force in forces {
        days.insert(force.from);
        days.extend(force.to.map(|to| to.plus_days(1)));
    }
    for member in law.place_sets().flat_map(|set| &set.members) {
        days.extend(member.from);
        days.extend(member.to.map(|to| to.plus_days(1)));
    }
    for condition in law.rules().iter().flat_map(|rule| &rule.when) {
        if let Test::Before(DayRef::Fixed(day)) | Test::OnOrAfter(DayRef::Fixed(day)) = &condition.test {
            days.insert(*day);
        }
    }
    days.into_iter().filter(|day| from <= *day && *day <= until).collect()
}

fn spans(law: &LawSet, facts: &Facts, days: &[Day], until: Day) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    for (at, day) in days.iter().enumerate() {
        let last = days.get(at + 1).map_or(until, |next| next.plus_days(-1));
        let next = answer(law, facts, *day, last);
        match spans.last_mut() {
            Some(span) if same(span, &next) => span.until = last,
            _ => spans.push(next),
        }
    }
    spans
}

fn same(one: &Span, two: &Span) -> bool {
    one.outcome == two.outcome
        && one.contested == two.contested
        && one.conflict == two.conflict
        && one.rules == two.rules
        && one.unconfirmed == two.unconfirmed
}

fn answer(law: &LawSet, facts: &Facts, day: Day, until: Day) -> Span {
    let received = what_if_moment(day, &facts.zone);
    let facts = Facts { on: day, received, scope: Scope { from: facts.scope.from, until: received }, ..facts.clone() };
    let decision = decide(law, &facts, Mode::WhatIf);
    let units = || decision.units.iter();
    Span {
        from: day,
        until,
        outcome: decision.outcome,
        contested: units().any(|unit| unit.contested),
        conflict: units().any(|unit| unit.conflict.is_some()),
        rules: units().flat_map(|unit| unit.rules.iter().cloned()).collect(),
        unconfirmed: units().flat_map(|unit| unit.unconfirmed.iter().cloned()).collect(),
    }
}
