//! The attacker table: each row changes one thing in an honest attempt at a clearance, and names what refuses it.

use std::path::Path;

use durable::{Disk, Visibility};
use ledger::{Log, Opening};
use terms::{AccountId, CaseId, Category, Clock, Digest, EpochId, UnixMillis};
use vault::{FileError, MailError, OrderError, Part, VaultError, approval_statement};

use crate::desk::{Attempt, Desk, NODE_PASSPHRASE, OFFICERS, name, variant};

type Attack = fn(&Desk, Attempt) -> Attempt;

#[rustfmt::skip]
const TABLE: &[(&str, &str, Attack)] = &[
    ("one officer twice", "SameOfficer", |desk, mut a| {
        (a.approvals[0], _) = desk.approve(&a.order, "ben");
        a
    }),
    ("one approval twice", "SameOfficer", |_, mut a| {
        a.approvals[0] = a.approvals[1].clone();
        a
    }),
    ("a third person, who is not an officer", "NotEnrolled", |desk, mut a| {
        a.approvals[0].approval.officer = name("mallory");
        a.approvals[0] = desk.prove(a.approvals[0].approval.clone());
        a
    }),
    ("ben's approval in ann's name", "Signature", |desk, mut a| {
        let mut approval = desk.approve(&a.order, "cat").0.approval;
        approval.officer = name("ann");
        a.approvals[0] = desk.prove(approval);
        a
    }),
    ("officers of the same names at another node", "Signature", |desk, mut a| {
        a.approvals[0] = desk.prove(Desk::new("IE", 99).approve(&a.order, "ann").0.approval);
        a
    }),
    ("a signature with one bit changed", "Signature", |desk, mut a| {
        a.approvals[0].approval.signature[5] ^= 4;
        a.approvals[0] = desk.prove(a.approvals[0].approval.clone());
        a
    }),
    ("a released share exchanged after signing", "Signature", |desk, mut a| {
        let other = desk.approve(&a.order, "ann").0.approval.released;
        a.approvals[0].approval.released = other;
        a
    }),
    ("a share released after signing", "Signature", |desk, mut a| {
        let other = desk.approve(&a.order, "ann").0.approval.released;
        a.approvals[0].approval.released.insert(name("mallory"), other[&name("ben")].clone());
        a
    }),
    ("an approval whose shares were forgotten", "ShareDoesNotOpen", |_, mut a| {
        a.approvals[0].approval.forget_shares();
        a
    }),
    ("an approval dated back after signing", "Signature", |_, mut a| {
        a.approvals[0].approval.at = UnixMillis(0);
        a
    }),
    ("an approval from tomorrow", "FromTheFuture", |desk, mut a| {
        desk.clock.advance(86_400_000);
        a.approvals[0] = desk.approve(&a.order, "ann").0;
        desk.clock.advance(-86_400_000);
        a
    }),
    ("an approval for another order", "OtherOrder", |desk, mut a| {
        let mut other = a.order.clone();
        other.demand = Digest([9; 32]);
        a.approvals[0] = desk.approve(&other, "ann").0;
        a
    }),
    ("an order widened after approval", "OtherOrder", |_, mut a| {
        a.order.until = a.order.until.plus_millis(1);
        a
    }),
    ("an order turned to another account after approval", "OtherOrder", |_, mut a| {
        a.order.account = AccountId([7; 16]);
        a
    }),
    ("an order prolonged after approval", "OtherOrder", |_, mut a| {
        a.order.expires = a.order.expires.plus_millis(1);
        a
    }),
    ("an order moved to another case after approval", "OtherOrder", |_, mut a| {
        a.order.case = CaseId(8);
        a
    }),
    ("an order of another home", "OtherHome", |desk, _| {
        let us = Desk::new("US", 5);
        let mut a = us.attempt();
        a.order.account = desk.account;
        a
    }),
    ("two officers of another node of this home", "Signature", |desk, mut a| {
        let other = Desk::new("IE", 5);
        let (one, _) = other.approve(&a.order, "ann");
        let (two, opened) = other.approve(&a.order, "ben");
        a.approvals = [desk.prove(one.approval), desk.prove(two.approval)];
        a.opened = opened;
        a
    }),
    ("an order whose time is over", "Expired", |desk, a| {
        desk.clock.set(a.order.expires);
        a
    }),
    ("no inclusion proof", "Proof", |_, mut a| {
        a.approvals[1].receipt.proof.clear();
        a
    }),
    ("the proof of another entry", "Proof", |_, mut a| {
        a.approvals[0].receipt = a.approvals[1].receipt.clone();
        a
    }),
    ("a forged inclusion proof", "Proof", |_, mut a| {
        let last = a.approvals[1].receipt.proof.len() - 1;
        a.approvals[1].receipt.proof[last].0[3] ^= 1;
        a
    }),
    ("a checkpoint with another root", "Proof", |_, mut a| {
        let mut lines: Vec<_> = a.approvals[1].receipt.checkpoint.lines().map(str::to_owned).collect();
        lines[2] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned();
        a.approvals[1].receipt.checkpoint = lines.join("\n") + "\n";
        a
    }),
    ("an approval that the ledger never saw", "Proof", |desk, mut a| {
        let opening = Opening::new(approval_statement(&a.approvals[0].approval), &*desk.entropy);
        a.approvals[0].opening = opening;
        a
    }),
    ("a proof from another home's log", "Proof", |_, mut a| {
        let us = Desk::new("US", 5);
        a.approvals[0].receipt = us.log.append(&[a.approvals[0].opening.commitment()]).unwrap().remove(0);
        a
    }),
    ("a proof from a log of the same origin and another key", "Proof", |_, mut a| {
        let other = Desk::new("IE", 5);
        a.approvals[0].receipt = other.log.append(&[a.approvals[0].opening.commitment()]).unwrap().remove(0);
        a
    }),
    ("a proven entry that states something else", "Statement", |desk, mut a| {
        let opening = Opening::new(b"{\"kind\":\"approval\"}".to_vec(), &*desk.entropy);
        a.approvals[0].receipt = desk.log.append(&[opening.commitment()]).unwrap().remove(0);
        a.approvals[0].opening = opening;
        a
    }),
    ("a proven statement of another approval", "Statement", |desk, mut a| {
        let (other, _) = desk.approve(&a.order, "ann");
        a.approvals[0].opening = other.opening;
        a.approvals[0].receipt = other.receipt;
        a
    }),
    ("a replayed approval of the second officer", "OtherShare", |desk, mut a| {
        (_, a.opened) = desk.approve(&a.order, "ben");
        a
    }),
    ("a share opened for another order", "OtherShare", |desk, mut a| {
        let mut other = a.order.clone();
        other.case = CaseId(8);
        (_, a.opened) = desk.approve(&other, "ben");
        a
    }),
    ("the share of an officer who did not approve", "OtherShare", |desk, mut a| {
        (_, a.opened) = desk.approve(&a.order, "cat");
        a
    }),
    ("a message before the span", "OutOfScope", |desk, mut a| {
        a.asks.push(desk.mail[0].ask);
        a
    }),
    ("a message at the end of the span", "OutOfScope", |desk, mut a| {
        a.asks.push(desk.mail[4].ask);
        a
    }),
    ("content under an order for subscriber and traffic data", "NoContent", |desk, mut a| {
        a.order.categories = vec![Category::Subscriber, Category::Identification, Category::Traffic];
        (a.approvals[0], _) = desk.approve(&a.order, "ann");
        (a.approvals[1], a.opened) = desk.approve(&a.order, "ben");
        a
    }),
    ("an epoch whose sealed key is not at hand", "NoEpochKey", |_, mut a| {
        a.asks[0].epoch = EpochId(9);
        a
    }),
    ("an account without keys here", "NoSuchAccount", |desk, mut a| {
        a.order.account = AccountId([7; 16]);
        (a.approvals[0], _) = desk.approve(&a.order, "ann");
        (a.approvals[1], a.opened) = desk.approve(&a.order, "ben");
        a
    }),
    ("the keys file of an account of another node", "Damaged", |desk, a| {
        let other = Desk::new("IE", 5);
        let file = |account| format!("vault/accounts/{account}.keys");
        let bytes = other.disk.read(Path::new(&file(other.account))).unwrap();
        desk.disk.write_atomic(Path::new(&file(desk.account)), &bytes, Visibility::Private).unwrap();
        a
    }),
];

