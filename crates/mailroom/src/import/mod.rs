//! Import: existing mail from an mbox, a Maildir, a folder of message files, or one file.
//!
//! 1. [`source::find`] lists the messages, so that their number is known before anything is done.
//! 2. Threads read and parse ([`Mailroom::incoming`]), a batch each, a batch or two ahead.
//! 3. This thread passes the batches to the store in the order of the source, each between two records of the
//!    [`journal`], which says what exactly-once means here and when it does not hold.
//!
//! The bytes are stored unchanged. A message that no parser understands is stored like any other; what fails is named in the
//! report and the rest continues. A run that was stopped resumes where it stopped when it is started again.
//!
//! A message's arrival, by which a case finds it, is the one that the source states, never later than now: imported mail
//! was received then, not on the day of the import.

mod journal;
mod report;
mod source;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt::Display;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use durable::{Disk, Files};
use store::{FlagSet, INBOX, Incoming, PART_BYTES_MAX, StoreError};
use terms::{AccountId, MailboxId, UnixMillis};

use crate::mailroom::Mailroom;
use journal::{Floor, Intent, Journal, Row};
pub use report::{Failure, ImportError, ImportReport, Progress};
use source::{Arrived, Item};

/// Messages that go to the store in one call: enough to share a sync, few enough to lose little time at a crash.
const BATCH_MESSAGES_MAX: usize = 64;

/// Bytes that go to the store in one call; together with the waiting batches, this bounds the memory of an import.
const BATCH_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// Threads that read and parse. The store has one commit thread; more than this would wait for it.
const READERS_MAX: usize = 4;

/// What to import.
#[derive(Clone)]
pub struct ImportPlan {
    /// The account that receives the mail.
    pub account: AccountId,
    /// The mailbox it goes to, created if necessary. A Maildir's folders go below it, or beside it when it is INBOX.
    pub mailbox: String,
    /// An mbox, a Maildir, a folder, or one message file.
    pub source: PathBuf,
    /// By what it is reached.
    pub files: Arc<dyn Files>,
    /// Where the node keeps its journals of imports.
    pub journal_dir: PathBuf,
    /// The longest message in bytes, the same as on every other way in. A longer one is not read, and is named in the report.
    pub message_bytes_max: u64,
}

