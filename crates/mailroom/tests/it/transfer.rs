//! Import and export: every byte that goes in comes out, once, whatever happens on the way.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::support::{NOW, Room};
use durable::{Disk, RealDisk};
use mailroom::export::{self, ExportError, ExportPlan, ExportReport};
use mailroom::import::{self, ImportError, ImportPlan, ImportReport, Progress};
use store::FlagSet;
use terms::UnixMillis;
use world::{Fault, FaultyDisk, SeededEntropy};

const ANN: &str = "ann@ie.example";

/// The longest message of these imports: longer than any of the real mail.
const MESSAGE_BYTES_MAX: u64 = 2 * 1024 * 1024;

struct Case {
    room: Room,
    outside: tempfile::TempDir,
}

impl Case {
    fn new() -> Self {
        Self { room: Room::new(&[&[ANN]]), outside: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.outside.path().join(name)
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    fn import_on(&self, disk: &dyn Disk, source: &Path, mailbox: &str) -> Result<ImportReport, ImportError> {
        let plan = ImportPlan {
            account: self.room.account(ANN),
            mailbox: mailbox.to_owned(),
            source: source.to_owned(),
            files: Arc::new(durable::OwnFiles),
            journal_dir: self.room.dir.path().join("import"),
            message_bytes_max: MESSAGE_BYTES_MAX,
        };
        let mut steps: Vec<Progress> = Vec::new();
        let report = import::run(&self.room.mailroom, disk, &plan, &mut |step| steps.push(step))?;
        let last = steps.last().unwrap();
        assert!(steps.iter().all(|step| step.total == last.total), "the number is known from the start");
        assert!(steps.is_sorted_by_key(|step| step.done));
        assert_eq!(last.done, last.total);
        assert_eq!(last.done, report.imported + report.already_in + report.failed);
        assert_eq!(last.failed, report.failed);
        Ok(report)
    }

    fn import(&self, source: &Path, mailbox: &str) -> ImportReport {
        self.import_on(&RealDisk, source, mailbox).unwrap()
    }

    fn export(&self, target: &Path) -> Result<ExportReport, ExportError> {
        let right = self.room.sign_in(self.room.account(ANN));
        let plan = ExportPlan { target: target.to_owned(), files: Arc::new(durable::OwnFiles) };
        export::run(&self.room.mailroom, &right, &plan, &mut |_| {})
    }

    /// The messages of a mailbox in the order of their UIDs: bytes, flags, internal date, arrival.
    fn messages(&self, mailbox: &str) -> Vec<(Vec<u8>, FlagSet, UnixMillis, UnixMillis)> {
        let account = self.room.account(ANN);
        let store = &self.room.mailroom.store;
        let view = store.snapshot(account, store.mailbox_named(account, mailbox).unwrap().id).unwrap();
        let entries: Vec<_> = view.entries().collect();
        let originals = store.open_parts(&self.room.sign_in(account), &entries, vault::Part::Original).unwrap();
        let prefixes = store.open_parts(&self.room.sign_in(account), &entries, vault::Part::Prefix).unwrap();
        assert!(prefixes.into_iter().all(|prefix| prefix.unwrap().is_empty()), "imported mail has no trace of ours");
        let rows = entries.into_iter().zip(originals);
        rows.map(|(entry, original)| (original.unwrap(), (*entry.flags).clone(), entry.internal_date, entry.arrival))
            .collect()
    }

    fn originals(&self, mailbox: &str) -> Vec<Vec<u8>> {
        self.messages(mailbox).into_iter().map(|(original, ..)| original).collect()
    }
}

fn set_modified(path: &Path, seconds: u64) {
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    File::options().append(true).open(path).unwrap().set_modified(time).unwrap();
}

fn files_below(dir: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { out.extend(files_below(&path)) } else { out.push(path) }
    }
    out.sort();
    out
}

/// How often each content is there.
fn counted(contents: impl IntoIterator<Item = Vec<u8>>) -> BTreeMap<Vec<u8>, usize> {
    let mut out = BTreeMap::new();
    for content in contents {
        *out.entry(content).or_default() += 1;
    }
    out
}

fn exported(target: &Path) -> Vec<Vec<u8>> {
    let is_message = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "eml");
    files_below(target).into_iter().filter(is_message).map(|path| fs::read(path).unwrap()).collect()
}

