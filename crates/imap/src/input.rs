//! Splits the input into commands: a line with the literals that are part of it (RFC 9051 section 4.3, RFC 7888).
//!
//! A line that ends in `{n}` is followed by n octets and continues after them; RFC 7888 section 3 has the receiver
//! check the end of every line before parsing. So splitting depends neither on the grammar of commands nor on how the
//! bytes arrive.

use terms::Secret;

use crate::cursor::Cursor;
use crate::limits::{
    COMMAND_BEFORE_SIGN_IN_BYTES_MAX, COMMAND_BYTES_MAX, LITERAL_DISCARD_BYTES_MAX, LITERAL_MINUS_BYTES_MAX,
};

/// What comes next in the input.
pub(crate) enum Piece {
    /// Nothing yet: more bytes are needed.
    Incomplete,
    /// The client waits for `+` before it sends a literal.
    GoAhead,
    /// A complete command without its final CRLF. It may contain a password, so it is wiped when dropped.
    Command(Secret<Vec<u8>>),
    /// A refused command. The rest of it is discarded.
    Refused(Tag, Fault),
    /// A command so long that the connection must be closed.
    Hopeless,
}

/// The tag of a refused command, if it had one.
pub(crate) type Tag = Option<Vec<u8>>;

/// Why a command is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    CommandTooLong,
    /// The message of an APPEND is too long.
    MessageTooLong,
    /// A non-synchronizing literal longer than LITERAL- allows.
    Unsynchronized,
    /// A line ended with a bare LF. If one program takes that for the end of a line and another does not, commands can
    /// be smuggled past one of them.
    BareLineFeed,
}

/// The limits that apply.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Allowance {
    /// Whether someone is signed in.
    pub(crate) signed_in: bool,
    /// The largest message in APPEND, in octets.
    pub(crate) message_bytes_max: u64,
}

/// The buffered input.
#[derive(Debug, Default)]
pub(crate) struct Input {
    buffer: Vec<u8>,
    /// Up to here the buffer has been scanned and belongs to the command.
    seen: usize,
    /// Where the current line of the command starts.
    line: usize,
    /// Octets of a refused literal that are yet to arrive.
    discard: u64,
    /// The rest of a refused command is being discarded.
    skipping: bool,
}

/// The digits of a 64-bit number.
const LITERAL_DIGITS_MAX: usize = 20;

/// `{`, the digits, `+`, `}`, CR and LF.
const ANNOUNCEMENT_BYTES_MAX: usize = LITERAL_DIGITS_MAX + 5;

/// Capacity reserved for a literal before it arrives, so that most messages need not be moved. It counts as the
/// connection's memory only as it is filled.
const RESERVE_BYTES_MAX: usize = 256 * 1024;

/// A literal announced at the end of a line.
struct Announced {
    length: u64,
    synchronizing: bool,
}

