//! An account's pair is replaced while everything keeps running.

use std::collections::HashMap;

use terms::{EpochId, MessageId, Secret};
use vault::{
    Act, Attempt, Claim, Custody, EpochSealer, KeyAsk, Network, OwnerProof, Part, Scopes, SealedEpochKey, SignedIn,
    Vault, VaultError,
};
use world::{Fault, SeededEntropy};

use crate::desk::{Desk, PASSWORD, Stored, variant};

fn proof() -> OwnerProof {
    OwnerProof::here(PASSWORD.into(), None)
}

/// What a store keeps of an account: sealed epoch keys, and mail.
struct Rows {
    epochs: HashMap<EpochId, SealedEpochKey>,
    mail: Vec<Stored>,
}

impl Rows {
    fn of(desk: &mut Desk) -> Self {
        Self { epochs: desk.epochs.iter().cloned().collect(), mail: std::mem::take(&mut desk.mail) }
    }

    fn all(&self) -> Vec<(EpochId, SealedEpochKey)> {
        self.epochs.iter().map(|(epoch, sealed)| (*epoch, sealed.clone())).collect()
    }

    /// A message arrives, sealed to the public key that the vault has.
    fn receive(&mut self, desk: &Desk, vault: &Vault) {
        let public = vault.account_public_key(desk.account).unwrap();
        let epoch = EpochId(self.epochs.keys().map(|epoch| epoch.0).max().unwrap_or(0) + 1);
        let (sealer, sealed) = EpochSealer::start(desk.account, &public, epoch, &*desk.entropy).unwrap();
        let (id, arrival) = (MessageId::random(&*desk.entropy), Desk::day());
        let plain = format!("Subject: in epoch {epoch}\r\n\r\n").into_bytes();
        let text = sealer.seal(id, arrival, Part::Original, &plain).unwrap();
        self.epochs.insert(epoch, sealed);
        self.mail.push(Stored { ask: KeyAsk { epoch, id, arrival }, sealed: text, plain });
    }

    /// Every message opens for this session.
    fn read(&self, vault: &Vault, session: &SignedIn) -> Result<(), VaultError> {
        let asks: Vec<KeyAsk> = self.mail.iter().map(|stored| stored.ask).collect();
        for (key, stored) in vault.message_keys(session, &self.all(), &asks)?.iter().zip(&self.mail) {
            assert_eq!(key.open(Part::Original, &stored.sealed).unwrap(), stored.plain);
        }
        Ok(())
    }

    /// A step of the store's: two epochs. Whether there was anything left.
    fn step(&mut self, desk: &Desk, vault: &Vault) -> Result<bool, VaultError> {
        let mut left = false;
        for some in self.all().chunks(2) {
            let fresh = vault.reseal_epochs(desk.account, some)?;
            left |= !fresh.is_empty();
            self.epochs.extend(fresh);
        }
        Ok(left)
    }

    fn sweep(&mut self, desk: &Desk, vault: &Vault) -> Result<(), VaultError> {
        while self.step(desk, vault)? {}
        vault.finish_account_rotation(desk.account, &self.all())
    }
}

