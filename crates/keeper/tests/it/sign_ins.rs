//! Signing in with everything that signs in, and what a stranger learns from trying.

use std::path::Path;

use data_encoding::BASE64;
use durable::Disk;
use terms::{AccountId, Secret};
use vault::{
    Attempt, ChannelBinding, Claim, Custody, Network, OwnerProof, Part, REMEMBERED_MILLIS, SEEN_DAYS, Scopes, SignedIn,
    Vault, VaultError,
};

use crate::desk::{Desk, PASSWORD, variant};
use crate::vector::code_at;

const DAY: i64 = 86_400_000;

fn proof() -> OwnerProof {
    OwnerProof::here(PASSWORD.into(), None)
}

fn attempt(desk: &Desk, scope: Scopes, address: &str) -> Attempt {
    Attempt { claim: Claim::Account(desk.account), scope, network: Network::of(address.parse().unwrap()) }
}

fn at_home(desk: &Desk, scope: Scopes) -> Attempt {
    attempt(desk, scope, "192.0.2.1")
}

/// The session opens the owner's mail.
fn reads(desk: &Desk, session: &SignedIn) {
    reads_at(&desk.vault, desk, session);
}

fn reads_at(vault: &Vault, desk: &Desk, session: &SignedIn) {
    let stored = &desk.mail[0];
    let key = vault.message_keys(session, &desk.epochs, &[stored.ask]).unwrap().remove(0);
    assert_eq!(key.open(Part::Original, &stored.sealed).unwrap(), stored.plain);
}

fn refused(result: Result<SignedIn, VaultError>) -> String {
    variant(&result.unwrap_err())
}

fn seconds(desk: &Desk) -> u64 {
    terms::Clock::now(&*desk.clock).seconds().unsigned_abs()
}

/// A mail client's side of SCRAM, from RFC 5802 alone.
struct Client<'a> {
    user: &'a str,
    password: &'a str,
    /// `gs2-header`.
    header: &'a str,
    binding: &'a [u8],
}

impl Client<'_> {
    fn first(&self) -> String {
        format!("{}n={},r=client", self.header, self.user)
    }

    /// The last message, and the signature that the node must give.
    fn last(&self, said: &[u8]) -> (String, String) {
        use aws_lc_rs::{digest, hmac, pbkdf2};
        let said = std::str::from_utf8(said).unwrap();
        let field = |name: &str| said.split(',').find_map(|field| field.strip_prefix(name)).unwrap();
        let (nonce, salt) = (field("r="), BASE64.decode(field("s=").as_bytes()).unwrap());
        assert!(nonce.starts_with("client") && nonce.len() > 20);
        let mac = |key: &[u8], text: &[u8]| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text).as_ref().to_vec();
        let mut salted = [0; 32];
        let rounds = field("i=").parse::<u32>().unwrap().try_into().unwrap();
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, rounds, &salt, self.password.as_bytes(), &mut salted);
        let channel = BASE64.encode(&[self.header.as_bytes(), self.binding].concat());
        let without_proof = format!("c={channel},r={nonce}");
        let bare = &self.first()[self.header.len()..];
        let auth_message = format!("{bare},{said},{without_proof}");
        let client_key = mac(&salted, b"Client Key");
        let stored_key = digest::digest(&digest::SHA256, &client_key);
        let signature = mac(stored_key.as_ref(), auth_message.as_bytes());
        let proof: Vec<u8> = client_key.iter().zip(signature).map(|(key, signature)| key ^ signature).collect();
        let answer = mac(&mac(&salted, b"Server Key"), auth_message.as_bytes());
        (format!("{without_proof},p={}", BASE64.encode(&proof)), format!("v={}", BASE64.encode(&answer)))
    }

    fn sign_in(&self, vault: &Vault, attempt: &Attempt, offered: &[ChannelBinding]) -> Result<SignedIn, VaultError> {
        let plus = self.header.starts_with("p=");
        let (exchange, said) = vault.scram_begin(attempt, plus, offered, self.first().as_bytes())?;
        let (last, answer) = self.last(&said);
        let (session, said) = vault.scram_finish(exchange, last.as_bytes())?;
        assert_eq!(said, answer.as_bytes(), "the node proves itself too");
        Ok(session)
    }
}

