//! What somebody finds who has the whole disk, and more: every byte of every file, opened with the service key where it
//! opens, tried at every offset as every kind of key.

use std::path::{Path, PathBuf};

use durable::Disk;
use terms::{AccountId, MessageId};
use vault::inside::{Decoder, derive_key, message_key, message_key_bytes, share_id};
use vault::{Approval, Custody, KeyAsk, MessageKey, Order, Part, ProvenApproval};

use crate::crypto::{Key32, Lanes, PrivateKey, Share, SigningKey, join, open_hybrid};
use crate::desk::{Desk, NODE_PASSPHRASE, OFFICERS, name};
use crate::keeper_of;
use crate::node::keys::NodeKeys;
use crate::node::service_key::ServiceKey;
use crate::officers::release::{RELEASE, released_share};
use crate::officers::roster::{OfficerKeys, OfficerSecrets};

/// Everything that a thief has read.
struct Loot<'a> {
    desk: &'a Desk,
    bytes: Vec<Vec<u8>>,
}

/// What opens with it.
#[derive(Debug, Default, PartialEq)]
struct Found {
    private_keys: usize,
    officers_signing_keys: usize,
    messages: Vec<MessageId>,
}

impl<'a> Loot<'a> {
    /// Every file of the vault and the ledger, the sealed mail with its sealed epoch keys, and the desk's approvals.
    fn disk(desk: &'a Desk, approvals: &[ProvenApproval]) -> Self {
        let mut bytes = Vec::new();
        let mut folders = vec![PathBuf::from("vault"), PathBuf::from("ledger")];
        while let Some(folder) = folders.pop() {
            for entry in desk.disk.list(&folder).unwrap_or_default() {
                let path = folder.join(entry);
                match desk.disk.read(&path) {
                    Ok(read) => bytes.push(read),
                    Err(_) => folders.push(path),
                }
            }
        }
        assert!(bytes.len() >= 8, "node, roster, three officers, an account, a ledger");
        bytes.extend(desk.mail.iter().map(|stored| stored.sealed.clone()));
        bytes.extend(desk.epochs.iter().map(|(_, sealed)| sealed.0.clone()));
        for proven in approvals {
            bytes.push(proven.approval.bytes());
            bytes.push(proven.opening.body.clone());
            bytes.extend(proven.approval.released.values().map(|share| share.0.clone()));
        }
        Self { desk, bytes }
    }

    /// The service key, and what opens with it.
    fn with_service_key(mut self) -> Self {
        let key = service_key(self.desk);
        let own = ServiceKey::for_vault(&[(1, key.clone())]);
        let mut contexts = vec![RELEASE.to_owned(), "node signing key".to_owned()];
        for file in self.desk.disk.list(Path::new("vault/clearances")).unwrap() {
            contexts.push(format!("clearances/{file}"));
        }
        let mut opened = vec![key.to_vec()];
        for bytes in &self.bytes {
            for context in &contexts {
                opened.extend(own.open(context, bytes));
            }
        }
        self.bytes.extend(opened);
        self
    }

    fn and(mut self, bytes: &[u8]) -> Self {
        self.bytes.push(bytes.to_vec());
        self
    }

    fn search(&self) -> Found {
        let keeper = keeper_of(&self.desk.vault);
        let roster = keeper.roster();
        let mut publics = vec![roster.escrow, self.desk.public.0];
        publics.extend(roster.officers.iter().map(|officer| officer.sharing_key));
        let mut found = Found::default();
        for window in self.bytes.iter().flat_map(|bytes| bytes.windows(32)) {
            let mut key = Key32::default();
            key.copy_from_slice(window);
            let public = PrivateKey::from_bytes(window).and_then(|private| private.public().ok());
            found.private_keys += usize::from(public.is_some_and(|public| publics.contains(&public)));
            let public = SigningKey::from_seed(&key).unwrap().public();
            let officers = roster.officers.iter().filter(|officer| officer.verifying_key == public);
            found.officers_signing_keys += officers.count();
            for stored in &self.desk.mail {
                let as_epoch_key = derived(&key, self.desk.account, stored.ask);
                let as_message_key = message_key(self.desk.account, stored.ask, key.clone());
                for key in [as_epoch_key, as_message_key] {
                    if key.open(Part::Original, &stored.sealed).is_ok() {
                        found.messages.push(stored.ask.id);
                    }
                }
            }
        }
        found.messages.sort();
        found
    }
}

/// The key of a message, by its epoch's.
fn derived(epoch: &Key32, account: AccountId, ask: KeyAsk) -> MessageKey {
    message_key(account, ask, derive_key(epoch, account, ask))
}

fn service_key(desk: &Desk) -> Key32 {
    let bytes = keeper_of(&desk.vault).folder().read_summed("node.keys").unwrap().unwrap();
    NodeKeys::open(&bytes, &NODE_PASSPHRASE.into(), &Lanes::new(1)).unwrap().1.1
}

