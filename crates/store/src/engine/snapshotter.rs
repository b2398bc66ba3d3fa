//! The snapshotter thread: folds long logs of changes into snapshots, and drops the keys of epochs whose hour is over.
//!
//! It works on what sessions see, which is never changed in place, so it locks nothing; the snapshot is committed by the
//! commit thread like any other change.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use terms::AccountId;

use crate::account::state::AccountState;
use crate::encoding::{blocks, snapshot};
use crate::engine::accounts::Account;
use crate::engine::draft::Planned;
use crate::engine::state::{Engine, context};
use crate::error::StoreError;
use crate::rows::{SealedBlock, Write};

/// Changes that accumulate before they are folded. Replaying this many takes about a millisecond; a fold writes about ten
/// kilobytes, so per delivery it costs less than the delivery's own row.
pub(crate) const CHANGES_BEFORE_FOLD: u64 = 512;

/// How often epochs are checked when nothing else happens.
const TICK: Duration = Duration::from_secs(60);

/// A request to the thread.
pub(crate) enum Request {
    /// Fold this account; its `folding` is set.
    Fold(Arc<Account>),
    /// End the thread.
    Stop,
}

/// Works until it is told to stop.
pub(crate) fn run(engine: &Arc<Engine>, requests: &Receiver<Request>) {
    loop {
        match requests.recv_timeout(TICK) {
            Ok(Request::Fold(account)) => {
                if fold_one(engine, &account).is_err() {
                    // The log stays as it is; the next change triggers another attempt.
                    account.folding.store(false, Ordering::SeqCst);
                }
            }
            Ok(Request::Stop) | Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) => {}
        }
        // Readers may have finished with emptied segments since.
        engine.compaction.sweep(&engine.packs);
        let now = engine.clock.now();
        engine.directory().by_id.values().for_each(|account| account.epochs.forget_if_over(now));
    }
}

/// The sealed blocks of a snapshot that have changed since change `baseline`, and its sealed head, sealed in one call.
pub(crate) fn sealed_snapshot(
    engine: &Engine,
    id: AccountId,
    state: &AccountState,
    baseline: u64,
) -> Result<(Vec<SealedBlock>, Vec<u8>), StoreError> {
    let (names, mut plain): (Vec<_>, Vec<_>) = blocks::encode_blocks(state, baseline)
        .into_iter()
        .map(|(name, plain)| ((name.table, name.number), (context::block(id, name), plain)))
        .unzip();
    plain.push((context::snapshot(id, state.seq), snapshot::encode_head(state)));
    let mut sealed = engine.vault.service_seal_all(plain).map_err(|error| StoreError::vault(&error))?;
    let head = sealed.pop().ok_or(StoreError::VaultAway)?;
    let blocks = names.into_iter().zip(sealed).map(|((table, number), sealed)| (table, number, sealed)).collect();
    Ok((blocks, head))
}

fn fold_one(engine: &Arc<Engine>, account: &Arc<Account>) -> Result<(), StoreError> {
    let state = engine.seen(account)?;
    let baseline = account.folded.load(Ordering::SeqCst);
    let (id, seq) = (account.record.id, state.seq);
    let (blocks, head) = sealed_snapshot(engine, id, &state, baseline)?;
    let kept = blocks::block_keys(&state);
    let on_disk = engine.reader().block_keys(account.number).map_err(|error| StoreError::reading(&error))?;
    let gone = on_disk.into_iter().filter(|key| !kept.contains(key)).collect();
    let snapshot = Write::Snapshot { account: account.number, seq, sealed: head, blocks, gone };
    let account = Arc::clone(account);
    let job = move |draft: Result<&mut crate::engine::draft::Draft<'_>, StoreError>| {
        let keep = draft.is_ok_and(|draft| draft.fold(&account, baseline, snapshot));
        let answer = Box::new(move |outcome: Result<(), StoreError>| {
            if keep && outcome.is_ok() {
                account.folded.store(seq, Ordering::SeqCst);
            }
            account.folding.store(false, Ordering::SeqCst);
        });
        Planned { keep, answer }
    };
    engine.queue.put(Box::new(job), 0).map_err(|_| StoreError::Closed)
}
