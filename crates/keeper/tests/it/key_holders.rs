//! Unlocking with key holders: any two of them, each with their own passphrase, within ten minutes.

use std::path::Path;
use std::sync::Arc;

use durable::Disk;
use terms::{OfficerName, Secret};
use vault::{OfficerError, UnlockError, VaultError, VaultGate, VaultState};

use crate::desk::{Desk, NODE_PASSPHRASE, cheap, name, variant};

const HOLDERS: [(&str, &str); 3] = [("dora", "dora's words"), ("emil", "emil's words"), ("fred", "fred's words")];

fn holders() -> Vec<(OfficerName, Secret<String>)> {
    HOLDERS.iter().map(|(holder, passphrase)| (name(holder), Secret::from(*passphrase))).collect()
}

/// The desk's vault after a restart: locked.
fn gate(desk: &Desk) -> VaultGate {
    keeper::here(Arc::new(desk.disk.clone()), "vault".into(), desk.clock.clone(), desk.entropy.clone())
}

fn dealt() -> Desk {
    let desk = Desk::new("IE", 1);
    gate(&desk).set_key_holders(&NODE_PASSPHRASE.into(), &holders(), cheap()).unwrap();
    desk
}

/// Whether the vault is unlocked after this person's part.
fn part(gate: &VaultGate, holder: &str) -> Result<bool, VaultError> {
    let passphrase = HOLDERS.iter().find(|(name, _)| *name == holder).unwrap().1;
    gate.unlock_part(&name(holder), &passphrase.into(), cheap()).map(|vault| vault.is_some())
}

#[test]
fn any_two_unlock_it() {
    let desk = dealt();
    let sealed = desk.vault.service_seal("x", b"text").unwrap();
    for (one, two) in [("dora", "emil"), ("emil", "dora"), ("dora", "fred"), ("fred", "emil")] {
        let gate = gate(&desk);
        assert_eq!(gate.state(), VaultState::Locked);
        assert!(matches!(gate.vault(), Err(VaultError::Locked)));
        assert!(!part(&gate, one).unwrap());
        assert_eq!(gate.state(), VaultState::Locked);
        assert!(part(&gate, two).unwrap(), "{one} and {two}");
        assert_eq!(gate.vault().unwrap().service_open("x", &sealed).unwrap(), b"text");
        assert!(part(&gate, one).unwrap(), "it is unlocked already");
    }
    // The passphrase goes on to work: it is the recovery.
    gate(&desk).unlock(&NODE_PASSPHRASE.into(), cheap()).unwrap();
}

#[test]
fn one_person_is_one_however_often() {
    let desk = dealt();
    let gate = gate(&desk);
    for _ in 0..3 {
        assert!(!part(&gate, "dora").unwrap());
    }
    let wrong = |holder: &str, passphrase: &str| {
        variant(&gate.unlock_part(&name(holder), &passphrase.into(), cheap()).map(|_| ()).unwrap_err())
    };
    assert_eq!(wrong("emil", HOLDERS[0].1), "WrongOfficerPassphrase");
    assert_eq!(wrong("emil", ""), "WrongOfficerPassphrase");
    assert_eq!(wrong("mallory", HOLDERS[0].1), "NoSuchOfficer");
    assert_eq!(gate.state(), VaultState::Locked);
    assert!(part(&gate, "emil").unwrap(), "dora's part still waits");
}

#[test]
fn the_first_part_waits_ten_minutes() {
    let desk = dealt();
    let gate = gate(&desk);
    assert!(!part(&gate, "dora").unwrap());
    desk.clock.advance(10 * 60 * 1000);
    assert!(!part(&gate, "emil").unwrap(), "dora's part is over, and emil's is the first");
    desk.clock.advance(10 * 60 * 1000 - 1);
    assert!(part(&gate, "fred").unwrap());
}

