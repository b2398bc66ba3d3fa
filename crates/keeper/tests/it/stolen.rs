//! What somebody gets who took a browser's token or a session of the running node, who puts back last week's files, or
//! who brings two officers of another home: what opens, until when, and what does not.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use durable::{Disk, Visibility};
use terms::{AccountId, EpochId, MessageId, Secret, UnixMillis};
use vault::{
    Act, Attempt, Claim, EpochSealer, KeyAsk, Network, OwnerProof, Part, Scopes, SessionToken, SignedIn, Vault,
    VaultError,
};
use world::MemoryDisk;

use crate::desk::{Desk, NODE_PASSPHRASE, PASSWORD, name, open, variant};

const DAY: i64 = 86_400_000;

fn proof() -> OwnerProof {
    OwnerProof::here(PASSWORD.into(), None)
}

fn pages(desk: &Desk) -> Attempt {
    Attempt { claim: Claim::Account(desk.account), scope: Scopes::PAGES, network: Network::HERE }
}

fn token(desk: &Desk, lasts_millis: i64) -> SessionToken {
    desk.vault.open_session(&pages(desk), &PASSWORD.into(), None, "laptop", lasts_millis).unwrap().0
}

/// Whether the session opens all the mail there is.
fn reads(vault: &Vault, desk: &Desk, session: &SignedIn) -> Result<(), VaultError> {
    let asks: Vec<_> = desk.mail.iter().map(|stored| stored.ask).collect();
    for (key, stored) in vault.message_keys(session, &desk.epochs, &asks)?.iter().zip(&desk.mail) {
        assert_eq!(key.open(Part::Original, &stored.sealed).unwrap(), stored.plain);
    }
    Ok(())
}

fn refused<T: std::fmt::Debug>(result: Result<T, VaultError>, with: &str, what: &str) {
    assert_eq!(variant(&result.unwrap_err()), with, "{what}");
}

type End = fn(&Desk, &SessionToken);

/// What ends a token; and whether a session that was resumed before goes on.
const ENDS: &[(&str, bool, End)] = &[
    ("its time is over", true, |desk, _| desk.clock.advance(DAY)),
    ("the owner leaves", true, |desk, token| desk.vault.leave_session(token).unwrap()),
    ("the owner ends all sessions", true, |desk, _| desk.vault.end_sessions(desk.account, &proof(), None).unwrap()),
    ("another password", true, |desk, _| desk.vault.set_password(desk.account, &proof(), &"another".into()).unwrap()),
    ("a recovery code", true, |desk, _| {
        let codes = desk.vault.new_recovery_codes(desk.account, &proof()).unwrap();
        desk.vault.recover(desk.account, &codes[0], &"another".into()).unwrap();
    }),
    ("the account is closed", false, |desk, _| {
        let session = desk.vault.sign_in(desk.account, &PASSWORD.into()).unwrap();
        desk.vault.close_account(&session, &[], &desk.epochs).unwrap();
    }),
];

#[test]
fn a_stolen_session_reads_until_it_ends_and_changes_nothing() {
    for (what, handle_goes_on, end) in ENDS {
        let desk = Desk::new("IE", 1);
        let token = token(&desk, DAY);
        let handle = desk.vault.resume_session(&token).unwrap();
        reads(&desk.vault, &desk, &handle).unwrap();

        end(&desk, &token);
        refused(desk.vault.resume_session(&token), "NoSession", what);
        refused(desk.reopen().unwrap().resume_session(&token), "NoSession", what);
        // What is open in the running node goes on until it is dropped, unless there is nothing left to read.
        match reads(&desk.vault, &desk, &handle) {
            Ok(()) => assert!(handle_goes_on, "{what}"),
            Err(error) => assert_eq!((variant(&error).as_str(), *handle_goes_on), ("SessionOver", false), "{what}"),
        }
        refused(reads(&desk.reopen().unwrap(), &desk, &handle), "SessionOver", "a handle from before the restart");
    }
}

#[test]
fn a_stolen_session_is_not_a_password() {
    let desk = Desk::new("IE", 1);
    let vault = &desk.vault;
    let token = token(&desk, DAY);
    let typed = || Secret::new(token.expose().to_owned());
    let as_proof = OwnerProof::here(typed(), None);
    refused(vault.sign_in(desk.account, &typed()), "WrongPassword", "signing in");
    refused(vault.set_password(desk.account, &as_proof, &"x".into()), "WrongPassword", "another password");
    refused(vault.set_custody(desk.account, &as_proof, vault::Custody::Owner), "WrongPassword", "custody");
    refused(vault.new_recovery_codes(desk.account, &as_proof), "WrongPassword", "recovery codes");
    refused(vault.owner_secrets(desk.account, &as_proof), "WrongPassword", "the list");
    let app = vault.add_app_password(desk.account, &as_proof, "mine", Scopes::IMAP, None);
    refused(app, "WrongPassword", "an app password");
}