#[test]
fn app_passwords_sign_in_by_every_mechanism_and_for_their_scopes() {
    let desk = Desk::new("IE", 1);
    let vault = &desk.vault;
    let (_, phone) = vault.add_app_password(desk.account, &proof(), "phone", Scopes::IMAP, None).unwrap();
    let (_, other) = vault.add_app_password(desk.account, &proof(), "tablet", Scopes::IMAP, None).unwrap();
    let (_, sends) = vault.add_app_password(desk.account, &proof(), "printer", Scopes::SMTP, None).unwrap();
    assert_ne!(phone.expose(), other.expose());
    let imap = at_home(&desk, Scopes::IMAP);
    let offered = [ChannelBinding::Exporter([7; 32]), ChannelBinding::EndPoint(vec![8; 48])];
    for password in [&phone, &other] {
        reads(&desk, &vault.sign_in_as(&imap, password, None).unwrap());
        for (header, binding, offered) in [
            ("n,,", &[][..], &[][..]),
            ("n,,", &[], &offered),
            ("y,,", &[], &[]),
            ("p=tls-exporter,,", &[7; 32], &offered),
            ("p=tls-server-end-point,,", &[8; 48], &offered),
        ] {
            let client = Client { user: "ann@ie.example", password: password.expose(), header, binding };
            reads(&desk, &client.sign_in(vault, &imap, offered).unwrap());
        }
    }
    // Another channel, another scope, another password, the owner's own password: one refusal.
    for (password, header, binding, attempt) in [
        (phone.expose().as_str(), "p=tls-exporter,,", &[9; 32][..], &imap),
        (phone.expose(), "p=tls-server-end-point,,", &[7; 32], &imap),
        (phone.expose(), "y,,", &[], &imap),
        (phone.expose(), "n,,", &[], &at_home(&desk, Scopes::SMTP)),
        (sends.expose(), "n,,", &[], &imap),
        (PASSWORD, "n,,", &[], &imap),
        ("abcd-abcd-abcd-abcd-abcd-abcd-abcd", "n,,", &[], &imap),
    ] {
        let client = Client { user: "ann@ie.example", password, header, binding };
        assert_eq!(refused(client.sign_in(vault, attempt, &offered)), "WrongPassword", "{header}");
    }
    assert_eq!(refused(vault.sign_in_as(&imap, &sends, None)), "WrongPassword");
}

#[test]
fn an_app_password_ends_when_it_is_revoked_or_its_time_is_over() {
    let desk = Desk::new("IE", 1);
    let vault = &desk.vault;
    let imap = at_home(&desk, Scopes::IMAP);
    let now = terms::Clock::now(&*desk.clock);
    let (id, phone) = vault.add_app_password(desk.account, &proof(), "phone", Scopes::IMAP, None).unwrap();
    let ends = Some(now.plus_millis(DAY));
    let (_, guest) = vault.add_app_password(desk.account, &proof(), "guest", Scopes::IMAP, ends).unwrap();
    let open = vault.sign_in_as(&imap, &phone, None).unwrap();
    vault.sign_in_as(&imap, &guest, None).unwrap();

    desk.clock.advance(DAY);
    assert_eq!(refused(vault.sign_in_as(&imap, &guest, None)), "WrongPassword");
    let listed = vault.owner_secrets(desk.account, &proof()).unwrap().app_passwords;
    assert_eq!(listed.len(), 1, "what has ended is gone");
    assert_eq!((listed[0].id, listed[0].name.as_str(), listed[0].scopes), (id, "phone", Scopes::IMAP));
    assert!(listed[0].last_used.is_some());

    // For a week, and by the day.
    desk.clock.advance(SEEN_DAYS * DAY);
    vault.forget_stale_sign_ins();
    assert_eq!(vault.owner_secrets(desk.account, &proof()).unwrap().app_passwords[0].last_used, None);
    assert!(!desk.disk.exists(Path::new(&format!("vault/seen/{}.seen", desk.account))));

    assert_eq!(variant(&vault.revoke_app_password(desk.account, &proof(), id ^ 1).unwrap_err()), "NoSuchSecret");
    vault.revoke_app_password(desk.account, &proof(), id).unwrap();
    assert_eq!(refused(vault.sign_in_as(&imap, &phone, None)), "WrongPassword");
    let client = Client { user: "ann", password: phone.expose(), header: "n,,", binding: &[] };
    assert_eq!(refused(client.sign_in(vault, &imap, &[])), "WrongPassword");
    reads(&desk, &open);
    for (name, ends) in [("", None), ("a\nb", None), (&"x".repeat(65), None)] {
        let made = vault.add_app_password(desk.account, &proof(), name, Scopes::IMAP, ends);
        assert_eq!(variant(&made.unwrap_err()), "Name");
    }
    let past = vault.add_app_password(desk.account, &proof(), "late", Scopes::IMAP, Some(now));
    assert_eq!(variant(&past.unwrap_err()), "Ends");
}

