//! Ledger before act, whatever fails: a ledger that takes nothing, and each single write of the whole story, with a power
//! cut after it and without.

use desk::NextAction;
use serde_json::Value;
use terms::CaseId;
use world::{Fault, SeededEntropy};

use crate::house::{DAY, House, days, name};

const CASE: CaseId = CaseId(1);

#[test]
fn while_the_ledger_takes_nothing_nothing_is_done() {
    // In the second way not even the ledger knows whether it has the entry: it counts as not recorded.
    for how in [Fault::Failed, Fault::FailedButPersisted] {
        let house = House::new();
        house.deliver_spring();
        let refused = |what: &str, done: Result<(), desk::DeskError>| {
            let error = done.expect_err(what);
            assert!(matches!(error, desk::DeskError::Ledger(_)), "{what}: {error}");
            house.ledger.fail(None);
        };

        house.ledger.fail(Some(how));
        refused("serve", house.desk().serve(&house.order()).map(drop));
        assert_eq!(house.store().holds(house.owner).unwrap(), []);
        assert_eq!(house.state(CASE), "received");
        // Served again, it is the same case, with the time of the first receipt.
        let received = house.data(CASE)["received"].clone();
        house.clock.advance(DAY);
        assert_eq!(house.serve(&house.order()), CASE);
        assert_eq!(house.data(CASE)["received"], received);
        assert_eq!(house.events(CASE), ["demand", "decision", "hold"]);

        // The order is recorded first, the approval after it.
        for what in ["order", "first approval"] {
            house.ledger.fail(Some(how));
            refused(what, house.approve(CASE, "niamh").map(drop));
            assert_eq!(house.state(CASE), "decided");
            house.desk().approve(CASE, &name("niamh"), &"guessed".into()).unwrap_err();
        }
        // What failed does not come true later: this is the first approval, not the second of one officer.
        house.approve(CASE, "niamh").unwrap();
        house.ledger.fail(Some(how));
        refused("second approval", house.approve(CASE, "oisin").map(drop));
        assert_eq!(house.state(CASE), "approved_once");
        assert!(house.disk_list("vault/clearances").is_empty());
        house.desk().collect(CASE).unwrap_err();
        house.approve(CASE, "oisin").unwrap();

        house.ledger.fail(Some(how));
        refused("collect", house.desk().collect(CASE).map(drop));
        assert!(house.files("packages").is_empty());
        assert_eq!(house.collect(CASE).messages(), days(0, 30));

        let counsel = house.serve(&house.demand("us-warrant", &[]));
        house.ledger.fail(Some(how));
        refused("letter", house.desk().refuse(counsel).map(drop));
        assert_eq!(house.state(counsel), "decided");
        house.desk().refuse(counsel).unwrap();
    }
}

#[test]
fn a_hold_that_fails_is_set_later() {
    let mut house = House::new();
    house.deliver_spring();
    house.store().close();
    house.desk().serve(&house.order()).unwrap_err();
    house.approve(CASE, "niamh").unwrap_err();
    house.restart().unwrap();
    assert_eq!(house.store().holds(house.owner).unwrap(), [(CASE, 31)]);
    assert_eq!(house.events(CASE), ["demand", "decision", "hold"]);
}

/// One fault in the life of a case.
#[derive(Debug, Clone, Copy)]
struct Mishap {
    /// The write that fails, counted from the beginning of the story.
    step: u64,
    fault: Fault,
    /// Whether the power goes, too.
    power_cut: bool,
}

/// A clerk does what the desk says is next.
fn act(house: &House, text: &str) -> Result<(), desk::DeskError> {
    let list = serde_json::to_value(house.desk().list()?).unwrap();
    let state = list[0]["state"].as_str().unwrap_or("none").to_owned();
    match state.as_str() {
        "none" | "received" => house.desk().serve(text).map(drop),
        "decided" if list[0]["outcome"] == "REFER_COUNSEL" => house.desk().refuse(CASE).map(drop),
        "decided" if list[0]["held"] == false => house.desk().serve(text).map(drop),
        "decided" => house.approve(CASE, "niamh").map(drop),
        "approved_once" => match house.approve(CASE, "oisin") {
            Err(desk::DeskError::SameOfficer(_)) => house.approve(CASE, "niamh").map(drop),
            other => other.map(drop),
        },
        "cleared" if matches!(house.next(CASE), NextAction::Collect { .. }) => house.desk().collect(CASE).map(drop),
        "cleared" => house.approve(CASE, "oisin").map(drop),
        other => unreachable!("{other}"),
    }
}

