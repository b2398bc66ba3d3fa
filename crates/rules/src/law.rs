//! The law set: rules, words and calendars, named by its digest.

use std::collections::{BTreeMap, BTreeSet};

use terms::{Category, Digest, Jurisdiction};

use crate::authorities::RouteAuthority;
use crate::calendar::Calendar;
use crate::condition::FactIndex;
use crate::invariant::{Impossible, Invariant};
use crate::places::{PlaceSet, PlaceSets};
use crate::rule::{Confidence, InForce, Rule, Topic};
use crate::value::{Day, Value};
use crate::vocabulary::Vocabulary;

/// The rules, words and calendars of one `law/` directory.
#[derive(Debug, Clone)]
pub struct LawSet {
    pub(crate) digest: Digest,
    pub(crate) vocabulary: Vocabulary,
    pub(crate) sets: PlaceSets,
    pub(crate) calendars: BTreeMap<String, Calendar>,
    pub(crate) routes: Vec<RouteDef>,
    pub(crate) authorities: Vec<RouteAuthority>,
    pub(crate) heads: Vec<FileHead>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) invariants: Vec<Invariant>,
    pub(crate) impossible: Vec<Impossible>,
    pub(crate) rule_digests: Vec<Digest>,
    pub(crate) by_topic: BTreeMap<Topic, Vec<RuleIndex>>,
    pub(crate) candidates: Candidates,
    /// For each rule, all rules that override it, directly or indirectly.
    pub(crate) overridden_by: Vec<BTreeSet<RuleIndex>>,
    pub(crate) builtin: Builtin,
}

/// Rules by topic and category, then by the instrument's index in the vocabulary.
#[derive(Debug, Clone, Default)]
pub(crate) struct Candidates(pub(crate) BTreeMap<(Topic, Option<Category>), Vec<Vec<RuleIndex>>>);

/// A rule's index in the set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RuleIndex(pub(crate) usize);

/// Another legal route to the data.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the names say it")]
pub struct RouteDef {
    /// Unique in the set.
    pub id: String,
    /// The kind that rules name in `redirect`.
    pub kind: String,
    /// The State it leads to; `None` for a general route.
    pub state: Option<Jurisdiction>,
    /// The categories it reaches; empty means all.
    pub asks: Vec<Category>,
    pub name: String,
    /// How it works, with a note if it is unconfirmed.
    pub text: String,
    /// Its legal basis.
    pub cite: Vec<String>,
    /// Its requirements.
    pub needs: Vec<String>,
    /// States that take no part in it: it leads neither to nor from them.
    pub not_between: Vec<Jurisdiction>,
    /// When it is available.
    pub in_force: InForce,
    /// The source consulted.
    pub source: String,
    /// How well the source was read.
    pub confidence: Confidence,
}

/// The heading of a file of rules.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct FileHead {
    /// Its path, relative to `law/`.
    pub path: String,
    pub title: String,
    /// A note for readers; may be empty.
    pub note: String,
}

/// Facts that the engine itself reads.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Builtin {
    pub(crate) forum: FactIndex,
    pub(crate) day: FactIndex,
    pub(crate) received_day: FactIndex,
    pub(crate) instrument: FactIndex,
    pub(crate) copy_stored: FactIndex,
}

impl LawSet {
    /// The digest of everything that takes part in decisions: SHA-256 over the paths and texts in order of path, each
    /// preceded by its length as eight bytes, big-endian.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The vocabulary.
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// The rules, in order of file and line.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The invariants that every decision must satisfy.
    pub fn invariants(&self) -> &[Invariant] {
        &self.invariants
    }

    /// Combinations of facts that cannot occur.
    pub fn impossible(&self) -> &[Impossible] {
        &self.impossible
    }

    /// A rule by its id.
    pub fn rule(&self, id: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.id == id)
    }

    pub(crate) fn at(&self, index: RuleIndex) -> &Rule {
        &self.rules[index.0]
    }

    /// Changes a rule's days, to test whether a case would notice. The set no longer matches its digest then.
    pub(crate) fn put_in_force(&mut self, index: RuleIndex, in_force: InForce) {
        self.rules[index.0].in_force = in_force;
    }

    pub(crate) fn digest_at(&self, index: RuleIndex) -> Digest {
        self.rule_digests[index.0]
    }

    pub(crate) fn topic(&self, topic: Topic) -> &[RuleIndex] {
        self.by_topic.get(&topic).map_or(&[], Vec::as_slice)
    }

    /// The index of an instrument in the vocabulary.
    pub(crate) fn instrument(&self, value: &Value) -> Option<usize> {
        let Value::Word(word) = value else { return None };
        self.vocabulary.instruments.iter().position(|known| known.name == *word)
    }

    /// The rules of a topic that may concern this category and instrument; no other can apply, whatever the facts.
    pub(crate) fn candidates(
        &self,
        topic: Topic,
        category: Option<Category>,
        instrument: Option<usize>,
    ) -> &[RuleIndex] {
        let Some(instrument) = instrument else { return self.topic(topic) };
        self.candidates.0.get(&(topic, category)).and_then(|all| all.get(instrument)).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn overriders(&self, index: RuleIndex) -> &BTreeSet<RuleIndex> {
        &self.overridden_by[index.0]
    }

    pub(crate) fn calendar(&self, id: &str) -> Option<&Calendar> {
        self.calendars.get(id)
    }

    /// The routes, in order of file and line.
    pub fn routes(&self) -> &[RouteDef] {
        &self.routes
    }

    /// The authorities that routes lead to.
    pub fn authorities(&self) -> &[RouteAuthority] {
        &self.authorities
    }

    /// The files of rules, in order of path.
    pub fn files(&self) -> &[FileHead] {
        &self.heads
    }

    /// The dated sets of States, in order of name.
    pub fn place_sets(&self) -> impl Iterator<Item = &PlaceSet> {
        self.sets.all()
    }

    /// Every day on which the law changes, in order: a rule, route or membership begins or has just ended, or a
    /// condition refers to that day.
    pub fn days_of_change(&self) -> Vec<Day> {
        let (Some(first), Some(last)) = (Day::new(-9999, 1, 1), Day::new(9999, 12, 31)) else { return Vec::new() };
        crate::picture::days_of_change(self, first, last).split_off(1)
    }

    /// The calendars, in order of id.
    pub fn calendars(&self) -> impl Iterator<Item = &Calendar> {
        self.calendars.values()
    }
}

/// SHA-256, as a [`Digest`].
pub(crate) fn sha256(data: &[u8]) -> Digest {
    let mut out = [0; 32];
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, data);
    for (to, from) in out.iter_mut().zip(digest.as_ref()) {
        *to = *from;
    }
    Digest(out)
}
