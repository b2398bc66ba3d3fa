//! The machine of one connection: what came in, what is under way, what comes next.

use crate::code::{Ending, Status, Then};
use crate::command::{self, Ask, Command, Entry, News};
use crate::context::Context;
use crate::cursor::Cursor;
use crate::input::{Allowance, Cut, Fault, Input};
use crate::limits::{BAD_BEFORE_SIGN_IN_MAX, BAD_MAX, WRITE_BYTES};
use crate::need::{Answer, Need, Refusal};
use crate::output::Output;

/// What a session is told of the place where it runs.
#[derive(Debug, Clone)]
pub struct Config {
    /// The name in the greeting.
    pub hostname: String,
    /// STARTTLS is offered.
    pub starttls: bool,
    /// Passwords are taken without TLS: only where nobody can listen, on loopback.
    pub sign_in_without_tls: bool,
    /// Under TLS a sign-in can be bound to the connection (RFC 5056): whoever performs knows what to.
    pub channel_binding: bool,
    /// Octets of a message in APPEND.
    pub message_size_bytes_max: u64,
}

/// What the owner of the connection must do next.
#[derive(Debug)]
pub enum Step {
    /// Send these bytes, then step again. Never empty.
    Write(Vec<u8>),
    /// Do this, then [`answer`](Session::answer).
    Need(Need),
    /// Start TLS on the connection, then tell [`tls_started`](Session::tls_started). Bytes that came before are gone.
    StartTls,
    /// Wait for bytes, then [`feed`](Session::feed).
    Wait,
    /// As [`Wait`](Step::Wait); and when something happens in the account, [`notice`](Session::notice).
    Idle,
    /// Close the connection. Nothing is left to send.
    Close,
}

/// Why a connection ends that the client did not end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bye {
    /// Nothing came for too long.
    Timeout,
    /// The program stops.
    Shutdown,
    /// There are too many connections.
    TooMany,
    /// There is no memory for what this connection holds.
    NoMemory,
}

/// A connection. Owns no socket, no clock and no mail.
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
    /// Commands in a row that were no IMAP.
    bad_in_a_row: u32,
    /// A need that waits until the output before it is sent.
    pending: Option<Need>,
    /// Something may have changed since the last [`Need::Refresh`] of an IDLE.
    noticed: bool,
}

enum Doing {
    /// Between commands.
    Reading,
    /// A command is in progress.
    Running(Running),
    /// TLS is to be started once the output is gone.
    StartTls,
    /// The connection is over once the output is gone.
    Over,
}

struct Running {
    entry: &'static Entry,
    command: Box<dyn Command>,
    stage: Stage,
}

enum Stage {
    /// The command is to be asked.
    Ask,
    /// It waits for the answer to its need.
    Asked,
    /// It waits for a line; with `idle` for news too.
    Line { max: usize, idle: bool },
    /// IDLE waits for news.
    IdleNews { max: usize },
    /// It is done; the client is to be told the news first.
    Done(Ending),
    /// As `Done`, and the news are asked for.
    News(Ending),
}

impl Session {
    /// A new connection, under TLS or not. The greeting is its first output.
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

    /// A connection that is not taken: it hears why and nothing else.
    pub fn turned_away(config: Config, bye: Bye) -> Self {
        let mut session = Self::new(config, false);
        session.context.out = Output::default();
        session.bye(bye);
        session
    }

    /// Octets in memory because of this connection: what came and is not used, and what is not written yet.
    pub fn held_bytes(&self) -> usize {
        self.input.len() + self.context.out.len()
    }

    /// Whether someone is signed in.
    pub fn signed_in(&self) -> bool {
        self.context.signed_in
    }

    /// How many sign-ins failed on this connection.
    pub fn sign_in_failures(&self) -> u32 {
        self.context.sign_in_failures
    }

