//! What the vault does in a second, asked through its process: `cargo xtask bench vault`.
//!
//! Prints a line for a person for each figure, and all as one line of JSON at the end. Each figure is the median of several
//! runs. Nothing is asserted: a machine that is busy says so by its figures.

#![allow(clippy::unwrap_used, reason = "a measurement that cannot go on should stop")]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use durable::SystemClock;
use terms::{AccountId, Clock, EpochId, MessageId, Secret};
use vault::{
    AccountPublicKey, CostProfile, EpochSealer, Founding, KeyAsk, SealedEpochKey, SignedIn, SystemEntropy, Vault,
    VaultGate, VaultProgram,
};

/// The owner of the figure: 20,000 messages in 12,000 epochs.
const MESSAGES: usize = 20_000;
const EPOCHS: u32 = 12_000;
/// A block of keys as a client's FETCH asks for.
const BLOCK: usize = 500;
const PASSWORD: &str = "the owner's password";

fn main() {
    let mut words = std::env::args_os().skip(1);
    if words.next().is_some_and(|word| word == "vault-process") {
        let dir = PathBuf::from(words.next().unwrap());
        keeper::process::serve_standard_input(&dir).unwrap();
        return;
    }
    let mut figures = serde_json::Map::new();
    let mut say = |name: &str, unit: &str, value: f64| {
        println!("{name:<44} {value:>12.1} {unit}");
        figures.insert(name.to_owned(), serde_json::json!({ "value": value, "unit": unit }));
    };
    let dir = tempfile::tempdir().unwrap();
    let program = std::env::current_exe().unwrap();
    let arguments = vec!["vault-process".into(), dir.path().into()];
    let gate = VaultGate::start(VaultProgram { program, arguments }, Arc::new(SystemClock)).unwrap();
    let officers = ["ann", "ben"].map(|officer| (officer.parse().unwrap(), Secret::from("an officer's passphrase")));
    let vault = gate
        .create(Founding {
            home: "IE".parse().unwrap(),
            log_origin: "ie.example/log".to_owned(),
            passphrase: "the node's passphrase".into(),
            officers: officers.to_vec(),
            cost: CostProfile::OWASP,
        })
        .unwrap();

    sign_ins(&vault, &mut say);
    service(&vault, &mut say);
    epochs(&vault, &mut say);
    rotations(&vault, &mut say);
    println!("{}", serde_json::Value::Object(figures));
}

/// The median of `runs` measurements in seconds.
fn median(runs: usize, mut run: impl FnMut() -> f64) -> f64 {
    let mut all: Vec<f64> = (0..runs).map(|_| run()).collect();
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

fn timed(work: impl FnOnce()) -> f64 {
    let began = Instant::now();
    work();
    began.elapsed().as_secs_f64()
}

fn account(vault: &Vault) -> (AccountId, AccountPublicKey) {
    let account = AccountId::random(&SystemEntropy);
    (account, vault.create_account(account, &PASSWORD.into()).unwrap())
}

fn sign_ins(vault: &Vault, say: &mut impl FnMut(&str, &str, f64)) {
    // As many at once as the machine has processors, as a busy node has them.
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let cold = median(5, || {
        let accounts: Vec<_> = (0..4 * threads).map(|_| account(vault).0).collect();
        timed(|| {
            std::thread::scope(|scope| {
                for part in accounts.chunks(4) {
                    scope.spawn(move || {
                        part.iter().for_each(|account| drop(vault.sign_in(*account, &PASSWORD.into()).unwrap()));
                    });
                }
            });
        }) / accounts.len() as f64
    });
    say("sign-ins, cold, OWASP's least cost", "per second", 1.0 / cold);
    let (account, _) = account(vault);
    drop(vault.sign_in(account, &PASSWORD.into()).unwrap());
    let remembered = median(5, || {
        timed(|| (0..1000).for_each(|_| drop(vault.sign_in(account, &PASSWORD.into()).unwrap()))) / 1000.0
    });
    say("sign-ins, remembered", "per second", 1.0 / remembered);
}

fn service(vault: &Vault, say: &mut impl FnMut(&str, &str, f64)) {
    let row = || ("a row of the store".to_owned(), vec![7; 120]);
    let one =
        median(5, || timed(|| (0..1000).for_each(|_| drop(vault.service_seal("a row", &[7; 120]).unwrap()))) / 1000.0);
    say("service seals, one a call", "per second", 1.0 / one);
    let block = median(5, || {
        let rows: Vec<_> = (0..3200).map(|_| row()).collect();
        let blocks: Vec<Vec<_>> = rows.chunks(32).map(<[_]>::to_vec).collect();
        timed(|| blocks.into_iter().for_each(|block| drop(vault.service_seal_all(block).unwrap()))) / 3200.0
    });
    say("service seals, 32 a call", "per second", 1.0 / block);
}

/// An owner's mail: the sealed keys of the epochs, and what to ask for each message.
fn mail(account: AccountId, public: &AccountPublicKey) -> (Vec<(EpochId, SealedEpochKey)>, Vec<KeyAsk>) {
    let seal = |epoch| (EpochId(epoch), EpochSealer::start(account, public, EpochId(epoch), &SystemEntropy).unwrap().1);
    let epochs = (0..EPOCHS).map(seal).collect();
    let ask = |at: usize| KeyAsk {
        epoch: EpochId((at as u64 * u64::from(EPOCHS) / MESSAGES as u64) as u32),
        id: MessageId::random(&SystemEntropy),
        arrival: SystemClock.now(),
    };
    (epochs, (0..MESSAGES).map(ask).collect())
}

fn epochs(vault: &Vault, say: &mut impl FnMut(&str, &str, f64)) {
    let all = |session: &SignedIn, epochs: &[(EpochId, SealedEpochKey)], asks: &[KeyAsk]| {
        let mut wanted: Vec<EpochId> = asks.iter().map(|ask| ask.epoch).collect();
        wanted.dedup();
        let wanted = vault.epochs_wanted(session, &wanted);
        let sealed = if wanted.is_empty() { &[] } else { epochs };
        assert_eq!(vault.message_keys(session, sealed, asks).unwrap().len(), asks.len());
    };
    let (mut first, mut again, mut blocks, mut singles) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..3 {
        let (account, public) = account(vault);
        let (epochs, asks) = mail(account, &public);
        let opened = vault.epochs_opened();
        let session = vault.sign_in(account, &PASSWORD.into()).unwrap();
        first.push(timed(|| all(&session, &epochs, &asks)));
        assert_eq!(vault.epochs_opened() - opened, u64::from(EPOCHS));
        drop(session);
        // A sign-in that is not remembered: another password.
        vault.set_password(account, &vault::OwnerProof::here(PASSWORD.into(), None), &"another one".into()).unwrap();
        let session = vault.sign_in(account, &"another one".into()).unwrap();
        again.push(timed(|| all(&session, &epochs, &asks)));
        assert_eq!(vault.epochs_opened() - opened, u64::from(EPOCHS), "the ring spared every epoch");
        blocks.push(timed(|| asks.chunks(BLOCK).for_each(|part| all(&session, &epochs, part))) / MESSAGES as f64);
        singles.push(timed(|| asks[..2000].chunks(1).for_each(|part| all(&session, &epochs, part))) / 2000.0);
    }
    let of = |times: &mut Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    };
    say("first sign-in: 20,000 keys of 12,000 epochs", "ms", of(&mut first) * 1000.0);
    say("every later sign-in: the same by the ring", "ms", of(&mut again) * 1000.0);
    say("message keys, 500 a call", "per second", 1.0 / of(&mut blocks));
    say("message keys, one a call", "per second", 1.0 / of(&mut singles));
}

