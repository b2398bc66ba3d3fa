//! An account with damaged rows, as far as it can be read: what cannot be opened is named, and what can be is checked.
//!
//! The result is used for checking only: an account is in memory completely or not at all, since folding a partial account would
//! make the loss permanent.

use std::collections::BTreeSet;

use terms::{EpochId, MailboxId};
use vault::VaultError;

use crate::account::apply::apply;
use crate::account::change::{Arrived, Change, ChangeKind};
use crate::account::state::{AccountState, MessageRow};
use crate::damage::{Damage, DamageKind, ROWS_FILE, SeenAt};
use crate::encoding::blocks::{self, BIN, BlockName, MESSAGES};
use crate::encoding::snapshot;
use crate::engine::accounts::Account;
use crate::engine::state::{Engine, context};
use crate::error::StoreError;
use crate::rows::RowReader;

/// What could be read of an account.
#[derive(Default)]
pub(crate) struct Surveyed {
    /// The account, without what could not be opened.
    pub(crate) state: AccountState,
    /// Messages of changes after one that could not be opened: their UIDs are not known.
    pub(crate) unplaced: Vec<MessageRow>,
    pub(crate) damages: Vec<Damage>,
}

impl Engine {
    /// Reads an account from disk. [`StoreError::VaultAway`] when this cannot be known; every other problem is reported as damage.
    pub(crate) fn survey(&self, account: &Account) -> Result<Surveyed, StoreError> {
        match self.read_account(account) {
            Ok((state, _)) => return Ok(Surveyed { state, ..Surveyed::default() }),
            Err(StoreError::VaultAway) => return Err(StoreError::VaultAway),
            Err(_) => {}
        }
        let surveyed = self.reader().at_one_moment(|reader| {
            let mut survey = Survey { engine: self, reader, account, out: Surveyed::default(), placed: true };
            survey.snapshot()?;
            survey.changes()?;
            Ok(survey.out)
        });
        let mut surveyed = surveyed?;
        surveyed.name_lost();
        if surveyed.damages.is_empty() {
            // The pieces can be opened, but do not fit together.
            let why = "the account's rows contradict each other";
            surveyed.damages.push(Damage::of_file(DamageKind::Snapshot, ROWS_FILE, why).of(account.record.id));
        }
        Ok(surveyed)
    }
}

struct Survey<'s> {
    engine: &'s Engine,
    reader: &'s RowReader,
    account: &'s Account,
    out: Surveyed,
    /// Everything so far was applied: UIDs and slots are right.
    placed: bool,
}

impl Survey<'_> {
    fn damage(&mut self, kind: DamageKind, what: impl std::fmt::Display) {
        self.out.damages.push(Damage::of_file(kind, ROWS_FILE, what).of(self.account.record.id));
    }

    fn snapshot(&mut self) -> Result<(), StoreError> {
        let id = self.account.record.id;
        let (seq, sealed) = match self.reader.snapshot(self.account.number) {
            Ok(Some(snapshot)) => snapshot,
            Ok(None) => return Ok(()),
            Err(error) => {
                self.placed = false;
                self.damage(DamageKind::Snapshot, format_args!("the account's snapshot cannot be read: {error}"));
                return Ok(());
            }
        };
        let mut damages = Vec::new();
        let state = match opened(self.engine.vault.service_open(&context::snapshot(id, seq), &sealed))? {
            Some(head) => snapshot::decode_open(&head, |name| {
                let (block, damage) = self.block(name)?;
                damages.extend(damage);
                Ok::<_, StoreError>(block)
            }),
            None => Ok(None),
        };
        self.out.damages.append(&mut damages);
        match state? {
            Some(state) if state.seq == seq => self.out.state = state,
            _ => {
                self.placed = false;
                // The changes are counted from it.
                self.out.state.seq = seq;
                self.damage(DamageKind::Snapshot, "the seal of the account's snapshot is broken");
            }
        }
        Ok(())
    }

    /// A block, or an empty one in its place and what is wrong.
    fn block(&self, name: BlockName) -> Result<(Vec<u8>, Option<Damage>), StoreError> {
        let id = self.account.record.id;
        let why = match self.reader.block(self.account.number, name.table, name.number) {
            Ok(Some(sealed)) => match opened(self.engine.vault.service_open(&context::block(id, name), &sealed))? {
                Some(plain) if blocks::is_block(name.table, &plain) => return Ok((plain, None)),
                Some(_) => "is none".to_owned(),
                None => "does not open: altered, or of another time".to_owned(),
            },
            Ok(None) => "is missing".to_owned(),
            Err(error) => format!("cannot be read: {error}"),
        };
        let what = format!("block {} of {} {why}", name.number, table_in_words(name.table));
        let damage = Damage::of_file(DamageKind::Block, ROWS_FILE, what).of(id);
        let damage = Damage { offset: None, seen_at: vec![mark(name)], ..damage };
        Ok((blocks::empty_block(name.table), Some(damage)))
    }

    fn changes(&mut self) -> Result<(), StoreError> {
        let id = self.account.record.id;
        let changes = match self.reader.changes(self.account.number) {
            Ok(changes) => changes,
            Err(error) => {
                self.damage(DamageKind::Change, format_args!("the account's changes cannot be read: {error}"));
                return Ok(());
            }
        };
        let (seqs, sealed): (Vec<_>, Vec<_>) =
            changes.into_iter().map(|(seq, sealed)| (seq, (context::change(id, seq), sealed))).unzip();
        let plains = self.engine.vault.service_open_all(sealed).map_err(|error| StoreError::vault(&error))?;
        for (seq, plain) in seqs.into_iter().zip(plains) {
            if seq != self.out.state.seq + 1 {
                let (from, to) = (self.out.state.seq + 1, seq.saturating_sub(1));
                self.damage(DamageKind::Change, format_args!("changes {from} to {to} are missing"));
                self.placed = false;
            }
            self.change(seq, plain.as_deref());
            self.out.state.seq = seq;
        }
        Ok(())
    }

    fn change(&mut self, seq: u64, plain: Option<&[u8]>) {
        let Some(change) = plain.and_then(|plain| Change::decode(plain).ok()) else {
            self.damage(DamageKind::Change, format_args!("the seal of change {seq} is broken"));
            self.placed = false;
            return;
        };
        if self.placed {
            self.out.state.seq = seq - 1;
            let before = self.out.state.clone();
            let Err(misfit) = apply(&mut self.out.state, &change) else { return };
            self.out.state = before;
            self.placed = false;
            // This only follows from the lost block.
            if self.out.damages.is_empty() {
                self.damage(DamageKind::Change, format_args!("change {seq} does not fit: {}", misfit.0));
            }
        }
        if let ChangeKind::Append { messages, .. } = &change.act {
            self.out.unplaced.extend(messages.iter().map(row_of));
        }
    }
}

