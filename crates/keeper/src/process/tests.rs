//! The real process, started from the tests: that it can do all its work in the confinement, and what its memory holds.

use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use durable::{RealDisk, SystemClock};
use ledger::{Log, Opening};
use terms::{AccountId, CaseId, Category, Clock, Digest, EpochId, MessageId, OfficerName, Secret, UnixMillis};
use vault::inside::{answer_info, link};
use vault::{
    CostProfile, EpochSealer, Founding, KeyAsk, Order, Part, ProvenApproval, SystemEntropy, TokenKey, Vault, VaultGate,
    VaultProgram, approval_statement,
};
use world::MemoryDisk;

use crate::crypto::oaep::soft::SoftToken;
use crate::crypto::{Lanes, PrivateKey, join, seal_hybrid};
use crate::keeper_of;
use crate::officers::roster::OfficerKeys;

const NODE_PASSPHRASE: &str = "the passphrase of this node";
const PASSWORD: &str = "the first password of the owner";
const OTHER: &str = "the second password of the owner";
const OFFICERS: [(&str, &str); 3] =
    [("ann", "what officer ann knows"), ("ben", "what officer ben knows"), ("cat", "what officer cat knows")];

/// Not a test: what the tests start as the vault's process. Its folder is the last argument.
#[test]
#[ignore = "the vault's process, which other tests start"]
fn the_process() {
    let dir = PathBuf::from(std::env::args().next_back().unwrap());
    super::serve_standard_input(&dir).unwrap();
}

fn start(dir: &Path) -> VaultGate {
    let program = std::env::current_exe().unwrap();
    let words = ["--ignored", "--exact", "process::tests::the_process", "--nocapture", "--test-threads=1"];
    let arguments = words.iter().map(Into::into).chain([dir.as_os_str().to_owned()]).collect();
    VaultGate::start(VaultProgram { program, arguments }, Arc::new(SystemClock)).unwrap()
}

fn name(text: &str) -> OfficerName {
    text.parse().unwrap()
}

fn cheap() -> CostProfile {
    CostProfile::new(64, 1, 1).unwrap()
}

fn founding() -> Founding {
    Founding {
        home: "IE".parse().unwrap(),
        log_origin: "ie.example/log".to_owned(),
        passphrase: NODE_PASSPHRASE.into(),
        officers: OFFICERS.iter().map(|(officer, passphrase)| (name(officer), Secret::from(*passphrase))).collect(),
        cost: cheap(),
    }
}

/// A vault with an account and one message, made and driven through its process.
struct House {
    dir: tempfile::TempDir,
    gate: VaultGate,
    vault: Vault,
    account: AccountId,
    epochs: Vec<(EpochId, vault::SealedEpochKey)>,
    ask: KeyAsk,
    sealed: Vec<u8>,
}

fn house() -> House {
    let dir = tempfile::tempdir().unwrap();
    let gate = start(dir.path());
    let vault = gate.create(founding()).unwrap();
    let account = AccountId::random(&SystemEntropy);
    let public = vault.create_account(account, &PASSWORD.into()).unwrap();
    let (sealer, sealed_key) = EpochSealer::start(account, &public, EpochId(1), &SystemEntropy).unwrap();
    let ask = KeyAsk { epoch: EpochId(1), id: MessageId::random(&SystemEntropy), arrival: SystemClock.now() };
    let sealed = sealer.seal(ask.id, ask.arrival, Part::Original, b"mail").unwrap();
    House { dir, gate, vault, account, epochs: vec![(EpochId(1), sealed_key)], ask, sealed }
}