    /// Takes bytes from the client. Feed when a step says so, and what one read gives, so that the input stays bounded.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.input.feed(bytes);
    }

    /// Takes the answer to the need of the last step. Without a need it is ignored.
    pub fn answer(&mut self, answer: Answer) {
        let Doing::Running(running) = &mut self.doing else { return };
        match std::mem::replace(&mut running.stage, Stage::Ask) {
            Stage::Asked => {
                let ending = match answer {
                    Answer::Refused(refusal) => running.command.refused(refusal, &mut self.context),
                    answer => {
                        let said = running.command.say(answer, &mut self.context);
                        said.err().map(|command::Unfitting| Ending::server_bug())
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

    /// Nothing was written for long. A command that can says that it is still at work, so that the client goes on waiting;
    /// and where no client is left, writing finds that out, and the work ends.
    pub fn reassure(&mut self) {
        if let Doing::Running(Running { command, stage: Stage::Ask, .. }) = &self.doing
            && let Some(words) = command.still_at_work()
        {
            self.context.out.raw(words);
        }
    }

    /// Something happened in the account; matters while idling.
    pub fn notice(&mut self) {
        self.noticed = true;
    }

    /// TLS is in use now (RFC 9051 section 6.2.1): what came before is forgotten, capabilities are new.
    pub fn tls_started(&mut self) {
        self.input.clear();
        self.context.tls = true;
        self.doing = Doing::Reading;
    }

    /// Ends the connection from our side. A command in progress is dropped, and what waits to be written for want of memory
    /// is too.
    pub fn bye(&mut self, bye: Bye) {
        if matches!(self.doing, Doing::Over) {
            return;
        }
        self.doing = Doing::Over;
        self.pending = None;
        if bye == Bye::NoMemory {
            self.input.clear();
            if !self.context.out.is_empty() {
                // Words behind half an answer would be read as the rest of it.
                self.context.out = Output::default();
                return;
            }
        }
        self.context.out.raw(match bye {
            Bye::Timeout => "* BYE Nothing came for too long\r\n",
            Bye::Shutdown => "* BYE The server stops\r\n",
            Bye::TooMany => "* BYE [LIMIT] Too many connections\r\n",
            Bye::NoMemory => "* BYE [UNAVAILABLE] Too busy for this much at once\r\n",
        });
    }

    /// What to do next.
    pub fn step(&mut self) -> Step {
        loop {
            if self.context.out.len() >= WRITE_BYTES {
                return Step::Write(self.context.out.take(WRITE_BYTES));
            }
            if let Some(need) = self.pending.take() {
                // A need may take long: the client gets first what it has coming. What is new is known at once, and its
                // words go out with the others.
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

    /// Carries on by one stage; a step if there is nothing to do without the owner of the connection.
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
                // The owner of the connection was to answer. Should it have lost the answer, the need was not met.
                Stage::Asked | Stage::News(_) | Stage::IdleNews { .. } => {
                    self.answer(Answer::Refused(Refusal::Unavailable));
                    None
                }
            },
        }
    }

    /// `step`, or what waits to be written if anything does.
    fn after_output(&mut self, step: Step) -> Step {
        if self.context.out.is_empty() { step } else { Step::Write(self.context.out.take(WRITE_BYTES)) }
    }

    fn read_command(&mut self) -> Option<Step> {
        let allowance = Allowance {
            signed_in: self.context.signed_in,
            message_bytes_max: self.context.config.message_size_bytes_max,
        };
        match self.input.next(allowance) {
            Cut::Incomplete => return Some(Step::Wait),
            Cut::GoAhead => self.context.out.raw("+ Ready for the literal\r\n"),
            Cut::Command(command) => self.begin(command.expose()),
            Cut::Refused(tag, fault) => {
                let ending = match fault {
                    Fault::CommandTooLong => Ending::bad("The command is too long"),
                    Fault::MessageTooLong => Refusal::TooBig.into(),
                    Fault::Unsynchronized => {
                        Ending::bad("Before sign-in a literal of more than 4096 octets waits for +").code("TOOBIG")
                    }
                    Fault::BareLineFeed => Ending::bad("A line ends with CRLF"),
                };
                self.context.tag = tag.unwrap_or_else(|| b"*".to_vec());
                self.end(ending);
            }
            Cut::Hopeless => {
                self.context.out.raw("* BYE [TOOBIG] The literal is larger than this server reads\r\n");
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
            // RFC 9051 section 7.1.3: an untagged BAD where the command cannot be told.
            self.context.tag = b"*".to_vec();
            return self.end(Ending::bad("expected a tag, a space and a command"));
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

    /// Carries the command on that is in progress.
    fn run(&mut self) {
        let Doing::Running(running) = &mut self.doing else { return };
        let ending = match std::mem::replace(&mut running.stage, Stage::Ask) {
            Stage::Done(ending) => ending,
            _ => match running.command.ask(&mut self.context) {
                Ask::Done(ending) => ending,
                Ask::Need(need) => {
                    running.stage = Stage::Asked;
                    self.pending = Some(need);
                    return;
                }
                Ask::Line(max) => {
                    running.stage = Stage::Line { max, idle: false };
                    return;
                }
                Ask::LineOrChange(max) => {
                    running.stage = Stage::Line { max, idle: true };
                    // What changed between SELECT and IDLE is news as well.
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

    /// Gives the command in progress the line that it waits for.
    fn read_line(&mut self, max: usize, idle: bool) -> Option<Step> {
        let Doing::Running(running) = &mut self.doing else { return None };
        match self.input.line(max) {
            Some(Ok(line)) => {
                running.command.line(line.expose(), &mut self.context);
                running.stage = Stage::Ask;
                None
            }
            Some(Err(())) => {
                running.stage = Stage::Done(Ending::bad("The line is too long"));
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

    /// Tells the client what a [`Need::Refresh`] brought; `false` if the connection is over.
    fn tell_news(&mut self, answer: Answer, expunge: bool) -> bool {
        match answer {
            Answer::Changes(changes) => {
                if let Some(selected) = self.context.selected.as_mut() {
                    selected.apply(&changes, expunge, &mut self.context.out);
                }
                true
            }
            // RFC 2180 section 3.3: the mailbox was deleted under the client. It starts afresh.
            Answer::Refused(Refusal::NoSuchMailbox) => {
                self.context.out.raw("* BYE The mailbox was deleted\r\n");
                self.doing = Doing::Over;
                false
            }
            // No news is no failure of the command; they come with the next one.
            _ => true,
        }
    }

    /// Writes the tagged response and goes on to what follows it.
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
            self.context.out.raw("* BYE Too many commands that are no IMAP\r\n");
            self.doing = Doing::Over;
        }
    }
}
