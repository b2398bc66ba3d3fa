//! A decision on a page: what follows for each item and copy, why, by when, and the tree. The same for a case of the
//! set and for made-up facts.

use askama::Template;
use rules::{
    Challenge, ChallengeState, Citation, Conflict, Deadline, Decision, FactMap, Mode, Node, Notice, Outcome, Proof,
    Provenance, Question, Silence, SilenceState, Unit,
};

use super::form;
use super::rule::CaseRow;
use super::site::{Frame, LawSite, text};
use super::words;

/// An outcome as a page shows it.
pub(super) struct Badge {
    pub(super) word: &'static str,
    pub(super) look: &'static str,
    pub(super) means: String,
}

/// A rule in a proof tree, with what it defeats below it. It is a template of its own because a tree has no depth that
/// a page could know.
#[derive(Template)]
#[template(path = "law/node.html")]
pub(super) struct NodeView {
    pub(super) lead: &'static str,
    pub(super) path: String,
    pub(super) rule: String,
    pub(super) effect: &'static str,
    pub(super) look: &'static str,
    pub(super) because: String,
    pub(super) cite: String,
    pub(super) unconfirmed: Option<&'static str>,
    pub(super) facts: Vec<(String, String, String)>,
    pub(super) defeats: Vec<NodeView>,
}