#[test]
fn nothing_opens() {
    for (what, expected, attack) in TABLE {
        let desk = Desk::new("IE", 1);
        let attempt = attack(&desk, desk.attempt());
        match desk.clear(attempt) {
            Ok(_) => panic!("{what}: cleared"),
            Err(error) => assert_eq!(variant(&error), *expected, "{what}: {error}"),
        }
    }
}

#[test]
fn the_honest_attempt_opens_exactly_its_scope() {
    let desk = Desk::new("IE", 1);
    for swap in [false, true] {
        let mut attempt = desk.attempt();
        if swap {
            attempt.approvals.swap(0, 1);
        }
        let clearance = desk.clear(attempt).unwrap();
        assert_eq!(clearance.officers(), &[name("ann"), name("ben")]);
        assert_eq!(clearance.messages().len(), 3);
        for (at, stored) in desk.mail.iter().enumerate() {
            let key = clearance.message_key(stored.ask.id);
            if (1..4).contains(&at) {
                assert_eq!(key.unwrap().open(Part::Original, &stored.sealed).unwrap(), stored.plain);
            } else {
                assert!(matches!(key, Err(VaultError::Order(OrderError::NotCleared(_)))));
            }
        }
    }
}

/// The first officer's approval may stand while the second approves again: the same order, both still willing.
#[test]
fn the_second_officer_may_approve_again() {
    let desk = Desk::new("IE", 1);
    let mut attempt = desk.attempt();
    (attempt.approvals[1], attempt.opened) = desk.approve(&attempt.order, "cat");
    assert_eq!(desk.clear(attempt).unwrap().officers(), &[name("ann"), name("cat")]);
}

