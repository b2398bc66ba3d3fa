//! A decision as text: the proof tree for reviewing it, and the summary for acting on it. Plain text, 100 columns.

use std::fmt::Write;

use crate::decision::{ChallengeState, Deadline, Decision, Mode, Node, Notice, Proof, Silence, SilenceState, Unit};
use crate::facts::{FactMap, Provenance};
use crate::rule::Confidence;

/// Fits a terminal and a printed page in a fixed-width font.
const COLUMNS: usize = 100;

/// The proof: which rules apply to each item and copy, what they defeat, the facts they used, the missing facts, and
/// the rules that failed a single condition.
pub fn explain(decision: &Decision) -> String {
    let mut page = Page::default();
    page.line(0, &format!("{} on {} ({})", decision.outcome, decision.facts.on, mode(decision.mode)));
    page.line(0, &format!("law set {}", decision.law));
    for unit in &decision.units {
        page.blank();
        page.line(0, &format!("{}: {}", heading(unit), unit.outcome));
        page.proof(&unit.proof);
        for node in &unit.also {
            page.node(node, 1, "in addition, ");
        }
    }
    page.blank();
    page.line(0, &format!("non-disclosure: {}", silence_state(decision.silence.state)));
    page.proof(&decision.silence.proof);
    page.text
}

/// The summary: facts, decision per item and copy with reasons and citations, deadlines and how they were computed,
/// other routes to the data, what is missing.
pub fn render_decision(decision: &Decision) -> String {
    let mut page = Page::default();
    page.line(0, &format!("{}   ({}, law of {})", decision.outcome, mode(decision.mode), decision.facts.on));
    page.line(0, &format!("law set {}", decision.law));
    if !decision.actions.is_empty() {
        let actions: Vec<_> = decision.actions.iter().map(|action| action.as_str()).collect();
        page.line(0, &format!("actions: {}", actions.join(", ")));
    }
    page.facts(decision);
    for unit in &decision.units {
        page.unit(unit);
    }
    page.heading("Notice to the owner");
    page.silence(&decision.silence);
    if !decision.challenges.is_empty() {
        page.heading("Challenge in court");
        for challenge in &decision.challenges {
            let state = match challenge.state {
                ChallengeState::Open => "available",
                ChallengeState::Closed => "not available",
                ChallengeState::ReferCounsel => "for counsel to decide",
            };
            page.line(1, &format!("{}: {state}", challenge.items.join(", ")));
            challenge.reasons.iter().for_each(|reason| page.line(2, reason));
            for cite in &challenge.citations {
                page.line(2, &format!("[{}] {}", cite.rule, cited(&cite.text, cite.confidence)));
            }
        }
    }
    page.deadlines("Deadlines", &decision.deadlines);
    page.deadlines("Later dates", &decision.follow_ups);
    if !decision.questions.is_empty() {
        page.heading("Missing facts, most decisive first");
        for (n, question) in decision.questions.iter().enumerate() {
            let about = question.about.as_ref().map_or(String::new(), |about| format!(" ({about})"));
            page.line(1, &format!("{}. {}{about}  [{}]", n + 1, question.text, question.fact));
        }
    }
    if !decision.flags.is_empty() {
        page.heading("Flags");
        for flag in &decision.flags {
            page.line(1, &format!("{}: {}  [{}]", flag.name, flag.means, flag.rule));
        }
    }
    page.blank();
    page.line(0, "These rules are not legal advice; the operator's counsel is responsible for the set in use.");
    page.text
}

/// A paragraph of at most 100 columns, indented by two columns per level; continuation lines are indented by two more.
/// For texts that accompany a decision, such as a letter.
pub fn paragraph(indent: usize, text: &str) -> String {
    let mut page = Page::default();
    page.line(indent, text);
    page.text
}

