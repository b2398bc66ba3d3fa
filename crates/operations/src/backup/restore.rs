//! A node from a backup, in an empty directory. What is damaged is named and stops nothing else: rows of an account that are
//! damaged in the newest backup are taken from an older one, and a damaged stretch of a segment costs the messages in it.
//!
//! The new node signs a log of its own, whose first entry names the last checkpoint of the old one: entries after it may be
//! lost, and one key must not sign two histories under one name. The configuration is written last; until then there is no
//! node.

use std::os::unix::fs::DirBuilderExt;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use durable::{DirLock, Disk, RealDisk, SystemClock, Visibility};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{RowRestorer, StoreError, profile_in};
use terms::{AccountId, Clock, Entropy, Secret, UnixMillis};
use vault::{CostProfile, KeyBackup, SystemEntropy, Vault};

use super::live;
use super::manifest::{Manifest, SegmentPart};
use super::place::{Place, said, sha256};
use super::take::{below, walk};
use crate::backup_error::BackupError;
use crate::config::{Config, Unlock};
use crate::node::{ClosedNode, Node, Quiet, passphrase_path, start_vault};
use crate::operation::{Progress, Unit};

/// What is restored from what to where.
pub struct Plan {
    /// A place for backups, or the folder of one node in it.
    pub from: PathBuf,
    /// The new node's directory.
    pub to: PathBuf,
    /// The keys.
    pub keys: KeyBackup,
    /// The node's passphrase.
    pub passphrase: Secret<String>,
    /// A copy of the ledger that may be newer.
    pub ledger: Option<PathBuf>,
}

/// A restored node.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Restored {
    /// Where the node is.
    pub dir: PathBuf,
    /// When the backup was made, RFC 3339.
    pub backup_at: String,
    /// Accounts.
    pub accounts: u64,
    /// Messages.
    pub messages: u64,
    /// Bytes of segments.
    pub bytes: u64,
    /// Accounts that were closed since the backup, and are closed again.
    pub closed_again: u64,
    /// Cases of which something is held.
    pub cases_held: u64,
    /// Entries of the old ledger that are there.
    pub ledger_before: u64,
    /// The new ledger's origin.
    pub ledger: String,
    /// How long it took.
    pub seconds: f64,
    /// Everything that is not as it was, one sentence each.
    pub damages: Vec<String>,
}

/// What the first entry of the new ledger says of the old one.
#[derive(Serialize)]
struct PreviousLedger {
    origin: String,
    key: String,
    size: u64,
    checkpoint: String,
}

/// When a manifest says that it was made.
#[derive(Deserialize)]
struct MadeAt {
    at: i64,
}

/// Everything on the way.
struct Work<'w> {
    place: Place,
    to: PathBuf,
    disk: Arc<dyn Disk>,
    /// Good ones, the newest first; at least one.
    manifests: Vec<Manifest>,
    done: Restored,
    total: u64,
    progress: &'w mut dyn FnMut(Progress),
}

