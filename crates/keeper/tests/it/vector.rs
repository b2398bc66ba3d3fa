//! The permanent formats, held by a vault that was written once and is never rewritten: this program opens it, writes
//! the same bytes for the same randomness, and so does a Python script that shares no code with us open it.
//!
//! `cargo test -p keeper --test it -- --ignored write` makes a new one under `target/`, for a new format version.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use durable::{Disk, Visibility};
use serde::{Deserialize, Serialize};
use terms::{AccountId, CaseId, Category, Clock, Digest, EpochId, MessageId, UnixMillis, hex, unhex};
use vault::{
    Approval, Attempt, Claim, Custody, EpochSealer, KeyAsk, Network, Order, OwnerProof, Part, ProvenApproval, Scopes,
    SealedEpochKey, Vault, approval_statement,
};
use world::{ManualClock, MemoryDisk, SeededEntropy};

use crate::another;
use crate::desk::{NODE_PASSPHRASE, OFFICERS, PASSWORD, create, name, open};

/// Everything in the vector; bytes in hexadecimal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Vector {
    node_passphrase: String,
    officers: Vec<(String, String)>,
    password: String,
    account: AccountId,
    secrets: Secrets,
    /// The vault's folder.
    files: BTreeMap<String, String>,
    service: Service,
    epoch: EpochId,
    sealed_epoch_key: String,
    messages: Vec<Message>,
    order: Order,
    order_digest: Digest,
    approvals: Vec<Approval>,
    statement: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Secrets {
    app_password: String,
    recovery_codes: Vec<String>,
    /// Of an authenticator app, in base32.
    code_secret: String,
    session_token: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Service {
    context: String,
    plain: String,
    sealed: String,
    hash: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Message {
    id: MessageId,
    arrival: UnixMillis,
    part: u8,
    /// Byte `i` of the plaintext is `i mod 251`.
    plain_len: usize,
    sealed: String,
}

const ACCOUNT: AccountId = AccountId([0xac; 16]);
const EPOCH: EpochId = EpochId(7);

fn plain(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at % 251) as u8).collect()
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::default())
}

fn order() -> Order {
    Order {
        home: "IE".parse().unwrap(),
        case: CaseId(1),
        account: ACCOUNT,
        categories: vec![Category::Subscriber, Category::Content],
        from: UnixMillis(1_795_305_600_000),
        until: UnixMillis(1_795_392_000_000),
        demand: Digest([1; 32]),
        decision: Digest([2; 32]),
        law: Digest([3; 32]),
        expires: UnixMillis(1_795_680_000_000),
    }
}

/// Makes a vector in a vault that was just created, or in the files of an earlier one: what the dealing of shares draws
/// at random is the business of another crate, and may change without a change of format.
fn make(vault_files: Option<&BTreeMap<String, String>>) -> Vector {
    let disk = MemoryDisk::new();
    match vault_files {
        None => drop(create(&disk, "IE", &clock(), Arc::new(SeededEntropy::new(1))).unwrap()),
        Some(files) => write_files(&disk, files.iter().filter(|(file, _)| is_made_at_creation(file))),
    }
    let entropy = Arc::new(SeededEntropy::new(2));
    let vault = open(&disk, NODE_PASSPHRASE, &clock(), entropy.clone()).unwrap();
    let public = vault.create_account_in(ACCOUNT, Custody::Standard, &PASSWORD.into()).unwrap().0;
    let secrets = make_secrets(&vault);
    let (context, text) = ("mailbox name", b"INBOX");
    let service = Service {
        context: context.to_owned(),
        plain: hex(text),
        sealed: hex(&vault.service_seal(context, text).unwrap()),
        hash: hex(&vault.service_hash(context, text).unwrap()),
    };
    let (sealer, sealed_epoch_key) = EpochSealer::start(ACCOUNT, &public, EPOCH, &*entropy).unwrap();
    let mut messages = Vec::new();
    for (number, part, plain_len) in
        [(1, Part::Original, 20), (1, Part::Prefix, 0), (1, Part::Record, 1), (2, Part::Original, 65536 + 3)]
    {
        let (id, arrival) = (MessageId([number; 16]), UnixMillis(1_795_305_600_000 + i64::from(number)));
        let sealed = sealer.seal(id, arrival, part, &plain(plain_len)).unwrap();
        messages.push(Message { id, arrival, part: part as u8, plain_len, sealed: hex(&sealed) });
    }
    let order = order();
    let approve = |at: usize| vault.approve(&order, &name(OFFICERS[at].0), &OFFICERS[at].1.into()).unwrap();
    let ((one, _), (two, opened)) = (approve(0), approve(1));
    let log = ledger::Log::create(
        Arc::new(disk.clone()),
        "ledger".into(),
        vault.log_verifier().name().to_owned(),
        vault.log_signer(),
    )
    .unwrap();
    let prove = |approval: &Approval| {
        let opening = ledger::Opening::new(approval_statement(approval), &*entropy);
        let receipt = log.append(&[opening.commitment()]).unwrap().remove(0);
        ProvenApproval { approval: approval.clone(), opening, receipt }
    };
    let asks: Vec<_> =
        [0, 3].map(|at| KeyAsk { epoch: EPOCH, id: messages[at].id, arrival: messages[at].arrival }).into();
    let epochs = [(EPOCH, sealed_epoch_key.clone())];
    let clearance = vault.clear(&order, [prove(&one), prove(&two)], opened, &epochs, &asks).unwrap();
    vault.keep_clearance(&clearance).unwrap();
    Vector {
        node_passphrase: NODE_PASSPHRASE.to_owned(),
        officers: OFFICERS.map(|(officer, passphrase)| (officer.to_owned(), passphrase.to_owned())).into(),
        password: PASSWORD.to_owned(),
        account: ACCOUNT,
        secrets,
        files: read_files(&disk),
        service,
        epoch: EPOCH,
        sealed_epoch_key: hex(&sealed_epoch_key.0),
        messages,
        order_digest: order.digest(),
        statement: String::from_utf8(approval_statement(&one)).unwrap(),
        order,
        approvals: vec![one, two],
    }
}

