//! Deciding: facts in, conclusions out. A pure, total function: the same law set and facts always give the same
//! decision, and no facts make it fail.
//!
//! For each item and each copy that holds its category, the rules of each topic are classified (`standing`), then
//! combined here. Three principles:
//!
//! * If undefeated rules disagree, that is a conflict, which counsel decides. No rule is picked silently.
//! * A rule with an unknown fact neither applies nor is ignored: unless the outcome is the same with and without it,
//!   the fact is asked for.
//! * An unconfirmed rule may prevent a disclosure, but never supports one when a demand is actually served.

use std::collections::{BTreeMap, BTreeSet};

use crate::condition::{Env, FactIndex};
use crate::deadlines::{self, From};
use crate::decision::{
    Action, Challenge, ChallengeState, Conflict, Deadline, Decision, Flag, Mode, Notice, Outcome, Silence,
    SilenceState, Unit,
};
use crate::facts::{FactMap, Facts, RequestedItem, StoredCopy};
use crate::law::{LawSet, RuleIndex};
use crate::outcomes::{Disposition, Level, dispose, fold, fold_items};
use crate::questions::{QuestionSubject, Waiting};
use crate::rule::{Confidence, Effect, Rule, Start, Term, Topic};
use crate::standing::{RuleQuery, Standings, stand};
use crate::value::Value;
use crate::vocabulary::About;
use crate::zones;

/// Decides a demand's facts under a law set.
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
    let mut bench = Judge { law, facts, mode, common, instrument, forums, questions: BTreeMap::new() };
    let mut units = Vec::new();
    let mut extras = Extras::default();
    for item in &facts.items {
        let copies: Vec<&StoredCopy> = facts.copies.iter().filter(|copy| copy.holds.contains(&item.category)).collect();
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

/// Sets `values` from `known` for the facts about `about`.
fn fill<'a>(values: &mut [Option<&'a Value>], law: &LawSet, known: &'a FactMap, about: About) {
    let mut declared = law.vocabulary().about(about).iter().peekable();
    for (name, known) in known {
        while declared.next_if(|(other, _)| other < name).is_some() {}
        let Some((_, index)) = declared.next_if(|(other, _)| other == name) else { continue };
        let (Some(def), Some(slot)) = (law.vocabulary().facts().get(index.0), values.get_mut(index.0)) else {
            continue;
        };
        // A value of the wrong type counts as unknown.
        if known.value.is_of(&def.kind) {
            *slot = Some(&known.value);
        }
    }
}

/// The context of deciding one demand.
pub(crate) struct Judge<'a> {
    pub(crate) law: &'a LawSet,
    pub(crate) facts: &'a Facts,
    pub(crate) mode: Mode,
    /// The facts about the demand and the days, by their index in the vocabulary.
    pub(crate) common: Vec<Option<&'a Value>>,
    /// The instrument's index in the vocabulary.
    pub(crate) instrument: Option<usize>,
    /// The forum and those that contain it.
    pub(crate) forums: Option<Vec<&'a str>>,
    /// Missing facts that matter, with the rules that need them and how often.
    pub(crate) questions: BTreeMap<(FactIndex, Option<String>), Waiting>,
}

/// What the units contribute to the decision as a whole.
#[derive(Default)]
struct Extras {
    actions: BTreeSet<Action>,
    challenges: Vec<Challenge>,
    deadlines: BTreeSet<Deadline>,
    follow_ups: BTreeSet<Deadline>,
    flags: BTreeSet<Flag>,
}

/// The answer to a question of disclosure.
pub(crate) struct Answer {
    pub(crate) outcome: Outcome,
    pub(crate) conflict: bool,
    /// Open rules that could change the outcome.
    pub(crate) matters: BTreeSet<RuleIndex>,
    pub(crate) gap: bool,
}

