//! One home with an owner, three officers and a desk: the stage for the tests.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};

use desk::{CaseDetail, CounselKey, Desk, DeskError, DeskLaw, DeskParts, LawFiles, NextAction, OrderApproved};
use disclosure::AgeIdentity;
use durable::{AppendFile, Disk, ReadAt, RealDisk, Visibility};
use ledger::Log;
use rules::HomeFacts;
use serde_json::Value;
use store::{FlagSet, Incoming, Store};
use terms::{AccountId, Address, CaseId, OfficerName, UnixMillis};
use vault::{CostProfile, Founding, Vault};
use world::{Fault, FaultyDisk, ManualClock, SeededEntropy};

pub(crate) const OWNER: &str = "aoife@ie.example";
pub(crate) const NODE_PASSPHRASE: &str = "node passphrase";
pub(crate) const OFFICERS: [(&str, &str); 3] =
    [("niamh", "passphrase of niamh"), ("oisin", "passphrase of oisin"), ("roisin", "passphrase of roisin")];

/// 2026-03-01T00:00:00Z, when Ireland is on UTC: the first day of the order in `law/examples`.
pub(crate) const MARCH: UnixMillis = UnixMillis(1_772_323_200_000);
pub(crate) const DAY: i64 = 86_400_000;

/// The home. Keys, cases and ledger are on `disk`; the store, which has a database, in a real folder.
pub(crate) struct House {
    folder: tempfile::TempDir,
    pub(crate) disk: FaultyDisk,
    /// The disk as the ledger sees it.
    pub(crate) ledger: Gate,
    pub(crate) clock: Arc<ManualClock>,
    entropy: Arc<SeededEntropy>,
    rooms: Option<Rooms>,
    pub(crate) owner: AccountId,
    pub(crate) authority: AgeIdentity,
}

/// What a restart opens again.
struct Rooms {
    vault: Arc<Vault>,
    store: Arc<Store>,
    log: Arc<Log>,
    desk: Desk,
}

impl House {
    pub(crate) fn new() -> Self {
        let (disk, clock) = (FaultyDisk::new(), Arc::new(ManualClock::default()));
        let entropy = Arc::new(SeededEntropy::new(7));
        keeper::here(Arc::new(disk.clone()), PathBuf::from("vault"), clock.clone(), entropy.clone())
            .create(Founding {
                home: "IE".parse().unwrap(),
                log_origin: "ie.example/ledger".to_owned(),
                passphrase: NODE_PASSPHRASE.into(),
                officers: OFFICERS.iter().map(|(officer, passphrase)| (name(officer), (*passphrase).into())).collect(),
                cost: cheap(),
            })
            .unwrap();
        let mut house = Self {
            folder: tempfile::tempdir().unwrap(),
            ledger: Gate { disk: disk.clone(), failing: Arc::default() },
            disk,
            clock,
            entropy,
            rooms: None,
            owner: AccountId([0; 16]),
            authority: AgeIdentity::generate(),
        };
        house.restart().unwrap();
        house.owner = house.account(OWNER);
        house
    }

    /// Reopens all rooms from what is on the disks.
    pub(crate) fn restart(&mut self) -> Result<(), DeskError> {
        self.rooms = None;
        let disk: Arc<dyn Disk> = Arc::new(self.disk.clone());
        let (clock, entropy) = (self.clock.clone(), self.entropy.clone());
        let gate = keeper::here(disk.clone(), "vault".into(), clock.clone(), entropy.clone());
        let vault = gate.unlock(&NODE_PASSPHRASE.into(), cheap())?;
        let vault = Arc::new(vault);
        let origin = vault.log_verifier().name().to_owned();
        let gate: Arc<dyn Disk> = Arc::new(self.ledger.clone());
        let log = if disk.exists(Path::new("ledger/checkpoint")) {
            Log::open(gate, "ledger".into(), origin, vault.log_signer())?
        } else {
            Log::create(gate, "ledger".into(), origin, vault.log_signer())?
        };
        let log = Arc::new(log);
        let store = Store::open(Arc::new(RealDisk), self.folder.path(), vault.clone(), clock.clone(), entropy.clone())?;
        let store = Arc::new(store);
        let desk = Desk::open(DeskParts {
            disk: disk.clone(),
            dir: "desk".into(),
            home: "IE".parse().unwrap(),
            node_name: "Example Mail Ireland".to_owned(),
            vault: vault.clone(),
            store: store.clone(),
            log: log.clone(),
            law: DeskLaw::open(disk.clone(), "law".into(), law_files(), Some(counsel().verifier().unwrap()))
                .map_err(DeskError::Law)?,
            home_facts: home_facts(),
            clock,
            entropy,
        })?;
        self.rooms = Some(Rooms { vault, store, log, desk });
        Ok(())
    }