/// A token is of its account, its session and its node.
#[test]
fn a_stolen_session_opens_nobody_elses_mail() {
    let desk = Desk::new("IE", 1);
    let stranger = AccountId([9; 16]);
    desk.vault.create_account(stranger, &PASSWORD.into()).unwrap();
    let token = token(&desk, DAY);
    let bytes = data_encoding::BASE64URL_NOPAD.decode(token.expose().as_bytes()).unwrap();
    for (at, what) in [(16, "another session"), (20, "another secret"), (51, "another secret")] {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        let changed = SessionToken::new(Secret::new(data_encoding::BASE64URL_NOPAD.encode(&changed)));
        refused(desk.vault.resume_session(&changed), "NoSession", what);
    }
    let moved = [&stranger.0[..], &bytes[16..]].concat();
    let moved = SessionToken::new(Secret::new(data_encoding::BASE64URL_NOPAD.encode(&moved)));
    refused(desk.vault.resume_session(&moved), "NoSession", "another account");
    refused(Desk::new("IE", 5).vault.resume_session(&token), "NoSession", "another node");
}

/// The vault's folder, file by file.
type Files = BTreeMap<PathBuf, Vec<u8>>;

fn files(disk: &MemoryDisk) -> Files {
    let mut files = Files::new();
    for folder in ["", "accounts", "officers", "seen", "clearances"] {
        let folder = Path::new("vault").join(folder);
        for entry in disk.list(&folder).unwrap_or_default() {
            let file = folder.join(entry);
            if let Ok(bytes) = disk.read(&file) {
                files.insert(file, bytes);
            }
        }
    }
    files
}

fn put_back<'a>(disk: &MemoryDisk, files: impl IntoIterator<Item = (&'a PathBuf, &'a Vec<u8>)>) {
    for (file, bytes) in files {
        disk.create_dir_all(file.parent().unwrap()).unwrap();
        disk.write_atomic(file, bytes, Visibility::Private).unwrap();
    }
}

/// The one file of last week's whose name ends so, among today's.
fn put_one_back(desk: &Desk, last_week: &Files, name: &str) -> Vault {
    put_back(&desk.disk, last_week.iter().filter(|(file, _)| file.ends_with(name)));
    desk.reopen().unwrap()
}

/// Whether two officers open the desk's mail with this vault.
fn officers_open(vault: &Vault, desk: &Desk, [one, two]: [&str; 2]) -> Result<(), VaultError> {
    let order = desk.order();
    let approve =
        |officer: &str| vault.approve(&order, &name(officer), &Secret::new(format!("passphrase of {officer}")));
    let (first, _) = approve(one)?;
    let (second, opened) = approve(two)?;
    let approvals = [desk.prove(first), desk.prove(second)];
    let clearance = vault.clear(&order, approvals, opened, &desk.epochs, &desk.asks())?;
    for stored in &desk.mail[1..4] {
        let key = clearance.message_key(stored.ask.id).unwrap();
        assert_eq!(key.open(Part::Original, &stored.sealed).unwrap(), stored.plain);
    }
    Ok(())
}

/// Officer cat goes, and what cat knows joins with nothing any more.
fn remove_cat(desk: &Desk) {
    desk.act(Act::Remove { officer: name("cat") }, [Desk::proof("ann"), Desk::proof("ben")]).unwrap();
    while !desk.vault.sweep_escrow(10).unwrap().finished {}
}