/// Restores a node. Durable when it returns.
pub fn restore(plan: &Plan, progress: &mut dyn FnMut(Progress)) -> Result<Restored, BackupError> {
    let began = Instant::now();
    let to = std::path::absolute(&plan.to).map_err(said(&plan.to))?;
    if to.read_dir().is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(BackupError::NotEmpty(to));
    }
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&to).map_err(said(&to))?;
    let lock = DirLock::take(&to)?;
    let disk: Arc<dyn Disk> = Arc::new(RealDisk);
    let (clock, entropy): (Arc<dyn Clock>, Arc<dyn Entropy>) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
    let place = Place::new(disk.clone(), lineage_dir(&disk, &plan.from)?);

    check_format(&place)?;
    let keys = to.join("vault");
    disk.create_dir_all(&keys).map_err(said(&keys))?;
    let gate = start_vault(&to, &clock)?;
    gate.restore_keys(&plan.keys, &plan.passphrase, true).map_err(|error| BackupError::Keys(error.to_string()))?;
    let vault = gate.unlock(&plan.passphrase, CostProfile::OWASP)?;

    let (manifests, damages) = manifests(&place, &vault)?;
    let done = Restored { dir: to.clone(), damages, ..Restored::default() };
    let mut work = Work { place, to: to.clone(), disk: disk.clone(), manifests, done, total: 0, progress };
    work.done.backup_at = work.newest().at.rfc3339();
    let settings = work.settings()?;
    let config = Config::parse(&settings).map_err(BackupError::Config)?;
    for name in ["secrets", "run", "law", "desk"] {
        disk.create_dir_all(&to.join(name)).map_err(said(&to))?;
    }
    if config.vault.unlock == Unlock::PassphraseFile {
        let path = passphrase_path(&to);
        let bytes = plan.passphrase.expose().as_bytes();
        disk.write_atomic(&path, bytes, Visibility::Private).map_err(said(&path))?;
    }
    work.rows(&vault)?;
    work.segments()?;
    work.files()?;
    let before = work.old_ledger(plan.ledger.as_deref())?;
    let waits = Node::desk_waits_path(&to);
    disk.write_atomic(&waits, work.done.backup_at.as_bytes(), Visibility::Private).map_err(said(&waits))?;

    // Opening the desk sets every hold that its cases name.
    let closed_node = ClosedNode::of(&to, config, lock, gate, clock, entropy, Arc::new(Quiet))?;
    let node = closed_node.open_rooms(vault)?;
    let unheld = work.finish(&node, before)?;
    drop((node, closed_node));
    // The keys of an account that was closed after the keys were backed up open nothing here either; what a case holds of one
    // still opens, by two officers.
    for account in unheld {
        let path = to.join("vault").join("accounts").join(format!("{account}.keys"));
        if disk.exists(&path) {
            disk.shred(&path).map_err(said(&path))?;
        }
    }
    let path = Config::path(&to);
    disk.write_atomic(&path, settings.as_bytes(), Visibility::Private).map_err(said(&path))?;
    work.done.seconds = began.elapsed().as_secs_f64();
    Ok(work.done)
}

/// The folder of one node's backups: `from` itself, or the one in it whose newest manifest is the latest.
fn lineage_dir(disk: &Arc<dyn Disk>, from: &Path) -> Result<PathBuf, BackupError> {
    let is_one = |dir: &Path| dir.join("manifests").is_dir();
    if is_one(from) {
        return Ok(from.to_owned());
    }
    let entries = std::fs::read_dir(from).map_err(said(from))?;
    let dirs = entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|dir| is_one(dir));
    // The time is not proven yet; a wrong one is found out by the tag.
    let latest = |dir: &PathBuf| {
        let place = Place::new(disk.clone(), dir.clone());
        let newest = place.manifests().ok()?.first().copied()?;
        let bytes = disk.read(&place.manifest(newest)).ok()?;
        let text = bytes.split(|byte| *byte == b'\n').next()?;
        Some(serde_json::from_slice::<MadeAt>(text).ok()?.at)
    };
    dirs.max_by_key(latest).ok_or_else(|| BackupError::NoBackups(from.to_owned()))
}

/// Refuses a place where every backup is of another format: before the keys are opened, which may be written in another way, too.
fn check_format(place: &Place) -> Result<(), BackupError> {
    let mut newest = None;
    for number in place.manifests().map_err(said(&place.dir))? {
        let Ok(bytes) = place.disk.read(&place.manifest(number)) else { continue };
        match Manifest::check_format(&bytes) {
            Ok(()) => return Ok(()),
            Err(other) => newest = newest.or(Some(BackupError::OtherFormat { number, problem: other.to_string() })),
        }
    }
    newest.map_or(Ok(()), Err)
}

