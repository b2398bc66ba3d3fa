//! The disk fails at each step in turn, without effect or after it, and the power goes: a vault is whole or not there,
//! and an account has its old password or its new one.

use std::sync::Arc;

use terms::AccountId;
use world::{Fault, ManualClock, MemoryDisk, SeededEntropy};

use crate::desk::{NODE_PASSPHRASE, PASSWORD, create, open};

const FAULTS: [Fault; 2] = [Fault::Failed, Fault::FailedButPersisted];

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::default())
}

fn entropy(seed: u64) -> Arc<SeededEntropy> {
    Arc::new(SeededEntropy::new(seed))
}

#[test]
fn a_vault_is_whole_or_not_there() {
    let disk = MemoryDisk::new();
    create(&disk, "IE", &clock(), entropy(1)).unwrap();
    let steps = disk.steps();
    assert!(steps > 4);
    for fault in FAULTS {
        for step in 0..steps {
            let disk = MemoryDisk::new();
            disk.fail_step(step, fault);
            assert!(create(&disk, "IE", &clock(), entropy(1)).is_err(), "step {step}");
            disk.cut_power(&SeededEntropy::new(step));
            // Made at the last step in spite of the error, or rebuilt now; then it opens.
            let there = open(&disk, NODE_PASSPHRASE, &clock(), entropy(3)).is_ok();
            assert_eq!(create(&disk, "IE", &clock(), entropy(2)).is_ok(), !there, "step {step}");
            let vault = open(&disk, NODE_PASSPHRASE, &clock(), entropy(3)).unwrap();
            vault.create_account(AccountId([1; 16]), &PASSWORD.into()).unwrap();
        }
    }
}

#[test]
fn a_password_is_the_old_one_or_the_new_one() {
    let account = AccountId([1; 16]);
    for fault in FAULTS {
        for step in 0..4 {
            let disk = MemoryDisk::new();
            let vault = create(&disk, "IE", &clock(), entropy(1)).unwrap();
            vault.create_account(account, &PASSWORD.into()).unwrap();
            vault.sign_in(account, &PASSWORD.into()).unwrap();
            disk.fail_step(disk.steps() + step, fault);
            let changed = vault.set_password(account, &vault::OwnerProof::here(PASSWORD.into(), None), &"new".into());
            let works =
                |vault: &vault::Vault| [PASSWORD, "new"].map(|word| vault.sign_in(account, &word.into()).is_ok());
            let now = works(&vault);
            assert!(now[0] != now[1], "exactly one works, also from memory");
            assert!(changed.is_err() || now[1]);
            disk.cut_power(&SeededEntropy::new(step));
            let vault = open(&disk, NODE_PASSPHRASE, &clock(), entropy(2)).unwrap();
            assert_eq!(works(&vault), now);
        }
    }
}

#[test]
fn an_account_is_there_or_not() {
    let account = AccountId([1; 16]);
    for fault in FAULTS {
        let disk = MemoryDisk::new();
        let vault = create(&disk, "IE", &clock(), entropy(1)).unwrap();
        disk.fail_step(disk.steps(), fault);
        assert!(vault.create_account(account, &PASSWORD.into()).is_err());
        disk.cut_power(&SeededEntropy::new(1));
        let vault = open(&disk, NODE_PASSPHRASE, &clock(), entropy(2)).unwrap();
        let there = vault.sign_in(account, &PASSWORD.into()).is_ok();
        assert_eq!(vault.create_account(account, &PASSWORD.into()).is_ok(), !there);
    }
}
