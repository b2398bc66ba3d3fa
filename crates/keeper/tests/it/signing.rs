//! The key that signs the node's ledger is replaced.

use std::sync::Arc;

use ledger::{Log, Opening, Verifier, key_change_statement, verify_dir};
use vault::{OfficerError, Vault, VaultError};
use world::{Fault, SeededEntropy};

use crate::desk::{Desk, variant};

/// As a node does it: the next key, the entry, the log, the vault.
fn rotate(desk: &Desk, vault: &Vault, log: &Log) -> Result<Verifier, VaultError> {
    let failed = |error: ledger::LedgerError| VaultError::Officer(OfficerError::ActNotProven(error.to_string().into()));
    let next = vault.begin_signing_rotation()?;
    let old = log.verifier();
    let new = Verifier::new(old.name(), next.public_key()).unwrap();
    let statement = key_change_statement(&old, &new, "2026-11-25T00:00:00Z").unwrap();
    let opening = Opening::new(statement, &*desk.entropy);
    let receipt = log.append(&[opening.commitment()]).map_err(failed)?.remove(0);
    log.change_key(next, &opening, receipt.index).map_err(failed)?;
    vault.finish_signing_rotation(&new)?;
    Ok(new)
}

/// The log, by the key that it publishes, as a node opens it.
fn open_log(desk: &Desk, vault: &Vault) -> Log {
    let disk = Arc::new(desk.disk.clone());
    let published = ledger::published_key(&*disk, "ledger".as_ref()).unwrap();
    let signer = vault.signer_for(&published).unwrap().unwrap();
    if published != vault.log_verifier() {
        vault.finish_signing_rotation(&published).unwrap();
    }
    Log::open(disk, "ledger".into(), published.name().to_owned(), signer).unwrap()
}

#[test]
fn earlier_approvals_count_once_they_are_proven_again() {
    let desk = Desk::new("IE", 1);
    let order = desk.order();
    let (mut one, _) = desk.approve(&order, "ann");
    let old_signer = desk.vault.log_signer();
    let old = desk.vault.log_verifier();
    assert_eq!(
        variant(&desk.vault.finish_signing_rotation(&Verifier::new("x", [9; 32]).unwrap()).unwrap_err()),
        "NoRotation"
    );
    let first = desk.vault.begin_signing_rotation().unwrap().public_key();
    assert_eq!(desk.vault.begin_signing_rotation().unwrap().public_key(), first, "one at a time");
    assert!(desk.vault.rotations().unwrap().signing);
    let new = rotate(&desk, &desk.vault, &desk.log).unwrap();
    assert_eq!(new.key(), &first);
    assert!(!desk.vault.rotations().unwrap().signing);
    assert_eq!(desk.vault.log_verifier(), new);
    assert!(old_signer.sign(b"a head").is_err(), "the old key is gone");

    let clear = |one: &vault::ProvenApproval| {
        let (two, opened) = desk.approve(&order, "ben");
        desk.vault.clear(&order, [one.clone(), two], opened, &desk.epochs, &desk.asks())
    };
    assert_eq!(variant(&clear(&one).unwrap_err()), "Proof", "by a head that the old key signed");
    one.receipt = desk.log.receipts(&[one.receipt.index]).unwrap().remove(0);
    clear(&one).unwrap();
    // Anyone who knows the old key is led to the new one.
    assert!(desk.log.key_history().unwrap().leads(&old, &new));
    let vault = desk.reopen().unwrap();
    assert_eq!(vault.log_verifier(), new);
    open_log(&desk, &vault).append(&[Opening::new(b"{}".to_vec(), &*desk.entropy).commitment()]).unwrap();
    // And with the service key, and once more.
    vault.begin_service_rotation(&crate::desk::NODE_PASSPHRASE.into()).unwrap();
    let vault = desk.reopen().unwrap();
    let log = open_log(&desk, &vault);
    assert_ne!(rotate(&desk, &vault, &log).unwrap(), new);
    desk.reopen().unwrap();
}

#[test]
fn a_rotation_survives_a_kill_at_every_step() {
    let steps = {
        let desk = Desk::new("IE", 1);
        let before = desk.disk.steps();
        rotate(&desk, &desk.vault, &desk.log).unwrap();
        desk.disk.steps() - before
    };
    assert!(steps >= 8, "{steps}");
    for step in 0..steps {
        for fault in [Fault::Failed, Fault::FailedButPersisted] {
            let desk = Desk::new("IE", 1);
            let old = desk.vault.log_verifier();
            desk.disk.fail_step(desk.disk.steps() + step, fault);
            let _ = rotate(&desk, &desk.vault, &desk.log);
            desk.disk.cut_power(&SeededEntropy::new(step));
            let vault = desk.reopen().unwrap_or_else(|error| panic!("step {step}, {fault:?}: {error}"));
            let log = open_log(&desk, &vault);
            log.append(&[Opening::new(b"{}".to_vec(), &*desk.entropy).commitment()]).unwrap();
            if log.verifier() == old {
                // It goes on from wherever it stood.
                rotate(&desk, &vault, &log).unwrap_or_else(|error| panic!("step {step}, {fault:?}: {error}"));
            }
            assert_eq!(vault.log_verifier(), log.verifier(), "step {step}, {fault:?}");
            assert!(!vault.rotations().unwrap().signing && log.verifier() != old, "step {step}, {fault:?}");
            assert!(log.key_history().unwrap().leads(&old, &log.verifier()));
            verify_dir(&desk.disk, "ledger".as_ref(), Some(&old)).unwrap();
        }
    }
}
