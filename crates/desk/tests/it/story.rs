//! One demand from its service to its package, as a clerk and two officers handle it.

use desk::{ApprovalNeed, NextAction};
use terms::Clock;

use crate::house::{House, days, told};

#[test]
fn an_order_is_answered_with_exactly_its_month() {
    let house = House::new();
    house.deliver_spring();
    let case = house.serve(&house.order());
    assert_eq!(house.data(case)["outcome"], "COMPELLED");
    assert_eq!(house.data(case)["held"], true);
    assert_eq!(house.events(case), ["demand", "decision", "hold"]);
    assert_eq!(house.next(case), NextAction::Approve { need: ApprovalNeed::TwoOfficers });
    let early = told(&house.desk().collect(case).unwrap_err());
    assert!(early.contains(r#""do":"approve""#), "{early}");

    house.approve(case, "niamh").unwrap();
    assert_eq!(house.state(case), "approved_once");
    house.desk().collect(case).unwrap_err();
    house.approve(case, "oisin").unwrap();
    assert_eq!(house.next(case), NextAction::Collect { not_before: None });
    let third = told(&house.approve(case, "roisin").unwrap_err());
    assert!(third.contains(r#""do":"collect""#), "{third}");

    // The owner's mail of the day is outside the order.
    house.deliver(house.owner, house.clock.now(), "today");
    let package = house.collect(case);
    assert_eq!(package.messages(), days(0, 30));
    assert!(package.outcomes().iter().all(|(outcome, _)| outcome == "produced"));
    assert_eq!(house.state(case), "sealed");
    let whole = ["demand", "decision", "hold", "order", "approval", "approval", "collect", "seal"];
    assert_eq!(house.events(case), whole);

    // A case has one package; neither a second collection nor a letter is written after it.
    let size = house.ledger_size();
    let again = told(&house.desk().collect(case).unwrap_err());
    assert!(again.contains("already sealed") && again.contains("packages/IE-case-000001.tar.age"), "{again}");
    house.desk().refuse(case).unwrap_err();
    house.approve(case, "niamh").unwrap_err();
    assert_eq!(house.ledger_size(), size);
}

#[test]
fn every_event_survives_a_restart() {
    let mut house = House::new();
    house.deliver_spring();
    let order = house.order();
    house.restart().unwrap();
    let case = house.serve(&order);
    house.restart().unwrap();
    let holds = house.store().holds(house.owner).unwrap();
    house.approve(case, "niamh").unwrap();
    house.restart().unwrap();
    assert_eq!(house.state(case), "approved_once");
    house.approve(case, "oisin").unwrap();
    house.restart().unwrap();
    assert_eq!(house.next(case), NextAction::Collect { not_before: None });
    assert_eq!(house.collect(case).messages(), days(0, 30));
    let size = house.ledger_size();
    for _ in 0..3 {
        house.restart().unwrap();
    }
    assert_eq!(house.state(case), "sealed");
    assert_eq!(house.ledger_size(), size, "a start records nothing twice");
    assert_eq!(house.store().holds(house.owner).unwrap(), holds);
    assert!(house.desk().troubles().is_empty());
}

#[test]
fn a_what_if_records_nothing() {
    let house = House::new();
    house.deliver_spring();
    let (size, steps) = (house.ledger_size(), house.disk.steps());
    for (example, day) in [("us-warrant", "2016-07-15"), ("us-warrant", "2018-03-24"), ("ie-s75-order", "2026-11-23")] {
        let what_if = house.desk().what_if(&house.demand(example, &[]), Some(day)).unwrap();
        assert_eq!(what_if.decisions.len(), 1);
    }
    house.desk().what_if(&house.order(), Some("yesterday")).unwrap_err();
    assert_eq!(house.ledger_size(), size);
    assert_eq!(house.disk.steps(), steps, "nothing is written");
    assert_eq!(serde_json::to_value(house.desk().list().unwrap()).unwrap(), serde_json::json!([]));
    assert_eq!(house.store().holds(house.owner).unwrap(), []);
}

#[test]
fn a_case_is_unreadable_without_the_service_key() {
    let house = House::new();
    house.deliver_spring();
    let case = house.serve(&house.order());
    let counsel = house.serve(&house.demand("us-warrant", &[]));
    house.desk().refuse(counsel).unwrap();
    house.approve_twice(case);
    house.collect(case);
    let secrets = [
        "aoife",
        "ie.example\"",
        "DMD-2026-0117",
        "26 Mag. 2814",
        "narcotics",
        "Southern District",
        "ie_s75_order",
        "sca_warrant",
        "Mutual Assistance",
        "COMPELLED",
        "REFER_COUNSEL",
        "day 7",
        "someone@else",
    ];
    let files = house.everything();
    assert!(files.len() > 20);
    for (path, bytes) in files {
        for secret in secrets {
            let found = bytes.windows(secret.len()).any(|window| window.eq_ignore_ascii_case(secret.as_bytes()));
            assert!(!found, "{} has `{secret}`", path.display());
        }
        assert!(!path.to_string_lossy().contains("aoife"));
    }
}

#[test]
fn nothing_of_a_case_is_in_its_debug_form() {
    let house = House::new();
    house.deliver_spring();
    let said = house.desk().serve(&house.order()).unwrap();
    let debug = format!("{said:?}");
    assert!(debug.len() < 40 && !debug.contains("aoife"), "{debug}");
}