#[test]
fn mail_is_readable_all_the_time_and_sessions_go_on() {
    let mut desk = Desk::new("IE", 1);
    let mut rows = Rows::of(&mut desk);
    let vault = &desk.vault;
    let (_, phone) = vault.add_app_password(desk.account, &proof(), "phone", Scopes::IMAP, None).unwrap();
    let attempt = |scope| Attempt { claim: Claim::Account(desk.account), scope, network: Network::HERE };
    let (token, web) =
        vault.open_session(&attempt(Scopes::PAGES), &PASSWORD.into(), None, "browser", 3_600_000).unwrap();
    let open = vault.sign_in(desk.account, &PASSWORD.into()).unwrap();
    rows.read(vault, &open).unwrap();
    let index = vault.index_key(&open).unwrap();
    assert_eq!(variant(&vault.reseal_epochs(desk.account, &rows.all()).unwrap_err()), "NoRotation");
    let wrong = OwnerProof::here("wrong".into(), None);
    assert_eq!(variant(&vault.begin_account_rotation(desk.account, &wrong, false).unwrap_err()), "WrongPassword");
    assert!(vault.rotations().unwrap().accounts.is_empty());

    let (public, codes) = vault.begin_account_rotation(desk.account, &proof(), false).unwrap();
    assert!(codes.is_empty());
    assert_ne!(public, desk.public);
    assert_eq!(vault.begin_account_rotation(desk.account, &proof(), false).unwrap().0, public, "one at a time");
    assert_eq!(vault.rotations().unwrap().accounts, [desk.account]);
    let early = vault.finish_account_rotation(desk.account, &rows.all());
    assert_eq!(variant(&early.unwrap_err()), "TooSoon", "nothing was seen to be sealed to the new private_key");
    let everywhere = |rows: &Rows| {
        let app = vault.sign_in_as(&attempt(Scopes::IMAP), &phone, None).unwrap();
        let resumed = vault.resume_session(&token).unwrap();
        let fresh = vault.sign_in(desk.account, &PASSWORD.into()).unwrap();
        for session in [&open, &web, &app, &resumed, &fresh] {
            rows.read(vault, session).unwrap();
        }
    };
    rows.receive(&desk, vault);
    everywhere(&rows);
    // Half of it.
    let private_key: Vec<_> = rows.all().into_iter().take(2).collect();
    rows.epochs.extend(vault.reseal_epochs(desk.account, &private_key).unwrap());
    everywhere(&rows);
    rows.receive(&desk, vault);
    assert!(vault.finish_account_rotation(desk.account, &rows.all()).is_err());
    rows.sweep(&desk, vault).unwrap();
    everywhere(&rows);
    assert!(vault.rotations().unwrap().accounts.is_empty());
    assert!(!index.is(&vault.index_key(&open).unwrap()), "the index has another key");

    // After a restart by the ring: no epoch costs X25519 again.
    let vault = desk.reopen().unwrap();
    let session = vault.sign_in(desk.account, &PASSWORD.into()).unwrap();
    rows.read(&vault, &session).unwrap();
    assert_eq!(vault.epochs_opened(), 0);
    // And once more.
    assert_ne!(vault.begin_account_rotation(desk.account, &proof(), false).unwrap().0, public);
    rows.receive(&desk, &vault);
    rows.sweep(&desk, &vault).unwrap();
    rows.read(&vault, &session).unwrap();
}

#[test]
fn an_epoch_that_opens_with_neither_key_keeps_the_old_one() {
    let mut desk = Desk::new("IE", 1);
    let mut rows = Rows::of(&mut desk);
    desk.vault.begin_account_rotation(desk.account, &proof(), false).unwrap();
    let good = rows.epochs[&EpochId(1)].clone();
    rows.epochs.get_mut(&EpochId(1)).unwrap().0[40] ^= 1;
    assert_eq!(variant(&rows.sweep(&desk, &desk.vault).unwrap_err()), "EpochDoesNotOpen");
    rows.epochs.insert(EpochId(1), good);
    rows.sweep(&desk, &desk.vault).unwrap();
}

#[test]
fn a_rotation_survives_a_kill_at_every_step() {
    let run = |desk: &Desk, vault: &Vault, rows: &mut Rows| -> Result<(), VaultError> {
        vault.begin_account_rotation(desk.account, &proof(), false)?;
        rows.receive(desk, vault);
        rows.sweep(desk, vault)
    };
    let steps = {
        let mut desk = Desk::new("IE", 1);
        let mut rows = Rows::of(&mut desk);
        let before = desk.disk.steps();
        run(&desk, &desk.vault, &mut rows).unwrap();
        desk.disk.steps() - before
    };
    assert!(steps >= 8, "{steps}");
    for step in 0..steps {
        for fault in [Fault::Failed, Fault::FailedButPersisted] {
            let at = format!("step {step}, {fault:?}");
            let mut desk = Desk::new("IE", 1);
            let mut rows = Rows::of(&mut desk);
            let open = desk.vault.sign_in(desk.account, &PASSWORD.into()).unwrap();
            desk.disk.fail_step(desk.disk.steps() + step, fault);
            // A ring that could not be written is not a failure.
            let failed = run(&desk, &desk.vault, &mut rows);
            rows.receive(&desk, &desk.vault);
            rows.read(&desk.vault, &open).unwrap_or_else(|error| panic!("{at}: an open session: {error}"));
            desk.disk.cut_power(&SeededEntropy::new(step));
            let vault = desk.reopen().unwrap_or_else(|error| panic!("{at}: {error}"));
            let standing = vault.rotations().unwrap();
            assert!(standing.resumable.is_empty(), "{at}: a key without a sign-in");
            rows.receive(&desk, &vault);
            let session = vault.sign_in(desk.account, &PASSWORD.into()).unwrap();
            rows.read(&vault, &session).unwrap_or_else(|error| panic!("{at}: {error}"));
            if failed.is_err() && standing.accounts.is_empty() {
                // It never began, or was done but for the last word.
                let _ = vault.begin_account_rotation(desk.account, &proof(), false).unwrap();
            }
            if !vault.rotations().unwrap().resumable.is_empty() {
                // A sign-in is enough to resume it.
                rows.sweep(&desk, &vault).unwrap_or_else(|error| panic!("{at}: {error}"));
            }
            assert!(vault.rotations().unwrap().accounts.is_empty(), "{at}");
            assert_ne!(vault.account_public_key(desk.account).unwrap(), desk.public, "{at}");
            let vault = desk.reopen().unwrap();
            rows.read(&vault, &vault.sign_in(desk.account, &PASSWORD.into()).unwrap()).unwrap();
        }
    }
}

