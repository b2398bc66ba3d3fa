//! Shared by the package tests: a home with a ledger, and a case in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use disclosure::{
    AgeIdentity, AgeRecipient, Certificate, CustodyStep, DisclosureError, HOUSE_CERTIFICATE, LedgerExtract, Package,
    PackageItem, PackageOutcome, Scope, Sealed,
};
use ledger::{LedgerError, Log, Opening, Signer};
use serde_json::json;
use terms::{AccountId, CaseId, Category, Digest, UnixMillis};
use world::{MemoryDisk, SeededEntropy};

pub(crate) struct TestKey(Ed25519KeyPair);

impl TestKey {
    pub(crate) fn new(seed: u8) -> Self {
        Self(Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap())
    }
}

impl Signer for TestKey {
    fn public_key(&self) -> [u8; 32] {
        self.0.public_key().as_ref().try_into().unwrap()
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], LedgerError> {
        Ok(self.0.sign(message).as_ref().try_into().unwrap())
    }
}

pub(crate) fn sha256(bytes: &[u8]) -> Digest {
    Digest(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref().try_into().unwrap())
}

/// 2026-11-23T05:19:19Z.
pub(crate) const NOW: UnixMillis = UnixMillis(1_795_411_159_000);

/// A ledger with other people's entries and, between them, those of a case.
pub(crate) fn ledger_of(bodies: &[String]) -> LedgerExtract {
    let log = Log::create(
        Arc::new(MemoryDisk::new()),
        PathBuf::from("/ledger"),
        "ie.bailiwick.example/ledger".into(),
        Arc::new(TestKey::new(1)),
    )
    .unwrap();
    let entropy = SeededEntropy::new(3);
    let mut openings = Vec::new();
    for body in bodies {
        let dummy = Opening::new(b"dummy".to_vec(), &entropy);
        let opening = Opening::new(body.clone().into_bytes(), &entropy);
        let receipts = log.append(&[dummy.commitment(), opening.commitment()]).unwrap();
        openings.push((opening, receipts[1].index));
    }
    let indexes: Vec<u64> = openings.iter().map(|(_, index)| *index).collect();
    let receipts = log.receipts(&indexes).unwrap();
    let entries = openings.into_iter().map(|(opening, _)| opening).zip(receipts).collect();
    LedgerExtract { verifier: log.verifier(), entries }
}

pub(crate) fn package() -> Package {
    let demand = sha256(b"the demand");
    let decision = br#"{"outcome":"COMPELLED"}"#.to_vec();
    let bodies = [
        json!({"kind": "demand", "demand": demand}).to_string(),
        json!({"kind": "decision", "decision": sha256(&decision)}).to_string(),
        json!({"kind": "approval", "officer": "aoife"}).to_string(),
    ];
    Package {
        name: "IE-case-7".into(),
        home: "IE".parse().unwrap(),
        case: CaseId(7),
        sealed_at: NOW,
        organization: "Bailiwick Demo".into(),
        authority: "District Court, Dublin".into(),
        reference: "DC/2026/0042 – Ünïted".into(),
        demand,
        law: sha256(b"the law"),
        scope: Scope {
            account: AccountId([5; 16]),
            addresses: vec!["subject@ie.bailiwick.example".parse().unwrap()],
            categories: vec![Category::Traffic, Category::Content],
            from: UnixMillis(1_000),
            until: UnixMillis(9_000),
        },
        decision,
        decision_text: "COMPELLED, because the court of the home ordered it.\n".into(),
        custody: vec![CustodyStep { at: NOW, who: "aoife".into(), what: "Approved the order.".into() }],
        ledger: ledger_of(&bodies),
        certificate: Certificate {
            template: HOUSE_CERTIFICATE.into(),
            custodian: String::new(),
            title: "Records custodian".into(),
            system: "Bailiwick, one node in IE.".into(),
            process: "The node copied the octets out of its store.".into(),
        },
    }
}

/// Messages that few tools handle: no newline at the end, NUL, bare CR and LF, eight bits, empty.
pub(crate) fn items() -> Vec<PackageItem> {
    let originals: [&[u8]; 4] =
        [b"Subject: a\r\n\r\nhello\r\n", b"From x\nSubject: b\n\n\0\r\xff\xfe end", b"", &[b'x'; 700]];
    let mut items: Vec<PackageItem> = (0..)
        .zip(originals)
        .map(|(n, original)| PackageItem {
            id: format!("{n:032x}"),
            arrival: Some(UnixMillis(1_000 + n)),
            outcome: PackageOutcome::Message {
                original: original.to_vec(),
                sidecar: json!({"mailbox": "INBOX", "uid": n}),
            },
        })
        .collect();
    let item = |id: &str, arrival, outcome| PackageItem { id: id.into(), arrival, outcome };
    items.push(item("w", Some(UnixMillis(8_999)), PackageOutcome::Withheld { reason: "privileged".into() }));
    items.push(item("f", Some(UnixMillis(2_000)), PackageOutcome::Failed { reason: "could not be opened".into() }));
    items.push(item("t", Some(UnixMillis(2_000)), PackageOutcome::Data { sidecar: json!({"from": "a@b.example"}) }));
    items.push(item("subscriber", None, PackageOutcome::Data { sidecar: json!({"since": "2020"}) }));
    items
}

pub(crate) fn try_seal(
    package: &Package,
    items: Vec<PackageItem>,
    recipient: &AgeRecipient,
) -> Result<(Vec<u8>, Sealed), DisclosureError> {
    let mut out = Vec::new();
    let items = items.into_iter().map(Ok::<_, std::io::Error>);
    let sealed = disclosure::seal(package, items, &TestKey::new(1), recipient, &mut out)?;
    Ok((out, sealed))
}

/// A package on disk in all three forms, and the key to the sealed one.
pub(crate) struct OnDisk {
    pub(crate) scratch: tempfile::TempDir,
    pub(crate) identity: AgeIdentity,
    pub(crate) sealed: PathBuf,
    pub(crate) bag: PathBuf,
}

pub(crate) fn on_disk(package: &Package, items: Vec<PackageItem>) -> OnDisk {
    let scratch = tempfile::tempdir().unwrap();
    let identity = AgeIdentity::generate();
    let (bytes, _) = try_seal(package, items, &identity.recipient()).unwrap();
    let sealed = scratch.path().join("package.tar.age");
    fs::write(&sealed, &bytes).unwrap();
    let bag = disclosure::unpack(&sealed, &identity, &scratch.path().join("unpacked")).unwrap();
    OnDisk { scratch, identity, sealed, bag }
}

/// The tar file in a sealed package.
pub(crate) fn tar_of(sealed: &Path, identity: &AgeIdentity) -> Vec<u8> {
    let file = identity.to_file(NOW);
    let secret = file.expose().lines().last().unwrap().to_owned();
    let identity: age::x25519::Identity = secret.parse().unwrap();
    age::decrypt(&identity, &fs::read(sealed).unwrap()).unwrap()
}

/// Every file below a folder.
pub(crate) fn files(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// Whether a program is installed; says so when it is not.
pub(crate) fn has(tool: &str) -> bool {
    let found = Command::new("sh").args(["-c", &format!("command -v {tool}")]).output().unwrap().status.success();
    if !found {
        println!("skipped: {tool} is not installed");
    }
    found
}