/// An exchange serves once: a proof that somebody recorded is worth nothing, with the same exchange or another.
#[test]
fn a_proof_of_scram_is_not_replayed() {
    let desk = Desk::new("IE", 1);
    let vault = &desk.vault;
    let (_, phone) = vault.add_app_password(desk.account, &proof(), "phone", Scopes::IMAP, None).unwrap();
    let imap = at_home(&desk, Scopes::IMAP);
    let client = Client { user: "ann", password: phone.expose(), header: "n,,", binding: &[] };
    let begin = || vault.scram_begin(&imap, false, &[], client.first().as_bytes()).unwrap();
    let (exchange, said) = begin();
    let (last, _) = client.last(&said);
    vault.scram_finish(exchange, last.as_bytes()).unwrap();
    let (exchange, other) = begin();
    assert_ne!(said, other, "a fresh nonce");
    let replayed = vault.scram_finish(exchange, last.as_bytes());
    assert_eq!(variant(&replayed.unwrap_err()), "WrongPassword");
    let (exchange, said) = begin();
    desk.clock.advance(60_000);
    let late = vault.scram_finish(exchange, client.last(&said).0.as_bytes());
    assert_eq!(variant(&late.unwrap_err()), "WrongPassword");
}

/// Anyone who tries a name hears a salt that stays, the same rounds and the same words, whether it is anybody's or not; also
/// after a restart.
#[test]
fn nobody_looks_like_somebody() {
    let desk = Desk::new("IE", 1);
    let imap = |claim| Attempt { claim, scope: Scopes::IMAP, network: Network::of([192, 0, 2, 1].into()) };
    let nobody = |name: &str| imap(Claim::Nobody(name.to_owned()));
    let client = Client { user: "x", password: "abcd-abcd-abcd-abcd-abcd-abcd-abcd", header: "n,,", binding: &[] };
    let salt = |vault: &Vault, attempt: &Attempt| {
        let (_, said) = vault.scram_begin(attempt, false, &[], client.first().as_bytes()).unwrap();
        let said = String::from_utf8(said).unwrap();
        let (_, rest) = said.split_once(",s=").unwrap();
        let (salt, rounds) = rest.split_once(",i=").unwrap();
        assert_eq!((BASE64.decode(salt.as_bytes()).unwrap().len(), rounds), (16, "4096"));
        salt.to_owned()
    };
    let vault = &desk.vault;
    let one = salt(vault, &nobody("one@ie.example"));
    assert_eq!(one, salt(vault, &nobody("one@ie.example")));
    assert_ne!(one, salt(vault, &nobody("two@ie.example")));
    let known = imap(Claim::Account(desk.account));
    assert_eq!(salt(vault, &known), salt(vault, &known));
    assert_eq!(one, salt(&desk.reopen().unwrap(), &nobody("one@ie.example")), "after a restart");

    for attempt in [nobody("one@ie.example"), known] {
        assert_eq!(refused(client.sign_in(vault, &attempt, &[])), "WrongPassword");
        for password in ["wrong", client.password] {
            assert_eq!(refused(vault.sign_in_as(&attempt, &password.into(), None)), "WrongPassword");
        }
    }
}

