//! The vault's folder: which files there are, and how a file is known to be as it was written.

mod check;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use durable::{Disk, Visibility};
use terms::{AccountId, CaseId, Digest, OfficerName};
use vault::{FileError, VaultError};

use crate::crypto::{same, sha256};
use crate::node::service_key::ServiceKey;

/// The node's own keys; its presence makes the folder a vault.
pub(crate) const NODE_FILE: &str = "node.keys";

/// The service key for two key holders.
pub(crate) const HOLDERS_FILE: &str = "node.holders";

/// The service key for a PKCS#11 token.
pub(crate) const TOKEN_FILE: &str = "node.token";

/// The officers' public keys.
pub(crate) const ROSTER_FILE: &str = "officers.roster";

/// Folder of one file for each account.
pub(crate) const ACCOUNTS: &str = "accounts";

/// Folder of one file for each officer.
pub(crate) const OFFICERS: &str = "officers";

/// Folder of one file for each closed account and case that holds mail of it.
pub(crate) const HELD: &str = "held";

/// Folder of one file for each day on which keys were backed up.
pub(crate) const DAYS: &str = "days";

/// Folder of the service keys before this one.
pub(crate) const OLDER: &str = "older";

/// Folder of one file for each account whose epochs were folded.
pub(crate) const RINGS: &str = "rings";

/// Folder of one file for each clearance that is kept.
pub(crate) const CLEARANCES: &str = "clearances";

/// Folder of one file for each account whose pair is being replaced.
pub(crate) const ROTATING: &str = "rotating";

/// Folder of one file for each account that its owner is closing.
pub(crate) const CLOSING: &str = "closing";

/// Folder of one file for each reset that is under way.
pub(crate) const RESETS: &str = "resets";

/// Folder of one file for each account.
pub(crate) const SEEN: &str = "seen";

/// Bytes of the check at the end of each file: SHA-256 or HMAC-SHA256.
const CHECK_LEN: usize = 32;

/// The file of a reset.
pub(crate) fn reset_file(account: AccountId) -> String {
    format!("{RESETS}/{account}.reset")
}

/// The file of what was seen of an account.
pub(crate) fn seen_file(account: AccountId) -> String {
    format!("{SEEN}/{account}.seen")
}

/// The file of an account's keys.
pub(crate) fn account_file(id: AccountId) -> String {
    format!("{ACCOUNTS}/{id}.keys")
}

/// The file of an account's ring.
pub(crate) fn ring_file(id: AccountId) -> String {
    format!("{RINGS}/{id}.ring")
}

/// The file that says that an account's pair is being replaced.
pub(crate) fn rotating_file(id: AccountId) -> String {
    format!("{ROTATING}/{id}")
}

/// The file that says that an owner is closing an account.
pub(crate) fn closing_file(id: AccountId) -> String {
    format!("{CLOSING}/{id}")
}

/// The file of what a case holds of a closed account.
pub(crate) fn held_file(case: CaseId, account: AccountId) -> String {
    format!("{HELD}/{case}-{account}.keys")
}

/// The file of the key under which keys were backed up on a day.
pub(crate) fn day_key_file(day: u32) -> String {
    format!("{DAYS}/{day}.key")
}

/// The file of the service keys before the one of this number.
pub(crate) fn older_file(generation: u8) -> String {
    format!("{OLDER}/{generation}.keys")
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

    /// Makes the folder and its folders, and overwrites what an interruption left there to be overwritten. Durable when it
    /// returns.
    pub(crate) fn create(&self) -> Result<(), VaultError> {
        for name in [ACCOUNTS, RINGS, OFFICERS, CLEARANCES, HELD, DAYS, OLDER, SEEN, RESETS, ROTATING, CLOSING] {
            self.disk.create_dir_all(&self.dir.join(name)).map_err(disk(name))?;
        }
        for name in ["", ACCOUNTS, RINGS, OFFICERS, CLEARANCES, HELD, DAYS, OLDER, SEEN, RESETS, ROTATING, CLOSING] {
            self.disk.finish_shredding(&self.dir.join(name)).map_err(disk(name))?;
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

    /// Replaces the file as one step, and overwrites what it replaces. Durable when it returns.
    pub(crate) fn write(&self, file: &str, bytes: &[u8]) -> Result<(), VaultError> {
        self.disk.replace_shredding(&self.dir.join(file), bytes, Visibility::Private).map_err(disk(file))
    }

    /// Appends to a file. Durable when it returns; after an error its end may be torn.
    pub(crate) fn append(&self, file: &str, bytes: &[u8]) -> Result<(), VaultError> {
        let append = || {
            let mut open = self.disk.open_append(&self.dir.join(file), Visibility::Private)?;
            open.append(&[bytes])?;
            open.sync()
        };
        append().map_err(disk(file))
    }

    /// Overwrites the file and removes it; a missing one is not an error. Durable when it returns.
    pub(crate) fn remove(&self, file: &str) -> Result<(), VaultError> {
        match self.disk.shred(&self.dir.join(file)) {
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
        strip_check(file, bytes, |body| own.hashes(file, body)).map(Some)
    }

    /// As [`read_checked`](Self::read_checked), when an older service key made the check; `None` for one that the present key
    /// made, too.
    pub(crate) fn read_stale(&self, own: &ServiceKey, file: &str) -> Result<Option<Vec<u8>>, VaultError> {
        let Some(bytes) = self.read(file)? else { return Ok(None) };
        let fresh = strip_check(file, bytes.clone(), |body| vec![own.hash(file, body)]).is_ok();
        if fresh { Ok(None) } else { strip_check(file, bytes, |body| own.hashes(file, body)).map(Some) }
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
        Self::unsummed(file, &bytes).map(Some)
    }

    /// What [`write_summed`](Self::write_summed) put a sum behind.
    pub(crate) fn unsummed(file: &str, bytes: &[u8]) -> Result<Vec<u8>, VaultError> {
        strip_check(file, bytes.to_vec(), |body| vec![sha256(&[body])])
    }
}

fn strip_check(
    file: &str,
    mut bytes: Vec<u8>,
    checks: impl FnOnce(&[u8]) -> Vec<[u8; CHECK_LEN]>,
) -> Result<Vec<u8>, VaultError> {
    let body_len = bytes.len().checked_sub(CHECK_LEN).ok_or_else(|| damaged(file))?;
    let (body, found) = bytes.split_at(body_len);
    // While a service key is being replaced, a file is checked with the old one or the new.
    if !checks(body).iter().any(|check| same(check, found)) {
        return Err(damaged(file));
    }
    bytes.truncate(body_len);
    Ok(bytes)
}

pub(crate) fn damaged(file: &str) -> VaultError {
    VaultError::Files(FileError::Damaged { file: file.to_owned() })
}

fn disk(file: &str) -> impl FnOnce(io::Error) -> VaultError {
    move |error| VaultError::Files(FileError::Disk { file: file.to_owned(), error })
}

/// The error for a file that cannot be read although its check holds: another version of the same format, when it begins
/// with none of `magics`, or damage.
pub(crate) fn unreadable(file: &str, magics: &[&[u8; 4]], body: &[u8]) -> VaultError {
    let known = |magic: &&[u8; 4]| body.starts_with(*magic);
    if magics.iter().any(|magic| body.starts_with(&magic[..3])) && !magics.iter().any(known) {
        VaultError::Files(FileError::UnknownFormat { file: file.to_owned() })
    } else {
        damaged(file)
    }
}
