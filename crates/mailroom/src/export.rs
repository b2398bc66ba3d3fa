//! Export: an owner's mail as files, with the bytes that originally arrived.
//!
//! ```text
//! TARGET/export.json                       whose export this is
//! TARGET/Lists/Rust/000017.eml             the message with UID 17 of the mailbox Lists/Rust, byte for byte
//! TARGET/Lists/Rust/manifest.jsonl         a line for each message: file, uid, flags, internal date, size, SHA-256
//! ```
//!
//! Existing files are never overwritten. A second run compares what is there, completes a file that was cut short, adds
//! what is new, and reports a file with other contents. No link below the target is followed: owners can often modify
//! the target, the node may write where the owner may not, and what was a directory on the first day may be a link on the
//! second. One export at a time writes to a target.

use std::collections::HashSet;
use std::fmt;
use std::fs::{File, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::digest;
use durable::{About, Files};
use serde::{Deserialize, Serialize};
use store::{FlagSet, MailboxView, MessageEntry, StoreError};
use terms::AccountId;
use vault::{Part, SignedIn};

use crate::import::{Failure, Progress};
use crate::mailroom::Mailroom;

/// Messages opened in one call to the store.
const BATCH_MESSAGES_MAX: usize = 64;

/// Bytes of messages opened in one call; bounds the memory of an export.
const BATCH_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// Failures that a report names individually; further ones are only counted.
const FAILURES_NAMED_MAX: usize = 1_000;

/// The longest name of one directory, in bytes; file systems allow 255.
const DIRECTORY_NAME_LEN_MAX: usize = 200;

const MARKER: &str = "export.json";
const MANIFEST: &str = "manifest.jsonl";

/// Where to export to.
#[derive(Clone)]
pub struct ExportPlan {
    /// A directory that is missing, empty, or from an earlier export of the same account.
    pub target: PathBuf,
    /// By what it is reached.
    pub files: Arc<dyn Files>,
}

/// The result of an export.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ExportReport {
    /// Messages written.
    pub exported: u64,
    /// Their total size in bytes.
    pub bytes: u64,
    /// Messages that an earlier run had written.
    pub already_there: u64,
    /// Messages that were not written.
    pub failed: u64,
    /// The first of them, with the reasons.
    pub failures: Vec<Failure>,
}

impl ExportReport {
    fn fail(&mut self, file: &Path, why: &dyn fmt::Display) {
        self.failed += 1;
        if self.failures.len() < FAILURES_NAMED_MAX {
            self.failures.push(Failure::new(file, None, why));
        }
    }
}

/// Why an export stopped. What was written stays, and the next run continues from there.
#[derive(Debug)]
pub enum ExportError {
    /// The caller's: the directory contains other files.
    Occupied(PathBuf),
    /// The caller's: the directory contains the export of another account.
    OtherAccount(PathBuf),
    /// The caller's: another export is writing there.
    Running(PathBuf),
    /// The machine's: a directory or file cannot be written.
    Target(PathBuf, io::Error),
    /// The store's; the text is its own.
    Store(StoreError),
}

impl fmt::Display for ExportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Occupied(path) => {
                write!(
                    f,
                    "{} contains other files: name an empty directory, or one from an earlier export",
                    path.display()
                )
            }
            Self::OtherAccount(path) => {
                write!(f, "{} contains the export of another account: name another directory", path.display())
            }
            Self::Running(path) => write!(f, "another export is writing to {}: wait for it", path.display()),
            Self::Target(path, error) => {
                write!(
                    f,
                    "{}: {error}; free some space or name another directory, and run the export again",
                    path.display()
                )
            }
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ExportError {}

impl From<StoreError> for ExportError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// One line of a manifest.
#[derive(Serialize, Deserialize)]
struct Line {
    file: String,
    uid: u32,
    uid_validity: u32,
    flags: Vec<String>,
    internal_date: String,
    size_bytes: u64,
    sha256: String,
}

#[derive(Serialize, Deserialize, PartialEq)]
struct Marker {
    bailiwick_export: u32,
    account: AccountId,
}

/// Exports every mailbox of the account that signed in. `progress` is called before the first message and after each
/// batch. Files are written but not synced: a power cut may tear the last ones, and the next run repairs them.
///
/// # Errors
/// When the target may not be used, or cannot be written; what has been written stays there.
pub fn run(
    mailroom: &Mailroom,
    right: &SignedIn,
    plan: &ExportPlan,
    progress: &mut dyn FnMut(Progress),
) -> Result<ExportReport, ExportError> {
    let account = right.account();
    let files = &*plan.files;
    let _claim = claim(files, &plan.target, account)?;
    let mut views = Vec::new();
    for info in mailroom.store.mailboxes(account)? {
        views.push((info.name, mailroom.store.snapshot(account, info.id)?));
    }
    let mut report = ExportReport::default();
    let mut step = Progress { total: views.iter().map(|(_, view)| u64::from(view.len())).sum(), ..Progress::default() };
    progress(step);
    for (name, view) in views {
        let mut writer = Writer::open(files, &plan.target, &directory(&name), &view)?;
        let entries: Vec<MessageEntry> = view.entries().collect();
        for batch in batches(&entries) {
            let originals = mailroom.store.open_parts(right, batch, Part::Original)?;
            for (entry, original) in batch.iter().zip(originals) {
                step.bytes += u64::from(entry.original_size_bytes);
                match original {
                    Ok(original) => writer.write(entry, &original, &mut report)?,
                    Err(error) => report.fail(&writer.path(entry), &error),
                }
            }
            writer.manifest.flush().map_err(|error| ExportError::Target(writer.dir.join(MANIFEST), error))?;
            step.done += batch.len() as u64;
            step.failed = report.failed;
            progress(step);
        }
    }
    Ok(report)
}

