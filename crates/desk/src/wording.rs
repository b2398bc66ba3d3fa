//! The words of a letter: the law set's template, filled in with the law set's own reasons. Pure but for the date.

use std::fmt::Write;

use rules::{Action, Decision, Outcome};

use crate::answer::Answer;
use crate::{Case, DeskParts, EventKind, proposal};

/// The letter's text: the law set's template, filled in.
pub(crate) fn letter(parts: &DeskParts, case: &Case) -> String {
    let decision = &case.decision;
    let in_use = parts.law.now();
    let letters = &in_use.texts;
    let template = match decision.outcome {
        Outcome::ReferCounsel => &letters.counsel,
        _ if Answer::of(case).produce.is_empty() => &letters.not_compelled,
        _ => &letters.partial,
    };
    let demand = proposal::demand_head(case);
    let preserved = if decision.actions.contains(&Action::Preserve) && case.has(EventKind::Hold) {
        "\nWhat your demand describes, as it was stored when we received it, is preserved.\n"
    } else {
        ""
    };
    // The words of the set, which an authority knows; its own word where the set of the day lacks it.
    let instrument = in_use.law.vocabulary().means(&demand.instrument).unwrap_or(&demand.instrument);
    let origin = parts.log.verifier();
    let text = fill(
        template,
        &[
            ("node", &parts.node_name),
            ("home", parts.home.as_str()),
            ("date", &day(parts.clock.now().rfc3339())),
            ("authority", &demand.authority),
            ("reference", &demand.reference),
            ("instrument", instrument),
            ("received", &case.facts.on.to_string()),
            ("case", &format!("{}-{}", parts.home, case.id)),
            ("demand_digest", &case.demand_digest.to_string()),
            ("items", &items(case)),
            ("routes", &routes(decision)),
            ("preserved", preserved),
            ("questions", &questions(decision)),
            ("log_origin", origin.name()),
        ],
    );
    text.lines().map(wrapped).collect()
}

/// A line at most as wide as a page, its own indent kept.
fn wrapped(line: &str) -> String {
    let text = line.trim_start_matches(' ');
    rules::paragraph((line.len() - text.len()) / 2, text)
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
        if case.decision.outcome != Outcome::ReferCounsel {
            // What the law says of mail that does not exist is of no use to anybody.
            return out;
        }
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
