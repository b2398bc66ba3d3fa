//! The decision: facts in, conclusions out. Pure and total: the same set and facts give the same decision, and no
//! facts, however odd, make it fail.
//!
//! For each item and each copy that holds its category, the rules of each topic are sorted (`standing`), then read
//! together here. Three principles:
//!
//! * Rules that stand and disagree are a conflict, which counsel decides. Nothing is picked silently.
//! * A rule that waits for a fact never applies and is never dropped: unless the answer is the same with and without it,
//!   the answer is a question.
//! * A rule that nobody confirmed may hinder a disclosure; it never supports one that was served for real.

use std::collections::{BTreeMap, BTreeSet};

use terms::Jurisdiction;

use crate::condition::{Env, FactIndex, within};
use crate::deadlines::{self, From};
use crate::decision::{
    Action, Challenge, ChallengeState, Citation, Conflict, Deadline, Decision, Flag, ItemOutcome, Mode, NearRule, Node,
    Notice, OpenRule, Outcome, Proof, Question, Route, Silence, SilenceState, Unit, UsedFact,
};
use crate::facts::{Copy, FactMap, Facts, Item};
use crate::law::{LawSet, RuleIndex};
use crate::outcomes::{Disposition, Level, dispose, fold, fold_items};
use crate::questions::{Names, Waiting};
use crate::rule::{Confidence, Effect, Rule, Start, Term, Topic};
use crate::standing::{Ask, Standings, stand};
use crate::value::Value;
use crate::vocabulary::About;
use crate::zones;

/// Decides.
pub fn decide(law: &LawSet, facts: &Facts, mode: Mode) -> Decision {
    let day = Value::Day(facts.on);
    let received_day = Value::Day(zones::local_day(facts.received, &facts.zone));
    let mut common = vec![None; law.vocabulary().facts().len()];
    fill(&mut common, law, &facts.known, About::Demand);
    for (index, value) in [(law.builtin.day, &day), (law.builtin.received_day, &received_day)] {
        if let Some(slot) = common.get_mut(index.0) {
            *slot = Some(value);
        }
    }
    let instrument = common.get(law.builtin.instrument.0).copied().flatten().and_then(|value| law.instrument(value));
    let forums = match common.get(law.builtin.forum.0).copied().flatten() {
        Some(Value::Word(forum)) => Some(law.vocabulary().forums_around(forum)),
        _ => None,
    };
    let mut bench = Bench { law, facts, mode, common, instrument, forums, questions: BTreeMap::new() };
    let mut units = Vec::new();
    let mut extras = Extras::default();
    for item in &facts.items {
        let copies: Vec<&Copy> = facts.copies.iter().filter(|copy| copy.holds.contains(&item.category)).collect();
        if copies.is_empty() {
            units.push(bench.unit(item, None, &mut extras));
        }
        for copy in copies {
            units.push(bench.unit(item, Some(copy), &mut extras));
        }
    }
    let silence = bench.silence(&mut extras);
    let items = fold_items(facts, &units);
    let outcome = fold(&items.iter().map(|item| item.outcome).collect::<Vec<_>>(), Level::Demand);
    let mut actions: BTreeSet<Action> = units.iter().flat_map(|unit| unit.actions.iter().copied()).collect();
    actions.extend(extras.actions);
    Decision {
        law: law.digest(),
        facts: facts.clone(),
        mode,
        outcome,
        items,
        actions,
        questions: bench.questions(),
        silence,
        challenges: extras.challenges,
        deadlines: extras.deadlines.into_iter().collect(),
        follow_ups: extras.follow_ups.into_iter().collect(),
        flags: extras.flags.into_iter().collect(),
        units,
    }
}