/// A message of which only the change is known.
fn row_of(arrived: &Arrived) -> MessageRow {
    MessageRow {
        slot: 0,
        epoch: arrived.epoch.0,
        id: arrived.id.0,
        arrival: arrived.arrival,
        view_bytes: arrived.view_bytes,
        original_bytes: arrived.original_bytes,
        prefix_bytes: arrived.prefix_bytes,
        record_bytes: arrived.record_bytes,
        segment: arrived.segment,
        offset: arrived.offset,
        in_mailboxes: 0,
        in_holds: 0,
        in_bin: false,
    }
}

/// The opened bytes; `None` for a broken seal.
fn opened(result: Result<Vec<u8>, VaultError>) -> Result<Option<Vec<u8>>, StoreError> {
    match result {
        Ok(plain) => Ok(Some(plain)),
        Err(error) => match StoreError::vault(&error) {
            StoreError::VaultAway => Err(StoreError::VaultAway),
            _ => Ok(None),
        },
    }
}

fn table_in_words(table: u32) -> String {
    match table {
        MESSAGES => "the table of messages".to_owned(),
        BIN => "the table of deleted messages".to_owned(),
        mailbox => format!("the table of mailbox {mailbox}"),
    }
}

/// Stands for a block until the whole account, and so the UIDs, are known: the table and the block's number.
fn mark(name: BlockName) -> SeenAt {
    SeenAt { mailbox: name.table.to_string(), uid_first: name.number, uid_last: name.number }
}

impl Surveyed {
    /// Records for each damaged block which UIDs it had.
    fn name_lost(&mut self) {
        for damage in self.damages.iter_mut().filter(|damage| damage.kind == DamageKind::Block) {
            let Some(mark) = damage.seen_at.pop() else { continue };
            let keys = blocks::keys_of(mark.uid_first);
            damage.seen_at = match mark.mailbox.parse() {
                Ok(MESSAGES) => self.state.seen_at(|slot| keys.contains(&slot) && self.state.message(slot).is_none()),
                Ok(BIN) | Err(_) => Vec::new(),
                Ok(table) => match self.state.mailboxes.get(&MailboxId(table)) {
                    Some(mailbox) => vec![SeenAt {
                        mailbox: mailbox.name.to_string(),
                        uid_first: (*keys.start()).max(1),
                        uid_last: (*keys.end()).min(mailbox.uid_next.saturating_sub(1)).max(1),
                    }],
                    None => Vec::new(),
                },
            };
        }
    }
}

impl AccountState {
    /// Where the owner sees the messages of these slots: runs of UIDs, mailbox by mailbox.
    pub(crate) fn seen_at(&self, mut is_one: impl FnMut(u32) -> bool) -> Vec<SeenAt> {
        let mut out = Vec::new();
        for mailbox in self.mailboxes.values() {
            let mut run: Option<SeenAt> = None;
            for row in mailbox.rows.iter() {
                match (is_one(row.slot), &mut run) {
                    (true, Some(run)) => run.uid_last = row.uid,
                    (true, None) => {
                        let (name, uid) = (mailbox.name.to_string(), row.uid);
                        run = Some(SeenAt { mailbox: name, uid_first: uid, uid_last: uid });
                    }
                    (false, _) => out.extend(run.take()),
                }
            }
            out.extend(run);
        }
        out
    }

    /// The epochs that its messages were sealed in.
    pub(crate) fn epochs(&self) -> BTreeSet<EpochId> {
        self.messages.iter().map(|row| EpochId(row.epoch)).collect()
    }
}