/// One of each kind of secret that an owner can have.
fn make_secrets(vault: &Vault) -> Secrets {
    let proof = OwnerProof::here(PASSWORD.into(), None);
    let scopes = Scopes::IMAP.with(Scopes::SMTP);
    let (_, app_password) = vault.add_app_password(ACCOUNT, &proof, "phone", scopes, None).unwrap();
    let mut codes = vault.new_recovery_codes(ACCOUNT, &proof).unwrap();
    let code_secret = vault.new_code_secret().unwrap();
    let shown = code_at(code_secret.expose(), clock().now().seconds().unsigned_abs());
    vault.turn_codes_on(ACCOUNT, &proof, &code_secret, &shown.as_str().into()).unwrap();
    let proof = OwnerProof::here(PASSWORD.into(), Some(codes.remove(0)));
    vault.let_password_serve_mail(ACCOUNT, &proof, true).unwrap();
    let attempt = Attempt { claim: Claim::Account(ACCOUNT), scope: Scopes::PAGES, network: Network::HERE };
    let (token, _) = vault.open_session(&attempt, &PASSWORD.into(), Some(&codes.remove(0)), "browser", 1000).unwrap();
    Secrets {
        app_password: app_password.expose().clone(),
        recovery_codes: codes.iter().map(|code| code.expose().clone()).collect(),
        code_secret: code_secret.expose().clone(),
        session_token: token.expose().to_owned(),
    }
}

/// What an authenticator app shows.
pub(crate) fn code_at(secret: &str, seconds: u64) -> String {
    let secret: [u8; 20] = data_encoding::BASE32_NOPAD.decode(secret.as_bytes()).unwrap().try_into().unwrap();
    let totp = totp_rs::Builder::new().with_secret(totp_rs::Secret::new_stack(secret)).build().unwrap();
    totp.generate(seconds).to_string()
}

fn is_made_at_creation(file: &str) -> bool {
    file == "node.keys" || file == "made-up.keys" || file.starts_with("officers")
}

fn read_files(disk: &MemoryDisk) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    for folder in ["", "accounts", "officers", "clearances", "seen"] {
        for entry in disk.list(&Path::new("vault").join(folder)).unwrap() {
            let file = Path::new(folder).join(entry);
            if let Ok(bytes) = disk.read(&Path::new("vault").join(&file)) {
                files.insert(file.to_str().unwrap().to_owned(), hex(&bytes));
            }
        }
    }
    files
}

fn write_files<'a>(disk: &MemoryDisk, files: impl Iterator<Item = (&'a String, &'a String)>) {
    for folder in ["accounts", "officers", "clearances", "seen"] {
        disk.create_dir_all(&Path::new("vault").join(folder)).unwrap();
    }
    for (file, bytes) in files {
        let path = Path::new("vault").join(file);
        disk.write_atomic(&path, &unhex(bytes).unwrap(), Visibility::Private).unwrap();
    }
}

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(path)
}

