//! A session: collects input, runs commands, collects replies, and tells the door what to do next.

use terms::AccountId;

use crate::command::{self, Dialog, Encryption, Next};
use crate::config::Config;
use crate::data::{Fault, Receiver};
use crate::envelope::{Accepted, CipherSuite, Message, Protocol, Recipient};
use crate::limits::{DEFERRALS_MAX, ERRORS_MAX, GATHER_BYTES, IDLE_COMMANDS_MAX};
use crate::line::{Inbox, Line};
use crate::reply::{self, DeliveryOutcome, Farewell, Refusal, Reply};

/// What the door must do next.
#[derive(Debug, PartialEq)]
pub enum Step {
    /// Write these octets.
    Write(Vec<u8>),
    /// Find this out and [`answer`](Session::answer).
    Need(Need),
    /// Start TLS as the server, then answer [`Answer::Secured`]. Input already received is dropped on purpose.
    StartTls,
    /// Close the connection.
    Close,
    /// Read more and [`feed`](Session::feed) it.
    Wait(Waiting),
}

/// What is being waited for: the timeouts differ (RFC 5321 section 4.5.3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Waiting {
    Command,
    /// More of a message.
    Data,
    /// Nothing from the peer: the door must answer first.
    Answer,
}

/// What a session needs to proceed.
#[derive(Debug, PartialEq)]
pub enum Need {
    /// Is this a local mailbox? Answer [`Answer::Recipient`].
    Recipient(Recipient),
    /// Store this message durably. Answer [`Answer::Message`].
    Message(Box<Message>),
}

/// The door's answers.
#[derive(Debug)]
pub enum Answer {
    /// To [`Need::Recipient`]: the account, or the reason for refusing.
    Recipient(Result<AccountId, Refusal>),
    /// To [`Need::Message`]: the outcome for each recipient, in order. A missing one counts as [`Refusal::TryAgain`].
    Message(Vec<DeliveryOutcome>),
    /// To [`Step::StartTls`]: the handshake is done.
    Secured(CipherSuite),
}

enum Mode {
    /// Reading commands.
    Command,
    /// Reading a message.
    Data(Box<Receiver>),
    /// A recipient is being looked up; `Some` until the door has been asked.
    Asking(Recipient, bool),
    /// A message is being stored: `Some` until the door was given it; and its recipients.
    Delivering(Option<Box<Message>>, usize),
    /// TLS is starting; whether the door has been told.
    Securing(bool),
    /// Nothing more is read.
    Closing,
}

/// One connection's conversation.
pub struct Session {
    dialog: Dialog,
    mode: Mode,
    inbox: Inbox,
    outbox: Vec<u8>,
    errors: u32,
    /// Replies of "try again later".
    deferrals: u32,
    idle_commands: u32,
}

impl Session {
    /// A new session; its first step writes the greeting (RFC 5321 section 4.2).
    pub fn new(config: Config) -> Self {
        let word = match config.protocol {
            Protocol::Smtp => "ESMTP",
            Protocol::Lmtp => "LMTP",
        };
        let greeting = Reply::made(220, "", format!("{} {word} Bailiwick", config.hostname));
        let mut session = Self {
            dialog: Dialog { config, secrecy: Encryption::Plain, greeting: None, transaction: None },
            mode: Mode::Command,
            inbox: Inbox::default(),
            outbox: Vec::new(),
            errors: 0,
            deferrals: 0,
            idle_commands: 0,
        };
        session.say(&greeting);
        session
    }

    /// A session for a refused connection: it gets the reason instead of a greeting, and is closed.
    pub fn turned_away(config: Config, farewell: Farewell) -> Self {
        let mut session = Self::new(config);
        session.outbox.clear();
        session.part(farewell);
        session
    }

    /// Feeds input. Call it when the step was [`Step::Wait`]: input is buffered until it is parsed, so a door that
    /// reads ahead determines how much memory that costs.
    pub fn feed(&mut self, octets: &[u8]) {
        match &mut self.mode {
            Mode::Closing | Mode::Securing(_) => {}
            // The common case for a message: straight from the door's buffer, bypassing the inbox.
            Mode::Data(receiver) if self.inbox.is_empty() => {
                if let Some(end) = receiver.take(octets) {
                    self.inbox.push(&octets[end..]);
                    self.end_of_data();
                }
            }
            _ => self.inbox.push(octets),
        }
    }