#[test]
fn two_officers_replace_a_pair_and_open_nothing_by_it() {
    let mut desk = Desk::new("IE", 1);
    let order = desk.order();
    let mut rows = Rows::of(&mut desk);
    let open = desk.vault.sign_in(desk.account, &PASSWORD.into()).unwrap();
    desk.act(Act::RotateAccount { account: desk.account }, [Desk::proof("ann"), Desk::proof("ben")]).unwrap();
    let standing = desk.vault.rotations().unwrap();
    assert_eq!((standing.accounts, standing.resumable), (vec![desk.account], vec![desk.account]));
    rows.receive(&desk, &desk.vault);
    rows.read(&desk.vault, &open).unwrap();
    rows.sweep(&desk, &desk.vault).unwrap();
    rows.read(&desk.vault, &open).unwrap();
    // A case opens what it opened before, by the new key.
    let (one, _) = desk.approve(&order, "ann");
    let (two, opened) = desk.approve(&order, "ben");
    let asks: Vec<_> = rows.mail[1..4].iter().map(|stored| stored.ask).collect();
    let clearance = desk.vault.clear(&order, [one, two], opened, &rows.all(), &asks).unwrap();
    let key = clearance.message_key(asks[0].id).unwrap();
    assert_eq!(key.open(Part::Original, &rows.mail[1].sealed).unwrap(), rows.mail[1].plain);

    desk.vault.set_custody(desk.account, &proof(), Custody::Owner).unwrap();
    let refused = desk.act(Act::RotateAccount { account: desk.account }, [Desk::proof("ann"), Desk::proof("ben")]);
    assert_eq!(variant(&refused.unwrap_err()), "OwnerCustody");
}

#[test]
fn everything_ends_what_a_thief_may_have() {
    let mut desk = Desk::new("IE", 1);
    let mut rows = Rows::of(&mut desk);
    let vault = &desk.vault;
    let (_, phone) = vault.add_app_password(desk.account, &proof(), "phone", Scopes::IMAP, None).unwrap();
    let old = vault.new_recovery_codes(desk.account, &proof()).unwrap();
    let attempt = |scope| Attempt { claim: Claim::Account(desk.account), scope, network: Network::HERE };
    let (token, _) = vault.open_session(&attempt(Scopes::PAGES), &PASSWORD.into(), None, "browser", 3_600_000).unwrap();
    let open = vault.sign_in(desk.account, &PASSWORD.into()).unwrap();
    let (_, codes) = vault.begin_account_rotation(desk.account, &proof(), true).unwrap();
    assert_eq!(codes.len(), vault::RECOVERY_CODES);
    assert!(vault.sign_in_as(&attempt(Scopes::IMAP), &phone, None).is_err());
    assert!(vault.resume_session(&token).is_err());
    let new: Secret<String> = "another password".into();
    assert!(vault.recover(desk.account, &old[0], &new).is_err());
    rows.receive(&desk, vault);
    rows.read(vault, &open).unwrap();
    rows.sweep(&desk, vault).unwrap();
    vault.recover(desk.account, &codes[0], &new).unwrap();
    rows.read(vault, &vault.sign_in(desk.account, &new).unwrap()).unwrap();
}
