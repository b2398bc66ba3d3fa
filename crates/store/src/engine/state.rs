//! What the threads of a store share: keys, packs, rows for reading, the accounts, the queue of jobs.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use terms::{AccountId, Clock, Entropy, EpochId};
use vault::{SealedEpochKey, Vault};

use crate::account::apply::apply;
use crate::account::change::Change;
use crate::account::state::AccountState;
use crate::encoding::bytes::Malformed;
use crate::encoding::snapshot;
use crate::engine::accounts::{Account, AccountRecord, Directory};
use crate::engine::dead_space::Compaction;
use crate::engine::draft::Job;
use crate::engine::queue::Queue;
use crate::error::StoreError;
use crate::pack::Packs;
use crate::rows::{Borrowed, Readers, RowReader};
use crate::values::quota::Policy;

/// The state of the store, for the operator.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Health {
    /// The last write succeeded.
    #[default]
    Fine,
    /// The last write was refused for lack of space. The next one will be attempted.
    DiskFull,
    /// The last write failed; the text is the machine's. The next one will be attempted with fresh files.
    Failing(String),
    /// Everything is stored, but the WAL of the rows cannot be checkpointed, so it grows; the text is the machine's. It
    /// is retried when the WAL has grown.
    WalStuck(String),
}

impl Health {
    pub(crate) fn of(error: Option<&StoreError>) -> Self {
        match error {
            None => Self::Fine,
            Some(StoreError::DiskFull) => Self::DiskFull,
            Some(error) => Self::Failing(error.to_string()),
        }
    }
}

/// The shared part of a store.
pub(crate) struct Engine {
    pub(crate) dir: PathBuf,
    pub(crate) vault: Arc<Vault>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) packs: Arc<Packs>,
    pub(crate) queue: Queue<Job>,
    readers: Arc<Readers>,
    directory: RwLock<Directory>,
    health: Mutex<Health>,
    /// Why the last checkpoint of the WAL failed.
    wal_stuck: Mutex<Option<String>>,
    pub(crate) policy: RwLock<Policy>,
    pub(crate) compaction: Compaction,
}

/// See [`Engine::moment`].
pub(crate) struct Moment(Arc<Readers>);

impl Drop for Moment {
    fn drop(&mut self) {
        self.0.end_moment();
    }
}

/// The contexts under which rows are sealed: each names the row's place, so that no row can stand in for another.
pub(crate) mod context {
    use terms::AccountId;

    use crate::encoding::blocks::BlockName;

    /// The hash of an address.
    pub(crate) const ADDRESS: &str = "store/address";

    pub(crate) fn account(id: AccountId) -> String {
        format!("store/account/{id}")
    }

    pub(crate) fn change(id: AccountId, seq: u64) -> String {
        format!("store/change/{id}/{seq}")
    }

    pub(crate) fn snapshot(id: AccountId, seq: u64) -> String {
        format!("store/snapshot/{id}/{seq}")
    }

    pub(crate) fn block(id: AccountId, name: BlockName) -> String {
        format!("store/block/{id}/{}/{}/{}", name.table, name.number, name.changed)
    }
}

/// Why an account could not be read, on the way to a [`StoreError`].
enum Unreadable {
    Malformed,
    Store(StoreError),
}

impl From<Malformed> for Unreadable {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

impl Engine {
    pub(crate) fn new(
        dir: PathBuf,
        vault: Arc<Vault>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        packs: Arc<Packs>,
        reader: RowReader,
    ) -> Result<Self, StoreError> {
        let readers = Arc::new(Readers::new(dir.clone(), reader));
        let engine = Self {
            dir,
            vault,
            clock,
            entropy,
            packs,
            queue: Queue::default(),
            readers,
            directory: RwLock::default(),
            health: Mutex::default(),
            wal_stuck: Mutex::default(),
            policy: RwLock::default(),
            compaction: Compaction::default(),
        };
        engine.read_directory()?;
        Ok(engine)
    }

    /// A connection that reads the rows. It is not to be kept while something else is waited for, and a thread must not hold two.
    pub(crate) fn reader(&self) -> Borrowed<'_> {
        self.readers.borrow()
    }

