//! Loading a law set: its files are parsed and checked together, and accepted as a whole or not at all.
//!
//! Long because every check of a file and of a rule reports through the same list of errors.

use std::collections::{BTreeMap, BTreeSet};

use terms::{Category, Digest};

use crate::authorities::{RawAuthorities, RouteAuthority};
use crate::calendar::Calendar;
use crate::condition::{self, Condition, FactIndex};
use crate::errors::{LawError, LawErrors, line_at, toml_error};
use crate::invariant::{Impossible, Invariant, RawInvariants};
use crate::law::{Builtin, Candidates, FileHead, LawSet, RouteDef, RuleIndex, sha256};
use crate::places::{Member, PlaceSet, PlaceSets};
use crate::raw::{RawFile, RawInForce, RawRoute, RawRule, RawSet, RawTerm};
use crate::rule::{Basis, Confidence, Effect, InForce, Rule, SilenceTerm, Start, Term, Topic, Unit};
use crate::value::{Day, Kind, read_day};
use crate::vocabulary::{About, Vocabulary};

/// The longest term: ten years in days. It only bounds computations; no statute comes near it.
pub(crate) const TERM_MAX: i64 = 3660;

/// The kind of a file in `law/`, by its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FileKind {
    Vocabulary,
    Calendar,
    Rules,
    Invariants,
    Authorities,
    /// Cases, examples, letters, pictures: they take no part in decisions.
    Aside,
}

fn file_kind(path: &str) -> FileKind {
    let folders: Vec<&str> = path.split('/').collect();
    let (file, folders) = folders.split_last().map_or(("", [].as_slice()), |(file, rest)| (*file, rest));
    if !file.ends_with(".toml") || folders.iter().any(|f| ["cases", "examples", "letters", "pictures"].contains(f)) {
        FileKind::Aside
    } else if file == "vocabulary.toml" {
        FileKind::Vocabulary
    } else if file == "invariants.toml" {
        FileKind::Invariants
    } else if file == "authorities.toml" {
        FileKind::Authorities
    } else if folders.last() == Some(&"calendars") {
        FileKind::Calendar
    } else {
        FileKind::Rules
    }
}

impl LawSet {
    /// Loads a set from `(path, text)` pairs, with paths relative to `law/`. Files in `cases/`, `examples/`, `letters/`
    /// and `pictures/`, and files that are not `.toml`, are skipped: they decide nothing and are not part of the digest.
    ///
    /// # Errors
    /// All errors in all files, each with file, line, rule and what to do.
    pub fn load<P: AsRef<str>, T: AsRef<str>>(files: &[(P, T)]) -> Result<Self, LawErrors> {
        let mut files: Vec<(&str, &str)> = files
            .iter()
            .map(|(path, text)| (path.as_ref(), text.as_ref()))
            .filter(|(path, _)| file_kind(path) != FileKind::Aside)
            .collect();
        files.sort_unstable();
        Loader::default().load(&files)
    }
}

impl Candidates {
    fn new(rules: &[Rule], vocabulary: &Vocabulary) -> Self {
        let mut all: BTreeMap<(Topic, Option<Category>), Vec<Vec<RuleIndex>>> = BTreeMap::new();
        let instruments = &vocabulary.instruments;
        for topic in [Topic::Disclosure, Topic::Silence, Topic::Challenge, Topic::Time, Topic::Note] {
            for category in Category::ALL.into_iter().map(Some).chain([None]) {
                all.insert((topic, category), vec![Vec::new(); instruments.len()]);
            }
        }
        for (at, rule) in rules.iter().enumerate() {
            let of_rule = all.iter_mut().filter(|((topic, category), _)| {
                *topic == rule.effect.topic()
                    && (rule.asks.is_empty() || category.is_some_and(|category| rule.asks.contains(&category)))
            });
            for (_, by_instrument) in of_rule {
                for (word, list) in instruments.iter().zip(by_instrument) {
                    if rule.when.iter().all(|condition| condition.may_be_instrument(&word.name)) {
                        list.push(RuleIndex(at));
                    }
                }
            }
        }
        Self(all)
    }
}

