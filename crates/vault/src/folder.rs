//! The vault's folder: which files there are, and how a file is known to be as it was written.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use durable::{Disk, Visibility};
use terms::{AccountId, Digest, OfficerName};

use crate::VaultError;
use crate::crypto::{same, sha256};
use crate::service::ServiceKey;

/// The node's own keys; its presence makes the folder a vault.
pub(crate) const NODE_FILE: &str = "node.keys";

/// The officers' public halves.
pub(crate) const ROSTER_FILE: &str = "officers.roster";

/// Folder of one file for each account.
const ACCOUNTS: &str = "accounts";

/// Folder of one file for each officer.
const OFFICERS: &str = "officers";

/// Folder of one file for each clearance that is kept.
pub(crate) const CLEARANCES: &str = "clearances";

/// Octets of the check at the end of each file: SHA-256 or HMAC-SHA256.
const CHECK_LEN: usize = 32;

/// The file of an account's keys.
pub(crate) fn account_file(id: AccountId) -> String {
    format!("{ACCOUNTS}/{id}.keys")
}

/// The file of an officer's keys.
pub(crate) fn officer_file(name: &OfficerName) -> String {
    format!("{OFFICERS}/{}.keys", name.as_str())
}

/// The file of a clearance.
pub(crate) fn clearance_file(order: Digest) -> String {
    format!("{CLEARANCES}/{order}{CLEARANCE_SUFFIX}")
}

/// How the name of a kept clearance ends.
pub(crate) const CLEARANCE_SUFFIX: &str = ".clearance";

/// The folder on its disk.
pub(crate) struct Folder {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
}

impl Folder {
    pub(crate) fn new(disk: Arc<dyn Disk>, dir: PathBuf) -> Self {
        Self { disk, dir }
    }

    /// Makes the folder and its folders. Durable when it returns.
    pub(crate) fn create(&self) -> Result<(), VaultError> {
        for name in [ACCOUNTS, OFFICERS, CLEARANCES] {
            self.disk.create_dir_all(&self.dir.join(name)).map_err(disk(name))?;
        }
        Ok(())
    }

    pub(crate) fn exists(&self, file: &str) -> bool {
        self.disk.exists(&self.dir.join(file))
    }

    /// The file, or `None` when there is none.
    pub(crate) fn read(&self, file: &str) -> Result<Option<Vec<u8>>, VaultError> {
        match self.disk.read(&self.dir.join(file)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(disk(file)(error)),
        }
    }

    /// Replaces the file as one step. Durable when it returns.
    pub(crate) fn write(&self, file: &str, bytes: &[u8]) -> Result<(), VaultError> {
        self.disk.write_atomic(&self.dir.join(file), bytes, Visibility::Private).map_err(disk(file))
    }

    /// Removes the file; a missing one is no error. Durable when it returns.
    pub(crate) fn remove(&self, file: &str) -> Result<(), VaultError> {
        match self.disk.remove(&self.dir.join(file)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(disk(file)(error)),
            _ => Ok(()),
        }
    }

    /// The names in one of the vault's folders, sorted.
    pub(crate) fn list(&self, name: &str) -> Result<Vec<String>, VaultError> {
        self.disk.list(&self.dir.join(name)).map_err(disk(name))
    }

    /// Writes `body` and an HMAC of it under the service key, bound to the file's name.
    pub(crate) fn write_checked(&self, own: &ServiceKey, file: &str, mut body: Vec<u8>) -> Result<(), VaultError> {
        let check = own.hash(file, &body);
        body.extend_from_slice(&check);
        self.write(file, &body)
    }

    /// Reads what [`write_checked`](Self::write_checked) wrote, or `None` when there is no such file.
    pub(crate) fn read_checked(&self, own: &ServiceKey, file: &str) -> Result<Option<Vec<u8>>, VaultError> {
        let Some(bytes) = self.read(file)? else { return Ok(None) };
        strip_check(file, bytes, |body| own.hash(file, body)).map(Some)
    }

    /// Writes `body` and its SHA-256: for the one file that is read before there is a service key.
    pub(crate) fn write_summed(&self, file: &str, mut body: Vec<u8>) -> Result<(), VaultError> {
        let sum = sha256(&[&body]);
        body.extend_from_slice(&sum);
        self.write(file, &body)
    }

    /// Reads what [`write_summed`](Self::write_summed) wrote, or `None` when there is no such file.
    pub(crate) fn read_summed(&self, file: &str) -> Result<Option<Vec<u8>>, VaultError> {
        let Some(bytes) = self.read(file)? else { return Ok(None) };
        strip_check(file, bytes, |body| sha256(&[body])).map(Some)
    }
}

fn strip_check(
    file: &str,
    mut bytes: Vec<u8>,
    check: impl FnOnce(&[u8]) -> [u8; CHECK_LEN],
) -> Result<Vec<u8>, VaultError> {
    let body_len = bytes.len().checked_sub(CHECK_LEN).ok_or_else(|| damaged(file))?;
    let (body, found) = bytes.split_at(body_len);
    if !same(&check(body), found) {
        return Err(damaged(file));
    }
    bytes.truncate(body_len);
    Ok(bytes)
}

pub(crate) fn damaged(file: &str) -> VaultError {
    VaultError::Damaged { file: file.to_owned() }
}

fn disk(file: &str) -> impl FnOnce(io::Error) -> VaultError {
    move |error| VaultError::Disk { file: file.to_owned(), error }
}

/// The error for a file whose first octets are not `magic`: another version of the same format, or damage.
pub(crate) fn unreadable(file: &str, magic: &[u8; 4], body: &[u8]) -> VaultError {
    if body.starts_with(&magic[..3]) && !body.starts_with(magic) {
        VaultError::UnknownFormat { file: file.to_owned() }
    } else {
        damaged(file)
    }
}
