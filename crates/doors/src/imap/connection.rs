//! One connection: what the session's steps say, done with a socket, a clock and the mailroom.

use std::io;
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use ::imap::{Answer, Bye, Config, Need, Refusal, Session, Step};
use mailroom::Mailroom;
use mailroom::lanes::Sharer;
use mailroom::reading::{ImapBackend, Place};
use store::{Watch, Watching};
use terms::AccountId;
use tokio::net::TcpStream;
use tokio::sync::{Notify, oneshot, watch};
use tokio::time::Instant;
use vault::Network;

use super::Door;
use crate::admission::{Entry, GiveWay, Request};
use crate::wire::Wire;

/// How long a silent client is waited for after sign-in. RFC 9051 section 5.4: at least 30 minutes.
const PATIENCE: Duration = Duration::from_secs(30 * 60);

/// How long a stranger may take to sign in, from the first octet to the last. RFC 9051 section 5.4 sets no floor; Dovecot
/// gives three minutes as well (`CLIENT_LOGIN_TIMEOUT`).
const PATIENCE_BEFORE_SIGN_IN: Duration = Duration::from_secs(3 * 60);

/// How long a client may take to read what one write sends. A phone in a tunnel comes back within minutes or not at all.
const WRITE_PATIENCE: Duration = Duration::from_secs(5 * 60);

/// What the answer to a failed sign-in waits for, times the number of failures: guessing is slow, mistyping is not.
const FAILURE_DELAY: Duration = Duration::from_secs(1);

/// How long a command may be silent before it says that it is still at work. Dovecot says so every 10 to 15 seconds
/// (`MAIL_STORAGE_NOTIFY_INTERVAL_SECS`).
const SILENCE: Duration = Duration::from_secs(10);

/// One client's connection.
pub(super) struct Connection {
    door: Arc<Door>,
    peer: IpAddr,
    /// `None`: it is to be turned away.
    entry: Option<Entry>,
    shutdown: watch::Receiver<bool>,
    /// What the client is saying now.
    request: Request,
    /// When a stranger's time is over.
    sign_in_by: Instant,
    /// Rings when something happens in the account.
    bell: Arc<Notify>,
    /// Keeps the bell rung; made at the first IDLE.
    watching: Option<Watching>,
}

/// What ended a wait.
enum Event {
    /// Octets came, and were fed.
    Read,
    /// The client hung up.
    Gone,
    /// The bell rang.
    Change,
    /// Too long, or the node stops.
    Part(Bye),
}

impl Connection {
    pub(super) fn new(door: Arc<Door>, peer: IpAddr, shutdown: watch::Receiver<bool>) -> Self {
        let sign_in_by = Instant::now() + PATIENCE_BEFORE_SIGN_IN;
        let request = Request::new();
        Self { door, peer, entry: None, shutdown, request, sign_in_by, bell: Arc::default(), watching: None }
    }

    /// Converses until one side closes.
    pub(super) async fn run(self, stream: TcpStream) {
        let (door, mut reader) = (self.door.clone(), None);
        let conversed = self.converse(stream, &mut reader).await;
        if let Some(account) = reader.as_ref().and_then(ImapBackend::account) {
            // The vault is told that the session is over. If it stalls, that waits, too; and if the lane is full, it waits here.
            drop(door.mail.lanes().store.run(Sharer::Owner(account), reader, drop));
        }
        if let Err(error) = conversed {
            // A client that resets the connection or fails its handshake is not our problem. The kind says enough and identifies no one.
            tracing::debug!(kind = ?error.kind(), "a connection broke");
        }
    }

