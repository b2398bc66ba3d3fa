//! A damaged file harms its own case only.

use std::path::Path;

use durable::{Disk, Visibility};
use terms::CaseId;

use crate::house::{House, MARCH, days};

#[test]
fn a_damaged_case_is_named_and_stops_nothing() {
    let mut house = House::new();
    house.deliver_spring();
    let (one, two) = (house.serve(&house.order()), house.serve(&house.demand("us-warrant", &[])));
    house.disk.flip_byte(&house.case_path(one), 100);
    house.restart().unwrap();
    let troubles = house.desk().troubles().join("\n");
    assert!(troubles.contains("case 1") && troubles.contains("damaged"), "{troubles}");
    let list = house.desk().list().unwrap();
    let data = serde_json::to_value(&list).unwrap();
    let read: desk::CaseList = serde_json::from_value(data.clone()).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), data);
    assert_eq!(data[0]["state"], "damaged");
    assert_eq!(data[1]["state"], "decided");
    assert!(data[0]["problem"].as_str().unwrap().contains("000001.case"), "{data:#}");
    assert!(house.desk().show(one).unwrap_err().to_string().contains("backup"));
    house.approve(one, "niamh").unwrap_err();
    house.desk().collect(one).unwrap_err();
    house.desk().refuse(one).unwrap_err();
    house.desk().refuse(two).unwrap();
    // Its number is not used again.
    let three = house.serve(&house.order());
    assert_eq!(three, CaseId(3));
    house.approve_twice(three);
    assert_eq!(house.collect(three).messages(), days(0, 30));
}

#[test]
fn a_case_under_another_cases_name_is_damaged() {
    let house = House::new();
    let (one, two) = (house.serve(&house.order()), house.serve(&house.order()));
    let bytes = house.disk.read(&house.case_path(one)).unwrap();
    house.disk.write_atomic(&house.case_path(two), &bytes, Visibility::Private).unwrap();
    house.desk().show(one).unwrap();
    house.desk().show(two).unwrap_err();
}

#[test]
fn other_files_are_not_cases() {
    let mut house = House::new();
    house.serve(&house.order());
    for name in ["1.case", "+00001.case", "000002.case.bak", "note.txt", ".case", "0000000002.case"] {
        house.disk.write_atomic(&Path::new("desk/cases").join(name), b"x", Visibility::Private).unwrap();
    }
    house.restart().unwrap();
    assert!(house.desk().troubles().is_empty(), "{:?}", house.desk().troubles());
    assert_eq!(house.desk().list().unwrap().cases.len(), 1);
}

#[test]
fn without_the_list_of_what_was_held_nothing_is_produced() {
    let house = House::new();
    house.deliver_spring();
    let case = house.serve(&house.order());
    house.approve(case, "niamh").unwrap();
    house.disk.flip_byte(Path::new("desk/cases/000001.held"), 60);
    house.deliver(house.owner, MARCH, "imported");
    house.approve(case, "oisin").unwrap_err();
    house.desk().collect(case).unwrap_err();
    assert!(house.files("packages").is_empty());
}

#[test]
fn what_does_not_open_is_listed_as_failed() {
    let house = House::new();
    house.deliver_spring();
    let case = house.serve(&house.order());
    house.approve_twice(case);
    // The held mail is released behind the desk's back.
    let inbox = house.inbox(house.owner);
    house.store().expunge(house.owner, inbox, &[3, 4]).unwrap();
    house.store().release_hold(case).unwrap();
    let package = house.collect(case);
    assert_eq!(package.messages(), days(2, 30));
    let failed: Vec<_> = package.outcomes().into_iter().filter(|(outcome, _)| outcome == "failed").collect();
    assert_eq!(failed.len(), 2);
    assert!(failed.iter().all(|(_, reason)| reason.contains("no longer stored")), "{failed:?}");
    assert_eq!(house.data(case)["package"]["failed"], 2);
}
