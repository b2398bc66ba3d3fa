//! Delivery: an accepted message becomes sealed mail in its home. Step by step: `docs/flows/deliver.md`.
//!
//! Decide (is it a loop, whose is it), then one call to the store, then the outcome; the reply text is the server's.

mod trace;

use std::collections::HashMap;
use std::fmt;

use message::view;
use smtp::{Accepted, DeliveryOutcome, Envelope, Message, Refusal};
use store::{FlagSet, Incoming, StoreError};
use terms::{AccountId, Address, MailboxId, UnixMillis};

use crate::mailroom::Mailroom;
use crate::record::Record;

/// How many bytes of copies one call to the store may hold. A message for many accounts is sealed for each: 100
/// recipients of 50 MiB would be 5 GB at once. Beyond this a message is stored in several calls.
const BATCH_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Up to this size a message is sealed in about a millisecond, on the task that read it. Nine out of ten are shorter.
pub const SOON_BYTES_MAX: usize = 256 * 1024;

/// Why a message was not delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeliveryError {
    /// The sender's: there is no such mailbox here.
    NoSuchMailbox,
    /// A relay's: the message passed more than a hundred hosts (RFC 5321 section 6.3).
    Loop,
    /// The store's; the text is its own.
    Store(StoreError),
}

impl fmt::Display for DeliveryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchMailbox => f.write_str("no such mailbox here"),
            Self::Loop => f.write_str("mail loop detected: the message passed more than 100 hosts"),
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for DeliveryError {}

impl From<StoreError> for DeliveryError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NoSuchAccount | StoreError::NoSuchMailbox => Self::NoSuchMailbox,
            other => Self::Store(other),
        }
    }
}

impl DeliveryError {
    /// Whether the peer is told to give up or to try again. When in doubt, to try again: the sender still has the message.
    pub fn refusal(&self) -> Refusal {
        match self {
            Self::NoSuchMailbox => Refusal::NoSuchMailbox,
            Self::Loop => Refusal::Loop,
            Self::Store(StoreError::TooLarge) => Refusal::TooLarge,
            Self::Store(StoreError::DiskFull) => Refusal::InsufficientStorage,
            Self::Store(StoreError::OverQuota) => Refusal::MailboxFull,
            Self::Store(StoreError::VaultAway) => Refusal::Locked,
            Self::Store(_) => Refusal::TryAgain,
        }
    }

    /// The outcome for one recipient.
    pub fn outcome(result: &Result<(), Self>) -> DeliveryOutcome {
        match result {
            Ok(()) => DeliveryOutcome::Stored,
            Err(error) => DeliveryOutcome::Refused(error.refusal()),
        }
    }
}

/// The result of delivering a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// The `id` in the trace, for the debug log.
    pub id: String,
    /// For each recipient, in the message's order. `Ok`: durable.
    pub results: Vec<Result<(), DeliveryError>>,
}

impl Delivered {
    /// The outcomes for the machine.
    pub fn outcomes(&self) -> Vec<DeliveryOutcome> {
        self.results.iter().map(DeliveryError::outcome).collect()
    }
}

impl Mailroom {
    /// The account that has `address`. Waits for the vault unless it is an account's.
    ///
    /// # Errors
    /// [`DeliveryError::NoSuchMailbox`], also for clients that want mail relayed; [`DeliveryError::Store`]
    /// while this cannot be known, because the vault is unavailable.
    pub fn recipient(&self, address: &Address) -> Result<AccountId, DeliveryError> {
        self.store.receiver_of(address)?.ok_or(DeliveryError::NoSuchMailbox)
    }

    /// As [`recipient`](Self::recipient), from memory alone; `None` when the vault has to be asked.
    pub fn known_recipient(&self, address: &Address) -> Option<Result<AccountId, DeliveryError>> {
        let known = self.store.known_receiver_of(address)?;
        Some(known.map_err(DeliveryError::from).and_then(|account| account.ok_or(DeliveryError::NoSuchMailbox)))
    }

