//! What two officers do together that opens no mail: who may, what it changes, and what an interruption leaves.

use ledger::Opening;
use terms::{AccountId, Clock, OfficerName, Secret};
use vault::{Act, OfficerProof, POWERLESS_MILLIS, Part, Vault, VaultError, act_statement};
use world::{Fault, SeededEntropy};

use crate::desk::{Desk, OFFICERS, PASSWORD, name, variant};

fn both() -> [OfficerProof; 2] {
    [Desk::proof("ann"), Desk::proof("ben")]
}

fn enrol() -> Act {
    Act::Enrol { officer: name("dan") }
}

fn dan() -> OfficerProof {
    OfficerProof::Officer(name("dan"), "passphrase of dan".into())
}

fn remove(officer: &str) -> Act {
    Act::Remove { officer: name(officer) }
}

fn names(vault: &Vault) -> Vec<OfficerName> {
    vault.officers().unwrap().into_iter().map(|officer| officer.name).collect()
}

fn refused<T: std::fmt::Debug>(result: Result<T, VaultError>, with: &str) {
    assert_eq!(variant(&result.unwrap_err()), with);
}

/// Whether two officers open mail together.
fn opens(desk: &Desk, one: &OfficerProof, two: &OfficerProof) -> Result<(), VaultError> {
    let order = desk.order();
    let approve = |proof: &OfficerProof| {
        let OfficerProof::Officer(name, passphrase) = proof else { panic!("paper shares approve nothing") };
        desk.vault.approve(&order, name, passphrase)
    };
    let (first, _) = approve(one)?;
    let (second, opened) = approve(two)?;
    let approvals = [desk.prove(first), desk.prove(second)];
    let clearance = desk.vault.clear(&order, approvals, opened, &desk.epochs, &desk.asks())?;
    for stored in &desk.mail[1..4] {
        let key = clearance.message_key(stored.ask.id).unwrap();
        assert_eq!(key.open(Part::Original, &stored.sealed).unwrap(), stored.plain);
    }
    Ok(())
}

#[test]
fn a_new_officer_is_powerless_for_72_hours() {
    let desk = Desk::new("IE", 1);
    desk.act(enrol(), both()).unwrap();
    assert_eq!(names(&desk.vault).len(), 4);
    for vault in [&desk.vault, &desk.reopen().unwrap()] {
        refused(vault.approve(&desk.order(), &name("dan"), &"passphrase of dan".into()), "NotInPower");
        refused(vault.begin_act(remove("cat"), None, [Desk::proof("ann"), dan()]), "NotInPower");
    }
    // Nobody releases a share to the powerless, and the others go on.
    let (approval, _) = desk.vault.approve(&desk.order(), &name("ann"), &OFFICERS[0].1.into()).unwrap();
    assert_eq!(approval.released.keys().map(ToString::to_string).collect::<Vec<_>>(), ["ben", "cat"]);
    opens(&desk, &Desk::proof("cat"), &Desk::proof("ann")).unwrap();

    desk.clock.advance(POWERLESS_MILLIS - 1);
    refused(desk.vault.approve(&desk.order(), &name("dan"), &"passphrase of dan".into()), "NotInPower");
    desk.clock.advance(1);
    opens(&desk, &dan(), &Desk::proof("ann")).unwrap();
    opens(&desk, &Desk::proof("ben"), &dan()).unwrap();
    desk.act(remove("cat"), [dan(), Desk::proof("ann")]).unwrap();
}

/// Setting the clock forward and back again: the approval names a time at which dan had no power, or the future.
#[test]
fn a_clock_set_forward_for_a_moment_gives_no_power() {
    let desk = Desk::new("IE", 1);
    desk.act(enrol(), both()).unwrap();
    let order = desk.order();
    let mut later = order.clone();
    later.expires = order.expires.plus_millis(POWERLESS_MILLIS);
    desk.clock.advance(POWERLESS_MILLIS);
    let (future, _) = desk.vault.approve(&later, &name("dan"), &"passphrase of dan".into()).unwrap();
    desk.clock.advance(-POWERLESS_MILLIS);
    refused(desk.vault.check_approval(&later, &future), "NotInPower");
}