/// The vectors, oldest first.
const VECTORS: [&str; 1] = ["vectors/vault.json"];

fn committed(path: &str) -> Vector {
    serde_json::from_str(&std::fs::read_to_string(here(path)).unwrap()).unwrap()
}

fn newest() -> Vector {
    committed(VECTORS[VECTORS.len() - 1])
}

/// The vector in a fresh vault's place.
fn opened(vector: &Vector) -> (MemoryDisk, Vault) {
    let disk = MemoryDisk::new();
    write_files(&disk, vector.files.iter());
    let vault = open(&disk, &vector.node_passphrase, &clock(), Arc::new(SeededEntropy::new(3))).unwrap();
    (disk, vault)
}

#[test]
#[ignore = "writes a file: for a new version of the format"]
fn write() {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("vector.json");
    let text = serde_json::to_string_pretty(&make(None)).unwrap();
    let disk = durable::RealDisk;
    disk.write_atomic(&path, (text + "\n").as_bytes(), Visibility::Shared).unwrap();
    println!("{}", path.display());
}

#[test]
fn every_format_opens_for_the_owner() {
    VECTORS.iter().for_each(|path| opens_for_the_owner(&committed(path)));
}

fn opens_for_the_owner(vector: &Vector) {
    let (_, vault) = opened(vector);
    let Service { context, plain: text, sealed, hash } = &vector.service;
    assert_eq!(hex(&vault.service_open(context, &unhex(sealed).unwrap()).unwrap()), *text);
    assert_eq!(hex(&vault.service_hash(context, &unhex(text).unwrap()).unwrap()), *hash);
    let session = vault.sign_in(vector.account, &vector.password.as_str().into()).unwrap();
    let epochs = [(vector.epoch, SealedEpochKey(unhex(&vector.sealed_epoch_key).unwrap()))];
    for message in &vector.messages {
        let ask = KeyAsk { epoch: vector.epoch, id: message.id, arrival: message.arrival };
        let key = vault.message_keys(&session, &epochs, &[ask]).unwrap().remove(0);
        let part = [Part::Original, Part::Prefix, Part::Record][usize::from(message.part) - 1];
        assert_eq!(key.open(part, &unhex(&message.sealed).unwrap()).unwrap(), plain(message.plain_len));
    }
}

#[test]
fn every_format_opens_for_the_officers() {
    VECTORS.iter().for_each(|path| opens_for_the_officers(&committed(path)));
}

fn opens_for_the_officers(vector: &Vector) {
    let (_, vault) = opened(vector);
    assert_eq!(vector.order.digest(), vector.order_digest);
    for approval in &vector.approvals {
        vault.check_approval(&vector.order, approval).unwrap();
    }
    assert_eq!(approval_statement(&vector.approvals[0]), vector.statement.as_bytes());
    let clearance = vault.clearance(vector.order_digest).unwrap();
    assert_eq!(clearance.messages().len(), 2);
    for message in vector.messages.iter().filter(|message| message.part == Part::Original as u8) {
        let key = clearance.message_key(message.id).unwrap();
        assert_eq!(key.open(Part::Original, &unhex(&message.sealed).unwrap()).unwrap(), plain(message.plain_len));
    }
    for (officer, passphrase) in &vector.officers {
        vault.approve(&vector.order, &name(officer), &passphrase.as_str().into()).unwrap();
    }
}

#[test]
fn this_program_writes_the_same_bytes() {
    let vector = newest();
    assert_eq!(make(Some(&vector.files)), vector);
}

/// The page that describes the format of messages shows the bytes of the first vector.
#[test]
fn the_page_shows_this_vector() {
    let vector = committed(VECTORS[0]);
    let page = std::fs::read_to_string(here("../../../docs/formats/message.md")).unwrap();
    let page: String = page.split_whitespace().collect();
    for shown in [&vector.messages[0].sealed, &vector.messages[1].sealed, &vector.sealed_epoch_key] {
        assert!(page.contains(shown), "docs/formats/message.md lacks {shown}");
    }
}

/// An implementation that shares nothing with this one opens the vectors. Needs Python 3 with the package `cryptography`.
#[test]
fn another_implementation_opens_it() {
    another::opens("open_vector.py", &VECTORS.map(another::here));
}
