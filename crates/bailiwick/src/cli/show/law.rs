//! What people read of `law …`, where no node is asked.

use std::fmt::Write;

use operations::counsel::{CounselKeyMade, SignedOver};
use operations::law_files::{CaseExplained, CaseReplayed, LawChecked, LawDays, LawRendered, SetsCompared};
use rules::{Difference, Due, ItemConclusion, SilenceConclusion, SilenceState};

pub(crate) fn checked(checked: &LawChecked) -> String {
    let mut text = format!("{} cases, {} of them fail\n", checked.cases, checked.failed.len());
    for case in &checked.failed {
        let _ = writeln!(text, "  {} ({}): {}", case.case, case.file, case.title);
        for failure in &case.failures {
            let _ = writeln!(text, "    {failure}");
        }
    }
    for (name, findings) in [
        ("faults", &checked.faults),
        ("gaps", &checked.gaps),
        ("instruments without rules in a home", &checked.unanswered),
        ("remarks", &checked.remarks),
        ("not covered", &checked.uncovered),
    ] {
        let _ = writeln!(text, "{} {name}", findings.len());
        for finding in findings {
            let _ = writeln!(text, "  {}: {}", finding.place, finding.what);
        }
    }
    text
}

pub(crate) fn days(days: &LawDays) -> String {
    let mut lines = days.unheld.clone();
    lines.push(format!(
        "{} changes of {} rules would not be caught by any of {} cases",
        days.unheld.len(),
        days.rules,
        days.cases
    ));
    if !days.written {
        lines.extend(days.proposed.iter().map(|(path, text)| format!("\n# {path}\n{text}")));
    }
    for rule in &days.by_hand {
        lines.push(format!("{rule}: no case has facts for every end of it; write one by hand"));
    }
    lines.join("\n")
}

pub(crate) fn explained(explained: &CaseExplained) -> String {
    format!("{}: {}\n{}", explained.case, explained.title, rules::explain(&explained.decision))
}

pub(crate) fn replayed(replayed: &CaseReplayed) -> String {
    let CaseReplayed { case, title, law, outcome, law_today, outcome_today, difference } = replayed;
    let mut text = format!("{case}: {title}\n{outcome} under {law}\n{outcome_today} under {law_today}");
    if !difference.is_empty() {
        let _ = write!(text, "\n  {}", differences(difference, "\n  "));
    }
    text
}

/// In what two decisions differ, one line each.
pub(super) fn differences(all: &[Difference], between: &str) -> String {
    all.iter().map(difference).collect::<Vec<_>>().join(between)
}

fn difference(difference: &Difference) -> String {
    let (what, old, new) = match difference {
        Difference::Outcome { old, new } => ("outcome".to_owned(), old.to_string(), new.to_string()),
        Difference::Item { item, copy, old, new } => {
            let place = copy.as_ref().map_or_else(|| item.clone(), |copy| format!("{item} in \"{copy}\""));
            (place, item_conclusion(old.as_ref()), item_conclusion(new.as_ref()))
        }
        Difference::Silence { old, new } => ("non-disclosure".to_owned(), silence(old), silence(new)),
        Difference::Actions { old, new } => {
            let actions = |all: &[rules::Action]| list(all.iter().map(|action| action.as_str().to_owned()));
            ("actions".to_owned(), actions(old), actions(new))
        }
        Difference::Deadlines { old, new } => ("deadlines".to_owned(), due(old), due(new)),
        Difference::FollowUps { old, new } => ("later dates".to_owned(), due(old), due(new)),
        Difference::Questions { old, new } => {
            ("missing facts".to_owned(), list(old.iter().cloned()), list(new.iter().cloned()))
        }
    };
    format!("{what}: {old} → {new}")
}

fn item_conclusion(conclusion: Option<&ItemConclusion>) -> String {
    let Some(conclusion) = conclusion else { return "none".to_owned() };
    let mut text = format!("{} ({})", conclusion.outcome, list(conclusion.rules.iter().cloned()));
    if !conclusion.also.is_empty() {
        let _ = write!(text, ", in addition {}", conclusion.also.join(", "));
    }
    text
}

fn silence(conclusion: &SilenceConclusion) -> String {
    let state = match conclusion.state {
        SilenceState::Binding => "in force",
        SilenceState::None => "none",
        SilenceState::Ended => "ended",
        SilenceState::ReferCounsel => "for counsel to decide",
    };
    if conclusion.rules.is_empty() { state.to_owned() } else { format!("{state} ({})", conclusion.rules.join(", ")) }
}

fn due(all: &[Due]) -> String {
    list(all.iter().map(|due| format!("{} {}", due.purpose.as_str(), due.local)))
}

fn list(all: impl Iterator<Item = String>) -> String {
    let all: Vec<String> = all.collect();
    if all.is_empty() { "none".to_owned() } else { all.join(", ") }
}

pub(crate) fn compared(compared: &SetsCompared) -> String {
    let mut text = String::new();
    let rules = [("removed", &compared.rules_gone), ("new", &compared.rules_new), ("changed", &compared.rules_changed)];
    for (name, rules) in rules {
        let colon = if rules.is_empty() { "" } else { ": " };
        let _ = writeln!(text, "{} rules {name}{colon}{}", rules.len(), rules.join(", "));
    }
    let _ = writeln!(text, "{} case files are decided differently", compared.cases.len());
    for (id, found) in &compared.cases {
        let _ = writeln!(text, "  {id}\n    {}", differences(found, "\n    "));
    }
    text
}

pub(crate) fn counsel_key(made: &CounselKeyMade) -> String {
    format!(
        "The key is in {}, sealed; keep it away from every node. For node.toml of each node, above its first table:\n\
         counsel = \"{}\"",
        made.file.display(),
        made.public
    )
}

pub(crate) fn signed_over(over: &SignedOver) -> String {
    match over {
        SignedOver::Rule { rule, confidence, because, .. } => format!("{rule} ({confidence}): {because}"),
        SignedOver::Set { law, rules, cases } => format!("the set {law}: {rules} rules, {cases} cases pass"),
    }
}

pub(crate) fn rendered(rendered: &LawRendered) -> String {
    format!("{} files of the law set {}\nStart reading at {}", rendered.files, rendered.law, rendered.index.display())
}