/// The kinds of the events that the ledger is known to have.
fn proven(case: &Value) -> Vec<&str> {
    let steps = case["events"].as_array().into_iter().flatten();
    steps.filter(|step| step["index"].is_u64()).map(|step| step["kind"].as_str().unwrap()).collect()
}

/// Nothing has an effect that is not in the ledger.
fn check_order(house: &House, mishap: Mishap) {
    let case = house.desk().show(CASE).map_or(Value::Null, |detail| serde_json::to_value(detail).unwrap());
    let proven = proven(&case);
    let count = |kind: &str| proven.iter().filter(|found| **found == kind).count();
    if !house.store().holds(house.owner).unwrap().is_empty() {
        assert!(count("hold") >= 1, "{mishap:?}: held, and not recorded");
    }
    if !house.disk_list("vault/clearances").is_empty() {
        assert!(count("approval") >= 2, "{mishap:?}: cleared, and not recorded");
    }
    if !house.files("packages").is_empty() {
        assert!(count("collect") >= 1, "{mishap:?}: collected, and not recorded");
    }
    match case["state"].as_str() {
        Some("sealed") => assert_eq!(count("seal"), 1, "{mishap:?}"),
        Some("refused") => assert_eq!(count("letter"), 1, "{mishap:?}"),
        _ => {}
    }
}

/// Handles a case to its end with one mishap; returns whether the mishap happened.
fn handle(mishap: Mishap, example: &str, end: &str) -> bool {
    let mut house = House::new();
    house.deliver_spring();
    let text = house.demand(example, &[]);
    let first = house.disk.steps();
    house.disk.fail_step(first + mishap.step, mishap.fault);
    let mut errors = 0;
    for _ in 0..20 {
        let list = serde_json::to_value(house.desk().list().unwrap()).unwrap();
        if list[0]["state"] == end {
            break;
        }
        let done = act(&house, &text);
        check_order(&house, mishap);
        if done.is_err() {
            errors += 1;
            assert!(errors < 3, "{mishap:?}: {done:?}");
            if mishap.power_cut {
                house.disk.cut_power(&SeededEntropy::new(mishap.step));
                house.restart().unwrap();
                check_order(&house, mishap);
            }
        }
    }
    let happened = house.disk.steps() > first + mishap.step;
    house.restart().unwrap();
    assert!(house.desk().troubles().is_empty(), "{mishap:?}: {:?}", house.desk().troubles());
    assert_eq!(house.desk().list().unwrap().cases.len(), 1, "{mishap:?}: one demand, one case");
    assert_eq!(house.state(CASE), end, "{mishap:?}");
    house.events(CASE);
    if end == "sealed" {
        let package = house.open_package("desk/packages/IE-case-000001.tar.age".as_ref());
        assert_eq!(package.messages(), days(0, 30), "{mishap:?}");
    } else {
        let letter = house.desk().refuse(CASE).unwrap();
        assert!(letter.letter.contains("referred your demand to counsel"), "{mishap:?}");
    }
    assert!(house.disk_list("vault/clearances").is_empty(), "{mishap:?}: the clearance stays");
    let sealed = durable::Disk::read(&house.disk, &house.case_path(CASE)).unwrap();
    let case: Value = serde_json::from_slice(&house.vault().service_open("desk/case/1", &sealed).unwrap()).unwrap();
    for step in case["events"].as_array().unwrap() {
        let shares = step["approval"]["released"].as_object().map_or(0, |released| released.len());
        assert_eq!(shares, 0, "{mishap:?}: a released share stays");
    }
    happened
}

fn sweep(example: &str, end: &str) {
    let ways =
        [Fault::Failed, Fault::FailedButPersisted].map(|fault| [false, true].map(|power_cut| (fault, power_cut)));
    // In parallel, since they mostly wait for the store's disk.
    std::thread::scope(|scope| {
        for (fault, power_cut) in ways.into_iter().flatten() {
            scope.spawn(move || {
                let mishaps = (0..).map(|step| Mishap { step, fault, power_cut });
                let happened = mishaps.take_while(|mishap| handle(*mishap, example, end)).count();
                assert!(happened > 20, "{happened} writes failed, and there are more");
            });
        }
    });
}

#[test]
fn each_write_of_a_package_fails_once() {
    sweep("ie-s75-order", "sealed");
}

#[test]
fn each_write_of_a_letter_fails_once() {
    sweep("us-warrant", "refused");
}
