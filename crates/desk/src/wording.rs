//! The text of a letter: the law set's template, filled in with the law set's own reasons. Pure but for the date.

use std::fmt::Write;

use rules::{Action, Decision, LawSet, Node, Outcome};

use crate::answer::Answer;
use crate::case::{Case, EventKind};
use crate::desk::DeskParts;
use crate::proposal;

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
        "\nWe have preserved the data described in your demand, as stored when we received the demand.\n"
    } else {
        ""
    };
    // In the law set's words, which an authority knows; in the demand's own where the set in use lacks it.
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
            ("items", &items(&in_use.law, case)),
            ("routes", &routes(decision)),
            ("preserved", preserved),
            ("questions", &questions(decision)),
            ("log_origin", origin.name()),
        ],
    );
    text.lines().map(wrapped).collect()
}

/// A line, wrapped to the width of a page; its own indent is kept.
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

fn items(law: &LawSet, case: &Case) -> String {
    let mut out = String::new();
    if case.account.is_none() {
        out.push_str("We have no account in this jurisdiction with the address named in your demand.\n");
        if case.decision.outcome != Outcome::ReferCounsel {
            // What the law says about mail that does not exist helps nobody.
            return out;
        }
        out.push('\n');
    }
    let means = |word: &str| law.vocabulary().means(word).map(str::to_owned);
    for unit in &case.decision.units {
        let item = means(&unit.item).map_or_else(String::new, |meaning| format!(" ({meaning})"));
        let place = unit.copy.as_deref().map(|copy| format!(", held in: {copy}")).unwrap_or_default();
        let outcome = means(unit.outcome.as_str()).unwrap_or_else(|| unit.outcome.to_string());
        let _ = writeln!(out, "{}{item}{place}\n  {}.", unit.item, capitalized(&outcome));
        for reason in &unit.reasons {
            let _ = writeln!(out, "  {reason}");
        }
        for citation in &unit.citations {
            let _ = writeln!(out, "  [{}]", citation.text);
        }
        if let Some(conflict) = &unit.conflict {
            let _ = writeln!(
                out,
                "  The applicable laws conflict. For disclosure: {}. Against disclosure: {}.",
                cited(&conflict.compels_because),
                cited(&conflict.bars_because)
            );
        }
        for condition in &unit.conditions {
            let _ = writeln!(out, "  Outstanding: {condition}");
        }
        out.push('\n');
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

/// What the rules of one side of a conflict stand on, each citation once.
fn cited(nodes: &[Node]) -> String {
    let mut seen: Vec<&str> = Vec::new();
    for cite in nodes.iter().flat_map(|node| &node.cite) {
        if !seen.contains(&cite.as_str()) {
            seen.push(cite);
        }
    }
    seen.join("; ")
}

fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

fn routes(decision: &Decision) -> String {
    let mut seen = Vec::new();
    let mut out = String::new();
    for route in decision.units.iter().flat_map(|unit| &unit.redirect) {
        if seen.contains(&&route.id) {
            continue;
        }
        if seen.is_empty() {
            out.push_str("\nAvailable legal process:\n");
        }
        seen.push(&route.id);
        let _ = writeln!(out, "* {}\n  {} [{}]", route.name, route.text.trim(), route.cite.join("; "));
        for need in &route.needs {
            let _ = writeln!(out, "  Required: {need}");
        }
    }
    out
}

fn questions(decision: &Decision) -> String {
    let mut out = String::new();
    for (index, question) in decision.questions.iter().enumerate() {
        if index == 0 {
            out.push_str("\nTo proceed, we need the following information:\n");
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
