//! For cases: what is in scope, and holds.
//!
//! A hold refers to messages as a mailbox does, so that they survive EXPUNGE and the deletion of a mailbox. The owner
//! sees none of it: it changes no MODSEQ, notifies nobody, and counts towards no size.

use std::collections::HashMap;

use terms::{AccountId, CaseId, EpochId, MailboxId, MessageId, UnixMillis};
use vault::KeyAsk;

use crate::account::change::ChangeKind;
use crate::error::StoreError;
use crate::store::Store;

/// A message that arrived in the period that a case asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct ScopedMessage {
    pub account: AccountId,
    pub id: MessageId,
    /// The epoch in which it was sealed.
    pub epoch: EpochId,
    /// When it arrived at this node.
    pub arrival: UnixMillis,
    /// The size of what arrived, in bytes.
    pub original_size_bytes: u32,
    /// The mailboxes that have it; empty if it is only held.
    pub places: Vec<MailboxPlace>,
    /// Whether no mailbox has it: the owner deleted it, and either a hold keeps it or its days in the bin are not over.
    pub held_only: bool,
    pub(crate) slot: u32,
}

/// A mailbox that has a message.
#[derive(Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct MailboxPlace {
    /// Its id.
    pub mailbox: MailboxId,
    pub name: String,
    /// The message's UID there.
    pub uid: u32,
}

impl std::fmt::Debug for MailboxPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MailboxPlace({}, {})", self.mailbox, self.uid)
    }
}

impl ScopedMessage {
    /// What to request from the vault in order to open the message.
    pub fn key_ask(&self) -> KeyAsk {
        KeyAsk { epoch: self.epoch, id: self.id, arrival: self.arrival }
    }
}

impl Store {
    /// The messages of an account, live and held, that arrived in `[from, until)`, in the order of their arrival.
    ///
    /// # Errors
    /// [`StoreError::NoSuchAccount`], [`StoreError::Damaged`].
    pub fn scope(
        &self,
        account: AccountId,
        from: UnixMillis,
        until: UnixMillis,
    ) -> Result<Vec<ScopedMessage>, StoreError> {
        let state = self.engine.seen(&*self.engine.account(account)?)?;
        let mut places: HashMap<u32, Vec<MailboxPlace>> = HashMap::new();
        let in_scope = |arrival: UnixMillis| from <= arrival && arrival < until;
        for mailbox in state.mailboxes.values() {
            for row in mailbox.rows.iter() {
                if state.message(row.slot).is_some_and(|message| in_scope(message.arrival)) {
                    let place = MailboxPlace { mailbox: mailbox.id, name: mailbox.name.to_string(), uid: row.uid };
                    places.entry(row.slot).or_default().push(place);
                }
            }
        }
        let rows = state.messages.iter().filter(|row| in_scope(row.arrival));
        let mut scoped: Vec<ScopedMessage> = rows
            .map(|row| ScopedMessage {
                account,
                id: MessageId(row.id),
                epoch: EpochId(row.epoch),
                arrival: row.arrival,
                original_size_bytes: row.original_bytes,
                places: places.remove(&row.slot).unwrap_or_default(),
                held_only: row.in_mailboxes == 0,
                slot: row.slot,
            })
            .collect();
        scoped.sort_by_key(|message| (message.arrival, message.slot));
        Ok(scoped)
    }

    /// Holds for a case what the account has now, live or held by another case, of what arrived in `[from, until)`,
    /// but nothing that arrives later. A second call adds to the first. Returns how many messages of this account the case
    /// holds; durable when it returns.
    ///
    /// # Errors
    /// [`StoreError::NoSuchAccount`], and those of writing.
    pub fn hold(
        &self,
        case: CaseId,
        account: AccountId,
        from: UnixMillis,
        until: UnixMillis,
    ) -> Result<u64, StoreError> {
        self.run(0, move |draft| {
            draft.change(account, ChangeKind::Hold { case, from, until }, false)?;
            let state = draft.state(account)?;
            let held = state.holds.get(&case).map(|hold| &hold.slots);
            Ok(held.map_or(0, |slots| state.messages.count_in(slots)))
        })
    }

    /// Ends every hold of a case. Messages that only it kept are removed when this returns. Returns how many accounts' mail
    /// it had held.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when an account cannot be read (nothing is released then), and those of writing.
    pub fn release_hold(&self, case: CaseId) -> Result<u64, StoreError> {
        let mut accounts = Vec::new();
        for record in self.accounts() {
            let state = self.engine.seen(&*self.engine.account(record.id)?)?;
            if state.holds.contains_key(&case) {
                accounts.push(record.id);
            }
        }
        // An account whose profile cannot be opened cannot be written to. That does not matter if the case holds nothing of it.
        let quarantined: Vec<_> = self.engine.directory().quarantined.values().cloned().collect();
        for account in quarantined {
            if self.engine.read_account(&account)?.0.holds.contains_key(&case) {
                self.engine.account(account.record.id)?;
            }
        }
        self.run(0, move |draft| {
            let mut released = 0;
            for id in accounts {
                if draft.state(id)?.holds.contains_key(&case) {
                    draft.change(id, ChangeKind::Release { case }, false)?;
                    released += 1;
                }
            }
            Ok(released)
        })
    }

    /// The messages of an account that a case holds.
    ///
    /// # Errors
    /// [`StoreError::NoSuchAccount`], [`StoreError::Damaged`].
    pub fn held_by(&self, case: CaseId, account: AccountId) -> Result<Vec<MessageId>, StoreError> {
        let state = self.engine.seen(&*self.engine.account(account)?)?;
        let Some(hold) = state.holds.get(&case) else { return Ok(Vec::new()) };
        let held = state.messages.iter().filter(|row| hold.slots.contains(row.slot));
        Ok(held.map(|row| MessageId(row.id)).collect())
    }

    /// The cases that hold mail of an account, with the number of messages each. For the desk; no owner's page uses this.
    ///
    /// # Errors
    /// [`StoreError::NoSuchAccount`], [`StoreError::Damaged`].
    pub fn holds(&self, account: AccountId) -> Result<Vec<(CaseId, u64)>, StoreError> {
        let state = self.engine.seen(&*self.engine.account(account)?)?;
        Ok(state.holds.iter().map(|(case, hold)| (*case, state.messages.count_in(&hold.slots))).collect())
    }
}
