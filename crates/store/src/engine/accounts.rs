//! The accounts of this home, and for each the one copy of its state that all sessions share.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, TryLockError};

use serde::{Deserialize, Serialize};
use terms::{AccountId, Address, EpochId, UnixMillis};
use vault::{AccountPublicKey, SealedEpochKey};

use crate::account::state::AccountState;
use crate::engine::epochs::Epochs;
use crate::engine::watch::Bell;

/// An account as the directory has it. `Debug` prints the id only.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct AccountRecord {
    pub id: AccountId,
    /// Its addresses, the primary one first.
    pub addresses: Vec<Address>,
    /// The owner's name as the owner wants it shown; may be empty.
    pub display_name: String,
    pub created: UnixMillis,
    /// Its public key, in hexadecimal on disk.
    #[serde(with = "public_key")]
    pub public_key: AccountPublicKey,
    /// Whether it was closed when it was read.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub closed: bool,
}

impl AccountRecord {
    /// Parses an opened profile; `None` if it is not one of this account.
    pub(crate) fn parse(id: AccountId, plain: &[u8]) -> Option<Self> {
        serde_json::from_slice::<Self>(plain).ok().filter(|record| record.id == id)
    }
}

impl std::fmt::Debug for AccountRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AccountRecord({})", self.id)
    }
}

mod public_key {
    use serde::{Deserialize, Deserializer, Serializer, de};
    use vault::AccountPublicKey;

    pub(super) fn serialize<S: Serializer>(key: &AccountPublicKey, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&terms::hex(&key.0))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<AccountPublicKey, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        let bytes = terms::unhex(&text).and_then(|bytes| bytes.try_into().ok());
        bytes.map(AccountPublicKey).ok_or_else(|| de::Error::custom("a public key is 64 hexadecimal digits"))
    }
}

/// One account in memory.
pub(crate) struct Account {
    /// Its number in the rows.
    pub(crate) number: i64,
    /// As it was read; the receiving key may have been replaced since.
    pub(crate) record: AccountRecord,
    receives: RwLock<AccountPublicKey>,
    /// Held from building a profile until it is written: a later one must not undo what an earlier one changed.
    pub(crate) profile: Mutex<()>,
    /// What sessions see: always durable. `None` until it is first needed, and after a failed write.
    pub(crate) state: RwLock<Option<Arc<AccountState>>>,
    /// The last change that the snapshot on disk includes.
    pub(crate) folded: AtomicU64,
    pub(crate) closed: AtomicBool,
    /// When something in its bin is due for deletion, in milliseconds; 0 until that has been determined.
    pub(crate) bin_due: AtomicI64,
    /// A fold is in progress.
    pub(crate) folding: AtomicBool,
    pub(crate) epochs: Epochs,
    /// Sealed epoch keys read so far.
    pub(crate) epoch_keys: Mutex<HashMap<EpochId, SealedEpochKey>>,
    pub(crate) bell: Arc<Bell>,
}

impl Account {
    pub(crate) fn new(number: i64, record: AccountRecord) -> Self {
        let (closed, receives) = (AtomicBool::new(record.closed), RwLock::new(record.public_key));
        Self {
            number,
            record,
            receives,
            profile: Mutex::default(),
            closed,
            bin_due: AtomicI64::new(0),
            state: RwLock::default(),
            folded: AtomicU64::new(0),
            folding: AtomicBool::new(false),
            epochs: Epochs::default(),
            epoch_keys: Mutex::default(),
            bell: Arc::default(),
        }
    }

