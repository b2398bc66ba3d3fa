//! One connection: what the session's steps say, done with a socket, a clock and the mailroom.

use std::io;
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use ::smtp::{
    Answer, CipherSuite, Config, DeliveryOutcome, Farewell, Message, Need, Recipient, Refusal, Session, Step, Waiting,
};
use mailroom::Mailroom;
use mailroom::delivery::{Delivered, SOON_BYTES_MAX};
use mailroom::lanes::Sharer;
use terms::AccountId;
use tokio::sync::{oneshot, watch};
use vault::Network;

use super::Door;
use crate::admission::{Entry, GiveWay, Request};
use crate::wire::Wire;

/// How long a peer that is turned away may take to read why.
const TURNED_AWAY_PATIENCE: Duration = Duration::from_secs(5);

/// One peer's connection.
pub(super) struct Connection {
    door: Arc<Door>,
    wire: Wire,
    peer: IpAddr,
    /// `None`: it is to be turned away.
    entry: Option<Entry>,
    shutdown: watch::Receiver<bool>,
    /// What the peer is saying now.
    request: Request,
}

/// Why a read returned no bytes.
enum Quiet {
    /// The peer hung up.
    Gone,
    /// Too long, or the node stops.
    Part(Farewell),
    /// The memory is needed for others.
    Shed,
}

impl Connection {
    pub(super) fn new(
        door: Arc<Door>,
        wire: Wire,
        peer: IpAddr,
        entry: Option<Entry>,
        shutdown: watch::Receiver<bool>,
    ) -> Self {
        Self { door, wire, peer, entry, shutdown, request: Request::new() }
    }

    /// Converses until one side closes.
    pub(super) async fn run(self, farewell: Option<Farewell>) {
        let config = Config {
            protocol: self.door.config.protocol,
            hostname: self.door.mail.hostname().clone(),
            peer: self.peer,
            message_size_bytes_max: self.door.config.message_size_bytes_max,
            starttls: self.door.tls.is_some(),
        };
        let session = match farewell {
            None => Session::new(config),
            Some(farewell) => Session::turned_away(config, farewell),
        };
        if let Err(error) = self.converse(session).await {
            // A peer that resets the connection or fails its handshake is not our problem. The kind says enough and identifies no one.
            tracing::debug!(kind = ?error.kind(), "a connection broke");
        }
    }

    async fn converse(mut self, mut session: Session) -> io::Result<()> {
        loop {
            match session.step() {
                Step::Write(octets) => {
                    let patience = self.entry.as_ref().map_or(TURNED_AWAY_PATIENCE, Entry::patience);
                    tokio::time::timeout(patience, self.wire.write(&octets)).await??;
                    self.request = Request::new();
                }
                Step::Need(Need::Recipient(recipient)) => {
                    let declared = session.declared_size_bytes();
                    let account = self.recipient(recipient, declared).await;
                    session.answer(Answer::Recipient(account));
                }
                Step::Need(Need::Message(message)) => {
                    let outcomes = self.deliver(message).await;
                    if let Some(entry) = self.entry.as_ref().filter(|_| outcomes.contains(&DeliveryOutcome::Stored)) {
                        entry.has_worked();
                    }
                    session.answer(Answer::Message(outcomes));
                }
                Step::StartTls => {
                    let Some(acceptor) = self.door.tls.clone() else { return Ok(()) };
                    let Some(entry) = &self.entry else { return Ok(()) };
                    let secured = self.door.admission.handshake(self.wire.secure(&acceptor));
                    self.wire = tokio::select! {
                        biased;
                        secured = secured => secured?,
                        () = entry.place_needed() => return Ok(()),
                    };
                    let suite = self.wire.cipher_suite().as_deref().and_then(CipherSuite::parse);
                    session.answer(Answer::Secured(suite.ok_or_else(|| io::Error::other("no cipher suite"))?));
                }
                Step::Close => {
                    // The place is free while the last words travel.
                    self.entry = None;
                    self.wire.close().await;
                    return Ok(());
                }
                Step::Wait(waiting) => {
                    match self.read(&mut session, waiting).await? {
                        Ok(()) => {}
                        Err(Quiet::Gone) => return Ok(()),
                        Err(Quiet::Part(farewell)) => session.part(farewell),
                        Err(Quiet::Shed) => session.shed(),
                    }
                    let held = session.held_bytes();
                    if let Some(entry) = &mut self.entry
                        && !entry.hold(held)
                    {
                        session.shed();
                        entry.hold(session.held_bytes());
                    }
                }
            }
        }
    }

