//! The rows after the service key was replaced, and a closed account.

use store::{FlagChange, FlagSet, Settings};

use crate::house::{House, INBOX, address, texts};

#[test]
fn every_row_is_sealed_again_while_mail_service_continues() {
    let mut house = House::new();
    house.settings = Settings { changes_before_fold: 8, ..Settings::default() };
    house.reopen();
    let owners = ["ann@example.org", "ben@example.org"].map(|address| house.account(address));
    for n in 0..30 {
        house.deliver(owners[n % 2].0, INBOX, &format!("Subject: {n}\r\n\r\ntext {n}\r\n"));
    }
    let before: Vec<_> = owners.iter().map(|(_, owner)| house.texts(owner, INBOX)).collect();
    house.vault.begin_service_rotation(&"node passphrase".into()).unwrap();
    assert_eq!(house.store().stale_accounts(2).unwrap().len(), 2);
    assert!(house.store().stale_accounts(1).unwrap().is_empty());

    // Half of it, and then a kill: everything is there, under one key or the other.
    // Busy while the folding thread has it.
    while !house.store().reseal_account(owners[0].0).unwrap() {}
    assert_eq!(house.store().stale_accounts(2).unwrap(), [owners[1].0]);
    house.after_a_kill(|store| {
        for ((account, owner), before) in owners.iter().zip(&before) {
            assert_eq!(texts(store, owner, INBOX), *before);
            let addresses = store.account(*account).unwrap().addresses;
            assert_eq!(store.account_of(&addresses[0]), Ok(Some(*account)));
        }
    });
    house.deliver(owners[1].0, INBOX, "Subject: late\r\n\r\nlate\r\n");
    let flagged = FlagChange::Add(FlagSet::none().and_keyword("seen-it"));
    house.store().change_flags(owners[1].0, INBOX, &[1, 2], flagged, None).unwrap();
    while let Some(account) = house.store().stale_accounts(2).unwrap().first() {
        house.store().reseal_account(*account).unwrap();
    }
    let public = house.vault.account_public_key(owners[0].0).unwrap();
    let id = terms::AccountId([9; 16]);
    let taken = house.store().create_account(id, &[address("ann@example.org")], &public, "");
    assert_eq!(taken, Err(store::StoreError::AddressTaken));

    // The old key is destroyed: what is left must open without it.
    house.vault.reseal_own_files().unwrap();
    house.clock.advance(60_000);
    house.vault.finish_service_rotation().unwrap();
    house.reopen();
    for (account, text) in [("ann@example.org", &before[0]), ("ben@example.org", &before[1])] {
        let account = house.store().account_of(&address(account)).unwrap().unwrap();
        let owner = house.vault.sign_in(account, &"owner password".into()).unwrap();
        assert!(house.texts(&owner, INBOX).starts_with(text));
    }
}

#[test]
fn a_closed_account_receives_nothing_and_keeps_its_address() {
    let mut house = House::new();
    let (ann, _) = house.account("ann@example.org");
    let (ben, _) = house.account("ben@example.org");
    house.store().close_account(ann).unwrap();
    for _ in 0..2 {
        assert_eq!(house.store().open_account_of(&address("ann@example.org")), Ok(None));
        assert_eq!(house.store().account_of(&address("ann@example.org")), Ok(Some(ann)), "a demand finds it");
        assert_eq!(house.store().open_account_of(&address("ben@example.org")), Ok(Some(ben)));
        assert!(house.store().is_closed(ann).unwrap() && !house.store().is_closed(ben).unwrap());
        house.reopen();
    }
}