/// The manifests that this vault's node wrote, the newest first, and what is said of the others.
fn manifests(place: &Place, vault: &Vault) -> Result<(Vec<Manifest>, Vec<String>), BackupError> {
    let (mut good, mut damages) = (Vec::new(), Vec::new());
    for number in place.manifests().map_err(said(&place.dir))? {
        let path = place.manifest(number);
        let read = place.disk.read(&path).map_err(|error| said(&path)(error).into());
        match read.and_then(|bytes| Manifest::of_bytes(&bytes, vault)) {
            Ok(Some(manifest)) => good.push(manifest),
            Ok(None) => damages.push(format!("backup {number} is not as this node wrote it, and is passed over")),
            Err(error) => damages.push(format!("backup {number}: {error}")),
        }
    }
    if good.is_empty() {
        return Err(BackupError::OtherKeys(place.dir.clone()));
    }
    Ok((good, damages))
}

impl Work<'_> {
    fn newest(&self) -> &Manifest {
        &self.manifests[0]
    }

    fn damaged(&mut self, what: impl Into<String>) {
        self.done.damages.push(what.into());
    }

    /// The newest configuration that is whole.
    fn settings(&mut self) -> Result<String, BackupError> {
        let found = self.manifests.iter().enumerate().find_map(|(age, manifest)| {
            let part = manifest.files.iter().find(|file| file.path == "node.toml")?;
            Some((age, String::from_utf8(self.place.get(&part.digest)?).ok()?))
        });
        let (age, text) = found.ok_or(BackupError::NoConfig)?;
        if age > 0 {
            self.damaged("node.toml is damaged in the newest backup; it is of an older one");
        }
        Ok(text)
    }

    /// The rows of every account, from the newest backup in which they are whole. A profile that was damaged already when it
    /// was copied is taken from the newest backup in which it opens: what changes of it is put right when the node opens.
    fn rows(&mut self, vault: &Vault) -> Result<(), BackupError> {
        let dir = self.to.join("store");
        self.disk.create_dir_all(&dir).map_err(said(&dir))?;
        let mut rows = RowRestorer::create(&dir, self.newest().tail)?;
        let accounts: Vec<AccountId> = self.newest().accounts.iter().map(|part| part.account).collect();
        for account in accounts {
            let mut restored = None;
            let mut other_profile = None;
            for (age, manifest) in self.manifests.iter().enumerate() {
                let Some(pieces) = self.pieces(manifest, account) else { continue };
                other_profile = None;
                let opens = profile_in(vault, account, &pieces)?;
                let profile = opens.or_else(|| {
                    let (at, profile) = self.older_profile(vault, account, age)?;
                    other_profile = Some(at);
                    Some(profile)
                });
                match rows.account(account, &pieces, profile) {
                    Ok(()) => {
                        restored = Some((age, manifest.at));
                        break;
                    }
                    Err(StoreError::Damaged(_)) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            if let (Some(at), Some(_)) = (other_profile, restored) {
                self.damaged(format!(
                    "the profile of account {account} was damaged when it was backed up; it is of the backup of {at}"
                ));
            }
            match restored {
                Some((0, _)) => {}
                Some((_, at)) => self.damaged(format!(
                    "the rows of account {account} are damaged in the newest backup; they are of the one of {at}"
                )),
                None => {
                    self.damaged(format!("the rows of account {account} are damaged in every backup: it is missing"))
                }
            }
        }
        Ok(rows.finish()?)
    }

    /// The rows of an account as a backup has them; `None` where it has them not, or not whole.
    fn pieces(&self, manifest: &Manifest, account: AccountId) -> Option<Vec<Vec<u8>>> {
        let part = manifest.accounts.iter().find(|part| part.account == account)?;
        part.pieces.iter().map(|digest| self.place.get(digest)).collect()
    }

    /// The profile of an account in the newest backup behind the one of this age in which it opens, and when that was made.
    fn older_profile(&self, vault: &Vault, account: AccountId, age: usize) -> Option<(UnixMillis, Vec<u8>)> {
        self.manifests.iter().skip(age + 1).find_map(|manifest| {
            let profile = profile_in(vault, account, &self.pieces(manifest, account)?).ok()??;
            Some((manifest.at, profile))
        })
    }

    /// The segments that the backups name.
    fn segments(&mut self) -> Result<(), BackupError> {
        let dir = self.to.join("store").join("packs");
        self.disk.create_dir_all(&dir).map_err(said(&dir))?;
        let mut parts: std::collections::BTreeMap<u32, SegmentPart> = std::collections::BTreeMap::new();
        for part in self.manifests.iter().flat_map(|manifest| &manifest.segments) {
            parts.entry(part.number).or_insert_with(|| part.clone());
        }
        self.total = parts.values().map(SegmentPart::len).sum();
        for (number, part) in parts {
            let target = dir.join(format!("{number:08}.pack"));
            let mut file = self.disk.open_append(&target, Visibility::Private).map_err(said(&target))?;
            let source = match self.disk.open_read(&self.place.segment(number)) {
                Ok(source) => source,
                Err(error) => {
                    self.damaged(format!("segment {number} is missing ({error}): the messages in it are lost"));
                    continue;
                }
            };
            let mut at = 0;
            for (len, digest) in &part.stretches {
                let there = source.len().unwrap_or(0).saturating_sub(at).min(*len);
                let mut bytes = vec![0; usize::try_from(there).unwrap_or(usize::MAX)];
                let read = source.read_exact_at(&mut bytes, at);
                if read.is_err() || there < *len || sha256(&bytes) != *digest {
                    self.damaged(format!(
                        "segment {number}, bytes {at} to {}: not as they were copied; messages in them may be lost",
                        at + len
                    ));
                }
                // The place of every later message counts on it.
                bytes.resize(usize::try_from(*len).unwrap_or(usize::MAX), 0);
                file.append(&[&bytes]).map_err(said(&target))?;
                at += len;
                self.done.bytes += len;
                (self.progress)(Progress { unit: Unit::Bytes, done: self.done.bytes, total: self.total, failed: 0 });
            }
            file.sync().map_err(said(&target))?;
        }
        Ok(())
    }

    /// Desk, law, earlier logs. The desk's are of the continuous copy when that is newer.
    fn files(&mut self) -> Result<(), BackupError> {
        let is_live = live::at(&self.place).is_some_and(|at| at > self.newest().at.0);
        for part in self.newest().files.clone() {
            let first = part.path.split('/').next().unwrap_or_default();
            let target = match first {
                "law" | "ledger-before" => self.to.join(&part.path),
                "desk" if !is_live || part.path.starts_with("desk/packages/") => self.to.join(&part.path),
                _ => continue,
            };
            if !is_plain(&part.path) {
                self.damaged("a file of the backup has no proper name, and is passed over");
                continue;
            }
            let older =
                self.manifests.iter().flat_map(|manifest| &manifest.files).filter(|file| file.path == part.path);
            match older.filter_map(|file| self.place.get(&file.digest)).next() {
                Some(bytes) => self.write(&target, &bytes)?,
                None => self.damaged(format!("{} is damaged in every backup", part.path)),
            }
        }
        if is_live {
            let source = self.place.dir.join("live").join("desk");
            for path in walk(&source)? {
                let name = below(&source, &path)?;
                let target = self.to.join("desk").join(name);
                match self.disk.read(&path) {
                    Ok(bytes) => self.write(&target, &bytes)?,
                    Err(error) => self.damaged(format!("desk/{}: {error}", name.display())),
                }
            }
        }
        Ok(())
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), BackupError> {
        if let Some(parent) = path.parent() {
            self.disk.create_dir_all(parent).map_err(said(parent))?;
        }
        Ok(self.disk.write_atomic(path, bytes, Visibility::Private).map_err(said(path))?)
    }

    /// Keeps the longest copy of the old ledger that verifies beside the new one; gives what the new one's first entry says
    /// of it.
    fn old_ledger(&mut self, given: Option<&Path>) -> Result<Option<PreviousLedger>, BackupError> {
        let before = self.to.join("ledger-before");
        let number = (1..).find(|number: &u32| !self.disk.exists(&before.join(number.to_string()))).unwrap_or(u32::MAX);
        let target = before.join(number.to_string());
        let mut best: Option<(PreviousLedger, PathBuf)> = None;
        let from_backup = self.to.join("ledger-before").join("of-backup");
        for part in self.newest().files.clone() {
            if let Some(name) = part.path.strip_prefix("ledger/").filter(|name| is_plain(name)) {
                match self.place.get(&part.digest) {
                    Some(bytes) => self.write(&from_backup.join(name), &bytes)?,
                    None => self.damaged(format!("{} is damaged in the backup", part.path)),
                }
            }
        }
        let candidates =
            [given.map(Path::to_owned), Some(self.place.dir.join("live").join("ledger")), Some(from_backup.clone())];
        let disk = self.disk.clone();
        for dir in candidates.into_iter().flatten().filter(|dir| disk.exists(&dir.join("checkpoint"))) {
            match ledger::verify_dir(&*self.disk, &dir, None) {
                Ok(report) => {
                    let path = dir.join("checkpoint");
                    let checkpoint = self.disk.read(&path).map_err(said(&path))?;
                    let found = PreviousLedger {
                        origin: report.verifier.name().to_owned(),
                        key: report.verifier.to_string(),
                        size: report.size,
                        checkpoint: String::from_utf8_lossy(&checkpoint).into_owned(),
                    };
                    if best.as_ref().is_none_or(|(best, _)| found.size > best.size) {
                        best = Some((found, dir));
                    }
                }
                Err(error) => self.damaged(format!("the ledger in {} does not verify: {error}", dir.display())),
            }
        }
        if let Some((_, dir)) = &best {
            for path in walk(dir)? {
                let name = below(dir, &path)?;
                let bytes = self.disk.read(&path).map_err(said(&path))?;
                self.write(&target.join(name), &bytes)?;
            }
        }
        for path in walk(&from_backup)? {
            self.disk.remove(&path).map_err(said(&path))?;
        }
        let _ = std::fs::remove_dir_all(&from_backup);
        let previous = best.map(|(previous, _)| previous);
        self.done.ledger_before = previous.as_ref().map_or(0, |previous| previous.size);
        Ok(previous)
    }

    /// Does what came after the backup once more, renumbers, records, looks at everything. Gives the accounts that are closed
    /// again and of which no case holds anything.
    fn finish(&mut self, node: &Node, before: Option<PreviousLedger>) -> Result<Vec<AccountId>, BackupError> {
        let store = &node.mailroom.store;
        let troubles: Vec<String> = node.desk.troubles().to_vec();
        self.done.damages.extend(troubles);
        let backup = json!({ "at": self.done.backup_at });
        node.record("successor-log", json!({ "previous": before, "backup": backup }))?;
        let mut unheld = Vec::new();
        let closed = live::closed(&self.place, &node.mailroom.vault).unwrap_or_else(|error| {
            self.damaged(error.to_string());
            Vec::new()
        });
        for account in closed {
            match store.is_closed(account) {
                Ok(false) => {
                    store.close_account(account)?;
                    self.done.closed_again += 1;
                }
                Err(StoreError::Damaged(_)) => self.damaged(format!(
                    "account {account} was closed since the backup, and is not closed again: its profile is damaged"
                )),
                Ok(true) | Err(_) => {}
            }
            if store.holds(account).is_ok_and(|holds| holds.is_empty()) {
                unheld.push(account);
            }
        }
        let mut cases = std::collections::BTreeSet::new();
        for account in store.accounts() {
            match store.renumber(account.id) {
                Ok(()) => cases.extend(store.holds(account.id).unwrap_or_default().into_iter().map(|(case, _)| case)),
                Err(error) => self.damaged(format!("account {}: {error}", account.id)),
            }
        }
        let report = store.verify();
        self.done.accounts = report.accounts;
        self.done.messages = report.messages;
        self.done.cases_held = cases.len() as u64;
        node.log.verifier().name().clone_into(&mut self.done.ledger);
        self.done.damages.extend(report.damages.iter().map(ToString::to_string));
        Ok(unheld)
    }
}

/// Whether a path has names only: nothing that leads out of the directory.
fn is_plain(path: &str) -> bool {
    !path.is_empty() && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
}
