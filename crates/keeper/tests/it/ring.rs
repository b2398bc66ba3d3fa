//! The ring: what was opened once is not opened by X25519 again, whatever became of the file.

use std::path::Path;

use durable::Disk;
use terms::EpochId;
use vault::{Part, SignedIn, Vault};
use world::{Fault, SeededEntropy};

use crate::desk::{Desk, NODE_PASSPHRASE, PASSWORD, open, variant};

fn file(desk: &Desk) -> String {
    format!("vault/rings/{}.ring", desk.account)
}

fn sign_in(desk: &Desk, vault: &Vault) -> SignedIn {
    vault.sign_in(desk.account, &PASSWORD.into()).unwrap()
}

/// Opens every message by the sealed keys of the epochs that are wanted; says how many of those cost X25519.
fn read_all(desk: &Desk, vault: &Vault, session: &SignedIn) -> u64 {
    let all: Vec<EpochId> = desk.epochs.iter().map(|(epoch, _)| *epoch).collect();
    let wanted = vault.epochs_wanted(session, &all);
    let sealed: Vec<_> = desk.epochs.iter().filter(|(epoch, _)| wanted.contains(epoch)).cloned().collect();
    let asks: Vec<_> = desk.mail.iter().map(|stored| stored.ask).collect();
    let before = vault.epochs_opened();
    for (key, stored) in vault.message_keys(session, &sealed, &asks).unwrap().iter().zip(&desk.mail) {
        assert_eq!(key.open(Part::Original, &stored.sealed).unwrap(), stored.plain);
    }
    assert_eq!(vault.epochs_wanted(session, &all), [], "the session knows them now");
    vault.epochs_opened() - before
}

#[test]
fn an_epoch_is_opened_once() {
    let mut desk = Desk::new("IE", 1);
    let session = sign_in(&desk, &desk.vault);
    assert_eq!(read_all(&desk, &desk.vault, &session), 3);
    assert_eq!(read_all(&desk, &desk.vault, &session), 0, "the session knows them");
    assert!(!desk.disk.exists(Path::new(&file(&desk))), "few epochs wait for the end of the session");
    drop(session);

    let vault = desk.reopen().unwrap();
    let session = sign_in(&desk, &vault);
    assert_eq!(read_all(&desk, &vault, &session), 0, "the ring knows them");
    desk.receive(EpochId(4));
    assert_eq!(read_all(&desk, &vault, &session), 1);
    vault.forget_stale_sign_ins();
    let vault = desk.reopen().unwrap();
    assert_eq!(read_all(&desk, &vault, &sign_in(&desk, &vault)), 0, "folded while the session goes on");

    // Another password is another wrap of the same key, and opens the same ring.
    vault.set_password(desk.account, &vault::OwnerProof::here(PASSWORD.into(), None), &"another".into()).unwrap();
    let session = vault.sign_in(desk.account, &"another".into()).unwrap();
    assert_eq!(read_all(&desk, &vault, &session), 0);
}

/// Any change, cut or exchange of the file costs X25519 once more, and nothing else; then the ring is whole again.
#[test]
fn a_damaged_ring_is_rebuilt() {
    let desk = Desk::new("IE", 1);
    let path = file(&desk);
    read_all(&desk, &desk.vault, &sign_in(&desk, &desk.vault));
    let whole = desk.disk.read(Path::new(&path)).unwrap();
    let put = |bytes: &[u8]| desk.disk.write_atomic(Path::new(&path), bytes, durable::Visibility::Private).unwrap();
    let mut broken: Vec<Vec<u8>> = (1..whole.len()).step_by(5).map(|len| whole[..len].to_vec()).collect();
    broken.extend((0..whole.len()).step_by(3).map(|at| {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        bytes
    }));
    let stranger = Desk::new("IE", 2);
    read_all(&stranger, &stranger.vault, &sign_in(&stranger, &stranger.vault));
    broken.push(stranger.disk.read(Path::new(&file(&stranger))).unwrap());
    for bytes in broken {
        put(&bytes);
        let vault = desk.reopen().unwrap();
        let wanted = read_all(&desk, &vault, &sign_in(&desk, &vault));
        // A file that ends at its head has no piece, and is as good as new.
        assert_eq!(wanted, 3, "{} bytes", bytes.len());
        let vault = desk.reopen().unwrap();
        assert_eq!(read_all(&desk, &vault, &sign_in(&desk, &vault)), 0);
    }
}

/// A write that fails, and a power cut at any step, lose no mail and lock nobody out.
#[test]
fn a_ring_that_cannot_be_written_does_no_harm() {
    for fault in [Fault::Failed, Fault::FailedButPersisted] {
        for step in 0..4 {
            let mut desk = Desk::new("IE", 1);
            read_all(&desk, &desk.vault, &sign_in(&desk, &desk.vault));
            desk.receive(EpochId(4));
            let vault = desk.reopen().unwrap();
            let session = sign_in(&desk, &vault);
            read_all(&desk, &vault, &session);
            desk.disk.fail_step(desk.disk.steps() + step, fault);
            drop(session);
            desk.disk.cut_power(&SeededEntropy::new(step));
            let vault = open(&desk.disk, NODE_PASSPHRASE, &desk.clock, desk.entropy.clone()).unwrap();
            let session = sign_in(&desk, &vault);
            read_all(&desk, &vault, &session);
            drop(session);
            let vault = open(&desk.disk, NODE_PASSPHRASE, &desk.clock, desk.entropy.clone()).unwrap();
            assert_eq!(read_all(&desk, &vault, &sign_in(&desk, &vault)), 0, "step {step}");
        }
    }
}

#[test]
fn a_session_that_is_over_gets_nothing() {
    let desk = Desk::new("IE", 1);
    let session = sign_in(&desk, &desk.vault);
    let vault = desk.reopen().unwrap();
    let asks = [desk.mail[0].ask];
    assert_eq!(variant(&vault.message_keys(&session, &desk.epochs, &asks).unwrap_err()), "SessionOver");
}

/// A database from last week, with this week's vault: its epochs have the numbers of others that the ring knows.
#[test]
fn an_epoch_of_the_same_number_is_another_epoch() {
    let mut desk = Desk::new("IE", 1);
    read_all(&desk, &desk.vault, &sign_in(&desk, &desk.vault));
    let (last, _) = desk.epochs.pop().unwrap();
    desk.mail.truncate(4);
    desk.receive(last);
    for wanted in [1, 0] {
        let vault = desk.reopen().unwrap();
        assert_eq!(read_all(&desk, &vault, &sign_in(&desk, &vault)), wanted);
    }
}