#[derive(Default)]
struct Loader {
    errors: Vec<LawError>,
    sets: PlaceSets,
    calendars: BTreeMap<String, Calendar>,
    routes: Vec<RouteDef>,
    authorities: Vec<RouteAuthority>,
    heads: Vec<FileHead>,
    rules: Vec<Rule>,
    invariants: Vec<Invariant>,
    impossible: Vec<Impossible>,
}

/// The location of an error.
#[derive(Clone, Copy)]
struct Location<'a> {
    file: &'a str,
    line: usize,
    rule: Option<&'a str>,
}

impl Loader {
    fn fault(&mut self, at: Location<'_>, what: impl Into<String>) {
        self.errors.push(LawError {
            file: at.file.to_owned(),
            line: Some(at.line).filter(|line| *line > 0),
            rule: at.rule.map(str::to_owned),
            what: what.into(),
        });
    }

    fn load(mut self, files: &[(&str, &str)]) -> Result<LawSet, LawErrors> {
        let vocabulary = self.vocabulary(files);
        for (file, text) in files.iter().filter(|(path, _)| file_kind(path) == FileKind::Calendar) {
            match Calendar::parse(file, text) {
                Ok(calendar) => {
                    let id = calendar.id.clone();
                    if self.calendars.insert(id.clone(), calendar).is_some() {
                        self.fault(Location { file, line: 0, rule: None }, format!("duplicate calendar `{id}`"));
                    }
                }
                Err(error) => self.errors.push(error),
            }
        }
        let mut raw_rules = Vec::new();
        for (file, text) in files.iter().filter(|(path, _)| file_kind(path) == FileKind::Rules) {
            match toml::from_str::<RawFile>(text) {
                Ok(raw) => {
                    self.heads.push(FileHead { path: (*file).to_owned(), title: raw.title, note: raw.note });
                    for set in raw.set {
                        let line = line_at(text, set.span().start);
                        self.set(Location { file, line, rule: None }, set.into_inner());
                    }
                    for route in raw.route {
                        let line = line_at(text, route.span().start);
                        self.route(Location { file, line, rule: None }, route.into_inner());
                    }
                    for rule in raw.rule {
                        raw_rules.push((*file, line_at(text, rule.span().start), rule.into_inner()));
                    }
                }
                Err(error) => self.errors.push(toml_error(file, text, &error)),
            }
        }
        for (file, text) in files.iter().filter(|(path, _)| file_kind(path) == FileKind::Authorities) {
            self.authorities(file, text);
        }
        // Rules last: they refer to sets, routes and calendars in other files.
        if let Some(vocabulary) = &vocabulary {
            for forum in &vocabulary.forums {
                if !self.calendars.contains_key(&forum.calendar) {
                    let what = format!(
                        "the forum `{}` names the calendar `{}`, which does not exist",
                        forum.name, forum.calendar
                    );
                    self.fault(Location { file: "vocabulary.toml", line: 0, rule: None }, what);
                }
            }
            for (file, line, raw) in raw_rules {
                self.rule(file, line, raw, vocabulary);
            }
            self.cross_check();
            for (file, text) in files.iter().filter(|(path, _)| file_kind(path) == FileKind::Invariants) {
                self.invariants(file, text, vocabulary);
            }
        }
        let overridden_by = self.overrides();
        let (Some(vocabulary), true) = (vocabulary, self.errors.is_empty()) else {
            self.errors.sort();
            return Err(LawErrors(self.errors));
        };
        let fact = |name: &str| vocabulary.index(name).unwrap_or(FactIndex(usize::MAX));
        let builtin = Builtin {
            forum: fact("forum"),
            day: fact("day"),
            received_day: fact("received_day"),
            instrument: fact("instrument"),
            copy_stored: fact("copy_stored"),
        };
        let mut by_topic: BTreeMap<Topic, Vec<RuleIndex>> = BTreeMap::new();
        for (index, rule) in self.rules.iter().enumerate() {
            by_topic.entry(rule.effect.topic()).or_default().push(RuleIndex(index));
        }
        let candidates = Candidates::new(&self.rules, &vocabulary);
        Ok(LawSet {
            digest: digest(files),
            vocabulary,
            sets: self.sets,
            calendars: self.calendars,
            routes: self.routes,
            authorities: self.authorities,
            heads: self.heads,
            rule_digests: self.rules.iter().map(Rule::digest).collect(),
            rules: self.rules,
            invariants: self.invariants,
            impossible: self.impossible,
            by_topic,
            candidates,
            overridden_by,
            builtin,
        })
    }

