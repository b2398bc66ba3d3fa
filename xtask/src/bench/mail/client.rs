//! The one client of all services: blocking sockets, one thread a connection, octets made beforehand, and of an answer
//! only what tells where it ends. It must not be what is measured; its own processor time is shown beside each row.

use std::io::{BufRead, BufReader, IoSlice, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// A tag that no message has: an answer ends where the last line begins with it.
const TAG: &[u8] = b"zq7x9w";

/// How long a service may be silent.
const PATIENCE: Duration = Duration::from_secs(120);

/// How much is read at once.
const READ_BYTES: usize = 256 * 1024;

/// The longest tagged line that is expected: a COPYUID of many ranges.
const LINE_BYTES_MAX: usize = 1 << 20;

fn connect(address: SocketAddr) -> Result<TcpStream, String> {
    let stream = TcpStream::connect_timeout(&address, Duration::from_secs(10)).map_err(|error| error.to_string())?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(|error| error.to_string())?;
    stream.set_write_timeout(Some(PATIENCE)).map_err(|error| error.to_string())?;
    stream.set_nodelay(true).map_err(|error| error.to_string())?;
    Ok(stream)
}

/// An LMTP conversation.
pub(crate) struct Lmtp(BufReader<TcpStream>);

impl Lmtp {
    /// Says LHLO.
    pub(crate) fn connect(address: SocketAddr) -> Result<Self, String> {
        let mut this = Self(BufReader::new(connect(address)?));
        this.replies(1, "220")?;
        this.send(b"LHLO bench.example\r\n")?;
        this.replies(1, "250")?;
        Ok(this)
    }

    /// One message to one recipient, durable when this returns. The envelope goes in one packet (PIPELINING).
    pub(crate) fn deliver(&mut self, recipient: &str, message: &[u8]) -> Result<(), String> {
        self.send(format!("MAIL FROM:<sender@example.com>\r\nRCPT TO:<{recipient}>\r\nDATA\r\n").as_bytes())?;
        self.replies(2, "250")?;
        self.replies(1, "354")?;
        send_both(self.0.get_mut(), message, b".\r\n").map_err(|error| format!("lmtp: {error}"))?;
        self.replies(1, "250")
    }

    fn send(&mut self, octets: &[u8]) -> Result<(), String> {
        self.0.get_mut().write_all(octets).map_err(|error| format!("lmtp: {error}"))
    }

    /// Reads so many replies that begin with `code`.
    fn replies(&mut self, mut count: usize, code: &str) -> Result<(), String> {
        let mut line = String::new();
        while count > 0 {
            line.clear();
            self.0.read_line(&mut line).map_err(|error| format!("lmtp: {error}"))?;
            if !line.starts_with(code) {
                return Err(format!("lmtp: {line:?} where {code} should be"));
            }
            count -= usize::from(line.as_bytes().get(3) != Some(&b'-'));
        }
        Ok(())
    }
}

/// A message and what ends it, in one call, as a client with a buffer does: sent apart, the end would wake the service once
/// more.
fn send_both(stream: &mut TcpStream, mut message: &[u8], mut end: &[u8]) -> std::io::Result<()> {
    while !message.is_empty() {
        let sent = stream.write_vectored(&[IoSlice::new(message), IoSlice::new(end)])?;
        if sent == 0 {
            return Err(std::io::ErrorKind::WriteZero.into());
        }
        end = &end[sent.saturating_sub(message.len())..];
        message = &message[sent.min(message.len())..];
    }
    stream.write_all(end)
}

/// An IMAP conversation.
pub(crate) struct Imap {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Imap {
    /// Reads the greeting.
    pub(crate) fn connect(address: SocketAddr) -> Result<Self, String> {
        let mut this = Self { stream: connect(address)?, buffer: vec![0; READ_BYTES] };
        let count = this.read()?;
        match this.buffer.starts_with(b"* OK") && count > 0 {
            true => Ok(this),
            false => Err("imap: no greeting".to_owned()),
        }
    }

    /// Signed in.
    pub(crate) fn sign_in(address: SocketAddr, user: &str, password: &str) -> Result<Self, String> {
        let mut this = Self::connect(address)?;
        this.ask(&format!("LOGIN {user} {password}"))?;
        Ok(this)
    }

    /// Signed in, with an open mailbox.
    pub(crate) fn selected(address: SocketAddr, user: &str, password: &str, mailbox: &str) -> Result<Self, String> {
        let mut this = Self::sign_in(address, user, password)?;
        this.ask(&format!("SELECT {mailbox}"))?;
        Ok(this)
    }

    /// A command that must end in OK; returns how many octets the answer had.
    pub(crate) fn ask(&mut self, command: &str) -> Result<u64, String> {
        self.send(&[TAG, b" ", command.as_bytes(), b"\r\n"].concat())?;
        self.answer(command, None)
    }

    /// As [`ask`](Self::ask), with the answer.
    pub(crate) fn answered(&mut self, command: &str) -> Result<String, String> {
        self.send(&[TAG, b" ", command.as_bytes(), b"\r\n"].concat())?;
        let mut all = Vec::new();
        self.answer(command, Some(&mut all))?;
        Ok(String::from_utf8_lossy(&all).into_owned())
    }

    /// APPEND with a literal that waits for the service's word.
    pub(crate) fn append(&mut self, mailbox: &str, message: &[u8]) -> Result<(), String> {
        let mut command = TAG.to_vec();
        command.extend_from_slice(format!(" APPEND {mailbox} {{{}}}\r\n", message.len()).as_bytes());
        self.send(&command)?;
        let count = self.read()?;
        if !self.buffer[..count].starts_with(b"+") {
            return Err(format!("imap: {}", String::from_utf8_lossy(&self.buffer[..count])));
        }
        send_both(&mut self.stream, message, b"\r\n").map_err(|error| format!("imap: {error}"))?;
        self.answer("APPEND", None).map(|_| ())
    }

    /// Begins IDLE; nothing more is said on this connection.
    pub(crate) fn idle(&mut self) -> Result<(), String> {
        self.send(&[TAG, b" IDLE\r\n"].concat())?;
        let count = self.read()?;
        match self.buffer[..count].starts_with(b"+") {
            true => Ok(()),
            false => Err("imap: no IDLE".to_owned()),
        }
    }

    /// Gives its memory back; for connections that only wait.
    pub(crate) fn slim(mut self) -> TcpStream {
        self.buffer = Vec::new();
        self.stream
    }

    fn send(&mut self, octets: &[u8]) -> Result<(), String> {
        self.stream.write_all(octets).map_err(|error| format!("imap: {error}"))
    }

    fn read(&mut self) -> Result<usize, String> {
        match self.stream.read(&mut self.buffer) {
            Ok(0) => Err("imap: the service hung up".to_owned()),
            Ok(count) => Ok(count),
            Err(error) => Err(format!("imap: {error}")),
        }
    }

    /// Reads to the line that begins with the tag. Of what comes only the last line is looked at.
    fn answer(&mut self, command: &str, mut keep: Option<&mut Vec<u8>>) -> Result<u64, String> {
        let (mut total, mut last) = (0, Vec::new());
        loop {
            let count = self.read()?;
            total += count as u64;
            let fresh = &self.buffer[..count];
            if let Some(keep) = keep.as_deref_mut() {
                keep.extend_from_slice(fresh);
            }
            if last.ends_with(b"\n") || last.len() > LINE_BYTES_MAX {
                last.clear();
            }
            match fresh[..count - 1].iter().rposition(|octet| *octet == b'\n') {
                Some(at) => last = fresh[at + 1..].to_vec(),
                None => last.extend_from_slice(fresh),
            }
            if last.ends_with(b"\r\n")
                && let Some(words) = last.strip_prefix(TAG)
            {
                return match words.starts_with(b" OK") {
                    true => Ok(total),
                    false => Err(format!("imap: {command}: {}", String::from_utf8_lossy(words))),
                };
            }
        }
    }
}
