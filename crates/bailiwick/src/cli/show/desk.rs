//! What the command line prints of the desk: each function makes the text of one result, or of an error.

use std::fmt::Write;

use desk::{
    ApprovalNeed, CaseDetail, CaseList, CaseState, CaseSummary, DecisionExplained, DecisionReplayed, DemandServed,
    DeskError, EventKind, LawAdopted, LawCompared, LetterWritten, ListedCase, NextAction, OrderApproved, PackageSealed,
    RuleConfirmed, WhatIf,
};
use terms::{CaseId, UnixMillis};

use crate::cli::show::law::differences;

/// Why the desk did not do it, and what to do next.
pub(crate) fn error(error: &DeskError) -> String {
    match error {
        DeskError::NotNow { case, next: Some(next), .. } => format!("{error}\nNext: {}", next_action(next, *case)),
        DeskError::NotNow { case, .. } => format!("{error}\n`case show {case}` shows the whole case"),
        DeskError::NoCase(_) => format!("{error}; `case list` lists the cases"),
        _ => error.to_string(),
    }
}

/// `case list`
pub(crate) fn list(list: &CaseList) -> String {
    if list.cases.is_empty() {
        return "There are no cases.".to_owned();
    }
    let line = |listed: &ListedCase| match listed {
        ListedCase::Readable(summary) => line(summary),
        ListedCase::Damaged(damaged) => format!("case {:<4} damaged: {}", damaged.case, damaged.problem),
    };
    list.cases.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// `case show`
pub(crate) fn case(detail: &CaseDetail) -> String {
    let (summary, demand) = (&detail.summary, &detail.demand);
    let mut text = String::new();
    let _ = writeln!(text, "Case {} · {} · received {}", summary.case, state(summary.state), summary.received);
    let _ = writeln!(text, "Authority  {} ({})", demand.authority, demand.instrument);
    let _ = writeln!(text, "Reference  {}", demand.reference);
    let _ = writeln!(
        text,
        "Account    {}{}",
        detail.subject,
        if summary.account_found { "" } else { " (no such account at this node)" }
    );
    let scope = &detail.decision.facts.scope;
    let _ = writeln!(text, "Mail       received from {} until {}", beginning(scope.from), scope.until);
    if summary.held {
        let _ = writeln!(text, "Hold       in place, on what was stored when the demand was received");
    }
    if detail.only_the_owner_opens {
        let _ = writeln!(
            text,
            "Custody    the mailbox is in owner custody: the provider holds only ciphertext, which no two officers can \
             open; data other than content can be produced"
        );
    }
    let _ = writeln!(text, "Next       {}\n", next_action(&detail.next, summary.case));
    text.push_str(rules::render_decision(&detail.decision).trim_end());
    text.push_str("\n\nLedger\n");
    for event in &detail.events {
        let entry = event.index.map_or_else(|| "waiting".to_owned(), |index| index.to_string());
        let by = event.officer.as_ref().map(|officer| format!(" by {officer}")).unwrap_or_default();
        let _ = writeln!(text, "  entry {entry:>6}  {}  {}{by}", event.at, event_kind(event.kind));
    }
    text
}

/// `demand serve`
pub(crate) fn served(served: &DemandServed) -> String {
    let mut text = String::new();
    for detail in &served.cases {
        let _ = writeln!(text, "{}", line(&detail.summary));
        if let Some(deadline) = detail.decision.deadlines.first() {
            let _ = writeln!(text, "  due {} ({}): {}", deadline.local, deadline.utc, deadline.what);
        }
        let _ = writeln!(text, "  next: {}", next_action(&detail.next, detail.summary.case));
    }
    text
}

/// `law decide`
pub(crate) fn what_if(what_if: &WhatIf) -> String {
    let mut text = "This is a what-if: no case is opened and nothing is recorded.\n\n".to_owned();
    for decision in &what_if.decisions {
        text.push_str(&rules::render_decision(decision));
        text.push('\n');
    }
    text
}

/// `case approve`
pub(crate) fn approved(approved: &OrderApproved) -> String {
    let (case, officer) = (approved.summary.case, &approved.officer);
    match approved.summary.state {
        CaseState::Cleared => {
            format!("{officer} has approved, as the second officer. The case is cleared. Next: case collect {case}")
        }
        _ => format!("{officer} has approved. A second, different officer must approve: case approve {case}"),
    }
}

/// `case collect`
pub(crate) fn sealed(sealed: &PackageSealed) -> String {
    let mut text = String::new();
    let Some(package) = &sealed.summary.package else { return text };
    let messages = counted(package.messages, "message");
    let path = &sealed.path;
    let _ = writeln!(text, "The production contains {messages}, encrypted to the authority's key:");
    let _ = writeln!(text, "{path}\nSHA-256 {}", package.digest);
    if sealed.failed > 0 {
        let _ =
            writeln!(text, "{} could not be opened; the package lists them as failed.", counted(sealed.failed, "item"));
    }
    let _ = writeln!(text, "To verify it with the authority's key: bailiwick package verify --identity KEY {path}");
    text
}

/// `case refuse`: the letter itself.
pub(crate) fn letter(letter: &LetterWritten) -> String {
    letter.letter.clone()
}

/// `law explain`
pub(crate) fn explained(explained: &DecisionExplained) -> String {
    rules::explain(&explained.decision)
}

/// `law replay`
pub(crate) fn replayed(replayed: &DecisionReplayed) -> String {
    let DecisionReplayed { case, law_of_the_day, law_today, outcome, outcome_today, .. } = replayed;
    let mut text = if replayed.as_recorded {
        format!("Case {case}: its law set, {law_of_the_day}, gives the recorded decision: {outcome}.")
    } else {
        format!(
            "Case {case}: its law set, {law_of_the_day}, does NOT give the recorded decision. The record, the law set or \
             this program has been altered:\n  {}",
            differences(&replayed.differs_from_record, "\n  ")
        )
    };
    let _ = match replayed.difference.as_slice() {
        [] => write!(text, "\nThe law set in use, {law_today}, gives the same decision."),
        found => write!(
            text,
            "\nThe law set in use, {law_today}, decides differently ({outcome_today}):\n  {}",
            differences(found, "\n  ")
        ),
    };
    text
}

/// `law diff`
pub(crate) fn compared(compared: &LawCompared) -> String {
    let (differ, all) = (compared.cases.len(), compared.recorded);
    let mut text = format!("{differ} of {all} recorded cases are decided differently");
    if !compared.damaged.is_empty() {
        let _ = write!(text, "; {} could not be read", compared.damaged.len());
    }
    for case in &compared.cases {
        let _ = write!(text, "\n  case {}\n    {}", case.case, differences(&case.difference, "\n    "));
    }
    text
}

/// `law adopt`
pub(crate) fn adopted(adopted: &LawAdopted) -> String {
    let LawAdopted { law, previous, counsel } = adopted;
    format!("The law set {law} is in use, signed by {counsel}. It replaces {previous}.")
}

/// `law confirm`
pub(crate) fn confirmed(confirmed: &RuleConfirmed) -> String {
    format!("{} has been confirmed by {}; decisions may now rest on it.", confirmed.rule, confirmed.counsel)
}

/// What a person at the desk does next.
fn next_action(next: &NextAction, case: CaseId) -> String {
    match next {
        NextAction::FinishIntake => "intake was interrupted; serve the demand again, or restart the node".to_owned(),
        NextAction::VerifySender => {
            "verify the sender first, using a number found independently of the demand, then serve \
                                     the demand again with the result; until then nothing leaves, not even a letter"
                .to_owned()
        }
        NextAction::Approve { need } => approval(*need, case),
        NextAction::Collect { not_before: None } => format!("case collect {case}"),
        NextAction::Collect { not_before: Some(wait) } => format!("case collect {case}, not before {}", wait.local),
        NextAction::WriteLetter => format!("case refuse {case} prepares the letter"),
        NextAction::SendLetter => "send the letter; nothing else is outstanding".to_owned(),
        NextAction::AnswerManually { items } if items.is_empty() => {
            "answer manually, with counsel: what is compelled is not in this home's own store".to_owned()
        }
        NextAction::AnswerManually { items } => {
            format!("answer manually, with counsel: this version cannot produce {}", items.join(", "))
        }
        NextAction::ExplainOwnerCustody => {
            "inform the authority manually; data other than content can be produced on a \
                                            demand for that data alone"
                .to_owned()
        }
        NextAction::DeliverPackage { letter, manually } => delivery(*letter, manually, case),
    }
}

fn approval(need: ApprovalNeed, case: CaseId) -> String {
    let command = format!("case approve {case} --officer NAME");
    match need {
        ApprovalNeed::TwoOfficers => format!("{command}, by two different officers"),
        ApprovalNeed::SecondOfficer => format!("{command}, by a second, different officer"),
        ApprovalNeed::EitherOfficerAgain => {
            format!("the clearance was not issued: {command}, once more, by either officer")
        }
        ApprovalNeed::AnotherOfficer => format!("{command}, by another officer"),
        ApprovalNeed::OrderExpired => format!("the order has expired; two officers must approve again: {command}"),
        ApprovalNeed::ClearanceLost => format!("the clearance was lost; two officers must approve again: {command}"),
    }
}

fn delivery(letter: bool, manually: &[String], case: CaseId) -> String {
    let mut steps = vec!["deliver the package to the authority".to_owned()];
    if letter {
        steps.push(format!("case refuse {case} prepares the letter about the rest"));
    }
    if !manually.is_empty() {
        steps.push(format!("answer manually: {}", manually.join(", ")));
    }
    if steps.len() == 1 {
        steps.push("nothing else is outstanding".to_owned());
    }
    steps.join("; ")
}

fn line(summary: &CaseSummary) -> String {
    format!(
        "case {:<4} {:<24} {:<24} received {}{}",
        summary.case,
        summary.outcome,
        state(summary.state),
        summary.received,
        if summary.account_found { "" } else { "  (no such account here)" }
    )
}

fn state(state: CaseState) -> &'static str {
    match state {
        CaseState::Received => "received",
        CaseState::Decided => "decided",
        CaseState::ApprovedOnce => "approved by one officer",
        CaseState::Cleared => "cleared by two officers",
        CaseState::Sealed => "package sealed",
        CaseState::Refused => "letter written",
    }
}

