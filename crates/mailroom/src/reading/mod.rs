//! Reading: what an IMAP session needs, taken from the store for its owner. A fetched message step by step:
//! `docs/flows/read.md`.
//!
//! An [`ImapBackend`] belongs to one connection. It remembers who signed in and which mailbox is open, and does what the machine
//! requests ([`imap::Need`]); every call blocks. What clients see of a message is its prefix and the view of its original
//! (`message::view`), and sizes count both.

mod fetch;
mod large;
mod listing;
mod message_reader;
mod search;
mod stop;
mod words;

use std::sync::Arc;

use imap::{
    Answer, Changes, Copied, FlagChange, FlagRow, Flags, FlagsChanged, MailboxName, Mailboxes, Need, OpenedMailbox,
    Refusal, UidRanges,
};
use store::{Incoming, MailboxView, StoreError, UidSet, Watch};
use terms::{AccountId, MailboxId, Secret, UnixMillis};
use vault::{Attempt, ChannelBinding, Network, OwnerError, Scopes, ScramError, ScramExchange, SignedIn, VaultError};

use crate::delivery::SOON_BYTES_MAX;
use crate::index::OwnerIndex;
use crate::mailroom::Mailroom;
use words::{flag_set, flags, mailbox_row, refusal, special_use};

pub use large::LargeWork;
pub use stop::Stop;

/// Whose mail a FETCH or a SEARCH reads, and for how long.
#[derive(Clone, Copy)]
struct Reading<'r> {
    mail: &'r Mailroom,
    owner: &'r SignedIn,
    view: &'r MailboxView,
    stop: &'r Stop,
}

/// Up to this size a message is opened in about a millisecond.
const QUICK_BYTES_MAX: u32 = 1 << 20;

/// The backend of one IMAP connection.
pub struct ImapBackend {
    mail: Mailroom,
    network: Network,
    /// The channel binding of the connection, under TLS.
    bindings: Vec<ChannelBinding>,
    /// A SCRAM sign-in that waits for the client's final message.
    exchange: Option<ScramExchange>,
    owner: Option<SignedIn>,
    /// The index of the signed-in owner.
    index: Option<Arc<OwnerIndex>>,
    open: Option<Open>,
    /// The search in progress, answer by answer.
    search: Option<search::Plan>,
    trouble: Option<Trouble>,
    stop: Stop,
}

/// The open mailbox.
struct Open {
    mailbox: MailboxId,
    /// What the machine was told last. Fetches and searches use this, so that sequence numbers are stable between two refreshes.
    view: MailboxView,
    /// Flag changes of this session: MODSEQ and UIDs. The machine knows them, so the next refresh leaves them out.
    own: Vec<(u64, UidSet)>,
}

/// Something that the operator should know but the client need not. Names no address, subject or mailbox.
#[derive(Debug)]
pub enum Trouble {
    /// The store's.
    Store(StoreError),
    /// The vault's.
    Vault(VaultError),
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Store(error) => error.fmt(f),
            Self::Vault(error) => error.fmt(f),
        }
    }
}

/// Where a need is met: by the task of the connection, or in a [lane](crate::lanes::Lanes).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Place {
    Here,
    SignIns,
    Store,
    Large,
}

/// Why a need was not met.
enum Unmet {
    Refused(Refusal),
    Store(StoreError),
}

impl From<StoreError> for Unmet {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Refusal> for Unmet {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl ImapBackend {
    /// For a new connection from `network`.
    pub fn new(mail: Mailroom, network: Network) -> Self {
        Self {
            mail,
            network,
            bindings: Vec::new(),
            exchange: None,
            owner: None,
            index: None,
            open: None,
            search: None,
            trouble: None,
            stop: Stop::default(),
        }
    }

    /// What ends the work of this connection early.
    pub fn stop(&self) -> Stop {
        self.stop.clone()
    }

    /// The connection is under TLS now: sets what a sign-in can be bound to.
    pub fn secured(&mut self, bindings: Vec<ChannelBinding>) {
        self.bindings = bindings;
    }

    /// The signed-in owner.
    pub fn account(&self) -> Option<AccountId> {
        self.owner.as_ref().map(SignedIn::account)
    }