/// Puts into `values` what `known` says of facts about `about`.
fn fill<'a>(values: &mut [Option<&'a Value>], law: &LawSet, known: &'a FactMap, about: About) {
    let mut declared = law.vocabulary().about(about).iter().peekable();
    for (name, known) in known {
        while declared.next_if(|(other, _)| other < name).is_some() {}
        let Some((_, index)) = declared.next_if(|(other, _)| other == name) else { continue };
        let (Some(def), Some(slot)) = (law.vocabulary().facts().get(index.0), values.get_mut(index.0)) else {
            continue;
        };
        // A value of the wrong kind is no knowledge.
        if known.value.is_of(&def.kind) {
            *slot = Some(&known.value);
        }
    }
}

/// What is at hand while one demand is decided.
pub(crate) struct Bench<'a> {
    pub(crate) law: &'a LawSet,
    pub(crate) facts: &'a Facts,
    pub(crate) mode: Mode,
    /// The facts about the demand and the days, by their place in the vocabulary.
    pub(crate) common: Vec<Option<&'a Value>>,
    /// The instrument's place in the vocabulary.
    pub(crate) instrument: Option<usize>,
    /// The forum and those that it lies within.
    pub(crate) forums: Option<Vec<&'a str>>,
    /// Facts that are missing and matter: the rules that wait for them, and how often.
    pub(crate) questions: BTreeMap<(FactIndex, Option<String>), Waiting>,
}

/// What the units add to the decision as a whole.
#[derive(Default)]
struct Extras {
    actions: BTreeSet<Action>,
    challenges: Vec<Challenge>,
    deadlines: BTreeSet<Deadline>,
    follow_ups: BTreeSet<Deadline>,
    flags: BTreeSet<Flag>,
}

/// A disclosure question, answered.
pub(crate) struct Answer {
    pub(crate) outcome: Outcome,
    pub(crate) conflict: bool,
    /// Open rules with which the outcome could be another.
    pub(crate) matters: BTreeSet<RuleIndex>,
    pub(crate) gap: bool,
}