    fn vocabulary(&mut self, files: &[(&str, &str)]) -> Option<Vocabulary> {
        let mut found = files.iter().filter(|(path, _)| file_kind(path) == FileKind::Vocabulary);
        let (Some((file, text)), None) = (found.next(), found.next()) else {
            let at = Location { file: "vocabulary.toml", line: 0, rule: None };
            self.fault(at, "a law set must have exactly one vocabulary.toml");
            return None;
        };
        Vocabulary::parse(file, text).map_err(|errors| self.errors.extend(errors)).ok()
    }

    fn day(&mut self, at: Location<'_>, field: &str, raw: &toml::value::Datetime) -> Option<Day> {
        read_day(raw).map_err(|what| self.fault(at, format!("`{field}`: {what}"))).ok()
    }

    fn in_force(&mut self, at: Location<'_>, raw: &RawInForce) -> Option<InForce> {
        let from = self.day(at, "in_force.from", &raw.from)?;
        let to = match &raw.to {
            Some(to) => Some(self.day(at, "in_force.to", to)?),
            None => None,
        };
        if to.is_some_and(|to| to < from) {
            self.fault(at, format!("`in_force.to` is before {from}; it must be the last day in force"));
            return None;
        }
        Some(InForce { from, to })
    }

    fn set(&mut self, at: Location<'_>, raw: RawSet) {
        let mut members = Vec::new();
        for member in raw.members {
            let mut day = |day: Option<toml::value::Datetime>| day.map(|day| self.day(at, "members", &day));
            match (day(member.from), day(member.to)) {
                (Some(None), _) | (_, Some(None)) => {}
                (from, to) => members.push(Member { state: member.state, from: from.flatten(), to: to.flatten() }),
            }
        }
        let name = raw.name.clone();
        if !self.sets.add(PlaceSet { name: raw.name, means: raw.means, source: raw.source, members }) {
            self.fault(at, format!("duplicate set `{name}`"));
        }
    }

    fn route(&mut self, at: Location<'_>, raw: RawRoute) {
        if raw.source.is_empty() || raw.cite.is_empty() {
            self.fault(at, format!("the route `{}` lacks `source` or `cite`", raw.id));
        }
        if self.routes.iter().any(|route| route.id == raw.id) {
            self.fault(at, format!("duplicate route `{}`", raw.id));
        }
        if let Some(in_force) = self.in_force(at, &raw.in_force) {
            let mut text = raw.text;
            if raw.confidence < Confidence::Read {
                text.push_str(&format!(" (Not confirmed: {}.)", raw.confidence.as_str()));
            }
            self.routes.push(RouteDef {
                id: raw.id,
                kind: raw.kind,
                state: raw.state,
                asks: raw.asks,
                name: raw.name,
                text,
                cite: raw.cite,
                needs: raw.needs,
                not_between: raw.not_between,
                in_force,
                source: raw.source,
                confidence: raw.confidence,
            });
        }
    }

    /// Reads the authorities and adds each to the text of its routes.
    fn authorities(&mut self, file: &str, text: &str) {
        let raw = match toml::from_str::<RawAuthorities>(text) {
            Ok(raw) => raw,
            Err(error) => return self.errors.push(toml_error(file, text, &error)),
        };
        for spanned in raw.authority {
            let at = Location { file, line: line_at(text, spanned.span().start), rule: None };
            let raw = spanned.into_inner();
            let id = raw.id.clone();
            let authority = match raw.check() {
                Ok(authority) => authority,
                Err(what) => {
                    self.fault(at, format!("the authority `{id}`: {what}"));
                    continue;
                }
            };
            if self.authorities.iter().any(|known| known.id == id) {
                self.fault(at, format!("duplicate authority `{id}`"));
            }
            for wanted in &authority.routes {
                match self.routes.iter_mut().find(|route| route.id == *wanted) {
                    Some(route) => {
                        route.text.push(' ');
                        route.text.push_str(&authority.in_words());
                    }
                    None => {
                        self.fault(at, format!("the authority `{id}` names the route `{wanted}`, which does not exist"))
                    }
                }
            }
            self.authorities.push(authority);
        }
    }