#[test]
fn guesses_are_slowed_alike_for_all_and_the_owner_goes_on() {
    let desk = Desk::new("IE", 1);
    let vault = &desk.vault;
    let (_, phone) = vault.add_app_password(desk.account, &proof(), "phone", Scopes::IMAP, None).unwrap();
    let password = Secret::from(PASSWORD);
    // The owner has been at home.
    vault.sign_in_as(&at_home(&desk, Scopes::IMAP), &password, None).unwrap();
    desk.clock.advance(REMEMBERED_MILLIS);

    let stranger = |last: u8| Network::of([198, 51, last, 1].into());
    for claim in [Claim::Account(desk.account), Claim::Nobody("nobody".to_owned())] {
        let guess = |last: u8| {
            let attempt = Attempt { claim: claim.clone(), scope: Scopes::IMAP, network: stranger(last) };
            refused(vault.sign_in_as(&attempt, &"guess".into(), None))
        };
        let heard: Vec<String> = (0..12).map(guess).collect();
        assert!(heard[..10].iter().all(|word| word == "WrongPassword"), "{heard:?}");
        assert_eq!(heard[10..], ["SlowDown", "SlowDown"]);
    }
    // No work is done for what is slowed down.
    let before = vault.guessed_kib();
    let late = attempt(&desk, Scopes::IMAP, "198.51.100.1");
    assert_eq!(refused(vault.sign_in_as(&late, &password, None)), "SlowDown");
    assert_eq!(vault.guessed_kib(), before);
    // The owner: at home by the password, anywhere by an app password.
    reads(&desk, &vault.sign_in_as(&late, &phone, None).unwrap());
    let client = Client { user: "ann", password: phone.expose(), header: "n,,", binding: &[] };
    reads(&desk, &client.sign_in(vault, &late, &[]).unwrap());
    reads(&desk, &vault.sign_in_as(&at_home(&desk, Scopes::IMAP), &password, None).unwrap());
    // What was opened is remembered; and that network is known now.
    reads(&desk, &vault.sign_in_as(&late, &password, None).unwrap());
}

