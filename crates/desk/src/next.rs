//! The one thing to do next in a case, in words. Pure.

use terms::UnixMillis;

use crate::answer::Answer;
use crate::{Case, Kind, State, proposal};

/// What a person at the desk does next. `cleared` says whether the vault keeps the case's clearance.
pub(crate) fn next_action(case: &Case, cleared: bool, now: UnixMillis) -> String {
    let id = case.id;
    let answer = Answer::of(case);
    let expired = case.order.as_ref().is_some_and(|order| order.expires <= now);
    let anew = "two officers approve anew (case approve)";
    match case.state() {
        State::Received => "the intake was interrupted; serve the demand again, or restart the node".to_owned(),
        State::Sealed => after_package(case, &answer),
        State::Refused => "send the letter; nothing else is open here".to_owned(),
        State::Cleared | State::ApprovedOnce if expired => format!("the order has expired: {anew}"),
        State::Cleared if cleared => match proposal::not_before(&case.decision, now) {
            Some(wait) => format!("case collect {id}, not before {}", wait.local),
            None => format!("case collect {id}"),
        },
        State::Cleared if case.keeps_shares() => {
            format!("the clearance was not made: case approve {id} --officer, once more, by either officer")
        }
        State::Cleared => format!("the clearance was lost: {anew}"),
        State::ApprovedOnce => format!("case approve {id} --officer, by a second, different officer"),
        State::Decided if !answer.produce.is_empty() => {
            format!("case approve {id} --officer, by two different officers")
        }
        State::Decided => instead(case, &answer),
    }
}

/// What is left when the package is sealed.
fn after_package(case: &Case, answer: &Answer) -> String {
    let mut text = "hand the package over".to_owned();
    if answer.letter && !case.has(Kind::Letter) {
        text = format!("{text}; case refuse {} writes the letter about the rest", case.id);
    }
    if !answer.by_hand.is_empty() {
        text = format!("{text}; answer by hand: {}", answer.by_hand.join(", "));
    }
    if text.contains(';') { text } else { format!("{text}; nothing else is open here") }
}

/// What is done where there is nothing to approve.
pub(crate) fn instead(case: &Case, answer: &Answer) -> String {
    if answer.verify {
        "verify the sender first, by a number found independently of the paper, then serve the demand again with what was \
         found; nothing leaves until then, no letter either"
            .to_owned()
    } else if !answer.by_hand.is_empty() {
        format!("answer by hand, with counsel: this version cannot produce {}", answer.by_hand.join(", "))
    } else if answer.letter {
        format!("case refuse {} writes the letter", case.id)
    } else {
        "answer by hand, with counsel: what is compelled is not in this home's own store".to_owned()
    }
}
