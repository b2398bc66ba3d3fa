//! What jobs plan, and what a batch collects from them, before anything is written.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use terms::{AccountId, UnixMillis};
use vault::SealedSoon;

use crate::account::apply::apply;
use crate::account::change::{Change, ChangeKind};
use crate::account::state::AccountState;
use crate::engine::accounts::Account;
use crate::engine::epochs::Epoch;
use crate::engine::state::{Engine, context};
use crate::error::StoreError;
use crate::rows::Write;
use crate::values::quota::Policy;

/// Something to commit. It plans in the draft, or is told why it cannot; the answer it returns is called after the commit.
pub(crate) type Job = Box<dyn FnOnce(Result<&mut Draft<'_>, StoreError>) -> Planned + Send>;

/// What a job has planned.
pub(crate) struct Planned {
    /// Whether its part of the draft is to be committed. A refused job leaves no trace.
    pub(crate) keep: bool,
    /// Answers the caller, with how the commit went.
    pub(crate) answer: Box<dyn FnOnce(Result<(), StoreError>) + Send>,
}

/// An account that a batch creates.
pub(crate) struct NewAccount {
    pub(crate) account: Arc<Account>,
    pub(crate) hashes: Vec<[u8; 32]>,
}

/// What a batch has collected.
pub(crate) struct Batch {
    engine: Arc<Engine>,
    now: UnixMillis,
    /// Where the batch's next blob will lie: segment and offset. An error when there is no segment to write.
    pub(crate) place: Result<(u32, u64), StoreError>,
    pub(crate) tips: BTreeMap<AccountId, (Arc<Account>, Arc<AccountState>)>,
    pub(crate) new_accounts: Vec<NewAccount>,
    pub(crate) writes: Vec<Write>,
    unsealed: Vec<Unsealed>,
    pub(crate) blobs: Vec<Vec<u8>>,
    pub(crate) epochs: Vec<Arc<Epoch>>,
    folds: HashSet<AccountId>,
}

/// A change that is still to be sealed: the index of its write, the context, the plain bytes. A batch seals all of them in
/// one call, because each call is a round trip to the vault's process.
type Unsealed = (usize, String, Vec<u8>);

/// What one job has collected so far. Kept completely or not at all.
pub(crate) struct Draft<'b> {
    batch: &'b mut Batch,
    tips: HashMap<AccountId, (Arc<Account>, Arc<AccountState>)>,
    new_accounts: Vec<NewAccount>,
    writes: Vec<Write>,
    unsealed: Vec<Unsealed>,
    blobs: Vec<Vec<u8>>,
    blob_bytes: u64,
    epochs: Vec<Arc<Epoch>>,
    folds: HashSet<AccountId>,
}