/// The whole folder of last week, with the node's passphrase: last week's secrets open, also what arrived since for the
/// same accounts. What was made since does not.
#[test]
fn a_folder_restored_from_last_week_opens_by_last_weeks_secrets() {
    let mut desk = Desk::new("IE", 1);
    let imap = Attempt { scope: Scopes::IMAP, ..pages(&desk) };
    let (id, phone) = desk.vault.add_app_password(desk.account, &proof(), "phone", Scopes::IMAP, None).unwrap();
    let (long, short) = (token(&desk, 30 * DAY), token(&desk, 3 * DAY));
    let codes = desk.vault.new_recovery_codes(desk.account, &proof()).unwrap();
    let last_week = files(&desk.disk);

    desk.clock.advance(7 * DAY);
    desk.vault.revoke_app_password(desk.account, &proof(), id).unwrap();
    desk.vault.recover(desk.account, &codes[0], &"another".into()).unwrap();
    remove_cat(&desk);
    let newcomer = AccountId([9; 16]);
    desk.vault.create_account(newcomer, &PASSWORD.into()).unwrap();
    desk.vault.begin_service_rotation(&NODE_PASSPHRASE.into()).unwrap();
    let row = desk.vault.service_seal("row", b"since").unwrap();
    let (sealer, sealed) = EpochSealer::start(desk.account, &desk.public, EpochId(9), &*desk.entropy).unwrap();
    let ask = KeyAsk { epoch: EpochId(9), id: MessageId([3; 16]), arrival: UnixMillis(Desk::day().0 + 7 * DAY) };
    let text = sealer.seal(ask.id, ask.arrival, Part::Original, b"since").unwrap();
    desk.epochs.push((EpochId(9), sealed));
    desk.mail.push(crate::desk::Stored { ask, sealed: text, plain: b"since".to_vec() });

    let disk = MemoryDisk::new();
    put_back(&disk, &last_week);
    let restored = open(&disk, NODE_PASSPHRASE, &desk.clock, desk.entropy.clone()).unwrap();
    for (what, session) in [
        ("the password of then", restored.sign_in(desk.account, &PASSWORD.into())),
        ("an app password that was revoked since", restored.sign_in_as(&imap, &phone, None)),
        ("a session that was ended since", restored.resume_session(&long)),
    ] {
        let opened = session.and_then(|session| reads(&restored, &desk, &session));
        opened.unwrap_or_else(|error| panic!("{what}: {error}"));
    }
    officers_open(&restored, &desk, ["ann", "cat"]).unwrap();
    refused(restored.sign_in(desk.account, &"another".into()), "WrongPassword", "the current password");
    refused(restored.resume_session(&short), "NoSession", "a session whose own time is over");
    refused(restored.sign_in(newcomer, &PASSWORD.into()), "NoSuchAccount", "an account made since");
    refused(restored.service_open("row", &row), "DoesNotOpen", "what the current service key has sealed");
    restored.recover(desk.account, &codes[0], &"third".into()).unwrap();
    // Today's own folder has none of that.
    refused(desk.vault.sign_in(desk.account, &PASSWORD.into()), "WrongPassword", "the password of then, today");
    refused(desk.vault.sign_in_as(&imap, &phone, None), "WrongPassword", "the app password, today");
    refused(desk.vault.resume_session(&long), "NoSession", "the session, today");
}

/// One old file among today's, by an attacker who can write to the disk: an owner's file brings back the owner's old ways in,
/// and none of the officers'; the roster brings back an officer's name, and no power.
#[test]
fn one_file_of_last_week_among_todays() {
    let desk = Desk::new("IE", 1);
    let last_week = files(&desk.disk);
    let today = || {
        desk.vault.set_password(desk.account, &proof(), &"another".into()).unwrap();
        remove_cat(&desk);
        files(&desk.disk)
    };
    let today = today();
    refused(officers_open(&desk.vault, &desk, ["ann", "cat"]), "NoSuchOfficer", "a removed officer, today");

    let vault = put_one_back(&desk, &last_week, &format!("{}.keys", desk.account));
    reads(&vault, &desk, &vault.sign_in(desk.account, &PASSWORD.into()).unwrap()).unwrap();
    refused(vault.sign_in(desk.account, &"another".into()), "WrongPassword", "the current password");
    refused(officers_open(&vault, &desk, ["ann", "ben"]), "EscrowDoesNotOpen", "a previous escrow key");

    put_back(&desk.disk, &today);
    let vault = put_one_back(&desk, &last_week, "officers.roster");
    for pair in [["ann", "ben"], ["ann", "cat"], ["cat", "ben"]] {
        assert!(officers_open(&vault, &desk, pair).is_err(), "{pair:?} with the earlier roster");
    }
    put_back(&desk.disk, &today);
    officers_open(&desk.reopen().unwrap(), &desk, ["ann", "ben"]).unwrap();
}

/// After the service key was replaced and the old one is gone, no file from before passes for a current one.
#[test]
fn a_file_from_before_a_rotation_is_damage() {
    let desk = Desk::new("IE", 1);
    let last_week = files(&desk.disk);
    desk.vault.begin_service_rotation(&NODE_PASSPHRASE.into()).unwrap();
    desk.vault.reseal_own_files().unwrap();
    desk.clock.advance(60_000);
    while desk.vault.reseal_own_files().unwrap() > 0 {}
    desk.vault.finish_service_rotation().unwrap();
    let vault = put_one_back(&desk, &last_week, &format!("{}.keys", desk.account));
    refused(vault.sign_in(desk.account, &PASSWORD.into()), "Damaged", "an earlier file of the account");
    put_back(&desk.disk, last_week.iter().filter(|(file, _)| file.ends_with("officers.roster")));
    refused(desk.reopen(), "Damaged", "the earlier roster");
}