#[test]
fn who_may_not_act() {
    let desk = Desk::new("IE", 1);
    let begin = |act: Act, proofs: [OfficerProof; 2]| desk.vault.begin_act(act, Some(&"new".into()), proofs);
    refused(begin(Act::Drill, [Desk::proof("ann"), Desk::proof("ann")]), "SameOfficer");
    refused(
        begin(Act::Drill, [Desk::proof("ann"), OfficerProof::Officer(name("ben"), "guess".into())]),
        "WrongOfficerPassphrase",
    );
    refused(begin(Act::Drill, [Desk::proof("ann"), OfficerProof::Officer(name("eve"), "x".into())]), "NoSuchOfficer");
    refused(
        begin(Act::Drill, [Desk::proof("ann"), OfficerProof::PaperShare("abandon".into())]),
        "PaperShareUnreadable",
    );
    refused(begin(Act::Enrol { officer: name("cat") }, both()), "OfficerExists");
    refused(desk.vault.begin_act(enrol(), Some(&"".into()), both()), "EmptyPassphrase");
    refused(begin(Act::PrintShares { count: 0 }, both()), "OfficerRoster");
    let foreign = Desk::new("US", 2);
    refused(
        foreign
            .vault
            .begin_act(Act::Drill, None, both())
            .map(|_| {
                desk.vault.begin_act(
                    Act::Drill,
                    None,
                    [Desk::proof("ann"), OfficerProof::Officer(name("ben"), "passphrase of cat".into())],
                )
            })
            .unwrap(),
        "WrongOfficerPassphrase",
    );
    desk.act(remove("cat"), both()).unwrap();
    while !desk.vault.sweep_escrow(1).unwrap().finished {}
    refused(begin(remove("ben"), both()), "OfficerRoster");
}

#[test]
fn nothing_is_done_before_the_ledger_has_it() {
    let desk = Desk::new("IE", 1);
    let before = desk.disk.image();
    let prove = |statement: Vec<u8>| {
        let opening = Opening::new(statement, &*desk.entropy);
        let receipt = desk.log.append(&[opening.commitment()]).unwrap().remove(0);
        (opening, receipt)
    };
    let begin = || desk.vault.begin_act(enrol(), Some(&"passphrase of dan".into()), both()).unwrap();
    let begun = begin();
    let (opening, mut receipt) = prove(act_statement(begun.signed()));
    receipt.index += 1;
    refused(desk.vault.finish_act(begun, &opening, &receipt), "ActNotProven");
    let begun = begin();
    refused(desk.vault.finish_act(begun, &opening, &receipt), "ActNotProven");
    let begun = begin();
    let (opening, receipt) = prove(act_statement(begun.signed()));
    desk.clock.advance(11 * 60_000);
    refused(desk.vault.finish_act(begun, &opening, &receipt), "ActOver");
    assert_eq!(names(&desk.vault).len(), 3);
    let vault_files =
        |image: std::collections::BTreeSet<Vec<u8>>| image.into_iter().filter(|piece| piece.starts_with(b"BV")).count();
    assert_eq!(vault_files(desk.disk.image()), vault_files(before));
}