    /// What went wrong in the last [`perform`](Self::perform) that the operator should know.
    pub fn trouble(&mut self) -> Option<Trouble> {
        self.trouble.take()
    }

    /// A watch over the signed-in owner's account, for IDLE. `None` before a sign-in.
    pub fn watch(&self) -> Option<Watch> {
        self.mail.store.watch(self.account()?).ok()
    }

    /// A watch over an account for IDLE, if none of it has to be read from disk.
    pub fn watch_at_once(&self) -> Option<Watch> {
        self.account().filter(|account| self.mail.store.is_in_memory(*account)).and_then(|_| self.watch())
    }

    /// Where a need is met. Only what takes memory and a millisecond at most may be done by the task of a connection, since
    /// nobody else is served meanwhile; everything that may wait for the disk, the vault or Argon2id has a lane.
    pub fn place_of(&self, need: &Need) -> Place {
        let in_memory = || self.account().is_some_and(|account| self.mail.store.is_in_memory(account));
        match need {
            Need::SignIn { .. } | Need::ScramBegin { .. } | Need::ScramFinish { .. } => Place::SignIns,
            Need::Close => Place::Here,
            Need::Refresh | Need::Mailbox(_) | Need::Mailboxes | Need::Quota | Need::Open(_) if in_memory() => {
                Place::Here
            }
            Need::Fetch { items, .. } if items.iter().all(fetch::is_of_view) => Place::Here,
            Need::Fetch { uids, items } => {
                let first = uids.as_slice().first().zip(self.open.as_ref());
                let entry = first.and_then(|(uid, open)| open.view.entry(*uid));
                let large = entry.is_some_and(|entry| entry.view_size_bytes > QUICK_BYTES_MAX);
                if large && items.iter().any(fetch::is_of_octets) { Place::Large } else { Place::Store }
            }
            Need::Search { .. } => Place::Large,
            Need::Append { message, .. } if message.len() > SOON_BYTES_MAX => Place::Large,
            _ => Place::Store,
        }
    }

    /// The answer when the lane has no place for a need: it was not tried.
    pub fn no_place(&mut self) -> Answer {
        // The rest of a search will not be asked for.
        self.search = None;
        Answer::Refused(Refusal::Unavailable)
    }

    /// Does what the machine needs. Blocks: for a sync of the disk when something changes, for Argon2id at a sign-in.
    /// What is reported as done is durable.
    pub fn perform(&mut self, need: Need) -> Answer {
        let answer = self.attempt(need);
        self.answered(answer)
    }

    fn answered(&mut self, answer: Result<Answer, Unmet>) -> Answer {
        match answer {
            Ok(answer) => answer,
            Err(Unmet::Refused(refusal)) => Answer::Refused(refusal),
            Err(Unmet::Store(error)) => {
                let refusal = refusal(&error);
                // The node reports a full disk by itself, once.
                let is_news = error != StoreError::DiskFull;
                if is_news && matches!(refusal, Refusal::Unavailable | Refusal::Corrupt) {
                    self.trouble = Some(Trouble::Store(error));
                }
                Answer::Refused(refusal)
            }
        }
    }

