//! One home with a vault, a store, accounts and officers: the stage for the tests.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use durable::{Disk, RealDisk};
use ledger::{Log, Opening};
use store::{Changes, FlagSet, Incoming, MailboxInfo, MessageEntry, ScopedMessage, Settings, Store, StoreError};
use terms::{AccountId, Address, CaseId, Category, Clock, Digest, EpochId, MailboxId, OfficerName, Secret, UnixMillis};
use vault::{Clearance, CostProfile, Founding, Order, Part, ProvenApproval, SignedIn, Vault, approval_statement};
use world::{ManualClock, MemoryDisk, SeededEntropy};

pub(crate) const INBOX: MailboxId = MailboxId(1);

pub(crate) const PASSWORD: &str = "owner password";

pub(crate) struct House {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) entropy: Arc<SeededEntropy>,
    pub(crate) vault: Arc<Vault>,
    pub(crate) settings: Settings,
    store: Option<Store>,
}

/// Opens a store that this process has just closed. A process that a test beside this one starts (`rows_faults.rs`) has all
/// files of this one, and so the lock of the store, until it runs its program.
pub(crate) fn patiently(open: impl Fn() -> Result<Store, StoreError>) -> Result<Store, StoreError> {
    let (mine, until) = (format!(" process {}:", std::process::id()), Instant::now() + Duration::from_secs(10));
    loop {
        match open() {
            Err(StoreError::CannotOpen(why)) if why.contains(&mine) && Instant::now() < until => {
                std::thread::sleep(Duration::from_millis(2));
            }
            opened => return opened,
        }
    }
}

impl House {
    /// A house on the real disk.
    pub(crate) fn new() -> Self {
        Self::on(Arc::new(RealDisk), Settings::default())
    }

    pub(crate) fn on(disk: Arc<dyn Disk>, settings: Settings) -> Self {
        let (clock, entropy) = (Arc::new(ManualClock::default()), Arc::new(SeededEntropy::new(1)));
        let gate = keeper::here(Arc::new(MemoryDisk::new()), "vault".into(), clock.clone(), entropy.clone());
        let vault = gate.create(Founding {
            home: "IE".parse().unwrap(),
            log_origin: "ie.example/log".to_owned(),
            passphrase: "node passphrase".into(),
            officers: officers(),
            cost: CostProfile::new(8, 1, 1).unwrap(),
        });
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("store")).unwrap();
        let vault = Arc::new(vault.unwrap());
        let mut house = Self { dir, disk, clock, entropy, vault, settings, store: None };
        house.reopen();
        house
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().join("store")
    }

    pub(crate) fn open_at(&self, path: &Path) -> Result<Store, StoreError> {
        let (disk, vault) = (Arc::clone(&self.disk), Arc::clone(&self.vault));
        patiently(|| {
            let (disk, vault) = (Arc::clone(&disk), Arc::clone(&vault));
            Store::open_with(self.settings, disk, path, vault, self.clock.clone(), self.entropy.clone())
        })
    }

    pub(crate) fn store(&self) -> &Store {
        self.store.as_ref().unwrap()
    }

    pub(crate) fn close(&mut self) {
        self.store = None;
    }

    pub(crate) fn reopen(&mut self) {
        self.try_reopen().unwrap();
    }

    pub(crate) fn try_reopen(&mut self) -> Result<(), StoreError> {
        self.store = None;
        self.store = Some(self.open_at(&self.path())?);
        Ok(())
    }

    /// Opens what is on the disk at this moment elsewhere, as after a kill: nothing was closed or finished.
    pub(crate) fn after_a_kill<T>(&self, look: impl FnOnce(&Store) -> T) -> T {
        let copy = tempfile::tempdir().unwrap();
        copy_dir(&self.path(), copy.path());
        look(&self.open_at(copy.path()).unwrap())
    }

    /// A new account and its owner, signed in.
    pub(crate) fn account(&self, address: &str) -> (AccountId, SignedIn) {
        let id = AccountId::random(&*self.entropy);
        let public = self.vault.create_account(id, &PASSWORD.into()).unwrap();
        self.store().create_account(id, &[self::address(address)], &public, "Display Name").unwrap();
        (id, self.vault.sign_in(id, &PASSWORD.into()).unwrap())
    }

    /// A message that arrives now.
    pub(crate) fn message(&self, account: AccountId, mailbox: MailboxId, text: &str) -> Incoming {
        message(&*self.clock, account, mailbox, text)
    }

    /// Stores one message; its UID.
    pub(crate) fn deliver(&self, account: AccountId, mailbox: MailboxId, text: &str) -> u32 {
        self.store().append(vec![self.message(account, mailbox, text)]).unwrap()[0].uid
    }

    /// The originals of a mailbox, opened by its owner.
    pub(crate) fn texts(&self, owner: &SignedIn, mailbox: MailboxId) -> Vec<String> {
        texts(self.store(), owner, mailbox)
    }

    /// A clearance for what arrived in `[from, until)`, made as a desk makes it: two officers, a ledger.
    pub(crate) fn clear(
        &self,
        account: AccountId,
        categories: &[Category],
        (from, until): (UnixMillis, UnixMillis),
        messages: &[ScopedMessage],
    ) -> Clearance {
        let order = Order {
            home: self.vault.home().clone(),
            case: CaseId(7),
            account,
            categories: categories.to_vec(),
            from,
            until,
            demand: Digest([1; 32]),
            decision: Digest([2; 32]),
            law: Digest([3; 32]),
            expires: self.clock.now().plus_millis(3_600_000),
        };
        let origin = self.vault.log_verifier().name().to_owned();
        let disk = Arc::new(MemoryDisk::new());
        let log = Log::create(disk, "ledger".into(), origin, self.vault.log_signer()).unwrap();
        let approve = |name: &str| {
            let (approval, opened) = self.vault.approve(&order, &officer(name), &name.into()).unwrap();
            let opening = Opening::new(approval_statement(&approval), &*self.entropy);
            let receipt = log.append(&[opening.commitment()]).unwrap().remove(0);
            (ProvenApproval { approval, opening, receipt }, opened)
        };
        let ((one, _), (two, opened)) = (approve("ann"), approve("ben"));
        let asks: Vec<_> = messages.iter().map(ScopedMessage::key_ask).collect();
        let epochs: Vec<EpochId> = messages.iter().map(|message| message.epoch).collect();
        let epochs = self.store().epoch_keys(account, &epochs).unwrap();
        self.vault.clear(&order, [one, two], opened, &epochs, &asks).unwrap()
    }
}