/// Accounts of the figure for the rotation of a home's keys.
const ACCOUNTS: usize = 1000;

/// Replacing keys: an owner's epochs, and what is kept of every account under the service key and to the escrow key. The
/// store's own rows come on top.
fn rotations(vault: &Vault, say: &mut impl FnMut(&str, &str, f64)) {
    let proof = || vault::OwnerProof::here(PASSWORD.into(), None);
    let (owner, public) = account(vault);
    let (mut sealed, _) = mail(owner, &public);
    vault.begin_account_rotation(owner, &proof(), false).unwrap();
    let seconds = timed(|| {
        let fresh: Vec<_> = sealed.chunks(500).flat_map(|some| vault.reseal_epochs(owner, some).unwrap()).collect();
        assert_eq!(fresh.len(), sealed.len());
        sealed = fresh;
        vault.finish_account_rotation(owner, &sealed).unwrap();
    });
    say("an account's key: epochs resealed", "per second", f64::from(EPOCHS) / seconds);

    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        (0..threads).for_each(|_| {
            scope.spawn(|| {
                (0..ACCOUNTS / threads).for_each(|_| {
                    account(vault);
                })
            });
        });
    });
    vault.begin_service_rotation(&"the node's passphrase".into()).unwrap();
    let mut files = 0;
    let seconds = timed(|| files = vault.reseal_own_files().unwrap());
    say("service key: accounts' files resealed", "per second", files as f64 / seconds);

    let dir = tempfile::tempdir().unwrap();
    let origin = vault.log_verifier().name().to_owned();
    let disk = Arc::new(durable::RealDisk);
    let log = ledger::Log::create(disk, dir.path().join("ledger"), origin, vault.log_signer()).unwrap();
    let proof = |name: &str| vault::OfficerProof::Officer(name.parse().unwrap(), "an officer's passphrase".into());
    let begun = vault.begin_act(vault::Act::RotateEscrow, None, [proof("ann"), proof("ben")]).unwrap();
    let opening = ledger::Opening::new(vault::act_statement(begun.signed()), &SystemEntropy);
    let receipt = log.append(&[opening.commitment()]).unwrap().remove(0);
    vault.finish_act(begun, &opening, &receipt).unwrap();
    let mut total = 0;
    let seconds = timed(|| {
        while {
            let sweep = vault.sweep_escrow(64).unwrap();
            total = sweep.total;
            !sweep.finished
        } {}
    });
    say("escrow key: accounts resealed", "per second", total as f64 / seconds);
}