impl Input {
    /// Adds input.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        if self.discard == 0 {
            return self.buffer.extend_from_slice(bytes);
        }
        let skip = usize::try_from(self.discard).unwrap_or(usize::MAX).min(bytes.len());
        self.discard -= skip as u64;
        self.buffer.extend_from_slice(&bytes[skip..]);
    }

    /// The number of buffered bytes.
    pub(crate) fn len(&self) -> usize {
        self.buffer.len()
    }

    /// Discards all input (RFC 9051 section 6.2.1, STARTTLS).
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Removes the first `length` bytes without leaving a copy of them.
    fn cut_off(&mut self, length: usize) -> Vec<u8> {
        let rest = self.buffer.split_off(length.min(self.buffer.len()));
        (self.seen, self.line) = (0, 0);
        std::mem::replace(&mut self.buffer, rest)
    }

    /// The next command.
    pub(crate) fn next(&mut self, allowance: Allowance) -> Piece {
        loop {
            if self.buffer.len() < self.seen {
                return Piece::Incomplete;
            }
            let line_max = allowance.command_bytes_max();
            let Some(end) = memchr::memchr(b'\n', &self.buffer[self.seen..]).map(|at| self.seen + at + 1) else {
                if self.skipping {
                    // The end of the line shows whether a literal follows, so keep that much of it.
                    self.cut_off(self.buffer.len().saturating_sub(ANNOUNCEMENT_BYTES_MAX));
                    return Piece::Incomplete;
                }
                // Literals within the command were counted when they were announced.
                if self.buffer.len() - self.line > line_max {
                    return self.refuse(Fault::CommandTooLong, self.buffer.len());
                }
                return Piece::Incomplete;
            };
            let announced = announced_literal(&self.buffer[self.line..end]);
            if self.skipping {
                self.cut_off(end);
                // A client that announced a literal and waits has already been refused and will not send it.
                match announced {
                    Some(literal) if !literal.synchronizing => match self.throw_away(literal.length) {
                        true => continue,
                        false => return Piece::Hopeless,
                    },
                    _ => self.skipping = false,
                }
                continue;
            }
            let Some(literal) = announced else {
                let fault = if end - self.line > line_max {
                    Some(Fault::CommandTooLong)
                } else {
                    (!self.buffer[..end].ends_with(b"\r\n")).then_some(Fault::BareLineFeed)
                };
                if let Some(fault) = fault {
                    let cut = self.refuse(fault, end);
                    self.skipping = false;
                    return cut;
                }
                let mut command = self.cut_off(end);
                command.truncate(command.len() - 2);
                return Piece::Command(Secret::new(command));
            };
            if let Some(fault) = allowance.refuses(&self.buffer[..end], &literal) {
                let cut = self.refuse(fault, end);
                self.skipping = !literal.synchronizing;
                if self.skipping && !self.throw_away(literal.length) {
                    return Piece::Hopeless;
                }
                return cut;
            }
            // `refuses` has limited the length to far below usize.
            self.seen = end.saturating_add(usize::try_from(literal.length).unwrap_or(usize::MAX));
            self.line = self.seen;
            let more = self.seen.saturating_sub(self.buffer.len()).min(RESERVE_BYTES_MAX);
            self.buffer.reserve(more + ANNOUNCEMENT_BYTES_MAX);
            if literal.synchronizing {
                return Piece::GoAhead;
            }
        }
    }

    /// Drops the first `length` bytes, which are all or the beginning of a refused command.
    fn refuse(&mut self, fault: Fault, length: usize) -> Piece {
        let dropped = Secret::new(self.cut_off(length));
        self.skipping = true;
        let mut cursor = Cursor::new(dropped.expose());
        let tag = cursor.tag().filter(|_| cursor.peek() == Some(b' '));
        Piece::Refused(tag.map(<[u8]>::to_vec), fault)
    }

    /// Arranges for the next `length` octets to be discarded; `false` if that is too many.
    fn throw_away(&mut self, length: u64) -> bool {
        let here = usize::try_from(length).unwrap_or(usize::MAX).min(self.buffer.len());
        self.cut_off(here);
        self.discard = length - here as u64;
        length <= LITERAL_DISCARD_BYTES_MAX
    }

    /// One line without its CRLF, for the continuations of AUTHENTICATE and IDLE. `Err` if it is longer than `max`; it
    /// is then discarded.
    pub(crate) fn line(&mut self, max: usize) -> Option<Result<Secret<Vec<u8>>, ()>> {
        match memchr::memchr(b'\n', &self.buffer) {
            Some(at) if at <= max => {
                let mut line = self.cut_off(at + 1);
                // A line with a bare LF keeps it, which makes it an invalid continuation.
                line.truncate(line.len() - if line.ends_with(b"\r\n") { 2 } else { 0 });
                Some(Ok(Secret::new(line)))
            }
            None if self.buffer.len() <= max => None,
            _ => {
                self.skipping = true;
                Some(Err(()))
            }
        }
    }
}

impl Allowance {
    fn command_bytes_max(self) -> usize {
        if self.signed_in { COMMAND_BYTES_MAX } else { COMMAND_BEFORE_SIGN_IN_BYTES_MAX }
    }

    /// Why a literal announced at the end of `command` is refused; `None` if it is accepted.
    fn refuses(self, command: &[u8], literal: &Announced) -> Option<Fault> {
        let length = literal.length;
        if !self.signed_in && !literal.synchronizing && length > LITERAL_MINUS_BYTES_MAX {
            return Some(Fault::Unsynchronized);
        }
        let room = self.command_bytes_max() as u64;
        let used = command.len() as u64;
        if self.signed_in && is_append(command) {
            if length > self.message_bytes_max {
                return Some(Fault::MessageTooLong);
            }
            // The mailbox name may be a literal too; the limit is for both together.
            return (used.saturating_add(length) > self.message_bytes_max.saturating_add(room))
                .then_some(Fault::CommandTooLong);
        }
        (used.saturating_add(length) > room).then_some(Fault::CommandTooLong)
    }
}

fn is_append(command: &[u8]) -> bool {
    let mut cursor = Cursor::new(command);
    cursor.tag().is_some() && cursor.eat(b' ') && cursor.word().is_ok_and(|word| word == "APPEND")
}

/// `"{" number64 ["+"] "}" CRLF` at the end of a line.
fn announced_literal(line: &[u8]) -> Option<Announced> {
    let inside = line.strip_suffix(b"}\r\n")?;
    let open = memchr::memrchr(b'{', inside)?;
    let inside = &inside[open + 1..];
    let (digits, synchronizing) = match inside.strip_suffix(b"+") {
        Some(digits) => (digits, false),
        None => (inside, true),
    };
    if !(1..=LITERAL_DIGITS_MAX).contains(&digits.len()) || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    // More than 63 bits exceeds every limit, so saturating does not change the result.
    let length = std::str::from_utf8(digits).ok()?.parse().unwrap_or(u64::MAX);
    Some(Announced { length, synchronizing })
}