/// Everything that a node asks in its life works in the confinement: files are written, replaced, overwritten, removed.
#[test]
fn it_does_all_its_work_confined() {
    let house = house();
    let vault = &house.vault;
    let session = vault.sign_in(house.account, &PASSWORD.into()).unwrap();
    let key = vault.message_keys(&session, &house.epochs, &[house.ask]).unwrap().remove(0);
    assert_eq!(key.open(Part::Original, &house.sealed).unwrap(), b"mail");
    drop(session);
    let ring = house.dir.path().join(format!("rings/{}.ring", house.account));
    in_time(|| if ring.exists() { Ok(()) } else { Err("the session's epochs are folded at its end") });
    vault.set_password(house.account, &vault::OwnerProof::here(PASSWORD.into(), None), &OTHER.into()).unwrap();
    let clearance = clear(&house);
    vault.keep_clearance(&clearance).unwrap();
    vault.forget_clearance(clearance.order().digest()).unwrap();
    vault.begin_service_rotation(&NODE_PASSPHRASE.into()).unwrap();
    vault.reseal_own_files().unwrap();
    let holders = ["dora", "emil"].map(|holder| (name(holder), Secret::from("words of this one"))).to_vec();
    house.gate.set_key_holders(&NODE_PASSPHRASE.into(), &holders, cheap()).unwrap();
    let sealed = vault.service_seal("x", &vec![7; 3 << 20]).unwrap();
    assert_eq!(vault.service_open("x", &sealed).unwrap().len(), 3 << 20);

    // Started again, it is locked, and the handle goes on when it is unlocked.
    house.gate.restart().unwrap();
    assert!(matches!(vault.service_open("x", &sealed), Err(vault::VaultError::Locked)));
    house.gate.unlock(&NODE_PASSPHRASE.into(), cheap()).unwrap();
    assert_eq!(vault.service_open("x", &sealed).unwrap().len(), 3 << 20);
    let confinement = house.gate.confinement().unwrap().unwrap();
    assert!(confinement.no_core && confinement.no_new_privileges);
    assert!(confinement.system_calls || !["x86_64", "aarch64", "riscv64"].contains(&std::env::consts::ARCH));
}

/// Two officers clear an order for the one message.
fn clear(house: &House) -> vault::Clearance {
    let vault = &house.vault;
    let now = SystemClock.now();
    let order = Order {
        home: "IE".parse().unwrap(),
        case: CaseId(1),
        account: house.account,
        categories: vec![Category::Content],
        from: UnixMillis(0),
        until: now.plus_millis(60_000),
        demand: Digest([1; 32]),
        decision: Digest([2; 32]),
        law: Digest([3; 32]),
        expires: now.plus_millis(3_600_000),
    };
    let origin = vault.log_verifier().name().to_owned();
    let log = Log::create(Arc::new(MemoryDisk::new()), "ledger".into(), origin, vault.log_signer()).unwrap();
    let mut opened = None;
    let approvals = [0, 1].map(|officer| {
        let (officer, passphrase) = OFFICERS[officer];
        let (approval, share) = vault.approve(&order, &name(officer), &passphrase.into()).unwrap();
        opened = Some(share);
        let opening = Opening::new(approval_statement(&approval), &SystemEntropy);
        let receipt = log.append(&[opening.commitment()]).unwrap().remove(0);
        ProvenApproval { approval, opening, receipt }
    });
    vault.clear(&order, approvals, opened.unwrap(), &house.epochs, &[house.ask]).unwrap()
}

/// The account's private key and the password's bytes, as somebody with the folder and the password gets them.
fn account_private_key(house: &House) -> Vec<u8> {
    let disk: Arc<dyn durable::Disk> = Arc::new(RealDisk);
    let gate = crate::here(disk, house.dir.path().to_owned(), Arc::new(SystemClock), Arc::new(SystemEntropy));
    let keeper = keeper_of(&gate.unlock(&NODE_PASSPHRASE.into(), cheap()).unwrap());
    let keys = keeper.account_keys(house.account).unwrap();
    let root = keys.root_by_password(&OTHER.into(), &Lanes::new(1)).unwrap();
    let private_key: PrivateKey = keys.private(&root).unwrap();
    private_key.expose().to_vec()
}

/// How often each of `needles` is in the memory of a process.
fn found_in(process: u32, needles: &[(&str, Vec<u8>)]) -> Vec<(String, usize)> {
    let maps = std::fs::read_to_string(format!("/proc/{process}/maps")).unwrap();
    let mut memory = std::fs::File::open(format!("/proc/{process}/mem")).unwrap();
    let mut counts = vec![0; needles.len()];
    for line in maps.lines() {
        let (range, rest) = line.split_once(' ').unwrap();
        if !rest.starts_with("rw") {
            continue;
        }
        let (start, end) = range.split_once('-').unwrap();
        let [start, end] = [start, end].map(|text| u64::from_str_radix(text, 16).unwrap());
        let mut bytes = vec![0; usize::try_from(end - start).unwrap()];
        // Guard pages and the like cannot be read.
        if memory.seek(SeekFrom::Start(start)).and_then(|_| memory.read_exact(&mut bytes)).is_err() {
            continue;
        }
        for (count, (_, needle)) in counts.iter_mut().zip(needles) {
            *count += bytes.windows(needle.len()).filter(|window| window == needle).count();
        }
    }
    needles.iter().zip(counts).map(|((what, _), count)| ((*what).to_owned(), count)).filter(|(_, n)| *n > 0).collect()
}

