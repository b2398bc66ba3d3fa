//! Recorded sessions. Each file in `tests/sessions` is one connection:
//!
//! ```text
//! # a comment
//! > plain                   the connection is not under TLS (first line only)
//! > signed in               INBOX's owner has signed in (first line only)
//! C: a NOOP                 a line from the client
//! S: a OK NOOP done         an expected line; … matches any text
//! > deliver INBOX hello     something happens elsewhere: deliver, expunge, flag, delete, full,
//!                           slow, notice, bye, tls
//! > closed                  the connection must be closed
//! ```
//!
//! A `C+` line is sent together with the next one. In `C:` and `S:` lines `\0` is NUL, `\n` a bare LF and `\xNN` an
//! octet (`\x20` a space at the end); a `C:` line that ends in `\` has no CRLF after it. Every file is run twice: fed
//! as sent, and fed octet by octet. `SESSIONS=write cargo test -p imap` rewrites the `S:` lines, to be reviewed.

use std::fmt::Write as _;
use std::path::PathBuf;

use imap::{Answer, Bye, Config, Session, Step};

use crate::backend::{Backend, PASSWORD, USER};

pub(crate) fn config() -> Config {
    Config {
        hostname: "mail.ie.example".to_owned(),
        starttls: true,
        sign_in_without_tls: false,
        channel_binding: true,
        message_size_bytes_max: 20_000,
    }
}

/// A connection and its backend.
pub(crate) struct Talk {
    pub(crate) session: Session,
    pub(crate) backend: Backend,
    /// Octets are fed one by one.
    one_by_one: bool,
    said: Vec<u8>,
    closed: bool,
    wants_tls: bool,
    /// Every answer takes a long time.
    slow: bool,
}

impl Talk {
    pub(crate) fn new(tls: bool, one_by_one: bool) -> Self {
        let session = Session::new(config(), tls);
        let backend = Backend::new();
        let mut talk =
            Self { session, backend, one_by_one, said: Vec::new(), closed: false, wants_tls: false, slow: false };
        talk.run();
        talk
    }

    pub(crate) fn signed_in(one_by_one: bool) -> Self {
        let mut talk = Self::new(true, one_by_one);
        talk.send(format!("login LOGIN {USER} \"{PASSWORD}\"\r\n").as_bytes());
        assert!(talk.session.signed_in());
        talk.said.clear();
        talk
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        if self.closed {
            return;
        }
        if self.one_by_one {
            for byte in bytes {
                self.session.feed(&[*byte]);
                self.run();
            }
        } else {
            self.session.feed(bytes);
            self.run();
        }
    }

    /// Steps until the machine waits.
    pub(crate) fn run(&mut self) {
        loop {
            match self.session.step() {
                Step::Write(bytes) => {
                    assert!(!bytes.is_empty());
                    self.said.extend(bytes);
                }
                Step::Need(need) => {
                    let answer: Answer = self.backend.perform(need);
                    self.session.answer(answer);
                    if self.slow {
                        self.session.reassure();
                    }
                }
                Step::StartTls => return self.wants_tls = true,
                Step::Wait | Step::Idle => return,
                Step::Close => return self.closed = true,
            }
        }
    }

    pub(crate) fn heard(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.said)
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    /// An event from outside.
    fn event(&mut self, text: &str) {
        let words: Vec<&str> = text.split(' ').collect();
        match words.as_slice() {
            ["deliver", mailbox, subject] => self.backend.deliver(mailbox, &[], subject, "delivered\r\n"),
            ["expunge", mailbox, uid] => self.backend.expunge(mailbox, uid.parse().unwrap()),
            ["flag", mailbox, uid, flags @ ..] => self.backend.flag(mailbox, uid.parse().unwrap(), flags),
            ["full"] => self.backend.full = true,
            ["slow"] => self.slow = true,
            ["delete", mailbox] => self.backend.delete(mailbox),
            ["notice"] => {
                self.session.notice();
                self.run();
            }
            ["bye", why] => {
                self.session.bye(match *why {
                    "timeout" => Bye::Timeout,
                    "shutdown" => Bye::Shutdown,
                    "memory" => Bye::NoMemory,
                    _ => Bye::TooMany,
                });
                self.run();
            }
            ["tls"] => {
                assert!(std::mem::take(&mut self.wants_tls), "TLS was not agreed on");
                self.session.tls_started();
                self.run();
            }
            ["closed"] => assert!(self.closed, "the connection is open"),
            _ => panic!("no such event: {text}"),
        }
    }
}

/// `\0`, `\n`, `\xNN` of a file as octets.
fn octets(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.extend_from_slice(&rest.as_bytes()[..at]);
        let escape = &rest[at + 1..];
        let hex =
            escape.strip_prefix('x').and_then(|hex| hex.get(..2)).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        let (byte, length) = match (escape.as_bytes().first(), hex) {
            (Some(b'0'), _) => (0, 1),
            (Some(b'n'), _) => (b'\n', 1),
            (_, Some(byte)) => (byte, 3),
            _ => (b'\\', 0),
        };
        out.push(byte);
        rest = &escape[length..];
    }
    out.extend_from_slice(rest.as_bytes());
    out
}

