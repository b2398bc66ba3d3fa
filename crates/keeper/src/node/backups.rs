//! Backups of keys. They are sealed under the key of the day on which they were made; after the window that key is
//! overwritten, and every backup of that day is noise, wherever it lies.

use std::sync::PoisonError;

use terms::Secret;
use vault::inside::{Decoder, Encoder};
use vault::{CostProfile, FileError, KeyBackup, MailError, VaultError, calls};
use zeroize::Zeroizing;

use crate::account::Stretch;
use crate::crypto::{Key32, Lanes, random_key};
use crate::files::{ACCOUNTS, DAYS, Folder, HELD, NODE_FILE, OFFICERS, ROSTER_FILE, damaged, day_key_file};
use crate::keeper::{Keeper, Place};
use crate::node::keys::NodeKeys;
use crate::node::service_key::{FIRST_GENERATION, ServiceKey};

/// Milliseconds of a day, UTC.
const DAY_MILLIS: i64 = 24 * 60 * 60 * 1000;

pub(crate) fn context(day: u32) -> String {
    format!("backup of keys of day {day}")
}

/// The key of a day as it seals.
pub(crate) fn sealer(key: Key32) -> ServiceKey {
    ServiceKey::for_vault(&[(FIRST_GENERATION, key)])
}

impl calls::backups::Calls for Keeper {
    fn back_up_keys(&self) -> Result<KeyBackup, VaultError> {
        // No account changes in the midst of it.
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let day = self.today();
        let file = day_key_file(day);
        let key = match self.folder.read(&file)? {
            Some(sealed) => self.own.open(&file, &sealed).map_err(|_| damaged(&file))?,
            None => {
                let key = random_key(&*self.entropy);
                self.folder.write(&file, &self.own.seal(&file, key.as_ref(), &*self.entropy))?;
                key.to_vec()
            }
        };
        let key = key_of(&Zeroizing::new(key)).ok_or_else(|| damaged(&file))?;
        let plain = Zeroizing::new(self.all_keys()?);
        let day_key = self.folder.read(&file)?.ok_or_else(|| damaged(&file))?;
        let node = self.folder.read(NODE_FILE)?.ok_or_else(|| damaged(NODE_FILE))?;
        Ok(KeyBackup { day, day_key, sealed: sealer(key).seal(&context(day), &plain, &*self.entropy), node })
    }

    fn destroy_day_keys(&self, window_days: u32) -> Result<Vec<u32>, VaultError> {
        let oldest = self.today().saturating_sub(window_days);
        let names = self.folder.list(DAYS)?;
        let days = names.iter().filter_map(|name| name.strip_suffix(".key")?.parse().ok());
        let over: Vec<u32> = days.filter(|day| *day < oldest).collect();
        for day in &over {
            self.folder.remove(&day_key_file(*day))?;
        }
        Ok(over)
    }
}

impl Keeper {
    fn today(&self) -> u32 {
        u32::try_from(self.clock.now().0.div_euclid(DAY_MILLIS)).unwrap_or(0)
    }

    /// Every file that opens something, with its name.
    fn all_keys(&self) -> Result<Vec<u8>, VaultError> {
        let mut names = vec![ROSTER_FILE.to_owned()];
        for folder in [ACCOUNTS, OFFICERS, HELD] {
            names.extend(self.folder.list(folder)?.into_iter().map(|name| format!("{folder}/{name}")));
        }
        let mut out =
            Encoder::new(&[]).u32(u32::try_from(names.len()).map_err(|_| VaultError::Mail(MailError::TooLong))?);
        for name in names {
            let bytes = self.folder.read(&name)?.ok_or_else(|| damaged(&name))?;
            out = out.text(&name).bytes(&bytes);
        }
        Ok(out.finish())
    }
}

/// Writes a vault's folder from a backup. The node's passphrase opens it. Clearances and the keys of days are not in it.
///
/// # Errors
/// `FileError::AlreadyThere`, `UnlockError::WrongPassphrase`, `MailError::DoesNotOpen` when the key of the day is not
/// the backup's, `FileError::Damaged`, `FileError::Disk`.
pub(crate) fn restore(
    place: Place,
    backup: &KeyBackup,
    passphrase: &Secret<String>,
    log: RestoredLog,
) -> Result<(), VaultError> {
    let folder = Folder::new(place.disk, place.dir);
    if folder.exists(NODE_FILE) {
        return Err(VaultError::Files(FileError::AlreadyThere));
    }
    let node = Folder::unsummed(NODE_FILE, &backup.node)?;
    let (mut node, service_key) = NodeKeys::open(&node, passphrase, &Lanes::new(1))?;
    let own = ServiceKey::for_vault(std::slice::from_ref(&service_key));
    let key = Zeroizing::new(own.open(&day_key_file(backup.day), &backup.day_key)?);
    let key = key_of(&key).ok_or(VaultError::Mail(MailError::DoesNotOpen))?;
    let plain = Zeroizing::new(sealer(key).open(&context(backup.day), &backup.sealed)?);
    let files = parse_files(&plain).ok_or(VaultError::Mail(MailError::DoesNotOpen))?;
    folder.create()?;
    for (name, bytes) in files {
        folder.write(name, bytes)?;
    }
    // Last, because it makes the folder a vault.
    match log {
        RestoredLog::Same => folder.write(NODE_FILE, &backup.node),
        RestoredLog::Successor => {
            node.log_origin = successor_of(&node.log_origin);
            let (lanes, entropy) = (Lanes::new(1), place.entropy);
            let stretch = Stretch { cost: CostProfile::OWASP, lanes: &lanes, entropy: &*entropy };
            folder.write_summed(NODE_FILE, node.to_bytes(&service_key, passphrase, stretch)?)
        }
    }
}

/// Which log the node of a restored vault signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RestoredLog {
    /// The previous one: it is there to its last entry.
    Same,
    /// Another one: entries of the one before may be lost, and one key must not sign two histories under one name.
    Successor,
}

/// The origin of the log that follows: `host/ledger`, `host/ledger/2`, `host/ledger/3`.
fn successor_of(origin: &str) -> String {
    let numbered = origin.rsplit_once('/').and_then(|(name, last)| Some((name, last.parse::<u32>().ok()?)));
    match numbered {
        Some((name, number)) => format!("{name}/{}", number.saturating_add(1)),
        None => format!("{origin}/2"),
    }
}

pub(crate) fn parse_files(plain: &[u8]) -> Option<Vec<(&str, &[u8])>> {
    let mut rest = Decoder::new(&[], plain)?;
    let mut files = Vec::new();
    for _ in 0..rest.u32()? {
        let (name, bytes) = (rest.text()?, rest.bytes()?);
        // Only names that the vault gives: a backup is opened by anyone who has its key, and that may be a stranger.
        let (folder, file) = name.split_once('/').unwrap_or(("", name));
        let known = matches!(folder, ACCOUNTS | OFFICERS | HELD) || name == ROSTER_FILE;
        if !known || file.contains('/') || file.starts_with('.') {
            return None;
        }
        files.push((name, bytes));
    }
    rest.end()?;
    Some(files)
}

pub(crate) fn key_of(bytes: &[u8]) -> Option<Key32> {
    let mut key = Key32::default();
    (bytes.len() == key.len()).then(|| key.copy_from_slice(bytes))?;
    Some(key)
}
