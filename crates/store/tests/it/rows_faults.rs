//! What SQLite itself asks of the machine fails: each of its writes, cuts and syncs, in four ways, once and twice in a
//! row. After every refusal the process is killed, and the power is cut, and what is opened then is what was told.
//!
//! SQLite goes by no seam of ours. The tests run themselves again, in a process in which `tests/shim/failing_calls.c`
//! stands before the C library; there it also keeps what a power cut would leave (a sync that failed leaves its bytes out
//! permanently, as the kernel does). The packs are on the real disk.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use store::{Health, Settings, Store, StoreError};
use vault::SignedIn;

use crate::house::{House, INBOX, copy_dir, texts};
use crate::story::{Account, STORY, on_a_good_disk, policy, told};

/// The environment variable by which the second process knows itself: a directory of its own.
const HERE: &str = "BAILIWICK_TEST_FAILING_CALLS";

/// Small segments and frequent folds; the WAL of the rows is checkpointed every few steps.
const SMALL: Settings = Settings { segment_bytes: 900, changes_before_fold: 4, wal_pages: 24 };

/// Not done; done but reported as failed; half a write; no space.
const WAYS: [char; 4] = ['e', 'd', 'h', 's'];

/// The files that are watched.
const ROWS: [&str; 2] = ["rows.sqlite", "rows.sqlite-wal"];

