//! What people read of `law …`, where no node is asked.

use std::fmt::Write;

use operations::counsel::{CounselKeyMade, SignedOver};
use operations::law_files::{CaseExplained, CaseReplayed, LawChecked, LawDays, LawRendered, SetsCompared};

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
    for line in difference {
        let _ = write!(text, "\n  {line}");
    }
    text
}

pub(crate) fn compared(compared: &SetsCompared) -> String {
    let mut text = String::new();
    let rules = [("removed", &compared.rules_gone), ("new", &compared.rules_new), ("changed", &compared.rules_changed)];
    for (name, rules) in rules {
        let colon = if rules.is_empty() { "" } else { ": " };
        let _ = writeln!(text, "{} rules {name}{colon}{}", rules.len(), rules.join(", "));
    }
    let _ = writeln!(text, "{} case files are decided differently", compared.cases.len());
    for (id, lines) in &compared.cases {
        let _ = writeln!(text, "  {id}");
        for line in lines {
            let _ = writeln!(text, "    {line}");
        }
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
