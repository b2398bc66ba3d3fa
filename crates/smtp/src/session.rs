//! A session: gathers octets, runs commands, gathers replies, and tells the door what to do next.

use std::net::IpAddr;
use std::sync::Arc;

use terms::AccountId;

use crate::command::{self, Dialog, Next, Secrecy};
use crate::data::{Fault, Receiver};
use crate::envelope::{Accepted, CipherSuite, Message, Protocol, Recipient};
use crate::limits::{ERRORS_MAX, GATHER_BYTES, IDLE_COMMANDS_MAX};
use crate::line::{Inbox, Line};
use crate::reply::{self, Farewell, Outcome, Refusal, Reply};

/// What a session knows from the start.
#[derive(Debug, Clone)]
pub struct Config {
    /// SMTP or LMTP.
    pub protocol: Protocol,
    /// The name in the greeting.
    pub hostname: Arc<str>,
    /// Where the peer connected from; goes into the envelope.
    pub peer: IpAddr,
    /// The largest message in octets (RFC 1870); [`crate::MESSAGE_SIZE_BYTES_MAX`] unless the operator says otherwise.
    pub message_size_bytes_max: u64,
    /// Whether the door can begin TLS.
    pub starttls: bool,
}

/// What the door is to do next.
#[derive(Debug, PartialEq)]
pub enum Step {
    /// Write these octets.
    Write(Vec<u8>),
    /// Find this out and [`answer`](Session::answer).
    Need(Need),
    /// Begin TLS as the server, then answer [`Answer::Secured`]. Octets already read are gone, on purpose.
    StartTls,
    /// Close the connection.
    Close,
    /// Read more and [`feed`](Session::feed) it.
    Wait(Waiting),
}

/// What is waited for, since patience differs (RFC 5321 section 4.5.3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    /// A command.
    Command,
    /// More of a message.
    Data,
    /// Nothing from the peer: the door owes an answer.
    Answer,
}

/// What a session must know to go on.
#[derive(Debug, PartialEq)]
pub enum Need {
    /// Does this mailbox live here? Answer [`Answer::Recipient`].
    Recipient(Recipient),
    /// Keep this message durably. Answer [`Answer::Message`].
    Message(Box<Message>),
}

/// The door's answers.
#[derive(Debug)]
pub enum Answer {
    /// To [`Need::Recipient`]: whose mailbox it is, or why not.
    Recipient(Result<AccountId, Refusal>),
    /// To [`Need::Message`]: what became of it, in the order of its recipients. What is missing counts as
    /// [`Refusal::TryAgain`].
    Message(Vec<Outcome>),
    /// To [`Step::StartTls`]: the handshake is done.
    Secured(CipherSuite),
}

enum Mode {
    /// Reading commands.
    Command,
    /// Reading a message.
    Data(Box<Receiver>),
    /// A recipient is being looked up; `Some` until the door was told.
    Asking(Recipient, bool),
    /// A message is being kept: `Some` until the door was given it; and its recipients.
    Delivering(Option<Box<Message>>, usize),
    /// TLS begins; whether the door was told.
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
            dialog: Dialog { config, secrecy: Secrecy::Plain, greeting: None, transaction: None },
            mode: Mode::Command,
            inbox: Inbox::default(),
            outbox: Vec::new(),
            errors: 0,
            idle_commands: 0,
        };
        session.say(&greeting);
        session
    }

    /// A connection that is not wanted: it hears why instead of a greeting, and is closed.
    pub fn turned_away(config: Config, farewell: Farewell) -> Self {
        let mut session = Self::new(config);
        session.outbox.clear();
        session.part(farewell);
        session
    }

    /// Takes what the door read. Call it when the step was [`Step::Wait`]: what is fed is kept until it is understood,
    /// so a door that reads ahead decides itself how much memory that costs.
    pub fn feed(&mut self, octets: &[u8]) {
        match &mut self.mode {
            Mode::Closing | Mode::Securing(_) => {}
            // The common case of a message: straight from the door's buffer, without a stop in the inbox.
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
                // Replies may wait for a look-up: a pipelined group is answered at once (RFC 2920 section 3.2).
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

    /// Takes the answer to the last need. An answer that nobody asked for changes nothing.
    pub fn answer(&mut self, answer: Answer) {
        match (std::mem::replace(&mut self.mode, Mode::Command), answer) {
            (Mode::Asking(recipient, _), Answer::Recipient(found)) => self.recipient_found(recipient, found),
            (Mode::Delivering(_, recipients), Answer::Message(mut outcomes)) => {
                outcomes.resize(recipients, Outcome::Refused(Refusal::TryAgain));
                self.delivered(&outcomes);
            }
            (Mode::Securing(_), Answer::Secured(suite)) => {
                // RFC 3207 section 4.2: everything said before is forgotten.
                self.dialog.secrecy = Secrecy::Tls(suite);
                self.dialog.greeting = None;
                self.dialog.transaction = None;
                self.inbox.clear();
            }
            (mode, _) => self.mode = mode,
        }
    }

    /// Ends the session with `421` (RFC 5321 section 3.8). In mid-message the message is not kept.
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

    /// Gives up the message that is coming in, for want of memory: its end will be answered with `452`.
    pub fn shed(&mut self) {
        if let Mode::Data(receiver) = &mut self.mode {
            receiver.fail(Fault::NoRoom);
        }
    }

    /// The step itself, or first what is to be written before it.
    fn pause(&mut self, step: Step) -> Step {
        if self.outbox.is_empty() { step } else { Step::Write(std::mem::take(&mut self.outbox)) }
    }

    fn say(&mut self, reply: &Reply) {
        reply.write(&mut self.outbox);
    }

    /// Says it, and closes when it was one error too many.
    fn say_and_count(&mut self, reply: &Reply) {
        self.say(reply);
        self.errors += u32::from(reply.is_permanent());
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
        // Whoever did not wait for the answer to DATA would have a refused message read as commands.
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
                self.say(&Reply::new(354, "", "Send it; end with CR LF . CR LF"));
                self.mode = Mode::Data(Box::new(receiver));
            }
            Next::StartTls(reply) => {
                self.say(&reply);
                // CVE-2011-0411: what came behind the command came in the clear.
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
                Reply::new(250, "2.1.5", "The recipient is taken")
            }
            (Ok(_), None) => reply::out_of_order("Say MAIL first"),
            (Err(refusal), _) => refusal.reply(),
        };
        self.say_and_count(&reply);
    }

    /// The final dot came. The transaction is over, whatever becomes of it.
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
                    Fault::NoRoom => Refusal::NoRoom.reply(),
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

    fn delivered(&mut self, outcomes: &[Outcome]) {
        if outcomes.contains(&Outcome::Stored) {
            (self.errors, self.idle_commands) = (0, 0);
        }
        match self.dialog.config.protocol {
            Protocol::Smtp => self.say(&Outcome::reply_for_all(outcomes)),
            Protocol::Lmtp => outcomes.iter().for_each(|outcome| self.say(&outcome.reply())),
        }
    }

    /// How many replies the end of data has: RFC 2033 section 4.2, one for each recipient that was taken.
    fn replies(&self, recipients: usize) -> usize {
        match self.dialog.config.protocol {
            Protocol::Smtp => 1,
            Protocol::Lmtp => recipients,
        }
    }
}
