//! Accounts that are read from disk: by how many questions to the vault, and whom that keeps waiting.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use durable::RealDisk;
use store::{Incoming, Settings};
use terms::AccountId;
use vault::inside::Backend;
use zeroize::Zeroizing;

use crate::house::{House, INBOX};

/// A vault that counts its calls, and may keep one of them waiting.
struct Counting {
    vault: Arc<dyn Backend>,
    calls: AtomicUsize,
    keep_next: AtomicBool,
    kept: Mutex<bool>,
    changed: Condvar,
}

impl Counting {
    /// Behind the vault of `house`, whose store is opened again.
    fn of(house: &mut House) -> Arc<Self> {
        let this = Arc::new(Self {
            vault: vault::inside::backend(&house.vault).unwrap(),
            calls: AtomicUsize::new(0),
            keep_next: AtomicBool::new(false),
            kept: Mutex::new(false),
            changed: Condvar::new(),
        });
        house.close();
        house.vault = Arc::new(vault::inside::gate(this.clone(), house.clock.clone()).vault().unwrap());
        house.reopen();
        this
    }

    fn let_go(&self) {
        *self.kept.lock().unwrap() = false;
        self.changed.notify_all();
    }
}

impl Backend for Counting {
    fn answer(&self, request: &[u8]) -> Zeroizing<Vec<u8>> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        if self.keep_next.swap(false, Ordering::SeqCst) {
            let mut kept = self.kept.lock().unwrap();
            *kept = true;
            self.changed.notify_all();
            drop(self.changed.wait_while(kept, |kept| *kept).unwrap());
        }
        self.vault.answer(request)
    }
}

/// An account whose mail is in blocks on disk, not in changes.
fn folded(house: &House, address: &str, messages: usize) -> AccountId {
    let (account, _) = house.account(address);
    let mut left = messages;
    while left > 0 {
        let batch = left.min(500);
        let incoming = |n| house.message(account, INBOX, &format!("message {n}"));
        house.store().append((0..batch).map(incoming).collect::<Vec<Incoming>>()).unwrap();
        left -= batch;
    }
    account
}

/// The head, the blocks by the mebibyte, and the changes: not one question for every 256 messages.
#[test]
fn a_cold_mailbox_is_opened_by_a_few_calls() {
    const MESSAGES: usize = 3_000;
    let mut house = House::on(Arc::new(RealDisk), Settings { changes_before_fold: 1, ..Settings::default() });
    let account = folded(&house, "ann@example.org", MESSAGES);
    let vault = Counting::of(&mut house);
    let before = vault.calls.load(Ordering::SeqCst);
    assert_eq!(house.store().mailboxes(account).unwrap()[0].messages as usize, MESSAGES);
    let calls = vault.calls.load(Ordering::SeqCst) - before;
    assert!((2..=4).contains(&calls), "{calls} calls");
}

/// The connection to the rows is free while the vault is asked.
#[test]
fn an_account_that_waits_for_the_vault_keeps_no_other_waiting() {
    let mut house = House::on(Arc::new(RealDisk), Settings { changes_before_fold: 1, ..Settings::default() });
    let (ann, bob) = (folded(&house, "ann@example.org", 10), folded(&house, "bob@example.org", 10));
    let vault = Counting::of(&mut house);
    vault.keep_next.store(true, Ordering::SeqCst);
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| house.store().mailboxes(ann).unwrap().len());
        drop(vault.changed.wait_while(vault.kept.lock().unwrap(), |kept| !*kept).unwrap());
        let (done, is_done) = channel();
        let store = house.store();
        scope.spawn(move || done.send(store.mailboxes(bob).unwrap().len()));
        let other = is_done.recv_timeout(Duration::from_secs(10));
        assert!(!store.is_in_memory(ann));
        // Before anything is checked: a thread that waits forever would report nothing.
        vault.let_go();
        assert_eq!(other.ok(), Some(1));
        assert_eq!(waits.join().unwrap(), 1);
    });
}

/// Prints what it takes to open a mailbox of 100,000 messages.
#[test]
#[ignore = "a measurement: run it in the release profile with --ignored --nocapture"]
fn what_a_cold_mailbox_of_100_000_costs() {
    let mut house = House::on(Arc::new(RealDisk), Settings::default());
    let account = folded(&house, "ann@example.org", 100_000);
    let vault = Counting::of(&mut house);
    let (before, begin) = (vault.calls.load(Ordering::SeqCst), Instant::now());
    house.store().mailboxes(account).unwrap();
    println!("{} calls, {:?}", vault.calls.load(Ordering::SeqCst) - before, begin.elapsed());
}