    /// The public key that receives.
    pub(crate) fn receives(&self) -> AccountPublicKey {
        *self.receives.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Receives by another public key, which is durable. Call it through the account's epochs, so that none begins meanwhile.
    pub(crate) fn receive_by(&self, public: AccountPublicKey) {
        *self.receives.write().unwrap_or_else(PoisonError::into_inner) = public;
    }

    /// The account as the directory has it, with the key that receives now.
    pub(crate) fn record(&self) -> AccountRecord {
        self.record_by(self.receives())
    }

    /// As [`record`](Self::record), with another key.
    pub(crate) fn record_by(&self, public_key: AccountPublicKey) -> AccountRecord {
        AccountRecord { public_key, closed: self.closed.load(Ordering::SeqCst), ..self.record.clone() }
    }

    /// What sessions see, when it is in memory.
    pub(crate) fn seen(&self) -> Option<Arc<AccountState>> {
        self.state.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether [`seen`](Self::seen) would return a state at once. While another thread reads the account from disk, it would not.
    pub(crate) fn is_in_memory(&self) -> bool {
        match self.state.try_read() {
            Ok(state) => state.is_some(),
            Err(TryLockError::Poisoned(state)) => state.into_inner().is_some(),
            Err(TryLockError::WouldBlock) => false,
        }
    }

    /// Lets sessions see `state`, which is durable.
    pub(crate) fn publish(&self, state: Arc<AccountState>) {
        let modseq = state.modseq;
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = Some(state);
        self.bell.ring(modseq);
    }

    /// Drops the state if nobody is looking at it; it is read from disk when next needed.
    pub(crate) fn let_go(&self) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if state.as_ref().is_some_and(|state| Arc::strong_count(state) == 1) {
            *state = None;
        }
    }

    /// Drops the state; it is read from disk when next needed.
    pub(crate) fn forget(&self) {
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = None;
        self.folding.store(false, Ordering::SeqCst);
    }
}

impl Account {
    /// An account whose profile cannot be opened: only its number and id are known. Its mail is counted and checked, but
    /// not used.
    pub(crate) fn quarantined(number: i64, id: AccountId) -> Self {
        let record = AccountRecord {
            id,
            addresses: Vec::new(),
            display_name: String::new(),
            created: UnixMillis(0),
            public_key: AccountPublicKey([0; 32]),
            closed: false,
        };
        Self::new(number, record)
    }
}

/// All accounts, by id and by keyed hash of each address.
#[derive(Default)]
pub(crate) struct Directory {
    pub(crate) by_id: HashMap<AccountId, Arc<Account>>,
    /// Accounts whose profile cannot be opened. Their ids, numbers and addresses stay taken, and their mail is kept.
    pub(crate) quarantined: HashMap<AccountId, Arc<Account>>,
    pub(crate) by_address: HashMap<[u8; 32], AccountId>,
    /// The addresses as the profiles have them, in canonical form: mail that arrives for one of them needs no hash from the vault.
    pub(crate) by_name: HashMap<String, AccountId>,
    /// The last number given out.
    pub(crate) last_number: i64,
}

impl Directory {
    /// Adds an account whose rows are durable.
    pub(crate) fn insert(&mut self, account: Arc<Account>, hashes: impl IntoIterator<Item = [u8; 32]>) {
        let id = account.record.id;
        self.last_number = self.last_number.max(account.number);
        self.by_address.extend(hashes.into_iter().map(|hash| (hash, id)));
        self.by_name.extend(account.record.addresses.iter().map(|address| (address.canonical(), id)));
        self.quarantined.remove(&id);
        self.by_id.entry(id).or_insert(account);
    }

    /// Adds an account whose profile cannot be opened, unless it was read before: then it continues as it was.
    pub(crate) fn insert_quarantined(&mut self, account: Arc<Account>, hashes: impl IntoIterator<Item = [u8; 32]>) {
        let id = account.record.id;
        self.last_number = self.last_number.max(account.number);
        self.by_address.extend(hashes.into_iter().map(|hash| (hash, id)));
        if !self.by_id.contains_key(&id) {
            self.quarantined.insert(id, account);
        }
    }

    /// Whether there is an account with this id, quarantined or not.
    pub(crate) fn has(&self, id: AccountId) -> bool {
        self.by_id.contains_key(&id) || self.quarantined.contains_key(&id)
    }

    /// Every account, the quarantined ones last: for callers that must know what belongs to any account.
    pub(crate) fn every(&self) -> Vec<Arc<Account>> {
        [in_order(&self.by_id), in_order(&self.quarantined)].concat()
    }
}

/// Accounts in the order in which they were created.
pub(crate) fn in_order(accounts: &HashMap<AccountId, Arc<Account>>) -> Vec<Arc<Account>> {
    let mut accounts: Vec<Arc<Account>> = accounts.values().cloned().collect();
    accounts.sort_unstable_by_key(|account| account.number);
    accounts
}