#[test]
fn a_removed_officer_opens_nothing_and_the_others_go_on() {
    let desk = Desk::new("IE", 1);
    for number in 0..5 {
        desk.vault.create_account(AccountId([number; 16]), &PASSWORD.into()).unwrap();
    }
    let statement = {
        let begun = desk.vault.begin_act(remove("cat"), None, both()).unwrap();
        let statement = String::from_utf8(act_statement(begun.signed())).unwrap();
        desk.finish(begun).unwrap();
        statement
    };
    assert!(statement.contains(r#""act":"remove","officer":"cat","home":"IE""#), "{statement}");
    assert!(statement.contains(r#""by":["ann","ben"]"#), "{statement}");
    let mut steps = 0;
    loop {
        // In the midst of it, everything opens.
        opens(&desk, &Desk::proof("ann"), &Desk::proof("ben")).unwrap();
        refused(desk.vault.begin_act(enrol(), Some(&"x".into()), both()), "RotationUnfinished");
        if desk.vault.sweep_escrow(1).unwrap().finished {
            break;
        }
        steps += 1;
    }
    assert_eq!(steps, 5, "six accounts");
    refused(desk.vault.sweep_escrow(1), "NoRotation");
    refused(desk.vault.approve(&desk.order(), &name("cat"), &OFFICERS[2].1.into()), "NoSuchOfficer");
    opens(&desk, &Desk::proof("ann"), &Desk::proof("ben")).unwrap();
    let session = desk.vault.sign_in(desk.account, &PASSWORD.into()).unwrap();
    desk.vault.message_keys(&session, &desk.epochs, &desk.asks()).unwrap();
}

/// The power goes at each write of a removal and of the sweep after it: two officers open mail at every moment, and carry
/// it on.
#[test]
fn a_rotation_survives_a_kill_at_every_step() {
    let run = |desk: &Desk| -> Result<(), VaultError> {
        desk.act(Act::RotateEscrow, both())?;
        while !desk.vault.sweep_escrow(1)?.finished {}
        Ok(())
    };
    let made = || {
        let desk = Desk::new("IE", 1);
        desk.vault.create_account(AccountId([1; 16]), &PASSWORD.into()).unwrap();
        desk
    };
    let steps = {
        let desk = made();
        let before = desk.disk.steps();
        run(&desk).unwrap();
        desk.disk.steps() - before
    };
    assert!(steps >= 10, "{steps}");
    for step in 0..steps {
        for fault in [Fault::Failed, Fault::FailedButPersisted] {
            let mut desk = made();
            desk.disk.fail_step(desk.disk.steps() + step, fault);
            // The ledger settles some of these by itself.
            let _ = run(&desk);
            desk.disk.cut_power(&SeededEntropy::new(step));
            desk.vault = desk.reopen().unwrap();
            let origin = desk.vault.log_verifier().name().to_owned();
            let disk = std::sync::Arc::new(desk.disk.clone());
            desk.log = ledger::Log::open(disk, "ledger".into(), origin, desk.vault.log_signer()).unwrap();
            opens(&desk, &Desk::proof("ben"), &Desk::proof("cat")).unwrap();
            run(&desk).unwrap_or_else(|error| panic!("step {step}, {fault:?}: {error}"));
            assert!(!desk.vault.escrow_is_replaced().unwrap());
            opens(&desk, &Desk::proof("cat"), &Desk::proof("ann")).unwrap();
        }
    }
}

#[test]
fn an_officers_passphrase_changes_and_shares_stay() {
    let desk = Desk::new("IE", 1);
    refused(
        desk.vault.change_officer_passphrase(&name("ann"), &"wrong".into(), &"next".into()),
        "WrongOfficerPassphrase",
    );
    refused(desk.vault.change_officer_passphrase(&name("ann"), &OFFICERS[0].1.into(), &"".into()), "EmptyPassphrase");
    desk.vault.change_officer_passphrase(&name("ann"), &OFFICERS[0].1.into(), &"next of ann".into()).unwrap();
    refused(desk.vault.approve(&desk.order(), &name("ann"), &OFFICERS[0].1.into()), "WrongOfficerPassphrase");
    let ann = OfficerProof::Officer(name("ann"), "next of ann".into());
    opens(&desk, &ann, &Desk::proof("ben")).unwrap();
    opens(&desk, &Desk::proof("cat"), &ann).unwrap();
}

#[test]
fn a_drill_proves_shares_and_changes_nothing() {
    let desk = Desk::new("IE", 1);
    let file = |desk: &Desk| desk.disk.image().into_iter().filter(|piece| piece.starts_with(b"BV")).collect::<Vec<_>>();
    let before = file(&desk);
    for (one, two) in [("ann", "ben"), ("ben", "cat"), ("cat", "ann")] {
        desk.act(Act::Drill, [Desk::proof(one), Desk::proof(two)]).unwrap();
    }
    assert_eq!(file(&desk), before);
}

#[test]
fn paper_shares_replace_officers_and_do_not_open_mail() {
    let desk = Desk::new("IE", 1);
    let paper_shares = desk.act(Act::PrintShares { count: 2 }, both()).unwrap();
    let paper_share = |number: usize| OfficerProof::PaperShare(Secret::new(paper_shares[number].expose().clone()));
    // Officers' own shares are of the same deal and go on.
    opens(&desk, &Desk::proof("ann"), &Desk::proof("cat")).unwrap();
    desk.act(Act::Drill, [paper_share(0), paper_share(1)]).unwrap();
    refused(desk.act(Act::Drill, [paper_share(0), paper_share(0)]), "SharesDisagree");
    // All but one officer are lost.
    let begun =
        desk.vault.begin_act(enrol(), Some(&"passphrase of dan".into()), [Desk::proof("cat"), paper_share(1)]).unwrap();
    let statement = String::from_utf8(act_statement(begun.signed())).unwrap();
    assert!(statement.contains(r#""by":["cat","paper share 2"]"#), "{statement}");
    desk.finish(begun).unwrap();
    refused(desk.act(Act::Drill, [Desk::proof("cat"), paper_share(0)]), "PaperShareOutdated");
    desk.clock.advance(POWERLESS_MILLIS);
    opens(&desk, &dan(), &Desk::proof("cat")).unwrap();
    assert!(desk.clock.now() > Desk::day());
}