#[test]
fn a_lie_about_arrival_clears_and_opens_nothing() {
    let desk = Desk::new("IE", 1);
    let mut attempt = desk.attempt();
    let outside = &desk.mail[0];
    let mut lie = outside.ask;
    lie.arrival = attempt.order.from;
    attempt.asks.push(lie);
    let clearance = desk.clear(attempt).unwrap();
    let key = clearance.message_key(lie.id).unwrap();
    assert!(matches!(
        key.open(Part::Original, &outside.sealed),
        Err(VaultError::Mail(MailError::MessageDoesNotOpen(_)))
    ));
}

#[test]
fn an_order_without_asks_clears_without_keys() {
    let desk = Desk::new("IE", 1);
    let mut attempt = desk.attempt();
    attempt.asks.clear();
    let clearance = desk.clear(attempt).unwrap();
    assert!(matches!(clearance.message_key(desk.mail[1].ask.id), Err(VaultError::Order(OrderError::NotCleared(_)))));
}

#[test]
fn a_clearance_ends_while_it_is_held() {
    let desk = Desk::new("IE", 1);
    let clearance = desk.clear(desk.attempt()).unwrap();
    let id = desk.mail[1].ask.id;
    desk.clock.set(clearance.order().expires.plus_millis(-1));
    assert!(clearance.message_key(id).is_ok());
    desk.clock.set(clearance.order().expires);
    assert!(matches!(clearance.message_key(id), Err(VaultError::Order(OrderError::Expired(_)))));
    assert!(matches!(desk.vault.keep_clearance(&clearance), Err(VaultError::Order(OrderError::Expired(_)))));
}

#[test]
fn a_kept_clearance_comes_back_after_a_restart_and_goes_when_forgotten() {
    let desk = Desk::new("IE", 1);
    let clearance = desk.clear(desk.attempt()).unwrap();
    let order = clearance.order().digest();
    desk.vault.keep_clearance(&clearance).unwrap();

    let vault = desk.reopen().unwrap();
    let again = vault.clearance(order).unwrap();
    assert_eq!(again.order(), clearance.order());
    assert_eq!(again.officers(), clearance.officers());
    assert_eq!(again.cleared(), clearance.cleared());
    assert!(again.messages().eq(clearance.messages()));
    for stored in &desk.mail[1..4] {
        let key = again.message_key(stored.ask.id).unwrap();
        assert_eq!(key.open(Part::Original, &stored.sealed).unwrap(), stored.plain);
    }

    // Given another name, the file is another order's: refused.
    let file = |order: Digest| format!("vault/clearances/{order}.clearance");
    let bytes = desk.disk.read(Path::new(&file(order))).unwrap();
    let other = Digest([4; 32]);
    desk.disk.write_atomic(Path::new(&file(other)), &bytes, Visibility::Private).unwrap();
    assert!(matches!(vault.clearance(other), Err(VaultError::Files(FileError::Damaged { .. }))));

    vault.forget_clearance(order).unwrap();
    vault.forget_clearance(order).unwrap();
    assert!(matches!(vault.clearance(order), Err(VaultError::Order(OrderError::NoClearance(_)))));
}

#[test]
fn an_expired_clearance_is_removed_at_the_next_start() {
    let desk = Desk::new("IE", 1);
    let clearance = desk.clear(desk.attempt()).unwrap();
    let order = clearance.order().digest();
    desk.vault.keep_clearance(&clearance).unwrap();
    desk.clock.set(clearance.order().expires);
    let file = format!("vault/clearances/{order}.clearance");
    assert!(desk.disk.exists(Path::new(&file)));
    let vault = desk.reopen().unwrap();
    assert!(!desk.disk.exists(Path::new(&file)));
    assert!(matches!(vault.clearance(order), Err(VaultError::Order(OrderError::NoClearance(_)))));
}