impl<'a> Bench<'a> {
    /// The facts of the demand, with those of an item and of a copy.
    fn env(&self, item: Option<&'a Item>, copy: Option<&'a Copy>) -> Env<'a> {
        let mut values = self.common.clone();
        if let Some(item) = item {
            fill(&mut values, self.law, &item.known, About::Item);
        }
        if let Some(copy) = copy {
            fill(&mut values, self.law, &copy.known, About::Copy);
        }
        Env { values, day: self.facts.on, sets: &self.law.sets }
    }

    fn ask(&self, item: Option<&Item>) -> Ask<'a> {
        Ask {
            law: self.law,
            known_on: self.facts.known_on,
            category: item.map(|item| item.category),
            instrument: self.instrument,
            forums: self.forums.clone(),
        }
    }

    fn confirmed(&self, index: RuleIndex) -> bool {
        let rule = self.law.at(index);
        rule.confidence == Confidence::Read
            || self
                .facts
                .signed
                .iter()
                .any(|signature| signature.rule == rule.id && signature.digest == self.law.digest_at(index))
    }

    fn unit(&mut self, item: &'a Item, copy: Option<&'a Copy>, extras: &mut Extras) -> Unit {
        let env = self.env(Some(item), copy);
        let ask = self.ask(Some(item));
        let standings = stand(&ask, &env, Topic::Disclosure, &|_| true);
        let mut answer = self.answer(&standings);
        let mut reasons: Vec<String> =
            standings.undefeated.iter().map(|index| self.law.at(*index).because.clone()).collect();
        let mut unconfirmed = Vec::new();
        if answer.outcome.discloses() {
            let applied = standings.undefeated.iter().chain(&standings.defeated);
            unconfirmed =
                applied.filter(|index| !self.confirmed(**index)).map(|i| self.law.at(*i).id.clone()).collect();
            unconfirmed.sort();
            unconfirmed.dedup();
            // The same question, put to the confirmed rules alone.
            let sure = self.answer(&stand(&ask, &env, Topic::Disclosure, &|index| self.confirmed(index)));
            if sure.outcome == answer.outcome {
                unconfirmed.retain(|id| standings.undefeated.iter().any(|index| self.law.at(*index).id == *id));
            } else if self.mode == Mode::Service {
                reasons.push(format!(
                    "Without counsel's signature no disclosure rests on rules that nobody confirmed: {}.",
                    unconfirmed.join(", ")
                ));
                answer.outcome = Outcome::ReferCounsel;
            }
        }
        if answer.gap {
            reasons.push("No rule of the set covers this; counsel decides.".to_owned());
        }
        if answer.conflict {
            reasons.push("Two laws disagree and neither gives way to the other; counsel decides.".to_owned());
        }
        let conflict = answer.conflict.then(|| self.conflict(&standings, &env));
        let mut actions: BTreeSet<Action> =
            standings.undefeated.iter().flat_map(|index| self.law.at(*index).actions.iter().copied()).collect();
        if answer.conflict {
            // While two laws disagree nothing may be lost.
            actions.insert(Action::Preserve);
        }
        let about = Names { item: Some(&item.name), copy: copy.map(|copy| copy.name.as_str()) };
        self.wait(&standings, &about, |index| answer.matters.contains(&index), 1);
        let mut conditions = Vec::new();
        if matches!(answer.outcome, Outcome::Conditional | Outcome::ReferCounsel) {
            for index in standings.undefeated.iter().filter(|index| self.law.at(**index).effect == Effect::Requires) {
                conditions.extend(self.law.at(*index).needs.iter().cloned());
            }
            conditions.extend(self.asked_here(&standings, &answer));
        }
        let redirect = self.routes(&standings.undefeated, item, copy);
        self.times(&standings.undefeated, &env, extras);
        self.flags(&standings.undefeated, extras);
        let mut also = Vec::new();
        for topic in [Topic::Time, Topic::Note] {
            let more = stand(&ask, &env, topic, &|_| true);
            also.extend(self.trees(&more.undefeated, &more.defeated, &env));
            actions.extend(more.undefeated.iter().flat_map(|index| self.law.at(*index).actions.iter().copied()));
            self.times(&more.undefeated, &env, extras);
            self.flags(&more.undefeated, extras);
            self.wait(&more, &about, |_| true, 0);
        }
        if matches!(answer.outcome, Outcome::Compelled | Outcome::Conditional | Outcome::ReferCounsel) {
            self.challenge(item, &ask, &env, &about, extras);
        }
        Unit {
            item: item.name.clone(),
            category: item.category,
            copy: copy.map(|copy| copy.name.clone()),
            outcome: answer.outcome,
            contested: standings.undefeated.iter().any(|index| self.law.at(*index).contested),
            unconfirmed,
            rules: self.ids(&standings.undefeated),
            reasons,
            citations: self.citations(&standings.undefeated),
            conditions,
            redirect,
            actions,
            conflict,
            proof: self.proof(&standings, &env, &|index| answer.matters.contains(&index)),
            also,
        }
    }

    /// Reads the rules of disclosure together.
    fn answer(&self, standings: &Standings) -> Answer {
        let effect = |index: &RuleIndex| self.law.at(*index).effect;
        let gate = |index: &&RuleIndex| effect(index) == Effect::Requires;
        let says: BTreeSet<Effect> = standings.undefeated.iter().filter(|i| !gate(i)).map(effect).collect();
        let gated = standings.undefeated.iter().any(|index| gate(&index));
        let disposition = dispose(&says);
        let open: Vec<RuleIndex> = standings.open.iter().map(|(index, _)| *index).collect();
        // A rule that says what all rules that stand say changes nothing, even if it defeats them. Any other might.
        let other: BTreeSet<RuleIndex> = open
            .iter()
            .copied()
            .filter(|index| !(gate(&index) || says.len() == 1 && says.contains(&effect(index))))
            .collect();
        let gates: BTreeSet<RuleIndex> = open.iter().copied().filter(|index| gate(&index)).collect();
        let base = match disposition {
            Disposition::Says(outcome) => outcome,
            Disposition::Conflict => Outcome::ReferCounsel,
            Disposition::Gap if other.is_empty() => Outcome::ReferCounsel,
            Disposition::Gap => Outcome::Conditional,
        };
        let mut matters = other;
        let outcome = if base == Outcome::ReferCounsel {
            base
        } else if base.discloses() {
            matters.extend(gates);
            if gated || !matters.is_empty() { Outcome::Conditional } else { base }
        } else if matters.is_empty() {
            base
        } else {
            matters.extend(gates);
            Outcome::Conditional
        };
        Answer {
            outcome,
            conflict: disposition == Disposition::Conflict,
            gap: disposition == Disposition::Gap && matters.is_empty(),
            matters,
        }
    }

    fn conflict(&self, standings: &Standings, env: &Env<'_>) -> Conflict {
        let side = |discloses: bool| -> Vec<RuleIndex> {
            standings
                .undefeated
                .iter()
                .copied()
                .filter(|index| match self.law.at(*index).effect {
                    Effect::Compels | Effect::Permits => discloses,
                    Effect::Bars | Effect::Redirects => !discloses,
                    _ => false,
                })
                .collect()
        };
        let (compels, bars) = (side(true), side(false));
        Conflict {
            compels: self.ids(&compels),
            bars: self.ids(&bars),
            compels_because: self.trees(&compels, &standings.defeated, env),
            bars_because: self.trees(&bars, &standings.defeated, env),
        }
    }

    fn silence(&mut self, extras: &mut Extras) -> Silence {
        let env = self.env(None, None);
        let standings = stand(&self.ask(None), &env, Topic::Silence, &|_| true);
        self.wait(&standings, &Names { item: None, copy: None }, |_| true, 0);
        let effects: BTreeSet<Effect> = standings.undefeated.iter().map(|index| self.law.at(*index).effect).collect();
        let mut reasons: Vec<String> =
            standings.undefeated.iter().map(|index| self.law.at(*index).because.clone()).collect();
        let only = if effects.len() == 1 { effects.first().copied() } else { None };
        let stable = standings.open.iter().all(|(index, _)| Some(self.law.at(*index).effect) == only);
        let mut state = match only {
            Some(Effect::SilenceBinds) => SilenceState::Binding,
            Some(Effect::SilenceNone) => SilenceState::None,
            Some(Effect::SilenceEnded) => SilenceState::Ended,
            _ => SilenceState::ReferCounsel,
        };
        if effects.is_empty() && stable {
            reasons.push("No rule of the set says whether the owner may be told; counsel decides.".to_owned());
        }
        if effects.len() > 1 {
            reasons.push("Rules disagree on whether the owner may be told; counsel decides.".to_owned());
        }
        if !stable {
            reasons.push("Whether the owner may be told hangs on facts that are missing; counsel decides.".to_owned());
            state = SilenceState::ReferCounsel;
        }
        let sure = |index: &RuleIndex| self.confirmed(*index);
        let tells = matches!(state, SilenceState::None | SilenceState::Ended);
        if self.mode == Mode::Service && tells && !standings.undefeated.iter().all(sure) {
            reasons.push("The rule that would let the owner be told is not confirmed; counsel decides.".to_owned());
            state = SilenceState::ReferCounsel;
        }
        self.times(&standings.undefeated, &env, extras);
        self.flags(&standings.undefeated, extras);
        extras
            .actions
            .extend(standings.undefeated.iter().flat_map(|index| self.law.at(*index).actions.iter().copied()));
        let term = standings.undefeated.iter().find_map(|index| self.law.at(*index).silence.as_ref());
        let until = term.and_then(|term| term.until.as_deref()).and_then(|fact| self.day_fact(fact, &env));
        Silence {
            state,
            notice: match state {
                SilenceState::Binding => Notice::Blocked,
                SilenceState::None => Notice::Allowed,
                SilenceState::Ended => Notice::Due,
                SilenceState::ReferCounsel => Notice::ReferCounsel,
            },
            source: term.map(|term| term.source.clone()),
            until,
            rules: self.ids(&standings.undefeated),
            reasons,
            citations: self.citations(&standings.undefeated),
            proof: self.proof(&standings, &env, &|_| true),
        }
    }

    fn challenge(&mut self, item: &Item, ask: &Ask<'_>, env: &Env<'_>, about: &Names<'_>, extras: &mut Extras) {
        let standings = stand(ask, env, Topic::Challenge, &|_| true);
        if standings.undefeated.is_empty() && standings.open.is_empty() {
            return;
        }
        self.wait(&standings, about, |_| true, 0);
        let effects: BTreeSet<Effect> = standings.undefeated.iter().map(|index| self.law.at(*index).effect).collect();
        let only = if effects.len() == 1 { effects.first().copied() } else { None };
        let stable = standings.open.iter().all(|(index, _)| Some(self.law.at(*index).effect) == only);
        let mut reasons: Vec<String> =
            standings.undefeated.iter().map(|index| self.law.at(*index).because.clone()).collect();
        let state = match only {
            Some(Effect::ChallengeOpen) if stable => ChallengeState::Open,
            Some(Effect::ChallengeClosed) if stable => ChallengeState::Closed,
            _ => ChallengeState::ReferCounsel,
        };
        if !stable {
            reasons.push("Whether this way to court is open hangs on facts that are missing.".to_owned());
        }
        self.times(&standings.undefeated, env, extras);
        self.flags(&standings.undefeated, extras);
        extras
            .actions
            .extend(standings.undefeated.iter().flat_map(|index| self.law.at(*index).actions.iter().copied()));
        let rules = self.ids(&standings.undefeated);
        match extras.challenges.iter_mut().find(|known| known.state == state && known.rules == rules) {
            Some(known) if known.items.contains(&item.name) => {}
            Some(known) => known.items.push(item.name.clone()),
            None => extras.challenges.push(Challenge {
                state,
                items: vec![item.name.clone()],
                rules,
                reasons,
                citations: self.citations(&standings.undefeated),
            }),
        }
    }

    fn times(&self, rules: &[RuleIndex], env: &Env<'_>, extras: &mut Extras) {
        for rule in rules.iter().map(|index| self.law.at(*index)) {
            extras.deadlines.extend(rule.deadline.iter().filter_map(|term| self.reckon(term, rule, env)));
            extras.follow_ups.extend(rule.follow_ups.iter().filter_map(|term| self.reckon(term, rule, env)));
        }
    }

    fn reckon(&self, term: &Term, rule: &Rule, env: &Env<'_>) -> Option<Deadline> {
        let calendar = match term.calendar.as_str() {
            "home" => self.facts.home.state().to_lowercase(),
            "forum" => match env.value(self.law.builtin.forum) {
                Some(Value::Word(forum)) => self.law.vocabulary().forum(forum)?.calendar.clone(),
                _ => return None,
            },
            id => id.to_owned(),
        };
        let fact_day = match &term.start {
            Start::Fact(fact) => self.day_fact(fact, env),
            _ => None,
        };
        let from = From {
            received: self.facts.received,
            fact_day,
            calendar: self.law.calendar(&calendar),
            home_zone: &self.facts.zone,
        };
        deadlines::reckon(term, &from, &rule.id)
    }

    fn day_fact(&self, fact: &str, env: &Env<'_>) -> Option<crate::value::Day> {
        match env.value(self.law.vocabulary().index(fact)?)? {
            Value::Day(day) => Some(*day),
            _ => None,
        }
    }

    fn flags(&self, rules: &[RuleIndex], extras: &mut Extras) {
        for rule in rules.iter().map(|index| self.law.at(*index)) {
            for name in &rule.flags {
                // A rule sets its mark on every unit; it is one mark.
                if extras.flags.iter().any(|known| known.rule == rule.id && known.name == *name) {
                    continue;
                }
                let means = self.law.vocabulary().means(name).unwrap_or_default().to_owned();
                extras.flags.insert(Flag { name: name.clone(), means, rule: rule.id.clone() });
            }
        }
    }
}