    fn rooms(&self) -> &Rooms {
        self.rooms.as_ref().expect("the house is open")
    }

    pub(crate) fn desk(&self) -> &Desk {
        &self.rooms().desk
    }

    pub(crate) fn store(&self) -> &Store {
        &self.rooms().store
    }

    pub(crate) fn vault(&self) -> &Vault {
        &self.rooms().vault
    }

    pub(crate) fn ledger_size(&self) -> u64 {
        self.rooms().log.size()
    }

    pub(crate) fn account(&self, address: &str) -> AccountId {
        let id = AccountId::random(self.entropy.as_ref());
        let key = self.vault().create_account(id, &"owner password".into()).unwrap();
        self.store().create_account(id, &[address.parse::<Address>().unwrap()], &key, "").unwrap();
        id
    }

    /// Puts a message into the account's INBOX, as one that arrived then. Returns its UID.
    pub(crate) fn deliver(&self, account: AccountId, arrival: UnixMillis, text: &str) -> u32 {
        self.store().append(vec![self.incoming(account, arrival, text)]).unwrap()[0].uid
    }

    fn incoming(&self, account: AccountId, arrival: UnixMillis, text: &str) -> Incoming {
        Incoming {
            account,
            mailbox: self.inbox(account),
            original: original(text),
            prefix: format!("Received: from host.of.{text}\r\n").into_bytes(),
            record: Vec::new(),
            view_size_bytes: 100,
            arrival,
            internal_date: arrival,
            flags: FlagSet::none(),
        }
    }

    pub(crate) fn inbox(&self, account: AccountId) -> terms::MailboxId {
        self.store().mailbox_named(account, "INBOX").unwrap().id
    }

    /// A message a day at noon, from 27 February to 2 April: `day 0` is 1 March.
    pub(crate) fn deliver_spring(&self) {
        let noon = |day: i64| self.incoming(self.owner, MARCH.plus_millis(day * DAY + DAY / 2), &format!("day {day}"));
        self.store().append((-2..=32).map(noon).collect()).unwrap();
    }

    /// A demand of `law/examples`, for March and for packages that this house's authority opens, with some of its text
    /// replaced.
    pub(crate) fn demand(&self, example: &str, replace: &[(&str, &str)]) -> String {
        let text = std::fs::read_to_string(law_dir().join("examples").join(format!("{example}.toml"))).unwrap();
        let ours = |line: &str| match line.split_once(" = ") {
            Some(("age_recipient", _)) => format!("age_recipient = \"{}\"\n", self.authority.recipient()),
            Some(("from", _)) => "from = 2026-03-01\n".to_owned(),
            Some(("until", _)) => "until = 2026-03-31\n".to_owned(),
            _ => format!("{line}\n"),
        };
        let mut text: String = text.lines().map(ours).collect();
        for (old, new) in replace {
            assert!(text.contains(old), "{example} has no {old}");
            text = text.replace(old, new);
        }
        text
    }

    /// The order of the Irish court, which compels the content of March.
    pub(crate) fn order(&self) -> String {
        self.demand("ie-s75-order", &[])
    }

    /// Serves a demand for one account; its case.
    pub(crate) fn serve(&self, text: &str) -> CaseId {
        let served = self.desk().serve(text).unwrap();
        let [case] = served.cases.as_slice() else { panic!("{} cases", served.cases.len()) };
        case.summary.case
    }

    /// An officer approves with the officer's own passphrase.
    pub(crate) fn approve(&self, case: CaseId, officer: &str) -> Result<OrderApproved, DeskError> {
        let passphrase = OFFICERS.iter().find(|(name, _)| *name == officer).unwrap().1;
        self.desk().approve(case, &name(officer), &passphrase.into())
    }

    /// Two officers approve.
    pub(crate) fn approve_twice(&self, case: CaseId) {
        self.approve(case, "niamh").unwrap();
        self.approve(case, "oisin").unwrap();
    }

    /// The case as `--json` prints it. It is the same again at the other end of a socket.
    pub(crate) fn data(&self, case: CaseId) -> Value {
        let detail = self.desk().show(case).unwrap();
        let data = serde_json::to_value(&detail).unwrap();
        let read: CaseDetail = serde_json::from_value(data.clone()).unwrap();
        assert!(read.decision == detail.decision && read.next == detail.next, "{data:#}");
        assert_eq!(serde_json::to_value(&read).unwrap(), data);
        data
    }