    fn when(&mut self, at: Location<'_>, raw: &toml::Table, vocabulary: &Vocabulary) -> Vec<Condition> {
        let mut when = Vec::new();
        for (name, test) in raw {
            match condition::read(name, test, &|name| vocabulary.find(name), &self.sets) {
                Ok(condition) => when.push(condition),
                Err(what) => self.fault(at, what),
            }
        }
        // The instrument first: it rules out most rules at once.
        when.sort_by_key(|condition| (condition.fact != "instrument", condition.index));
        when
    }

    fn invariants(&mut self, file: &str, text: &str, vocabulary: &Vocabulary) {
        let raw = match toml::from_str::<RawInvariants>(text) {
            Ok(raw) => raw,
            Err(error) => return self.errors.push(toml_error(file, text, &error)),
        };
        for spanned in raw.invariant {
            let line = line_at(text, spanned.span().start);
            let raw = spanned.into_inner();
            let at = Location { file, line, rule: Some(&raw.id) };
            let when = self.when(at, &raw.when, vocabulary);
            let in_force = raw.in_force.as_ref().and_then(|days| self.in_force(at, days));
            if raw.says.trim().is_empty() {
                self.fault(at, "missing `says`: state the promise in one plain sentence");
            }
            if raw.never.is_empty() || raw.never.iter().any(|outcome| !outcome.discloses()) {
                self.fault(at, "`never` must list COMPELLED or PERMITTED, or both");
            }
            if raw.stands.is_some_and(|effect| effect.topic() != Topic::Disclosure) {
                self.fault(at, "`stands` must be an effect on disclosure, such as `bars`");
            }
            if self.invariants.iter().any(|known| known.id == raw.id) {
                self.fault(at, "duplicate invariant id");
            }
            self.invariants.push(Invariant {
                id: raw.id.clone(),
                file: file.to_owned(),
                line,
                says: raw.says,
                asks: raw.asks,
                when,
                stands: raw.stands,
                never: raw.never,
                in_force,
            });
        }
        for spanned in raw.impossible {
            let at = Location { file, line: line_at(text, spanned.span().start), rule: None };
            let raw = spanned.into_inner();
            let when = self.when(at, &raw.when, vocabulary);
            if when.is_empty() || raw.because.trim().is_empty() {
                self.fault(at, "an impossible combination needs `when` (the facts) and `because` (the reason)");
            }
            self.impossible.push(Impossible { when, because: raw.because });
        }
    }

    fn rule(&mut self, file: &str, line: usize, raw: RawRule, vocabulary: &Vocabulary) {
        let id = raw.id.clone();
        let at = Location { file, line, rule: Some(&id) };
        let when = self.when(at, &raw.when, vocabulary);
        let days = (
            self.in_force(at, &raw.in_force),
            self.day(at, "retrieved", &raw.retrieved),
            raw.known_since.map_or(Some(None), |day| self.day(at, "known_since", &day).map(Some)),
        );
        let deadline = raw.deadline.map_or(Some(None), |term| self.term(at, term, vocabulary).map(Some));
        let follow_ups: Option<Vec<_>> =
            raw.follow_ups.into_iter().map(|term| self.term(at, term, vocabulary)).collect();
        let (Some(deadline), Some(follow_ups), (Some(in_force), Some(retrieved), Some(known_since))) =
            (deadline, follow_ups, days)
        else {
            return;
        };
        let rule = Rule {
            id: raw.id,
            file: file.to_owned(),
            line,
            effect: raw.effect,
            asks: raw.asks,
            when,
            binds: raw.binds,
            overrides: raw.overrides,
            conflicts_with: raw.conflicts_with,
            cite: raw.cite,
            source: raw.source,
            retrieved,
            confidence: raw.confidence,
            in_force,
            known_since: known_since.unwrap_or(retrieved),
            basis: raw.basis,
            deadline,
            follow_ups,
            silence: raw.silence.map(|silence| SilenceTerm { source: silence.source, until: silence.until }),
            because: raw.because,
            contested: raw.contested,
            flags: raw.flags,
            redirect: raw.redirect,
            needs: raw.needs,
            actions: raw.actions,
        };
        self.well_formed(at, &rule, vocabulary);
        self.rules.push(rule);
    }