    fn attempt(&mut self, need: Need) -> Result<Answer, Unmet> {
        match need {
            Need::SignIn { user, password } => return self.sign_in(&user, &password),
            Need::ScramBegin { plus, message } => return self.scram_begin(plus, &message),
            Need::ScramFinish { message } => return self.scram_finish(&message),
            _ => {}
        }
        let owner = self.owner.clone().ok_or(Refusal::Unavailable)?;
        let account = owner.account();
        let store = &self.mail.store;
        match need {
            Need::SignIn { .. } | Need::ScramBegin { .. } | Need::ScramFinish { .. } => {
                Err(Refusal::Unavailable.into())
            }
            Need::Mailboxes => {
                let rows = store.mailboxes(account)?.iter().filter_map(mailbox_row).collect();
                let subscribed = store.subscriptions(account)?;
                let subscribed = subscribed.iter().filter_map(|name| MailboxName::new(name).ok()).collect();
                Ok(Answer::Mailboxes(Mailboxes { rows, subscribed }))
            }
            Need::Mailbox(name) => {
                let row = mailbox_row(&store.mailbox_named(account, name.as_str())?);
                Ok(Answer::Mailbox(row.ok_or(Refusal::NoSuchMailbox)?))
            }
            Need::Quota => {
                let store::Usage { bytes, messages, bytes_max, messages_max, .. } = store.usage(account)?;
                Ok(Answer::Quota(imap::Quota { bytes, bytes_max, messages, messages_max }))
            }
            Need::Create { name, special_use: purpose } => {
                store.create_mailbox(account, name.as_str(), purpose.map(special_use))?;
                Ok(Answer::Done)
            }
            Need::Delete(name) => {
                store.delete_mailbox(account, name.as_str())?;
                Ok(Answer::Done)
            }
            Need::Rename { from, to } => {
                store.rename_mailbox(account, from.as_str(), to.as_str())?;
                Ok(Answer::Done)
            }
            Need::Subscribe { name, subscribed } => {
                store.set_subscribed(account, name.as_str(), subscribed)?;
                Ok(Answer::Done)
            }
            Need::Open(name) => self.open(account, &name),
            Need::Close => {
                self.open = None;
                Ok(Answer::Done)
            }
            Need::Refresh => self.refresh(account),
            Need::Fetch { uids, items } => {
                let open = self.open.as_ref().ok_or(Refusal::Unavailable)?;
                let reading = Reading { mail: &self.mail, owner: &owner, view: &open.view, stop: &self.stop };
                let (rows, damage) = fetch::rows(reading, self.index.as_deref(), uids.as_slice(), &items)?;
                self.trouble = damage.map(Trouble::Store);
                Ok(Answer::Rows(rows))
            }
            Need::Search { uids, key } => {
                let open = self.open.as_ref().ok_or(Refusal::Unavailable)?;
                let mut plan = search::Plan::of(self.search.take(), &key, self.index.as_ref());
                let reading = Reading { mail: &self.mail, owner: &owner, view: &open.view, stop: &self.stop };
                let found = search::found(reading, uids.as_slice(), &mut plan)?;
                self.search = (found.covered < uids.as_slice().len()).then_some(plan);
                Ok(Answer::Found(found))
            }
            Need::ChangeFlags { uids, change, flags, quiet } => {
                self.change_flags(account, &uids, change, &flags, quiet)
            }
            Need::Copy { uids, to } => self.transfer(account, &uids, &to, false),
            Need::Move { uids, to } => self.transfer(account, &uids, &to, true),
            Need::Expunge { among } => {
                let open = self.open.as_ref().ok_or(Refusal::Unavailable)?;
                store.expunge_deleted(account, open.mailbox, among.as_deref())?;
                Ok(Answer::Done)
            }
            Need::Append { mailbox, flags, internal_date, message } => {
                let incoming = self.incoming(account, &mailbox, &flags, internal_date, message)?;
                appended(store.append(vec![incoming])?)
            }
        }
    }

    /// Signs an owner in. Every refusal takes the same work ([`Mailroom::sign_in`]).
    fn sign_in(&mut self, user: &str, password: &Secret<String>) -> Result<Answer, Unmet> {
        match self.mail.sign_in(user, password, None, Scopes::IMAP, self.network) {
            Ok(owner) => {
                self.enter(owner);
                Ok(Answer::Done)
            }
            Err(error) => Err(self.sign_in_refused(error)),
        }
    }

    /// Handles the client's first SCRAM message. The user it names is looked up as for a password.
    fn scram_begin(&mut self, plus: bool, message: &[u8]) -> Result<Answer, Unmet> {
        let user = vault::scram_user(message).ok_or(Refusal::MalformedResponse)?;
        let begun = self.mail.claim(&user).and_then(|claim| {
            let attempt = Attempt { claim, scope: Scopes::IMAP, network: self.network };
            self.mail.vault.scram_begin(&attempt, plus, &self.bindings, message)
        });
        match begun {
            Ok((exchange, said)) => {
                self.exchange = Some(exchange);
                Ok(Answer::Challenge(said))
            }
            Err(error) => Err(self.sign_in_refused(error)),
        }
    }

