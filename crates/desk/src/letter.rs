//! Letters: why nothing, or not all, is handed over, and what would reach the data instead.

use std::fmt::Write;

use rules::{Action, Decision, Outcome};
use terms::CaseId;

use crate::approval::forget_shares;
use crate::{Case, Desk, DeskError, Kind, Said, State, proposal, show};

impl Desk {
    /// Writes the case's letter, records its digest first, and keeps a sealed copy. Durable when it returns.
    ///
    /// # Errors
    /// A case whose package is sealed; the ledger's and the disk's.
    pub fn refuse(&self, id: CaseId) -> Result<Said, DeskError> {
        let _turn = self.turn();
        let mut case = self.load(id)?;
        self.settle_records(&mut case)?;
        match case.state() {
            State::Sealed => {
                return Err(DeskError::NotNow(
                    "the package of this case is sealed; there is nothing to refuse".to_owned(),
                ));
            }
            State::Decided | State::ApprovedOnce | State::Cleared | State::Refused => {}
        }
        if case.letter.is_some() {
            return self.letter_again(&case);
        }
        if case.account.is_some() && case.decision.outcome == Outcome::Compelled {
            return Err(DeskError::NotNow(format!(
                "the rules compel everything that is asked in case {id}, so there is nothing to refuse; `case approve {id}` is \
                 next. To depart from the rules is counsel's, with reasons"
            )));
        }
        let text = self.letter(&case);
        let digest = proposal::sha256(text.as_bytes());
        let statement = serde_json::json!({ "letter": digest, "outcome": case.decision.outcome });
        self.record(&mut case, Kind::Letter, statement)?;
        let file = format!("case-{:06}.letter", case.id);
        let path = self.parts.dir.join("letters").join(&file);
        self.write_sealed(&path, &letter_context(case.id), text.as_bytes())?;
        case.letter = Some(file);
        if case.state() == State::Refused {
            // Nobody will join what was released for this case.
            forget_shares(&mut case);
        }
        self.save(&case)?;
        Ok(show::letter(&case, &text))
    }

    /// The letter that was written before.
    fn letter_again(&self, case: &Case) -> Result<Said, DeskError> {
        let Some(file) = &case.letter else { return Err(DeskError::NoCase(case.id)) };
        let path = self.parts.dir.join("letters").join(file);
        let sealed = self.parts.disk.read(&path).map_err(|error| DeskError::file(&path, error))?;
        let text = self.parts.vault.service_open(&letter_context(case.id), &sealed)?;
        Ok(show::letter(case, &String::from_utf8_lossy(&text)))
    }

    /// The letter's text: the law set's template, filled in.
    fn letter(&self, case: &Case) -> String {
        let decision = &case.decision;
        let letters = &self.parts.texts;
        let template = match decision.outcome {
            Outcome::ReferCounsel => &letters.counsel,
            _ if proposal::to_produce(decision).is_empty() || case.account.is_none() => &letters.not_compelled,
            _ => &letters.partial,
        };
        let demand = proposal::paper(case);
        let preserved = if decision.actions.contains(&Action::Preserve) && case.has(Kind::Hold) {
            "\nWhat your demand describes, as it was stored when we received it, is preserved.\n"
        } else {
            ""
        };
        fill(
            template,
            &[
                ("node", &self.parts.node_name),
                ("home", self.parts.home.as_str()),
                ("date", &day(self.parts.clock.now().rfc3339())),
                ("authority", &demand.authority),
                ("reference", &demand.reference),
                ("instrument", &demand.instrument),
                ("received", &day(case.received.rfc3339())),
                ("case", &format!("{}-{}", self.parts.home, case.id)),
                ("demand_digest", &case.demand_digest.to_string()),
                ("items", &items(case)),
                ("routes", &routes(decision)),
                ("preserved", preserved),
                ("questions", &questions(decision)),
                ("log_origin", self.parts.log.verifier().name()),
            ],
        )
    }
}

fn letter_context(id: CaseId) -> String {
    format!("desk/letter/{id}")
}

/// The day of an RFC 3339 moment.
fn day(moment: String) -> String {
    moment.chars().take(10).collect()
}

/// Replaces `{name}`; a value's own braces are left alone.
fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(template.len() * 2);
    let mut rest = template;
    while let Some(at) = rest.find('{') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let known =
            values.iter().find(|(name, _)| rest[1..].strip_prefix(name).is_some_and(|after| after.starts_with('}')));
        match known {
            Some((name, value)) => {
                out.push_str(value);
                rest = &rest[name.len() + 2..];
            }
            None => {
                out.push('{');
                rest = &rest[1..];
            }
        }
    }
    out + rest
}

fn items(case: &Case) -> String {
    let mut out = String::new();
    if case.account.is_none() {
        out.push_str("No account at this node has the address that your demand names.\n\n");
    }
    for unit in &case.decision.units {
        let place = unit.copy.as_deref().map(|copy| format!(", copy: {copy}")).unwrap_or_default();
        let _ = writeln!(out, "{}{place}: {}", unit.item, unit.outcome);
        for reason in &unit.reasons {
            let _ = writeln!(out, "  {reason}");
        }
        for citation in &unit.citations {
            let _ = writeln!(out, "  [{}]", citation.text);
        }
        if let Some(conflict) = &unit.conflict {
            let _ = writeln!(
                out,
                "  Two laws disagree. For disclosure: {}. Against: {}.",
                conflict.compels.join(", "),
                conflict.bars.join(", ")
            );
        }
        for condition in &unit.conditions {
            let _ = writeln!(out, "  Missing: {condition}");
        }
        out.push('\n');
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

fn routes(decision: &Decision) -> String {
    let mut seen = Vec::new();
    let mut out = String::new();
    for route in decision.units.iter().flat_map(|unit| &unit.redirect) {
        if seen.contains(&&route.id) {
            continue;
        }
        if seen.is_empty() {
            out.push_str("\nWhat would reach the data:\n");
        }
        seen.push(&route.id);
        let _ = writeln!(out, "* {}\n  {} [{}]", route.name, route.text.trim(), route.cite.join("; "));
        for need in &route.needs {
            let _ = writeln!(out, "  It needs: {need}");
        }
    }
    out
}

fn questions(decision: &Decision) -> String {
    let mut out = String::new();
    for (index, question) in decision.questions.iter().enumerate() {
        if index == 0 {
            out.push_str("\nTo go on we need to know:\n");
        }
        let _ = writeln!(out, "* {}", question.text);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::fill;

    #[test]
    fn a_value_is_never_a_template() {
        let text = fill("{a} {b} {c} {", &[("a", "{b}"), ("b", "x")]);
        assert_eq!(text, "{b} x {c} {");
    }
}