/// An officer's secrets, as that officer's passphrase opens them.
fn secrets(desk: &Desk, officer: usize) -> OfficerSecrets {
    let (officer, passphrase) = OFFICERS[officer];
    let keeper = keeper_of(&desk.vault);
    let roster = keeper.roster();
    let bytes = keeper_of(&desk.vault).folder().read(&format!("officers/{officer}.keys")).unwrap().unwrap();
    let keys = OfficerKeys::from_bytes(&name(officer), &bytes[..bytes.len() - 32]).unwrap();
    let public = roster.officer(&name(officer)).unwrap();
    keys.open(&roster, public, &passphrase.into(), &Lanes::new(1)).unwrap()
}

/// The share that `approval` releases to an officer, as that officer's key and the service key open it.
fn released(desk: &Desk, approval: &Approval, to: usize) -> Share {
    let own = ServiceKey::for_vault(&[(1, service_key(desk))]);
    let officer = name(OFFICERS[to].0);
    let sealed = own.open(RELEASE, &approval.released[&officer].0).unwrap();
    let keeper = keeper_of(&desk.vault);
    let roster = keeper.roster();
    let info = crate::officers::release::release_info(
        &approval.home,
        approval.order,
        &approval.officer,
        roster.officer(&officer).unwrap(),
    );
    Share::from_bytes(&open_hybrid(&secrets(desk, to).sharing, &info, &sealed).unwrap()).unwrap()
}

/// The account's private key, by an escrow key made of two shares.
fn account_key(desk: &Desk, one: &Share, two: &Share) -> PrivateKey {
    let escrow = PrivateKey::from_bytes(join(one, two).unwrap().as_ref()).unwrap();
    keeper_of(&desk.vault).account_keys(desk.account).unwrap().open_by_escrow(&escrow).unwrap().remove(0)
}

fn approvals(desk: &Desk) -> (Order, [ProvenApproval; 2]) {
    let order = desk.order();
    let both = ["ann", "ben"].map(|officer| desk.approve(&order, officer).0);
    (order, both)
}

#[test]
fn the_search_finds_a_key_that_is_there() {
    let desk = Desk::new("IE", 1);
    let account = account_key(&desk, &secrets(&desk, 0).share, &secrets(&desk, 2).share);
    let loot = Loot::disk(&desk, &[]).and(&[&[7; 5], &account.expose()[..], &[9; 3]].concat());
    assert_eq!(loot.search().private_keys, 1);

    let epoch = crate::owners::epochs::open_epoch(&account, desk.account, desk.epochs[0].0, &desk.epochs[0].1).unwrap();
    let message = derived(&epoch, desk.account, desk.mail[0].ask);
    assert_eq!(Loot::disk(&desk, &[]).and(epoch.as_ref()).search().messages.len(), 2);
    assert_eq!(Loot::disk(&desk, &[]).and(message_key_bytes(&message)).search().messages, [desk.mail[0].ask.id]);
}

#[test]
fn the_disk_opens_nothing() {
    let desk = Desk::new("IE", 1);
    let (_, both) = approvals(&desk);
    assert_eq!(Loot::disk(&desk, &both).search(), Found::default());
}

/// Root with the service key and no share: both approvals lie there, each with its released shares, and nothing opens.
#[test]
fn the_disk_and_the_service_key_open_nothing() {
    let desk = Desk::new("IE", 1);
    let (_, both) = approvals(&desk);
    assert_eq!(Loot::disk(&desk, &both).with_service_key().search(), Found::default());
}

/// The one thing that the service key opens of mail: a clearance that is kept, and only until it is forgotten.
#[test]
fn a_kept_clearance_is_its_scope_and_no_more() {
    let desk = Desk::new("IE", 1);
    let clearance = desk.clear(desk.attempt()).unwrap();
    desk.vault.keep_clearance(&clearance).unwrap();
    assert_eq!(Loot::disk(&desk, &[]).search(), Found::default());

    let found = Loot::disk(&desk, &[]).with_service_key().search();
    assert!(found.messages.iter().copied().eq(clearance.messages()));
    assert_eq!(found, Found { messages: found.messages.clone(), ..Found::default() });

    desk.vault.forget_clearance(clearance.order().digest()).unwrap();
    assert_eq!(Loot::disk(&desk, &[]).with_service_key().search(), Found::default());
}

/// One officer who is root opens nothing as long as no other officer's released share lies there.
#[test]
fn one_officer_who_is_root_opens_nothing_alone() {
    let desk = Desk::new("IE", 1);
    let mine = desk.approve(&desk.order(), "ann").0;
    let ann = secrets(&desk, 0);
    let loot = Loot::disk(&desk, &[mine]).with_service_key().and(ann.share.expose());
    assert_eq!(loot.search(), Found::default());
    // The share alone is noise: with any other 33 bytes it makes some key, and not this one.
    for other in 2..=3u8 {
        let guess = Share::from_bytes(&[&[other][..], &[0; 32]].concat()).unwrap();
        let joined = PrivateKey::from_bytes(join(&ann.share, &guess).unwrap().as_ref()).unwrap();
        assert_ne!(joined.public().unwrap(), keeper_of(&desk.vault).roster().escrow);
    }
}

