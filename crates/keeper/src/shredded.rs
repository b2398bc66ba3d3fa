//! What is left of a closed account for an attacker who has everything: the medium with its freed blocks, every backup, the
//! service key, the owner's password, and the escrow key whole.

use std::path::Path;

use durable::Disk;
use terms::{AccountId, CaseId};
use vault::KeyBackup;

use crate::account::AccountKeys;
use crate::crypto::{Key32, Lanes, PrivateKey, join};
use crate::desk::{Desk, NODE_PASSPHRASE, OFFICERS, PASSWORD, name};
use crate::keeper_of;
use crate::node::backups::{context, key_of, parse_files, sealer};
use crate::node::keys::NodeKeys;
use crate::node::service_key::ServiceKey;

/// The stated window of the tests.
const WINDOW_DAYS: u32 = 30;

const DAY_MILLIS: i64 = 24 * 60 * 60 * 1000;

struct Thief {
    account: AccountId,
    own: ServiceKey,
    escrow: PrivateKey,
}

impl Thief {
    /// With every secret of the home but those that were destroyed.
    fn of(desk: &Desk) -> Self {
        let keeper = keeper_of(&desk.vault);
        let bytes = keeper.folder().read_summed("node.keys").unwrap().unwrap();
        let (_, service) = NodeKeys::open(&bytes, &NODE_PASSPHRASE.into(), &Lanes::new(1)).unwrap();
        let roster = keeper.roster();
        let share = |at: usize| {
            let (officer, passphrase) = OFFICERS[at];
            let officer = roster.officer(&name(officer)).unwrap();
            keeper.officer_secrets(&roster, officer, &passphrase.into()).unwrap().share
        };
        let escrow = PrivateKey::from_bytes(join(&share(0), &share(1)).unwrap().as_ref()).unwrap();
        assert_eq!(escrow.public().unwrap(), roster.escrow);
        Self { account: desk.account, own: ServiceKey::for_vault(&[service]), escrow }
    }

    /// In how many places the account's keys lie and open.
    fn finds(&self, desk: &Desk, backups: &[KeyBackup], copies: &[Vec<u8>]) -> usize {
        let image = desk.disk.image();
        let mut found = image.iter().filter(|piece| self.opens(piece)).count();
        for backup in backups {
            // The day key is in the vault's folder, or in a copy of it elsewhere.
            let file = crate::files::day_key_file(backup.day);
            let keys = image.iter().chain(copies).filter_map(|piece| self.own.open(&file, piece).ok());
            let keys: Vec<Key32> = keys.filter_map(|plain| key_of(&plain)).collect();
            for key in keys {
                let Ok(plain) = sealer(key).open(&context(backup.day), &backup.sealed) else { continue };
                found += parse_files(&plain).unwrap().iter().filter(|(_, bytes)| self.opens(bytes)).count();
            }
        }
        found
    }

    /// Whether this is the account's file, and opens.
    fn opens(&self, piece: &[u8]) -> bool {
        let body = &piece[..piece.len().saturating_sub(32)];
        AccountKeys::from_bytes(self.account, body)
            .is_ok_and(|keys| keys.open_by_escrow(&self.escrow).is_ok() || by_password(&keys))
    }
}

fn by_password(keys: &AccountKeys) -> bool {
    keys.root_by_password(&PASSWORD.into(), &Lanes::new(1)).is_ok()
}

fn close(desk: &Desk) {
    let session = desk.vault.sign_in(desk.account, &PASSWORD.into()).unwrap();
    desk.vault.close_account(&session, &[], &desk.epochs).unwrap();
}

#[test]
fn after_the_window_nothing_opens_a_closed_account_anywhere() {
    let desk = Desk::new("IE", 1);
    let thief = Thief::of(&desk);
    let before = desk.vault.back_up_keys().unwrap();
    // A password was changed once; the older wraps are gone already.
    desk.vault.set_password(desk.account, &vault::OwnerProof::here(PASSWORD.into(), None), &"another".into()).unwrap();
    desk.vault.set_password(desk.account, &vault::OwnerProof::here("another".into(), None), &PASSWORD.into()).unwrap();
    let backups = [before.clone(), desk.vault.back_up_keys().unwrap()];
    assert_eq!(thief.finds(&desk, &backups, &[]), 3, "the live file, and two backups");

    close(&desk);
    assert_eq!(thief.finds(&desk, &backups, &[]), 2, "at once nothing on the node, and the backups still");
    desk.clock.advance(i64::from(WINDOW_DAYS) * DAY_MILLIS);
    assert!(desk.vault.destroy_day_keys(WINDOW_DAYS).unwrap().is_empty());
    assert_eq!(thief.finds(&desk, &backups, &[]), 2, "the window is not over");
    desk.clock.advance(DAY_MILLIS);
    assert_eq!(desk.vault.destroy_day_keys(WINDOW_DAYS).unwrap(), [before.day]);
    assert_eq!(thief.finds(&desk, &backups, &[]), 0);
    // Anyone who kept a copy of the day's key has broken the rule, and this test can tell.
    assert_eq!(thief.finds(&desk, &backups, &[before.day_key]), 2);
}