    /// Gives the client its place and its greeting; `None` when it is turned away without a word.
    async fn welcome(&mut self, stream: TcpStream) -> io::Result<Option<(Wire, Session)>> {
        let mut wire = Wire::Plain(stream);
        let implicit_tls = self.door.config.implicit_tls;
        if implicit_tls {
            // A peer is turned away before the cost of a handshake, and takes its place after it.
            if !self.door.admission.has_place(self.peer) {
                return Ok(None);
            }
            wire = self.door.admission.handshake(wire.secure(&self.door.tls)).await?;
        }
        self.entry = self.door.admission.enter(self.peer);
        let config = Config {
            hostname: self.door.mail.hostname().to_string(),
            starttls: !implicit_tls,
            sign_in_without_tls: self.peer.is_loopback() && self.door.config.loopback_without_tls,
            channel_binding: true,
            message_size_bytes_max: self.door.config.message_size_bytes_max,
        };
        let session = match self.entry {
            Some(_) => Session::new(config, implicit_tls),
            None => Session::turned_away(config, Bye::TooMany),
        };
        Ok(Some((wire, session)))
    }

    /// Begins TLS; `None` when others need the place meanwhile.
    async fn secure(&self, wire: Wire) -> io::Result<Option<Wire>> {
        let Some(entry) = &self.entry else { return Ok(None) };
        tokio::select! {
            biased;
            secured = self.door.admission.handshake(wire.secure(&self.door.tls)) => secured.map(Some),
            () = entry.place_needed() => Ok(None),
        }
    }

    async fn converse(mut self, stream: TcpStream, reader: &mut Option<ImapBackend>) -> io::Result<()> {
        let Some((mut wire, mut session)) = self.welcome(stream).await? else { return Ok(()) };
        // The reader is made when the session first needs something: before that the node may be locked.
        let mut bindings = wire.channel_bindings(self.door.config.identity.end_point());
        // When a word went either way last.
        let mut spoke = Instant::now();
        loop {
            match session.step() {
                Step::Write(octets) => {
                    tokio::time::timeout(WRITE_PATIENCE, wire.write(&octets)).await??;
                    spoke = Instant::now();
                    self.request = Request::new();
                }
                Step::Need(need) => {
                    let made = reader.take().or_else(|| {
                        let mut made = ImapBackend::new(self.door.mail.mailroom()?.clone(), Network::of(self.peer));
                        made.secured(bindings.clone());
                        Some(made)
                    });
                    let signs_in =
                        matches!(need, Need::SignIn { .. } | Need::ScramBegin { .. } | Need::ScramFinish { .. });
                    let answer = match made {
                        Some(made) => {
                            let (made, answer) = self.perform(&wire, made, need).await?;
                            *reader = Some(made);
                            answer
                        }
                        None => Answer::Refused(Refusal::Unavailable),
                    };
                    let refusal = if let Answer::Refused(refusal) = &answer { Some(*refusal) } else { None };
                    let sharer = self.sharer(reader.as_ref());
                    session = self.answered(session, answer, sharer).await?;
                    if let (Some(entry), Some(account)) =
                        (&mut self.entry, reader.as_ref().and_then(ImapBackend::account))
                    {
                        entry.belongs_to(account);
                    }
                    if spoke.elapsed() >= SILENCE {
                        session.reassure();
                    }
                    if let Some(delay) = delay(signs_in, refusal, session.sign_in_failures()) {
                        tokio::time::sleep(delay).await;
                    }
                    self.hold(&mut session);
                }
                Step::StartTls => {
                    let Some(secured) = self.secure(wire).await? else { return Ok(()) };
                    wire = secured;
                    bindings = wire.channel_bindings(self.door.config.identity.end_point());
                    if let Some(reader) = reader {
                        reader.secured(bindings.clone());
                    }
                    session.tls_started();
                }
                Step::Wait => {
                    let event = self.wait(&mut wire, &mut session, None).await?;
                    spoke = Instant::now();
                    if !self.take(&mut session, event) {
                        return Ok(());
                    }
                }
                Step::Idle if self.watching.is_none() && reader.as_ref().is_some_and(|it| it.account().is_some()) => {
                    self.watching = self.watching(reader.as_ref()).await;
                    // What happened before anyone was listening.
                    session.notice();
                }
                Step::Idle => {
                    let bell = self.bell.clone();
                    let event = self.wait(&mut wire, &mut session, Some(&bell)).await?;
                    if !self.take(&mut session, event) {
                        return Ok(());
                    }
                }
                Step::Close => {
                    // The place is free while the last words travel.
                    self.entry = None;
                    wire.close().await;
                    return Ok(());
                }
            }
        }
    }