#[test]
fn codes_stand_beside_the_password() {
    let desk = Desk::new("IE", 1);
    let vault = &desk.vault;
    let secret = vault.new_code_secret().unwrap();
    let code = || Secret::new(code_at(secret.expose(), seconds(&desk)));
    let (imap, pages) = (at_home(&desk, Scopes::IMAP), at_home(&desk, Scopes::PAGES));
    let password = Secret::from(PASSWORD);
    let wrong = vault.turn_codes_on(desk.account, &proof(), &secret, &"000000".into());
    assert_eq!(variant(&wrong.unwrap_err()), "WrongCode");
    vault.sign_in_as(&imap, &password, None).unwrap();
    vault.turn_codes_on(desk.account, &proof(), &secret, &code()).unwrap();

    // The password alone is refused at once, in the words of a wrong one; the code that turned it on is spent.
    assert_eq!(refused(vault.sign_in_as(&imap, &password, None)), "WrongPassword");
    assert_eq!(refused(vault.sign_in_as(&pages, &password, None)), "WrongPassword");
    assert_eq!(refused(vault.sign_in_as(&pages, &password, Some(&code()))), "WrongPassword");
    desk.clock.advance(30_000);
    reads(&desk, &vault.sign_in_as(&pages, &password, Some(&code())).unwrap());
    assert_eq!(refused(vault.sign_in_as(&pages, &password, Some(&code()))), "WrongPassword", "each code serves once");
    assert_eq!(refused(desk.reopen().unwrap().sign_in_as(&pages, &password, Some(&code()))), "WrongPassword");
    // A change wants a code too, and a wrong password with a right code leaves the code unused.
    desk.clock.advance(30_000);
    let with_code = |password: &str| OwnerProof::here(password.into(), Some(code()));
    let changed = vault.set_password(desk.account, &proof(), &"new password".into());
    assert_eq!(variant(&changed.unwrap_err()), "WrongPassword");
    let changed = vault.set_password(desk.account, &with_code("wrong"), &"new password".into());
    assert_eq!(variant(&changed.unwrap_err()), "WrongPassword");
    // Anyone who only asks whether it is the owner spends no code.
    for proof in [proof(), with_code("wrong"), OwnerProof::here(PASSWORD.into(), Some("000000".into()))] {
        assert_eq!(variant(&vault.check_owner(desk.account, &proof).unwrap_err()), "WrongPassword");
    }
    vault.check_owner(desk.account, &with_code(PASSWORD)).unwrap();
    vault.let_password_serve_mail(desk.account, &with_code(PASSWORD), true).unwrap();
    assert_eq!(variant(&vault.check_owner(desk.account, &with_code(PASSWORD)).unwrap_err()), "WrongPassword", "spent");
    reads(&desk, &vault.sign_in_as(&imap, &password, None).unwrap());
    assert_eq!(refused(vault.sign_in_as(&pages, &password, None)), "WrongPassword");
    desk.clock.advance(30_000);
    vault.let_password_serve_mail(desk.account, &with_code(PASSWORD), false).unwrap();
    assert_eq!(refused(vault.sign_in_as(&imap, &password, None)), "WrongPassword", "remembered sign-ins are forgotten");
    // An app password for mail needs no code.
    desk.clock.advance(30_000);
    let made = vault.add_app_password(desk.account, &with_code(PASSWORD), "phone", Scopes::IMAP, None);
    reads(&desk, &vault.sign_in_as(&imap, &made.unwrap().1, None).unwrap());
    // The clock goes back: no code serves again.
    let spent = code();
    desk.clock.advance(-30_000);
    assert_eq!(refused(vault.sign_in_as(&pages, &password, Some(&spent))), "WrongPassword");
    assert_eq!(refused(vault.sign_in_as(&pages, &password, Some(&code()))), "WrongPassword");
    desk.clock.advance(60_000);
    vault.turn_codes_off(desk.account, &with_code(PASSWORD)).unwrap();
    reads(&desk, &vault.sign_in_as(&pages, &password, None).unwrap());
}

#[test]
fn a_recovery_code_serves_once_for_either_use() {
    let desk = Desk::new("IE", 1);
    let vault = &desk.vault;
    let mut codes = vault.new_recovery_codes(desk.account, &proof()).unwrap();
    let spare = codes.pop().unwrap();
    let (pages, token) = (at_home(&desk, Scopes::PAGES), || {
        vault.open_session(&at_home(&desk, Scopes::PAGES), &PASSWORD.into(), None, "browser", DAY).unwrap().0
    });
    let session = token();
    // For a lost app.
    let secret = vault.new_code_secret().unwrap();
    let shown = code_at(secret.expose(), seconds(&desk));
    vault.turn_codes_on(desk.account, &proof(), &secret, &shown.as_str().into()).unwrap();
    reads(&desk, &vault.sign_in_as(&pages, &PASSWORD.into(), Some(&spare)).unwrap());
    assert_eq!(refused(vault.sign_in_as(&pages, &PASSWORD.into(), Some(&spare))), "WrongPassword");
    // For a forgotten password.
    let used = codes.pop().unwrap();
    assert_eq!(variant(&vault.recover(desk.account, &used, &"".into()).unwrap_err()), "EmptyPassphrase");
    vault.recover(desk.account, &used, &"new password".into()).unwrap();
    let again = vault.recover(desk.account, &used, &"third password".into());
    assert_eq!(variant(&again.unwrap_err()), "WrongRecoveryCode");
    assert_eq!(variant(&vault.resume_session(&session).unwrap_err()), "NoSession");
    let other = codes.pop().unwrap();
    reads(&desk, &vault.sign_in_as(&pages, &"new password".into(), Some(&other)).unwrap());
    assert_eq!(vault.account_guard(desk.account).unwrap().recovery_codes, 5);
    // New ones end the old ones.
    let proof = OwnerProof::here("new password".into(), codes.pop());
    let fresh = vault.new_recovery_codes(desk.account, &proof).unwrap();
    assert_eq!(fresh.len(), vault::RECOVERY_CODES);
    let old = vault.recover(desk.account, &codes.pop().unwrap(), &"x".into());
    assert_eq!(variant(&old.unwrap_err()), "WrongRecoveryCode");
    let stranger = AccountId([9; 16]);
    vault.create_account(stranger, &PASSWORD.into()).unwrap();
    let swapped = vault.recover(stranger, &fresh[0], &"x".into());
    assert_eq!(variant(&swapped.unwrap_err()), "WrongRecoveryCode");
}