/// The power goes between the new file and the end of the old one: the next start finishes.
#[test]
fn an_interrupted_overwriting_is_finished_at_the_next_start() {
    let desk = Desk::new("IE", 1);
    let thief = Thief::of(&desk);
    desk.disk.fail_step(desk.disk.steps() + 1, world::Fault::Failed);
    desk.vault
        .set_password(desk.account, &vault::OwnerProof::here(PASSWORD.into(), None), &"another".into())
        .unwrap_err();
    assert_eq!(thief.finds(&desk, &[], &[]), 2, "by the previous password, and by the escrow key");
    let vault = desk.reopen().unwrap();
    assert_eq!(thief.finds(&desk, &[], &[]), 1);
    vault.sign_in(desk.account, &"another".into()).unwrap();
}

#[test]
fn what_a_case_holds_opens_for_it_and_nothing_else_does() {
    let desk = Desk::new("IE", 1);
    let order = desk.order();
    let held: Vec<_> = desk.mail[1..3].iter().map(|stored| stored.ask).collect();
    let session = desk.vault.sign_in(desk.account, &PASSWORD.into()).unwrap();
    desk.vault.close_account(&session, &[(order.case, held.clone()), (CaseId(9), Vec::new())], &desk.epochs).unwrap();
    assert!(desk.vault.message_keys(&session, &desk.epochs, &held).is_err(), "the session is over");
    assert!(desk.vault.sign_in(desk.account, &PASSWORD.into()).is_err());
    assert_eq!(desk.disk.list(Path::new("vault/held")).unwrap().len(), 1);

    let clear = |asks: &[vault::KeyAsk]| {
        let mut attempt = desk.attempt();
        attempt.asks = asks.to_vec();
        desk.clear(attempt)
    };
    let opens = || {
        let clearance = clear(&held).unwrap();
        for stored in &desk.mail[1..3] {
            let key = clearance.message_key(stored.ask.id).unwrap();
            assert_eq!(key.open(vault::Part::Original, &stored.sealed).unwrap(), stored.plain);
        }
    };
    opens();
    // A message of the same order that was not held is gone.
    assert!(
        matches!(clear(&[desk.mail[3].ask]), Err(vault::VaultError::Order(vault::OrderError::NotHeld(id))) if id == desk.mail[3].ask.id)
    );
    // Another case holds nothing.
    let mut other = desk.order();
    other.case = CaseId(8);
    let (one, _) = desk.approve(&other, "ann");
    let (two, opened) = desk.approve(&other, "ben");
    let cleared = desk.vault.clear(&other, [one, two], opened, &desk.epochs, &held);
    assert!(matches!(cleared, Err(vault::VaultError::Owner(vault::OwnerError::NoSuchAccount(_)))));
    // It outlives a new escrow key.
    desk.act(vault::Act::RotateEscrow, [Desk::proof("ann"), Desk::proof("cat")]).unwrap();
    opens();
    while !desk.vault.sweep_escrow(10).unwrap().finished {}
    opens();
    desk.vault.forget_held(order.case).unwrap();
    assert!(clear(&held).is_err());
    assert!(desk.disk.list(Path::new("vault/held")).unwrap().is_empty());
}

/// The previous escrow key, whole, and the disk: a removed officer, a second one and a thief together.
#[test]
fn a_previous_escrow_key_opens_nothing() {
    let desk = Desk::new("IE", 1);
    let thief = Thief::of(&desk);
    let keys = |desk: &Desk| {
        let image = desk.disk.image();
        let opens = |piece: &Vec<u8>| {
            let body = &piece[..piece.len().saturating_sub(32)];
            AccountKeys::from_bytes(desk.account, body).is_ok_and(|keys| keys.open_by_escrow(&thief.escrow).is_ok())
        };
        image.iter().filter(|piece| opens(piece)).count()
    };
    assert_eq!(keys(&desk), 1);
    desk.act(vault::Act::Remove { officer: name("cat") }, [Desk::proof("ann"), Desk::proof("ben")]).unwrap();
    while !desk.vault.sweep_escrow(10).unwrap().finished {}
    assert_eq!(keys(&desk), 0);
}

