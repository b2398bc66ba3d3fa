//! Replacing an account's key pair: what arrives is sealed to the new key at once, the rest follows, and nothing is lost.

use std::sync::atomic::{AtomicBool, Ordering};

use store::StoreError;
use terms::EpochId;
use vault::{OwnerProof, Part};

use crate::house::{House, INBOX, PASSWORD, message, texts};

const HOUR: i64 = 3_600_000;

fn proof() -> OwnerProof {
    OwnerProof::here(PASSWORD.into(), None)
}

/// An account with mail in three epochs.
fn house() -> (House, terms::AccountId, vault::SignedIn) {
    let house = House::new();
    let (ann, owner) = house.account("ann@example.org");
    for n in 0..3 {
        house.deliver(ann, INBOX, &format!("Subject: {n}\r\n\r\n"));
        house.clock.advance(HOUR);
    }
    (house, ann, owner)
}

#[test]
fn what_arrives_is_sealed_to_the_new_key_at_once_and_the_rest_follows() {
    let (mut house, ann, owner) = house();
    house.deliver(ann, INBOX, "Subject: in a running epoch\r\n\r\n");
    assert!(matches!(house.store().rekey_account(ann, &mut |_, _| {}), Err(StoreError::Vault(_))), "nothing was begun");
    let old = house.store().account(ann).unwrap().public_key;
    let (public, _) = house.vault.begin_account_rotation(ann, &proof(), false).unwrap();
    house.deliver(ann, INBOX, "Subject: before the store knows\r\n\r\n");
    house.store().receive_by(ann, &public).unwrap();
    assert_eq!(house.store().account(ann).unwrap().public_key, public);
    house.deliver(ann, INBOX, "Subject: by the new key\r\n\r\n");
    let rows = house.store().all_epoch_keys(ann).unwrap();
    assert_eq!(rows.len(), 5, "the running epoch has ended");
    // The vault says which are sealed to the old key.
    let stale = house.vault.reseal_epochs(ann, &rows).unwrap();
    assert_eq!(stale.iter().map(|(epoch, _)| *epoch).collect::<Vec<_>>(), (1..=4).map(EpochId).collect::<Vec<_>>());

    let before = house.texts(&owner, INBOX);
    house.after_a_kill(|store| {
        assert_eq!(store.account(ann).unwrap().public_key, public, "it is durable");
        assert_eq!(texts(store, &owner, INBOX), before);
    });
    let mut heard = 0;
    let rekeyed = house.store().rekey_account(ann, &mut |done, total| heard = heard.max(done * 100 / total)).unwrap();
    assert!(rekeyed.finished && rekeyed.epochs == 5 && heard == 100);
    assert_eq!(house.texts(&owner, INBOX), before, "an open session goes on");
    house.deliver(ann, INBOX, "Subject: later\r\n\r\n");
    house.reopen();
    let again = house.vault.sign_in(ann, &PASSWORD.into()).unwrap();
    assert_eq!(house.texts(&again, INBOX).len(), before.len() + 1);
    assert_ne!(house.store().account(ann).unwrap().public_key, old);
    assert!(house.vault.rotations().unwrap().accounts.is_empty());
}

/// Mail comes from two sides while the pair is replaced again and again, and all of it opens at the end.
#[test]
fn no_message_that_is_on_its_way_is_lost() {
    let (mut house, ann, owner) = house();
    let stop = AtomicBool::new(false);
    let sent: usize = std::thread::scope(|scope| {
        let (store, clock, stop) = (house.store(), &house.clock, &stop);
        let send = move |who: usize| {
            let mut sent = 0;
            while !stop.load(Ordering::Relaxed) {
                let text = format!("Subject: {sent} of {who}\r\n\r\n");
                store.append(vec![message(&**clock, ann, INBOX, &text)]).unwrap();
                sent += 1;
            }
            sent
        };
        let senders: Vec<_> = (0..2).map(|who| scope.spawn(move || send(who))).collect();
        for _ in 0..8 {
            house.vault.begin_account_rotation(ann, &proof(), false).unwrap();
            while !store.rekey_account(ann, &mut |_, _| {}).unwrap().finished {}
            house.clock.advance(HOUR);
        }
        stop.store(true, Ordering::Relaxed);
        senders.into_iter().map(|sender| sender.join().unwrap()).sum()
    });
    assert_eq!(house.texts(&owner, INBOX).len(), sent + 3);
    house.reopen();
    let owner = house.vault.sign_in(ann, &PASSWORD.into()).unwrap();
    let view = house.store().snapshot(ann, INBOX).unwrap();
    let entries: Vec<_> = view.entries().collect();
    let opened = house.store().open_parts(&owner, &entries, Part::Original).unwrap();
    assert!(opened.iter().all(Result::is_ok));
}

/// Rows from before the replacement are restored: what arrives then is sealed to the key that the vault has.
#[test]
fn restored_rows_receive_by_the_key_that_the_vault_has() {
    let (house, ann, owner) = house();
    house.after_a_kill(|old| {
        let (public, _) = house.vault.begin_account_rotation(ann, &proof(), false).unwrap();
        assert!(house.store().rekey_account(ann, &mut |_, _| {}).unwrap().finished);
        assert_ne!(old.account(ann).unwrap().public_key, public);
        old.follow_vault(ann).unwrap();
        assert_eq!(old.account(ann).unwrap().public_key, public);
        old.append(vec![message(&*house.clock, ann, INBOX, "Subject: since\r\n\r\n")]).unwrap();
        let view = old.snapshot(ann, INBOX).unwrap();
        let entries: Vec<_> = view.entries().collect();
        let opened = old.open_parts(&owner, &entries[3..], Part::Original).unwrap();
        assert!(opened[0].is_ok());
        // What was sealed to the previous key can no longer be opened, as the window promises.
        assert!(old.open_part(&owner, &entries[0], Part::Original).is_err());
    });
}