#[test]
fn a_web_session_lasts_over_a_restart_and_ends_when_it_should() {
    let desk = Desk::new("IE", 1);
    let vault = &desk.vault;
    let pages = at_home(&desk, Scopes::PAGES);
    let open = |name: &str, lasts| vault.open_session(&pages, &PASSWORD.into(), None, name, lasts);
    let (token, session) = open("laptop", DAY).unwrap();
    reads(&desk, &session);
    assert!(!format!("{token:?}").contains(token.expose()));
    let restarted = desk.reopen().unwrap();
    reads_at(&restarted, &desk, &restarted.resume_session(&token).unwrap());
    // A session does not stand for the password.
    let listed = vault.owner_secrets(desk.account, &proof()).unwrap().sessions;
    assert_eq!(listed.iter().map(|session| session.name.as_str()).collect::<Vec<_>>(), ["laptop"]);
    // It shows what the password shows, and whose and which it is.
    let (account, id, secrets) = vault.session_secrets(&token).unwrap();
    assert_eq!((account, id, &secrets.sessions), (desk.account, listed[0].id, &listed));

    let (second, _) = open("phone", 2 * DAY).unwrap();
    vault.leave_session(&token).unwrap();
    vault.leave_session(&token).unwrap();
    assert_eq!(variant(&vault.resume_session(&token).unwrap_err()), "NoSession");
    reads(&desk, &vault.resume_session(&second).unwrap());
    desk.clock.advance(2 * DAY);
    assert_eq!(variant(&vault.resume_session(&second).unwrap_err()), "NoSession");

    let (third, _) = open("library", DAY).unwrap();
    let id = vault.owner_secrets(desk.account, &proof()).unwrap().sessions[0].id;
    vault.end_sessions(desk.account, &proof(), Some(id)).unwrap();
    assert_eq!(variant(&vault.resume_session(&third).unwrap_err()), "NoSession");
    let (fourth, _) = open("work", DAY).unwrap();
    vault.set_password(desk.account, &proof(), &"new password".into()).unwrap();
    assert_eq!(variant(&vault.resume_session(&fourth).unwrap_err()), "NoSession");

    for bad in ["", "x", &fourth.expose()[1..], &format!("{}A", fourth.expose())] {
        let bad = vault::SessionToken::new(bad.into());
        assert_eq!(variant(&vault.resume_session(&bad).unwrap_err()), "NoSession");
        assert_eq!(variant(&vault.session_secrets(&bad).unwrap_err()), "NoSession");
    }
    let lasts = |millis| {
        let opened = vault.open_session(&pages, &"new password".into(), None, "x", millis);
        opened.map(|_| ()).map_err(|error| variant(&error))
    };
    for millis in [0, -1, vault::SESSION_MILLIS_MAX + 1] {
        assert_eq!(lasts(millis), Err("Ends".to_owned()));
    }
    for _ in 0..vault::SESSIONS_MAX + 3 {
        lasts(DAY).unwrap();
    }
    assert_eq!(vault.account_guard(desk.account).unwrap().sessions as usize, vault::SESSIONS_MAX);
}