    /// Feeds the session what comes.
    async fn read(&mut self, session: &mut Session, waiting: Waiting) -> io::Result<Result<(), Quiet>> {
        let Some(entry) = &self.entry else { return Ok(Err(Quiet::Gone)) };
        let read = tokio::select! {
            biased;
            read = self.wire.read_with(|octets| session.feed(octets)) => read?,
            _ = self.shutdown.wait_for(|stop| *stop) => return Ok(Err(Quiet::Part(Farewell::Stopping))),
            given = entry.give_way() => return Ok(Err(match given {
                GiveWay::Place => Quiet::Part(Farewell::TooManyConnections),
                GiveWay::Memory => Quiet::Shed,
            })),
            () = self.request.overdue(|| entry.patience()) => return Ok(Err(Quiet::Part(Farewell::Silence))),
        };
        if waiting == Waiting::Data {
            self.request.received(read);
        }
        Ok(if read == 0 { Err(Quiet::Gone) } else { Ok(()) })
    }

    /// Whose mail it will be. A mailbox over its quota is refused before the data, by the size that the peer announced. A
    /// known address is found here, in memory; for another the vault is asked, and that waits in a lane.
    async fn recipient(&self, recipient: Recipient, declared: Option<u64>) -> Result<AccountId, Refusal> {
        let mailroom = self.door.mail.mailroom().ok_or(Refusal::Locked)?;
        let known = match &recipient {
            Recipient::Mailbox(address) => mailroom.known_recipient(address),
            Recipient::Postmaster => None,
        };
        let account = match known {
            Some(known) => known,
            None => {
                let lanes = self.door.mail.lanes();
                let working = lanes.store.run(self.sharer(), (mailroom.clone(), recipient), |(mailroom, recipient)| {
                    match recipient {
                        Recipient::Mailbox(address) => mailroom.recipient(&address),
                        Recipient::Postmaster => mailroom.postmaster(),
                    }
                });
                let Ok(working) = working else { return Err(Refusal::TryAgain) };
                working.await.map_err(|_| Refusal::TryAgain)?
            }
        };
        account
            .and_then(|account| mailroom.check_quota(account, declared.unwrap_or(0)).map(|()| account))
            .map_err(|error| error.refusal())
    }

    /// In whose turn this connection's work is done.
    fn sharer(&self) -> Sharer {
        Sharer::stranger(Network::of(self.peer))
    }

    /// Keeps a message; the outcomes say what is durable.
    async fn deliver(&self, message: Box<Message>) -> Vec<DeliveryOutcome> {
        // A locked node accepted no recipient, so there is no outcome to report.
        let Some(mailroom) = self.door.mail.mailroom().cloned() else { return Vec::new() };
        let octets = message.original.len();
        let recipients = message.recipients.len();
        let delivered = self.delivered(mailroom, message).await;
        if let Err(Undelivered::Busy) = delivered {
            tracing::debug!(octets, "not stored: too much other work");
            return vec![DeliveryOutcome::Refused(Refusal::TryAgain); recipients];
        }
        match delivered.ok() {
            Some(delivered) => {
                let id = &delivered.id;
                for result in &delivered.results {
                    match result {
                        Ok(()) => tracing::info!(id, octets, "stored"),
                        // The node says it once, not for each message.
                        Err(error) if error.refusal() == Refusal::InsufficientStorage => {
                            tracing::debug!(id, octets, %error, "not stored");
                        }
                        Err(error) => tracing::warn!(id, octets, %error, "not stored"),
                    }
                }
                delivered.outcomes()
            }
            // A panic there is a fault of ours; the peer keeps the message and tries again.
            None => {
                tracing::error!(
                    octets,
                    "delivery failed because of an internal error (a bug); the sender will try again"
                );
                Vec::new()
            }
        }
    }

    /// Delivers: the usual message from this thread, which serves others while the disk works; another in a lane.
    async fn delivered(&self, mailroom: Mailroom, message: Box<Message>) -> Result<Delivered, Undelivered> {
        let (sender, receiver) = oneshot::channel();
        let answer = move |delivered| {
            // The receiver is gone only when the connection is.
            let _ = sender.send(delivered);
        };
        let soon = catch_unwind(AssertUnwindSafe(|| mailroom.deliver_soon(message, answer)));
        let message = match soon.map_err(|_| Undelivered::Panicked)? {
            Ok(()) => return receiver.await.map_err(|_| Undelivered::Panicked),
            Err(message) => message,
        };
        let lanes = self.door.mail.lanes();
        let lane = if message.original.len() > SOON_BYTES_MAX { &lanes.large } else { &lanes.store };
        let working = lane.run(self.sharer(), (mailroom, message), |(mailroom, message)| mailroom.deliver(*message));
        working.map_err(|_| Undelivered::Busy)?.await.map_err(|_| Undelivered::Panicked)
    }
}

/// Why there is no outcome of a delivery.
enum Undelivered {
    /// A fault of ours.
    Panicked,
    /// The lane is full; nothing was tried.
    Busy,
}
