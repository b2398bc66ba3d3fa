//! The real disk keeps the trait's promises, as far as this can be tested without a power cut.

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
fn leftovers_are_not_listed_and_names_are_sorted() {
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
        // The process's umask may clear bits, never set any.
        let got = std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(got & !mode, 0, "{name}: {got:o}");
        let appended = dir.path().join(format!("{name}.append"));
        RealDisk.open_append(&appended, visibility).unwrap();
        let got = std::fs::metadata(&appended).unwrap().permissions().mode() & 0o777;
        assert_eq!(got & !mode, 0, "{name}: {got:o}");
    }
    // Even the names in a directory are private: a case's folder, an officer's file.
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

/// Lengths around the end of a block and of the buffer; the file always has the appended bytes, followed by less than a
/// block of zeros.
#[test]
fn a_file_in_blocks_has_every_byte() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("pack");
    let mut whole = Vec::new();
    let byte = |at: usize| (at % 251) as u8 + 1;
    let mut file = RealDisk.open_append_in_blocks(&path).unwrap();
    let reader = RealDisk.open_read(&path).unwrap();
    let lens = [0, 1, 4094, 1, 1, 0, 4096, 4095, 8191, 1 << 20, (1 << 20) - 1, (1 << 20) + 4097, 3 << 20, 5, 12_345];
    for (round, len) in lens.into_iter().enumerate() {
        let more: Vec<u8> = (whole.len()..whole.len() + len).map(byte).collect();
        let (left, right) = more.split_at(len / 3);
        assert_eq!(file.append(&[left, b"", right]).unwrap(), whole.len() as u64);
        file.sync().unwrap();
        whole.extend(&more);
        assert_eq!(file.len(), whole.len() as u64);
        let on_disk = RealDisk.read(&path).unwrap();
        let (bytes, behind) = on_disk.split_at(whole.len());
        assert!(
            bytes == whole && behind.len() < durable::BLOCK_BYTES && behind.iter().all(|byte| *byte == 0),
            "{round}"
        );
        let mut seen = vec![0; len];
        reader.read_exact_at(&mut seen, (whole.len() - len) as u64).unwrap();
        assert_eq!(seen, more);
        match round % 3 {
            0 => {}
            1 => {
                drop(file);
                assert_eq!(RealDisk.read(&path).unwrap().len(), whole.len(), "closing it truncates it");
                file = RealDisk.open_append_in_blocks(&path).unwrap();
            }
            _ => {
                // As after a power cut: the file has zeros after its end, and the caller knows where that is.
                std::mem::forget(file);
                file = RealDisk.open_append_in_blocks(&path).unwrap();
                assert_eq!(file.len() as usize, whole.len().next_multiple_of(durable::BLOCK_BYTES));
                whole.truncate(whole.len() - whole.len() / 5);
                file.truncate(whole.len() as u64).unwrap();
                assert_eq!(RealDisk.read(&path).unwrap(), whole);
            }
        }
    }
}

