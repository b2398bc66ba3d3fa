//! Owners: signing in, being remembered, changing the password; and how a vault opens.

use std::path::Path;
use std::sync::Arc;

use durable::Disk;
use terms::{AccountId, Secret};
use vault::{Attempt, Claim, CostProfile, Founding, Network, OwnerProof, Part, REMEMBERED_MILLIS, Scopes};
use world::{ManualClock, MemoryDisk, SeededEntropy};

use crate::desk::{Desk, NODE_PASSPHRASE, OFFICERS, PASSWORD, create, gate, name, open, variant};

#[test]
fn an_owner_reads_the_mail_and_nobody_else_does() {
    let desk = Desk::new("IE", 1);
    let session = desk.vault.sign_in(desk.account, &PASSWORD.into()).unwrap();
    assert_eq!(session.account(), desk.account);
    let asks: Vec<_> = desk.mail.iter().map(|stored| stored.ask).collect();
    let keys = desk.vault.message_keys(&session, &desk.epochs, &asks).unwrap();
    for (key, stored) in keys.iter().zip(&desk.mail) {
        assert_eq!(key.id(), stored.ask.id);
        assert_eq!(key.open(Part::Original, &stored.sealed).unwrap(), stored.plain);
    }

    let stranger = AccountId([9; 16]);
    desk.vault.create_account(stranger, &PASSWORD.into()).unwrap();
    let session = desk.vault.sign_in(stranger, &PASSWORD.into()).unwrap();
    let refused = desk.vault.message_keys(&session, &desk.epochs, &asks);
    assert_eq!(variant(&refused.unwrap_err()), "EpochDoesNotOpen");
}

#[test]
fn wrong_passwords_and_unknown_accounts() {
    let desk = Desk::new("IE", 1);
    for wrong in ["", "owner passwore", "owner password ", NODE_PASSPHRASE, OFFICERS[0].1] {
        assert_eq!(variant(&desk.vault.sign_in(desk.account, &wrong.into()).unwrap_err()), "WrongPassword");
    }
    let unknown = desk.vault.sign_in(AccountId([9; 16]), &PASSWORD.into());
    assert_eq!(variant(&unknown.unwrap_err()), "NoSuchAccount");
    assert_eq!(variant(&desk.vault.create_account(desk.account, &PASSWORD.into()).unwrap_err()), "AccountExists");
    assert_eq!(variant(&desk.vault.create_account(AccountId([9; 16]), &"".into()).unwrap_err()), "EmptyPassphrase");
    assert_eq!(desk.vault.account_public_key(desk.account).unwrap(), desk.public);
}

/// Remembered means: the file is not asked. Time, a change of password and a clock set back end it.
#[test]
fn a_sign_in_is_remembered_for_some_minutes() {
    let desk = Desk::new("IE", 1);
    let file = format!("vault/accounts/{}.keys", desk.account);
    desk.vault.sign_in(desk.account, &PASSWORD.into()).unwrap();
    let bytes = desk.disk.read(Path::new(&file)).unwrap();
    desk.disk.remove(Path::new(&file)).unwrap();
    desk.clock.advance(REMEMBERED_MILLIS - 1);
    assert!(desk.vault.sign_in(desk.account, &PASSWORD.into()).is_ok());
    assert!(desk.vault.sign_in(desk.account, &"another".into()).is_err());
    desk.clock.advance(1);
    assert_eq!(variant(&desk.vault.sign_in(desk.account, &PASSWORD.into()).unwrap_err()), "NoSuchAccount");

    desk.disk.write_atomic(Path::new(&file), &bytes, durable::Visibility::Private).unwrap();
    desk.vault.sign_in(desk.account, &PASSWORD.into()).unwrap();
    desk.disk.remove(Path::new(&file)).unwrap();
    desk.clock.advance(-1);
    assert!(desk.vault.sign_in(desk.account, &PASSWORD.into()).is_err());
}