/// In the first process: runs the test `name` again with the library, and holds it to its end. In the second: `run`.
fn with_failing_calls(name: &str, run: impl FnOnce(&Path)) {
    if let Some(dir) = std::env::var_os(HERE) {
        return run(Path::new(&dir));
    }
    let compiler = Command::new("cc").arg("--version").stdout(Stdio::null()).status();
    if !compiler.is_ok_and(|status| status.success()) {
        assert!(std::env::var("BAILIWICK_TOOLS").as_deref() != Ok("required"), "cc is not installed");
        println!("skipped: cc is not installed");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let library = dir.path().join("failing-calls.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/shim/failing_calls.c");
    let mut make = Command::new("cc");
    make.args(["-O1", "-shared", "-fPIC", "-o"]).arg(&library).arg(source).arg("-lpthread");
    assert!(make.status().unwrap().success());
    let mut again = Command::new(std::env::current_exe().unwrap());
    again.args(["--exact", &format!("rows_faults::{name}"), "--nocapture"]);
    let done = again.env("LD_PRELOAD", &library).env(HERE, dir.path()).output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{said}\n{}", String::from_utf8_lossy(&done.stderr));
    assert!(said.contains("1 passed"), "{said}");
}

/// The calls of SQLite on the rows of one store.
struct Calls {
    control: PathBuf,
    rows: PathBuf,
}

impl Calls {
    fn watch(dir: &Path, house: &House) -> Self {
        let rows = house.path().canonicalize().unwrap();
        let this = Self { control: dir.join("failing-calls.control"), rows };
        this.tell(&format!("watch {}", this.rows.display()));
        this
    }

    fn tell(&self, command: &str) {
        std::fs::write(&self.control, command).unwrap();
    }

    /// From here on, so many calls from the `first` on fail.
    fn arm(&self, first: u64, count: u64, way: char) {
        self.tell(&format!("arm {first} {count} {way}"));
    }

    /// How many calls there were, and how many of them failed.
    fn counted(&self) -> (u64, u64) {
        self.tell("tell");
        let told = std::fs::read_to_string(self.control.with_extension("told")).unwrap();
        let (counted, failed) = told.split_once(' ').unwrap();
        (counted.parse().unwrap(), failed.parse().unwrap())
    }

    /// What a kill leaves at this moment, elsewhere; the calls of the next process are those that are watched.
    fn kill(&mut self, next: &Path) {
        self.tell("cut");
        copy_dir(&self.rows, next);
        for name in ROWS {
            let file = |end: &str| next.join(format!("{name}{end}"));
            if file(".now").exists() {
                std::fs::rename(file(".now"), file("")).unwrap();
            }
        }
        self.rows = next.canonicalize().unwrap();
        self.tell(&format!("resume {}", self.rows.display()));
    }

    /// Opens elsewhere what a kill and what a power cut would leave at this moment. A fold may continue meanwhile: the library
    /// takes both files of the rows between two calls, and of a segment more than the rows know does no harm.
    fn after_the_end(&self, house: &House, look: impl Fn(&Store, &str)) {
        self.tell("cut");
        for (kept, dropped, how) in [("now", "cut", "killed"), ("cut", "now", "power cut")] {
            let copy = tempfile::tempdir().unwrap();
            copy_dir(&self.rows, copy.path());
            for name in ROWS {
                let file = |end: &str| copy.path().join(format!("{name}{end}"));
                for gone in [file(""), file(&format!(".{dropped}"))].iter().filter(|path| path.exists()) {
                    std::fs::remove_file(gone).unwrap();
                }
                let left = file(&format!(".{kept}"));
                if left.exists() {
                    std::fs::rename(left, file("")).unwrap();
                }
            }
            match house.open_at(copy.path()) {
                Ok(store) => look(&store, how),
                Err(error) => panic!("{how}: {error}"),
            }
        }
    }

    /// What is opened after a kill and after a power cut is one of `allowed`, and sound.
    fn check_disk(&self, house: &House, owner: &SignedIn, allowed: &[&Vec<String>], what: &str) {
        let look = |store: &Store, how: &str| {
            store.set_policy(policy());
            let told = told(store, owner);
            assert!(allowed.contains(&&told), "{what}, {how}: {told:#?}");
            let report = store.verify();
            assert!(report.is_sound(), "{what}, {how}: {:?}", report.damages);
        };
        self.after_the_end(house, look);
    }
}

fn is_refusal(error: &StoreError) -> bool {
    matches!(error, StoreError::NotStored(_) | StoreError::DiskFull | StoreError::CannotOpen(_))
}

/// Takes a step until it is acknowledged.
fn take(calls: &Calls, account: &Account<'_>, at: usize, good: &[Vec<String>], what: &str) {
    let (name, step) = STORY[at];
    let what = format!("{what}: {name}");
    let before = account.told();
    let (house, owner) = (account.house, account.owner);
    let (mut nobody_knows, both) = (false, [&before, &good[at]]);
    while let Err(error) = step(account) {
        assert!(is_refusal(&error), "{what}: {error}");
        assert_eq!(account.told(), before, "{what}: refused and left a trace");
        // Once it is unknown, a later attempt that stores nothing makes it no better.
        nobody_knows |= error != StoreError::DiskFull;
        let allowed = if nobody_knows { &both[..] } else { &both[..1] };
        calls.check_disk(house, owner, allowed, &format!("{what}: {error}"));
    }
    assert_eq!(account.told(), good[at], "{what}");
    if at % 6 == 5 {
        calls.check_disk(house, owner, &[&good[at]], &what);
    }
}

/// The story, its end and the next opening, while so many calls from the `first` on fail; how many calls there were. A
/// backup is taken in the middle, during which the WAL cannot be checkpointed completely.
fn story(dir: &Path, first: u64, count: u64, way: char, good: &[Vec<String>]) -> u64 {
    let what = format!("{count} from {first} on, way {way}");
    let mut house = House::new();
    house.settings = SMALL;
    house.reopen();
    house.store().set_policy(policy());
    let (id, owner) = house.account("ann@example.org");
    let calls = Calls::watch(dir, &house);
    calls.arm(first, count, way);
    let account = Account { house: &house, id, owner: &owner };
    let mut backup = None;
    for at in 0..STORY.len() {
        match at {
            4 => backup = Some(house.store().backup().unwrap()),
            13 => drop(backup.take()),
            _ => {}
        }
        take(&calls, &account, at, good, &what);
    }
    let last = &good[STORY.len() - 1];
    calls.check_disk(&house, &owner, &[last], &what);
    house.close();
    calls.check_disk(&house, &owner, &[last], &format!("{what}, closed"));
    while let Err(error) = house.try_reopen() {
        assert!(is_refusal(&error), "{what}: {error}");
        calls.check_disk(&house, &owner, &[last], &format!("{what}: {error}"));
    }
    house.store().set_policy(policy());
    assert_eq!(told(house.store(), &owner), *last, "{what}");
    let (counted, _) = calls.counted();
    calls.arm(0, 0, way);
    house.deliver(id, INBOX, "after");
    assert_eq!(house.store().health(), Health::Fine, "{what}");
    calls.check_disk(&house, &owner, &[&told(house.store(), &owner)], &format!("{what}, after"));
    counted
}

fn every_call_fails(name: &str, way: char) {
    with_failing_calls(name, |dir| {
        let good = on_a_good_disk();
        let calls = each_place(|first, count| story(dir, first, count, way, &good));
        assert!(calls > 60, "{calls}");
    });
}

/// Runs `run` with one call failing, and two in a row, at each place, which is until it tells of fewer calls; how many there
/// were. A change need not wait for all: without `BAILIWICK_NIGHTLY` some places are left out.
fn each_place(run: impl Fn(u64, u64) -> u64) -> u64 {
    let all = std::env::var_os("BAILIWICK_NIGHTLY").is_some();
    let mut calls = 0;
    for (count, stride) in [(1, 3), (2, 11)] {
        let mut first = 0;
        while first <= calls {
            calls = run(first, count);
            first += if all { 1 } else { stride };
        }
    }
    calls
}

#[test]
fn each_call_is_not_done() {
    every_call_fails("each_call_is_not_done", 'e');
}

#[test]
fn each_call_is_done_and_told_as_failed() {
    every_call_fails("each_call_is_done_and_told_as_failed", 'd');
}

#[test]
fn each_call_is_half_done() {
    every_call_fails("each_call_is_half_done", 'h');
}

#[test]
fn each_call_finds_no_space() {
    every_call_fails("each_call_finds_no_space", 's');
}

/// Six sessions deliver at once while a call fails: who was told `Ok` finds the message after a kill and a power cut.
fn sessions(dir: &Path, first: u64, way: char) -> u64 {
    let what = format!("{first}, way {way}");
    let mut house = House::new();
    house.settings = SMALL;
    house.reopen();
    let (ann, owner) = house.account("ann@example.org");
    let calls = Calls::watch(dir, &house);
    calls.arm(first, 1, way);
    let acknowledged: Mutex<BTreeSet<String>> = Mutex::default();
    std::thread::scope(|scope| {
        for session in 0..6 {
            let (house, acknowledged, what) = (&house, &acknowledged, &what);
            scope.spawn(move || {
                for n in 0..4 {
                    let text = format!("message {n} of session {session}");
                    match house.store().append(vec![house.message(ann, INBOX, &text)]) {
                        Ok(_) => drop(acknowledged.lock().unwrap().insert(text)),
                        Err(error) => assert!(is_refusal(&error), "{what}: {error}"),
                    }
                }
            });
        }
    });
    let acknowledged = acknowledged.into_inner().unwrap();
    let look = |store: &Store, how: &str| {
        let stored = texts(store, &owner, INBOX);
        let once: BTreeSet<String> = stored.iter().cloned().collect();
        assert_eq!(once.len(), stored.len(), "{what}, {how}: twice");
        assert!(acknowledged.is_subset(&once), "{what}, {how}: lost");
        assert!(store.verify().is_sound(), "{what}, {how}: {:?}", store.verify().damages);
    };
    look(house.store(), "running");
    let (_, failed) = calls.counted();
    calls.after_the_end(&house, look);
    failed
}

#[test]
fn nobody_who_waits_is_told_of_what_failed() {
    with_failing_calls("nobody_who_waits_is_told_of_what_failed", |dir| {
        for way in WAYS {
            let failed: u64 = (0..36).step_by(3).map(|first| sessions(dir, first, way)).sum();
            assert!(failed > 6, "{failed} of 12, way {way}");
        }
    });
}

/// Messages are delivered until one is refused; then the process is killed, the next one takes two more, and the power is
/// cut: the next one may have found what was not on the disk. How many calls there were.
fn killed_and_cut(dir: &Path, first: u64, count: u64, way: char) -> u64 {
    let what = format!("{count} from {first} on, way {way}");
    let mut house = House::new();
    house.settings = SMALL;
    house.reopen();
    let (ann, owner) = house.account("ann@example.org");
    let mut calls = Calls::watch(dir, &house);
    calls.arm(first, count, way);
    let mut acknowledged = BTreeSet::new();
    for n in 0..12 {
        let text = format!("message {n}");
        match house.store().append(vec![house.message(ann, INBOX, &text)]) {
            Ok(_) => drop(acknowledged.insert(text)),
            Err(error) => {
                assert!(is_refusal(&error), "{what}: {error}");
                break;
            }
        }
    }
    let next = tempfile::tempdir().unwrap();
    calls.kill(next.path());
    let store = loop {
        match house.open_at(&calls.rows) {
            Ok(store) => break store,
            Err(error) => assert!(is_refusal(&error), "{what}: {error}"),
        }
    };
    for text in ["one that is built on it", "another"] {
        while let Err(error) = store.append(vec![house.message(ann, INBOX, text)]) {
            assert!(is_refusal(&error), "{what}: {error}");
        }
        acknowledged.insert(text.to_owned());
        let look = |store: &Store, how: &str| {
            let stored = texts(store, &owner, INBOX);
            let once: BTreeSet<String> = stored.iter().cloned().collect();
            assert_eq!(once.len(), stored.len(), "{what}, {how}: twice");
            assert!(acknowledged.is_subset(&once), "{what}, {how}: lost {:?}", acknowledged.difference(&once));
            assert!(store.verify().is_sound(), "{what}, {how}: {:?}", store.verify().damages);
        };
        calls.after_the_end(&house, look);
    }
    calls.counted().0
}

#[test]
fn what_is_built_after_a_kill_lasts() {
    with_failing_calls("what_is_built_after_a_kill_lasts", |dir| {
        for way in WAYS {
            let calls = each_place(|first, count| killed_and_cut(dir, first, count, way));
            assert!(calls > 30, "{calls}");
        }
    });
}

#[test]
fn a_wal_that_cannot_be_checkpointed_is_reported() {
    with_failing_calls("a_wal_that_cannot_be_checkpointed_is_reported", |dir| {
        let mut house = House::new();
        // It is checkpointed after every commit, and nothing is folded.
        house.settings = Settings { wal_pages: 1, ..Settings::default() };
        house.reopen();
        let (ann, owner) = house.account("ann@example.org");
        let calls = Calls::watch(dir, &house);
        let (mut told, mut texts_stored) = (0, Vec::new());
        // It is refused before anything is written, when its turn comes.
        let what_came_before_is_over = || assert!(house.store().create_mailbox(ann, "INBOX", None).is_err());
        what_came_before_is_over();
        for first in 0.. {
            calls.arm(first, 1, 'e');
            let text = format!("message {first}");
            let stored = house.store().append(vec![house.message(ann, INBOX, &text)]).is_ok();
            what_came_before_is_over();
            let (_, failed) = calls.counted();
            let health = house.store().health();
            assert_eq!(health == Health::Fine, failed == 0, "{first}: {health:?}");
            assert_eq!(matches!(health, Health::WalStuck(_)), stored && failed > 0, "{first}: {health:?}");
            told += u64::from(stored && failed > 0);
            texts_stored.extend(stored.then_some(text));
            assert_eq!(texts(house.store(), &owner, INBOX), texts_stored);
            if failed == 0 {
                break;
            }
        }
        assert!(told > 1, "{told}");
    });
}

/// An SQL shell that closes the rows while the node holds no lock on them takes itself for the last user, and removes
/// the log: SQLite 3.40 does, 3.54 does not, and what the node commits from then on is in a file without a name.
#[test]
fn the_rows_stay_locked_when_the_node_starts_over() {
    with_failing_calls("the_rows_stay_locked_when_the_node_starts_over", |dir| {
        let house = House::new();
        let (ann, _) = house.account("ann@example.org");
        let calls = Calls::watch(dir, &house);
        let is_locked = || {
            let inode = calls.rows.join("rows.sqlite").metadata().unwrap().ino();
            let locks = std::fs::read_to_string("/proc/locks").unwrap();
            let here = (std::process::id().to_string(), format!(":{inode}"));
            locks.lines().map(|lock| lock.split_whitespace().collect::<Vec<_>>()).any(|lock| {
                lock.get(1) == Some(&"POSIX") && lock.get(4) == Some(&here.0.as_str()) && lock[5].ends_with(&here.1)
            })
        };
        assert!(is_locked(), "at first");
        calls.arm(0, 1, 'e');
        house.store().append(vec![house.message(ann, INBOX, "refused")]).unwrap_err();
        house.deliver(ann, INBOX, "one");
        assert!(is_locked(), "after a failure");
    });
}