    /// Waits for bytes and, with `bell`, for the bell as well. What was read is fed to the session. A command that has begun
    /// is waited for as long as a request of SMTP, and a message as long as it takes at the lowest rate.
    async fn wait(&mut self, wire: &mut Wire, session: &mut Session, bell: Option<&Notify>) -> io::Result<Event> {
        let until = if session.signed_in() { Instant::now() + PATIENCE } else { self.sign_in_by };
        let begun = session.held_bytes() > 0;
        let Some(entry) = &self.entry else { return Ok(Event::Gone) };
        let rung = async {
            match bell {
                Some(bell) => bell.notified().await,
                None => std::future::pending().await,
            }
        };
        let overdue = async {
            if !begun {
                return std::future::pending().await;
            }
            self.request.overdue(|| entry.patience()).await;
        };
        let read = tokio::select! {
            biased;
            read = wire.read_with(|octets| session.feed(octets)) => read?,
            () = rung => return Ok(Event::Change),
            _ = self.shutdown.wait_for(|stop| *stop) => return Ok(Event::Part(Bye::Shutdown)),
            given = entry.give_way() => return Ok(Event::Part(match given {
                GiveWay::Place => Bye::TooMany,
                GiveWay::Memory => Bye::NoMemory,
            })),
            () = tokio::time::sleep_until(until) => return Ok(Event::Part(Bye::Timeout)),
            () = overdue => return Ok(Event::Part(Bye::Timeout)),
        };
        if begun {
            self.request.received(read);
        } else {
            self.request = Request::new();
        }
        Ok(if read == 0 { Event::Gone } else { Event::Read })
    }

    /// Tells the session what happened; `false` when the client is gone.
    fn take(&mut self, session: &mut Session, event: Event) -> bool {
        match event {
            Event::Gone => return false,
            Event::Read => self.hold(session),
            Event::Change => session.notice(),
            Event::Part(bye) => session.bye(bye),
        }
        true
    }

    /// Counts what the connection holds; it has to go when there is no memory for it.
    fn hold(&mut self, session: &mut Session) {
        let held = session.held_bytes();
        if self.entry.as_mut().is_some_and(|entry| !entry.hold(held)) {
            tracing::warn!(
                "a connection was closed: unfinished messages and unread answers use all the memory reserved for them"
            );
            session.bye(Bye::NoMemory);
        }
    }

    /// In whose turn this connection's work is done.
    fn sharer(&self, reader: Option<&ImapBackend>) -> Sharer {
        match reader.and_then(ImapBackend::account) {
            Some(account) => Sharer::Owner(account),
            None => Sharer::stranger(Network::of(self.peer)),
        }
    }

    /// Does what the session needs: here what takes memory only, and the rest in a lane. The work ends early when the client
    /// resets the connection.
    async fn perform(&self, wire: &Wire, mut reader: ImapBackend, need: Need) -> io::Result<(ImapBackend, Answer)> {
        let kind = need.name();
        let lanes = self.door.mail.lanes();
        let place = reader.place_of(&need);
        let lane = match place {
            // A list of thousands of messages from memory: two changes of thread would cost more than the work.
            Place::Here => {
                let done = catch_unwind(AssertUnwindSafe(|| reader.perform(need)));
                return self.performed(kind, done.map(|answer| (reader, answer)).map_err(drop));
            }
            Place::SignIns => &lanes.sign_ins,
            Place::Store => &lanes.store,
            Place::Large => &lanes.large,
        };
        let (sender, receiver) = oneshot::channel();
        let soon = catch_unwind(AssertUnwindSafe(|| {
            reader.append_soon(need, move |outcome| {
                // The receiver is gone only when the connection is.
                let _ = sender.send(outcome);
            })
        }));
        let need = match soon {
            Ok(Err(need)) => need,
            Ok(Ok(())) => {
                // This thread serves others while the disk works.
                let done = receiver.await.map(|outcome| {
                    let answer = reader.appended(outcome);
                    (reader, answer)
                });
                return self.performed(kind, done.map_err(drop));
            }
            Err(_) => return self.performed(kind, Err(())),
        };
        let stop = reader.stop();
        let working = lane.run(self.sharer(Some(&reader)), (reader, need), |(mut reader, need)| {
            let answer = reader.perform(need);
            (reader, answer)
        });
        let mut working = match working {
            Ok(working) => working,
            Err((mut reader, _)) => {
                tracing::debug!(kind, "refused: too much other work of this owner or this network, or in all");
                let answer = reader.no_place();
                return Ok((reader, answer));
            }
        };
        let done = tokio::select! {
            biased;
            done = &mut working => done,
            () = wire.reset() => {
                stop.now();
                working.await
            }
        };
        self.performed(kind, done.map_err(drop))
    }