#[test]
fn a_folder_goes_in_and_comes_out() {
    let case = Case::new();
    let odd: [(&str, &[u8]); 7] = [
        ("a.eml", b"From x Thu Aug 22 12:36:23 2002\nSubject: kept with its From line\n\nx\n"),
        ("b/deep/c.eml", b"Received: by x; Thu, 22 Aug 2002 18:26:25 +0700\r\nSubject: y\r\n\r\n"),
        ("b/again.eml", b"Subject: twice\n\n"),
        ("b/again2.eml", b"Subject: twice\n\n"),
        ("empty", b""),
        ("image.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\xff"),
        (".hidden", b"no newline, no header"),
    ];
    for (name, bytes) in odd {
        set_modified(&case.file(&format!("mail/{name}"), bytes), 1_000_000_000);
    }
    std::os::unix::fs::symlink("nowhere", case.path("mail/link")).unwrap();
    let report = case.import(&case.path("mail"), "Old/2002");
    assert_eq!((report.imported, report.already_in, report.failed), (7, 0, 1));
    assert!(report.failures[0].what.ends_with("link"));
    assert_eq!(counted(case.originals("Old/2002")), counted(odd.iter().map(|(_, bytes)| bytes.to_vec())));

    // By name: .hidden, a.eml, b/again, b/again2, b/deep/c, empty, image.
    let dates: Vec<String> = case.messages("Old/2002").iter().map(|(_, _, date, _)| date.rfc3339()).collect();
    assert_eq!(dates[0], "2001-09-09T01:46:40Z", "the file's time when the message says nothing");
    assert_eq!((dates[1].as_str(), dates[4].as_str()), ("2002-08-22T12:36:23Z", "2002-08-22T11:26:25Z"));
    assert!(case.messages("Old/2002").iter().all(|(_, _, date, arrival)| date == arrival));

    let out = case.path("out");
    let report = case.export(&out).unwrap();
    assert_eq!((report.exported, report.already_there, report.failed), (7, 0, 0));
    assert_eq!(counted(exported(&out)), counted(odd.iter().map(|(_, bytes)| bytes.to_vec())));
    assert_eq!(fs::read(out.join("Old/2002/000002.eml")).unwrap(), odd[0].1);
}

/// One limit on every way in: a longer message is not read, and the report says which and why.
#[test]
fn a_message_over_the_limit_stays_outside() {
    let case = Case::new();
    let most = usize::try_from(MESSAGE_BYTES_MAX).unwrap();
    case.file("mail/a.eml", &[b"Subject: a\n\n".to_vec(), vec![b'x'; most - 12]].concat());
    case.file("mail/b.eml", &[b"Subject: b\n\n".to_vec(), vec![b'x'; most - 11]].concat());
    let report = case.import(&case.path("mail"), "INBOX");
    assert_eq!((report.imported, report.failed), (1, 1), "{report:?}");
    let failure = &report.failures[0];
    assert!(failure.what.ends_with("b.eml") && failure.why.contains("message_size_bytes_max"), "{failure:?}");
}

