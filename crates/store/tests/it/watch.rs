//! Sessions learn of changes, and of nothing else.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use terms::{CaseId, UnixMillis};

use crate::house::{House, INBOX};

const SOON: Duration = Duration::from_millis(20);

#[test]
fn a_change_wakes_who_waits_and_a_hold_does_not() {
    let house = House::new();
    let (ann, _) = house.account("ann@example.org");
    let (ben, _) = house.account("ben@example.org");
    let store = house.store();
    let called = Arc::new(AtomicU64::new(0));
    let for_callback = Arc::clone(&called);
    let mut watch = store.watch(ann).unwrap();
    let watching = store.watch(ann).unwrap().call_back(move |modseq| for_callback.store(modseq, Ordering::SeqCst));

    assert_eq!(watch.wait(SOON), None);
    house.deliver(ben, INBOX, "for another");
    assert_eq!(watch.wait(SOON), None);
    house.deliver(ann, INBOX, "text");
    let modseq = watch.wait(SOON).unwrap();
    assert_eq!(called.load(Ordering::SeqCst), modseq);
    assert_eq!(watch.wait(SOON), None);
    store.hold(CaseId(1), ann, UnixMillis(0), UnixMillis(i64::MAX)).unwrap();
    store.release_hold(CaseId(1)).unwrap();
    assert_eq!(watch.wait(SOON), None);

    // A change between the making of a watch and its callback is not missed.
    let late = store.watch(ann).unwrap();
    house.deliver(ann, INBOX, "between");
    let for_late = Arc::new(AtomicU64::new(0));
    let for_callback = Arc::clone(&for_late);
    let _late = late.call_back(move |modseq| for_callback.store(modseq, Ordering::SeqCst));
    assert_eq!(for_late.load(Ordering::SeqCst), modseq + 1);

    drop(watching);
    house.deliver(ann, INBOX, "unheard");
    assert_eq!(called.load(Ordering::SeqCst), modseq + 1);

    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| watch.wait(Duration::from_secs(30)));
        house.deliver(ann, INBOX, "awaited");
        assert!(waiter.join().unwrap().is_some());
    });
}
