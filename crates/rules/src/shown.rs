//! What a decision shows for its outcome: rules, citations, routes and the proof.

use std::collections::BTreeSet;

use terms::Jurisdiction;

use crate::condition::{Env, FactIndex, within};
use crate::decision::{Citation, NearRule, Node, OpenRule, Proof, Route, UsedFact};
use crate::facts::{RequestedItem, StoredCopy};
use crate::judge::Judge;
use crate::law::{RouteDef, RuleIndex};
use crate::rule::Rule;
use crate::standing::Standings;
use crate::value::Value;

impl Judge<'_> {
    /// The routes named by the rules, for the State where the copy is stored, or else the general ones.
    pub(crate) fn routes(&self, rules: &[RuleIndex], item: &RequestedItem, copy: Option<&StoredCopy>) -> Vec<Route> {
        let stored: BTreeSet<Jurisdiction> = copy
            .and_then(|copy| copy.known.get("copy_stored"))
            .and_then(|known| match &known.value {
                Value::Places(places) => Some(places.clone()),
                _ => None,
            })
            .unwrap_or_else(|| BTreeSet::from([self.facts.home.clone()]));
        let mut out: Vec<Route> = Vec::new();
        for kind in rules.iter().flat_map(|index| self.law.at(*index).redirect.iter()) {
            let fitting: Vec<_> = self
                .law
                .routes()
                .iter()
                .filter(|route| {
                    route.kind == *kind
                        && self.leads(route, &stored)
                        && route.in_force.covers(self.facts.on)
                        && (route.asks.is_empty() || route.asks.contains(&item.category))
                })
                .collect();
            let local = |state: &Jurisdiction| stored.iter().any(|place| within(place, state));
            let particular = fitting.iter().any(|route| route.state.as_ref().is_some_and(local));
            for route in fitting {
                let fits = match &route.state {
                    Some(state) => local(state),
                    None => !particular,
                };
                if fits && !out.iter().any(|known| known.id == route.id) {
                    out.push(Route {
                        id: route.id.clone(),
                        name: route.name.clone(),
                        text: route.text.clone(),
                        cite: route.cite.clone(),
                        needs: route.needs.clone(),
                    });
                }
            }
        }
        out
    }

    /// Whether the route is open between the State that asks and those where the data are.
    fn leads(&self, route: &RouteDef, stored: &BTreeSet<Jurisdiction>) -> bool {
        let outside = |place: &Jurisdiction| route.not_between.iter().any(|state| within(place, state));
        let asks = match self.facts.known.get("issuer_state").map(|known| &known.value) {
            Some(Value::Place(state)) => Some(state),
            _ => None,
        };
        !asks.is_some_and(outside) && (stored.is_empty() || !stored.iter().all(outside))
    }

    pub(crate) fn ids(&self, rules: &[RuleIndex]) -> Vec<String> {
        rules.iter().map(|index| self.law.at(*index).id.clone()).collect()
    }

    pub(crate) fn citations(&self, rules: &[RuleIndex]) -> Vec<Citation> {
        rules
            .iter()
            .map(|index| self.law.at(*index))
            .flat_map(|rule| {
                rule.cite.iter().map(|text| Citation {
                    rule: rule.id.clone(),
                    text: text.clone(),
                    source: rule.source.clone(),
                    retrieved: rule.retrieved,
                    confidence: rule.confidence,
                })
            })
            .collect()
    }

    pub(crate) fn proof(&self, standings: &Standings, env: &Env<'_>, matters: &dyn Fn(RuleIndex) -> bool) -> Proof {
        Proof {
            applied: self.trees(&standings.undefeated, &standings.defeated, env),
            open: standings
                .open
                .iter()
                .map(|(index, missing)| OpenRule {
                    rule: self.law.at(*index).id.clone(),
                    effect: self.law.at(*index).effect,
                    missing: missing.iter().map(|fact| self.fact_name(*fact)).collect(),
                    matters: matters(*index),
                })
                .collect(),
            near: standings
                .near
                .iter()
                .map(|(index, failed)| NearRule {
                    rule: self.law.at(*index).id.clone(),
                    effect: self.law.at(*index).effect,
                    failed: failed.clone(),
                })
                .collect(),
        }
    }

    pub(crate) fn fact_name(&self, index: FactIndex) -> String {
        self.law.vocabulary().facts().get(index.0).map_or_else(String::new, |fact| fact.name.clone())
    }

    /// The rules, each with those it defeats below it; every rule is shown once.
    pub(crate) fn trees(&self, roots: &[RuleIndex], defeated: &[RuleIndex], env: &Env<'_>) -> Vec<Node> {
        let mut left: BTreeSet<RuleIndex> = defeated.iter().copied().collect();
        roots.iter().map(|root| self.tree(*root, &mut left, env)).collect()
    }

    pub(crate) fn tree(&self, root: RuleIndex, left: &mut BTreeSet<RuleIndex>, env: &Env<'_>) -> Node {
        // Rules whose nearest applicable exception is this one: an exception in between would show them itself.
        let below: Vec<RuleIndex> = left
            .iter()
            .copied()
            .filter(|index| {
                let over = self.law.overriders(*index);
                over.contains(&root)
                    && !left.iter().any(|other| over.contains(other) && self.law.overriders(*other).contains(&root))
            })
            .collect();
        for index in &below {
            left.remove(index);
        }
        let rule = self.law.at(root);
        Node {
            rule: rule.id.clone(),
            effect: rule.effect,
            because: rule.because.clone(),
            cite: rule.cite.clone(),
            confidence: rule.confidence,
            facts: self.used(rule, env),
            defeats: below.into_iter().map(|index| self.tree(index, left, env)).collect(),
        }
    }

    pub(crate) fn used(&self, rule: &Rule, env: &Env<'_>) -> Vec<UsedFact> {
        let forum = (!rule.binds.is_empty()).then(|| UsedFact {
            fact: "forum".to_owned(),
            value: env.value(self.law.builtin.forum).cloned().unwrap_or(Value::Bool(false)),
            met: format!("within {}", rule.binds.join(", ")),
        });
        forum
            .into_iter()
            .chain(rule.when.iter().filter_map(|condition| {
                Some(UsedFact {
                    fact: condition.fact.clone(),
                    value: env.value(condition.index)?.clone(),
                    met: condition.describe(),
                })
            }))
            .collect()
    }
}