#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn blank(&mut self) {
        self.text.push('\n');
    }

    fn heading(&mut self, text: &str) {
        self.blank();
        self.line(0, text);
    }

    /// Wrapped text, indented by two columns per level; continuation lines are indented by two more.
    fn line(&mut self, indent: usize, text: &str) {
        let mut margin = indent * 2;
        let mut used = 0;
        let mut line = String::new();
        for word in text.split_inclusive(' ') {
            let width = word.trim_end().chars().count();
            if used > 0 && margin + used + width > COLUMNS {
                self.put(margin, &line);
                line.clear();
                used = 0;
                margin = indent * 2 + 2;
            }
            line.push_str(word);
            used += word.chars().count();
        }
        self.put(margin, &line);
    }

    fn put(&mut self, margin: usize, line: &str) {
        let _ = writeln!(self.text, "{:margin$}{}", "", line.trim_end());
    }

    fn facts(&mut self, decision: &Decision) {
        let facts = &decision.facts;
        self.heading("Facts");
        self.line(1, &format!("home {}, received {} ({})", facts.home, facts.received, facts.zone));
        if decision.units.iter().any(|unit| unit.category != terms::Category::Subscriber) {
            self.line(1, &format!("mail that arrived from {} and before {}", facts.scope.from, facts.scope.until));
        }
        self.map(1, &facts.known);
        for copy in &facts.copies {
            let holds: Vec<_> = copy.holds.iter().map(|category| category.as_str()).collect();
            self.line(1, &format!("copy \"{}\" ({})", copy.name, holds.join(", ")));
            self.map(2, &copy.known);
        }
        for signature in &facts.signed {
            self.line(1, &format!("{} signed the rule {} on {}", signature.counsel, signature.rule, signature.at));
        }
    }

    fn map(&mut self, indent: usize, known: &FactMap) {
        for (name, known) in known {
            let from = match known.from {
                Provenance::Demand => "",
                Provenance::Home => "  (declared by the operator)",
                Provenance::Officer => "  (entered by an officer)",
                Provenance::Computed => "  (computed)",
                Provenance::Silence => "  (assumed, because the demand does not say otherwise)",
            };
            self.line(indent, &format!("{name} = {}{from}", known.value));
        }
    }

    fn unit(&mut self, unit: &Unit) {
        let contested = if unit.contested { ", contested" } else { "" };
        self.heading(&format!("{}: {}{contested}", heading(unit), unit.outcome));
        unit.reasons.iter().for_each(|reason| self.line(1, reason));
        if !unit.unconfirmed.is_empty() {
            self.line(1, &format!("Based on unconfirmed rules: {}", unit.unconfirmed.join(", ")));
        }
        for cite in &unit.citations {
            self.line(1, &format!("[{}] {}", cite.rule, cited(&cite.text, cite.confidence)));
        }
        if let Some(conflict) = &unit.conflict {
            self.line(1, "Law that compels or permits disclosure:");
            conflict.compels_because.iter().for_each(|node| self.node(node, 2, ""));
            self.line(1, "Law that bars it:");
            conflict.bars_because.iter().for_each(|node| self.node(node, 2, ""));
        }
        for condition in &unit.conditions {
            self.line(1, &format!("Outstanding: {condition}"));
        }
        for route in &unit.redirect {
            self.line(1, &format!("Available legal process: {}. {}", route.name, route.text));
            self.line(2, &route.cite.join("; "));
            route.needs.iter().for_each(|need| self.line(2, &format!("requires {need}")));
        }
        if !unit.actions.is_empty() {
            let actions: Vec<_> = unit.actions.iter().map(|action| action.as_str()).collect();
            self.line(1, &format!("Actions: {}", actions.join(", ")));
        }
    }

    fn silence(&mut self, silence: &Silence) {
        let notice = match silence.notice {
            Notice::Blocked => "not allowed at present",
            Notice::Allowed => "allowed",
            Notice::Due => "due",
            Notice::ReferCounsel => "not until counsel has decided",
        };
        let until = silence.until.map_or(String::new(), |day| format!(", until {day}"));
        self.line(1, &format!("non-disclosure duty: {}{until}; notice: {notice}", silence_state(silence.state)));
        silence.reasons.iter().for_each(|reason| self.line(1, reason));
        for cite in &silence.citations {
            self.line(1, &format!("[{}] {}", cite.rule, cited(&cite.text, cite.confidence)));
        }
    }

    fn deadlines(&mut self, name: &str, deadlines: &[Deadline]) {
        if deadlines.is_empty() {
            return;
        }
        self.heading(name);
        for deadline in deadlines {
            self.line(
                1,
                &format!(
                    "{} {} ({}, {}): {}  [{}]",
                    deadline.purpose.as_str(),
                    deadline.local,
                    deadline.zone,
                    deadline.utc,
                    deadline.what,
                    deadline.rule
                ),
            );
            deadline.steps.iter().for_each(|step| self.line(2, step));
            if let Some(why) = &deadline.uncertain {
                self.line(2, &format!("uncertain: {why}"));
            }
        }
    }

    fn proof(&mut self, proof: &Proof) {
        if proof.applied.is_empty() {
            self.line(1, "no rule applies");
        }
        proof.applied.iter().for_each(|node| self.node(node, 1, ""));
        for open in &proof.open {
            let matters = if open.matters { "" } else { "; would not change the outcome" };
            self.line(
                1,
                &format!("? {} {}: needs {}{matters}", open.rule, open.effect.as_str(), open.missing.join(", ")),
            );
        }
        for near in &proof.near {
            self.line(1, &format!("x {} {}: not met: {}", near.rule, near.effect.as_str(), near.failed));
        }
    }

    fn node(&mut self, node: &Node, indent: usize, lead: &str) {
        self.line(indent, &format!("{lead}{} {}", node.rule, node.effect.as_str()));
        self.line(indent + 1, &node.because);
        let cites: Vec<_> = node.cite.iter().map(|text| cited(text, node.confidence)).collect();
        self.line(indent + 1, &cites.join("; "));
        for used in &node.facts {
            self.line(indent + 1, &format!("{} = {} (condition: {})", used.fact, used.value, used.met));
        }
        for below in &node.defeats {
            self.node(below, indent + 1, "defeats ");
        }
    }
}

fn cited(text: &str, confidence: Confidence) -> String {
    match confidence {
        Confidence::Read => text.to_owned(),
        other => format!("{text} (not confirmed: {})", other.as_str()),
    }
}

fn heading(unit: &Unit) -> String {
    match &unit.copy {
        Some(copy) => format!("{} in \"{copy}\"", unit.item),
        None => format!("{}, in no declared copy", unit.item),
    }
}

fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Service => "served",
        Mode::WhatIf => "what if",
    }
}

fn silence_state(state: SilenceState) -> &'static str {
    match state {
        SilenceState::Binding => "in force",
        SilenceState::None => "none",
        SilenceState::Ended => "ended",
        SilenceState::ReferCounsel => "for counsel to decide",
    }
}