/// Imports what `plan` says. Every message counted as imported is durable when this returns. `progress` is called before
/// the first message and after each batch.
///
/// # Errors
/// When the source cannot be read at all, or nothing more can be stored; what has been imported stays.
pub fn run(
    mailroom: &Mailroom,
    disk: &dyn Disk,
    plan: &ImportPlan,
    progress: &mut dyn FnMut(Progress),
) -> Result<ImportReport, ImportError> {
    let unreadable = |error| ImportError::Source(plan.source.clone(), error);
    let name = run_name(mailroom, plan).map_err(unreadable)?;
    let _running = Running::enter(&name).ok_or(ImportError::Running)?;
    let found = source::find(&*plan.files, &plan.source).map_err(unreadable)?;

    disk.create_dir_all(&plan.journal_dir).map_err(ImportError::Journal)?;
    let journal = plan.journal_dir.join(format!("{name}.journal"));
    let journal = Journal::open(&mailroom.vault, disk, &journal).map_err(ImportError::Journal)?;
    let mut writer = Writer { mailroom, plan, journal, mailboxes: BTreeMap::new(), report: ImportReport::default() };
    writer.mailbox(&plan.mailbox)?;
    writer.settle_open_intent()?;
    found.failures.into_iter().for_each(|failure| writer.report.fail(failure));

    let failed = writer.report.failed;
    let mut step = Progress { done: failed, total: found.items.len() as u64 + failed, failed, bytes: 0 };
    progress(step);
    let batches = batches(&found.items);
    let known: HashSet<[u8; 32]> = writer.journal.stored().keys().map(|(_, digest)| *digest).collect();
    // What earlier runs imported is counted down: a source may contain the same message twice.
    let mut left = writer.journal.stored().clone();
    let readers = std::thread::available_parallelism().map_or(1, usize::from).clamp(1, READERS_MAX);
    std::thread::scope(|scope| {
        // Batch n comes from reader n modulo their number, so that the order stays the source's.
        let queues: Vec<mpsc::Receiver<Vec<Prepared>>> = (0..readers)
            .map(|reader| {
                let (sender, receiver) = mpsc::sync_channel(1);
                let (batches, known) = (&batches, &known);
                scope.spawn(move || {
                    for batch in batches.iter().skip(reader).step_by(readers) {
                        let prepared = batch.iter().map(|item| prepare(mailroom, plan, item, known)).collect();
                        // The receiver is gone if the import stopped.
                        if sender.send(prepared).is_err() {
                            return;
                        }
                    }
                });
                receiver
            })
            .collect();
        for (number, batch) in batches.iter().enumerate() {
            // A reader that ended without a message panicked; the scope propagates that.
            let Ok(prepared) = queues[number % readers].recv() else { break };
            let mut fresh = Vec::with_capacity(batch.len());
            for (item, prepared) in batch.iter().zip(prepared) {
                step.bytes += item.size;
                let digest = match &prepared {
                    Prepared::Fresh(digest, _) | Prepared::Known(digest) => *digest,
                    Prepared::Failed(failure) => {
                        writer.report.fail(failure.clone());
                        continue;
                    }
                };
                let Some(mailbox) = writer.mailbox_of(item)? else { continue };
                if let Some(left) = left.get_mut(&(mailbox, digest)).filter(|left| **left > 0) {
                    *left -= 1;
                    writer.report.already_in += 1;
                    continue;
                }
                match prepared {
                    Prepared::Fresh(_, incoming) => fresh.push((item, digest, Incoming { mailbox, ..incoming })),
                    // One more than the earlier runs saw.
                    _ => match prepare(mailroom, plan, item, &HashSet::new()) {
                        Prepared::Fresh(digest, incoming) => {
                            fresh.push((item, digest, Incoming { mailbox, ..incoming }));
                        }
                        Prepared::Failed(failure) => writer.report.fail(failure),
                        Prepared::Known(_) => {}
                    },
                }
            }
            writer.write(fresh)?;
            step.done += batch.len() as u64;
            step.failed = writer.report.failed;
            progress(step);
        }
        writer.journal.finish().map_err(ImportError::Journal)
    })?;
    Ok(writer.report)
}

/// One import of a source into a mailbox at a time. A node is one process (it locks its directory), so this suffices.
struct Running<'n>(&'n str);

static RUNNING: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

impl<'n> Running<'n> {
    fn enter(name: &'n str) -> Option<Self> {
        let is_first = RUNNING.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
        is_first.then_some(Self(name))
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        RUNNING.lock().unwrap_or_else(PoisonError::into_inner).remove(self.0);
    }
}

/// The journal's name: a keyed hash of account, mailbox and source, so that the directory reveals nobody.
fn run_name(mailroom: &Mailroom, plan: &ImportPlan) -> io::Result<String> {
    let source = plan.files.resolve(&plan.source)?;
    let mut identity = plan.account.0.to_vec();
    identity.extend_from_slice(plan.mailbox.as_bytes());
    identity.push(0);
    identity.extend_from_slice(source.as_os_str().as_bytes());
    let name = mailroom.vault.service_hash("mailroom/import/run/v1", &identity).map_err(io::Error::other)?;
    Ok(terms::hex(&name))
}

fn batches(items: &[Item]) -> Vec<&[Item]> {
    let mut out = Vec::new();
    let mut rest = items;
    while !rest.is_empty() {
        let mut bytes = 0;
        let fits = |item: &&Item| {
            bytes += item.size;
            bytes <= BATCH_BYTES_MAX
        };
        let count = rest.iter().take(BATCH_MESSAGES_MAX).take_while(fits).count().max(1);
        let (batch, after) = rest.split_at(count);
        out.push(batch);
        rest = after;
    }
    out
}

/// Gives messages to the store and keeps the journal.
struct Writer<'m> {
    mailroom: &'m Mailroom,
    plan: &'m ImportPlan,
    journal: Journal<'m>,
    /// The mailboxes of this import by name; `None` for an invalid name.
    mailboxes: BTreeMap<String, Option<MailboxId>>,
    report: ImportReport,
}

