//! A flipped byte anywhere is detected, in each of the three forms; so is a change by someone who updates the
//! manifests.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::{self, OnDisk, has, items, on_disk, package, tar_of};
use disclosure::{Report, verify};

fn failed(report: &Report) -> Vec<&'static str> {
    report.checks.iter().filter(|check| check.finding.is_err()).map(|check| check.name).collect()
}

/// Flips bytes of a file in turn, `step` apart, and demands that `sound` sees each.
fn flip_each(path: &Path, step: usize, sound: impl Fn() -> bool) {
    let good = fs::read(path).unwrap();
    for at in (0..good.len()).step_by(step) {
        let mut bytes = good.clone();
        bytes[at] ^= if at % 2 == 0 { 0x01 } else { 0x20 };
        fs::write(path, &bytes).unwrap();
        assert!(!sound(), "{} byte {at}", path.display());
    }
    fs::write(path, &good).unwrap();
    assert!(sound());
}

#[test]
fn the_sealed_file() {
    let made = on_disk(&package(), items());
    let OnDisk { identity, sealed, .. } = &made;
    flip_each(sealed, 29, || verify(sealed, Some(identity), None).unwrap().is_sound());
    let good = fs::read(sealed).unwrap();
    for cut in [0, 1, 100, 200, good.len() / 2, good.len() - 1] {
        fs::write(sealed, &good[..cut]).unwrap();
        assert!(!verify(sealed, Some(identity), None).unwrap().is_sound(), "cut at {cut}");
    }
    fs::write(sealed, [&good[..], &[0]].concat()).unwrap();
    assert!(!verify(sealed, Some(identity), None).unwrap().is_sound());
}

#[test]
fn the_tar_file() {
    let made = on_disk(&package(), items());
    let OnDisk { scratch, identity, sealed, .. } = &made;
    let tar = scratch.path().join("package.tar");
    fs::write(&tar, tar_of(sealed, identity)).unwrap();
    flip_each(&tar, 37, || verify(&tar, None, None).unwrap().is_sound());
}

#[test]
fn every_file_of_the_folder() {
    let made = on_disk(&package(), items());
    let OnDisk { bag, .. } = &made;
    for path in support::files(bag) {
        let len = fs::metadata(&path).unwrap().len() as usize;
        flip_each(&path, 1 + len / 24, || verify(bag, None, None).unwrap().is_sound());
        let good = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        assert!(!verify(bag, None, None).unwrap().is_sound(), "{} missing", path.display());
        fs::write(&path, &good).unwrap();
    }
    for stray in
        ["stray.txt", "data/stray", "data/messages/000009.eml", "data/ledger/000099.json", "data/ledger/000099.salt"]
    {
        fs::write(bag.join(stray), "x").unwrap();
        assert!(!verify(bag, None, None).unwrap().is_sound(), "{stray}");
        fs::remove_file(bag.join(stray)).unwrap();
    }
    assert!(verify(bag, None, None).unwrap().is_sound());
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("/etc/hostname", bag.join("data/link")).unwrap();
        assert!(!verify(bag, None, None).unwrap().is_sound());
    }
}

/// Someone changes a file and updates all four manifests: the home's signature no longer matches. Needs `bagit.py`,
/// which then calls the bag valid.
#[test]
fn updated_manifests_break_the_signature() {
    if !has("sha256sum") {
        return;
    }
    let package = package();
    let made = on_disk(&package, items());
    let OnDisk { bag, .. } = &made;
    let update = r#"
        printf x >> data/decision.txt
        for sum in 256 512; do
            find data -type f | LC_ALL=C sort | xargs sha${sum}sum > manifest-sha$sum.txt
        done
        sed -i "s/^Payload-Oxum: .*/Payload-Oxum: $(cat $(find data -type f) | wc -c).$(find data -type f | wc -l)/" bag-info.txt
        for sum in 256 512; do
            ls *.txt *.note | grep -v tagmanifest | LC_ALL=C sort | xargs sha${sum}sum > tagmanifest-sha$sum.txt
        done"#;
    let status = Command::new("sh").args(["-ec", update]).current_dir(bag).status().unwrap();
    assert!(status.success());
    assert_eq!(failed(&verify(bag, None, None).unwrap()), ["signature"]);
}

/// A complete package by someone else, with a key of the same name: it is consistent, but not signed by the home's key.
#[test]
fn a_forged_home_fails_against_the_published_key() {
    let package = package();
    let made = on_disk(&package, items());
    let OnDisk { bag, .. } = &made;
    let published = ledger::Verifier::new(package.ledger.verifier.name(), [9; 32]).unwrap();
    let report = verify(bag, None, Some(&published)).unwrap();
    assert_eq!(failed(&report), ["key", "signature", "ledger"]);
}
