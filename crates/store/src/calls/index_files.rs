//! The files of an owner's index: derived from the owner's mail, sealed by the caller, and never the only copy
//! of anything (docs/formats/index.md).
//!
//! They are the only files that are not written by the commit thread. No acknowledgement depends on them, no row
//! refers to them, and one that is missing, torn or unknown is rebuilt; so they need no place in a commit, and
//! writing a large one delays no delivery. Here they are bytes with a number.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use durable::{AppendFile, ReadAt, Visibility};
use terms::AccountId;

use crate::account::view::MessageEntry;
use crate::damage::SeenAt;
use crate::error::StoreError;
use crate::store::Store;

/// The suffix of a derived file's name.
const SUFFIX: &str = ".index";

/// A derived file that is being written.
pub struct DerivedFile {
    number: u64,
    file: Box<dyn AppendFile>,
}

impl DerivedFile {
    /// Its number among the account's.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// How many bytes it has.
    pub fn len(&self) -> u64 {
        self.file.len()
    }

    /// Whether nothing has been appended yet.
    pub fn is_empty(&self) -> bool {
        self.file.is_empty()
    }

    /// Appends; nothing is durable yet.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`], [`StoreError::NotStored`]: drop the file and remove it.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.file.append(&[bytes]).map(|_| ()).map_err(|error| StoreError::writing(&error))
    }

    /// Makes it durable.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    pub fn sync(mut self) -> Result<(), StoreError> {
        self.file.sync().map_err(|error| StoreError::writing(&error))
    }
}

/// Derived files. One thread at a time writes those of an account: the callers see to it.
impl Store {
    fn derived_dir(&self, account: AccountId) -> PathBuf {
        self.engine.dir.join("index").join(account.to_string())
    }

    fn derived_path(&self, account: AccountId, number: u64) -> PathBuf {
        self.derived_dir(account).join(format!("{number:08}{SUFFIX}"))
    }

    /// The numbers of an account's derived files, ascending; also of those whose writing was interrupted.
    ///
    /// # Errors
    /// [`StoreError::NotStored`] when the folder cannot be read.
    pub fn derived_files(&self, account: AccountId) -> Result<Vec<u64>, StoreError> {
        let names = match self.engine.packs.disk().list(&self.derived_dir(account)) {
            Ok(names) => names,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(StoreError::writing(&error)),
        };
        let mut numbers: Vec<u64> = names.iter().filter_map(|name| name.strip_suffix(SUFFIX)?.parse().ok()).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// The accounts that have derived files, including accounts that no longer exist.
    ///
    /// # Errors
    /// [`StoreError::NotStored`] when the folder cannot be read.
    pub fn derived_accounts(&self) -> Result<Vec<AccountId>, StoreError> {
        match self.engine.packs.disk().list(&self.engine.dir.join("index")) {
            Ok(names) => Ok(names.iter().filter_map(|name| name.parse().ok()).collect()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(StoreError::writing(&error)),
        }
    }

    /// Begins a derived file; `number` is one that no file of the account has.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`], [`StoreError::NotStored`].
    pub fn derived_begin(&self, account: AccountId, number: u64) -> Result<DerivedFile, StoreError> {
        let disk = self.engine.packs.disk();
        let begin = || {
            disk.create_dir_all(&self.derived_dir(account))?;
            let mut file = disk.open_append(&self.derived_path(account, number), Visibility::Private)?;
            if !file.is_empty() {
                file.truncate(0)?;
            }
            Ok(file)
        };
        let file = begin().map_err(|error: io::Error| StoreError::writing(&error))?;
        Ok(DerivedFile { number, file })
    }

    /// Opens a derived file for reading.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when it is not there.
    pub fn derived_open(&self, account: AccountId, number: u64) -> Result<Arc<dyn ReadAt>, StoreError> {
        let opened = self.engine.packs.disk().open_read(&self.derived_path(account, number));
        opened.map(Arc::from).map_err(|error| StoreError::Damaged(format!("derived file {number}: {error}")))
    }

    /// Removes a derived file. Durable when it returns; a missing file is not an error.
    ///
    /// # Errors
    /// [`StoreError::NotStored`].
    pub fn derived_remove(&self, account: AccountId, number: u64) -> Result<(), StoreError> {
        match self.engine.packs.disk().remove(&self.derived_path(account, number)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(StoreError::writing(&error)),
            _ => Ok(()),
        }
    }

    /// Removes all derived files of an account: it was closed, or they are to be rebuilt.
    ///
    /// # Errors
    /// [`StoreError::NotStored`].
    pub fn derived_drop(&self, account: AccountId) -> Result<(), StoreError> {
        self.derived_files(account)?.into_iter().try_for_each(|number| self.derived_remove(account, number))
    }

    /// The slots of the messages that the owner has in a mailbox, ascending. What exists only for a case is not among
    /// them: what is derived for the owner must not reveal it.
    ///
    /// # Errors
    /// [`StoreError::NoSuchAccount`], [`StoreError::Damaged`].
    pub fn owned_slots(&self, account: AccountId) -> Result<Vec<u32>, StoreError> {
        let state = self.engine.seen(&*self.engine.account(account)?)?;
        Ok(state.messages.iter().filter(|row| row.in_mailboxes > 0).map(|row| row.slot).collect())
    }

    /// Where the owner sees the message in this slot.
    ///
    /// # Errors
    /// As [`owned_slots`](Self::owned_slots).
    pub fn seen_at(&self, account: AccountId, slot: u32) -> Result<Vec<SeenAt>, StoreError> {
        Ok(self.engine.seen(&*self.engine.account(account)?)?.seen_at(|other| other == slot))
    }

    /// The messages in these slots, as far as the owner has them. They are outside any mailbox: UID and MODSEQ
    /// are 0, and there are no flags.
    ///
    /// # Errors
    /// As [`owned_slots`](Self::owned_slots).
    pub fn owned(&self, account: AccountId, slots: &[u32]) -> Result<Vec<MessageEntry>, StoreError> {
        let state = self.engine.seen(&*self.engine.account(account)?)?;
        let rows = slots.iter().filter_map(|&slot| state.message(slot)).filter(|row| row.in_mailboxes > 0);
        Ok(rows.map(|row| MessageEntry::of_account(account, row)).collect())
    }
}