#[test]
fn custody_is_the_owners_to_change() {
    let desk = Desk::new("IE", 1);
    let vault = &desk.vault;
    assert_eq!(vault.account_guard(desk.account).unwrap().custody, Custody::Strict);
    let wrong = OwnerProof::here("wrong".into(), None);
    assert_eq!(variant(&vault.set_custody(desk.account, &wrong, Custody::Owner).unwrap_err()), "WrongPassword");
    let (_, phone) = vault.add_app_password(desk.account, &proof(), "phone", Scopes::IMAP, None).unwrap();
    for custody in [Custody::Standard, Custody::Owner, Custody::Strict, Custody::Owner] {
        let codes = vault.set_custody(desk.account, &proof(), custody).unwrap();
        assert_eq!(codes.is_empty(), custody != Custody::Owner);
        assert_eq!(vault.account_guard(desk.account).unwrap().custody, custody);
        reads(&desk, &vault.sign_in_as(&at_home(&desk, Scopes::IMAP), &phone, None).unwrap());
        // Two officers open what custody lets them open, and nothing else.
        let cleared = desk.clear(desk.attempt());
        match custody {
            Custody::Owner => assert_eq!(variant(&cleared.unwrap_err()), "OwnerCustody"),
            _ => assert!(cleared.is_ok()),
        }
    }
}

/// The wraps of one account do not serve in another's file, no matter who writes it there.
#[test]
fn a_file_of_another_account_is_damage() {
    let desk = Desk::new("IE", 1);
    let other = AccountId([9; 16]);
    desk.vault.create_account(other, &PASSWORD.into()).unwrap();
    let file = |account| format!("vault/accounts/{account}.keys");
    let bytes = desk.disk.read(Path::new(&file(other))).unwrap();
    desk.disk.write_atomic(Path::new(&file(desk.account)), &bytes, durable::Visibility::Private).unwrap();
    assert_eq!(refused(desk.vault.sign_in(desk.account, &PASSWORD.into())), "Damaged");
}

/// The page of the documents says what the table says.
#[test]
fn the_page_of_custody_is_the_table() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/custody.md");
    let page = std::fs::read_to_string(page).unwrap();
    let mut table = "| | `strict` | `standard` | `owner` |\n| --- | --- | --- | --- |\n".to_owned();
    for row in vault::CUSTODY_TABLE {
        table += &format!("| {} | {} | {} | {} |\n", row.question, row.strict, row.standard, row.owner);
    }
    assert!(page.contains(&table), "docs/custody.md must contain:\n{table}");
}

/// Recovery codes are counted with the guesses at passwords, and a name that is nobody's is refused in the same words.
#[test]
fn attempts_with_recovery_codes_are_slowed_alike_for_all() {
    let desk = Desk::new("IE", 1);
    let codes = desk.vault.new_recovery_codes(desk.account, &proof()).unwrap();
    let far = Network::of([203, 0, 113, 9].into());
    let attempt = |claim| Attempt { claim, scope: Scopes::PAGES, network: far };
    let guess = "abcd-efgh-jkmn-pqrs-tuvw-xyz2-3456".into();
    let refusals = |claim: Claim| -> Vec<String> {
        let attempt = attempt(claim);
        (0..12).map(|_| variant(&desk.vault.recover_as(&attempt, &guess, &"new".into()).unwrap_err())).collect()
    };
    let (known, nobody) = (refusals(Claim::Account(desk.account)), refusals(Claim::Nobody("nobody".to_owned())));
    assert_eq!(known, nobody);
    assert_eq!((known[0].as_str(), known[11].as_str()), ("WrongRecoveryCode", "SlowDown"));
    // The same count as that of passwords.
    let refused = desk.vault.sign_in_as(&attempt(Claim::Account(desk.account)), &"a guess".into(), None);
    assert_eq!(variant(&refused.unwrap_err()), "SlowDown");
    let right = attempt(Claim::Account(desk.account));
    assert_eq!(variant(&desk.vault.recover_as(&right, &codes[0], &"new".into()).unwrap_err()), "SlowDown");
    desk.clock.advance(10 * 60_000);
    desk.vault.recover_as(&right, &codes[0], &"new".into()).unwrap();
    desk.vault.sign_in(desk.account, &"new".into()).unwrap();
}