#[test]
fn a_backup_of_keys_comes_back() {
    let desk = Desk::new("IE", 1);
    let backup = desk.vault.back_up_keys().unwrap();
    let disk = world::MemoryDisk::new();
    let clock: std::sync::Arc<dyn terms::Clock> = desk.clock.clone();
    let restore = |backup: &KeyBackup, passphrase: &str| {
        let disk = std::sync::Arc::new(disk.clone());
        crate::here(disk, "vault".into(), clock.clone(), desk.entropy.clone()).restore_keys(
            backup,
            &passphrase.into(),
            false,
        )
    };
    let with = |change: &dyn Fn(&mut KeyBackup)| {
        let mut changed = backup.clone();
        change(&mut changed);
        changed
    };
    assert!(restore(&backup, "wrong").is_err());
    let last = backup.sealed.len() - 1;
    for bad in [
        with(&|backup| backup.sealed[last] ^= 1),
        with(&|backup| backup.day += 1),
        with(&|backup| backup.day_key = Vec::new()),
        with(&|backup| backup.node.truncate(40)),
    ] {
        assert!(restore(&bad, NODE_PASSPHRASE).is_err());
        assert!(!disk.exists(Path::new("vault/node.keys")));
    }
    restore(&backup, NODE_PASSPHRASE).unwrap();
    assert!(matches!(restore(&backup, NODE_PASSPHRASE), Err(vault::VaultError::Files(vault::FileError::AlreadyThere))));
    let vault = crate::desk::open(&disk, NODE_PASSPHRASE, &desk.clock, desk.entropy.clone()).unwrap();
    vault.sign_in(desk.account, &PASSWORD.into()).unwrap();
    vault.approve(&desk.order(), &name("ann"), &OFFICERS[0].1.into()).unwrap();
}

/// What is in the account's file, by a root: the public keys whose private keys it opens.
fn keys_by(root: &crate::account::root::Root, account: AccountId, piece: &[u8]) -> Vec<[u8; 32]> {
    let body = &piece[..piece.len().saturating_sub(32)];
    let private_keys = AccountKeys::from_bytes(account, body).and_then(|keys| keys.private_keys(root));
    private_keys.unwrap_or_default().iter().map(|private_key| private_key.public().unwrap()).collect()
}

/// The previous private key, its earlier file with the password, the medium with its freed blocks, the service key: they
/// open nothing that came after the pair was replaced, and with another root nothing that is kept now.
#[test]
fn a_previous_account_key_opens_nothing_that_came_later() {
    for everything in [false, true] {
        let desk = Desk::new("IE", 1);
        let keeper = keeper_of(&desk.vault);
        let before = keeper.folder().read(&crate::files::account_file(desk.account)).unwrap().unwrap();
        let keys = AccountKeys::from_bytes(desk.account, &before[..before.len() - 32]).unwrap();
        let root = keys.root_by_password(&PASSWORD.into(), &Lanes::new(1)).unwrap();
        let private_key = keys.private(&root).unwrap();
        let proof = vault::OwnerProof::here(PASSWORD.into(), None);
        let (public, _) = desk.vault.begin_account_rotation(desk.account, &proof, everything).unwrap();
        let of =
            |epoch| vault::EpochSealer::start(desk.account, &public, terms::EpochId(epoch), &*desk.entropy).unwrap().1;
        let (late, later) = (of(8), of(9));
        let mut rows = [desk.epochs.clone(), vec![(terms::EpochId(8), late)]].concat();
        let fresh = desk.vault.reseal_epochs(desk.account, &rows).unwrap();
        assert_eq!(fresh.len(), desk.epochs.len());
        rows.retain(|(epoch, _)| fresh.iter().all(|(fresh, _)| fresh != epoch));
        rows.extend(fresh);
        let open = |sealed: &(terms::EpochId, vault::SealedEpochKey)| {
            crate::owners::epochs::open_epoch(&private_key, desk.account, sealed.0, &sealed.1).is_ok()
        };
        assert!(desk.epochs.iter().all(open), "the earlier copy of the rows");
        let lies = || {
            desk.disk
                .image()
                .iter()
                .filter(|piece| keys_by(&root, desk.account, piece).contains(&desk.public.0))
                .count()
        };
        assert_eq!(
            lies(),
            usize::from(!everything),
            "until it is finished, the old private key is sealed under the root"
        );
        desk.vault.finish_account_rotation(desk.account, &rows).unwrap();
        rows.push((terms::EpochId(9), later));
        assert!(!rows.iter().any(open));
        assert_eq!(lies(), 0, "destroyed, in freed blocks too");
        // With the previous root, today's file opens; with another root, it does not.
        let image = desk.disk.image();
        let now = image.iter().filter(|piece| keys_by(&root, desk.account, piece).contains(&public.0)).count();
        assert_eq!(now, usize::from(!everything));
        // Neither the ring nor anything else of the folder is sealed by the old key.
        let mut opened = crate::owners::ring::Opened::new();
        let found = crate::owners::ring::Ring::new(keeper.folder(), desk.account, &private_key).read(&mut opened);
        assert_eq!((found, opened.len()), (crate::owners::ring::Found::Worn, 0));
    }
}