    /// What to do next. Never loops without being fed or answered: it ends in `Wait`, `Close` or a need.
    pub fn step(&mut self) -> Step {
        loop {
            if self.outbox.len() >= GATHER_BYTES {
                return Step::Write(std::mem::take(&mut self.outbox));
            }
            match &mut self.mode {
                Mode::Command => match self.inbox.next_line() {
                    Line::Whole(range) => {
                        let (next, idle) = command::obey(&mut self.dialog, self.inbox.octets(range));
                        self.follow(next, idle);
                    }
                    Line::TooLong => self.say_and_count(&reply::LINE_TOO_LONG),
                    Line::Bare => {
                        self.say(&reply::BARE_IN_COMMAND);
                        self.close();
                    }
                    Line::Partial => return self.pause(Step::Wait(Waiting::Command)),
                },
                Mode::Data(receiver) => {
                    if self.inbox.is_empty() {
                        return self.pause(Step::Wait(Waiting::Data));
                    }
                    let octets = self.inbox.rest();
                    let (taken, ended) = match receiver.take(octets) {
                        Some(end) => (end, true),
                        None => (octets.len(), false),
                    };
                    self.inbox.take(taken);
                    if ended {
                        self.end_of_data();
                    }
                }
                Mode::Asking(_, true) | Mode::Delivering(None, _) => return self.pause(Step::Wait(Waiting::Answer)),
                // Replies may wait for a look-up: a pipelined group is answered together (RFC 2920 section 3.2).
                Mode::Asking(recipient, told) => {
                    *told = true;
                    return Step::Need(Need::Recipient(recipient.clone()));
                }
                Mode::Delivering(message, _) => {
                    if !self.outbox.is_empty() {
                        return Step::Write(std::mem::take(&mut self.outbox));
                    }
                    match message.take() {
                        Some(message) => return Step::Need(Need::Message(message)),
                        None => return Step::Wait(Waiting::Answer),
                    }
                }
                Mode::Securing(told) => {
                    if *told {
                        return Step::Wait(Waiting::Answer);
                    }
                    if self.outbox.is_empty() {
                        *told = true;
                    }
                    return self.pause(Step::StartTls);
                }
                Mode::Closing => return self.pause(Step::Close),
            }
        }
    }

    /// Takes the answer to the last need. An unsolicited answer is ignored.
    pub fn answer(&mut self, answer: Answer) {
        match (std::mem::replace(&mut self.mode, Mode::Command), answer) {
            (Mode::Asking(recipient, _), Answer::Recipient(found)) => self.recipient_found(recipient, found),
            (Mode::Delivering(_, recipients), Answer::Message(mut outcomes)) => {
                outcomes.resize(recipients, DeliveryOutcome::Refused(Refusal::TryAgain));
                self.delivered(&outcomes);
            }
            (Mode::Securing(_), Answer::Secured(suite)) => {
                // RFC 3207 section 4.2: discard all earlier state.
                self.dialog.secrecy = Encryption::Tls(suite);
                self.dialog.greeting = None;
                self.dialog.transaction = None;
                self.inbox.clear();
            }
            (mode, _) => self.mode = mode,
        }
    }

    /// Ends the session with `421` (RFC 5321 section 3.8). A message in progress is not stored.
    pub fn part(&mut self, farewell: Farewell) {
        if !matches!(self.mode, Mode::Closing) {
            self.say(&farewell.reply());
            self.close();
        }
    }

    /// The size that the peer announced for the message in progress (RFC 1870 section 6.1), in bytes.
    pub fn declared_size_bytes(&self) -> Option<u64> {
        self.dialog.transaction.as_ref().and_then(|open| open.declared)
    }

    /// How many octets of an unfinished message are held in memory.
    pub fn held_bytes(&self) -> usize {
        match &self.mode {
            Mode::Data(receiver) => receiver.held_bytes(),
            Mode::Delivering(Some(message), _) => message.original.capacity(),
            _ => 0,
        }
    }

    /// Gives up the message being received for lack of memory; its end will be answered with `452`.
    pub fn shed(&mut self) {
        if let Mode::Data(receiver) = &mut self.mode {
            receiver.fail(Fault::OutOfMemory);
        }
    }

    /// The step itself, or pending output that must be written first.
    fn pause(&mut self, step: Step) -> Step {
        if self.outbox.is_empty() { step } else { Step::Write(std::mem::take(&mut self.outbox)) }
    }

    fn say(&mut self, reply: &Reply) {
        reply.write(&mut self.outbox);
    }

