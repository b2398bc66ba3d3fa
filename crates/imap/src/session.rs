//! The state machine of one connection.

use crate::code::{Ending, Status, Then};
use crate::command::{self, Command, CommandEntry, News, NextNeed};
use crate::config::Config;
use crate::context::Context;
use crate::cursor::Cursor;
use crate::input::{Allowance, Fault, Input, Piece};
use crate::limits::{BAD_BEFORE_SIGN_IN_MAX, BAD_MAX, WRITE_BYTES};
use crate::need::{Answer, Need, Refusal};
use crate::output::Output;

/// What the owner of the connection must do next.
#[derive(Debug)]
pub enum Step {
    /// Send these bytes, then step again. Never empty.
    Write(Vec<u8>),
    /// Do this, then call [`answer`](Session::answer).
    Need(Need),
    /// Start TLS on the connection, then call [`tls_started`](Session::tls_started). Earlier input has been discarded.
    StartTls,
    /// Wait for bytes, then call [`feed`](Session::feed).
    Wait,
    /// Like [`Wait`](Step::Wait), but also call [`notice`](Session::notice) when something changes in the account.
    Idle,
    /// Close the connection. All output has been sent.
    Close,
}

/// Why the server ends a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bye {
    /// The client was idle for too long.
    Timeout,
    /// The server is shutting down.
    Shutdown,
    /// There are too many connections.
    TooMany,
    /// Not enough memory for this connection.
    NoMemory,
}

/// A connection, without socket, clock or mail.
///
/// ```
/// use imap::{Config, Session, Step};
/// let config = Config {
///     hostname: "mail.example".into(),
///     starttls: false,
///     sign_in_without_tls: false,
///     channel_binding: true,
///     message_size_bytes_max: 1 << 20,
/// };
/// let mut session = Session::new(config, true);
/// session.feed(b"a NOOP\r\n");
/// let Step::Write(bytes) = session.step() else { panic!() };
/// assert!(bytes.starts_with(b"* OK [CAPABILITY IMAP4rev1 "));
/// assert!(bytes.ends_with(b"a OK NOOP done\r\n"));
/// assert!(matches!(session.step(), Step::Wait));
/// ```
pub struct Session {
    context: Context,
    input: Input,
    doing: Doing,
    /// Consecutive invalid commands.
    bad_in_a_row: u32,
    /// A need that is passed on once earlier output is sent.
    pending: Option<Need>,
    /// Something may have changed since the last [`Need::Refresh`] of an IDLE.
    noticed: bool,
}

enum Doing {
    /// Between commands.
    Reading,
    /// A command is in progress.
    Running(Running),
    /// TLS is to be started once the output is sent.
    StartTls,
    /// The connection is to be closed once the output is sent.
    Over,
}

struct Running {
    entry: &'static CommandEntry,
    command: Box<dyn Command>,
    stage: Stage,
}

enum Stage {
    /// The command is to be asked for its next need.
    Ask,
    /// The command waits for the answer to its need.
    Asked,
    /// The command waits for a line; with `idle` also for changes.
    Line { max: usize, idle: bool },
    /// IDLE waits for changes.
    IdleNews { max: usize },
    /// The command is done; changes are to be reported first.
    Done(Ending),
    /// As `Done`, and changes have been requested.
    News(Ending),
}

impl Session {
    /// A new connection, with TLS or without. Its first output is the greeting.
    pub fn new(config: Config, tls: bool) -> Self {
        let mut context = Context {
            config,
            tls,
            signed_in: false,
            rev2: false,
            selected: None,
            sign_in_failures: 0,
            tag: Vec::new(),
            out: Output::default(),
        };
        let greeting = format!("* OK [CAPABILITY {}] {} ready\r\n", context.capabilities(), context.config.hostname);
        context.out.raw(&greeting);
        Self { context, input: Input::default(), doing: Doing::Reading, bad_in_a_row: 0, pending: None, noticed: false }
    }

    /// A refused connection: it is told the reason and closed.
    pub fn turned_away(config: Config, bye: Bye) -> Self {
        let mut session = Self::new(config, false);
        session.context.out = Output::default();
        session.bye(bye);
        session
    }

    /// Bytes of memory held for this connection: unprocessed input and unsent output, a message that goes out in several pieces
    /// counted once.
    pub fn held_bytes(&self) -> usize {
        self.input.len() + self.context.out.held_bytes()
    }

    /// Whether someone is signed in.
    pub fn signed_in(&self) -> bool {
        self.context.signed_in
    }

    /// The number of failed sign-ins on this connection.
    pub fn sign_in_failures(&self) -> u32 {
        self.context.sign_in_failures
    }