/// While an owner is signed in, the private key is in the vault's memory; when the sign-in is forgotten it is nowhere, and
/// nowhere are the words that were typed. (Reading another process's memory needs root, because the vault is not dumpable.)
#[test]
fn nothing_is_left_when_it_should_be_gone() {
    let house = house();
    let process = house.gate.process_id().unwrap();
    if std::fs::File::open(format!("/proc/{process}/mem")).is_err() {
        println!("not root: the vault's memory cannot be read, as it should be, and this test cannot look");
        return;
    }
    let vault = &house.vault;
    vault.set_password(house.account, &vault::OwnerProof::here(PASSWORD.into(), None), &OTHER.into()).unwrap();
    let private_key = account_private_key(&house);
    let session = vault.sign_in(house.account, &OTHER.into()).unwrap();
    vault.message_keys(&session, &house.epochs, &[house.ask]).unwrap();
    let needles: Vec<(&str, Vec<u8>)> = vec![
        ("the account's private private_key", private_key),
        ("the first password", PASSWORD.into()),
        ("the second password", OTHER.into()),
        ("the node's passphrase", NODE_PASSPHRASE.into()),
        ("an officer's passphrase", OFFICERS[0].1.into()),
        ("another officer's passphrase", OFFICERS[1].1.into()),
    ];
    let found = found_in(process, &needles);
    assert_eq!(
        found.first().map(|(what, _)| what.as_str()),
        Some("the account's private private_key"),
        "a search that works"
    );

    drop(clear(&house));
    drop(session);
    // A change of the password forgets the sign-ins that are remembered.
    vault.set_password(house.account, &vault::OwnerProof::here(OTHER.into(), None), &PASSWORD.into()).unwrap();
    in_time(|| match found_in(process, &needles) {
        found if found.is_empty() => Ok(()),
        found => Err(found),
    });
}

/// The escrow key and two officers' shares, as somebody with the folder and the officers' passphrases gets them.
fn escrow_private_key(house: &House) -> Vec<(&'static str, Vec<u8>)> {
    let disk: Arc<dyn durable::Disk> = Arc::new(RealDisk);
    let gate = crate::here(disk, house.dir.path().to_owned(), Arc::new(SystemClock), Arc::new(SystemEntropy));
    let keeper = keeper_of(&gate.unlock(&NODE_PASSPHRASE.into(), cheap()).unwrap());
    let roster = keeper.roster();
    let shares = [0, 1].map(|officer| {
        let (officer, passphrase) = OFFICERS[officer];
        let bytes = keeper.folder().read(&format!("officers/{officer}.keys")).unwrap().unwrap();
        let keys = OfficerKeys::from_bytes(&name(officer), &bytes[..bytes.len() - 32]).unwrap();
        let public = roster.officer(&name(officer)).unwrap();
        keys.open(&roster, public, &passphrase.into(), &Lanes::new(1)).unwrap()
    });
    let private = join(&shares[0].share, &shares[1].share).unwrap();
    assert_eq!(PrivateKey::from_bytes(private.as_ref()).unwrap().public().unwrap(), roster.escrow);
    let [ann, ben] = shares.map(|secrets| secrets.share.expose().to_vec());
    vec![("the escrow private_key", private.to_vec()), ("ann's share", ann), ("ben's share", ben)]
}

