//! The survey continues after damage, and names exactly the damaged files, each once.

use std::path::PathBuf;

use crate::support::{self, commitments, create, dir, open};
use durable::{Disk, Visibility};
use ledger::{LedgerError, survey_dir};
use world::FaultyDisk;

/// The files that a survey names.
fn named(disk: &FaultyDisk) -> Vec<PathBuf> {
    let survey = survey_dir(disk, &dir(), None);
    assert_eq!(survey.report.is_some(), survey.damages.is_empty());
    let path = |error: &LedgerError| match error {
        LedgerError::Damaged { path, .. } | LedgerError::Disk { path, .. } => path.clone(),
        other => panic!("{other}"),
    };
    survey.damages.iter().map(path).collect()
}

fn log(size: u64) -> FaultyDisk {
    let disk = FaultyDisk::new();
    create(&disk).append(&commitments(0..size - 1)).unwrap();
    open(&disk).unwrap().append(&commitments(size - 1..size)).unwrap();
    disk
}

#[test]
fn one_flipped_byte_names_its_file() {
    for size in [3, 259, 600] {
        let disk = log(size);
        assert_eq!(named(&disk), Vec::<PathBuf>::new());
        for path in support::files(&disk, &dir()) {
            let len = disk.read(&path).unwrap().len();
            for offset in (0..len).step_by(1 + len / 40) {
                disk.flip_byte(&path, offset);
                let found = named(&disk);
                if path.ends_with("vkey") {
                    // Another key is another signer: what it should have signed is reported too.
                    assert!(!found.is_empty(), "byte {offset}");
                } else {
                    assert_eq!(found, std::slice::from_ref(&path), "{size} entries, byte {offset}");
                }
                disk.flip_byte(&path, offset);
            }
        }
    }
}

#[test]
fn each_of_several_damaged_files_is_named() {
    let file = |name: &str| dir().join(name);
    for names in [
        &["checkpoint", "tile/1/000.p/2", "tile/entries/000"][..],
        &["tile/0/001", "tile/entries/000", "tile/entries/002.p/88"],
        &["tile/0/000", "tile/0/002.p/88", "tile/entries/001"],
    ] {
        let disk = log(600);
        names.iter().for_each(|name| disk.flip_byte(&file(name), 40));
        let mut found = named(&disk);
        found.sort();
        assert_eq!(found, names.iter().map(|name| file(name)).collect::<Vec<_>>());
    }
    // A bundle and the tile of its hashes are both gone: everything else is still checked.
    let disk = log(600);
    for name in ["tile/entries/000", "tile/0/000", "tile/entries/001"] {
        disk.write_atomic(&file(name), b"", Visibility::Shared).unwrap();
    }
    assert_eq!(named(&disk), ["tile/entries/000", "tile/0/000", "tile/entries/001"].map(file));
}