impl Writer<'_> {
    /// The mailbox with that name, created and subscribed to if there is none.
    fn mailbox(&mut self, name: &str) -> Result<MailboxId, StoreError> {
        let store = &self.mailroom.store;
        let id = match store.mailbox_named(self.plan.account, name) {
            Err(StoreError::NoSuchMailbox) => {
                let id = store.create_mailbox(self.plan.account, name, None)?.id;
                store.set_subscribed(self.plan.account, name, true)?;
                id
            }
            found => found?.id,
        };
        self.mailboxes.insert(name.to_owned(), Some(id));
        Ok(id)
    }

    /// Where `item` goes; `None`, with the failure reported, if its folder's name is not a valid mailbox name.
    fn mailbox_of(&mut self, item: &Item) -> Result<Option<MailboxId>, StoreError> {
        let name = match &item.folder {
            None => self.plan.mailbox.clone(),
            Some(folder) if self.plan.mailbox.eq_ignore_ascii_case(INBOX) => folder.to_string(),
            Some(folder) => format!("{}/{folder}", self.plan.mailbox),
        };
        let id = match self.mailboxes.get(&name) {
            Some(id) => *id,
            None => match self.mailbox(&name) {
                Ok(id) => Some(id),
                Err(StoreError::BadName | StoreError::TooMany(_)) => {
                    self.mailboxes.insert(name, None);
                    None
                }
                Err(error) => return Err(error),
            },
        };
        if id.is_none() {
            self.report.fail(failure(item, &StoreError::BadName));
        }
        Ok(id)
    }

    /// Finds out whether the batch that was in progress when the last run ended was stored.
    fn settle_open_intent(&mut self) -> Result<(), ImportError> {
        let Some(intent) = self.journal.open_intent() else { return Ok(()) };
        let mut is_stored = true;
        for floor in &intent.floors {
            let sent: Vec<(u64, i64)> =
                intent.rows.iter().filter(|row| row.mailbox == floor.mailbox).map(|row| (row.size, row.date)).collect();
            let there: Vec<(u64, i64)> = match self.mailroom.store.snapshot(self.plan.account, floor.mailbox) {
                Ok(view) if view.uid_validity() == floor.uid_validity => view
                    .entries_from(view.rank(floor.uid_next))
                    .map(|entry| (u64::from(entry.original_size_bytes), entry.internal_date.0))
                    .collect(),
                Ok(_) | Err(StoreError::NoSuchMailbox) => Vec::new(),
                Err(error) => return Err(error.into()),
            };
            is_stored &= there.windows(sent.len()).any(|window| window == sent);
        }
        if is_stored {
            self.journal.done().map_err(ImportError::Journal)?;
        } else {
            self.journal.abandon();
        }
        Ok(())
    }

    /// Stores messages, all in one call; one by one if one of them makes the call fail.
    fn write(&mut self, messages: Vec<(&Item, [u8; 32], Incoming)>) -> Result<(), ImportError> {
        if messages.is_empty() {
            return Ok(());
        }
        let (count, bytes) = (messages.len() as u64, messages.iter().map(|(item, _, _)| item.size).sum::<u64>());
        let mut floors: Vec<Floor> = Vec::new();
        let mut rows = Vec::with_capacity(messages.len());
        for (_, digest, incoming) in &messages {
            let mailbox = incoming.mailbox;
            if !floors.iter().any(|floor| floor.mailbox == mailbox) {
                let view = self.mailroom.store.snapshot(self.plan.account, mailbox)?;
                floors.push(Floor { mailbox, uid_validity: view.uid_validity(), uid_next: view.uid_next() });
            }
            let (size, date) = (incoming.original.len() as u64, incoming.internal_date.0);
            rows.push(Row { mailbox, digest: *digest, size, date });
        }
        self.journal.intend(Intent { floors, rows }).map_err(ImportError::Journal)?;
        let (items, incoming): (Vec<(&Item, MailboxId)>, Vec<Incoming>) =
            messages.into_iter().map(|(item, _, incoming)| ((item, incoming.mailbox), incoming)).unzip();
        match self.mailroom.store.append(incoming) {
            Ok(_) => {
                self.journal.done().map_err(ImportError::Journal)?;
                self.report.imported += count;
                self.report.bytes += bytes;
                Ok(())
            }
            Err(error @ (StoreError::TooLarge | StoreError::TooMany(_) | StoreError::OverQuota)) => {
                self.journal.abandon();
                if let [(item, _)] = items.as_slice() {
                    self.report.fail(failure(item, &error));
                    return Ok(());
                }
                for (item, mailbox) in items {
                    match prepare(self.mailroom, self.plan, item, &HashSet::new()) {
                        Prepared::Fresh(digest, incoming) => {
                            self.write(vec![(item, digest, Incoming { mailbox, ..incoming })])?;
                        }
                        Prepared::Failed(failure) => self.report.fail(failure),
                        Prepared::Known(_) => {}
                    }
                }
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// What a reader thread makes of a message.
enum Prepared {
    /// Ready for the store; the mailbox is yet to be set.
    Fresh([u8; 32], Incoming),
    /// An earlier run imported an identical one. The count says whether it is this one.
    Known([u8; 32]),
    /// It could not be read, or does not fit.
    Failed(Failure),
}

fn prepare(mailroom: &Mailroom, plan: &ImportPlan, item: &Item, known: &HashSet<[u8; 32]>) -> Prepared {
    let most = plan.message_bytes_max.min(PART_BYTES_MAX as u64);
    if item.size > most {
        let why =
            format!("{} bytes, and this node takes at most {most} (message_size_bytes_max in node.toml)", item.size);
        return Prepared::Failed(failure(item, &why));
    }
    let original = match source::read(&*plan.files, item) {
        Ok(original) => original,
        Err(error) => return Prepared::Failed(failure(item, &error)),
    };
    let digest = match Journal::digest(&mailroom.vault, &original) {
        Ok(digest) => digest,
        Err(error) => return Prepared::Failed(failure(item, &error)),
    };
    if known.contains(&digest) {
        return Prepared::Known(digest);
    }
    let said = match item.arrived {
        Arrived::At(time) => Some(time),
        Arrived::InMessage(fallback) => arrived(&original).or(fallback),
    };
    // The mailbox is set by the thread that writes.
    match mailroom.received(plan.account, MailboxId(0), original, said, item.flags.clone()) {
        Ok(incoming) => Prepared::Fresh(digest, incoming),
        Err(error) => Prepared::Failed(failure(item, &error)),
    }
}

fn failure(item: &Item, why: &dyn Display) -> Failure {
    Failure::new(&item.file, item.range.as_ref().map(|range| range.start), why)
}

/// How much of a message is searched for a date, in bytes: no genuine header is longer.
const HEADER_LEN_MAX: usize = 64 * 1024;

/// When a message arrived, according to its own bytes: a `From ` line, the last hop, the sender.
fn arrived(original: &[u8]) -> Option<UnixMillis> {
    let head = &original[..original.len().min(HEADER_LEN_MAX)];
    let postmark = head.strip_prefix(b"From ").and_then(|rest| rest.split(|b| *b == b'\n').next());
    if let Some(moment) = postmark.and_then(message::parse_date) {
        return Some(moment.unix());
    }
    let view = message::view(head);
    message::received_at(&view).or_else(|| message::sent_at(&view))
}

impl Mailroom {
    /// Prepares a message that was received elsewhere for the store, as an import does: its arrival is what its own
    /// header says.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`].
    pub fn incoming_import(
        &self,
        account: AccountId,
        mailbox: MailboxId,
        original: Vec<u8>,
    ) -> Result<Incoming, StoreError> {
        let said = arrived(&original);
        self.received(account, mailbox, original, said, FlagSet::none())
    }

    fn received(
        &self,
        account: AccountId,
        mailbox: MailboxId,
        original: Vec<u8>,
        said: Option<UnixMillis>,
        flags: FlagSet,
    ) -> Result<Incoming, StoreError> {
        let now = self.clock.now();
        // A date before 1970 or after now comes from a wrong clock.
        let at = said.filter(|at| (0..=now.0).contains(&at.0)).unwrap_or(now);
        let incoming = self.incoming(account, mailbox, original, Vec::new(), at, flags)?;
        Ok(Incoming { arrival: at, ..incoming })
    }
}