/// The escrow key is whole for a moment only, and shares and the secret that a token opened are gone when they were used.
#[test]
fn what_two_officers_and_a_token_open_is_gone_when_it_was_used() {
    let house = house();
    let process = house.gate.process_id().unwrap();
    if std::fs::File::open(format!("/proc/{process}/mem")).is_err() {
        println!("not root: the vault's memory cannot be read, as it should be, and this test cannot look");
        return;
    }
    let token = SoftToken::new();
    let key = TokenKey { id: vec![7; 16], public: token.public() };
    house.gate.add_token(&NODE_PASSPHRASE.into(), &key).unwrap();
    let mut needles = escrow_private_key(&house);
    let gone = |process: u32, needles: &[(&str, Vec<u8>)]| {
        in_time(|| match found_in(process, needles) {
            found if found.is_empty() => Ok(()),
            found => Err(found),
        });
    };
    drop(clear(&house));
    gone(process, &needles);
    // An act that two have begun waits for its proof with the escrow key: a search that works.
    let both =
        [0, 1].map(|officer| vault::OfficerProof::Officer(name(OFFICERS[officer].0), OFFICERS[officer].1.into()));
    house.vault.begin_act(vault::Act::Drill, None, both).unwrap();
    let found = found_in(process, &needles);
    assert!(found.iter().any(|(what, _)| what == "the escrow private_key"), "{found:?}");

    house.gate.restart().unwrap();
    let process = house.gate.process_id().unwrap();
    let ask = link(&house.gate).ask_token().unwrap();
    let secret = token.open(&ask.sealed).unwrap();
    let sealed = seal_hybrid(&ask.to, &answer_info(&ask.to), &secret, &SystemEntropy).unwrap();
    link(&house.gate).take_token(&sealed, cheap()).unwrap();
    assert_eq!(house.gate.state(), vault::VaultState::Unlocked);
    drop(clear(&house));
    needles.push(("the secret that the token opened", secret));
    needles.push(("an officer's passphrase", OFFICERS[0].1.into()));
    gone(process, &needles);
}

/// What is told without waiting for an answer is done a moment later.
fn in_time<E: std::fmt::Debug>(mut done: impl FnMut() -> Result<(), E>) {
    for _ in 0..200 {
        if done().is_ok() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    done().unwrap();
}

/// Not a test by itself: an attacker who has taken over the vault's process, and tries what such a person would.
#[test]
#[ignore = "confines its process, which another test starts"]
fn the_prisoner() {
    let dir = PathBuf::from(std::env::args().next_back().unwrap());
    let outside = dir.with_extension("outside");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let confinement = super::confine::confine(&dir).unwrap();
    let mut got = Vec::new();
    let mut tries = |what: &str, possible: bool| {
        if possible {
            got.push(what.to_owned());
        }
    };
    tries("a connection", std::net::TcpStream::connect(address).is_ok());
    tries("a port", std::net::TcpListener::bind("127.0.0.1:0").is_ok());
    tries("a datagram socket", std::net::UdpSocket::bind("127.0.0.1:0").is_ok());
    tries("a pair of sockets", std::os::unix::net::UnixStream::pair().is_ok());
    tries("a program", std::process::Command::new("/bin/true").status().is_ok());
    if confinement.files == "full" || confinement.files.starts_with("partial") {
        tries("a file of the system", std::fs::read("/etc/passwd").is_ok());
        tries("a file beside the folder", std::fs::read(&outside).is_ok());
        tries("a new file beside the folder", std::fs::File::options().append(true).open(&outside).is_ok());
    } else {
        println!("no Landlock here: files are not restricted");
    }
    assert_eq!(got, Vec::<String>::new());
    // What it is for still works, on a new thread too.
    std::thread::spawn(move || {
        let disk = RealDisk;
        durable::Disk::write_atomic(&disk, &dir.join("x"), b"x", durable::Visibility::Private).unwrap();
        assert_eq!(durable::Disk::read(&disk, &dir.join("x")).unwrap(), b"x");
    })
    .join()
    .unwrap();
}

/// Network, programs and other files are refused by the kernel, not by our good manners.
#[test]
fn a_prisoner_gets_nowhere() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path().join("vault");
    std::fs::create_dir(&dir).unwrap();
    durable::Disk::write_atomic(&RealDisk, &dir.with_extension("outside"), b"", durable::Visibility::Private).unwrap();
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "process::tests::the_prisoner", "--nocapture", "--test-threads=1"])
        .arg(&dir)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    println!("{said}");
}
