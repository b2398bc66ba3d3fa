//! Undelete: what is in an owner's bin, how it is restored, and how it is deleted permanently.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use terms::{AccountId, MailboxId, UnixMillis};
use vault::SignedIn;

use crate::account::bin::BinRow;
use crate::account::change::ChangeKind;
use crate::account::decide;
use crate::account::state::AccountState;
use crate::account::usage;
use crate::account::view::MessageEntry;
use crate::engine::accounts::Account;
use crate::engine::draft::Draft;
use crate::error::StoreError;
use crate::store::Store;
use crate::values::uid_set::UidSet;

/// Milliseconds in a day.
const DAY_MILLIS: i64 = 86_400_000;

/// Numbers that one row on disk may name: a row of a few hundred kilobytes at most.
const NUMBERS_AT_ONCE: usize = 50_000;

/// A message that its owner deleted and can restore.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct DeletedMessage {
    /// Its number in the bin; never reused within the account.
    pub number: u32,
    /// The message, outside any mailbox: UID and MODSEQ are 0. The flags are those that it had.
    pub entry: MessageEntry,
    /// The name of the mailbox that had it last, which may have been deleted.
    pub mailbox: String,
    pub deleted: UnixMillis,
    /// Until when it can be restored.
    pub until: UnixMillis,
}

/// The result of restoring messages.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Restored {
    /// How many messages were restored.
    pub messages: u64,
    /// Into which mailboxes, and how many each.
    pub mailboxes: Vec<(String, u64)>,
}

impl Store {
    /// What the owner deleted and can restore, in the order of deletion. It is the same whether or not a case holds mail of the
    /// account.
    ///
    /// # Errors
    /// [`StoreError::NoSuchAccount`], [`StoreError::Damaged`].
    pub fn deleted(&self, owner: &SignedIn) -> Result<Vec<DeletedMessage>, StoreError> {
        let id = owner.account();
        let account = self.engine.account(id)?;
        let state = self.engine.seen(&account)?;
        let window = self.window(&account);
        let now = self.engine.clock.now();
        let one = |row: &BinRow| {
            let mut entry = MessageEntry::of_account(id, state.message(row.slot)?);
            (entry.internal_date, entry.flags) = (row.internal_date, state.bin.flags_of(row));
            let until = row.at.plus_millis(window);
            let mailbox = name_of(&state, MailboxId(row.mailbox));
            (now < until).then_some(DeletedMessage { number: row.number, entry, mailbox, deleted: row.at, until })
        };
        Ok(state.bin.rows.iter().filter_map(one).collect())
    }

    /// Restores messages from the bin to where they were, with new UIDs and without `\Deleted`; a mailbox that was deleted is
    /// created again. Numbers that no longer exist are skipped. All or nothing; durable when it returns.
    ///
    /// # Errors
    /// [`StoreError::OverQuota`] when they do not fit, [`StoreError::NoSuchAccount`] when the account was closed,
    /// [`StoreError::TooMany`], and those of writing.
    pub fn restore(&self, owner: &SignedIn, numbers: &[u32]) -> Result<Restored, StoreError> {
        let id = owner.account();
        let account = self.engine.account(id)?;
        if account.closed.load(Ordering::SeqCst) {
            return Err(StoreError::NoSuchAccount);
        }
        let (numbers, window) = (UidSet::of(numbers), self.window(&account));
        self.run(0, move |draft| {
            let (now, policy) = (draft.now(), draft.policy());
            let state = draft.state(id)?;
            let mut groups: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
            let (mut bytes, mut count) = (0, 0);
            for row in state.bin.rows_of(&numbers).filter(|row| now < row.at.plus_millis(window)) {
                groups.entry(row.mailbox).or_default().push(row.number);
                bytes += state.message(row.slot).map_or(0, |message| u64::from(message.view_bytes));
                count += 1;
            }
            usage::check(state, &policy, bytes, count)?;
            let mut restored = Restored::default();
            for (mailbox, numbers) in groups {
                let name = name_of(draft.state(id)?, MailboxId(mailbox));
                let to = place(draft, id, MailboxId(mailbox), &name)?;
                decide::check_uids_left(decide::mailbox(draft.state(id)?, to)?, numbers.len())?;
                let name = decide::mailbox(draft.state(id)?, to)?.name.to_string();
                for part in numbers.chunks(NUMBERS_AT_ONCE) {
                    let numbers = draft.state(id)?.bin.rows.cover(part.iter().copied());
                    draft.change(id, ChangeKind::Restore { numbers, to }, true)?;
                }
                restored.messages += numbers.len() as u64;
                restored.mailboxes.push((name, numbers.len() as u64));
            }
            Ok(restored)
        })
    }