#[test]
fn a_maildir_keeps_flags_dates_and_folders() {
    let case = Case::new();
    for (seconds, name) in [
        (1_100_000_003, "md/cur/1.a:2,FRS"),
        (1_100_000_001, "md/cur/2.b:2,Pa"),
        (1_100_000_002, "md/new/3.c"),
        (1_100_000_004, "md/tmp/4.undelivered"),
        (4_100_000_000, "md/.Sent/cur/5.d:2,DT"),
        (1_100_000_005, "md/.Entw&APw-rfe.Alt/new/6.e"),
        (1_100_000_006, "md/Plain/Below/cur/7.f:2,"),
    ] {
        set_modified(&case.file(name, format!("Subject: {name}\n\n").as_bytes()), seconds);
    }
    case.file("md/dovecot-keywords", b"0 $Junk\n");
    case.file("md/maildirfolder", b"");
    let report = case.import(&case.path("md"), "inbox");
    assert_eq!((report.imported, report.failed), (6, 0), "{report:?}");

    let shown = |mailbox: &str| -> Vec<(String, u8, Vec<String>, i64)> {
        let messages = case.messages(mailbox).into_iter();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        messages
            .map(|(bytes, flags, date, _)| (text(bytes), flags.system, flags.keywords.into_iter().collect(), date.0))
            .collect()
    };
    let line = |name: &str| format!("Subject: md/{name}\n\n");
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    assert_eq!(
        shown("INBOX"),
        [
            (line("cur/2.b:2,Pa"), 0, words(&["$Forwarded", "$Junk"]), 1_100_000_001_000),
            (line("new/3.c"), 0, vec![], 1_100_000_002_000),
            (line("cur/1.a:2,FRS"), FlagSet::FLAGGED | FlagSet::ANSWERED | FlagSet::SEEN, vec![], 1_100_000_003_000),
        ]
    );
    let draft = FlagSet::DRAFT | FlagSet::DELETED;
    assert_eq!(shown("Sent"), [(line(".Sent/cur/5.d:2,DT"), draft, vec![], NOW.0)], "a date to come is now");
    assert_eq!(shown("Entwürfe/Alt").len(), 1);
    assert_eq!(shown("Plain/Below").len(), 1);
    let account = case.room.account(ANN);
    assert!(case.room.mailroom.store.subscriptions(account).unwrap().contains(&"Sent".to_owned()));

    let report = case.import(&case.path("md"), "Below");
    assert_eq!(report.imported, 6, "another mailbox is another import");
    assert_eq!(shown("Below/Sent").len(), 1);
    // A client marked one as read, which renames its file.
    fs::rename(case.path("md/new/3.c"), case.path("md/cur/3.c:2,S")).unwrap();
    let report = case.import(&case.path("md"), "inbox");
    assert_eq!((report.imported, report.already_in), (0, 6));
}

/// The node reads files that the owner of a Maildir may not: a link would bring them into the owner's mailbox.
#[test]
fn links_and_special_files_stay_outside() {
    let case = Case::new();
    let link = |to: &str, name: &str| std::os::unix::fs::symlink(to, case.path(name)).unwrap();
    case.file("secret", b"the node's own");
    case.file("elsewhere/cur/1", b"Subject: another's\n\n");
    case.file("md/cur/1:2,S", b"Subject: mine\n\n");
    case.file("md/new/2", b"Subject: mine too\n\n");
    case.file("md/cur/folder/3", b"");
    link("../../secret", "md/cur/4:2,S");
    link("nowhere", "md/new/5");
    link("..", "md/.Above");
    link(".", "md/Again");
    link("../elsewhere", "md/.Elsewhere");
    link("../secret", "md/dovecot-keywords");
    fs::create_dir_all(case.path("md/.Linked/new")).unwrap();
    link("../../elsewhere/cur", "md/.Linked/cur");
    let socket = case.path("md/new/6");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let report = case.import(&case.path("md"), "INBOX");
    assert_eq!((report.imported, report.failed), (2, 7), "{report:?}");
    assert!(report.failures.iter().all(|failure| failure.why.contains("links are not followed")), "{report:?}");

    assert!(matches!(case.import_on(&RealDisk, &socket, "INBOX"), Err(ImportError::Source(..))));
    assert!(matches!(case.import_on(&RealDisk, Path::new("/dev/zero"), "INBOX"), Err(ImportError::Source(..))));
    // The source itself the operator named.
    link("md", "named");
    assert_eq!(case.import(&case.path("named"), "INBOX").already_in, 2);
}