/// Claims `target` for this export, or finds it claimed. No other export writes there while the file is open.
fn claim(files: &dyn Files, target: &Path, account: AccountId) -> Result<File, ExportError> {
    let failed = |error| ExportError::Target(target.to_owned(), error);
    files.create_dir_all(target).map_err(failed)?;
    let path = target.join(MARKER);
    let occupied = || ExportError::Occupied(target.to_owned());
    // In this order: an export that starts at the same moment creates its marker before anything else.
    if !holds_marker_only(files, target).map_err(failed)? && files.about(&path).is_err() {
        return Err(occupied());
    }
    let mut file = match files.open_new(&path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => old_file(files, &path),
        outcome => outcome,
    }
    .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(ExportError::Running(target.to_owned())),
        Err(TryLockError::Error(error)) => return Err(failed(error)),
    }
    let marker = Marker { bailiwick_export: 1, account };
    let mut text = Vec::new();
    file.read_to_end(&mut text).map_err(failed)?;
    // New, or emptied by a power cut.
    if text.is_empty() && holds_marker_only(files, target).map_err(failed)? {
        text = serde_json::to_vec(&marker).map_err(|error| failed(error.into()))?;
        file.write_all(&text).map_err(failed)?;
    }
    match serde_json::from_slice::<Marker>(&text) {
        Ok(there) if there == marker => Ok(file),
        Ok(_) => Err(ExportError::OtherAccount(target.to_owned())),
        Err(_) => Err(occupied()),
    }
}

/// Whether `target` is empty, except for the marker.
fn holds_marker_only(files: &dyn Files, target: &Path) -> io::Result<bool> {
    Ok(files.entries(target)?.iter().all(|path| path.file_name().is_some_and(|name| name == MARKER)))
}

fn batches(entries: &[MessageEntry]) -> Vec<&[MessageEntry]> {
    let mut out = Vec::new();
    let mut rest = entries;
    while !rest.is_empty() {
        let mut bytes = 0;
        let fits = |entry: &&MessageEntry| {
            bytes += u64::from(entry.original_size_bytes);
            bytes <= BATCH_BYTES_MAX
        };
        let count = rest.iter().take(BATCH_MESSAGES_MAX).take_while(fits).count().max(1);
        let (batch, after) = rest.split_at(count);
        out.push(batch);
        rest = after;
    }
    out
}

/// Writes the files of one mailbox.
struct Writer<'f> {
    files: &'f dyn Files,
    dir: PathBuf,
    uid_validity: u32,
    manifest: io::BufWriter<File>,
    /// The files that are already in the manifest.
    listed: HashSet<String>,
}

impl<'f> Writer<'f> {
    fn open(files: &'f dyn Files, target: &Path, below: &Path, view: &MailboxView) -> Result<Self, ExportError> {
        let dir = target.join(below);
        let path = dir.join(MANIFEST);
        let failed = |error| ExportError::Target(path.clone(), error);
        make_dirs(files, target, below).map_err(failed)?;
        let mut manifest = match files.open_new(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => old_file(files, &path),
            outcome => outcome,
        }
        .map_err(failed)?;
        let mut text = String::new();
        manifest.read_to_string(&mut text).map_err(failed)?;
        // A line torn by a power cut is written again.
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        manifest.set_len(whole as u64).map_err(failed)?;
        let lines = text[..whole].lines().filter_map(|line| serde_json::from_str::<Line>(line).ok());
        let listed = lines.map(|line| line.file).collect();
        let manifest = io::BufWriter::new(manifest);
        Ok(Self { files, dir, uid_validity: view.uid_validity(), manifest, listed })
    }

    fn path(&self, entry: &MessageEntry) -> PathBuf {
        self.dir.join(file_name(entry.uid))
    }

