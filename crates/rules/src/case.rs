//! Cases: facts and the expected decision, as files beside the rules. They are the tests of the law.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use terms::{Category, Jurisdiction, UnixMillis};

use crate::decision::{Action, ChallengeState, Mode, Notice, Outcome, SilenceState};
use crate::errors::{LawError, LawErrors, toml_error};
use crate::facts::{FactMap, Facts, Known, Provenance, RequestedItem, RuleSignature, Scope, StoredCopy};
use crate::law::LawSet;
use crate::rule::DeadlinePurpose;
use crate::value::{Value, read_day};
use crate::vocabulary::About;
use crate::zones;

/// Facts with the expected decision.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Case {
    pub id: String,
    pub file: String,
    /// What it is about.
    pub title: String,
    /// Service or what-if.
    pub mode: Mode,
    pub facts: Facts,
    pub(crate) expect: Expect,
}

impl Case {
    /// The expected outcome of the whole demand, if the case states one.
    pub fn expected(&self) -> Option<Outcome> {
        self.expect.outcome
    }
}

/// The expectation. What is omitted is not checked.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expect {
    pub(crate) outcome: Option<Outcome>,
    /// By `item` or `item @ copy`.
    #[serde(default)]
    pub(crate) outcomes: BTreeMap<String, Outcome>,
    /// Each must be part of a citation.
    #[serde(default)]
    pub(crate) cites: Vec<String>,
    /// Rules that must take part in the decision.
    #[serde(default)]
    pub(crate) rules: Vec<String>,
    /// Rules that must not take part.
    #[serde(default)]
    pub(crate) not_rules: Vec<String>,
    pub(crate) contested: Option<bool>,
    /// Whether the decision rests on an unconfirmed rule.
    pub(crate) unconfirmed: Option<bool>,
    #[serde(default)]
    pub(crate) actions: Vec<Action>,
    #[serde(default)]
    pub(crate) not_actions: Vec<Action>,
    #[serde(default)]
    pub(crate) flags: Vec<String>,
    pub(crate) silence: Option<SilenceState>,
    pub(crate) notice: Option<Notice>,
    pub(crate) challenge: Option<ExpectChallenge>,
    #[serde(default)]
    pub(crate) deadlines: Vec<ExpectDeadline>,
    /// Ids of routes.
    #[serde(default)]
    pub(crate) redirect: Vec<String>,
    /// Each must be part of a condition.
    #[serde(default)]
    pub(crate) needs: Vec<String>,
    /// The facts asked for, in order.
    #[serde(default)]
    pub(crate) questions: Vec<String>,
    pub(crate) conflict: Option<ExpectConflict>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ExpectChallenge {
    Open,
    Closed,
    ReferCounsel,
    None,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExpectDeadline {
    pub(crate) purpose: DeadlinePurpose,
    /// A local day or a moment.
    pub(crate) at: toml::value::Datetime,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExpectConflict {
    pub(crate) compels: String,
    pub(crate) bars: String,
}

impl ExpectChallenge {
    pub(crate) fn is(self, state: Option<ChallengeState>) -> bool {
        match self {
            Self::Open => state == Some(ChallengeState::Open),
            Self::Closed => state == Some(ChallengeState::Closed),
            Self::ReferCounsel => state == Some(ChallengeState::ReferCounsel),
            Self::None => state.is_none(),
        }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCase {
    id: String,
    title: String,
    /// The case whose facts apply unless this one overrides them.
    like: Option<String>,
    /// The day of the decision and, unless `received` is given, of receipt.
    on: Option<toml::value::Datetime>,
    received: Option<toml::value::Datetime>,
    known_on: Option<toml::value::Datetime>,
    mode: Option<Mode>,
    home: Option<Jurisdiction>,
    zone: Option<String>,
    #[serde(default)]
    signed: Vec<String>,
    /// Facts of the demand, by name.
    #[serde(default)]
    facts: toml::Table,
    /// Facts inherited through `like` that are unknown here.
    #[serde(default)]
    unknown: Vec<String>,
    item: Option<Vec<toml::Table>>,
    copy: Option<Vec<toml::Table>>,
    /// Without one, the case is only a template for others.
    expect: Option<Expect>,
    /// The same facts on other days, each with its expectation: this tests the first and last day of a rule.
    #[serde(default)]
    day: Vec<RawDay>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDay {
    on: toml::value::Datetime,
    expect: Expect,
}

/// Parses the case files among `files` (paths with a folder `cases/`); other files are skipped.
///
/// # Errors
/// All errors in all cases.
pub fn read_cases<P: AsRef<str>, T: AsRef<str>>(law: &LawSet, files: &[(P, T)]) -> Result<Vec<Case>, LawErrors> {
    let mut errors = Vec::new();
    let mut raw: BTreeMap<String, (String, RawCase)> = BTreeMap::new();
    for (path, text) in files {
        let path = path.as_ref();
        if !(path.split('/').any(|folder| folder == "cases") && path.ends_with(".toml")) {
            continue;
        }
        match toml::from_str::<RawCase>(text.as_ref()) {
            Ok(case) => {
                let id = case.id.clone();
                if let Some((other, _)) = raw.insert(id.clone(), (path.to_owned(), case)) {
                    errors.push(fault(path, format!("duplicate case id `{id}`, also in {other}")));
                }
            }
            Err(error) => errors.push(toml_error(path, text.as_ref(), &error)),
        }
    }
    let mut cases = Vec::new();
    for (path, case) in raw.values() {
        for (id, case, expect) in days(case) {
            match whole(&raw, &case).and_then(|case| facts(law, &case)) {
                Ok(facts) => cases.push(Case {
                    id,
                    file: path.clone(),
                    title: case.title,
                    mode: case.mode.unwrap_or(Mode::WhatIf),
                    facts,
                    expect,
                }),
                Err(what) => errors.push(fault(path, what)),
            }
        }
    }
    errors.sort();
    if errors.is_empty() { Ok(cases) } else { Err(LawErrors(errors)) }
}

/// The case itself, if it has an expectation, and one more for each of its days.
fn days(case: &RawCase) -> Vec<(String, RawCase, Expect)> {
    let own = case.expect.iter().map(|expect| (case.id.clone(), case.clone(), expect.clone()));
    let days = case.day.iter().map(|day| {
        let moved = RawCase { on: Some(day.on), received: None, ..case.clone() };
        (format!("{} on {}", case.id, day.on), moved, day.expect.clone())
    });
    own.chain(days).collect()
}

fn fault(file: &str, what: String) -> LawError {
    LawError { file: file.to_owned(), line: None, rule: None, what }
}

/// The case merged with those it refers to by `like`.
fn whole(all: &BTreeMap<String, (String, RawCase)>, case: &RawCase) -> Result<RawCase, String> {
    let mut out = case.clone();
    let mut next = case.like.clone();
    let mut seen = BTreeSet::from([case.id.clone()]);
    while let Some(id) = next.take() {
        if !seen.insert(id.clone()) {
            return Err(format!("circular `like` reference through `{id}`"));
        }
        let (_, other) = all.get(&id).ok_or_else(|| format!("`like` names `{id}`, which is not a case"))?;
        for (name, value) in &other.facts {
            if !out.facts.contains_key(name) && !out.unknown.contains(name) {
                out.facts.insert(name.clone(), value.clone());
            }
        }
        out.unknown.extend(other.unknown.iter().cloned());
        out.item = out.item.or_else(|| other.item.clone());
        out.copy = out.copy.or_else(|| other.copy.clone());
        out.home = out.home.or_else(|| other.home.clone());
        out.zone = out.zone.or_else(|| other.zone.clone());
        if out.on.is_none() && out.received.is_none() {
            out.on.clone_from(&other.on);
            out.received.clone_from(&other.received);
        }
        next.clone_from(&other.like);
    }
    Ok(out)
}

fn facts(law: &LawSet, case: &RawCase) -> Result<Facts, String> {
    let zone = case.zone.clone().unwrap_or_else(|| "Europe/Dublin".to_owned());
    if !zones::knows_zone(&zone) {
        return Err(format!("`{zone}` is not an IANA time zone"));
    }
    let on = case.on.as_ref().map(read_day).transpose()?;
    let received = match &case.received {
        Some(raw) => Some(at(raw)?),
        None => on.map(|day| crate::demand::what_if_moment(day, &zone)),
    };
    let received = received.ok_or("a case needs `on` (a day) or `received` (a moment)")?;
    let home = match &case.home {
        Some(home) => home.clone(),
        None => "IE".parse().map_err(|error| format!("{error}"))?,
    };
    let mut items = Vec::new();
    for table in case.item.iter().flatten() {
        let mut table = table.clone();
        let word = take_text(&mut table, "item")?;
        let name = if table.contains_key("name") { take_text(&mut table, "name")? } else { word.clone() };
        let def = law.vocabulary().item(&word).ok_or_else(|| format!("`{word}` is not an item in the vocabulary"))?;
        let mut known = typed(law, &table, About::Item)?;
        known.insert("item".to_owned(), Known::demand(Value::Word(word)));
        known.entry("item_future".to_owned()).or_insert(Known::computed(Value::Bool(false)));
        law.vocabulary().fill_silence(&mut known, About::Item, &case.unknown);
        items.push(RequestedItem { name, category: def.category, known });
    }
    let mut copies = Vec::new();
    for table in case.copy.iter().flatten() {
        let mut table = table.clone();
        let name = take_text(&mut table, "name")?;
        let holds = match table.remove("holds") {
            Some(raw) => {
                raw.try_into::<BTreeSet<Category>>().map_err(|error| format!("`holds`: {}", error.message()))?
            }
            None => Category::ALL.into_iter().collect(),
        };
        let mut known = typed(law, &table, About::Copy)?;
        law.vocabulary().fill_silence(&mut known, About::Copy, &case.unknown);
        copies.push(StoredCopy { name, holds, known });
    }
    let signed = case
        .signed
        .iter()
        .map(|id| {
            let rule = law.rule(id).ok_or_else(|| format!("`signed` names `{id}`, which is not a rule"))?;
            Ok(RuleSignature { rule: id.clone(), digest: rule.digest(), counsel: "counsel".to_owned(), at: received })
        })
        .collect::<Result<_, String>>()?;
    let mut known = typed(law, &case.facts, About::Demand)?;
    law.vocabulary().fill_silence(&mut known, About::Demand, &case.unknown);
    Ok(Facts {
        home,
        received,
        on: on.unwrap_or_else(|| zones::local_day(received, &zone)),
        known_on: case.known_on.as_ref().map(read_day).transpose()?,
        scope: Scope { from: UnixMillis(0), until: received },
        known,
        zone,
        items,
        copies,
        signed,
    })
}

pub(crate) fn at(raw: &toml::value::Datetime) -> Result<UnixMillis, String> {
    raw.to_string()
        .parse::<jiff::Timestamp>()
        .map(|at| UnixMillis(at.as_millisecond()))
        .map_err(|_| format!("`{raw}` is not a moment with an offset such as 2026-09-02T09:30:00+01:00"))
}

fn take_text(table: &mut toml::Table, field: &str) -> Result<String, String> {
    match table.remove(field) {
        Some(toml::Value::String(text)) => Ok(text),
        _ => Err(format!("`{field}` is missing or not a text (an item needs `item`, a copy needs `name`)")),
    }
}

pub(crate) fn typed(law: &LawSet, table: &toml::Table, about: About) -> Result<FactMap, String> {
    table
        .iter()
        .map(|(name, raw)| {
            let def = law
                .vocabulary()
                .fact(name)
                .filter(|def| def.about == about)
                .ok_or_else(|| format!("`{name}` is not a fact about a {about:?} in the vocabulary"))?;
            let value = Value::read(&def.kind, raw).map_err(|what| format!("`{name}`: {what}"))?;
            Ok((name.clone(), Known { value, from: Provenance::Officer }))
        })
        .collect()
}