    /// Lets a connection read one snapshot of the rows for a long time: as long as the returned value exists, the WAL is not
    /// checkpointed. Call it before the snapshot is taken.
    pub(crate) fn moment(&self) -> Moment {
        self.readers.add_moment();
        Moment(Arc::clone(&self.readers))
    }

    /// As [`Readers::while_nobody_reads`].
    pub(crate) fn while_nobody_reads<T>(&self, wait: bool, act: impl FnOnce() -> T) -> Option<T> {
        self.readers.while_nobody_reads(wait, act)
    }

    pub(crate) fn directory(&self) -> RwLockReadGuard<'_, Directory> {
        self.directory.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn directory_mut(&self) -> RwLockWriteGuard<'_, Directory> {
        self.directory.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn policy(&self) -> Policy {
        *self.policy.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// How the last write went.
    pub(crate) fn health(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why the last checkpoint of the WAL failed.
    pub(crate) fn wal_stuck(&self) -> MutexGuard<'_, Option<String>> {
        self.wal_stuck.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The account in memory.
    pub(crate) fn account(&self, id: AccountId) -> Result<Arc<Account>, StoreError> {
        let directory = self.directory();
        match (directory.by_id.get(&id), directory.quarantined.get(&id)) {
            (Some(account), _) => Ok(Arc::clone(account)),
            (None, Some(account)) => {
                Err(StoreError::Damaged(format!("the profile of account number {}", account.number)))
            }
            (None, None) => Err(StoreError::NoSuchAccount),
        }
    }

    /// Adds the accounts on disk that are not in memory. One whose profile cannot be opened is quarantined and keeps its addresses; the
    /// others continue.
    pub(crate) fn read_directory(&self) -> Result<(), StoreError> {
        let (accounts, addresses) = {
            let reader = self.reader();
            let read = |error| StoreError::reading(&error);
            (reader.accounts().map_err(read)?, reader.addresses().map_err(read)?)
        };
        let (ids, sealed): (Vec<_>, Vec<_>) =
            accounts.into_iter().map(|(number, id, sealed)| ((number, id), (context::account(id), sealed))).unzip();
        let opened = self.vault.service_open_all(sealed).map_err(|error| StoreError::vault(&error))?;
        let mut directory = self.directory_mut();
        for ((number, id), plain) in ids.into_iter().zip(opened) {
            let hashes = addresses.iter().filter(|(_, account)| *account == number).map(|(hash, _)| *hash);
            match plain.and_then(|plain| AccountRecord::parse(id, &plain)) {
                Some(record) => directory.insert(Arc::new(Account::new(number, record)), hashes),
                None => directory.insert_quarantined(Arc::new(Account::quarantined(number, id)), hashes),
            }
        }
        Ok(())
    }

    /// Takes a new connection for reading, after the old one failed, and drops everything that was read from that.
    pub(crate) fn start_over(&self, reader: RowReader) -> Result<(), StoreError> {
        self.readers.replace(reader);
        self.read_directory()?;
        self.directory().by_id.values().for_each(|account| account.forget());
        self.compaction.forget();
        Ok(())
    }

    /// What sessions see of an account; read from disk when it is not in memory.
    pub(crate) fn seen(&self, account: &Account) -> Result<Arc<AccountState>, StoreError> {
        if let Some(state) = account.seen() {
            return Ok(state);
        }
        let mut place = account.state.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(state) = &*place {
            return Ok(Arc::clone(state));
        }
        let (state, folded) = self.read_account(account)?;
        let state = Arc::new(state);
        account.folded.store(folded, Ordering::SeqCst);
        *place = Some(Arc::clone(&state));
        drop(place);
        account.bell.ring(state.modseq);
        Ok(state)
    }

    /// An account as its rows have it, and the last change that its snapshot includes.
    pub(crate) fn read_account(&self, account: &Account) -> Result<(AccountState, u64), StoreError> {
        // The connection is free again before the vault is asked.
        let (snapshot, changes) = self.reader().at_one_moment(|reader| {
            let snapshot = match reader.snapshot(account.number).map_err(|error| StoreError::reading(&error))? {
                Some((seq, sealed)) => Some((seq, sealed, reader.blocks(account.number)?)),
                None => None,
            };
            let changes = reader.changes(account.number).map_err(|error| StoreError::reading(&error))?;
            Ok((snapshot, changes))
        })?;
        let mut state = match snapshot {
            Some((seq, sealed, blocks)) => self.open_snapshot(account, seq, &sealed, blocks)?,
            None => AccountState::default(),
        };
        let folded = state.seq;
        let id = account.record.id;
        let (seqs, sealed): (Vec<_>, Vec<_>) =
            changes.into_iter().map(|(seq, sealed)| (seq, (context::change(id, seq), sealed))).unzip();
        let opened = self.vault.service_open_all(sealed).map_err(|error| StoreError::vault(&error))?;
        for (seq, plain) in seqs.into_iter().zip(opened) {
            replay(&mut state, account, seq, plain.as_deref())?;
        }
        Ok((state, folded))
    }

    /// Opens the snapshot of an account: its head, then all of its blocks by one call.
    fn open_snapshot(
        &self,
        account: &Account,
        seq: u64,
        sealed: &[u8],
        mut blocks: HashMap<(u32, u32), Vec<u8>>,
    ) -> Result<AccountState, StoreError> {
        let (id, number) = (account.record.id, account.number);
        let damaged = |what: &str| StoreError::Damaged(format!("{what} of account number {number}"));
        let head = self.vault.service_open(&context::snapshot(id, seq), sealed);
        let head = head.map_err(|error| match StoreError::vault(&error) {
            StoreError::VaultAway => StoreError::VaultAway,
            _ => damaged("the snapshot"),
        })?;
        let names = snapshot::block_names(&head).map_err(|Malformed| damaged("the snapshot"))?;
        let mut items = Vec::with_capacity(names.len());
        for name in &names {
            let sealed = blocks.remove(&(name.table, name.number)).ok_or_else(|| damaged("a block"))?;
            items.push((context::block(id, *name), sealed));
        }
        let opened = self.vault.service_open_all(items).map_err(|error| StoreError::vault(&error))?;
        // The head is read in the same order again.
        let mut opened = opened.into_iter();
        let block = |_| opened.next().flatten().ok_or_else(|| Unreadable::Store(damaged("a block")));
        match snapshot::decode(&head, block) {
            Ok(state) if state.seq == seq => Ok(state),
            Ok(_) | Err(Unreadable::Malformed) => Err(damaged("the snapshot")),
            Err(Unreadable::Store(error)) => Err(error),
        }
    }

    /// Reads the sealed keys of all epochs of an account, unless they are in memory.
    pub(crate) fn read_epoch_keys(&self, account: &Account) -> Result<(), StoreError> {
        let mut known = account.epoch_keys.lock().unwrap_or_else(PoisonError::into_inner);
        let reader = self.reader();
        let count = reader.epoch_count(account.number).map_err(|error| StoreError::reading(&error))?;
        if known.len() < count as usize {
            known.extend(reader.epochs(account.number).map_err(|error| StoreError::reading(&error))?);
        }
        Ok(())
    }

    /// The sealed key of an epoch.
    pub(crate) fn epoch_key(&self, account: &Account, epoch: EpochId) -> Result<SealedEpochKey, StoreError> {
        let mut known = account.epoch_keys.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = known.get(&epoch) {
            return Ok(key.clone());
        }
        let key = self.reader().epoch(account.number, epoch).map_err(|error| StoreError::reading(&error))?;
        let key =
            key.ok_or_else(|| StoreError::Damaged(format!("epoch {epoch} of account number {}", account.number)))?;
        known.insert(epoch, key.clone());
        Ok(key)
    }
}

/// Applies an opened change; `None` is one that did not open.
fn replay(state: &mut AccountState, account: &Account, seq: u64, plain: Option<&[u8]>) -> Result<(), StoreError> {
    let damaged =
        |what: &str| StoreError::Damaged(format!("change {seq} of account number {}: {what}", account.number));
    if seq != state.seq + 1 {
        return Err(damaged("the one before it is missing"));
    }
    let plain = plain.ok_or_else(|| damaged("its seal is broken"))?;
    let change = Change::decode(plain).map_err(|Malformed| damaged("it is of no known kind"))?;
    apply(state, &change).map_err(|misfit| damaged(misfit.0))
}
