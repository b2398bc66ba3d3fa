//! Mailboxes: listing, creating, deleting, renaming, subscribing, viewing.

use terms::{AccountId, MailboxId};

use crate::account::change::ChangeKind;
use crate::account::decide;
use crate::account::view::{self, MailboxInfo, MailboxView};
use crate::error::StoreError;
use crate::store::Store;
use crate::values::name;
use crate::values::special_use::SpecialUse;
use crate::values::uid_set::UidSet;

impl Store {
    /// Every mailbox of an account, in the order in which they were created: INBOX first.
    ///
    /// # Errors
    /// [`StoreError::NoSuchAccount`], [`StoreError::Damaged`].
    pub fn mailboxes(&self, account: AccountId) -> Result<Vec<MailboxInfo>, StoreError> {
        let state = self.engine.seen(&*self.engine.account(account)?)?;
        Ok(state.mailboxes.values().map(|mailbox| view::info(&state, mailbox)).collect())
    }

    /// The mailbox with that name; INBOX in any letter case.
    ///
    /// # Errors
    /// [`StoreError::NoSuchMailbox`], and as [`mailboxes`](Self::mailboxes).
    pub fn mailbox_named(&self, account: AccountId, name: &str) -> Result<MailboxInfo, StoreError> {
        let name = name::canonical(name).map_err(|_| StoreError::NoSuchMailbox)?;
        let state = self.engine.seen(&*self.engine.account(account)?)?;
        let mailbox = state.named(&name).ok_or(StoreError::NoSuchMailbox)?;
        Ok(view::info(&state, mailbox))
    }

    /// The names that the owner subscribed to, sorted, whether or not such a mailbox exists (RFC 9051 section 6.3.7).
    ///
    /// # Errors
    /// As [`mailboxes`](Self::mailboxes).
    pub fn subscriptions(&self, account: AccountId) -> Result<Vec<String>, StoreError> {
        let state = self.engine.seen(&*self.engine.account(account)?)?;
        Ok(state.subscriptions.iter().cloned().collect())
    }

    /// Whether the account's state is in memory, so that looking at it reads no disk.
    pub fn is_in_memory(&self, account: AccountId) -> bool {
        self.engine.account(account).is_ok_and(|account| account.is_in_memory())
    }

    /// The mailbox as it is now: an unchanging view, all of it durable.
    ///
    /// # Errors
    /// [`StoreError::NoSuchMailbox`], and as [`mailboxes`](Self::mailboxes).
    pub fn snapshot(&self, account: AccountId, mailbox: MailboxId) -> Result<MailboxView, StoreError> {
        let era = self.engine.compaction.era();
        let state = self.engine.seen(&*self.engine.account(account)?)?;
        MailboxView::new(account, state, mailbox, era).ok_or(StoreError::NoSuchMailbox)
    }

    /// Creates a mailbox. Levels above it are not created: a listing shows those that are missing as `\NonExistent`.
    ///
    /// # Errors
    /// [`StoreError::MailboxExists`], [`StoreError::BadName`], [`StoreError::TooMany`].
    pub fn create_mailbox(
        &self,
        account: AccountId,
        name: &str,
        special_use: Option<SpecialUse>,
    ) -> Result<MailboxInfo, StoreError> {
        let name = name.to_owned();
        self.run(name.len(), move |draft| {
            let now = draft.now();
            let act = decide::create(draft.state(account)?, &name, special_use, now)?;
            draft.change(account, act, true)?;
            let state = draft.state(account)?;
            let mailbox = decide::mailbox(state, MailboxId(state.mailbox_last))?;
            Ok(view::info(state, mailbox))
        })
    }

    /// Deletes a mailbox with its messages; mailboxes below it stay, and so does the subscription. Messages that are also in another
    /// mailbox stay there; the others can be restored for as long as the policy says; what a case holds is kept, invisible to
    /// the owner.
    ///
    /// # Errors
    /// [`StoreError::InboxStays`], [`StoreError::NoSuchMailbox`], [`StoreError::BadName`].
    pub fn delete_mailbox(&self, account: AccountId, name: &str) -> Result<(), StoreError> {
        let name = name.to_owned();
        self.run(name.len(), move |draft| {
            let keep = draft.policy().restorable_days > 0;
            let act = decide::delete(draft.state(account)?, &name, keep)?;
            draft.change(account, act, true).map(|_| ())
        })
    }

    /// Renames a mailbox and all below it, with their subscriptions. Renaming INBOX moves its messages into a new
    /// mailbox, leaves INBOX empty, and does not touch mailboxes below it (RFC 9051 section 6.3.6).
    ///
    /// # Errors
    /// [`StoreError::NoSuchMailbox`], [`StoreError::MailboxExists`], [`StoreError::BadName`].
    pub fn rename_mailbox(&self, account: AccountId, from: &str, to: &str) -> Result<(), StoreError> {
        let (from, to) = (from.to_owned(), to.to_owned());
        self.run(from.len() + to.len(), move |draft| {
            let now = draft.now();
            let act = decide::rename(draft.state(account)?, &from, &to, now)?;
            draft.change(account, act, true)?;
            let state = draft.state(account)?;
            let Some(inbox) = decide::inbox_of(state, &from) else { return Ok(()) };
            let target = MailboxId(state.mailbox_last);
            let all = UidSet::of_ranges([(1, u32::MAX)]);
            if let (Some(act), _) = decide::transfer(state, inbox, &all, target, true)? {
                draft.change(account, act, true)?;
            }
            Ok(())
        })
    }

    /// Subscribes to a name or unsubscribes from it. No mailbox needs to have the name.
    ///
    /// # Errors
    /// [`StoreError::BadName`], [`StoreError::TooMany`].
    pub fn set_subscribed(&self, account: AccountId, name: &str, subscribed: bool) -> Result<(), StoreError> {
        let name = name.to_owned();
        self.run(name.len(), move |draft| {
            let act: Option<ChangeKind> = decide::subscribe(draft.state(account)?, &name, subscribed)?;
            act.map_or(Ok(()), |act| draft.change(account, act, true).map(|_| ()))
        })
    }
}