#[test]
fn an_mbox_is_split_byte_for_byte() {
    let case = Case::new();
    let mbox = case.file(
        "Archive.mbox",
        b"From a@b Thu Aug 22 12:36:23 2002\nSubject: 1\nStatus: RO\nX-Status: AF\n\n>From here\n\n\
          From c@d Fri Aug 23 12:36:23 2002\nStatus: Rejected\nSubject: 2\n\nFrom now on.\n",
    );
    let report = case.import(&mbox, "INBOX");
    assert_eq!((report.imported, report.failed), (2, 0));
    let messages = case.messages("INBOX");
    assert_eq!(messages[0].0, b"Subject: 1\nStatus: RO\nX-Status: AF\n\n>From here\n");
    assert_eq!(messages[0].1, FlagSet::system(FlagSet::SEEN | FlagSet::ANSWERED | FlagSet::FLAGGED));
    assert_eq!(messages[0].2.rfc3339(), "2002-08-22T12:36:23Z");
    assert_eq!(messages[1].0, b"Status: Rejected\nSubject: 2\n\nFrom now on.\n");
    assert_eq!(messages[1].1, FlagSet::none());

    // The mailbox grew: only what is new comes in, wherever it stands.
    let mut grown = b"From e Sat Aug 24 12:36:23 2002\nSubject: 0\n\n\n".to_vec();
    grown.extend(fs::read(&mbox).unwrap());
    fs::write(&mbox, grown).unwrap();
    let report = case.import(&mbox, "INBOX");
    assert_eq!((report.imported, report.already_in), (1, 2));
    assert_eq!(case.originals("INBOX")[2], b"Subject: 0\n\n");

    // Mail programs leave empty mboxes behind; one holds no message, not an empty one.
    assert_eq!(case.import(&case.file("Trash", b""), "Trash").imported, 0);
}

#[test]
fn one_file() {
    let case = Case::new();
    let path =
        case.file("one.EML", b"From x Thu Aug 22 12:36:23 2002\nSubject: x\n\nFrom y Thu Aug 22 12:36:23 2002\n");
    assert_eq!(case.import(&path, "INBOX").imported, 1);
    assert_eq!(case.originals("INBOX"), [fs::read(&path).unwrap()]);
    assert!(matches!(case.import_on(&RealDisk, &case.path("none"), "INBOX"), Err(ImportError::Source(..))));
    assert!(matches!(case.import_on(&RealDisk, &path, "a//b"), Err(ImportError::Store(store::StoreError::BadName))));
}

#[test]
fn what_is_in_is_not_imported_again() {
    let case = Case::new();
    let source = case.path("mail");
    case.file("mail/1.eml", b"Subject: same\n\n");
    case.file("mail/2.eml", b"Subject: same\n\n");
    case.file("mail/3.eml", b"Subject: other\n\n");
    assert_eq!(case.import(&source, "INBOX").imported, 3);
    let again = case.import(&source, "INBOX");
    assert_eq!((again.imported, again.already_in), (0, 3));
    case.file("mail/0.eml", b"Subject: same\n\n");
    case.file("mail/4.eml", b"Subject: new\n\n");
    let more = case.import(&source, "INBOX");
    assert_eq!((more.imported, more.already_in), (2, 3), "a third copy is a third message");
    assert_eq!(case.originals("INBOX").len(), 5);

    // The journal names nobody and nothing.
    for path in files_below(&case.room.dir.path().join("import")) {
        let bytes = fs::read(&path).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        for needle in ["mail", "eml", "Subject", "ann@", "INBOX"] {
            assert!(!bytes.windows(needle.len()).any(|window| window == needle.as_bytes()));
            assert!(!name.contains(needle));
        }
    }
}

/// Fails the journal at every step in both ways, cuts the power, and runs again: each message is in exactly once.
#[test]
fn a_crash_costs_no_message_and_doubles_none() {
    const MESSAGES: usize = 150;
    let steps = crash_at(MESSAGES, None);
    assert!(steps > 6, "three batches leave traces: {steps}");
    for step in 0..steps {
        for fault in [Fault::Failed, Fault::FailedButPersisted] {
            crash_at(MESSAGES, Some((step, fault)));
        }
    }
}