    /// Gives the session its answer. A list of thousands of mailboxes is matched with the client's patterns in the lane for large
    /// work.
    async fn answered(&self, mut session: Session, answer: Answer, sharer: Sharer) -> io::Result<Session> {
        match &answer {
            Answer::Mailboxes(list) if list.rows.len() + list.subscribed.len() > MAILBOXES_HERE_MAX => {
                let lane = &self.door.mail.lanes().large;
                match lane.run(sharer, (session, answer), |(mut session, answer)| {
                    session.answer(answer);
                    session
                }) {
                    Ok(working) => working.await.map_err(|_| io::Error::other("the session is gone")),
                    Err((mut session, _)) => {
                        session.answer(Answer::Refused(Refusal::Unavailable));
                        Ok(session)
                    }
                }
            }
            _ => {
                session.answer(answer);
                Ok(session)
            }
        }
    }

    /// Rings the bell whenever something changes in the account of `reader`, for as long as the returned value exists.
    async fn watching(&self, reader: Option<&ImapBackend>) -> Option<Watching> {
        let (reader, mailroom) = (reader?, self.door.mail.mailroom()?);
        let watch = match reader.watch_at_once() {
            Some(watch) => watch,
            None => self.watch_of(mailroom.clone(), reader.account()?).await?,
        };
        let bell = self.bell.clone();
        Some(watch.call_back(move |_| bell.notify_one()))
    }

    /// A watch over an account that has to be read from disk.
    async fn watch_of(&self, mailroom: Mailroom, account: AccountId) -> Option<Watch> {
        let lane = &self.door.mail.lanes().store;
        let input = (mailroom, account);
        let working = lane.run(Sharer::Owner(account), input, |(mailroom, account)| mailroom.store.watch(account).ok());
        let watch = match working {
            Ok(working) => working.await.ok().flatten(),
            Err(_) => None,
        };
        if watch.is_none() {
            // The session asks again, and not at once.
            tokio::time::sleep(FAILURE_DELAY).await;
        }
        watch
    }

    /// Notes what the operator should know of what was done; an error when it ended by a fault of ours.
    fn performed(&self, kind: &str, done: Result<(ImapBackend, Answer), ()>) -> io::Result<(ImapBackend, Answer)> {
        match done {
            Ok((mut reader, answer)) => {
                if let Some(trouble) = reader.trouble() {
                    tracing::error!(kind, account = ?reader.account(), %trouble, "a session was refused");
                }
                Ok((reader, answer))
            }
            // A panic there is a fault of ours. What the session knew went with it, so the connection ends.
            Err(()) => {
                tracing::error!(kind, "a session ended because of an internal error (a bug)");
                Err(io::Error::other("the mailbox reader is gone"))
            }
        }
    }
}

/// How long a client is kept after a refusal: guessing is slow, and who was told to try later does not do so at once.
fn delay(signs_in: bool, refusal: Option<Refusal>, failures: u32) -> Option<Duration> {
    match refusal? {
        Refusal::WrongCredentials | Refusal::TooManyFailures => Some(FAILURE_DELAY * failures),
        Refusal::Unavailable if signs_in => Some(FAILURE_DELAY),
        _ => None,
    }
}

/// Mailboxes, above which a list of them is not made on a thread that serves connections.
const MAILBOXES_HERE_MAX: usize = 256;