impl Draft<'_> {
    pub(crate) fn new(batch: &mut Batch) -> Draft<'_> {
        Draft {
            batch,
            tips: HashMap::new(),
            new_accounts: Vec::new(),
            writes: Vec::new(),
            unsealed: Vec::new(),
            blobs: Vec::new(),
            blob_bytes: 0,
            epochs: Vec::new(),
            folds: HashSet::new(),
        }
    }

    /// The node's time at the beginning of the batch.
    pub(crate) fn now(&self) -> UnixMillis {
        self.batch.now
    }

    /// The operator's policy.
    pub(crate) fn policy(&self) -> Policy {
        self.batch.engine.policy()
    }

    /// The account with every change of the batch so far.
    pub(crate) fn state(&mut self, id: AccountId) -> Result<&AccountState, StoreError> {
        Ok(&self.tip(id)?.1)
    }

    fn tip(&mut self, id: AccountId) -> Result<&mut (Arc<Account>, Arc<AccountState>), StoreError> {
        if !self.tips.contains_key(&id) {
            let tip = match self.batch.tips.get(&id) {
                Some(tip) => tip.clone(),
                None => {
                    let account = self.batch.engine.account(id)?;
                    let state = self.batch.engine.seen(&account)?;
                    (account, state)
                }
            };
            self.tips.insert(id, tip);
        }
        self.tips.get_mut(&id).ok_or(StoreError::NoSuchAccount)
    }

    /// Applies a change and writes its row. A visible change takes the account's next MODSEQ, which is returned.
    pub(crate) fn change(&mut self, id: AccountId, act: ChangeKind, visible: bool) -> Result<u64, StoreError> {
        let at = self.batch.now;
        let (account, state) = self.tip(id)?;
        let change = Change { at, modseq: state.modseq + u64::from(visible), act };
        let number = account.number;
        let state = Arc::make_mut(state);
        apply(state, &change)
            .map_err(|misfit| StoreError::Damaged(format!("account number {number} in memory: {}", misfit.0)))?;
        let (seq, modseq) = (state.seq, state.modseq);
        self.unsealed.push((self.writes.len(), context::change(id, seq), change.encode()));
        self.writes.push(Write::Change { account: number, seq, sealed: Vec::new() });
        Ok(modseq)
    }

    /// Writes a row that changes nothing of what sessions see.
    pub(crate) fn write(&mut self, write: Write) {
        self.writes.push(write);
    }

    /// Takes the bytes of pack records; returns the segment and the offset at which they will lie.
    pub(crate) fn blob(&mut self, bytes: Vec<u8>) -> Result<(u32, u64), StoreError> {
        let (segment, tail) = self.batch.place.clone()?;
        let offset = tail + self.blob_bytes;
        self.blob_bytes += bytes.len() as u64;
        self.blobs.push(bytes);
        Ok((segment, offset))
    }

    /// Writes the epoch's sealed key, unless that has been done.
    pub(crate) fn epoch(&mut self, id: AccountId, epoch: &Arc<Epoch>) -> Result<(), StoreError> {
        if !epoch.on_disk.load(Ordering::SeqCst) {
            let account = self.tip(id)?.0.number;
            self.writes.push(Write::Epoch { account, epoch: epoch.id(), sealed: epoch.sealed_key.clone() });
            self.epochs.push(Arc::clone(epoch));
        }
        Ok(())
    }

    /// Whether an account of the store or of this batch has this address.
    pub(crate) fn address_is_taken(&self, hash: &[u8; 32]) -> bool {
        let in_batch = self.batch.new_accounts.iter().chain(&self.new_accounts);
        in_batch.flat_map(|new| &new.hashes).any(|taken| taken == hash)
            || self.batch.engine.directory().by_address.contains_key(hash)
    }

    /// Creates an account without mailboxes. `account` receives its number.
    pub(crate) fn create(
        &mut self,
        id: AccountId,
        hashes: Vec<[u8; 32]>,
        sealed: Vec<u8>,
        account: impl FnOnce(i64) -> Account,
    ) -> Result<(), StoreError> {
        let in_memory = self.batch.engine.directory().has(id);
        if in_memory || self.tips.contains_key(&id) || self.batch.tips.contains_key(&id) {
            return Err(StoreError::AccountExists);
        }
        let before = self.batch.engine.directory().last_number;
        let in_batch = self.batch.new_accounts.len() + self.new_accounts.len();
        let number = before + in_batch as i64 + 1;
        self.writes.push(Write::Account { account: number, id, sealed });
        self.writes.extend(hashes.iter().map(|&hash| Write::Address { hash, account: number }));
        let account = Arc::new(account(number));
        self.tips.insert(id, (Arc::clone(&account), Arc::default()));
        self.new_accounts.push(NewAccount { account, hashes });
        Ok(())
    }

    /// Writes a snapshot that was made on top of the one at change `baseline`. `false` when another came first.
    pub(crate) fn fold(&mut self, account: &Account, baseline: u64, snapshot: Write) -> bool {
        let id = account.record.id;
        let first = account.folded.load(Ordering::SeqCst) == baseline && !self.batch.folds.contains(&id);
        if first {
            self.folds.insert(id);
            self.writes.push(snapshot);
        }
        first
    }

    /// Adds what the job has planned to its batch.
    pub(crate) fn keep(self) {
        let Self { batch, tips, new_accounts, writes, unsealed, blobs, blob_bytes, epochs, folds } = self;
        let before = batch.writes.len();
        batch.unsealed.extend(unsealed.into_iter().map(|(at, context, plain)| (before + at, context, plain)));
        batch.tips.extend(tips);
        batch.new_accounts.extend(new_accounts);
        batch.writes.extend(writes);
        batch.blobs.extend(blobs);
        if let Ok((_, tail)) = &mut batch.place {
            *tail += blob_bytes;
        }
        batch.epochs.extend(epochs);
        batch.folds.extend(folds);
    }
}

impl Batch {
    pub(crate) fn new(engine: &Arc<Engine>, place: Result<(u32, u64), StoreError>) -> Self {
        Self {
            engine: Arc::clone(engine),
            now: engine.clock.now(),
            place,
            tips: BTreeMap::new(),
            new_accounts: Vec::new(),
            writes: Vec::new(),
            unsealed: Vec::new(),
            blobs: Vec::new(),
            epochs: Vec::new(),
            folds: HashSet::new(),
        }
    }

    /// Starts sealing the changes that the jobs have planned: returns their indexes among the writes, and the pending result.
    pub(crate) fn seal(&mut self) -> (Vec<usize>, SealedSoon) {
        let (places, plain): (Vec<_>, Vec<_>) =
            self.unsealed.drain(..).map(|(at, context, plain)| (at, (context, plain))).unzip();
        (places, self.engine.vault.service_seal_soon(plain))
    }
}