fn crash_at(messages: usize, fault: Option<(u64, Fault)>) -> u64 {
    let case = Case::new();
    let disk = FaultyDisk::new();
    for number in 0..messages {
        // Half of them look alike from outside: same size, same date.
        let bytes = format!("Date: Thu, 22 Aug 2002 18:26:{:02} +0000\n\n{:04}\n", number % 2, number / 3);
        case.file(&format!("mail/{number:04}.eml"), bytes.as_bytes());
    }
    if let Some((step, fault)) = fault {
        disk.fail_step(step, fault);
    }
    let first = case.import_on(&disk, &case.path("mail"), "INBOX");
    if fault.is_none() {
        assert_eq!(first.unwrap().imported, messages as u64);
        return disk.steps();
    }
    let (step, kind) = fault.unwrap();
    disk.cut_power(&SeededEntropy::new(step * 2 + u64::from(kind == Fault::Failed)));
    let second = case.import_on(&disk, &case.path("mail"), "INBOX").unwrap();
    assert_eq!(second.failed, 0);
    let source = files_below(&case.path("mail")).into_iter().map(|path| fs::read(path).unwrap());
    assert!(counted(case.originals("INBOX")) == counted(source), "at step {step}, {kind:?}");
    disk.steps()
}

#[test]
fn an_export_goes_on_and_overwrites_nothing() {
    let case = Case::new();
    for number in 0..5 {
        case.file(&format!("mail/{number}.eml"), format!("Subject: {number}\n\nbody\n").as_bytes());
    }
    case.import(&case.path("mail"), "INBOX");
    let out = case.path("out");
    assert_eq!(case.export(&out).unwrap().exported, 5);
    let manifest = || fs::read_to_string(out.join("INBOX/manifest.jsonl")).unwrap();
    let first = manifest();
    assert_eq!(first.lines().count(), 5);

    // Torn, missing, and a foreign file; also a torn line.
    fs::write(out.join("INBOX/000001.eml"), b"Subject: 0\n").unwrap();
    fs::remove_file(out.join("INBOX/000002.eml")).unwrap();
    fs::write(out.join("INBOX/000003.eml"), b"precious").unwrap();
    fs::write(out.join("INBOX/manifest.jsonl"), &first[..first.len() - 10]).unwrap();
    let report = case.export(&out).unwrap();
    assert_eq!((report.exported, report.already_there, report.failed), (2, 2, 1), "{report:?}");
    assert_eq!(fs::read(out.join("INBOX/000001.eml")).unwrap(), b"Subject: 0\n\nbody\n");
    assert_eq!(fs::read(out.join("INBOX/000003.eml")).unwrap(), b"precious");
    assert_eq!(manifest(), first);

    let lines: Vec<serde_json::Value> = first.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, b"Subject: 0\n\nbody\n");
    assert_eq!(lines[0]["sha256"], terms::hex(digest.as_ref()));
    assert_eq!((&lines[0]["file"], &lines[0]["uid"]), (&"000001.eml".into(), &1.into()));

    let foreign = case.path("foreign");
    fs::create_dir(&foreign).unwrap();
    fs::write(foreign.join("x"), b"").unwrap();
    assert!(matches!(case.export(&foreign), Err(ExportError::Occupied(_))));
    fs::write(foreign.join("export.json"), br#"{"bailiwick_export":1,"account":"00000000000000000000000000000000"}"#)
        .unwrap();
    assert!(matches!(case.export(&foreign), Err(ExportError::OtherAccount(_))));
}