/// The power goes between the store's part and the vault's: what the owner began is finished without the owner, and what cases
/// hold stays theirs.
#[test]
fn a_closing_that_was_begun_is_finished_without_the_owner() {
    let desk = Desk::new("IE", 1);
    let thief = Thief::of(&desk);
    let account = desk.account;
    let held = vec![(desk.order().case, vec![desk.mail[1].ask]), (CaseId(9), Vec::new())];
    let other = vec![(desk.order().case, vec![desk.mail[2].ask])];
    let nobody = desk.vault.finish_closing(account, &held);
    assert!(
        matches!(nobody, Err(vault::VaultError::Owner(vault::OwnerError::NoClosing(of))) if of == account),
        "its owner did not ask for it"
    );

    let session = desk.vault.sign_in(account, &PASSWORD.into()).unwrap();
    desk.vault.begin_closing(&session, &held, &desk.epochs).unwrap();
    // All opens as before, and after the interruption too.
    desk.vault.message_keys(&session, &desk.epochs, &held[0].1).unwrap();
    let vault = desk.reopen().unwrap();
    assert_eq!((vault.closings().unwrap(), thief.finds(&desk, &[], &[])), (vec![account], 1));
    let changed = vault.finish_closing(account, &other);
    assert!(matches!(changed, Err(vault::VaultError::Owner(vault::OwnerError::HeldChanged(of))) if of == account));
    assert_eq!(thief.finds(&desk, &[], &[]), 1, "what a case holds now was not sealed for it");

    vault.finish_closing(account, &held).unwrap();
    assert_eq!((vault.closings().unwrap(), thief.finds(&desk, &[], &[])), (Vec::new(), 0));
    assert!(vault.sign_in(account, &PASSWORD.into()).is_err());
    let mut attempt = desk.attempt();
    attempt.asks = held[0].1.clone();
    let clearance = desk.clear(attempt).unwrap();
    let stored = &desk.mail[1];
    let key = clearance.message_key(stored.ask.id).unwrap();
    assert_eq!(key.open(vault::Part::Original, &stored.sealed).unwrap(), stored.plain);
}

/// A case lets go of what it held, before the closing is finished: nothing is held, so nothing need stay.
#[test]
fn a_closing_is_finished_when_nothing_is_held_any_more() {
    let desk = Desk::new("IE", 1);
    let thief = Thief::of(&desk);
    let session = desk.vault.sign_in(desk.account, &PASSWORD.into()).unwrap();
    let held = [(desk.order().case, vec![desk.mail[1].ask])];
    desk.vault.begin_closing(&session, &held, &desk.epochs).unwrap();
    desk.vault.finish_closing(desk.account, &[]).unwrap();
    assert_eq!(thief.finds(&desk, &[], &[]), 0);
    // Closed in one go, no note stays either.
    let desk = Desk::new("IE", 2);
    close(&desk);
    assert!(desk.vault.closings().unwrap().is_empty());
}

/// Whichever step of the end of the keys fails, and whether it took place or not: the note stays until all is gone.
#[test]
fn each_step_of_a_closing_fails_once() {
    for fault in [world::Fault::Failed, world::Fault::FailedButPersisted] {
        for step in 0.. {
            let desk = Desk::new("IE", 1);
            let thief = Thief::of(&desk);
            let session = desk.vault.sign_in(desk.account, &PASSWORD.into()).unwrap();
            desk.vault.begin_closing(&session, &[], &desk.epochs).unwrap();
            let fails_at = desk.disk.steps() + step;
            desk.disk.fail_step(fails_at, fault);
            let finished = desk.vault.finish_closing(desk.account, &[]);
            if desk.disk.steps() <= fails_at {
                finished.unwrap();
                assert!(step >= 3, "{step} steps");
                break;
            }
            let vault = desk.reopen().unwrap();
            for account in vault.closings().unwrap() {
                vault.finish_closing(account, &[]).unwrap();
            }
            assert_eq!(thief.finds(&desk, &[], &[]), 0, "{fault:?} at {step}");
            assert!(vault.closings().unwrap().is_empty());
        }
    }
}
