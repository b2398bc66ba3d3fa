//! Loading a law set: texts are read and checked as a whole, and loaded whole or not at all.

use std::collections::{BTreeMap, BTreeSet};

use terms::{Category, Digest};

use crate::calendar::Calendar;
use crate::condition::{self, Condition, FactIndex};
use crate::errors::{LawError, LawErrors, line_at, toml_error};
use crate::invariant::{Impossible, Invariant, RawInvariants};
use crate::law::{Builtin, Candidates, FileHead, LawSet, RouteDef, RuleIndex, sha256};
use crate::places::{Member, PlaceSet, PlaceSets};
use crate::raw::{RawFile, RawInForce, RawRoute, RawRule, RawSet, RawTerm};
use crate::rule::{Basis, Confidence, Effect, InForce, Rule, SilenceTerm, Start, Term, Topic};
use crate::value::{Day, Kind, read_day};
use crate::vocabulary::{About, Vocabulary};

/// The longest term: ten years of days. It bounds the reckoning; no statute here comes near.
pub(crate) const TERM_MAX: i64 = 3660;

/// What a file of `law/` is, by its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Vocabulary,
    Calendar,
    Rules,
    Invariants,
    /// Cases, examples, letters, pictures: no part of what decides.
    Aside,
}

fn part(path: &str) -> Part {
    let folders: Vec<&str> = path.split('/').collect();
    let (file, folders) = folders.split_last().map_or(("", [].as_slice()), |(file, rest)| (*file, rest));
    if !file.ends_with(".toml") || folders.iter().any(|f| ["cases", "examples", "letters", "pictures"].contains(f)) {
        Part::Aside
    } else if file == "vocabulary.toml" {
        Part::Vocabulary
    } else if file == "invariants.toml" {
        Part::Invariants
    } else if folders.last() == Some(&"calendars") {
        Part::Calendar
    } else {
        Part::Rules
    }
}

impl LawSet {
    /// Loads a set from `(path, text)` pairs, paths relative to `law/`. Files in `cases/`, `examples/`, `letters/` and
    /// `pictures/` and files that are not `.toml` are left aside: they decide nothing and are no part of the digest.
    ///
    /// # Errors
    /// Every fault of every file, each with file, line, rule and what to do. Nothing is loaded then.
    pub fn load<P: AsRef<str>, T: AsRef<str>>(files: &[(P, T)]) -> Result<Self, LawErrors> {
        let mut files: Vec<(&str, &str)> = files
            .iter()
            .map(|(path, text)| (path.as_ref(), text.as_ref()))
            .filter(|(path, _)| part(path) != Part::Aside)
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
    heads: Vec<FileHead>,
    rules: Vec<Rule>,
    invariants: Vec<Invariant>,
    impossible: Vec<Impossible>,
}

/// Where a fault is.
#[derive(Clone, Copy)]
struct At<'a> {
    file: &'a str,
    line: usize,
    rule: Option<&'a str>,
}

impl Loader {
    fn fault(&mut self, at: At<'_>, what: impl Into<String>) {
        self.errors.push(LawError {
            file: at.file.to_owned(),
            line: Some(at.line).filter(|line| *line > 0),
            rule: at.rule.map(str::to_owned),
            what: what.into(),
        });
    }