    /// The account that receives mail for `<Postmaster>` (RFC 5321 section 4.5.1): the one with the address `postmaster@` this node's
    /// hostname or a parent domain, the nearest first. An operator appoints a postmaster by giving an account that address.
    ///
    /// # Errors
    /// [`DeliveryError::NoSuchMailbox`] when no account has it; [`DeliveryError::Store`] while this cannot be known.
    pub fn postmaster(&self) -> Result<AccountId, DeliveryError> {
        let mut domain = &*self.hostname;
        loop {
            let address = format!("postmaster@{domain}").parse().ok();
            if let Some(account) = address.map(|it| self.store.receiver_of(&it)).transpose()?.flatten() {
                return Ok(account);
            }
            domain = domain.split_once('.').ok_or(DeliveryError::NoSuchMailbox)?.1;
        }
    }

    /// Checks that a message of this size fits into an account's quota now, as far as that is known without reading a file. Otherwise
    /// it is checked when the message is stored.
    ///
    /// # Errors
    /// [`StoreError::OverQuota`], as [`DeliveryError::Store`].
    pub fn check_quota(&self, account: AccountId, size_bytes: u64) -> Result<(), DeliveryError> {
        let store = &self.store;
        let fits = !store.is_in_memory(account) || store.usage(account)?.has_space(size_bytes, 1);
        if fits { Ok(()) } else { Err(DeliveryError::Store(StoreError::OverQuota)) }
    }

    /// Prepares a message for the store: derives the record, counts sizes, sets the arrival to now by the node's clock.
    /// Used by delivery, APPEND and import. `prefix` is empty unless a hop is to be shown. Stores nothing yet.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`] when a size does not fit.
    pub fn incoming(
        &self,
        account: AccountId,
        mailbox: MailboxId,
        original: Vec<u8>,
        prefix: Vec<u8>,
        internal_date: UnixMillis,
        flags: FlagSet,
    ) -> Result<Incoming, StoreError> {
        let (record, view_bytes) = {
            let view = view(&original);
            (Record::of(&original, &view).encode(), view.len())
        };
        let arrival = self.clock.now();
        Ok(Incoming {
            account,
            mailbox,
            view_size_bytes: view_size(&prefix, view_bytes)?,
            original,
            prefix,
            record,
            arrival,
            internal_date,
            flags,
        })
    }

    /// Delivers a message into the INBOX of each recipient's account, once for each account. What is `Ok` is durable when
    /// this returns. Blocks for a sync of the disk.
    ///
    /// All accounts are written in one call to the store, or in a few if the copies together are large
    /// ([`BATCH_BYTES_MAX`]); an account that was closed meanwhile fails alone.
    pub fn deliver(&self, message: Message) -> Delivered {
        let id = self.trace_id();
        let Message { envelope, recipients, original } = message;
        let view = view(&original);
        if trace::hops(&view) > trace::HOPS_MAX {
            return Delivered { id, results: vec![Err(DeliveryError::Loop); recipients.len()] };
        }
        let copy = DeliveryCopy {
            envelope: &envelope,
            id: &id,
            original: &original,
            view: &view,
            record: Record::of(&original, &view).encode(),
            arrival: self.clock.now(),
        };
        // One copy for each account, for the first of its addresses that the sender named.
        let mut firsts: Vec<&Accepted> = Vec::new();
        for accepted in &recipients {
            if !firsts.iter().any(|first| first.account == accepted.account) {
                firsts.push(accepted);
            }
        }
        let mut results: HashMap<AccountId, Result<(), DeliveryError>> = HashMap::new();
        let copies = (BATCH_BYTES_MAX / original.len().max(1)).max(1);
        for batch in firsts.chunks(copies) {
            let stored = self.put(&copy, batch);
            match stored {
                // An account is closed, over quota or damaged: that must not affect the others.
                Err(
                    DeliveryError::NoSuchMailbox | DeliveryError::Store(StoreError::OverQuota | StoreError::Damaged(_)),
                ) if batch.len() > 1 => {
                    results.extend(batch.iter().map(|one| (one.account, self.put(&copy, &[*one]))));
                }
                stored => results.extend(batch.iter().map(|one| (one.account, stored.clone()))),
            }
        }
        let result =
            |accepted: &Accepted| results.get(&accepted.account).cloned().unwrap_or(Err(DeliveryError::NoSuchMailbox));
        Delivered { results: recipients.iter().map(result).collect(), id }
    }