    fn term(&mut self, at: Location<'_>, raw: RawTerm, vocabulary: &Vocabulary) -> Option<Term> {
        let start = match raw.start.as_str() {
            "receipt" => Start::Receipt,
            "day_after_receipt" => Start::DayAfterReceipt,
            "next_full_hour" => Start::NextFullHour,
            other => {
                match other.strip_prefix("fact:").and_then(|name| vocabulary.find(name).map(|(_, kind)| (name, kind))) {
                    Some((name, Kind::Day)) => Start::Fact(name.to_owned()),
                    _ => {
                        let what = format!(
                            "invalid start `{other}`: expected `receipt`, `day_after_receipt`, `next_full_hour`, or `fact:NAME` of a day"
                        );
                        self.fault(at, what);
                        return None;
                    }
                }
            }
        };
        if !(0..=TERM_MAX).contains(&raw.n) {
            self.fault(at, format!("a term must have 0 to {TERM_MAX} units, not {}", raw.n));
        }
        if raw.first_day && (raw.n == 0 || raw.unit == Unit::Hours || start == Start::DayAfterReceipt) {
            self.fault(at, "`first_day` counts the first day of a term: it needs one or more days or months, and cannot be combined with `day_after_receipt`");
        }
        if !["home", "forum"].contains(&raw.calendar.as_str()) && !self.calendars.contains_key(&raw.calendar) {
            self.fault(at, format!("unknown calendar `{}`; add law/calendars/{}.toml", raw.calendar, raw.calendar));
        }
        Some(Term {
            purpose: raw.purpose,
            what: raw.what,
            n: raw.n,
            unit: raw.unit,
            calendar: raw.calendar,
            start,
            first_day: raw.first_day,
            roll: raw.roll,
        })
    }

    /// Checks a rule by itself.
    fn well_formed(&mut self, at: Location<'_>, rule: &Rule, vocabulary: &Vocabulary) {
        if rule.source.trim().is_empty() {
            self.fault(at, "missing `source`: say where the law was read, or `memory` if it was not");
        }
        if rule.cite.is_empty() {
            self.fault(at, "missing `cite`: name the statute, article or case");
        }
        if rule.because.trim().is_empty() {
            self.fault(at, "missing `because`: give the reason in one plain sentence");
        }
        if rule.basis == Basis::Precedent && rule.binds.is_empty() {
            self.fault(at, "a precedent must list the forums it binds in `binds`");
        }
        if (rule.effect == Effect::Redirects) == rule.redirect.is_empty() && rule.effect != Effect::Bars {
            self.fault(
                at,
                "`redirect` is required for the effect `redirects`, optional for `bars`, and not allowed otherwise",
            );
        }
        if (rule.effect == Effect::Requires) == rule.needs.is_empty() {
            self.fault(at, "`needs` is required for the effect `requires` and not allowed otherwise");
        }
        if rule.effect == Effect::Times && rule.deadline.is_none() {
            self.fault(at, "the effect `times` requires a `deadline`");
        }
        if rule.silence.is_some() && rule.effect.topic() != Topic::Silence {
            self.fault(at, "`silence` is allowed only with an effect on silence");
        }
        let until = rule.silence.as_ref().and_then(|silence| silence.until.as_ref());
        if let Some(until) = until.filter(|name| vocabulary.find(name).is_none_or(|(_, kind)| kind != Kind::Day)) {
            self.fault(at, format!("`silence.until` names `{until}`, which is not a day in vocabulary.toml"));
        }
        for forum in rule.binds.iter().filter(|forum| vocabulary.forum(forum).is_none()) {
            self.fault(at, format!("`binds` names `{forum}`, which is not a forum in vocabulary.toml"));
        }
        for flag in rule.flags.iter().filter(|flag| !vocabulary.flags.iter().any(|known| known.name == **flag)) {
            self.fault(at, format!("`flags` names `{flag}`, which is not a flag in vocabulary.toml"));
        }
        // Silence is decided once per demand, without an item or a copy.
        if rule.effect.topic() == Topic::Silence {
            if !rule.asks.is_empty() {
                self.fault(at, "silence concerns the whole demand: remove `asks`");
            }
            let reads: Vec<String> = rule
                .when
                .iter()
                .flat_map(condition::Condition::reads)
                .filter_map(|index| vocabulary.facts().get(index.0))
                .filter(|fact| fact.about != About::Demand)
                .map(|fact| fact.name.clone())
                .collect();
            for fact in reads {
                self.fault(at, format!("silence concerns the whole demand: a rule on it cannot read `{fact}`"));
            }
        }
    }