    pub(crate) fn state(&self, case: CaseId) -> String {
        self.data(case)["state"].as_str().unwrap().to_owned()
    }

    /// The kinds of the case's events, in order; every one has its entry in the ledger.
    pub(crate) fn events(&self, case: CaseId) -> Vec<String> {
        let data = self.data(case);
        let events = data["events"].as_array().unwrap();
        let kind = |event: &Value| {
            assert!(event["index"].as_u64().is_some_and(|index| index < self.ledger_size()), "{event}");
            event["kind"].as_str().unwrap().to_owned()
        };
        events.iter().map(kind).collect()
    }

    /// The one thing to do next.
    pub(crate) fn next(&self, case: CaseId) -> NextAction {
        self.desk().show(case).unwrap().next
    }

    /// The files in a folder of the desk.
    pub(crate) fn files(&self, folder: &str) -> Vec<String> {
        self.disk.list(&Path::new("desk").join(folder)).unwrap()
    }

    /// Every byte that the house wrote, by file.
    pub(crate) fn everything(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files = Vec::new();
        let mut open: Vec<PathBuf> = ["vault", "ledger", "desk"].map(PathBuf::from).to_vec();
        while let Some(path) = open.pop() {
            match self.disk.read(&path) {
                Ok(bytes) => files.push((path, bytes)),
                Err(_) => open.extend(self.disk.list(&path).unwrap().iter().map(|name| path.join(name))),
            }
        }
        let mut open = vec![self.folder.path().to_owned()];
        while let Some(path) = open.pop() {
            if path.is_dir() {
                open.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            } else {
                files.push((path.clone(), std::fs::read(&path).unwrap()));
            }
        }
        files
    }

    /// Collects, and opens the package as the authority does.
    pub(crate) fn collect(&self, case: CaseId) -> Opened {
        let sealed = self.desk().collect(case).unwrap();
        self.open_package(Path::new(&sealed.path))
    }

    pub(crate) fn open_package(&self, path: &Path) -> Opened {
        let scratch = tempfile::tempdir().unwrap();
        let file = scratch.path().join("package.tar.age");
        std::fs::write(&file, self.disk.read(path).unwrap()).unwrap();
        let verifier = self.vault().log_verifier();
        let report = disclosure::verify(&file, Some(&self.authority), Some(&verifier)).unwrap();
        assert!(report.is_sound(), "{report}");
        let bag = disclosure::unpack(&file, &self.authority, &scratch.path().join("open")).unwrap();
        let items = serde_json::from_slice(&std::fs::read(bag.join("data/items.json")).unwrap()).unwrap();
        Opened { _scratch: scratch, bag, items }
    }
}

/// A disk whose every write fails while the gate is closed.
#[derive(Clone)]
pub(crate) struct Gate {
    disk: FaultyDisk,
    failing: Arc<Mutex<Option<Fault>>>,
}

impl Gate {
    /// From now on writes fail in this way, or none does.
    pub(crate) fn fail(&self, how: Option<Fault>) {
        *self.failing.lock().unwrap() = how;
    }

    fn pass(&self, write: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        let how = *self.failing.lock().unwrap();
        match how {
            None => write(),
            Some(Fault::Failed) => Err(io::Error::other("the gate is closed")),
            Some(Fault::FailedButPersisted) => write().and(Err(io::Error::other("the gate is closed"))),
        }
    }
}

impl Disk for Gate {
    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        self.disk.create_dir_all(path)
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.disk.read(path)
    }

    fn write_atomic(&self, path: &Path, bytes: &[u8], visibility: Visibility) -> io::Result<()> {
        self.pass(|| self.disk.write_atomic(path, bytes, visibility))
    }

    fn replace_shredding(&self, path: &Path, bytes: &[u8], visibility: Visibility) -> io::Result<()> {
        self.pass(|| self.disk.replace_shredding(path, bytes, visibility))
    }

    fn shred(&self, path: &Path) -> io::Result<()> {
        self.pass(|| self.disk.shred(path))
    }

    fn finish_shredding(&self, dir: &Path) -> io::Result<()> {
        self.pass(|| self.disk.finish_shredding(dir))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.pass(|| self.disk.remove(path))
    }

    fn exists(&self, path: &Path) -> bool {
        self.disk.exists(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        self.disk.list(path)
    }

    fn open_append(&self, path: &Path, visibility: Visibility) -> io::Result<Box<dyn AppendFile>> {
        self.disk.open_append(path, visibility)
    }

    fn open_read(&self, path: &Path) -> io::Result<Box<dyn ReadAt>> {
        self.disk.open_read(path)
    }
}