    /// Handles the client's final SCRAM message.
    fn scram_finish(&mut self, message: &[u8]) -> Result<Answer, Unmet> {
        let exchange = self.exchange.take().ok_or(Refusal::MalformedResponse)?;
        match self.mail.vault.scram_finish(exchange, message) {
            Ok((owner, said)) => {
                self.enter(owner);
                Ok(Answer::Challenge(said))
            }
            Err(error) => Err(self.sign_in_refused(error)),
        }
    }

    /// The owner is signed in, by any mechanism.
    fn enter(&mut self, owner: SignedIn) {
        self.index = self.mail.enter_index(&owner);
        self.owner = Some(owner);
    }

    fn sign_in_refused(&mut self, error: VaultError) -> Unmet {
        Unmet::Refused(match error {
            VaultError::Owner(OwnerError::WrongPassword)
            | VaultError::Owner(OwnerError::Scram(ScramError::Refused)) => Refusal::WrongCredentials,
            VaultError::Owner(OwnerError::SlowDown(_)) => Refusal::TooManyFailures,
            VaultError::Owner(OwnerError::Scram(ScramError::Malformed)) => Refusal::MalformedResponse,
            VaultError::Owner(OwnerError::Scram(ScramError::OtherIdentity)) => Refusal::OtherIdentity,
            // Under a crowd of guessers this is not news for each of them.
            VaultError::Busy => Refusal::Unavailable,
            error => {
                self.trouble = Some(Trouble::Vault(error));
                Refusal::Unavailable
            }
        })
    }

    fn open(&mut self, account: AccountId, name: &MailboxName) -> Result<Answer, Unmet> {
        self.open = None;
        let mailbox = self.mail.store.mailbox_named(account, name.as_str())?.id;
        let view = self.mail.store.snapshot(account, mailbox)?;
        let opened = OpenedMailbox {
            uids: UidRanges::of(view.uid_ranges().ranges().iter().map(|&(first, last)| first..=last)),
            uid_validity: view.uid_validity(),
            uid_next: view.uid_next(),
            first_unseen: view.first_unseen().and_then(|position| view.at(position)).map(|entry| entry.uid),
            keywords: view.keywords().iter().filter_map(|keyword| imap::Keyword::new(keyword)).collect(),
        };
        self.open = Some(Open { mailbox, view, own: Vec::new() });
        Ok(Answer::Opened(opened))
    }

    /// Takes a new view and reports how it differs from the previous one.
    fn refresh(&mut self, account: AccountId) -> Result<Answer, Unmet> {
        let open = self.open.as_mut().ok_or(Refusal::Unavailable)?;
        let view = self.mail.store.snapshot(account, open.mailbox)?;
        if view.account_modseq() == open.view.account_modseq() {
            // The same to the owner; but messages may have moved, and an old view keeps a segment from being removed.
            open.view = view;
            return Ok(Answer::Changes(Changes::default()));
        }
        let before = std::mem::replace(&mut open.view, view);
        let own = std::mem::take(&mut open.own);
        let (vanished, changed) = open.view.flags_after(&before);
        let mut changes = Changes::default();
        if !vanished.is_empty() {
            // A view may report UIDs that were expunged long before.
            let gone = |uid: &u32| vanished.contains(*uid) && open.view.position(*uid).is_none();
            changes.gone = before.uids().filter(gone).collect();
        }
        for (uid, modseq, set) in changed {
            if uid >= before.uid_next() {
                changes.new.push(uid);
            } else if !own.iter().any(|(of, uids)| *of == modseq && uids.contains(uid)) {
                changes.flags.push(FlagRow { uid, flags: flags(set) });
            }
        }
        if let (Some(owner), Some(index)) = (&self.owner, &self.index) {
            self.mail.index_news(owner, index, changes.new.len());
        }
        Ok(Answer::Changes(changes))
    }