    /// Permanently deletes what owners deleted longer ago than the policy says, and everything in the bins of closed
    /// accounts. For a job that runs every hour. Returns how many messages were deleted; what cases hold of them stays for the
    /// cases. Durable when it returns. An account that cannot be read does not stop the others; it is tried again.
    ///
    /// # Errors
    /// The first error, after all accounts were tried.
    pub fn forget_deleted(&self) -> Result<u64, StoreError> {
        let accounts: Vec<_> = self.engine.directory().by_id.values().cloned().collect();
        let mut outcome = Ok(0);
        for account in accounts {
            match self.forget_deleted_of(&account) {
                Ok(gone) => outcome = outcome.map(|sum| sum + gone),
                Err(error) => outcome = outcome.and(Err(error)),
            }
        }
        outcome
    }

    fn forget_deleted_of(&self, account: &Account) -> Result<u64, StoreError> {
        let (now, window) = (self.engine.clock.now(), self.window(account));
        // An account that nobody uses is read once, and again when something in it is due: its bin does not change.
        let state = match account.seen() {
            Some(state) => state,
            None if account.bin_due.load(Ordering::SeqCst) > now.0 => return Ok(0),
            None => self.engine.read_account(account)?.0.into(),
        };
        let due = state.bin.rows.iter().map(|row| row.at.plus_millis(window).0).min().unwrap_or(i64::MAX);
        account.bin_due.store(due, Ordering::SeqCst);
        let is_over = |row: &&BinRow| row.at.plus_millis(window) <= now;
        let over: Vec<u32> = state.bin.rows.iter().filter(is_over).map(|row| row.number).collect();
        let id = account.record.id;
        let mut gone = 0;
        for part in over.chunks(NUMBERS_AT_ONCE) {
            let numbers = UidSet::of(part);
            gone += self.run(0, move |draft| {
                let bin = &draft.state(id)?.bin;
                let there: Vec<u32> = bin.rows_of(&numbers).map(|row| row.number).collect();
                let numbers = bin.rows.cover(there.iter().copied());
                if !there.is_empty() {
                    draft.change(id, ChangeKind::Forget { numbers }, false)?;
                }
                Ok(there.len() as u64)
            })?;
        }
        if gone > 0 {
            account.bin_due.store(0, Ordering::SeqCst);
        }
        Ok(gone)
    }

    /// How long messages stay in an account's bin, in milliseconds.
    fn window(&self, account: &Account) -> i64 {
        if account.closed.load(Ordering::SeqCst) {
            return i64::MIN / 2;
        }
        i64::from(self.policy().restorable_days).saturating_mul(DAY_MILLIS)
    }
}

/// The name of a mailbox, whether it exists or was deleted.
fn name_of(state: &AccountState, id: MailboxId) -> String {
    let there = state.mailboxes.get(&id).map(|mailbox| mailbox.name.to_string());
    there.or_else(|| state.bin.names.get(&id).cloned()).unwrap_or_else(|| crate::values::name::INBOX.to_owned())
}

/// The mailbox itself if it exists, or one with its name, or a new one.
fn place(draft: &mut Draft<'_>, id: AccountId, mailbox: MailboxId, name: &str) -> Result<MailboxId, StoreError> {
    let now = draft.now();
    let state = draft.state(id)?;
    if state.mailboxes.contains_key(&mailbox) {
        return Ok(mailbox);
    }
    if let Some(named) = state.named(name) {
        return Ok(named.id);
    }
    let act = decide::create(state, name, None, now)?;
    draft.change(id, act, true)?;
    Ok(MailboxId(draft.state(id)?.mailbox_last))
}
