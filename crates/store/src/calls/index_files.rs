//! Files that an owner's index is kept in: derived from the owner's mail, sealed by its caller, and never the only place
//! of anything (docs/formats/index.md).
//!
//! They are the one thing that is written beside the commit thread. Nothing is acknowledged on their account, no row
//! refers to them, and whoever finds one missing, torn or strange makes it anew; so they need no place in a commit, and
//! the writing of a large one holds up no delivery. Here they are octets with a number.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use durable::{AppendFile, ReadAt, Visibility};
use terms::AccountId;

use crate::account::view::Entry;
use crate::damage::SeenAt;
use crate::error::StoreError;
use crate::store::Store;

/// The end of a derived file's name.
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

    /// Whether nothing was appended yet.
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

    /// The accounts that have derived files; also such as are none any more.
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

    /// Removes a derived file. Durable when it returns; one that is not there is no error.
    ///
    /// # Errors
    /// [`StoreError::NotStored`].
    pub fn derived_remove(&self, account: AccountId, number: u64) -> Result<(), StoreError> {
        match self.engine.packs.disk().remove(&self.derived_path(account, number)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(StoreError::writing(&error)),
            _ => Ok(()),
        }
    }

    /// Removes all derived files of an account: it is closed, or they are to be made anew.
    ///
    /// # Errors
    /// [`StoreError::NotStored`].
    pub fn derived_drop(&self, account: AccountId) -> Result<(), StoreError> {
        self.derived_files(account)?.into_iter().try_for_each(|number| self.derived_remove(account, number))
    }

    /// The slots of the messages that the owner has in a mailbox, ascending. What is there for a case only is not among
    /// them: what is derived for the owner must not tell of it.
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

    /// The messages in these slots, as far as the owner has them. They are the account's and of no mailbox: UID and MODSEQ
    /// are 0, flags there are none.
    ///
    /// # Errors
    /// As [`owned_slots`](Self::owned_slots).
    pub fn owned(&self, account: AccountId, slots: &[u32]) -> Result<Vec<Entry>, StoreError> {
        let state = self.engine.seen(&*self.engine.account(account)?)?;
        let rows = slots.iter().filter_map(|&slot| state.message(slot)).filter(|row| row.in_mailboxes > 0);
        Ok(rows.map(|row| Entry::of_account(account, row)).collect())
    }
}
