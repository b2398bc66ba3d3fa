//! A forgotten password: who may set a new one, when, and what stops it.

use terms::{AccountId, Secret};
use vault::{
    Act, Attempt, Claim, Custody, Network, OfficerProof, OwnerProof, Part, Scopes, SignedAct, Vault, VaultError,
    act_statement,
};

use crate::desk::{Desk, PASSWORD, variant};
use crate::vector::code_at;

const DAY: i64 = 86_400_000;

fn both() -> [OfficerProof; 2] {
    [Desk::proof("ann"), Desk::proof("ben")]
}

/// Two agree, the ledger has it, the vault does it.
fn run(desk: &Desk, act: Act, password: Option<&str>) -> Result<SignedAct, VaultError> {
    let password = password.map(Secret::from);
    let begun = desk.vault.begin_act(act, password.as_ref(), both())?;
    let signed = begun.signed().clone();
    let opening = ledger::Opening::new(act_statement(&signed), &*desk.entropy);
    let receipt = desk.log.append(&[opening.commitment()]).unwrap().remove(0);
    desk.vault.finish_act(begun, &opening, &receipt)?;
    Ok(signed)
}

fn begin(desk: &Desk) -> Result<SignedAct, VaultError> {
    run(desk, Act::BeginReset { account: desk.account, delay_millis: DAY, without_codes: true }, None)
}

fn finish(desk: &Desk, password: &str) -> Result<SignedAct, VaultError> {
    run(desk, Act::FinishReset { account: desk.account }, Some(password))
}

fn refused<T: std::fmt::Debug>(result: Result<T, VaultError>, with: &str) {
    assert_eq!(variant(&result.unwrap_err()), with);
}

fn reads(vault: &Vault, desk: &Desk, password: &str) {
    let session = vault.sign_in(desk.account, &password.into()).unwrap();
    let stored = &desk.mail[0];
    let key = vault.message_keys(&session, &desk.epochs, &[stored.ask]).unwrap().remove(0);
    assert_eq!(key.open(Part::Original, &stored.sealed).unwrap(), stored.plain);
}

fn proof() -> OwnerProof {
    OwnerProof::here(PASSWORD.into(), None)
}

#[test]
fn two_officers_set_a_new_password_after_the_delay() {
    let desk = Desk::new("IE", 1);
    let (_, phone) = desk.vault.add_app_password(desk.account, &proof(), "phone", Scopes::IMAP, None).unwrap();
    let secret = desk.vault.new_code_secret().unwrap();
    let shown = code_at(secret.expose(), terms::Clock::now(&*desk.clock).seconds().unsigned_abs());
    desk.vault.turn_codes_on(desk.account, &proof(), &secret, &shown.as_str().into()).unwrap();

    refused(finish(&desk, "new password"), "NoReset");
    let signed = begin(&desk).unwrap();
    let pending = desk.vault.pending_reset(desk.account).unwrap().unwrap();
    assert_eq!(pending.not_before, signed.at.plus_millis(DAY));
    refused(finish(&desk, "new password"), "ResetWaits");
    desk.clock.advance(DAY - 1);
    refused(finish(&desk, "new password"), "ResetWaits");
    // A mail client that continues with its app password stops nothing.
    desk.vault.sign_in(desk.account, &phone).unwrap();
    desk.clock.advance(1);
    refused(finish(&desk, ""), "EmptyPassphrase");
    finish(&desk, "new password").unwrap();
    for vault in [&desk.vault, &desk.reopen().unwrap()] {
        refused(vault.sign_in(desk.account, &PASSWORD.into()), "WrongPassword");
        reads(vault, &desk, "new password");
        vault.sign_in(desk.account, &phone).unwrap();
        assert!(!vault.account_guard(desk.account).unwrap().codes);
        assert_eq!(vault.pending_reset(desk.account).unwrap(), None);
    }
    refused(finish(&desk, "another"), "NoReset");
    // What two officers open in a case is as before.
    desk.clear(desk.attempt()).unwrap();
}

#[test]
fn the_owner_stops_it_by_showing_that_nothing_is_forgotten() {
    let desk = Desk::new("IE", 1);
    let codes = desk.vault.new_recovery_codes(desk.account, &proof()).unwrap();
    // Remembered before: the next sign-in is seen all the same.
    desk.vault.sign_in(desk.account, &PASSWORD.into()).unwrap();
    let stops: [(&str, &dyn Fn()); 4] = [
        ("the password", &|| drop(desk.vault.sign_in(desk.account, &PASSWORD.into()).unwrap())),
        ("a change", &|| drop(desk.vault.owner_secrets(desk.account, &proof()).unwrap())),
        ("a recovery code", &|| desk.vault.recover(desk.account, &codes[0], &PASSWORD.into()).unwrap()),
        ("a word", &|| desk.vault.stop_reset(desk.account).unwrap()),
    ];
    for (what, stop) in stops {
        begin(&desk).unwrap();
        stop();
        assert_eq!(desk.vault.pending_reset(desk.account).unwrap(), None, "{what}");
        desk.clock.advance(DAY);
        refused(finish(&desk, "new password"), "NoReset");
    }
    // A wrong password stops nothing, and a reset that nobody finishes lapses.
    begin(&desk).unwrap();
    let wrong = Attempt { claim: Claim::Account(desk.account), scope: Scopes::IMAP, network: Network::HERE };
    refused(desk.vault.sign_in_as(&wrong, &"wrong".into(), None), "WrongPassword");
    assert!(desk.vault.pending_reset(desk.account).unwrap().is_some());
    desk.clock.advance(DAY + 14 * DAY);
    refused(finish(&desk, "new password"), "NoReset");
}

#[test]
fn who_may_not() {
    let desk = Desk::new("IE", 1);
    let act = Act::BeginReset { account: desk.account, delay_millis: DAY, without_codes: false };
    let one = [Desk::proof("ann"), Desk::proof("ann")];
    refused(desk.vault.begin_act(act.clone(), None, one), "SameOfficer");
    let with_paper_share = [Desk::proof("ann"), OfficerProof::PaperShare("words".into())];
    refused(desk.vault.begin_act(act.clone(), None, with_paper_share), "PaperShareUnreadable");
    // Agreed, and in no ledger.
    let begun = desk.vault.begin_act(act, None, both()).unwrap();
    let opening = ledger::Opening::new(b"something else".to_vec(), &*desk.entropy);
    let receipt = desk.log.append(&[opening.commitment()]).unwrap().remove(0);
    refused(desk.vault.finish_act(begun, &opening, &receipt), "ActNotProven");
    assert_eq!(desk.vault.pending_reset(desk.account).unwrap(), None);
    let forever = Act::BeginReset { account: desk.account, delay_millis: i64::MAX, without_codes: false };
    refused(run(&desk, forever, None), "Ends");
    let nobody = Act::BeginReset { account: AccountId([9; 16]), delay_millis: DAY, without_codes: false };
    refused(run(&desk, nobody, None), "NoSuchAccount");
    // Under owner custody there is no such thing, also when the reset was begun before.
    begin(&desk).unwrap();
    desk.vault.set_custody(desk.account, &proof(), Custody::Owner).unwrap();
    refused(begin(&desk), "OwnerCustody");
    desk.clock.advance(DAY);
    refused(finish(&desk, "new password"), "OwnerCustody");
}
