//! `age`, `tar`, `sha256sum`, `sha512sum` and `bagit.py` open and accept a package, and each notices one flipped byte.
//! Each runs where it is installed.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::{self, NOW, OnDisk, has, items, on_disk, package};

fn succeeds(folder: &Path, script: &str) -> bool {
    Command::new("sh").args(["-ec", script]).current_dir(folder).output().unwrap().status.success()
}

fn flipped<T>(path: &Path, at: usize, run: impl FnOnce() -> T) -> T {
    let good = fs::read(path).unwrap();
    let mut bytes = good.clone();
    bytes[at] ^= 1;
    fs::write(path, bytes).unwrap();
    let outcome = run();
    fs::write(path, good).unwrap();
    outcome
}

#[test]
fn age_and_tar() {
    if !has("age") || !has("tar") {
        return;
    }
    let made = on_disk(&package(), items());
    let OnDisk { scratch, identity, sealed, bag } = &made;
    let folder = scratch.path();
    fs::write(folder.join("key.txt"), identity.to_file(NOW).expose()).unwrap();
    let open = "age -d -i key.txt package.tar.age > package.tar";
    assert!(succeeds(folder, &format!("{open} && mkdir by-tar && tar -xf package.tar -C by-tar")));
    let (ours, theirs) = (support::files(bag), support::files(&folder.join("by-tar/IE-case-7")));
    assert_eq!(ours.len(), theirs.len());
    for (ours, theirs) in ours.iter().zip(&theirs) {
        assert_eq!(fs::read(ours).unwrap(), fs::read(theirs).unwrap(), "{}", theirs.display());
    }
    for at in [0, 60, 300, 5000] {
        assert!(!flipped(sealed, at, || succeeds(folder, open)), "byte {at}");
    }
}

#[test]
fn sums() {
    if !has("sha256sum") || !has("sha512sum") {
        return;
    }
    let made = on_disk(&package(), items());
    let OnDisk { bag, .. } = &made;
    let check = "for sum in 256 512; do sha${sum}sum --strict -c manifest-sha$sum.txt tagmanifest-sha$sum.txt; done";
    assert!(succeeds(bag, check));
    // The signed statement has the same format, between its second line and the empty one.
    assert!(succeeds(bag, "sed -n '3,/^$/p' signature.note | grep . | sha256sum --strict -c"));
    // The commitment of a ledger entry can be computed by hand; the proof starts from its leaf.
    let commitment = "(printf 'bailiwick/ledger/commitment/v1\\0'; xxd -r -p data/ledger/000001.salt; \
        cat data/ledger/000001.json) | sha256sum | cut -c 1-64";
    if has("xxd") {
        let found = Command::new("sh").args(["-ec", commitment]).current_dir(bag).output().unwrap().stdout;
        let commitment = terms::hex(&package().ledger.entries[0].0.commitment().0);
        assert_eq!(String::from_utf8(found).unwrap().trim_end(), commitment);
    }
    for path in ["data/messages/000002.eml", "data/items.json", "bag-info.txt", "signature.note"] {
        assert!(!flipped(&bag.join(path), 3, || succeeds(bag, check)), "{path}");
    }
}

#[test]
fn bagit() {
    if !has("bagit.py") {
        return;
    }
    let made = on_disk(&package(), items());
    let OnDisk { bag, .. } = &made;
    let check = "bagit.py --validate .";
    assert!(succeeds(bag, check));
    for path in ["data/messages/000002.eml", "data/items.json", "bag-info.txt", "signature.note", "manifest-sha256.txt"]
    {
        assert!(!flipped(&bag.join(path), 3, || succeeds(bag, check)), "{path}");
    }
}