/// Readers go through the page cache while the writer bypasses it: they must see what was appended, also in the last
/// block, which is written again with the next append.
#[test]
fn a_file_in_blocks_is_read_while_it_grows() {
    use std::sync::atomic::{AtomicU64, Ordering};
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("pack");
    let mut file = RealDisk.open_append_in_blocks(&path).unwrap();
    let known = AtomicU64::new(0);
    let word = |at: u64| (at / 8).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
    std::thread::scope(|scope| {
        for reader in 0..3_u64 {
            let (known, path) = (&known, &path);
            scope.spawn(move || {
                let mut seed = reader + 1;
                let mut bytes = vec![0; 3 * durable::BLOCK_BYTES];
                let file = RealDisk.open_read(path).unwrap();
                loop {
                    let end = known.load(Ordering::Acquire);
                    if end == u64::MAX {
                        return;
                    }
                    seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    // Mostly the last appended bytes.
                    let len = (bytes.len() as u64).min(end) & !7;
                    let from = if seed >> 63 == 0 { end - len } else { ((seed >> 8) % (end - len + 1)) & !7 };
                    let bytes = &mut bytes[..len as usize];
                    file.read_exact_at(bytes, from).unwrap();
                    for (at, found) in (from..).step_by(8).zip(bytes.chunks_exact(8)) {
                        assert_eq!(found, word(at), "at {at} of {end}");
                    }
                }
            });
        }
        let mut len = 0_u64;
        for round in 0..1500_u64 {
            let more: Vec<u8> = (0..1 + round * 7919 % 1700).flat_map(|at| word(len + at * 8)).collect();
            let appended = file.append(&[&more]);
            if appended.as_ref().ok() != Some(&len) {
                // Otherwise the readers would never stop.
                known.store(u64::MAX, Ordering::Release);
            }
            assert_eq!(appended.unwrap(), len);
            len += more.len() as u64;
            known.store(len, Ordering::Release);
        }
        known.store(u64::MAX, Ordering::Release);
    });
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

/// A second name shows what is in a file's old blocks; someone who steals the disk needs no such name.
#[test]
fn replaced_and_shredded_files_are_overwritten_in_place() {
    let dir = tempfile::tempdir().unwrap();
    let (path, blocks) = (dir.path().join("keys"), dir.path().join("blocks"));
    RealDisk.replace_shredding(&path, b"the first secret", Visibility::Private).unwrap();
    std::fs::hard_link(&path, &blocks).unwrap();
    RealDisk.replace_shredding(&path, b"the second secret", Visibility::Private).unwrap();
    assert_eq!(RealDisk.read(&path).unwrap(), b"the second secret");
    let lay = std::fs::read(&blocks).unwrap();
    assert!(lay.len() >= 16 && lay.iter().all(|byte| *byte == 0x55), "{lay:?}");

    std::fs::remove_file(&blocks).unwrap();
    std::fs::hard_link(&path, &blocks).unwrap();
    RealDisk.shred(&path).unwrap();
    assert!(!RealDisk.exists(&path) && std::fs::read(&blocks).unwrap().iter().all(|byte| *byte == 0x55));
    assert_eq!(RealDisk.shred(&path).unwrap_err().kind(), ErrorKind::NotFound);

    // A plain replacement leaves the old bytes in place, so this test can tell the difference.
    std::fs::remove_file(&blocks).unwrap();
    RealDisk.write_atomic(&path, b"the third secret", Visibility::Private).unwrap();
    std::fs::hard_link(&path, &blocks).unwrap();
    RealDisk.write_atomic(&path, b"the fourth secret", Visibility::Private).unwrap();
    assert_eq!(std::fs::read(&blocks).unwrap(), b"the third secret");
}

/// What a process killed at each step leaves behind; the next one finishes the job without touching the current file.
#[test]
fn interrupted_shredding_is_finished() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let names = || RealDisk.list(dir.path()).unwrap();
    // Killed after the second name, before the replacement: both names are the current file.
    RealDisk.write_atomic(&at("a.keys"), b"old", Visibility::Private).unwrap();
    std::fs::hard_link(at("a.keys"), at(".a.keys.3.doomed")).unwrap();
    // Killed with the new file written but not in place.
    RealDisk.write_atomic(&at(".a.keys.4.tmp"), b"new", Visibility::Private).unwrap();
    // Killed after the replacement of another, and after a removal.
    RealDisk.write_atomic(&at("b.keys"), b"new", Visibility::Private).unwrap();
    for (doomed, blocks) in [(".b.keys.0.doomed", "b.blocks"), (".c.keys.1.doomed", "c.blocks")] {
        RealDisk.write_atomic(&at(doomed), b"old", Visibility::Private).unwrap();
        std::fs::hard_link(at(doomed), at(blocks)).unwrap();
    }
    assert_eq!(names(), ["a.keys", "b.blocks", "b.keys", "c.blocks"], "leftovers are not listed");
    RealDisk.finish_shredding(dir.path()).unwrap();
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 4, "the leftovers are gone");
    assert_eq!(RealDisk.read(&at("a.keys")).unwrap(), b"old");
    assert_eq!(RealDisk.read(&at("b.keys")).unwrap(), b"new");
    for blocks in ["b.blocks", "c.blocks"] {
        assert!(RealDisk.read(&at(blocks)).unwrap().iter().all(|byte| *byte == 0x55));
    }
}