fn event_kind(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Demand => "demand received",
        EventKind::Decision => "decision",
        EventKind::Hold => "hold",
        EventKind::Order => "order drawn up",
        EventKind::Approval => "approval",
        EventKind::Collect => "collection",
        EventKind::Seal => "package sealed",
        EventKind::Letter => "letter",
    }
}

/// A moment, or words for the beginning of time.
fn beginning(moment: UnixMillis) -> String {
    if moment.0 <= 0 { "the beginning".to_owned() } else { moment.to_string() }
}

fn counted(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

#[cfg(test)]
mod tests {
    use desk::{ApprovalNeed, DeskError, NextAction, NotNow};
    use terms::CaseId;

    #[test]
    fn each_next_action_says_what_to_do() {
        let approve = |need| NextAction::Approve { need };
        for (next, says) in [
            (NextAction::FinishIntake, "serve the demand again"),
            (NextAction::VerifySender, "verify the sender"),
            (approve(ApprovalNeed::TwoOfficers), "case approve 7 --officer NAME, by two different officers"),
            (approve(ApprovalNeed::SecondOfficer), "by a second, different officer"),
            (approve(ApprovalNeed::EitherOfficerAgain), "by either officer"),
            (approve(ApprovalNeed::AnotherOfficer), "by another officer"),
            (approve(ApprovalNeed::OrderExpired), "the order has expired"),
            (approve(ApprovalNeed::ClearanceLost), "the clearance was lost"),
            (NextAction::Collect { not_before: None }, "case collect 7"),
            (NextAction::WriteLetter, "case refuse 7"),
            (NextAction::SendLetter, "send the letter"),
            (NextAction::AnswerManually { items: Vec::new() }, "not in this home's own store"),
            (NextAction::AnswerManually { items: vec!["subject".to_owned()] }, "cannot produce subject"),
            (NextAction::ExplainOwnerCustody, "inform the authority"),
            (NextAction::DeliverPackage { letter: false, manually: Vec::new() }, "nothing else is outstanding"),
            (
                NextAction::DeliverPackage { letter: true, manually: vec!["traffic".to_owned()] },
                "deliver the package to the authority; case refuse 7 prepares the letter about the rest; answer manually: \
                 traffic",
            ),
        ] {
            let text = super::next_action(&next, CaseId(7));
            assert!(text.contains(says), "`{text}` lacks `{says}`");
        }
    }

    #[test]
    fn an_error_says_what_comes_next() {
        let error = DeskError::NotNow {
            case: CaseId(7),
            why: Box::new(NotNow::NoLetter),
            next: Some(Box::new(NextAction::Collect { not_before: None })),
        };
        assert_eq!(super::error(&error), "case 7: no letter is due\nNext: case collect 7");
        let error = DeskError::NoCase(CaseId(7));
        assert_eq!(super::error(&error), "there is no case 7; `case list` lists the cases");
    }
}
