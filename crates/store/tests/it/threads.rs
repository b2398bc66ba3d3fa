//! Many sessions at once: they share syncs, and nobody's change is lost.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use store::{FlagChange, FlagSet, Settings};
use world::{FaultyDisk, SeededEntropy};

use crate::house::{House, INBOX, seen};

#[test]
fn concurrent_deliveries_share_a_sync() {
    let disk = FaultyDisk::new();
    let house = House::on(Arc::new(disk.clone()), Settings::default());
    let accounts: Vec<_> = (0..16).map(|n| house.account(&format!("user{n}@example.org"))).collect();
    disk.slow_syncs(Duration::from_millis(5));
    let before = disk.syncs();
    std::thread::scope(|scope| {
        for (account, _) in &accounts {
            scope.spawn(|| {
                for n in 0..10 {
                    house.deliver(*account, INBOX, &format!("text {n}"));
                }
            });
        }
    });
    let syncs = disk.syncs() - before;
    assert!(syncs <= 50, "160 deliveries took {syncs} syncs");
    for (_, owner) in &accounts {
        assert_eq!(house.texts(owner, INBOX).len(), 10);
    }
}

#[test]
fn answers_come_back_without_waiting() {
    let house = House::new();
    let (ann, owner) = house.account("ann@example.org");
    let (sender, receiver) = std::sync::mpsc::channel();
    for n in 0..50 {
        let sender = sender.clone();
        house.store().submit(vec![house.message(ann, INBOX, &format!("text {n}"))], move |outcome| {
            sender.send(outcome.unwrap()[0].uid).unwrap();
        });
    }
    drop(sender);
    assert_eq!(receiver.iter().collect::<Vec<_>>(), (1..=50).collect::<Vec<_>>());
    assert_eq!(house.texts(&owner, INBOX).len(), 50);
}

#[test]
fn sessions_race_and_everything_acknowledged_is_there() {
    let mut house = House::new();
    house.settings.changes_before_fold = 20;
    house.reopen();
    let (ann, owner) = house.account("ann@example.org");
    let target = house.store().create_mailbox(ann, "Target", None).unwrap().id;
    let acknowledged: Vec<BTreeSet<String>> = std::thread::scope(|scope| {
        let session = |seed: u64| {
            let (house, random) = (&house, SeededEntropy::new(seed));
            move || {
                let store = house.store();
                let mut mine = BTreeSet::new();
                let mut view = store.snapshot(ann, INBOX).unwrap();
                let mut known: BTreeSet<u32> = view.uids().collect();
                for n in 0..60 {
                    let uids: Vec<u32> = view.uids().filter(|_| random.below(3) == 0).collect();
                    match random.below(6) {
                        0..=2 => {
                            let text = format!("session {seed} message {n}");
                            house.deliver(ann, INBOX, &text);
                            mine.insert(text);
                        }
                        3 => {
                            let change =
                                FlagChange::Add(FlagSet::system(FlagSet::SEEN).and_keyword(&format!("k{seed}")));
                            store.change_flags(ann, INBOX, &uids, change, None).unwrap();
                        }
                        4 => drop(store.move_(ann, INBOX, &uids, target).unwrap()),
                        _ => drop(store.copy(ann, target, &uids, INBOX).unwrap()),
                    }
                    // What a session is told makes of what it knew what there is.
                    let now = store.snapshot(ann, INBOX).unwrap();
                    let changes = now.changes_after(&view);
                    assert_eq!(changes, now.changes_since(view.highest_modseq()));
                    known.retain(|uid| !changes.vanished.contains(*uid));
                    known.extend(changes.changed.iter().map(|entry| entry.uid));
                    assert_eq!(known, now.uids().collect());
                    assert!(now.highest_modseq() >= view.highest_modseq() && now.uid_next() >= view.uid_next());
                    view = now;
                }
                mine
            }
        };
        let sessions: Vec<_> = (1..=6).map(|seed| scope.spawn(session(seed))).collect();
        sessions.into_iter().map(|session| session.join().unwrap()).collect()
    });
    let stored: BTreeSet<String> = [INBOX, target].iter().flat_map(|&mailbox| house.texts(&owner, mailbox)).collect();
    assert_eq!(stored, acknowledged.into_iter().flatten().collect());
    let before = seen(house.store(), ann);
    house.after_a_kill(|copy| assert_eq!(seen(copy, ann), before));
    house.reopen();
    assert_eq!(seen(house.store(), ann), before);
    assert!(house.store().verify().is_sound());
}

/// A disk that does not answer: senders wait, so that what waits in memory stays within the queue's bound; reading continues;
/// and when the disk answers, every one of them is told that its message is there.
#[test]
fn a_disk_that_stalls_makes_senders_wait() {
    const MESSAGES: usize = 400;
    const BYTES: usize = 512 << 10;
    /// One batch is in the hands of the commit thread, another waits: 64 MiB each (queue.rs), and the call that waits itself.
    const TAKEN_MAX: usize = 2 * ((64 << 20) / BYTES) + 1;
    let disk = FaultyDisk::new();
    let house = House::on(Arc::new(disk.clone()), Settings::default());
    let (ann, owner) = house.account("ann@example.org");
    house.deliver(ann, INBOX, "before");
    disk.stall_syncs(true);
    let (taken, stored) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0..MESSAGES {
                let stored = Arc::clone(&stored);
                let text = format!("{n} {}", "x".repeat(BYTES));
                house.store().submit(vec![house.message(ann, INBOX, &text)], move |outcome| {
                    outcome.unwrap();
                    stored.fetch_add(1, Ordering::SeqCst);
                });
                taken.fetch_add(1, Ordering::SeqCst);
            }
        });
        // Until the line is full; then some time more, in which one without a bound would take what is left.
        while house.store().takes_at_once(ann, BYTES) {
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_millis(500));
        let seen = (taken.load(Ordering::SeqCst), stored.load(Ordering::SeqCst), house.texts(&owner, INBOX));
        // Before anything is checked: a thread that waits forever would report nothing.
        disk.stall_syncs(false);
        let (waiting, told, texts) = seen;
        assert!(waiting <= TAKEN_MAX, "{waiting} messages were taken into memory");
        assert_eq!(told, 0, "nothing is told before the disk has it");
        assert_eq!(texts, ["before"], "reading goes on");
    });
    // A change that comes behind all of them is answered behind all of them.
    house.deliver(ann, INBOX, "after");
    assert_eq!(stored.load(Ordering::SeqCst), MESSAGES);
    let view = house.store().snapshot(ann, INBOX).unwrap();
    assert_eq!(view.len() as usize, MESSAGES + 2);
}