/// A message that arrives now.
pub(crate) fn message(clock: &dyn Clock, account: AccountId, mailbox: MailboxId, text: &str) -> Incoming {
    let original = text.as_bytes().to_vec();
    Incoming {
        account,
        mailbox,
        view_size_bytes: original.len() as u32 + 10,
        original,
        prefix: b"Received: x".to_vec(),
        record: format!("record of {text}").into_bytes(),
        arrival: clock.now(),
        internal_date: clock.now().plus_millis(-1000),
        flags: FlagSet::none(),
    }
}

/// Two officers, whose passphrases are their names.
pub(crate) fn officers() -> Vec<(OfficerName, Secret<String>)> {
    ["ann", "ben"].map(|name| (officer(name), Secret::from(name))).into()
}

fn officer(name: &str) -> OfficerName {
    name.parse().unwrap()
}

pub(crate) fn address(text: &str) -> Address {
    text.parse().unwrap()
}

pub(crate) fn copy_dir(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir(&target).unwrap();
            copy_dir(&entry.path(), &target);
        } else if entry.file_name() != "rows.sqlite-shm" {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

pub(crate) fn texts(store: &Store, owner: &SignedIn, mailbox: MailboxId) -> Vec<String> {
    let view = store.snapshot(owner.account(), mailbox).unwrap();
    let entries: Vec<MessageEntry> = view.entries().collect();
    let opened = store.open_parts(owner, &entries, Part::Original).unwrap();
    opened.into_iter().map(|text| String::from_utf8(text.unwrap()).unwrap()).collect()
}

/// Everything that an owner may notice of an account.
#[derive(Debug, PartialEq)]
pub(crate) struct Seen {
    pub(crate) mailboxes: Vec<(MailboxInfo, Vec<MessageEntry>, Changes)>,
    pub(crate) subscriptions: Vec<String>,
}

pub(crate) fn seen(store: &Store, account: AccountId) -> Seen {
    let one = |info: MailboxInfo| {
        let view = store.snapshot(account, info.id).unwrap();
        assert_eq!(view.info(), info);
        let entries: Vec<MessageEntry> = view.entries().collect();
        assert_eq!(info.messages as usize, entries.len());
        assert_eq!(info.unseen as usize, entries.iter().filter(|entry| entry.flags.is_unseen()).count());
        assert_eq!(info.deleted as usize, entries.iter().filter(|entry| entry.flags.is_deleted()).count());
        assert_eq!(info.size_bytes, entries.iter().map(|entry| u64::from(entry.view_size_bytes)).sum::<u64>());
        (info, entries, view.changes_since(0))
    };
    Seen {
        mailboxes: store.mailboxes(account).unwrap().into_iter().map(one).collect(),
        subscriptions: store.subscriptions(account).unwrap(),
    }
}
