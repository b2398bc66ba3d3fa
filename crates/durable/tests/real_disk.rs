//! The real disk keeps the trait's promises, as far as a test without a power cut can see.

use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;

use durable::{Disk, RealDisk, Visibility};

#[test]
fn an_atomic_write_replaces_and_leaves_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a/b/file");
    RealDisk.create_dir_all(file.parent().unwrap()).unwrap();
    RealDisk.create_dir_all(file.parent().unwrap()).unwrap();
    assert!(!RealDisk.exists(&file));
    for bytes in [&b"first"[..], b"", b"second and longer"] {
        RealDisk.write_atomic(&file, bytes, Visibility::Private).unwrap();
        assert_eq!(RealDisk.read(&file).unwrap(), bytes);
    }
    assert_eq!(RealDisk.list(file.parent().unwrap()).unwrap(), ["file"]);
    assert_eq!(std::fs::read_dir(file.parent().unwrap()).unwrap().count(), 1);
    RealDisk.remove(&file).unwrap();
    assert_eq!(RealDisk.remove(&file).unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn left_overs_are_not_listed_and_names_are_sorted() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["b", "a", ".a.7.tmp", ".hidden"] {
        RealDisk.write_atomic(&dir.path().join(name), b"", Visibility::Shared).unwrap();
    }
    assert_eq!(RealDisk.list(dir.path()).unwrap(), [".hidden", "a", "b"]);
}

#[test]
fn modes_follow_the_visibility() {
    let dir = tempfile::tempdir().unwrap();
    for (name, visibility, mode) in [("p", Visibility::Private, 0o600), ("s", Visibility::Shared, 0o644)] {
        let path = dir.path().join(name);
        RealDisk.write_atomic(&path, b"x", visibility).unwrap();
        // The process's umask may take bits away, never add any.
        let got = std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(got & !mode, 0, "{name}: {got:o}");
        let appended = dir.path().join(format!("{name}.append"));
        RealDisk.open_append(&appended, visibility).unwrap();
        let got = std::fs::metadata(&appended).unwrap().permissions().mode() & 0o777;
        assert_eq!(got & !mode, 0, "{name}: {got:o}");
    }
    // Even the names of what lies there are nobody's: a case's folder, an officer's file.
    RealDisk.create_dir_all(&dir.path().join("a/b")).unwrap();
    for made in ["a", "a/b"] {
        assert_eq!(std::fs::metadata(dir.path().join(made)).unwrap().permissions().mode() & 0o077, 0);
    }
}

#[test]
fn appends_continue_and_reads_follow() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let mut file = RealDisk.open_append(&path, Visibility::Private).unwrap();
    assert!(file.is_empty());
    let reader = RealDisk.open_read(&path).unwrap();
    assert_eq!(file.append(&[b"", b"one", b"", b"two"]).unwrap(), 0);
    assert_eq!(file.append(&[]).unwrap(), 6);
    assert_eq!(file.append(&[b""]).unwrap(), 6);
    file.sync().unwrap();
    drop(file);
    let mut file = RealDisk.open_append(&path, Visibility::Private).unwrap();
    assert_eq!(file.len(), 6);
    assert_eq!(file.append(&[b"three"]).unwrap(), 6);
    file.truncate(4).unwrap();
    assert_eq!(file.append(&[b"X"]).unwrap(), 4);
    let mut buf = [0; 5];
    reader.read_exact_at(&mut buf, 0).unwrap();
    assert_eq!(&buf, b"onetX");
    assert_eq!(reader.len().unwrap(), 5);
    assert_eq!(reader.read_exact_at(&mut buf, 1).unwrap_err().kind(), ErrorKind::UnexpectedEof);
}

#[test]
fn many_pieces_in_one_append() {
    // More than IOV_MAX (1,024 on Linux) slices: the write is split, the bytes are not.
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let pieces: Vec<Vec<u8>> = (0..3000_u32).map(|n| vec![n as u8; n as usize % 7]).collect();
    let slices: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
    let mut file = RealDisk.open_append(&path, Visibility::Private).unwrap();
    file.append(&slices).unwrap();
    assert_eq!(RealDisk.read(&path).unwrap(), pieces.concat());
    assert_eq!(file.len(), pieces.concat().len() as u64);
}
