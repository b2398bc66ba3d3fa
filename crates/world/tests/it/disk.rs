//! The test disk fails as documented.

use std::io::ErrorKind;
use std::path::Path;

use durable::{Disk, Visibility};
use world::{Fault, FaultyDisk, SeededEntropy};

const FILE: &str = "/d/log";

fn disk_with(synced: &[u8], fresh: &[u8]) -> FaultyDisk {
    let disk = FaultyDisk::new();
    disk.create_dir_all(Path::new("/d")).unwrap();
    let mut file = disk.open_append(Path::new(FILE), Visibility::Private).unwrap();
    file.append(&[synced]).unwrap();
    file.sync().unwrap();
    file.append(&[fresh]).unwrap();
    disk
}

#[test]
fn a_power_cut_keeps_what_was_synced_and_tears_the_rest() {
    let (synced, fresh) = (vec![1; 700], vec![2; 3000]);
    let mut lens = std::collections::BTreeSet::new();
    for seed in 0..200 {
        let disk = disk_with(&synced, &fresh);
        disk.cut_power(&SeededEntropy::new(seed));
        let left = disk.read(Path::new(FILE)).unwrap();
        assert_eq!(left[..700], synced[..]);
        assert!(left[700..].iter().all(|byte| [0, 2].contains(byte)));
        lens.insert(left.len());
    }
    assert!(lens.contains(&700) && lens.contains(&3700) && lens.len() > 10, "{lens:?}");
}

/// A file written in blocks is padded with zeros while it is open, and after a power cut.
#[test]
fn a_file_in_blocks_has_zeros_after_its_end() {
    let mut lens = [std::collections::BTreeSet::new(), std::collections::BTreeSet::new()];
    for seed in 0..200 {
        let disk = FaultyDisk::new();
        let path = Path::new(FILE);
        let mut file = disk.open_append_in_blocks(path).unwrap();
        let reader = disk.open_read(path).unwrap();
        file.append(&[&[1; 700]]).unwrap();
        assert_eq!((file.len(), reader.len().unwrap()), (700, 4096));
        let mut end = [9; 96];
        reader.read_exact_at(&mut end, 4000).unwrap();
        assert!(end == [0; 96] && reader.read_exact_at(&mut end, 4001).is_err());
        assert_eq!(disk.read(path).unwrap().len(), 4096);
        file.sync().unwrap();
        file.append(&[&[2; 3000], &[2; 3000]]).unwrap();
        if seed % 2 == 0 {
            drop(file);
            assert_eq!(reader.len().unwrap(), 6700, "closing it truncates it");
        }
        disk.cut_power(&SeededEntropy::new(seed));
        let left = disk.read(path).unwrap();
        assert!(left[..700] == [1; 700] && left[700..].iter().all(|byte| [0, 2].contains(byte)));
        lens[seed as usize % 2].insert(left.len());
        let mut file = disk.open_append_in_blocks(path).unwrap();
        file.truncate(700).unwrap();
        assert_eq!(file.append(&[b"x"]).unwrap(), 700);
    }
    let [closed, open] = lens;
    assert_eq!(open.into_iter().collect::<Vec<_>>(), [4096, 8192]);
    assert!(closed.contains(&700) && closed.contains(&4096) && closed.contains(&6700) && closed.contains(&8192));
}

#[test]
fn a_failed_sync_loses_data_and_the_next_one_reports_success() {
    let disk = disk_with(b"kept", b"");
    let mut file = disk.open_append(Path::new(FILE), Visibility::Private).unwrap();
    file.append(&[b" lost"]).unwrap();
    disk.fail_step(disk.steps(), Fault::Failed);
    file.sync().unwrap_err();
    file.sync().unwrap();
    assert_eq!(disk.read(Path::new(FILE)).unwrap(), b"kept lost");
    disk.cut_power(&SeededEntropy::new(1));
    assert_eq!(disk.read(Path::new(FILE)).unwrap(), b"kept");
    assert!(file.append(&[b"dead"]).is_err());
}

#[test]
fn an_operation_may_fail_and_yet_persist() {
    for (fault, left) in [(Fault::Failed, &b"old"[..]), (Fault::FailedButPersisted, &b"new"[..])] {
        let disk = FaultyDisk::new();
        disk.write_atomic(Path::new("/f"), b"old", Visibility::Private).unwrap();
        disk.fail_step(disk.steps(), fault);
        disk.write_atomic(Path::new("/f"), b"new", Visibility::Private).unwrap_err();
        assert_eq!(disk.read(Path::new("/f")).unwrap(), left);
    }
}

#[test]
fn a_full_disk_refuses_until_there_is_space() {
    let disk = disk_with(b"1234", b"");
    let mut file = disk.open_append(Path::new(FILE), Visibility::Private).unwrap();
    disk.limit_space(Some(6));
    assert_eq!(file.append(&[b"567"]).unwrap_err().kind(), ErrorKind::StorageFull);
    assert_eq!(file.len(), 4);
    disk.limit_space(None);
    assert_eq!(file.append(&[b"567"]).unwrap(), 4);
    assert_eq!(disk.used_bytes(), 7);
}

#[test]
fn a_seed_gives_the_same_sequence() {
    use terms::Entropy;
    let (mut one, mut two) = ([0; 33], [0; 33]);
    SeededEntropy::new(7).fill(&mut one);
    SeededEntropy::new(7).fill(&mut two);
    assert_eq!(one, two);
    SeededEntropy::new(8).fill(&mut two);
    assert_ne!(one, two);
}

/// Someone who steals the disk finds what was only freed, and not what was overwritten.
#[test]
fn the_image_keeps_what_was_freed_and_not_what_was_shredded() {
    let disk = FaultyDisk::new();
    let holds = |what: &[u8]| disk.image().iter().any(|piece| piece == what);
    let (path, dir) = (Path::new("/d/keys"), Path::new("/d"));
    disk.create_dir_all(dir).unwrap();
    disk.write_atomic(path, b"one", Visibility::Private).unwrap();
    disk.write_atomic(path, b"two", Visibility::Private).unwrap();
    disk.replace_shredding(path, b"three", Visibility::Private).unwrap();
    assert!(holds(b"one") && !holds(b"two") && holds(b"three"));
    // Replaced, but not overwritten before the failure.
    disk.fail_step(disk.steps() + 1, Fault::Failed);
    disk.replace_shredding(path, b"four", Visibility::Private).unwrap_err();
    assert!(holds(b"three") && disk.read(path).unwrap() == b"four");
    disk.finish_shredding(dir).unwrap();
    assert!(!holds(b"three"));
    disk.shred(path).unwrap();
    assert!(!holds(b"four") && !disk.exists(path));
}
