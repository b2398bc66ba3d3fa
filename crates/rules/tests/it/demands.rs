//! The example demands as files, with an operator's declaration: the mailbox in Ireland from 2014 to today.

use rules::{ChallengeState, Decision, Demand, HomeFacts, Mode, Outcome, SilenceState, Unit};
use terms::{Address, UnixMillis};

use crate::support::{files, law};

/// An example's text. Its dates follow the demo's mail; here they are March 2026.
fn text(path: &str) -> String {
    let text = files().into_iter().find(|(name, _)| name == path).map(|(_, text)| text).unwrap();
    let dated = |line: &str| match line.split_once(" = ") {
        Some(("from", _)) => "from = 2026-03-01".to_owned(),
        Some(("until", _)) => "until = 2026-03-31".to_owned(),
        _ => line.to_owned(),
    };
    text.lines().map(|line| dated(line) + "\n").collect()
}

fn home() -> HomeFacts {
    toml::from_str(&text("examples/home-ie.toml")).unwrap()
}

fn account() -> Address {
    "aoife@ie.example".parse().unwrap()
}

/// The example decided at noon of a day in Dublin.
pub(crate) fn on(file: &str, day: &str, mode: Mode) -> Decision {
    let home = home();
    let law = law();
    let demand = Demand::parse(&text(file)).unwrap();
    let received = rules::what_if_moment(day.parse().unwrap(), &home.zone);
    let facts = demand.facts(&law, &home, &account(), received).unwrap();
    rules::decide(&law, &facts, mode)
}

fn unit<'a>(decision: &'a Decision, item: &str, copy: &str) -> &'a Unit {
    decision.units.iter().find(|unit| unit.item == item && unit.copy.as_deref() == Some(copy)).unwrap()
}

const WARRANT: &str = "examples/us-warrant.toml";
const ORDER: &str = "examples/ie-s75-order.toml";
const PARENTS: &str = "the parent's own customer record";

#[test]
fn the_warrant_in_2014() {
    let decision = on(WARRANT, "2014-08-01", Mode::WhatIf);
    assert_eq!(decision.outcome, Outcome::Compelled);
    let content = unit(&decision, "content", "mailbox");
    assert!(content.contested && content.citations[0].text.contains("15 F. Supp. 3d 466"));
}

#[test]
fn the_warrant_in_2016() {
    let decision = on(WARRANT, "2016-07-15", Mode::WhatIf);
    assert_eq!(decision.outcome, Outcome::Partial);
    let content = unit(&decision, "content", "mailbox");
    assert_eq!(content.outcome, Outcome::NotCompelledRedirect);
    assert_eq!(content.redirect[0].id, "ie.mlat.s75");
    assert!(content.redirect[0].needs.iter().any(|need| need.contains("punishable in both States")));
    assert_eq!(unit(&decision, "subscriber", PARENTS).outcome, Outcome::Compelled);
}

#[test]
fn the_warrant_in_2018() {
    let decision = on(WARRANT, "2018-03-24", Mode::WhatIf);
    assert_eq!(decision.outcome, Outcome::Compelled);
    assert_eq!(unit(&decision, "content", "mailbox").rules, ["us.cloud.2713"]);
    assert_eq!(decision.challenges.len(), 1);
    assert_eq!(decision.challenges[0].state, ChallengeState::Closed);
}

#[test]
fn the_warrant_served_today() {
    let decision = on(WARRANT, "2026-11-23", Mode::Service);
    assert_eq!(decision.outcome, Outcome::ReferCounsel);
    assert!(decision.actions.contains(&rules::Action::Preserve));
    let conflict = unit(&decision, "content", "mailbox").conflict.as_ref().unwrap();
    assert_eq!(
        (conflict.compels_because[0].rule.as_str(), conflict.bars_because[0].rule.as_str()),
        ("us.cloud.2713", "eu.gdpr.48")
    );
    assert_eq!(unit(&decision, "subscriber", PARENTS).outcome, Outcome::Compelled);
    assert!(decision.challenges.iter().all(|challenge| challenge.state == ChallengeState::Closed));
    assert!(decision.questions.is_empty(), "{:#?}", decision.questions);
}

#[test]
fn the_irish_order_served_today() {
    let decision = on(ORDER, "2026-11-23", Mode::Service);
    assert_eq!(decision.outcome, Outcome::Compelled);
    assert_eq!(decision.units.len(), 1);
    assert_eq!(decision.silence.state, SilenceState::ReferCounsel);
    // The days of the order, in Irish time: summer time begins on 2026-03-29, so the end is an hour earlier in UTC.
    assert_eq!(decision.facts.scope.from.to_string(), "2026-03-01T00:00:00Z");
    assert_eq!(decision.facts.scope.until.to_string(), "2026-03-31T23:00:00Z");
}

#[test]
fn what_arrives_later_is_a_separate_item() {
    let decision = on(ORDER, "2026-03-15", Mode::Service);
    let items: Vec<_> = decision.items.iter().map(|item| (item.item.as_str(), item.outcome)).collect();
    assert_eq!(items, [("content", Outcome::Compelled), ("content, arriving later", Outcome::NotCompelledRedirect)]);
    assert_eq!(decision.facts.scope.until, decision.facts.received, "no future mail is in scope");
}

#[test]
fn a_decision_can_be_replayed_from_its_record() {
    let first = on(WARRANT, "2026-11-23", Mode::Service);
    let kept = serde_json::to_string(&first).unwrap();
    let read: Decision = serde_json::from_str(&kept).unwrap();
    assert_eq!(read, first);
    let again = rules::decide(&law(), &read.facts, read.mode);
    assert_eq!(serde_json::to_string(&again).unwrap(), kept);
    assert_eq!(again.law, law().digest());
}

#[test]
fn errors_in_a_demand_say_what_to_do() {
    let law = law();
    let good = text(ORDER);
    let fault = |from: &str, to: &str| {
        let changed = good.replacen(from, to, 1);
        assert_ne!(changed, good, "the text to change is there: {from}");
        let parsed = match Demand::parse(&changed) {
            Ok(demand) => demand,
            Err(error) => return error.to_string(),
        };
        parsed.facts(&law, &home(), &account(), UnixMillis(1_795_411_159_000)).unwrap_err().to_string()
    };
    for (from, to, expected) in [
        ("instrument = \"ie_s75_order\"", "instrument = \"warrant\"", "instrument = `warrant`: expected one of"),
        ("items = [\"content\"]", "items = [\"mails\"]", "`mails` is not one of"),
        ("items = [\"content\"]", "items = []", "list what the demand asks for"),
        ("until = 2026-03-31", "until = 2026-02-01", "must be after"),
        ("until = 2026-03-31", "until = 2026-03-31T10:00:00", "with its offset"),
        ("type = \"district_judge\"", "type = \"district_judge\"\nvalid = true", "unknown field `valid`"),
        ("accounts = [\"aoife@ie.example\"]", "accounts = [\"brendan@ie.example\"]", "does not name this account"),
        ("[facts]\n", "[facts]\nuser_residense = \"IE\"\n", "`user_residense` is not a fact"),
        ("[facts]\n", "[facts]\nuser_residence = true\n", "`user_residence`: expected a jurisdiction"),
        ("reference = \"DMD-2026-0117\"\n", "", "missing field `reference`"),
    ] {
        let said = fault(from, to);
        assert!(said.contains(expected), "expected `{expected}`, got `{said}`");
    }
}
