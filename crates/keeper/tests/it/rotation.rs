//! The service key is replaced while everything keeps running.

use terms::Secret;
use vault::{MailError, Part, Vault, VaultError};
use world::{Fault, SeededEntropy};

use crate::desk::{Desk, NODE_PASSPHRASE, OFFICERS, PASSWORD, name, variant};

/// What was sealed and hashed before.
struct Before {
    sealed: Vec<u8>,
    hash: [u8; 32],
}

fn before(desk: &Desk) -> Before {
    Before {
        sealed: desk.vault.service_seal("row", b"a row").unwrap(),
        hash: desk.vault.service_hash("address", b"ann").unwrap(),
    }
}

/// Everything sealed earlier opens, and new sealings are under the key `generation`.
fn works(desk: &Desk, vault: &Vault, before: &Before, generation: u8) {
    assert_eq!(vault.service_open("row", &before.sealed).unwrap(), b"a row");
    assert!(vault.service_hashes("address", b"ann").unwrap().contains(&before.hash));
    let sealed = vault.service_seal("row", b"another").unwrap();
    assert_eq!(sealed[..2], [1, generation]);
    assert_eq!(vault.service_open("row", &sealed).unwrap(), b"another");
    let session = vault.sign_in(desk.account, &PASSWORD.into()).unwrap();
    let keys = vault.message_keys(&session, &desk.epochs, &desk.asks()).unwrap();
    assert_eq!(keys[0].open(Part::Original, &desk.mail[1].sealed).unwrap(), desk.mail[1].plain);
    vault.approve(&desk.order(), &name("ben"), &OFFICERS[1].1.into()).unwrap();
}

fn passphrase() -> Secret<String> {
    NODE_PASSPHRASE.into()
}

#[test]
fn both_keys_open_until_the_old_one_is_gone() {
    let desk = Desk::new("IE", 1);
    let before = before(&desk);
    let clearance = desk.clear(desk.attempt()).unwrap();
    desk.vault.keep_clearance(&clearance).unwrap();
    desk.vault.back_up_keys().unwrap();
    assert_eq!(variant(&desk.vault.begin_service_rotation(&"wrong".into()).unwrap_err()), "WrongPassphrase");
    assert_eq!(desk.vault.begin_service_rotation(&passphrase()).unwrap(), 2);
    assert_eq!(desk.vault.service_generations().unwrap(), [2, 1]);
    assert_eq!(desk.vault.begin_service_rotation(&passphrase()).unwrap(), 2, "one at a time");
    works(&desk, &desk.vault, &before, 2);
    works(&desk, &desk.reopen().unwrap(), &before, 2);
    // Roster, three officers, an account; a clearance and the key of a day.
    assert_eq!(variant(&desk.vault.finish_service_rotation().unwrap_err()), "TooSoon");
    assert_eq!(desk.vault.reseal_own_files().unwrap(), 0);
    assert_eq!(variant(&desk.vault.finish_service_rotation().unwrap_err()), "TooSoon", "the minute is not over");
    desk.clock.advance(60_000);
    desk.vault.finish_service_rotation().unwrap();
    desk.vault.finish_service_rotation().unwrap();

    for vault in [&desk.vault, &desk.reopen().unwrap()] {
        assert_eq!(vault.service_generations().unwrap(), [2]);
        assert!(matches!(vault.service_open("row", &before.sealed), Err(VaultError::Mail(MailError::DoesNotOpen))));
        vault.sign_in(desk.account, &PASSWORD.into()).unwrap();
        vault.clearance(clearance.order().digest()).unwrap();
        vault.back_up_keys().unwrap();
    }
    // And once more.
    assert_eq!(desk.vault.begin_service_rotation(&passphrase()).unwrap(), 3);
}

/// The old key lies nowhere: neither in a file nor in a freed block, under the passphrase or the new key.
#[test]
fn a_thief_with_the_old_key_opens_nothing_new() {
    let desk = Desk::new("IE", 1);
    let old = desk.reopen().unwrap();
    desk.vault.begin_service_rotation(&passphrase()).unwrap();
    let sealed = desk.vault.service_seal("row", b"after").unwrap();
    assert!(old.service_open("row", &sealed).is_err());
}

#[test]
fn a_rotation_survives_a_kill_at_every_step() {
    let run = |desk: &Desk, vault: &Vault| -> Result<(), VaultError> {
        vault.begin_service_rotation(&passphrase())?;
        while vault.reseal_own_files()? > 0 {}
        desk.clock.advance(60_000);
        vault.finish_service_rotation()
    };
    let steps = {
        let desk = Desk::new("IE", 1);
        let before = desk.disk.steps();
        run(&desk, &desk.vault).unwrap();
        desk.disk.steps() - before
    };
    assert!(steps >= 10, "{steps}");
    for step in 0..steps {
        for fault in [Fault::Failed, Fault::FailedButPersisted] {
            let desk = Desk::new("IE", 1);
            let before = before(&desk);
            desk.disk.fail_step(desk.disk.steps() + step, fault);
            run(&desk, &desk.vault).unwrap_err();
            desk.disk.cut_power(&SeededEntropy::new(step));
            let vault = desk.reopen().unwrap_or_else(|error| panic!("step {step}, {fault:?}: {error}"));
            let generations = vault.service_generations().unwrap();
            if generations.contains(&1) {
                works(&desk, &vault, &before, generations[0]);
                run(&desk, &vault).unwrap_or_else(|error| panic!("step {step}, {fault:?}: {error}"));
            }
            assert_eq!(vault.service_generations().unwrap(), [2], "step {step}, {fault:?}");
            desk.reopen().unwrap().sign_in(desk.account, &PASSWORD.into()).unwrap();
        }
    }
}