#[test]
fn a_changed_password_counts_at_once() {
    let desk = Desk::new("IE", 1);
    let session = desk.vault.sign_in(desk.account, &PASSWORD.into()).unwrap();
    let change =
        |old: &str, new: &str| desk.vault.set_password(desk.account, &OwnerProof::here(old.into(), None), &new.into());
    assert_eq!(variant(&change("wrong", "new").unwrap_err()), "WrongPassword");
    assert_eq!(variant(&change(PASSWORD, "").unwrap_err()), "EmptyPassphrase");
    change(PASSWORD, "new password").unwrap();
    assert_eq!(variant(&desk.vault.sign_in(desk.account, &PASSWORD.into()).unwrap_err()), "WrongPassword");

    // The same pair under another password: the mail opens, in the new session and in the open one.
    let again = desk.vault.sign_in(desk.account, &"new password".into()).unwrap();
    for session in [session, again] {
        let stored = &desk.mail[0];
        let key = desk.vault.message_keys(&session, &desk.epochs, &[stored.ask]).unwrap().remove(0);
        assert_eq!(key.open(Part::Original, &stored.sealed).unwrap(), stored.plain);
    }
    assert_eq!(desk.vault.account_public_key(desk.account).unwrap(), desk.public);
    // The officers' way in is untouched.
    assert!(desk.clear(desk.attempt()).is_ok());
}

/// A refusal does the Argon2id work of a wrong password, to the KiB. (Time itself is not asserted: a test machine is busy.)
#[test]
fn an_unknown_account_costs_what_a_wrong_password_costs() {
    let (disk, clock) = (MemoryDisk::new(), Arc::new(ManualClock::default()));
    drop(create(&disk, "IE", &clock, Arc::new(SeededEntropy::new(1))).unwrap());
    let cost = CostProfile::new(8 * 1024, 1, 1).unwrap();
    let gate = gate(&disk, &clock, Arc::new(SeededEntropy::new(2)));
    let vault = gate.unlock(&NODE_PASSPHRASE.into(), cost).unwrap();
    let account = AccountId([1; 16]);
    vault.create_account(account, &PASSWORD.into()).unwrap();
    let wrong = Secret::from("wrong");
    let work = |try_it: &dyn Fn()| {
        let before = vault.guessed_kib();
        try_it();
        vault.guessed_kib() - before
    };
    let known = work(&|| assert!(vault.sign_in(account, &wrong).is_err()));
    assert_eq!(known, 8 * 1024);
    let attempt = |claim| Attempt { claim, scope: Scopes::IMAP, network: Network::HERE };
    let nobody = attempt(Claim::Nobody("nobody@ie.example".to_owned()));
    assert_eq!(work(&|| assert!(vault.sign_in_as(&nobody, &wrong, None).is_err())), known);
    assert_eq!(work(&|| assert!(vault.sign_in(AccountId([2; 16]), &wrong).is_err())), known);
}

#[test]
fn wrong_passphrase_and_damage_are_told_apart() {
    let desk = Desk::new("IE", 1);
    let clock = &desk.clock;
    let opened = |disk: &MemoryDisk, passphrase: &str| {
        open(disk, passphrase, clock, desk.entropy.clone()).map(|_| ()).map_err(|error| variant(&error))
    };
    assert_eq!(opened(&desk.disk, NODE_PASSPHRASE), Ok(()));
    for wrong in ["", "node passphras", PASSWORD, OFFICERS[0].1] {
        assert_eq!(opened(&desk.disk, wrong), Err("WrongPassphrase".to_owned()));
    }
    assert_eq!(opened(&MemoryDisk::new(), NODE_PASSPHRASE), Err("NotAVault".to_owned()));

    for file in ["vault/node.keys", "vault/officers.roster"] {
        let path = Path::new(file);
        let bytes = desk.disk.read(path).unwrap();
        for at in (0..bytes.len()).step_by(7).chain([0, 3, bytes.len() - 1]) {
            desk.disk.flip_byte(path, at);
            assert_eq!(opened(&desk.disk, NODE_PASSPHRASE), Err("Damaged".to_owned()), "{file}, byte {at}");
            desk.disk.write_atomic(path, &bytes, durable::Visibility::Private).unwrap();
        }
        for len in [0, 1, 31, 32, 33, bytes.len() - 1] {
            desk.disk.write_atomic(path, &bytes[..len], durable::Visibility::Private).unwrap();
            assert_eq!(opened(&desk.disk, NODE_PASSPHRASE), Err("Damaged".to_owned()), "{file}, {len} bytes");
            desk.disk.write_atomic(path, &bytes, durable::Visibility::Private).unwrap();
        }
    }
    assert_eq!(opened(&desk.disk, NODE_PASSPHRASE), Ok(()));

    let file = format!("vault/accounts/{}.keys", desk.account);
    desk.disk.flip_byte(Path::new(&file), 60);
    assert_eq!(variant(&desk.vault.sign_in(desk.account, &PASSWORD.into()).unwrap_err()), "Damaged");
}