/// A package, opened.
pub(crate) struct Opened {
    _scratch: tempfile::TempDir,
    bag: PathBuf,
    pub(crate) items: Value,
}

impl Opened {
    /// The original octets of each message in it, in order, escaped so that a failure is readable.
    pub(crate) fn messages(&self) -> Vec<String> {
        self.read("data/messages").iter().map(|bytes| bytes.escape_ascii().to_string()).collect()
    }

    /// The data beside each item.
    pub(crate) fn sidecars(&self) -> Vec<Value> {
        self.read("data/sidecar").iter().map(|bytes| serde_json::from_slice(bytes).unwrap()).collect()
    }

    /// Each item's outcome and, where there is one, the reason.
    pub(crate) fn outcomes(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let items = self.items["items"].as_array().unwrap();
        items.iter().map(|item| (text(&item["outcome"]), text(&item["reason"]))).collect()
    }

    fn read(&self, folder: &str) -> Vec<Vec<u8>> {
        let Ok(entries) = std::fs::read_dir(self.bag.join(folder)) else { return Vec::new() };
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
    }
}

/// The octets of a message, with some that no mail program would leave alone.
fn original(text: &str) -> Vec<u8> {
    let mut bytes = format!("Subject: {text}\r\nFrom: someone@else.example\n\nlone LF, NUL \0 and ").into_bytes();
    bytes.extend_from_slice(&[0xff, 0xfe]);
    bytes
}

/// A message's octets, as [`Opened::messages`] shows them.
pub(crate) fn shown(text: &str) -> String {
    original(text).escape_ascii().to_string()
}

/// The originals of days from `first` to `last`, as [`Opened::messages`] shows them.
pub(crate) fn days(first: i64, last: i64) -> Vec<String> {
    (first..=last).map(|day| shown(&format!("day {day}"))).collect()
}

/// A next action as JSON.
pub(crate) fn json(next: &NextAction) -> String {
    serde_json::to_string(next).unwrap()
}

/// An error as text and as JSON. It is the same again at the other end of a socket.
pub(crate) fn told(error: &DeskError) -> String {
    let json = serde_json::to_string(error).unwrap();
    assert_eq!(serde_json::from_str::<DeskError>(&json).unwrap(), *error);
    format!("{error}\n{json}")
}

pub(crate) fn name(text: &str) -> OfficerName {
    text.parse().unwrap()
}

/// Cheap: these tests are about the desk, not about the cost of guessing.
fn cheap() -> CostProfile {
    CostProfile::new(8, 1, 1).unwrap()
}

fn law_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../law")
}

/// The files of the house's law, read once.
pub(crate) fn law_files() -> &'static LawFiles {
    static FILES: OnceLock<LawFiles> = OnceLock::new();
    FILES.get_or_init(|| {
        let mut files = Vec::new();
        let mut open = vec![law_dir()];
        while let Some(path) = open.pop() {
            if path.is_dir() {
                open.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            } else {
                let name = path.strip_prefix(law_dir()).unwrap().to_str().unwrap().to_owned();
                files.push((name, std::fs::read_to_string(&path).unwrap()));
            }
        }
        files.sort();
        files
    })
}

/// The key of the house's counsel.
pub(crate) fn counsel() -> CounselKey {
    CounselKey::from_seed("counsel.example", terms::Secret::new([7; 32])).unwrap()
}

fn home_facts() -> HomeFacts {
    toml::from_str(&std::fs::read_to_string(law_dir().join("examples/home-ie.toml")).unwrap()).unwrap()
}

/// For those who look behind the desk, or break what is there.
impl House {
    /// The names in a folder of the disk.
    pub(crate) fn disk_list(&self, folder: &str) -> Vec<String> {
        self.disk.list(Path::new(folder)).unwrap()
    }

    pub(crate) fn lose_clearances(&self) {
        for file in self.disk_list("vault/clearances") {
            self.disk.remove(&Path::new("vault/clearances").join(file)).unwrap();
        }
    }

    pub(crate) fn case_path(&self, case: CaseId) -> PathBuf {
        PathBuf::from(format!("desk/cases/{case:06}.case"))
    }

    pub(crate) fn case_file_len(&self, case: CaseId) -> usize {
        self.disk.read(&self.case_path(case)).unwrap().len()
    }
}