/// A plain copy of the folder knows no window: with a copy of its file a closed account opens, and a forgotten clearance
/// until its order is over. Why `vault/` stays out of other backups (docs/threat-model.md).
#[test]
fn a_closed_account_and_a_forgotten_clearance_come_back_with_their_files() {
    let desk = Desk::new("IE", 1);
    let clearance = desk.clear(desk.attempt()).unwrap();
    let order = clearance.order().digest();
    desk.vault.keep_clearance(&clearance).unwrap();
    let last_week = files(&desk.disk);
    desk.vault.forget_clearance(order).unwrap();
    let session = desk.vault.sign_in(desk.account, &PASSWORD.into()).unwrap();
    desk.vault.close_account(&session, &[], &desk.epochs).unwrap();
    refused(desk.vault.clearance(order), "NoClearance", "today");
    refused(desk.vault.sign_in(desk.account, &PASSWORD.into()), "NoSuchAccount", "today");

    let vault = put_one_back(&desk, &last_week, &format!("{}.keys", desk.account));
    reads(&vault, &desk, &vault.sign_in(desk.account, &PASSWORD.into()).unwrap()).unwrap();
    let vault = put_one_back(&desk, &last_week, &format!("{order}.clearance"));
    let again = vault.clearance(order).unwrap();
    assert_eq!(again.messages().len(), 3, "its scope and no more");
    desk.clock.set(again.order().expires);
    refused(again.message_key(desk.mail[1].ask.id).map(|_| ()), "Expired", "held in memory");
    refused(vault.clearance(order), "Expired", "the file");
}

/// Two officers of the United States agree about an account of Ireland: their own vault has no such account; with one of
/// that number, and all of Ireland's rows, its epochs do not open; and Ireland's file is not a file of theirs.
#[test]
fn two_officers_of_another_home_open_nothing() {
    let (ireland, us) = (Desk::new("IE", 1), Desk::new("US", 5));
    let mut order = us.order();
    order.account = ireland.account;
    let clear = || {
        let (one, _) = us.approve(&order, "ann");
        let (two, opened) = us.approve(&order, "ben");
        us.vault.clear(&order, [one, two], opened, &ireland.epochs, &ireland.asks())
    };
    refused(clear(), "NoSuchAccount", "as it is");
    us.vault.create_account(ireland.account, &"of the officers' choice".into()).unwrap();
    refused(clear(), "EpochDoesNotOpen", "an account of that number");
    let file = format!("{}.keys", ireland.account);
    put_back(&us.disk, files(&ireland.disk).iter().filter(|(path, _)| path.ends_with(&file)));
    refused(clear(), "Damaged", "the account's file");
    // And in Ireland nobody knows them.
    order.home = "IE".parse().unwrap();
    let foreign = Desk::new("IE", 5);
    let (one, _) = foreign.approve(&order, "ann");
    refused(ireland.vault.check_approval(&order, &one.approval), "Signature", "their names are taken by others");
}

/// Earlier approvals do not serve again: after a removal, and after shares of another escrow key were dealt.
#[test]
fn an_earlier_approval_is_not_replayed() {
    let desk = Desk::new("IE", 1);
    let order = desk.order();
    let (anns, _) = desk.approve(&order, "ann");
    let (cats, _) = desk.approve(&order, "cat");
    remove_cat(&desk);
    let clear = |first: &vault::ProvenApproval| {
        let (two, opened) = desk.approve(&order, "ben");
        desk.vault.clear(&order, [first.clone(), two], opened, &desk.epochs, &desk.asks())
    };
    refused(clear(&cats), "NotEnrolled", "an officer who was removed");
    refused(clear(&anns), "SharesDisagree", "a share of a previous escrow key");
    let (again, _) = desk.approve(&order, "ann");
    clear(&again).unwrap();
    desk.clock.set(order.expires);
    refused(desk.vault.check_approval(&order, &again.approval), "Expired", "when its time is over");
}

/// What an officer's passphrase opened lives in the vault's memory only.
#[test]
fn a_share_opened_before_a_restart_serves_nobody_after_it() {
    let desk = Desk::new("IE", 1);
    let attempt = desk.attempt();
    let restarted = desk.reopen().unwrap();
    let cleared = restarted.clear(&attempt.order, attempt.approvals, attempt.opened, &desk.epochs, &desk.asks());
    assert!(cleared.is_err());
}