    /// Puts a notice from the node itself into an account's INBOX. `subject` and `text` are ASCII, `text` in lines that end with
    /// CRLF. Durable when it returns.
    ///
    /// # Errors
    /// The store's.
    pub fn notice(&self, account: AccountId, subject: &str, text: &str) -> Result<(), DeliveryError> {
        let to = self.store.account(account)?.addresses.first().map(Address::canonical).unwrap_or_default();
        let (hostname, now) = (&self.hostname, self.clock.now());
        let original = format!(
            "From: <postmaster@{hostname}>\r\nTo: <{to}>\r\nSubject: {subject}\r\nDate: {}\r\nMessage-ID: \
             <{}@{hostname}>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nAuto-Submitted: \
             auto-generated\r\n\r\n{text}",
            trace::date(now),
            self.trace_id()
        );
        let inbox = self.store.mailbox_named(account, store::INBOX)?.id;
        let incoming = self.incoming(account, inbox, original.into_bytes(), Vec::new(), now, FlagSet::none())?;
        // Even into a full mailbox: it may warn that someone is about to take it over.
        self.store.append_beyond_quota(vec![incoming])?;
        Ok(())
    }

    /// As [`deliver`](Self::deliver), without waiting for the disk: seals at once, which takes about a millisecond, and
    /// `answer` is called from the store's thread when the message is durable or refused; it must be quick. The usual
    /// message (one account that is in memory, not long, and the store's queue has space) is accepted; any other is returned, for
    /// a lane.
    ///
    /// # Errors
    /// The message, if it is not the usual one.
    pub fn deliver_soon(
        &self,
        message: Box<Message>,
        answer: impl FnOnce(Delivered) + Send + 'static,
    ) -> Result<(), Box<Message>> {
        let [to] = &message.recipients[..] else { return Err(message) };
        if message.original.len() > SOON_BYTES_MAX || !self.store.takes_at_once(to.account, message.original.len()) {
            return Err(message);
        }
        let id = self.trace_id();
        let Message { envelope, original, .. } = &*message;
        let view = view(original);
        if trace::hops(&view) > trace::HOPS_MAX {
            answer(Delivered { id, results: vec![Err(DeliveryError::Loop)] });
            return Ok(());
        }
        let record = Record::of(original, &view).encode();
        let copy = DeliveryCopy { envelope, id: &id, original, view: &view, record, arrival: self.clock.now() };
        match self.addressed(&copy, to, Vec::new()) {
            // Nothing else needs the original: it is moved.
            Ok(incoming) => {
                self.store.submit(vec![Incoming { original: message.original, ..incoming }], move |stored| {
                    answer(Delivered { id, results: vec![stored.map(drop).map_err(DeliveryError::from)] });
                })
            }
            Err(error) => answer(Delivered { results: vec![Err(error)], id }),
        }
        Ok(())
    }

    fn put(&self, copy: &DeliveryCopy<'_>, to: &[&Accepted]) -> Result<(), DeliveryError> {
        let incoming = to
            .iter()
            .map(|accepted| self.addressed(copy, accepted, copy.original.to_vec()))
            .collect::<Result<_, _>>()?;
        self.store.append(incoming)?;
        Ok(())
    }

    /// The copy of the original for one account, ready for the store.
    fn addressed(&self, copy: &DeliveryCopy<'_>, to: &Accepted, original: Vec<u8>) -> Result<Incoming, DeliveryError> {
        let (envelope, hostname) = (copy.envelope, &self.hostname);
        let prefix = trace::prefix(envelope, &to.recipient, hostname, copy.id, copy.arrival, copy.view);
        Ok(Incoming {
            account: to.account,
            mailbox: self.store.mailbox_named(to.account, store::INBOX)?.id,
            view_size_bytes: view_size(&prefix, copy.view.len())?,
            original,
            prefix,
            record: copy.record.clone(),
            arrival: copy.arrival,
            internal_date: copy.arrival,
            flags: FlagSet::none(),
        })
    }

    /// 64 random bits, in hexadecimal.
    fn trace_id(&self) -> String {
        let mut octets = [0; 8];
        self.entropy.fill(&mut octets);
        terms::hex(&octets)
    }
}

/// What all copies of a delivered message have in common.
struct DeliveryCopy<'m> {
    envelope: &'m Envelope,
    id: &'m str,
    original: &'m [u8],
    view: &'m [u8],
    record: Vec<u8>,
    arrival: UnixMillis,
}

/// The size that clients see: the prefix and the view (RFC 9051 section 2.3.4).
fn view_size(prefix: &[u8], view_bytes: usize) -> Result<u32, StoreError> {
    u32::try_from(prefix.len() + view_bytes).map_err(|_| StoreError::TooLarge)
}