    /// Queues the reply, and closes the session if it was one error too many.
    fn say_and_count(&mut self, reply: &Reply) {
        self.say(reply);
        let defers = reply.is_error() && !reply.is_permanent();
        self.deferrals += u32::from(defers);
        self.errors += u32::from(reply.is_permanent() || (defers && self.deferrals > DEFERRALS_MAX));
        if self.errors >= ERRORS_MAX {
            self.say(&reply::TOO_MANY_ERRORS);
            self.close();
        }
    }

    fn close(&mut self) {
        self.mode = Mode::Closing;
        self.inbox.clear();
    }

    fn follow(&mut self, next: Next, idle: bool) {
        self.idle_commands += u32::from(idle);
        if self.idle_commands > IDLE_COMMANDS_MAX {
            self.say(&reply::TOO_MANY_COMMANDS);
            return self.close();
        }
        // A peer that did not wait for the reply to DATA would have a refused message read as commands.
        if matches!(next, Next::Receive) && !self.inbox.is_empty() {
            self.say(&reply::UNSYNCHRONISED);
            return self.close();
        }
        match next {
            Next::Say(reply) => self.say_and_count(&reply),
            Next::Ask(recipient) => self.mode = Mode::Asking(recipient, false),
            Next::Receive => {
                let declared = self.dialog.transaction.as_ref().and_then(|open| open.declared);
                let receiver = Receiver::new(self.dialog.config.message_size_bytes_max, declared);
                self.say(&Reply::new(354, "", "End data with <CR><LF>.<CR><LF>"));
                self.mode = Mode::Data(Box::new(receiver));
            }
            Next::StartTls(reply) => {
                self.say(&reply);
                // CVE-2011-0411: what followed the command was sent in the clear.
                self.inbox.clear();
                self.mode = Mode::Securing(false);
            }
            Next::Close(reply) => {
                self.say(&reply);
                self.close();
            }
        }
    }

    fn recipient_found(&mut self, recipient: Recipient, found: Result<AccountId, Refusal>) {
        let reply = match (found, &mut self.dialog.transaction) {
            (Ok(account), Some(open)) => {
                open.recipients.push(Accepted { recipient, account });
                Reply::new(250, "2.1.5", "Recipient OK")
            }
            (Ok(_), None) => reply::out_of_order("Need MAIL command"),
            (Err(refusal), _) => refusal.reply(),
        };
        self.say_and_count(&reply);
    }

    /// The final dot was received. The transaction is over, whatever the outcome.
    fn end_of_data(&mut self) {
        let mode = std::mem::replace(&mut self.mode, Mode::Command);
        let (Mode::Data(receiver), Some(transaction), Some(greeting)) =
            (mode, self.dialog.transaction.take(), self.dialog.greeting.as_ref())
        else {
            return;
        };
        let count = transaction.recipients.len();
        match receiver.finish() {
            Ok(original) => {
                let envelope = self.dialog.envelope(greeting, &transaction);
                let message = Message { envelope, recipients: transaction.recipients, original };
                self.mode = Mode::Delivering(Some(Box::new(message)), count);
            }
            Err(fault) => {
                let reply = match fault {
                    Fault::Bare => reply::BARE_IN_DATA,
                    Fault::TooBig => reply::MESSAGE_TOO_BIG,
                    Fault::LineTooLong => reply::DATA_LINE_TOO_LONG,
                    Fault::OutOfMemory => Refusal::InsufficientStorage.reply(),
                };
                for _ in 1..self.replies(count) {
                    self.say(&reply);
                }
                self.say_and_count(&reply);
                if fault == Fault::Bare {
                    self.close();
                }
            }
        }
    }

    fn delivered(&mut self, outcomes: &[DeliveryOutcome]) {
        if outcomes.contains(&DeliveryOutcome::Stored) {
            (self.errors, self.deferrals, self.idle_commands) = (0, 0, 0);
        }
        match self.dialog.config.protocol {
            Protocol::Smtp => self.say(&DeliveryOutcome::reply_for_all(outcomes)),
            Protocol::Lmtp => outcomes.iter().for_each(|outcome| self.say(&outcome.reply())),
        }
    }

    /// How many replies follow the end of data: RFC 2033 section 4.2, one for each accepted recipient.
    fn replies(&self, recipients: usize) -> usize {
        match self.dialog.config.protocol {
            Protocol::Smtp => 1,
            Protocol::Lmtp => recipients,
        }
    }
}
