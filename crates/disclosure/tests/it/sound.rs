//! A package contains what was put in, and every check of it passes.

use std::fs;

use crate::support::{self, OnDisk, TestKey, items, on_disk, package, sha256, tar_of, try_seal};
use disclosure::{AgeIdentity, DisclosureError, PackageOutcome, verify, verify_over_keys};
use terms::{Category, UnixMillis};

#[test]
fn all_three_forms_are_sound() {
    let package = package();
    let made = on_disk(&package, items());
    let OnDisk { scratch, identity, sealed, bag } = &made;
    let tar = scratch.path().join("package.tar");
    fs::write(&tar, tar_of(sealed, identity)).unwrap();
    for path in [sealed, &tar, bag] {
        for key in [None, Some(&package.ledger.verifier)] {
            let report = verify(path, Some(identity), key).unwrap();
            assert!(report.is_sound(), "{report}");
            assert_eq!(report.to_string().contains("taken from the package itself"), key.is_none());
        }
    }
    assert!(matches!(verify(sealed, None, None), Err(DisclosureError::IdentityNeeded(_))));
    assert!(!verify(sealed, Some(&AgeIdentity::generate()), None).unwrap().is_sound());
    assert!(verify(&scratch.path().join("nothing"), None, None).is_err());
}

#[test]
fn what_comes_out_is_what_went_in() {
    let package = package();
    let on_disk = on_disk(&package, items());
    for (number, item) in (1..).zip(items()) {
        let path = on_disk.bag.join(format!("data/messages/{number:06}.eml"));
        match item.outcome {
            PackageOutcome::Message { original, .. } => assert_eq!(fs::read(path).unwrap(), original),
            _ => assert!(!path.exists()),
        }
    }
    let listing: serde_json::Value =
        serde_json::from_slice(&fs::read(on_disk.bag.join("data/items.json")).unwrap()).unwrap();
    assert_eq!(listing["counts"].to_string(), r#"{"failed":1,"in_scope":8,"produced":6,"withheld":1}"#);
    assert_eq!(listing["items"][4]["reason"], "privileged");
    assert_eq!(fs::read(on_disk.bag.join("data/decision.json")).unwrap(), package.decision);
    let certificate = fs::read_to_string(on_disk.bag.join("data/certificate.txt")).unwrap();
    assert!(certificate.contains(&sha256(&fs::read(on_disk.bag.join("data/items.json")).unwrap()).to_string()));
    assert!(!certificate.contains('{') && certificate.contains(": 8.\n    Produced: 6. Withheld: 1."));
    // Unpacking never overwrites.
    assert!(disclosure::unpack(&on_disk.sealed, &on_disk.identity, on_disk.bag.parent().unwrap()).is_err());
}

#[test]
fn the_same_facts_make_the_same_tar() {
    let (package, identity) = (package(), AgeIdentity::generate());
    let scratch = tempfile::tempdir().unwrap();
    let tars: Vec<(Vec<u8>, disclosure::Sealed)> = (0..2)
        .map(|_| {
            let (bytes, sealed) = try_seal(&package, items(), &identity.recipient()).unwrap();
            assert_eq!((sealed.sha256, sealed.size_bytes), (sha256(&bytes), bytes.len() as u64));
            assert_eq!((sealed.in_scope, sealed.produced, sealed.withheld, sealed.failed), (8, 6, 1, 1));
            let path = scratch.path().join("one.tar.age");
            fs::write(&path, &bytes).unwrap();
            (tar_of(&path, &identity), sealed)
        })
        .collect();
    assert!(tars[0].0 == tars[1].0);
    assert_eq!(tars[0].1.manifest, tars[1].1.manifest);
    assert_ne!(tars[0].1.sha256, tars[1].1.sha256, "age seals with a fresh key");
}

#[test]
fn an_empty_answer_is_a_package_too() {
    let package = package();
    let on_disk = on_disk(&package, Vec::new());
    let report = verify(&on_disk.bag, None, Some(&package.ledger.verifier)).unwrap();
    assert!(report.is_sound(), "{report}");
}

/// No package is made that its own verifier would refuse.
#[test]
fn contradictions_are_refused() {
    type Change = fn(&mut disclosure::Package, &mut Vec<disclosure::PackageItem>);
    let changes: &[(&str, Change)] = &[
        ("too early", |_, items| items[0].arrival = Some(UnixMillis(999))),
        ("too late", |_, items| items[4].arrival = Some(UnixMillis(9_000))),
        ("without a time", |_, items| items[0].arrival = None),
        ("content not ordered", |package, _| package.scope.categories = vec![Category::Traffic]),
        ("no category", |package, _| package.scope.categories.clear()),
        ("empty dates", |package, _| package.scope.until = package.scope.from),
        ("bad name", |package, _| package.name = "../x".into()),
        ("empty name", |package, _| package.name = String::new()),
        ("two lines", |package, _| package.reference = "a\nPayload-Oxum: 0.0".into()),
        ("no custody", |package, _| package.custody.clear()),
        ("no ledger", |package, _| package.ledger.entries.clear()),
        ("demand not recorded", |package, _| drop(package.ledger.entries.remove(0))),
        ("decision not recorded", |package, _| package.decision.push(b' ')),
        ("entry twice", |package, _| {
            let again = package.ledger.entries[0].clone();
            package.ledger.entries.push(again);
        }),
        ("false opening", |package, _| package.ledger.entries[2].0.body[0] ^= 1),
        ("false proof", |package, _| package.ledger.entries[2].1.index += 1),
        ("two checkpoints", |package, _| {
            let other = support::ledger_of(&["another".into()]);
            package.ledger.entries.extend(other.entries);
        }),
        ("a hole in the certificate", |package, _| package.certificate.template.push_str("{unknown}")),
        ("another key", |package, _| {
            let name = package.ledger.verifier.name().to_owned();
            let key = ledger::Signer::public_key(&TestKey::new(2));
            package.ledger.verifier = ledger::Verifier::new(&name, key).unwrap();
        }),
    ];
    let recipient = AgeIdentity::generate().recipient();
    for (what, change) in changes {
        let (mut package, mut items) = (package(), items());
        change(&mut package, &mut items);
        assert!(try_seal(&package, items, &recipient).is_err(), "{what}");
    }
}

#[test]
fn a_failure_to_collect_or_to_write_makes_no_package() {
    let (package, recipient) = (package(), AgeIdentity::generate().recipient());
    let failing = items().into_iter().map(Ok).chain([Err("the store is gone")]);
    let outcome = disclosure::seal(&package, failing, &TestKey::new(1), &recipient, Vec::new());
    assert!(matches!(outcome, Err(DisclosureError::Collect(_))));
    let (whole, _) = try_seal(&package, items(), &recipient).unwrap();
    // (age adds a stanza of random length, so that two seals differ in size.)
    for room in [0, 100, whole.len() / 2, whole.len() - 2000] {
        let mut disk = vec![0; room];
        let outcome = disclosure::seal(
            &package,
            items().into_iter().map(Ok::<_, DisclosureError>),
            &TestKey::new(1),
            &recipient,
            &mut disk[..],
        );
        assert!(matches!(outcome, Err(DisclosureError::Write(_))), "{room}");
    }
    let other_key = disclosure::seal(
        &package,
        items().into_iter().map(Ok::<_, DisclosureError>),
        &TestKey::new(2),
        &recipient,
        Vec::new(),
    );
    assert!(matches!(other_key, Err(DisclosureError::Ledger(_))), "signed by another key than the ledger's");
}

/// The fixture is the tar file of a package as version 1 wrote it. It must remain verifiable.
#[test]
fn the_format_matches_the_fixture() {
    let fixture = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/v1.tar");
    let package = package();
    if std::env::var_os("BAILIWICK_WRITE_FIXTURES").is_some() {
        let made = on_disk(&package, items());
        fs::write(&fixture, tar_of(&made.sealed, &made.identity)).unwrap();
    }
    let report = verify(&fixture, None, Some(&package.ledger.verifier)).unwrap();
    assert!(report.is_sound(), "{report}");
}

/// An old package verifies under the current key by way of the home's published key history; what the retired key
/// signed after its replacement does not.
#[test]
fn an_old_package_verifies_after_the_homes_key_has_changed() {
    let package = package();
    let bag = on_disk(&package, items());
    let history = |entries: u64| {
        let dir = std::path::PathBuf::from("/ledger");
        let disk = std::sync::Arc::new(world::MemoryDisk::new());
        let origin = package.ledger.verifier.name().to_owned();
        let log = ledger::Log::create(disk, dir, origin.clone(), std::sync::Arc::new(TestKey::new(1))).unwrap();
        let new = std::sync::Arc::new(TestKey::new(2));
        let next = ledger::Verifier::new(&origin, ledger::Signer::public_key(&*new)).unwrap();
        let body = ledger::key_change_statement(&log.verifier(), &next, "2026-11-25T00:00:00Z").unwrap();
        let opening = ledger::Opening::new(body, &world::SeededEntropy::new(1));
        for _ in 0..entries {
            log.append(&[opening.commitment()]).unwrap();
        }
        log.change_key(new, &opening, entries - 1).unwrap();
        (next, log.key_history().unwrap())
    };
    // The package's checkpoint has six entries.
    for (entries, sound) in [(6, true), (9, true), (5, false)] {
        let (key, history) = history(entries);
        let report = verify_over_keys(&bag.bag, None, Some(&key), &history).unwrap();
        assert_eq!(report.is_sound(), sound, "{report}");
        assert!(!verify(&bag.bag, None, Some(&key)).unwrap().is_sound(), "without the history the key is a stranger's");
        // With the key of that time no history is needed.
        assert!(verify(&bag.bag, None, Some(&package.ledger.verifier)).unwrap().is_sound());
    }
}