impl<'a> Judge<'a> {
    /// The facts of the demand, an item and a copy.
    fn env(&self, item: Option<&'a RequestedItem>, copy: Option<&'a StoredCopy>) -> Env<'a> {
        let mut values = self.common.clone();
        if let Some(item) = item {
            fill(&mut values, self.law, &item.known, About::Item);
        }
        if let Some(copy) = copy {
            fill(&mut values, self.law, &copy.known, About::Copy);
        }
        Env { values, day: self.facts.on, sets: &self.law.sets }
    }

    fn ask(&self, item: Option<&RequestedItem>) -> RuleQuery<'a> {
        RuleQuery {
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

    fn unit(&mut self, item: &'a RequestedItem, copy: Option<&'a StoredCopy>, extras: &mut Extras) -> Unit {
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
            // The same question for the confirmed rules alone.
            let sure = self.answer(&stand(&ask, &env, Topic::Disclosure, &|index| self.confirmed(index)));
            if sure.outcome == answer.outcome {
                unconfirmed.retain(|id| standings.undefeated.iter().any(|index| self.law.at(*index).id == *id));
            } else if self.mode == Mode::Service {
                reasons.push(format!(
                    "No disclosure may rest on unconfirmed rules without counsel's signature: {}.",
                    unconfirmed.join(", ")
                ));
                answer.outcome = Outcome::ReferCounsel;
            }
        }
        if answer.gap {
            reasons.push("No rule covers this; counsel decides.".to_owned());
        }
        if answer.conflict {
            reasons.push("Two laws conflict and neither prevails; counsel decides.".to_owned());
        }
        let conflict = answer.conflict.then(|| self.conflict(&standings, &env));
        let mut actions: BTreeSet<Action> =
            standings.undefeated.iter().flat_map(|index| self.law.at(*index).actions.iter().copied()).collect();
        if answer.conflict {
            // While two laws conflict, the data must be preserved.
            actions.insert(Action::Preserve);
        }
        let about = QuestionSubject { item: Some(&item.name), copy: copy.map(|copy| copy.name.as_str()) };
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

    /// Combines the rules on disclosure.
    fn answer(&self, standings: &Standings) -> Answer {
        let effect = |index: &RuleIndex| self.law.at(*index).effect;
        let gate = |index: &&RuleIndex| effect(index) == Effect::Requires;
        let says: BTreeSet<Effect> = standings.undefeated.iter().filter(|i| !gate(i)).map(effect).collect();
        let gated = standings.undefeated.iter().any(|index| gate(&index));
        let disposition = dispose(&says);
        let open: Vec<RuleIndex> = standings.open.iter().map(|(index, _)| *index).collect();
        // An open rule with the same effect as all undefeated rules changes nothing, even if it defeats them. Any other
        // might.
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
        self.wait(&standings, &QuestionSubject { item: None, copy: None }, |_| true, 0);
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
            reasons.push("No rule says whether the owner may be told; counsel decides.".to_owned());
        }
        if effects.len() > 1 {
            reasons.push("Rules conflict on whether the owner may be told; counsel decides.".to_owned());
        }
        if !stable {
            reasons.push("Whether the owner may be told depends on missing facts; counsel decides.".to_owned());
            state = SilenceState::ReferCounsel;
        }
        let sure = |index: &RuleIndex| self.confirmed(*index);
        let tells = matches!(state, SilenceState::None | SilenceState::Ended);
        if self.mode == Mode::Service && tells && !standings.undefeated.iter().all(sure) {
            reasons.push("The rule that would allow telling the owner is not confirmed; counsel decides.".to_owned());
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

    fn challenge(
        &mut self,
        item: &RequestedItem,
        ask: &RuleQuery<'_>,
        env: &Env<'_>,
        about: &QuestionSubject<'_>,
        extras: &mut Extras,
    ) {
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
            reasons.push("Whether this challenge is available depends on missing facts.".to_owned());
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
            extras.deadlines.extend(rule.deadline.iter().filter_map(|term| self.compute_deadline(term, rule, env)));
            extras.follow_ups.extend(rule.follow_ups.iter().filter_map(|term| self.compute_deadline(term, rule, env)));
        }
    }

    fn compute_deadline(&self, term: &Term, rule: &Rule, env: &Env<'_>) -> Option<Deadline> {
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
        deadlines::compute(term, &from, &rule.id)
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
                // A rule sets its flag on every unit; list it once.
                if extras.flags.iter().any(|known| known.rule == rule.id && known.name == *name) {
                    continue;
                }
                let means = self.law.vocabulary().means(name).unwrap_or_default().to_owned();
                extras.flags.insert(Flag { name: name.clone(), means, rule: rule.id.clone() });
            }
        }
    }
}