/// A target is where its owner can put links in it; the node follows none to its own files.
#[test]
fn an_export_leaves_by_no_link() {
    let link = |to: &Path, name: &Path| std::os::unix::fs::symlink(to, name).unwrap();
    type Plant<'p> = &'p dyn Fn(&Path, &Path);
    let plants: [Plant<'_>; 5] = [
        &|victim, out| {
            fs::remove_file(out.join("INBOX/manifest.jsonl")).unwrap();
            link(&victim.join("file"), &out.join("INBOX/manifest.jsonl"));
        },
        &|victim, out| {
            fs::remove_file(out.join("INBOX/manifest.jsonl")).unwrap();
            fs::hard_link(victim.join("file"), out.join("INBOX/manifest.jsonl")).unwrap();
        },
        &|victim, out| {
            fs::remove_file(out.join("INBOX/000001.eml")).unwrap();
            link(&victim.join("file"), &out.join("INBOX/000001.eml"));
        },
        &|victim, out| {
            fs::rename(out.join("INBOX"), out.join("Was")).unwrap();
            link(victim, &out.join("INBOX"));
        },
        &|victim, out| {
            fs::remove_file(out.join("export.json")).unwrap();
            link(&victim.join("file"), &out.join("export.json"));
        },
    ];
    for plant in plants {
        let case = Case::new();
        case.import(&case.file("1.eml", b"Subject: 1\n\n"), "INBOX");
        let out = case.path("out");
        assert_eq!(case.export(&out).unwrap().exported, 1);
        // Both a prefix of the message and a torn line of a manifest.
        let file = case.file("victim/file", b"Subject");
        plant(&case.path("victim"), &out);
        let outcome = case.export(&out);
        assert!(outcome.as_ref().map_or(1, |report| report.failed) == 1, "{outcome:?}");
        assert_eq!(fs::read(file).unwrap(), b"Subject");
        assert_eq!(files_below(&case.path("victim")).len(), 1);
    }
}

#[test]
fn two_exports_to_one_target_do_not_mix() {
    let case = Case::new();
    for number in 0..50 {
        case.file(&format!("mail/{number:02}.eml"), &vec![b'a' + number / 2; 100_000]);
    }
    case.import(&case.path("mail"), "INBOX");
    let out = case.path("out");
    let outcomes = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| case.export(&out))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    assert!(outcomes.iter().any(Result::is_ok));
    for outcome in outcomes {
        assert!(matches!(&outcome, Ok(ExportReport { failed: 0, .. }) | Err(ExportError::Running(_))), "{outcome:?}");
    }
    assert_eq!(case.export(&out).unwrap().already_there, 50);
    assert_eq!(fs::read_to_string(out.join("INBOX/manifest.jsonl")).unwrap().lines().count(), 50);
}

#[test]
fn two_imports_of_one_source_do_not_mix() {
    let case = Arc::new(Case::new());
    for number in 0..200 {
        case.file(&format!("mail/{number}.eml"), format!("Subject: {number}\n\n").as_bytes());
    }
    let run = || case.import_on(&RealDisk, &case.path("mail"), "INBOX");
    let outcomes =
        std::thread::scope(|scope| [scope.spawn(run), scope.spawn(run)].map(|thread| thread.join().unwrap()));
    assert!(outcomes.iter().any(Result::is_ok));
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Ok(_) | Err(ImportError::Running))));
    assert_eq!(case.originals("INBOX").len(), 200);
}

#[test]
fn all_real_mail_goes_in_and_comes_out() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    if !corpus.is_dir() {
        println!("skipped: there is no corpus of real mail at {}", corpus.display());
        return;
    }
    let case = Case::new();
    let started = std::time::Instant::now();
    let report = case.import(&corpus, "INBOX");
    let took = started.elapsed();
    assert_eq!(report.failed, 0, "{report:?}");
    println!("{report:?} in {took:?}");
    let out = case.path("out");
    let started = std::time::Instant::now();
    let report = case.export(&out).unwrap();
    println!("{report:?} in {:?}", started.elapsed());
    assert_eq!(report.failed, 0, "{report:?}");
    let sha = |bytes: Vec<u8>| aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &bytes).as_ref().to_vec();
    let source = files_below(&corpus).into_iter().map(|path| fs::read(path).unwrap());
    assert!(counted(source.map(sha)) == counted(exported(&out).into_iter().map(sha)), "identical, and none lost");
}