/// Octets as a file has them.
fn text(octets: &[u8]) -> String {
    let mut out = String::new();
    for chunk in octets.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\0' => out.push_str("\\0"),
                '\n' => out.push_str("\\n"),
                c => out.push(c),
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    match out.strip_suffix(' ') {
        Some(rest) => format!("{rest}\\x20"),
        None => out,
    }
}

/// Whether a line is as expected; `…` matches anything.
fn alike(expected: &str, line: &str) -> bool {
    let mut pieces = expected.split('…');
    let Some(mut rest) = pieces.next().and_then(|first| line.strip_prefix(first)) else { return false };
    let mut open = false;
    for piece in pieces {
        open = true;
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    rest.is_empty() || (open && expected.ends_with('…'))
}

fn lines(octets: &[u8]) -> Vec<String> {
    let all = octets.strip_suffix(b"\r\n").unwrap_or(octets);
    if all.is_empty() && octets.is_empty() {
        return Vec::new();
    }
    // Lines end with CRLF; a message may have others inside.
    let mut lines = Vec::new();
    let mut rest = all;
    while let Some(at) = rest.windows(2).position(|window| window == b"\r\n") {
        lines.push(text(&rest[..at]));
        rest = &rest[at + 2..];
    }
    lines.push(text(rest));
    lines
}

/// An event in a file, and the output expected after it.
struct Happening<'f> {
    line: &'f str,
    said: Vec<&'f str>,
}

fn happenings(script: &str) -> Vec<Happening<'_>> {
    let mut all: Vec<Happening<'_>> = Vec::new();
    for line in script.lines() {
        match (line.strip_prefix("S:"), all.last_mut()) {
            (Some(said), Some(last)) => last.said.push(said.strip_prefix(' ').unwrap_or(said)),
            _ => all.push(Happening { line, said: Vec::new() }),
        }
    }
    all
}

/// A file, played.
pub(crate) struct Played {
    /// The file with the actual output.
    written: String,
    /// All output of the server.
    pub(crate) said: Vec<u8>,
    /// The client was signed in before the file begins, so there is no greeting.
    pub(crate) signed_in: bool,
}

/// Plays a file.
pub(crate) fn play(script: &str, one_by_one: bool) -> Played {
    let happenings = happenings(script);
    let head = |line: &str| line.starts_with('#') || matches!(line, "> plain" | "> signed in");
    let header = happenings.iter().take_while(|happening| head(happening.line)).count();
    let has = |word: &str| happenings[..header].iter().any(|happening| happening.line == word);
    let mut all = Vec::new();
    let signed_in = has("> signed in");
    let mut talk = if signed_in { Talk::signed_in(one_by_one) } else { Talk::new(!has("> plain"), one_by_one) };
    let mut written = String::new();
    let mut pending = Vec::new();
    for (at, Happening { line, said }) in happenings.iter().enumerate() {
        let _ = writeln!(written, "{line}");
        if let Some(event) = line.strip_prefix("> ").filter(|_| at >= header) {
            talk.event(event);
        }
        if let Some(client) = line.strip_prefix("C").and_then(|line| line.strip_prefix([':', '+'])) {
            let client = client.strip_prefix(' ').unwrap_or(client);
            let (part, end) = client.strip_suffix('\\').map_or((client, &b"\r\n"[..]), |part| (part, b""));
            pending.extend(octets(part));
            pending.extend(end);
            if line.starts_with("C:") {
                talk.send(&std::mem::take(&mut pending));
            }
        }
        if at + 1 < header {
            continue;
        }
        let mut wanted = said.iter();
        let heard = talk.heard();
        for line in lines(&heard) {
            let line = wanted.next().filter(|wanted| alike(wanted, &line)).map_or(line.as_str(), |wanted| *wanted);
            let _ = writeln!(written, "S:{}{line}", if line.is_empty() { "" } else { " " });
        }
        all.extend(heard);
    }
    Played { written, said: all, signed_in }
}

/// The files.
pub(crate) fn files() -> Vec<PathBuf> {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/sessions");
    let mut files: Vec<PathBuf> = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn sessions() {
    let files = files();
    let write = std::env::var_os("SESSIONS").is_some_and(|word| word == "write");
    let mut wrong = String::new();
    for path in &files {
        let script = std::fs::read_to_string(path).unwrap();
        for one_by_one in [false, true] {
            let written = play(&script, one_by_one).written;
            if written == script || (write && one_by_one) {
                continue;
            }
            let name = path.file_name().unwrap().to_string_lossy();
            if write {
                #[expect(clippy::disallowed_methods, reason = "a test's own file needs no durability")]
                std::fs::write(path, &written).unwrap();
                continue;
            }
            let at = written.lines().zip(script.lines()).take_while(|(a, b)| a == b).count();
            let line = |text: &str| text.lines().nth(at).unwrap_or("(the end)").to_owned();
            let how = if one_by_one { " (octet by octet)" } else { "" };
            let _ = writeln!(wrong, "{name}:{}{how}\n  is   {}\n  want {}", at + 1, line(&written), line(&script));
        }
    }
    assert!(files.len() > 20, "session files are missing");
    assert!(wrong.is_empty(), "\n{wrong}");
}