/// A proof: what applies, what waits for a fact, what one condition kept out.
pub(super) struct ProofView {
    pub(super) applied: Vec<NodeView>,
    pub(super) open: Vec<(String, String, &'static str, String, bool)>,
    pub(super) near: Vec<(String, String, &'static str, String)>,
}

pub(super) struct CiteView {
    pub(super) path: String,
    pub(super) rule: String,
    pub(super) text: String,
    pub(super) source: String,
    pub(super) retrieved: String,
    pub(super) unconfirmed: Option<&'static str>,
}

pub(super) struct ConflictView {
    pub(super) compels: Vec<NodeView>,
    pub(super) bars: Vec<NodeView>,
}

pub(super) struct RouteView {
    pub(super) path: String,
    pub(super) name: String,
    pub(super) text: String,
    pub(super) cite: String,
    pub(super) needs: Vec<String>,
}

pub(super) struct UnitView {
    pub(super) anchor: String,
    pub(super) item: String,
    pub(super) copy: String,
    pub(super) category: &'static str,
    pub(super) badge: Badge,
    pub(super) is_contested: bool,
    pub(super) unconfirmed: Vec<(String, String)>,
    pub(super) reasons: Vec<String>,
    pub(super) citations: Vec<CiteView>,
    pub(super) conditions: Vec<String>,
    pub(super) routes: Vec<RouteView>,
    pub(super) actions: Vec<(&'static str, String)>,
    pub(super) conflict: Option<ConflictView>,
    pub(super) proof: ProofView,
    pub(super) also: Vec<NodeView>,
}

pub(super) struct SilenceView {
    pub(super) state: &'static str,
    pub(super) notice: &'static str,
    pub(super) source: String,
    pub(super) until: String,
    pub(super) reasons: Vec<String>,
    pub(super) citations: Vec<CiteView>,
    pub(super) proof: ProofView,
}

pub(super) struct ChallengeView {
    pub(super) items: String,
    pub(super) state: &'static str,
    pub(super) reasons: Vec<String>,
    pub(super) citations: Vec<CiteView>,
}

pub(super) struct DeadlineView {
    pub(super) purpose: &'static str,
    pub(super) what: String,
    pub(super) local: String,
    pub(super) zone: String,
    pub(super) utc: String,
    pub(super) steps: Vec<String>,
    pub(super) uncertain: String,
    pub(super) rule: (String, String),
}

pub(super) struct FactView {
    pub(super) name: String,
    pub(super) question: String,
    pub(super) value: String,
    pub(super) from: &'static str,
}

/// Facts about the demand, an item or a copy.
pub(super) struct FactTable {
    pub(super) title: String,
    pub(super) rows: Vec<FactView>,
}

/// A decision with everything that a reader asks of it.
pub(super) struct DecisionView {
    pub(super) badge: Badge,
    /// What the same facts would come to if they had been served; for a what-if in which that differs.
    pub(super) served: Option<Badge>,
    pub(super) is_served: bool,
    pub(super) on: String,
    pub(super) on_path: String,
    pub(super) received: String,
    pub(super) zone: String,
    pub(super) home: String,
    pub(super) actions: Vec<(&'static str, String)>,
    pub(super) units: Vec<UnitView>,
    pub(super) silence: SilenceView,
    pub(super) challenges: Vec<ChallengeView>,
    pub(super) deadlines: Vec<(&'static str, Vec<DeadlineView>)>,
    pub(super) questions: Vec<(String, String, String)>,
    pub(super) flags: Vec<(String, String, String, String)>,
    pub(super) facts: Vec<FactTable>,
}

#[derive(Template)]
#[template(path = "law/cases.html")]
struct CasesPage<'a> {
    frame: Frame<'a>,
    groups: Vec<(String, Vec<CaseRow>)>,
}

#[derive(Template)]
#[template(path = "law/case.html")]
struct CasePage<'a> {
    frame: Frame<'a>,
    id: &'a str,
    title: &'a str,
    file: &'a str,
    expected: Option<&'static str>,
    failures: &'a [String],
    what_if: String,
    d: DecisionView,
}

impl LawSite {
    pub(super) fn case_list(&self) -> Option<String> {
        let group = |state: String| {
            let its = self.cases.iter().enumerate().filter(|(_, case)| words::state_of(&case.file) == state);
            let rows = its.filter_map(|(number, _)| self.case_row(number)).collect();
            (words::state_name(&state).to_owned(), rows)
        };
        let states: std::collections::BTreeSet<_> =
            self.cases.iter().map(|case| words::state_of(&case.file).to_owned()).collect();
        text(CasesPage { frame: self.frame("", "cases"), groups: states.into_iter().map(group).collect() })
    }

    pub(super) fn case_page(&self, number: usize) -> Option<String> {
        let (case, told) = self.cases.get(number).zip(self.answers().outcomes.get(number))?;
        text(CasePage {
            frame: self.frame("../", "cases"),
            id: &case.id,
            title: &case.title,
            file: &case.file,
            expected: case.expected().map(Outcome::as_str),
            failures: &told.failures,
            what_if: form::link(&case.id),
            d: self.decision_view(&self.decide_case(case), "../"),
        })
    }

    /// A decision for a page that is `root` away from the first one.
    pub(super) fn decision_view(&self, decision: &Decision, root: &'static str) -> DecisionView {
        let facts = &decision.facts;
        let look = Look { site: self, root };
        let served = (decision.mode == Mode::WhatIf)
            .then(|| self.decide(facts, Mode::Service).outcome)
            .filter(|outcome| *outcome != decision.outcome);
        let deadlines = [("Deadlines", &decision.deadlines), ("Later", &decision.follow_ups)];
        DecisionView {
            badge: look.badge(decision.outcome),
            served: served.map(|outcome| look.badge(outcome)),
            is_served: decision.mode == Mode::Service,
            on: facts.on.to_string(),
            on_path: format!("{root}{}", self.law_of(facts.on)),
            received: rules::local_time(facts.received, &facts.zone),
            zone: facts.zone.clone(),
            home: facts.home.to_string(),
            actions: look.actions(decision.actions.iter()),
            units: decision.units.iter().zip(1..).map(|(unit, number)| look.unit(unit, number)).collect(),
            silence: look.silence(&decision.silence),
            challenges: decision.challenges.iter().map(|challenge| look.challenge(challenge)).collect(),
            deadlines: deadlines
                .into_iter()
                .filter(|(_, list)| !list.is_empty())
                .map(|(title, list)| (title, list.iter().map(|deadline| look.deadline(deadline)).collect()))
                .collect(),
            questions: decision.questions.iter().map(question).collect(),
            flags: decision
                .flags
                .iter()
                .map(|flag| (words::spaced(&flag.name), flag.means.clone(), look.path(&flag.rule), flag.rule.clone()))
                .collect(),
            facts: look.facts(decision),
        }
    }
}

fn question(question: &Question) -> (String, String, String) {
    (question.text.clone(), question.fact.clone(), question.about.clone().unwrap_or_default())
}

/// The site, and how far the page is from its first one.
struct Look<'a> {
    site: &'a LawSite,
    root: &'static str,
}

impl Look<'_> {
    fn means(&self, word: &str) -> String {
        self.site.law.vocabulary().means(word).unwrap_or_default().to_owned()
    }

    fn path(&self, rule: &str) -> String {
        format!("{}{}", self.root, self.site.rule_path(rule))
    }

    fn badge(&self, outcome: Outcome) -> Badge {
        Badge { word: outcome.as_str(), look: words::outcome_look(outcome), means: self.means(outcome.as_str()) }
    }

    fn actions<'a>(&self, actions: impl Iterator<Item = &'a rules::Action>) -> Vec<(&'static str, String)> {
        actions.map(|action| (action.as_str(), self.means(action.as_str()))).collect()
    }