    /// Checks rules against each other.
    fn cross_check(&mut self) {
        let rules = std::mem::take(&mut self.rules);
        let by_id: BTreeMap<&str, &Rule> = rules.iter().map(|rule| (rule.id.as_str(), rule)).collect();
        for rule in &rules {
            let at = Location { file: &rule.file, line: rule.line, rule: Some(&rule.id) };
            if by_id.get(rule.id.as_str()).is_some_and(|first| first.line != rule.line || first.file != rule.file) {
                self.fault(at, "duplicate rule id; an amendment needs a new id");
            }
            for other in rule.conflicts_with.iter().filter(|id| !by_id.contains_key(id.as_str())) {
                self.fault(at, format!("`conflicts_with` names `{other}`, which is not a rule of the set"));
            }
            for other in &rule.overrides {
                let Some(other) = by_id.get(other.as_str()) else {
                    self.fault(at, format!("`overrides` names `{other}`, which is not a rule of the set"));
                    continue;
                };
                if other.effect.topic() != rule.effect.topic() {
                    self.fault(
                        at,
                        format!("`{}` belongs to another topic and cannot be overridden by this rule", other.id),
                    );
                }
                if rule.basis == Basis::Policy && other.basis != Basis::Policy {
                    self.fault(at, format!("a policy cannot override law: `{}` is {:?}", other.id, other.basis));
                }
            }
            let kinds: Vec<_> = rule
                .redirect
                .iter()
                .filter(|kind| !self.routes.iter().any(|route| route.kind == **kind))
                .cloned()
                .collect();
            for kind in kinds {
                self.fault(at, format!("`redirect` names `{kind}`, but there is no [[route]] of that kind"));
            }
        }
        self.rules = rules;
    }

    /// All rules that override each rule. A cycle is an error.
    fn overrides(&mut self) -> Vec<BTreeSet<RuleIndex>> {
        let by_id: BTreeMap<&str, usize> =
            self.rules.iter().enumerate().map(|(index, rule)| (rule.id.as_str(), index)).collect();
        let mut direct = vec![BTreeSet::new(); self.rules.len()];
        for (index, rule) in self.rules.iter().enumerate() {
            for other in rule.overrides.iter().filter_map(|id| by_id.get(id.as_str())) {
                direct[*other].insert(RuleIndex(index));
            }
        }
        let mut cycles = Vec::new();
        let mut all = Vec::with_capacity(direct.len());
        for start in 0..direct.len() {
            let mut seen = BTreeSet::new();
            let mut ahead: Vec<RuleIndex> = direct[start].iter().copied().collect();
            while let Some(next) = ahead.pop() {
                if seen.insert(next) {
                    ahead.extend(direct[next.0].iter().copied());
                }
            }
            if seen.contains(&RuleIndex(start)) {
                cycles.push(start);
            }
            all.push(seen);
        }
        for start in cycles {
            let rule = &self.rules[start];
            self.errors.push(LawError {
                file: rule.file.clone(),
                line: Some(rule.line),
                rule: Some(rule.id.clone()),
                what: "circular `overrides` reference through this rule".to_owned(),
            });
        }
        all
    }
}

fn digest(files: &[(&str, &str)]) -> Digest {
    let mut all = Vec::new();
    for text in files.iter().flat_map(|(path, text)| [path, text]) {
        all.extend_from_slice(&(text.len() as u64).to_be_bytes());
        all.extend_from_slice(text.as_bytes());
    }
    sha256(&all)
}