    /// Feeds bytes from the client. Call it when a step says so, with the result of one read, so that the input stays
    /// bounded.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.input.feed(bytes);
    }

    /// Takes the answer to the need of the last step; ignored if there is none.
    pub fn answer(&mut self, answer: Answer) {
        let Doing::Running(running) = &mut self.doing else { return };
        match std::mem::replace(&mut running.stage, Stage::Ask) {
            Stage::Asked => {
                let ending = match answer {
                    Answer::Refused(refusal) => running.command.refused(refusal, &mut self.context),
                    answer => {
                        let said = running.command.say(answer, &mut self.context);
                        said.err().map(|command::WrongAnswer| Ending::server_bug())
                    }
                };
                running.stage = ending.map_or(Stage::Ask, Stage::Done);
            }
            Stage::IdleNews { max } => {
                running.stage = Stage::Line { max, idle: true };
                self.tell_news(answer, true);
            }
            Stage::News(ending) => {
                let expunge = running.entry.news == News::All;
                if self.tell_news(answer, expunge) {
                    self.end(ending);
                }
            }
            other => running.stage = other,
        }
    }

    /// To be called when nothing has been written for a while. A command may then report that it is still running, so
    /// that the client keeps waiting; if the client is gone, the failing write ends the work.
    pub fn reassure(&mut self) {
        if let Doing::Running(Running { command, stage: Stage::Ask, .. }) = &self.doing
            && let Some(words) = command.still_at_work()
        {
            self.context.out.raw(words);
        }
    }

    /// Something changed in the account; only relevant during IDLE.
    pub fn notice(&mut self) {
        self.noticed = true;
    }

    /// TLS has been started (RFC 9051 section 6.2.1): earlier state is discarded, and the capabilities change.
    pub fn tls_started(&mut self) {
        self.input.clear();
        self.context.tls = true;
        self.doing = Doing::Reading;
    }

    /// Ends the connection from our side, dropping a command in progress and, if memory is short, pending output.
    pub fn bye(&mut self, bye: Bye) {
        if matches!(self.doing, Doing::Over) {
            return;
        }
        self.doing = Doing::Over;
        self.pending = None;
        if bye == Bye::NoMemory {
            self.input.clear();
            if !self.context.out.is_empty() {
                // Text after a partial response would be read as part of it.
                self.context.out = Output::default();
                return;
            }
        }
        self.context.out.raw(match bye {
            Bye::Timeout => "* BYE Disconnected for inactivity\r\n",
            Bye::Shutdown => "* BYE Server shutting down\r\n",
            Bye::TooMany => "* BYE [LIMIT] Too many connections\r\n",
            Bye::NoMemory => "* BYE [UNAVAILABLE] Server too busy, try again later\r\n",
        });
    }

    /// What to do next.
    pub fn step(&mut self) -> Step {
        loop {
            if self.context.out.len() >= WRITE_BYTES {
                return Step::Write(self.context.out.take(WRITE_BYTES));
            }
            if let Some(need) = self.pending.take() {
                // A need may take long, so send pending output first. A refresh is quick, and its output goes out with
                // the rest.
                if self.context.out.is_empty() || matches!(need, Need::Refresh) {
                    return Step::Need(need);
                }
                self.pending = Some(need);
                return Step::Write(self.context.out.take(WRITE_BYTES));
            }
            if let Some(step) = self.advance() {
                return self.after_output(step);
            }
        }
    }

    /// Advances by one stage; returns a step if the owner of the connection must act.
    fn advance(&mut self) -> Option<Step> {
        match &self.doing {
            Doing::Reading => self.read_command(),
            Doing::StartTls => Some(Step::StartTls),
            Doing::Over => Some(Step::Close),
            Doing::Running(running) => match running.stage {
                Stage::Ask | Stage::Done(_) => {
                    self.run();
                    None
                }
                Stage::Line { max, idle } => self.read_line(max, idle),
                // The owner of the connection owes an answer. If it lost it, treat the need as not met.
                Stage::Asked | Stage::News(_) | Stage::IdleNews { .. } => {
                    self.answer(Answer::Refused(Refusal::Unavailable));
                    None
                }
            },
        }
    }

    /// `step`, or pending output if there is any.
    fn after_output(&mut self, step: Step) -> Step {
        if self.context.out.is_empty() { step } else { Step::Write(self.context.out.take(WRITE_BYTES)) }
    }

    fn read_command(&mut self) -> Option<Step> {
        let allowance = Allowance {
            signed_in: self.context.signed_in,
            message_bytes_max: self.context.config.message_size_bytes_max,
        };
        match self.input.next(allowance) {
            Piece::Incomplete => return Some(Step::Wait),
            Piece::GoAhead => self.context.out.raw("+ Ready for literal data\r\n"),
            Piece::Command(command) => self.begin(command.expose()),
            Piece::Refused(tag, fault) => {
                let ending = match fault {
                    Fault::CommandTooLong => Ending::bad("Command too long"),
                    Fault::MessageTooLong => Refusal::TooBig.into(),
                    Fault::Unsynchronized => {
                        Ending::bad("Non-synchronizing literal over 4096 octets before login").code("TOOBIG")
                    }
                    Fault::BareLineFeed => Ending::bad("Bare LF received, lines must end with CRLF"),
                };
                self.context.tag = tag.unwrap_or_else(|| b"*".to_vec());
                self.end(ending);
            }
            Piece::Hopeless => {
                self.context.out.raw("* BYE [TOOBIG] Literal too large\r\n");
                self.doing = Doing::Over;
            }
        }
        None
    }

    /// Parses a command and starts it.
    fn begin(&mut self, bytes: &[u8]) {
        let mut cursor = Cursor::new(bytes);
        let tag = cursor.tag().map(<[u8]>::to_vec).filter(|_| cursor.eat(b' '));
        let Some(tag) = tag else {
            // RFC 9051 section 7.1.3: an untagged BAD if the command cannot be identified.
            self.context.tag = b"*".to_vec();
            return self.end(Ending::bad("expected tag and command"));
        };
        self.context.tag = tag;
        let entry = match command::find(&mut cursor) {
            Ok(entry) => entry,
            Err(bad) => return self.end(bad.into()),
        };
        if let Some(why) = entry.forbids(&self.context) {
            return self.end(Ending::bad(why));
        }
        match (entry.parse)(&mut cursor, &self.context) {
            Ok(command) => self.doing = Doing::Running(Running { entry, command, stage: Stage::Ask }),
            Err(bad) => self.end(bad.into()),
        }
    }

    /// Continues the command in progress.
    fn run(&mut self) {
        let Doing::Running(running) = &mut self.doing else { return };
        let ending = match std::mem::replace(&mut running.stage, Stage::Ask) {
            Stage::Done(ending) => ending,
            _ => match running.command.ask(&mut self.context) {
                NextNeed::Done(ending) => ending,
                NextNeed::Need(need) => {
                    running.stage = Stage::Asked;
                    self.pending = Some(need);
                    return;
                }
                NextNeed::Line(max) => {
                    running.stage = Stage::Line { max, idle: false };
                    return;
                }
                NextNeed::LineOrChange(max) => {
                    running.stage = Stage::Line { max, idle: true };
                    // Changes between SELECT and IDLE are reported too.
                    self.noticed = true;
                    return;
                }
            },
        };
        let news = running.entry.news != News::None && self.context.selected.is_some() && ending.then == Then::Continue;
        if news {
            running.stage = Stage::News(ending);
            self.pending = Some(Need::Refresh);
        } else {
            self.end(ending);
        }
    }

    /// Passes the command in progress the line that it waits for.
    fn read_line(&mut self, max: usize, idle: bool) -> Option<Step> {
        let Doing::Running(running) = &mut self.doing else { return None };
        match self.input.line(max) {
            Some(Ok(line)) => {
                running.command.line(line.expose(), &mut self.context);
                running.stage = Stage::Ask;
                None
            }
            Some(Err(())) => {
                running.stage = Stage::Done(Ending::bad("Line too long"));
                None
            }
            None if !idle => Some(Step::Wait),
            None if self.noticed && self.context.selected.is_some() => {
                self.noticed = false;
                running.stage = Stage::IdleNews { max };
                self.pending = Some(Need::Refresh);
                None
            }
            None => {
                self.noticed = false;
                Some(Step::Idle)
            }
        }
    }

    /// Reports the result of a [`Need::Refresh`]; `false` if the connection is over.
    fn tell_news(&mut self, answer: Answer, expunge: bool) -> bool {
        match answer {
            Answer::Changes(changes) => {
                if let Some(selected) = self.context.selected.as_mut() {
                    selected.apply(&changes, expunge, &mut self.context.out);
                }
                true
            }
            // RFC 2180 section 3.3: the selected mailbox was deleted; the client must reconnect.
            Answer::Refused(Refusal::NoSuchMailbox) => {
                self.context.out.raw("* BYE Selected mailbox was deleted\r\n");
                self.doing = Doing::Over;
                false
            }
            // A failed refresh does not fail the command; the changes come with the next one.
            _ => true,
        }
    }

    /// Writes the tagged response and does what follows it.
    fn end(&mut self, ending: Ending) {
        self.context.out.bytes(&self.context.tag);
        self.context.out.raw(" ");
        ending.write(&mut self.context.out);
        self.doing = match ending.then {
            Then::Continue => Doing::Reading,
            Then::StartTls => Doing::StartTls,
            Then::Close => Doing::Over,
        };
        self.bad_in_a_row = if ending.status == Status::Bad { self.bad_in_a_row + 1 } else { 0 };
        let max = if self.context.signed_in { BAD_MAX } else { BAD_BEFORE_SIGN_IN_MAX };
        if self.bad_in_a_row >= max {
            self.context.out.raw("* BYE Too many invalid IMAP commands\r\n");
            self.doing = Doing::Over;
        }
    }
}