    fn unit(&self, unit: &Unit, number: usize) -> UnitView {
        let routes = unit.redirect.iter().map(|route| RouteView {
            path: format!("{}routes.html#{}", self.root, route.id),
            name: route.name.clone(),
            text: route.text.clone(),
            cite: route.cite.join("; "),
            needs: route.needs.clone(),
        });
        UnitView {
            anchor: format!("unit-{number}"),
            item: words::spaced(&unit.item),
            copy: unit.copy.clone().unwrap_or_else(|| "in no declared copy".to_owned()),
            category: unit.category.as_str(),
            badge: self.badge(unit.outcome),
            is_contested: unit.contested,
            unconfirmed: unit.unconfirmed.iter().map(|id| (self.path(id), id.clone())).collect(),
            reasons: unit.reasons.clone(),
            citations: self.citations(&unit.citations),
            conditions: unit.conditions.clone(),
            routes: routes.collect(),
            actions: self.actions(unit.actions.iter()),
            conflict: unit.conflict.as_ref().map(|conflict| self.conflict(conflict)),
            proof: self.proof(&unit.proof),
            also: self.nodes(&unit.also, "also"),
        }
    }

    fn conflict(&self, conflict: &Conflict) -> ConflictView {
        ConflictView {
            compels: self.nodes(&conflict.compels_because, ""),
            bars: self.nodes(&conflict.bars_because, ""),
        }
    }

    fn nodes(&self, nodes: &[Node], lead: &'static str) -> Vec<NodeView> {
        nodes.iter().map(|node| self.node(node, lead)).collect()
    }

    fn node(&self, node: &Node, lead: &'static str) -> NodeView {
        NodeView {
            lead,
            path: self.path(&node.rule),
            rule: node.rule.clone(),
            effect: words::effect(node.effect),
            look: words::effect_look(node.effect),
            because: node.because.clone(),
            cite: node.cite.join("; "),
            unconfirmed: unconfirmed(node.confidence),
            facts: node
                .facts
                .iter()
                .map(|used| (used.fact.clone(), used.value.to_string(), used.met.clone()))
                .collect(),
            defeats: self.nodes(&node.defeats, "defeats"),
        }
    }

    fn proof(&self, proof: &Proof) -> ProofView {
        let open = proof.open.iter().map(|open| {
            let missing = open.missing.join(", ");
            (self.path(&open.rule), open.rule.clone(), words::effect(open.effect), missing, open.matters)
        });
        let near = proof
            .near
            .iter()
            .map(|near| (self.path(&near.rule), near.rule.clone(), words::effect(near.effect), near.failed.clone()));
        ProofView { applied: self.nodes(&proof.applied, ""), open: open.collect(), near: near.collect() }
    }