    fn write(&mut self, entry: &MessageEntry, original: &[u8], report: &mut ExportReport) -> Result<(), ExportError> {
        let path = self.path(entry);
        match put(self.files, &path, original) {
            Ok(Put::Written) => {
                report.exported += 1;
                report.bytes += original.len() as u64;
            }
            Ok(Put::WasThere) => report.already_there += 1,
            Ok(Put::Other) => {
                report.fail(&path, &"another file is there and was not changed: move it and run the export again");
                return Ok(());
            }
            Err(error) => return Err(ExportError::Target(path, error)),
        }
        let file = file_name(entry.uid);
        if self.listed.contains(&file) {
            return Ok(());
        }
        let line = Line {
            uid: entry.uid,
            uid_validity: self.uid_validity,
            flags: flag_names(&entry.flags),
            internal_date: entry.internal_date.rfc3339(),
            size_bytes: original.len() as u64,
            sha256: terms::hex(digest::digest(&digest::SHA256, original).as_ref()),
            file: file.clone(),
        };
        let mut text = serde_json::to_vec(&line).map_err(|error| ExportError::Target(path.clone(), error.into()))?;
        text.push(b'\n');
        self.manifest.write_all(&text).map_err(|error| ExportError::Target(self.dir.join(MANIFEST), error))?;
        self.listed.insert(file);
        Ok(())
    }
}

enum Put {
    Written,
    WasThere,
    Other,
}

/// Writes a missing file, or completes a partial one.
fn put(files: &dyn Files, path: &Path, original: &[u8]) -> io::Result<Put> {
    match files.open_new(path) {
        Ok(mut file) => file.write_all(original).map(|()| Put::Written),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let Ok(mut file) = old_file(files, path) else { return Ok(Put::Other) };
            let mut there = Vec::new();
            (&file).take(original.len() as u64 + 1).read_to_end(&mut there)?;
            if there == original {
                Ok(Put::WasThere)
            } else if let Some(rest) = original.strip_prefix(there.as_slice()) {
                file.write_all(rest)?;
                Ok(Put::Written)
            } else {
                Ok(Put::Other)
            }
        }
        Err(error) => Err(error),
    }
}

/// Opens an existing file that is neither a link nor another name of a file elsewhere.
fn old_file(files: &dyn Files, path: &Path) -> io::Result<File> {
    let strange = || io::Error::other("this is a link or not a regular file, which no export creates");
    let listed = files.about(path)?;
    if !listed.is_file || listed.links != 1 {
        return Err(strange());
    }
    let file = files.open_old(path)?;
    if !About::of(&file.metadata()?).is_same_file(&listed) {
        return Err(strange());
    }
    Ok(file)
}

/// Creates the directories of `below`, level by level, or finds them.
fn make_dirs(files: &dyn Files, target: &Path, below: &Path) -> io::Result<()> {
    let mut dir = target.to_owned();
    for level in below.components() {
        dir.push(level);
        match files.make_dir(&dir) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && files.about(&dir)?.is_dir => {}
            outcome => outcome?,
        }
    }
    Ok(())
}

fn file_name(uid: u32) -> String {
    format!("{uid:06}.eml")
}

fn flag_names(flags: &FlagSet) -> Vec<String> {
    let system = [
        (FlagSet::SEEN, "\\Seen"),
        (FlagSet::ANSWERED, "\\Answered"),
        (FlagSet::FLAGGED, "\\Flagged"),
        (FlagSet::DELETED, "\\Deleted"),
        (FlagSet::DRAFT, "\\Draft"),
    ];
    let system = system.iter().filter(|(bit, _)| flags.has(*bit)).map(|(_, name)| (*name).to_owned());
    system.chain(flags.keywords.iter().cloned()).collect()
}

/// The directory of a mailbox: one per level, with everything percent-encoded that could lead elsewhere or be mistaken for one
/// of our files.
fn directory(mailbox: &str) -> PathBuf {
    mailbox.split('/').map(level).collect()
}

fn level(name: &str) -> String {
    let is_ours = [".eml", ".json", ".jsonl"].iter().any(|end| name.to_ascii_lowercase().ends_with(end));
    let mut out = String::new();
    for (at, c) in name.char_indices() {
        let is_plain = match c {
            '.' => at > 0 && !is_ours,
            '%' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|' => false,
            _ => !terms::is_hidden(c),
        };
        if is_plain {
            out.push(c);
        } else {
            let mut octets = [0; 4];
            out.extend(c.encode_utf8(&mut octets).bytes().map(|octet| format!("%{octet:02X}")));
        }
    }
    if out.len() > DIRECTORY_NAME_LEN_MAX {
        // Cut, but distinguishable from others that begin alike.
        let whole = digest::digest(&digest::SHA256, name.as_bytes());
        let cut = (0..=DIRECTORY_NAME_LEN_MAX).rev().find(|at| out.is_char_boundary(*at)).unwrap_or(0);
        out.truncate(cut);
        out.push('~');
        out.push_str(&terms::hex(&whole.as_ref()[..8]));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_stay_inside() {
        for (mailbox, expected) in [
            ("INBOX", "INBOX"),
            ("Lists/Rust", "Lists/Rust"),
            ("../../etc", "%2E./%2E./etc"),
            ("a/000001.eml", "a/000001%2Eeml"),
            ("export.json", "export%2Ejson"),
            ("Mr. X", "Mr. X"),
            ("50%/a:b\u{7}", "50%25/a%3Ab%07"),
            ("Entwürfe", "Entwürfe"),
        ] {
            assert_eq!(directory(mailbox), Path::new(expected), "{mailbox}");
        }
        let long = level(&"ü".repeat(300));
        assert!(long.len() < 255 && long != level(&"ü".repeat(301)));
    }
}
