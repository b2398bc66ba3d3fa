//! What a power cut leaves after the last acknowledged byte: a beginning of what came next, up to any byte, or sectors of
//! it that were never written. It was acknowledged to nobody, and is cut off at opening, complete or torn.

use std::fs;
use std::path::Path;

use store::StoreError;
use terms::AccountId;
use vault::SignedIn;

use crate::house::{House, INBOX, copy_dir, texts};

/// A house with two messages, as it is on the disk then, and as it is with a third.
struct Two {
    house: House,
    ann: AccountId,
    owner: SignedIn,
    before: tempfile::TempDir,
    after: tempfile::TempDir,
    /// How long the segment is with two messages, and with three; behind that the last block has zeros.
    tails: (usize, usize),
}

impl Two {
    fn new() -> Self {
        let house = House::new();
        let (ann, owner) = house.account("ann@example.org");
        let (before, after) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        house.deliver(ann, INBOX, "one");
        house.deliver(ann, INBOX, "two");
        // Nothing is dead in it.
        let tail = |house: &House| house.store().verify().live_bytes as usize + 24;
        copy_dir(&house.path(), before.path());
        let known = tail(&house);
        house.deliver(ann, INBOX, "three");
        copy_dir(&house.path(), after.path());
        let tails = (known, tail(&house));
        Self { house, ann, owner, before, after, tails }
    }

    /// The bytes of a file with two messages, and with three.
    fn bytes(&self, file: &str) -> (Vec<u8>, Vec<u8>) {
        let read = |dir: &tempfile::TempDir| fs::read(dir.path().join(file)).unwrap();
        (read(&self.before), read(&self.after))
    }

    /// Opens what is in `dir`; returns how many messages are there. They have their bytes, nothing is damaged, nothing is in
    /// the packs that no row knows, and the next message goes in and is there.
    fn open(&self, dir: &Path, what: &str) -> usize {
        let store = self.house.open_at(dir).unwrap_or_else(|error| panic!("{what}: {error}"));
        let report = store.verify();
        assert!(report.is_sound(), "{what}: {:?}", report.damages);
        assert_eq!(report.pack_bytes, report.live_bytes + 24, "{what}");
        let count = store.snapshot(self.ann, INBOX).unwrap().len() as usize;
        let expected: Vec<&str> = ["one", "two", "three"].into_iter().take(count).collect();
        assert_eq!(texts(&store, &self.owner, INBOX), expected, "{what}");
        // Each of these stores has another epoch of the same number; the one vault of this house knows one, so that its
        // bytes are checked by their sums.
        store.append(vec![self.house.message(self.ann, INBOX, "after")]).unwrap();
        assert_eq!(store.snapshot(self.ann, INBOX).unwrap().len() as usize, count + 1, "{what}");
        assert!(store.verify().is_sound(), "{what}");
        count
    }
}

#[test]
fn a_segment_torn_at_any_byte_is_cut() {
    let two = Two::new();
    let (mut known, mut whole) = two.bytes("packs/00000001.pack");
    let block = known.len().max(whole.len());
    assert!(known[two.tails.0..].iter().chain(&whole[two.tails.1..]).all(|&byte| byte == 0));
    known.truncate(two.tails.0);
    whole.truncate(two.tails.1);
    let fresh = &whole[known.len()..];
    assert!(whole.starts_with(&known) && fresh.len() > 150, "{}", fresh.len());
    let dir = tempfile::tempdir().unwrap();
    for cut in 0..=fresh.len() {
        // By turns: the file ends there; the rest was never written; the beginning was never written. In each way with and without
        // what fills the last block.
        let mut torn = known.clone();
        match cut % 3 {
            0 => torn.extend(&fresh[..cut]),
            1 => torn.extend([&fresh[..cut], &vec![0; fresh.len() - cut][..]].concat()),
            _ => torn.extend([&vec![0; cut][..], &fresh[cut..]].concat()),
        }
        if cut % 2 == 0 {
            torn.resize(block, 0);
        }
        fs::remove_dir_all(dir.path()).unwrap();
        fs::create_dir(dir.path()).unwrap();
        copy_dir(two.before.path(), dir.path());
        fs::write(dir.path().join("packs/00000001.pack"), torn).unwrap();
        assert_eq!(two.open(dir.path(), &format!("cut at {cut}")), 2);
    }
}

#[test]
fn a_log_of_rows_torn_at_any_boundary_is_cut() {
    /// SQLite's: a frame of the log is a header and a page.
    const FRAME_BYTES: usize = 24 + 4096;
    let two = Two::new();
    let (known, whole) = two.bytes("rows.sqlite-wal");
    assert!(whole.starts_with(&known) && (whole.len() - known.len()).is_multiple_of(FRAME_BYTES));
    let frames = (whole.len() - known.len()) / FRAME_BYTES;
    assert!(frames >= 2, "{frames}");
    let dir = tempfile::tempdir().unwrap();
    let check = |log: &[u8], what: &str| {
        fs::remove_dir_all(dir.path()).unwrap();
        fs::create_dir(dir.path()).unwrap();
        copy_dir(two.after.path(), dir.path());
        fs::write(dir.path().join("rows.sqlite-wal"), log).unwrap();
        two.open(dir.path(), what)
    };
    for frame in 0..frames {
        for inside in [0, 1, 8, 16, 23, 24, 25, 512, 2048, FRAME_BYTES - 1] {
            let cut = known.len() + frame * FRAME_BYTES + inside;
            assert_eq!(check(&whole[..cut], &format!("cut at {inside} of frame {frame}")), 2);
        }
        // The file has its length, and one sector of this frame was never written.
        for sector in [0, 3, 7] {
            let at = known.len() + frame * FRAME_BYTES + sector * 512;
            let mut torn = whole.clone();
            if torn[at..at + 512].iter().all(|&byte| byte == 0) {
                continue;
            }
            torn[at..at + 512].fill(0);
            assert_eq!(check(&torn, &format!("sector {sector} of frame {frame}")), 2);
        }
    }
    assert_eq!(check(&whole, "whole"), 3);
}

#[test]
fn no_commit_can_be_missing() {
    let two = Two::new();
    let open = |sql: &str| -> Result<(), StoreError> {
        let dir = tempfile::tempdir().unwrap();
        copy_dir(two.after.path(), dir.path());
        let rows = rusqlite::Connection::open(dir.path().join("rows.sqlite")).unwrap();
        rows.execute_batch(sql).unwrap();
        drop(rows);
        two.house.open_at(dir.path()).map(drop)
    };
    assert_eq!(open(""), Ok(()));
    let last: i64 = {
        let rows = rusqlite::Connection::open(two.after.path().join("rows.sqlite")).unwrap();
        rows.query_row("SELECT max(seq) FROM commits", [], |row| row.get(0)).unwrap()
    };
    assert!(last >= 4, "{last}");
    // The last one, too: the account's changes go further than the commits then.
    for seq in 1..=last {
        let opened = open(&format!("DELETE FROM commits WHERE seq = {seq}"));
        assert!(matches!(opened, Err(StoreError::Damaged(_))), "{seq}: {opened:?}");
    }
}
