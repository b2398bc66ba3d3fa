//! An owner's mail that waits to be folded into an index.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use store::{Store, StoreError};
use terms::Entropy;
use vault::{SignedIn, Vault};

use super::owner::OwnerIndex;

/// An owner's mail to fold.
pub(super) struct Job {
    pub(super) store: Arc<Store>,
    pub(super) vault: Arc<Vault>,
    pub(super) entropy: Arc<dyn Entropy>,
    /// The authorization to open it. The session stays open until the job is done.
    pub(super) owner: SignedIn,
    pub(super) index: Arc<OwnerIndex>,
}

/// Tells that the node is stopping.
#[derive(Default)]
pub(super) struct Stop(AtomicBool);

impl Stop {
    pub(super) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A number that no file of the account has.
pub(super) fn next_number(job: &Job) -> Result<u64, StoreError> {
    let on_disk = job.store.derived_files(job.index.account())?;
    let open = job.index.volumes();
    let highest = on_disk.into_iter().chain(open.iter().map(|volume| volume.number)).max();
    Ok(highest.unwrap_or(0) + 1)
}