/// What the threat model admits: an officer who is root as well, while another officer's released share lies there, has
/// two shares and with them the whole home. Forgetting the shares after clearing ends it.
#[test]
fn one_officer_who_is_root_opens_all_while_anothers_share_is_released() {
    let desk = Desk::new("IE", 1);
    let (_, [_, mut bens]) = approvals(&desk);
    let account = account_key(&desk, &secrets(&desk, 0).share, &released(&desk, &bens.approval, 0));
    assert_eq!(account.public().unwrap(), desk.public.0);

    bens.approval.forget_shares();
    let loot = Loot::disk(&desk, &[bens]).with_service_key().and(secrets(&desk, 0).share.expose());
    assert_eq!(loot.search(), Found::default());
}

/// What each custody is worth against a thief of disk and service key: the wrap under that key is there in `standard` alone,
/// and the wrap to the escrow key in all but `owner`.
#[test]
fn custody_is_which_wraps_there_are() {
    let desk = Desk::new("IE", 1);
    let own = ServiceKey::for_vault(&[(1, service_key(&desk))]);
    let shares = [0, 1].map(|officer| secrets(&desk, officer).share);
    let escrow = PrivateKey::from_bytes(join(&shares[0], &shares[1]).unwrap().as_ref()).unwrap();
    for custody in Custody::ALL {
        let account = AccountId([custody.byte(); 16]);
        let (public, codes) = desk.vault.create_account_in(account, custody, &"owner password".into()).unwrap();
        let keys = keeper_of(&desk.vault).account_keys(account).unwrap();
        let by_service = keys.root_by_service(&own);
        assert_eq!(by_service.is_some(), custody == Custody::Standard);
        if let Some(root) = by_service {
            assert_eq!(keys.private(&root).unwrap().public().unwrap(), public.0);
        }
        let by_officers = keys.open_by_escrow(&escrow);
        if custody == Custody::Owner {
            assert!(
                matches!(by_officers, Err(vault::VaultError::Owner(vault::OwnerError::OwnerCustody(id))) if id == account)
            );
        } else {
            assert_eq!(by_officers.unwrap()[0].public().unwrap(), public.0);
        }
        assert_eq!(codes.len(), if custody == Custody::Owner { vault::RECOVERY_CODES } else { 0 });
    }
}

/// A share that was released for one order does not open under another order's name, service key or not.
#[test]
fn a_released_share_is_bound_to_its_order() {
    let desk = Desk::new("IE", 1);
    let (_, [anns, _]) = approvals(&desk);
    let mut other = anns.approval.clone();
    other.order.0[0] ^= 1;
    let mut order = desk.order();
    order.case.0 += 1;
    let (_, opened) = desk.approve(&order, "ben");
    let keeper = keeper_of(&desk.vault);
    let opened = keeper.opened(share_id(&opened));
    let own = ServiceKey::for_vault(&[(1, service_key(&desk))]);
    let roster = keeper.roster();
    let ben = roster.officer(&name("ben")).unwrap();
    assert!(released_share(&anns.approval, ben, &opened, &own).is_ok(), "ben's key and the right order");
    assert!(released_share(&other, ben, &opened, &own).is_err());
    let cat = roster.officer(&name("cat")).unwrap();
    assert!(released_share(&anns.approval, cat, &opened, &own).is_err(), "released to cat, tried with ben's key");
}

/// Two shares of different deals make no key of this home.
#[test]
fn shares_of_two_homes_do_not_join() {
    let (desk, other) = (Desk::new("IE", 1), Desk::new("IE", 2));
    for (one, two) in [(0, 1), (1, 2), (0, 2)] {
        let joined = join(&secrets(&desk, one).share, &secrets(&other, two).share).unwrap();
        let joined = PrivateKey::from_bytes(joined.as_ref()).unwrap();
        assert_ne!(joined.public().unwrap(), keeper_of(&desk.vault).roster().escrow);
        let right = join(&secrets(&desk, one).share, &secrets(&desk, two).share).unwrap();
        let right = PrivateKey::from_bytes(right.as_ref()).unwrap();
        assert_eq!(right.public().unwrap(), keeper_of(&desk.vault).roster().escrow);
    }
    assert!(join(&secrets(&desk, 0).share, &secrets(&desk, 0).share).is_err(), "one share twice is one share");
}

/// The files that the disk had at first are readable as their formats say: nothing is left over and nothing is missing.
#[test]
fn every_file_begins_with_its_magic() {
    let desk = Desk::new("IE", 1);
    let begins = |file: &str, magic: &[u8]| {
        let bytes = keeper_of(&desk.vault).folder().read(file).unwrap().unwrap();
        assert!(Decoder::new(magic, &bytes).is_some(), "{file}");
    };
    begins("node.keys", b"BVN\x01");
    begins("officers.roster", b"BVR\x01");
    begins("officers/ann.keys", b"BVO\x01");
    begins(&format!("accounts/{}.keys", desk.account), b"BVA\x01");
}
