//! No id is sealed twice: whatever write fails, whenever the power goes, and when last week's store is put back under a
//! current vault. An id used again would be a key and nonces used again.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use durable::Disk;
use store::{MessageEntry, Settings};
use terms::Clock;
use vault::{Part, REMEMBERED_MILLIS};
use world::{Fault, FaultyDisk, SeededEntropy};

use crate::house::{House, INBOX, PASSWORD, copy_dir, seen};

/// The header of a record before its sealed bytes (docs/formats): magic, length, account, id, part.
const HEADER: usize = 52;

/// Sealed parts by account, id and part, with the commitment to their key.
type Parts = BTreeMap<Vec<u8>, Vec<u8>>;

/// Adds every record that `bytes` hold, whole or torn; none may be another sealing of one that was seen before.
fn collect(bytes: &[u8], parts: &mut Parts, what: &str) {
    let starts = bytes.windows(4).enumerate().filter(|(_, magic)| magic == b"bwr\x01").map(|(at, _)| at);
    for record in starts.filter_map(|at| bytes.get(at..at + HEADER + 33)) {
        let (name, commitment) = (record[8..41].to_vec(), record[HEADER + 1..].to_vec());
        let known = parts.insert(name, commitment.clone());
        assert!(known.is_none_or(|known| known == commitment), "{what}: one id, two sealings");
    }
    let mut commitments: Vec<_> = parts.values().collect();
    commitments.sort();
    commitments.dedup();
    assert_eq!(commitments.len(), parts.len(), "{what}: one key for two parts");
}

fn collect_packs(disk: &dyn Disk, store: &Path, parts: &mut Parts, what: &str) {
    let packs = store.join("packs");
    for name in disk.list(&packs).unwrap() {
        collect(&disk.read(&packs.join(name)).unwrap(), parts, what);
    }
}

/// Delivers with a fault at `step` and tries again what was refused; the number of parts that were ever sealed, and of
/// steps.
fn run(step: u64, fault: Fault) -> (usize, u64) {
    let what = format!("{fault:?} at {step}");
    let disk = FaultyDisk::new();
    let mut house = House::on(
        Arc::new(disk.clone()),
        Settings { segment_bytes: 1500, changes_before_fold: 4, ..Settings::default() },
    );
    let (ann, _) = house.account("ann@example.org");
    let (first, mut parts) = (disk.steps(), Parts::new());
    disk.fail_step(first + step, fault);
    for n in 0..4 {
        let text = format!("message {n}");
        if house.store().append(vec![house.message(ann, INBOX, &text)]).is_err() {
            collect_packs(&disk, &house.path(), &mut parts, &what);
            house.deliver(ann, INBOX, &text);
        }
        collect_packs(&disk, &house.path(), &mut parts, &what);
    }
    let steps = disk.steps() - first;
    house.close();
    disk.cut_power(&SeededEntropy::new(step));
    house.reopen();
    house.deliver(ann, INBOX, "after");
    collect_packs(&disk, &house.path(), &mut parts, &what);
    (parts.len(), steps)
}

#[test]
fn a_message_that_was_refused_gets_another_id() {
    let mut sealed_again = 0;
    for fault in [Fault::Failed, Fault::FailedButPersisted] {
        let mut step = 0;
        loop {
            let (parts, steps) = run(step, fault);
            assert!(parts >= 15, "five messages of three parts: {parts}");
            sealed_again += usize::from(parts > 15);
            if step > steps {
                break;
            }
            step += 1;
        }
    }
    assert!(sealed_again > 0, "no fault left a refused sealing on the disk: the test sees nothing");
}

/// Last week's rows and packs under today's vault: what was there then reads; what came since is lost, and opens nowhere
/// under the numbers that are assigned again.
#[test]
fn a_store_restored_from_last_week_reads_as_then_and_repeats_no_key() {
    let mut house = House::new();
    let (ann, owner) = house.account("ann@example.org");
    for n in 0..3 {
        house.deliver(ann, INBOX, &format!("then {n}"));
    }
    house.close();
    let week = tempfile::tempdir().unwrap();
    copy_dir(&house.path(), week.path());
    house.reopen();
    let then = seen(house.store(), ann);
    for n in 0..3 {
        house.deliver(ann, INBOX, &format!("since {n}"));
    }
    let lost: Vec<MessageEntry> = house.store().snapshot(ann, INBOX).unwrap().entries().collect();
    house.close();
    let mut parts = Parts::new();
    collect_packs(&*house.disk, &house.path(), &mut parts, "before");
    let before = parts.len();

    std::fs::remove_dir_all(house.path()).unwrap();
    std::fs::create_dir(house.path()).unwrap();
    copy_dir(week.path(), &house.path());
    // A node that is started again remembers no sign-in.
    drop(owner);
    house.clock.advance(REMEMBERED_MILLIS);
    assert!(house.clock.now().0 >= REMEMBERED_MILLIS);
    house.reopen();
    assert_eq!(seen(house.store(), ann), then);
    let owner = house.vault.sign_in(ann, &PASSWORD.into()).unwrap();
    for n in 0..3 {
        house.deliver(ann, INBOX, &format!("again {n}"));
    }
    let texts = ["then 0", "then 1", "then 2", "again 0", "again 1", "again 2"];
    assert_eq!(house.texts(&owner, INBOX), texts);
    assert!(house.store().verify().is_sound());
    // The same UIDs and places, but other messages: a caller that still has the lost ones' entries gets none of the new.
    for entry in &lost[3..] {
        let opened = house.store().open_parts(&owner, std::slice::from_ref(entry), Part::Original);
        assert!(opened.map_or(true, |parts| parts.iter().all(Result::is_err)), "{entry:?}");
    }
    collect_packs(&*house.disk, &house.path(), &mut parts, "after");
    assert_eq!(parts.len(), before + 9, "three new messages of three parts");
}