    fn change_flags(
        &mut self,
        account: AccountId,
        uids: &[u32],
        change: FlagChange,
        named: &Flags,
        quiet: bool,
    ) -> Result<Answer, Unmet> {
        let open = self.open.as_mut().ok_or(Refusal::Unavailable)?;
        let named = flag_set(named);
        let change = match change {
            FlagChange::Set => store::FlagChange::Set(named),
            FlagChange::Add => store::FlagChange::Add(named),
            FlagChange::Remove => store::FlagChange::Remove(named),
        };
        let flagged = self.mail.store.change_flags(account, open.mailbox, uids, change, None)?;
        if let Some(modseq) = flagged.modseq {
            open.own.push((modseq, UidSet::of(&flagged.changed)));
        }
        let now = self.mail.store.snapshot(account, open.mailbox)?;
        if quiet {
            let (sets, there) = now.distinct_flags(&UidSet::of(uids));
            let in_use = sets.iter().map(|set| flags(set)).collect();
            return Ok(Answer::Flags(FlagsChanged { rows: Vec::new(), in_use, there }));
        }
        let rows = now.entries_of(uids).flatten().map(|entry| FlagRow { uid: entry.uid, flags: flags(&entry.flags) });
        let rows: Vec<FlagRow> = rows.collect();
        Ok(Answer::Flags(FlagsChanged { there: rows.len(), rows, in_use: Vec::new() }))
    }

    fn transfer(&self, account: AccountId, uids: &[u32], to: &MailboxName, moves: bool) -> Result<Answer, Unmet> {
        let from = self.open.as_ref().ok_or(Refusal::Unavailable)?.mailbox;
        let store = &self.mail.store;
        let to = store.mailbox_named(account, to.as_str())?.id;
        let done = if moves { store.move_(account, from, uids, to) } else { store.copy(account, from, uids, to) }?;
        let (from, to) = done.uids.into_iter().unzip();
        Ok(Answer::Copied(Copied { uid_validity: done.uid_validity, from, to }))
    }

    /// The message of an APPEND, prepared for the store.
    fn incoming(
        &self,
        account: AccountId,
        mailbox: &MailboxName,
        named: &Flags,
        internal_date: Option<UnixMillis>,
        message: Vec<u8>,
    ) -> Result<Incoming, Unmet> {
        let mailbox = self.mail.store.mailbox_named(account, mailbox.as_str())?.id;
        let internal_date = internal_date.unwrap_or_else(|| self.mail.clock.now());
        Ok(self.mail.incoming(account, mailbox, message, Vec::new(), internal_date, flag_set(named))?)
    }

    /// As [`perform`](Self::perform) for APPEND, without waiting for the disk: seals at once, and `told` is called from the
    /// store's thread when the message is durable or refused; it must be quick. [`appended`](Self::appended) turns its argument
    /// into the answer. The usual message is accepted (not long, and the store's queue has space); anything else is returned,
    /// for a lane.
    ///
    /// # Errors
    /// The need, if it is not such an APPEND.
    pub fn append_soon(&mut self, need: Need, told: impl FnOnce(AppendOutcome) + Send + 'static) -> Result<(), Need> {
        let store = &self.mail.store;
        let (account, mailbox, flags, internal_date, message) = match (self.account(), need) {
            (Some(account), Need::Append { mailbox, flags, internal_date, message })
                if message.len() <= SOON_BYTES_MAX && store.takes_at_once(account, message.len()) =>
            {
                (account, mailbox, flags, internal_date, message)
            }
            (_, need) => return Err(need),
        };
        match self.incoming(account, &mailbox, &flags, internal_date, message) {
            Ok(incoming) => store.submit(vec![incoming], |stored| told(AppendOutcome(stored.map_err(Unmet::from)))),
            Err(unmet) => told(AppendOutcome(Err(unmet))),
        }
        Ok(())
    }

    /// The answer to an APPEND.
    pub fn appended(&mut self, outcome: AppendOutcome) -> Answer {
        let answer = outcome.0.and_then(appended);
        self.answered(answer)
    }
}

/// How an APPEND went; see [`ImapBackend::append_soon`].
pub struct AppendOutcome(Result<Vec<store::Appended>, Unmet>);

fn appended(appended: Vec<store::Appended>) -> Result<Answer, Unmet> {
    let appended = appended.first().ok_or(Refusal::Unavailable)?;
    Ok(Answer::Appended(imap::Appended { uid_validity: appended.uid_validity, uid: appended.uid }))
}