#[test]
fn approving_needs_the_officers_own_passphrase_and_a_sound_order() {
    let desk = Desk::new("IE", 1);
    let order = desk.order();
    let passphrase = OFFICERS[0].1;
    fn refused(desk: &Desk, order: &vault::Order, officer: &str, passphrase: &str) -> String {
        variant(&desk.vault.approve(order, &name(officer), &passphrase.into()).unwrap_err())
    }
    for wrong in [OFFICERS[1].1, NODE_PASSPHRASE, "", "passphrase of anne"] {
        assert_eq!(refused(&desk, &order, "ann", wrong), "WrongOfficerPassphrase");
    }
    assert_eq!(refused(&desk, &order, "mallory", passphrase), "NoSuchOfficer");
    type Change = fn(&mut vault::Order);
    let changes: [(&str, Change); 4] = [
        ("OtherHome", |order| order.home = "US".parse().unwrap()),
        ("Malformed", |order| order.categories.clear()),
        ("Malformed", |order| order.until = order.from),
        ("Expired", |order| order.expires = UnixMillis(0)),
    ];
    for (expected, change) in changes {
        let mut bad = order.clone();
        change(&mut bad);
        assert_eq!(refused(&desk, &bad, "ann", passphrase), expected);
    }
    let (proven, opened) = desk.approve(&order, "ann");
    desk.vault.check_approval(&order, &proven.approval).unwrap();
    assert_eq!(opened.officer(), &name("ann"));
    assert_eq!(format!("{opened:?}"), format!("OpenedShare(ann, {})", order.digest()));
}

/// A damaged or exchanged officer's file is told from a wrong passphrase, and opens nothing.
#[test]
fn an_officers_file_is_bound_to_its_officer() {
    let desk = Desk::new("IE", 1);
    let file = |officer: &str| format!("vault/officers/{officer}.keys");
    let bens = desk.disk.read(Path::new(&file("ben"))).unwrap();
    desk.disk.write_atomic(Path::new(&file("ann")), &bens, Visibility::Private).unwrap();
    for passphrase in [OFFICERS[0].1, OFFICERS[1].1] {
        let refused = desk.vault.approve(&desk.order(), &name("ann"), &passphrase.into());
        assert_eq!(variant(&refused.unwrap_err()), "Damaged");
    }
}

#[test]
fn approvals_travel_as_json() {
    let desk = Desk::new("IE", 1);
    let attempt = desk.attempt();
    let text = serde_json::to_string(&attempt.approvals).unwrap();
    let back: [vault::ProvenApproval; 2] = serde_json::from_str(&text).unwrap();
    assert_eq!(back[0].approval, attempt.approvals[0].approval);
    let order: vault::Order = serde_json::from_str(&serde_json::to_string(&attempt.order).unwrap()).unwrap();
    assert_eq!(order.digest(), attempt.order.digest());
    let attempt = Attempt { approvals: back, order, ..attempt };
    assert!(desk.clear(attempt).is_ok());
}

/// A desk that keeps approvals as evidence keeps no shares with them.
#[test]
fn an_approval_stays_proof_without_its_shares() {
    let desk = Desk::new("IE", 1);
    let mut attempt = desk.attempt();
    let before = attempt.approvals[1].approval.digest();
    // The second officer's released shares are of no use to anybody.
    attempt.approvals[1].approval.forget_shares();
    let approval = attempt.approvals[1].approval.clone();
    assert_eq!(approval.digest(), before);
    desk.vault.check_approval(&attempt.order, &approval).unwrap();
    assert!(desk.clear(attempt).is_ok());
}

/// The statement is JSON, names the officer and the order, and holds neither a share nor the account.
#[test]
fn what_the_ledger_records_of_an_approval() {
    let desk = Desk::new("IE", 1);
    let (proven, _) = desk.approve(&desk.order(), "ann");
    let text = String::from_utf8(approval_statement(&proven.approval)).unwrap();
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["kind"], "approval");
    assert_eq!(value["home"], "IE");
    assert_eq!(value["case"], 7);
    assert_eq!(value["officer"], "ann");
    assert_eq!(value["order"], desk.order().digest().to_string());
    assert_eq!(value["approval"], proven.approval.digest().to_string());
    assert!(!text.contains(&desk.account.to_string()));
    for share in proven.approval.released.values() {
        assert!(!text.contains(&terms::hex(&share.0)));
    }
}

#[test]
fn categories_are_a_set_in_the_digest() {
    let desk = Desk::new("IE", 1);
    let mut order = desk.order();
    let digest = order.digest();
    order.categories = vec![Category::Content, Category::Subscriber, Category::Content];
    assert_eq!(order.digest(), digest);
    order.categories = vec![Category::Content];
    assert_ne!(order.digest(), digest);
}

#[test]
fn the_ledger_of_a_home_reopens_with_the_vaults_signer() {
    let desk = Desk::new("IE", 1);
    let _ = desk.attempt();
    let vault = desk.reopen().unwrap();
    let origin = vault.log_verifier().name().to_owned();
    let log = Log::open(std::sync::Arc::new(desk.disk.clone()), "ledger".into(), origin, vault.log_signer()).unwrap();
    assert_eq!(log.size(), 2);
    assert!(desk.clock.now() < desk.order().expires);
}
