//! What sessions need from the index of their owner.

use std::sync::{Arc, PoisonError, Weak};

use store::StoreError;
use terms::AccountId;
use vault::SignedIn;

use super::check::Volumes as CheckedVolumes;
use super::fold;
use super::job::Job;
use super::owner::OwnerIndex;
use crate::mailroom::Mailroom;

/// New messages after which an index is folded during a session. Until then they are read and searched one by
/// one, which for this many costs no more than a millisecond or two.
const NEWS_BEFORE_FOLD: u32 = 64;

impl Job {
    fn of(mail: &Mailroom, owner: &SignedIn, index: &Arc<OwnerIndex>) -> Self {
        Self {
            store: Arc::clone(&mail.store),
            vault: Arc::clone(&mail.vault),
            entropy: Arc::clone(&mail.entropy),
            owner: owner.clone(),
            index: Arc::clone(index),
        }
    }
}

/// Indexes of owners who are signed in.
impl Mailroom {
    /// The index of a signed-in owner; starts folding it. Nothing is read yet. `None` if there is none: then
    /// everything is read and searched in the messages.
    pub(crate) fn enter_index(&self, owner: &SignedIn) -> Option<Arc<OwnerIndex>> {
        let handle = self.index.0.as_ref()?;
        let index = handle.index_of(&self.vault, &self.store, owner).ok()?;
        handle.fold(Job::of(self, owner, &index));
        Some(index)
    }

    /// Reports that a session saw `more` messages arrive.
    pub(crate) fn index_news(&self, owner: &SignedIn, index: &Arc<OwnerIndex>, more: usize) {
        if let Some(handle) = &self.index.0
            && index.has_news(more, NEWS_BEFORE_FOLD)
        {
            handle.fold(Job::of(self, owner, index));
        }
    }

    /// The size of a signed-in owner's index.
    ///
    /// # Errors
    /// [`StoreError::Vault`] when the session is over.
    pub fn index_size(&self, owner: &SignedIn) -> Result<IndexSize, StoreError> {
        let Some(handle) = &self.index.0 else { return Ok(IndexSize::default()) };
        let index =
            handle.index_of(&self.vault, &self.store, owner).map_err(|error| StoreError::Vault(error.to_string()))?;
        let volumes = index.volumes();
        Ok(IndexSize {
            volumes: volumes.len(),
            messages: volumes.iter().map(|volume| volume.docs()).sum(),
            bytes: volumes.iter().map(|volume| volume.file_bytes()).sum(),
        })
    }

    /// Passes the volumes of a signed-in owner, as they are on disk, to `look`; none is written meanwhile. `None` if there
    /// are no indexes.
    pub(crate) fn look_at_volumes<T>(
        &self,
        owner: &SignedIn,
        look: impl FnOnce(Option<CheckedVolumes>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let Some(handle) = &self.index.0 else { return look(None) };
        let index =
            handle.index_of(&self.vault, &self.store, owner).map_err(|error| StoreError::Vault(error.to_string()))?;
        let _writing = index.writing.lock().unwrap_or_else(PoisonError::into_inner);
        look(Some(CheckedVolumes::open(&self.store, &index.key())?))
    }

    /// Drops the index of a signed-in owner and rebuilds it, on this thread: for owners who do not trust it.
    ///
    /// # Errors
    /// [`StoreError::Vault`] when the session is over, and those of the disk.
    pub fn rebuild_index(&self, owner: &SignedIn) -> Result<IndexSize, StoreError> {
        if let Some(handle) = &self.index.0 {
            let index = handle
                .index_of(&self.vault, &self.store, owner)
                .map_err(|error| StoreError::Vault(error.to_string()))?;
            {
                let _writing = index.writing.lock().unwrap_or_else(PoisonError::into_inner);
                index.publish(None, &index.volumes());
                self.store.derived_drop(owner.account())?;
            }
            fold::run(&Job::of(self, owner, &index), &handle.shared.stop)?;
        }
        self.index_size(owner)
    }
}

/// Indexes of owners who need not be signed in.
impl Mailroom {
    /// Drops the index of an account whose key pair was replaced: it is sealed with a key from the previous pair. What a session has of it is
    /// no longer used; it is rebuilt when the owner signs in.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn drop_index(&self, account: AccountId) -> Result<(), StoreError> {
        let Some(handle) = &self.index.0 else { return self.store.derived_drop(account) };
        let open = {
            let owners = handle.shared.owners.lock().unwrap_or_else(PoisonError::into_inner);
            owners.get(&account).and_then(Weak::upgrade)
        };
        let Some(index) = open else { return self.store.derived_drop(account) };
        let _writing = index.writing.lock().unwrap_or_else(PoisonError::into_inner);
        index.publish(None, &index.volumes());
        self.store.derived_drop(account)
    }
}

/// An index in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct IndexSize {
    /// How many files.
    pub volumes: usize,
    /// How many messages are in them, including those expunged since.
    pub messages: usize,
    /// How many bytes they have on disk.
    pub bytes: u64,
}