    fn load(mut self, files: &[(&str, &str)]) -> Result<LawSet, LawErrors> {
        let vocabulary = self.vocabulary(files);
        for (file, text) in files.iter().filter(|(path, _)| part(path) == Part::Calendar) {
            match Calendar::parse(file, text) {
                Ok(calendar) => {
                    let id = calendar.id.clone();
                    if self.calendars.insert(id.clone(), calendar).is_some() {
                        self.fault(At { file, line: 0, rule: None }, format!("a second calendar `{id}`; keep one"));
                    }
                }
                Err(error) => self.errors.push(error),
            }
        }
        let mut raw_rules = Vec::new();
        for (file, text) in files.iter().filter(|(path, _)| part(path) == Part::Rules) {
            match toml::from_str::<RawFile>(text) {
                Ok(raw) => {
                    self.heads.push(FileHead { path: (*file).to_owned(), title: raw.title, note: raw.note });
                    for set in raw.set {
                        let line = line_at(text, set.span().start);
                        self.set(At { file, line, rule: None }, set.into_inner());
                    }
                    for route in raw.route {
                        let line = line_at(text, route.span().start);
                        self.route(At { file, line, rule: None }, route.into_inner());
                    }
                    for rule in raw.rule {
                        raw_rules.push((*file, line_at(text, rule.span().start), rule.into_inner()));
                    }
                }
                Err(error) => self.errors.push(toml_error(file, text, &error)),
            }
        }
        // Rules last: they speak of sets, routes and calendars of other files.
        if let Some(vocabulary) = &vocabulary {
            for forum in &vocabulary.forums {
                if !self.calendars.contains_key(&forum.calendar) {
                    let what = format!(
                        "the forum `{}` names the calendar `{}`, which is not there",
                        forum.name, forum.calendar
                    );
                    self.fault(At { file: "vocabulary.toml", line: 0, rule: None }, what);
                }
            }
            for (file, line, raw) in raw_rules {
                self.rule(file, line, raw, vocabulary);
            }
            self.cross_check();
            for (file, text) in files.iter().filter(|(path, _)| part(path) == Part::Invariants) {
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
        let mut found = files.iter().filter(|(path, _)| part(path) == Part::Vocabulary);
        let (Some((file, text)), None) = (found.next(), found.next()) else {
            let at = At { file: "vocabulary.toml", line: 0, rule: None };
            self.fault(at, "a law set has exactly one vocabulary.toml");
            return None;
        };
        Vocabulary::parse(file, text).map_err(|errors| self.errors.extend(errors)).ok()
    }

    fn day(&mut self, at: At<'_>, field: &str, raw: &toml::value::Datetime) -> Option<Day> {
        read_day(raw).map_err(|what| self.fault(at, format!("`{field}`: {what}"))).ok()
    }

    fn in_force(&mut self, at: At<'_>, raw: &RawInForce) -> Option<InForce> {
        let from = self.day(at, "in_force.from", &raw.from)?;
        let to = match &raw.to {
            Some(to) => Some(self.day(at, "in_force.to", to)?),
            None => None,
        };
        if to.is_some_and(|to| to < from) {
            self.fault(at, format!("in force from {from} to an earlier day; `to` is the last day in force"));
            return None;
        }
        Some(InForce { from, to })
    }

    fn set(&mut self, at: At<'_>, raw: RawSet) {
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
            self.fault(at, format!("a second set `{name}`; keep one"));
        }
    }

    fn route(&mut self, at: At<'_>, raw: RawRoute) {
        if raw.source.is_empty() || raw.cite.is_empty() {
            self.fault(at, format!("the route `{}` names no source or no citation; say where it was read", raw.id));
        }
        if self.routes.iter().any(|route| route.id == raw.id) {
            self.fault(at, format!("a second route `{}`; ids are unique", raw.id));
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
                in_force,
                source: raw.source,
                confidence: raw.confidence,
            });
        }
    }

    fn when(&mut self, at: At<'_>, raw: &toml::Table, vocabulary: &Vocabulary) -> Vec<Condition> {
        let mut when = Vec::new();
        for (name, test) in raw {
            match condition::read(name, test, &|name| vocabulary.find(name), &self.sets) {
                Ok(condition) => when.push(condition),
                Err(what) => self.fault(at, what),
            }
        }
        // The instrument first: it settles most rules at once.
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
            let at = At { file, line, rule: Some(&raw.id) };
            let when = self.when(at, &raw.when, vocabulary);
            let in_force = raw.in_force.as_ref().and_then(|days| self.in_force(at, days));
            if raw.says.trim().is_empty() {
                self.fault(at, "no `says`: give the promise in one plain sentence");
            }
            if raw.never.is_empty() || raw.never.iter().any(|outcome| !outcome.discloses()) {
                self.fault(at, "`never` names COMPELLED or PERMITTED, or both: a promise is about what leaves");
            }
            if raw.stands.is_some_and(|effect| effect.topic() != Topic::Disclosure) {
                self.fault(at, "`stands` names an effect of disclosure, such as `bars`");
            }
            if self.invariants.iter().any(|known| known.id == raw.id) {
                self.fault(at, "a second invariant of this id; ids are unique");
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
            let at = At { file, line: line_at(text, spanned.span().start), rule: None };
            let raw = spanned.into_inner();
            let when = self.when(at, &raw.when, vocabulary);
            if when.is_empty() || raw.because.trim().is_empty() {
                self.fault(at, "facts that cannot come together: `when` names them, and `because` says why");
            }
            self.impossible.push(Impossible { when, because: raw.because });
        }
    }

    fn rule(&mut self, file: &str, line: usize, raw: RawRule, vocabulary: &Vocabulary) {
        let id = raw.id.clone();
        let at = At { file, line, rule: Some(&id) };
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

    fn term(&mut self, at: At<'_>, raw: RawTerm, vocabulary: &Vocabulary) -> Option<Term> {
        let start = match raw.start.as_str() {
            "receipt" => Start::Receipt,
            "day_after_receipt" => Start::DayAfterReceipt,
            "next_full_hour" => Start::NextFullHour,
            other => {
                match other.strip_prefix("fact:").and_then(|name| vocabulary.find(name).map(|(_, kind)| (name, kind))) {
                    Some((name, Kind::Day)) => Start::Fact(name.to_owned()),
                    _ => {
                        let what = format!(
                            "a term starts at `receipt`, `day_after_receipt`, `next_full_hour`, or `fact:NAME` of a day, \
                         not at `{other}`"
                        );
                        self.fault(at, what);
                        return None;
                    }
                }
            }
        };
        if !(0..=TERM_MAX).contains(&raw.n) {
            self.fault(at, format!("a term has 0 to {TERM_MAX} units, not {}", raw.n));
        }
        if !["home", "forum"].contains(&raw.calendar.as_str()) && !self.calendars.contains_key(&raw.calendar) {
            self.fault(at, format!("there is no calendar `{}`; add law/calendars/{}.toml", raw.calendar, raw.calendar));
        }
        Some(Term {
            purpose: raw.purpose,
            what: raw.what,
            n: raw.n,
            unit: raw.unit,
            calendar: raw.calendar,
            start,
            roll: raw.roll,
        })
    }

    /// What can be said of a rule alone.
    fn well_formed(&mut self, at: At<'_>, rule: &Rule, vocabulary: &Vocabulary) {
        if rule.source.trim().is_empty() {
            self.fault(at, "no `source`: say where the law was read, or `memory` when it was not");
        }
        if rule.cite.is_empty() {
            self.fault(at, "no `cite`: name the statute, article or case");
        }
        if rule.because.trim().is_empty() {
            self.fault(at, "no `because`: give the reason in one plain sentence");
        }
        if rule.basis == Basis::Precedent && rule.binds.is_empty() {
            self.fault(at, "a precedent binds some forum: name it in `binds`");
        }
        if (rule.effect == Effect::Redirects) == rule.redirect.is_empty() && rule.effect != Effect::Bars {
            self.fault(at, "`redirect` belongs to the effects `redirects` (where it is a duty) and `bars`");
        }
        if (rule.effect == Effect::Requires) == rule.needs.is_empty() {
            self.fault(at, "`needs` belongs to the effect `requires`, which must have it");
        }
        if rule.effect == Effect::Times && rule.deadline.is_none() {
            self.fault(at, "the effect `times` needs a `deadline`");
        }
        if rule.silence.is_some() && rule.effect.topic() != Topic::Silence {
            self.fault(at, "`silence` belongs to the effects of silence");
        }
        let until = rule.silence.as_ref().and_then(|silence| silence.until.as_ref());
        if let Some(until) = until.filter(|name| vocabulary.find(name).is_none_or(|(_, kind)| kind != Kind::Day)) {
            self.fault(at, format!("`silence.until` names `{until}`, which is no day of vocabulary.toml"));
        }
        for forum in rule.binds.iter().filter(|forum| vocabulary.forum(forum).is_none()) {
            self.fault(at, format!("`binds` names `{forum}`, which is no forum of vocabulary.toml"));
        }
        for flag in rule.flags.iter().filter(|flag| !vocabulary.flags.iter().any(|known| known.name == **flag)) {
            self.fault(at, format!("`flags` names `{flag}`, which is no flag of vocabulary.toml"));
        }
        // The question of silence is asked once for the demand, without an item or a copy at hand.
        if rule.effect.topic() == Topic::Silence {
            if !rule.asks.is_empty() {
                self.fault(at, "silence is a matter of the whole demand: leave `asks` out");
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
                self.fault(at, format!("silence is a matter of the whole demand: it cannot read `{fact}`"));
            }
        }
    }

    /// What can be said only with all rules at hand.
    fn cross_check(&mut self) {
        let rules = std::mem::take(&mut self.rules);
        let by_id: BTreeMap<&str, &Rule> = rules.iter().map(|rule| (rule.id.as_str(), rule)).collect();
        for rule in &rules {
            let at = At { file: &rule.file, line: rule.line, rule: Some(&rule.id) };
            if by_id.get(rule.id.as_str()).is_some_and(|first| first.line != rule.line || first.file != rule.file) {
                self.fault(at, "a second rule of this id; an amendment is a new rule with a new id");
            }
            for other in rule.conflicts_with.iter().filter(|id| !by_id.contains_key(id.as_str())) {
                self.fault(at, format!("`conflicts_with` names `{other}`, which is no rule of the set"));
            }
            for other in &rule.overrides {
                let Some(other) = by_id.get(other.as_str()) else {
                    self.fault(at, format!("`overrides` names `{other}`, which is no rule of the set"));
                    continue;
                };
                if other.effect.topic() != rule.effect.topic() {
                    self.fault(at, format!("`{}` answers another question; it cannot be overridden here", other.id));
                }
                if rule.basis == Basis::Policy && other.basis != Basis::Policy {
                    self.fault(at, format!("a policy never overrides law: `{}` is {:?}", other.id, other.basis));
                }
            }
            let kinds: Vec<_> = rule
                .redirect
                .iter()
                .filter(|kind| !self.routes.iter().any(|route| route.kind == **kind))
                .cloned()
                .collect();
            for kind in kinds {
                self.fault(at, format!("`redirect` names `{kind}`, but no [[route]] is of that kind"));
            }
        }
        self.rules = rules;
    }

    /// For each rule all that override it. A circle is a fault.
    fn overrides(&mut self) -> Vec<BTreeSet<RuleIndex>> {
        let by_id: BTreeMap<&str, usize> =
            self.rules.iter().enumerate().map(|(index, rule)| (rule.id.as_str(), index)).collect();
        let mut direct = vec![BTreeSet::new(); self.rules.len()];
        for (index, rule) in self.rules.iter().enumerate() {
            for other in rule.overrides.iter().filter_map(|id| by_id.get(id.as_str())) {
                direct[*other].insert(RuleIndex(index));
            }
        }
        let mut circles = Vec::new();
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
                circles.push(start);
            }
            all.push(seen);
        }
        for start in circles {
            let rule = &self.rules[start];
            self.errors.push(LawError {
                file: rule.file.clone(),
                line: Some(rule.line),
                rule: Some(rule.id.clone()),
                what: "`overrides` goes in a circle and comes back to this rule; break it".to_owned(),
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
