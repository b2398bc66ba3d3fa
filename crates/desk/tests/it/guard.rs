//! Four eyes: whose approvals count, for what, and until when.

use desk::{ApprovalNeed, NextAction};

use crate::house::{DAY, House, OFFICERS, days, name, told};

#[test]
fn one_officer_twice_is_one_officer() {
    let house = House::new();
    house.deliver_spring();
    let case = house.serve(&house.order());
    house.approve(case, "niamh").unwrap();
    let size = house.ledger_size();
    let twice = told(&house.approve(case, "niamh").unwrap_err());
    assert!(twice.contains("another officer"), "{twice}");
    assert_eq!(house.ledger_size(), size);
    house.desk().collect(case).unwrap_err();
}

/// Nobody is asked for a passphrase for what no two officers can open; data other than content is produced as usual.
#[test]
fn a_mailbox_in_owner_custody_is_refused_before_a_passphrase_is_asked_for() {
    let house = House::new();
    house.deliver_spring();
    let case = house.serve(&house.order());
    assert!(!house.desk().show(case).unwrap().only_the_owner_opens);
    let proof = vault::OwnerProof::here("owner password".into(), None);
    house.vault().set_custody(house.owner, &proof, vault::Custody::Owner).unwrap();
    assert_eq!(house.data(case)["only_the_owner_opens"], true);
    let refused = told(&house.desk().check_approvable(case, &name("niamh")).unwrap_err());
    assert!(refused.contains("the provider holds only ciphertext"), "{refused}");
    assert!(refused.contains("owner custody"), "{refused}");
    house.approve(case, "niamh").unwrap_err();
    assert_eq!(house.state(case), "decided");
    house.vault().set_custody(house.owner, &proof, vault::Custody::Strict).unwrap();
    house.approve(case, "niamh").unwrap();
}

#[test]
fn a_wrong_passphrase_approves_nothing() {
    let house = House::new();
    house.deliver_spring();
    let case = house.serve(&house.order());
    let [(niamh, _), (_, of_oisin), _] = OFFICERS;
    for (officer, passphrase) in [(niamh, "guessed"), (niamh, of_oisin), ("mallory", "nobody's")] {
        house.desk().approve(case, &name(officer), &passphrase.into()).unwrap_err();
        assert_eq!(house.state(case), "decided", "{officer}");
    }
    assert_eq!(house.events(case), ["demand", "decision", "hold", "order"], "one order, and no approval");
}

#[test]
fn two_officers_at_once_both_count() {
    let house = House::new();
    house.deliver_spring();
    let case = house.serve(&house.order());
    std::thread::scope(|scope| {
        for (officer, _) in &OFFICERS[..2] {
            let house = &house;
            scope.spawn(move || house.approve(case, officer).unwrap());
        }
    });
    assert_eq!(house.events(case), ["demand", "decision", "hold", "order", "approval", "approval"]);
    assert_eq!(house.collect(case).messages(), days(0, 30));
}

#[test]
fn one_officer_twice_at_once_is_one_officer() {
    let house = House::new();
    house.deliver_spring();
    let case = house.serve(&house.order());
    let accepted: Vec<bool> = std::thread::scope(|scope| {
        let tries: Vec<_> = (0..2).map(|_| scope.spawn(|| house.approve(case, "niamh").is_ok())).collect();
        tries.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert_eq!(accepted.iter().filter(|ok| **ok).count(), 1);
    assert_eq!(house.state(case), "approved_once");
}

#[test]
fn an_expired_order_needs_two_new_approvals() {
    let mut house = House::new();
    house.deliver_spring();
    let case = house.serve(&house.order());
    house.approve(case, "niamh").unwrap();
    house.clock.advance(14 * DAY);
    assert_eq!(house.next(case), NextAction::Approve { need: ApprovalNeed::OrderExpired });
    // The first approval was for another order.
    house.approve(case, "oisin").unwrap();
    assert_eq!(house.state(case), "approved_once");
    house.approve(case, "niamh").unwrap();
    house.clock.advance(14 * DAY);
    let late = told(&house.desk().collect(case).unwrap_err());
    assert!(late.contains(r#""do":"approve""#), "{late}");
    assert!(house.files("packages").is_empty());
    house.restart().unwrap();
    assert_eq!(house.disk_list("vault/clearances"), Vec::<String>::new());
    house.approve_twice(case);
    assert_eq!(house.collect(case).messages(), days(0, 30));
}

#[test]
fn a_lost_clearance_needs_two_new_approvals() {
    let house = House::new();
    house.deliver_spring();
    let case = house.serve(&house.order());
    house.approve_twice(case);
    house.lose_clearances();
    assert_eq!(house.next(case), NextAction::Approve { need: ApprovalNeed::ClearanceLost });
    let lost = told(&house.desk().collect(case).unwrap_err());
    assert!(lost.contains(r#""do":"approve""#), "{lost}");
    // The shares were forgotten when they were joined: neither old approval counts.
    house.approve(case, "roisin").unwrap();
    assert_eq!(house.state(case), "approved_once");
    house.approve(case, "oisin").unwrap();
    assert_eq!(house.collect(case).messages(), days(0, 30));
}

#[test]
fn no_share_outlives_its_use() {
    let mut house = House::new();
    house.deliver_spring();
    let case = house.serve(&house.order());
    // With the shares in it, the sealed case file is longer by more than their size.
    house.approve(case, "niamh").unwrap();
    let with_shares = house.case_file_len(case);
    house.clock.advance(15 * DAY);
    house.restart().unwrap();
    assert!(house.case_file_len(case) + 300 < with_shares, "lapsed shares are dropped at the start");
    house.approve_twice(case);
    house.collect(case);
    assert_eq!(house.disk_list("vault/clearances"), Vec::<String>::new(), "the clearance is gone once used");
}

/// An Italian judge's order that was notified to the Irish authority, which has not responded: data leave at the end of ten
/// days, not earlier.
#[test]
fn what_must_wait_waits() {
    let house = House::new();
    house.deliver_spring();
    let epoc = house.demand(
        "ie-s75-order",
        &[
            ("instrument = \"ie_s75_order\"", "instrument = \"epoc\""),
            ("forum = \"ie_district_court\"\n", ""),
            ("state = \"IE\"", "state = \"IT\""),
            ("type = \"district_judge\"", "type = \"judge\""),
            ("verified = \"court_registry\"", "verified = \"authority_channel\""),
            ("state = \"US\"", "state = \"IT\""),
            (
                "stated_answer_by = 2026-12-21\n",
                "user_residence = \"ES\"\nenforcing_authority_notified = true\nenforcing_authority_answer = \"silent\"\n",
            ),
        ],
    );
    let case = house.serve(&epoc);
    assert_eq!(house.data(case)["outcome"], "COMPELLED", "{}", house.data(case));
    house.approve_twice(case);
    let early = told(&house.desk().collect(case).unwrap_err());
    assert!(early.contains("nothing may leave") && early.contains("before"), "{early}");
    assert!(matches!(house.next(case), NextAction::Collect { not_before: Some(_) }), "{:?}", house.next(case));
    assert!(house.files("packages").is_empty());
    house.clock.advance(13 * DAY);
    assert_eq!(house.collect(case).messages(), days(0, 30));
}