    fn citations(&self, citations: &[Citation]) -> Vec<CiteView> {
        let view = |cite: &Citation| CiteView {
            path: self.path(&cite.rule),
            rule: cite.rule.clone(),
            text: cite.text.clone(),
            source: cite.source.clone(),
            retrieved: cite.retrieved.to_string(),
            unconfirmed: unconfirmed(cite.confidence),
        };
        citations.iter().map(view).collect()
    }

    fn silence(&self, silence: &Silence) -> SilenceView {
        SilenceView {
            state: match silence.state {
                SilenceState::Binding => "in force: the owner must not be told",
                SilenceState::None => "none",
                SilenceState::Ended => "ended",
                SilenceState::ReferCounsel => "counsel decides",
            },
            notice: match silence.notice {
                Notice::Blocked => "not allowed at present",
                Notice::Allowed => "allowed",
                Notice::Due => "required",
                Notice::ReferCounsel => "only after counsel has decided",
            },
            source: silence.source.as_deref().map(words::spaced).unwrap_or_default(),
            until: silence.until.map(|day| day.to_string()).unwrap_or_default(),
            reasons: silence.reasons.clone(),
            citations: self.citations(&silence.citations),
            proof: self.proof(&silence.proof),
        }
    }

    fn challenge(&self, challenge: &Challenge) -> ChallengeView {
        ChallengeView {
            items: words::list(challenge.items.iter().map(|item| words::spaced(item))),
            state: match challenge.state {
                ChallengeState::Open => "available",
                ChallengeState::Closed => "not available",
                ChallengeState::ReferCounsel => "counsel decides",
            },
            reasons: challenge.reasons.clone(),
            citations: self.citations(&challenge.citations),
        }
    }

    fn deadline(&self, deadline: &Deadline) -> DeadlineView {
        DeadlineView {
            purpose: deadline.purpose.as_str(),
            what: deadline.what.clone(),
            local: deadline.local.clone(),
            zone: deadline.zone.clone(),
            utc: deadline.utc.clone(),
            steps: deadline.steps.clone(),
            uncertain: deadline.uncertain.clone().unwrap_or_default(),
            rule: (self.path(&deadline.rule), deadline.rule.clone()),
        }
    }

    fn facts(&self, decision: &Decision) -> Vec<FactTable> {
        let facts = &decision.facts;
        let mut tables = vec![FactTable { title: "The demand".to_owned(), rows: self.fact_rows(&facts.known) }];
        for item in &facts.items {
            let title = format!("Requested: {}", words::spaced(&item.name));
            tables.push(FactTable { title, rows: self.fact_rows(&item.known) });
        }
        for copy in &facts.copies {
            let holds = words::list(copy.holds.iter().map(|category| category.as_str()));
            let title = format!("Copy: {} (holds {holds})", copy.name);
            tables.push(FactTable { title, rows: self.fact_rows(&copy.known) });
        }
        tables
    }

    fn fact_rows(&self, known: &FactMap) -> Vec<FactView> {
        let row = |(name, known): (&String, &rules::Known)| FactView {
            name: name.clone(),
            question: self.site.law.vocabulary().fact(name).map(|fact| fact.question.clone()).unwrap_or_default(),
            value: known.value.to_string(),
            from: match known.from {
                Provenance::Demand => "the demand",
                Provenance::Home => "declared by the operator",
                Provenance::Officer => "entered",
                Provenance::Computed => "computed",
                Provenance::Silence => "default: not mentioned",
            },
        };
        known.iter().map(row).collect()
    }
}

fn unconfirmed(confidence: rules::Confidence) -> Option<&'static str> {
    (confidence < rules::Confidence::Read).then(|| words::confidence_short(confidence))
}
