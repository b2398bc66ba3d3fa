//! What a person at the desk reads, and the same as data.

use std::fmt::Write;

use serde_json::{Value, json};
use terms::{CaseId, OfficerName, UnixMillis};

use crate::next::next_action;
use crate::order::ONLY_THE_OWNER;
use crate::{Case, DeskError, Kind, Said, State, proposal};

/// A line for each case; one that does not open is named, and hides no other.
pub(crate) fn list(cases: &[(CaseId, Result<Case, DeskError>)]) -> Said {
    let one = |(id, case): &(CaseId, Result<Case, DeskError>)| match case {
        Ok(case) => (line(case), summary(case)),
        Err(error) => (
            format!("case {id:<4} damaged: {error}"),
            json!({ "case": id, "state": "damaged", "problem": error.to_string() }),
        ),
    };
    let (lines, data): (Vec<String>, Vec<Value>) = cases.iter().map(one).unzip();
    let text = if lines.is_empty() { "There are no cases.".to_owned() } else { lines.join("\n") };
    Said { text, data: Value::Array(data) }
}

/// One case in full. `sealed`: only the owner of the mailbox opens it.
pub(crate) fn case(case: &Case, cleared: bool, sealed: bool, now: UnixMillis) -> Said {
    let mut text = String::new();
    let paper = proposal::paper(case);
    let _ = writeln!(text, "Case {} · {} · received {}", case.id, case.state().as_str(), case.received);
    let _ = writeln!(text, "From       {} ({})", paper.authority, paper.instrument);
    let _ = writeln!(text, "Reference  {}", paper.reference);
    let _ = writeln!(
        text,
        "Account    {}{}",
        case.subject,
        if case.account.is_some() { "" } else { " (no such account at this node)" }
    );
    let _ = writeln!(text, "Mail       arrived from {} until {}", span(case.facts.scope.from), case.facts.scope.until);
    if case.has(Kind::Hold) {
        let _ = writeln!(text, "Preserved  yes, as it was stored at receipt");
    }
    if sealed {
        let _ = writeln!(text, "Custody    {ONLY_THE_OWNER}; what is no content can be produced");
    }
    let _ = writeln!(text, "Next       {}\n", next_action(case, cleared, now));
    text.push_str(rules::render_decision(&case.decision).trim_end());
    text.push_str("\n\nLedger\n");
    for step in &case.steps {
        let entry = step.receipt.as_ref().map_or_else(|| "waiting".to_owned(), |receipt| receipt.index.to_string());
        let by = step.approval.as_ref().map(|approval| format!(" by {}", approval.officer)).unwrap_or_default();
        let _ = writeln!(text, "  entry {entry:>6}  {}  {}{by}", step.at, step.kind.as_str());
    }
    let mut data = full(case);
    data["only_the_owner_opens"] = json!(sealed);
    Said { text, data }
}

/// The answer to a served demand.
pub(crate) fn served(cases: &[Case], now: UnixMillis) -> Said {
    let mut text = String::new();
    for case in cases {
        let _ = writeln!(text, "{}", line(case));
        if let Some(deadline) = case.decision.deadlines.first() {
            let _ = writeln!(text, "  by {} ({}): {}", deadline.local, deadline.utc, deadline.what);
        }
        let _ = writeln!(text, "  next: {}", next_action(case, false, now));
    }
    Said { text, data: json!({ "cases": cases.iter().map(full).collect::<Vec<_>>() }) }
}

/// The answer to a what-if.
pub(crate) fn what_if(decisions: &[rules::Decision]) -> Said {
    let mut text = "A what-if: no case is opened, nothing is minted.\n\n".to_owned();
    for decision in decisions {
        text.push_str(&rules::render_decision(decision));
        text.push('\n');
    }
    Said { text, data: json!({ "decisions": decisions }) }
}

/// The answer to an approval.
pub(crate) fn approved(case: &Case, officer: &OfficerName) -> Said {
    let text = match case.state() {
        State::Cleared => format!(
            "{officer} has approved; that is the second officer. The clearance is made. Next: case collect {}",
            case.id
        ),
        _ => format!("{officer} has approved. A second, different officer must approve: case approve {}", case.id),
    };
    Said { text, data: summary(case) }
}

/// The answer to a sealed package.
pub(crate) fn sealed(case: &Case, path: &str) -> Said {
    let mut text = String::new();
    let failed = case.package.as_ref().map_or(0, |package| package.failed);
    if let Some(package) = &case.package {
        let _ = writeln!(text, "{} messages are in the package, sealed to the authority's key:", package.messages);
        let _ = writeln!(text, "{path}\nSHA-256 {}", package.digest);
        if failed > 0 {
            let _ = writeln!(text, "{failed} items could not be opened; the package lists them as failed.");
        }
        let _ = writeln!(text, "Anyone with the key checks it with: bailiwick package verify --identity KEY {path}");
    }
    let mut data = summary(case);
    data["path"] = json!(path);
    data["failed"] = json!(failed);
    Said { text, data }
}

/// The answer to a letter.
pub(crate) fn letter(case: &Case, text: &str) -> Said {
    let mut data = summary(case);
    data["letter"] = json!(text);
    Said { text: text.to_owned(), data }
}

fn line(case: &Case) -> String {
    format!(
        "case {:<4} {:<24} {:<24} received {}{}",
        case.id,
        case.decision.outcome,
        case.state().as_str(),
        case.received,
        if case.account.is_some() { "" } else { "  (no such account here)" }
    )
}

fn summary(case: &Case) -> Value {
    json!({
        "case": case.id,
        "state": case.state().as_str(),
        "outcome": case.decision.outcome,
        "received": case.received.rfc3339(),
        "held": case.has(Kind::Hold),
        "package": case.package,
    })
}

fn full(case: &Case) -> Value {
    let mut data = summary(case);
    data["decision"] = json!(case.decision);
    data["demand_digest"] = json!(case.demand_digest);
    data["steps"] = case
        .steps
        .iter()
        .map(|step| {
            json!({
                "kind": step.kind,
                "at": step.at.rfc3339(),
                "index": step.receipt.as_ref().map(|receipt| receipt.index),
                "officer": step.approval.as_ref().map(|approval| &approval.officer),
            })
        })
        .collect();
    data
}

/// A moment, or words for the beginning of time.
fn span(moment: UnixMillis) -> String {
    if moment.0 <= 0 { "the beginning".to_owned() } else { moment.to_string() }
}
