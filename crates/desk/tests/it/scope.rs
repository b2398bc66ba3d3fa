//! What is in a package, and what is not.

use desk::NextAction;
use terms::{CaseId, Clock};

use crate::house::{DAY, House, MARCH, days, shown};

#[test]
fn what_the_owner_deleted_after_the_receipt_is_there() {
    let mut house = House::new();
    house.deliver_spring();
    let inbox = house.inbox(house.owner);
    // Day 0 has UID 3.
    house.store().expunge(house.owner, inbox, &[3]).unwrap();
    let case = house.serve(&house.order());
    house.store().expunge(house.owner, inbox, &(1..=20).collect::<Vec<_>>()).unwrap();
    house.restart().unwrap();
    house.approve_twice(case);
    house.store().expunge(house.owner, inbox, &(21..=25).collect::<Vec<_>>()).unwrap();
    let package = house.collect(case);
    assert_eq!(package.messages(), days(1, 30), "day 0 was gone before, the others are held");
    let deleted = package.sidecars().iter().filter(|sidecar| sidecar["data"]["deleted_by_owner"] == true).count();
    assert_eq!(deleted, 22);
}

#[test]
fn what_came_after_the_receipt_is_not_there() {
    let mut house = House::new();
    house.deliver_spring();
    let order = house.demand("ie-s75-order", &[("until = 2026-03-31\n", "")]);
    let case = house.serve(&order);
    let in_march = MARCH.plus_millis(5 * DAY);
    // Mail of another provider, imported later: its arrival is what its source states.
    house.deliver(house.owner, in_march, "imported after the receipt");
    house.deliver(house.owner, house.clock.now(), "in the millisecond of the receipt");
    house.clock.advance(1);
    house.deliver(house.owner, house.clock.now(), "afterwards");
    house.restart().unwrap();
    house.approve(case, "niamh").unwrap();
    house.deliver(house.owner, in_march, "imported after an approval");
    house.approve(case, "oisin").unwrap();
    house.deliver(house.owner, in_march, "imported after both");
    assert_eq!(house.collect(case).messages(), days(0, 32));
}

#[test]
fn another_accounts_mail_is_not_there() {
    let house = House::new();
    let other = house.account("brian@ie.example");
    house.deliver_spring();
    house.deliver(other, MARCH.plus_millis(DAY), "of another owner");
    let case = house.serve(&house.order());
    house.approve_twice(case);
    assert_eq!(house.collect(case).messages(), days(0, 30));
}

#[test]
fn two_accounts_are_two_cases() {
    let house = House::new();
    let brian = house.account("brian@ie.example");
    house.deliver_spring();
    house.deliver(brian, MARCH.plus_millis(DAY), "of brian");
    let named = r#"accounts = ["aoife@ie.example", "brian@ie.example", "Aoife@IE.example", "nobody@ie.example"]"#;
    let order = house.demand("ie-s75-order", &[(r#"accounts = ["aoife@ie.example"]"#, named)]);
    let served = house.desk().serve(&order).unwrap();
    assert_eq!(served.cases.len(), 3, "the same account, named twice, is asked for once");
    assert_eq!(house.desk().list().unwrap().cases.len(), 3);
    for case in [CaseId(1), CaseId(2)] {
        house.approve_twice(case);
    }
    assert_eq!(house.collect(CaseId(2)).messages(), [shown("of brian")]);
    assert_eq!(house.collect(CaseId(1)).messages(), days(0, 30));
    house.approve(CaseId(3), "niamh").unwrap_err();
    let letter = house.desk().refuse(CaseId(3)).unwrap();
    assert!(letter.letter.contains("no account in this jurisdiction"), "{}", letter.letter);
    assert_eq!(house.state(CaseId(3)), "refused");
    assert_eq!(house.next(CaseId(3)), NextAction::SendLetter);
}

#[test]
fn an_empty_month_is_an_empty_package() {
    let house = House::new();
    let case = house.serve(&house.order());
    house.approve_twice(case);
    let package = house.collect(case);
    assert_eq!((package.messages(), package.outcomes()), (Vec::new(), Vec::new()));
}

#[test]
fn trace_headers_go_only_with_traffic_data() {
    for (items, traced) in [(r#"["content"]"#, false), (r#"["content", "traffic"]"#, true)] {
        let house = House::new();
        house.deliver_spring();
        let case = house.serve(&house.demand("ie-s75-order", &[(r#"["content"]"#, items)]));
        house.approve_twice(case);
        for sidecar in house.collect(case).sidecars() {
            assert_eq!(sidecar.to_string().contains("host.of.day"), traced, "{items}: {sidecar:#}");
        }
    }
}