#[test]
fn who_is_named_and_how() {
    let desk = Desk::new("IE", 1);
    let gate = gate(&desk);
    assert!(matches!(part(&gate, "dora"), Err(VaultError::Unlock(UnlockError::NoKeyHolders))));
    let dealt = |passphrase: &str, holders: Vec<(OfficerName, Secret<String>)>| {
        gate.set_key_holders(&passphrase.into(), &holders, cheap()).map_err(|error| variant(&error))
    };
    assert_eq!(dealt("wrong", holders()), Err("WrongPassphrase".to_owned()));
    assert_eq!(dealt(NODE_PASSPHRASE, holders()[..1].to_vec()), Err("OfficerRoster".to_owned()));
    assert_eq!(dealt(NODE_PASSPHRASE, [&holders()[..], &holders()[..1]].concat()), Err("OfficerRoster".to_owned()));
    assert_eq!(
        dealt(NODE_PASSPHRASE, vec![holders().remove(0), (name("x"), "".into())]),
        Err("EmptyPassphrase".into())
    );
    assert!(!desk.disk.exists(Path::new("vault/node.holders")));
    dealt(NODE_PASSPHRASE, holders()).unwrap();

    // Other people in their place: the old shares open nothing of the new deal.
    dealt(NODE_PASSPHRASE, vec![(name("dora"), "new".into()), (name("gina"), "gina".into())]).unwrap();
    assert!(matches!(part(&gate, "dora"), Err(VaultError::Officer(OfficerError::WrongOfficerPassphrase(_)))));
    assert!(matches!(part(&gate, "emil"), Err(VaultError::Officer(OfficerError::NoSuchOfficer(_)))));
}

/// Every byte of the file counts.
#[test]
fn a_changed_file_unlocks_nothing() {
    let desk = dealt();
    let path = Path::new("vault/node.holders");
    let whole = desk.disk.read(path).unwrap();
    for at in (0..whole.len()).step_by(11) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        desk.disk.write_atomic(path, &bytes, durable::Visibility::Private).unwrap();
        assert_eq!(variant(&part(&gate(&desk), "dora").unwrap_err()), "Damaged", "byte {at}");
    }
    desk.disk.write_atomic(path, &whole, durable::Visibility::Private).unwrap();
    let gate = gate(&desk);
    assert!(!part(&gate, "dora").unwrap() && part(&gate, "emil").unwrap());
}

/// Another service key is sealed to the same people; while it takes the other's place, at every moment.
#[test]
fn they_unlock_it_before_during_and_after_a_rotation() {
    let desk = dealt();
    let unlocks = |moment: &str| {
        let gate = gate(&desk);
        assert!(!part(&gate, "fred").unwrap(), "{moment}");
        assert!(part(&gate, "dora").unwrap(), "{moment}");
    };
    desk.vault.begin_service_rotation(&NODE_PASSPHRASE.into()).unwrap();
    unlocks("during");
    desk.vault.reseal_own_files().unwrap();
    desk.clock.advance(60_000);
    desk.vault.finish_service_rotation().unwrap();
    unlocks("after");
}

/// Anyone who exchanges the file gets no key of a rotation: it is refused before anything is sealed to it.
#[test]
fn an_exchanged_file_gets_no_new_key() {
    let (desk, other) = (dealt(), Desk::new("IE", 2));
    gate(&other).set_key_holders(&NODE_PASSPHRASE.into(), &holders(), cheap()).unwrap();
    let path = Path::new("vault/node.holders");
    let theirs = other.disk.read(path).unwrap();
    desk.disk.write_atomic(path, &theirs, durable::Visibility::Private).unwrap();
    let refused = desk.vault.begin_service_rotation(&NODE_PASSPHRASE.into()).unwrap_err();
    assert_eq!(variant(&refused), "Damaged");
    assert_eq!(desk.disk.read(path).unwrap(), theirs);
    assert_eq!(desk.vault.service_generations().unwrap(), [1]);
}