#[test]
fn a_vault_is_made_once_and_with_officers_who_differ() {
    let (disk, clock) = (MemoryDisk::new(), Arc::new(ManualClock::default()));
    let entropy = Arc::new(SeededEntropy::new(1));
    let made = |officers: &[&str], origin: &str, passphrase: &str, officers_passphrase: &str| {
        let officers = officers.iter().map(|officer| (name(officer), officers_passphrase.into())).collect();
        gate(&disk, &clock, entropy.clone())
            .create(Founding {
                home: "IE".parse().unwrap(),
                log_origin: origin.to_owned(),
                passphrase: passphrase.into(),
                officers,
                cost: crate::desk::cheap(),
            })
            .map_err(|error| variant(&error))
    };
    let ten = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
    for officers in [&[][..], &["ann"], &["ann", "ann"], &ten] {
        assert_eq!(made(officers, "x", "p", "q").unwrap_err(), "OfficerRoster");
    }
    for origin in ["", "a b", "a+b", "a\nb", &"x".repeat(256)] {
        assert_eq!(made(&["a", "b"], origin, "p", "q").unwrap_err(), "LogOrigin");
    }
    assert_eq!(made(&["a", "b"], "x", "", "q").unwrap_err(), "EmptyPassphrase");
    assert_eq!(made(&["a", "b"], "x", "p", "").unwrap_err(), "EmptyPassphrase");
    assert!(!disk.exists(Path::new("vault/node.keys")));

    let vault = made(&ten[..9], "x", "p", "q").unwrap();
    assert_eq!(vault.officers().unwrap().len(), 9);
    assert_eq!(vault.officers().unwrap()[8].name, name("i"));
    assert_eq!(vault.home().as_str(), "IE");
    assert_eq!(made(&["a", "b"], "x", "p", "q").unwrap_err(), "AlreadyThere");
}

#[test]
fn costs_that_argon2_does_not_allow() {
    for (memory_kib, passes, lanes) in [(7, 1, 1), (8, 0, 1), (8, 1, 0), (15, 1, 2), (u32::MAX, 1, 1), (8, 65, 1)] {
        assert_eq!(CostProfile::new(memory_kib, passes, lanes), None, "{memory_kib} {passes} {lanes}");
    }
    assert_eq!(CostProfile::new(19 * 1024, 2, 1), Some(CostProfile::OWASP));
    assert_eq!(CostProfile::default(), CostProfile::OWASP);
}

/// A measured cost is never below the least, never takes memory beyond the most, and is one that a vault can use.
#[test]
fn a_measured_cost_keeps_its_bounds() {
    let gate = gate(&MemoryDisk::new(), &Arc::new(ManualClock::default()), Arc::new(SeededEntropy::new(1)));
    assert_eq!(gate.measure_cost(0).unwrap(), CostProfile::OWASP);
    let measured = gate.measure_cost(60).unwrap();
    assert!((19 * 1024..=256 * 1024).contains(&measured.memory_kib()), "{measured:?}");
    let again = CostProfile::new(measured.memory_kib(), measured.passes(), measured.lanes());
    assert_eq!(again, Some(measured));
    let (disk, clock) = (MemoryDisk::new(), Arc::new(ManualClock::default()));
    drop(create(&disk, "IE", &clock, Arc::new(SeededEntropy::new(1))).unwrap());
    let vault = crate::desk::gate(&disk, &clock, Arc::new(SeededEntropy::new(2)))
        .unlock(&NODE_PASSPHRASE.into(), measured)
        .unwrap();
    vault.create_account(AccountId([1; 16]), &PASSWORD.into()).unwrap();
}
