//! Splitting input into command lines.
//!
//! `CRLF` ends a line (RFC 5321 section 2.3.8). After a bare CR or LF it is unclear how the peer, or a relay in
//! between, would divide the rest, so none of it is read as commands.

use memchr::memchr2;

use crate::limits::COMMAND_LINE_BYTES_MAX;

/// What comes next in the buffered input.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// A line: its start and end, without its CRLF.
    Whole(std::ops::Range<usize>),
    /// The end of a line that was too long.
    TooLong,
    /// A CR without LF, or an LF without CR.
    Bare,
    /// More octets are needed.
    Partial,
}

/// Buffered input that has not been parsed yet.
#[derive(Default)]
pub(crate) struct Inbox {
    octets: Vec<u8>,
    /// Where the next line begins.
    at: usize,
    /// No line end was found before this offset, so no octet is scanned twice.
    scanned: usize,
    /// Whether the current line is too long and its beginning was dropped.
    skipping: bool,
}

impl Inbox {
    pub(crate) fn push(&mut self, octets: &[u8]) {
        if self.at > 0 {
            self.octets.drain(..self.at);
            self.scanned -= self.at;
            self.at = 0;
        }
        self.octets.extend_from_slice(octets);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.at == self.octets.len()
    }

    /// The unparsed input.
    pub(crate) fn rest(&self) -> &[u8] {
        &self.octets[self.at..]
    }

    /// Consumes `count` octets of [`rest`](Inbox::rest).
    pub(crate) fn take(&mut self, count: usize) {
        self.at = (self.at + count).min(self.octets.len());
        self.scanned = self.at;
        if self.is_empty() {
            self.clear();
        }
    }

    /// Drops all input.
    pub(crate) fn clear(&mut self) {
        self.octets.clear();
        (self.at, self.scanned, self.skipping) = (0, 0, false);
    }

    /// The octets of a line that [`next_line`](Inbox::next_line) found.
    pub(crate) fn octets(&self, range: std::ops::Range<usize>) -> &[u8] {
        &self.octets[range]
    }

    /// Finds the next line and moves past it. Its octets remain until the next `push`.
    pub(crate) fn next_line(&mut self) -> Line {
        let Some(found) = memchr2(b'\r', b'\n', &self.octets[self.scanned..]) else {
            self.scanned = self.octets.len();
            self.drop_if_too_long();
            return Line::Partial;
        };
        let end = self.scanned + found;
        if self.octets[end] == b'\n' {
            return Line::Bare;
        }
        match self.octets.get(end + 1) {
            None => {
                self.scanned = end;
                self.drop_if_too_long();
                Line::Partial
            }
            Some(b'\n') => {
                let begin = self.at;
                (self.at, self.scanned) = (end + 2, end + 2);
                if std::mem::take(&mut self.skipping) || self.at - begin > COMMAND_LINE_BYTES_MAX {
                    Line::TooLong
                } else {
                    Line::Whole(begin..end)
                }
            }
            Some(_) => Line::Bare,
        }
    }

    /// Drops the beginning of a line that is already too long, so that an endless one costs no memory.
    fn drop_if_too_long(&mut self) {
        if self.scanned - self.at > COMMAND_LINE_BYTES_MAX {
            self.skipping = true;
            self.octets.drain(..self.scanned);
            (self.at, self.scanned) = (0, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(pieces: &[&[u8]]) -> Vec<String> {
        let mut inbox = Inbox::default();
        let mut found = Vec::new();
        for piece in pieces {
            inbox.push(piece);
            loop {
                match inbox.next_line() {
                    Line::Whole(range) => found.push(String::from_utf8_lossy(inbox.octets(range)).into_owned()),
                    Line::TooLong => found.push("too long".to_owned()),
                    Line::Bare => {
                        found.push("bare".to_owned());
                        return found;
                    }
                    Line::Partial => break,
                }
            }
        }
        found
    }

    #[test]
    fn only_crlf_ends_a_line() {
        assert_eq!(lines(&[b"a\r\nb\r\n"]), ["a", "b"]);
        assert_eq!(lines(&[b"a\r", b"\nb", b"\r\n"]), ["a", "b"]);
        assert_eq!(lines(&[b"a\nb\r\n"]), ["bare"]);
        assert_eq!(lines(&[b"a\r\nb\rc\r\n"]), ["a", "bare"]);
        assert_eq!(lines(&[b"a\r", b"\r\n"]), ["bare"]);
        assert_eq!(lines(&[b"\r\n\r\n"]), ["", ""]);
    }

    #[test]
    fn an_endless_line_is_not_kept() {
        let mut inbox = Inbox::default();
        for _ in 0..1000 {
            inbox.push(&[b'x'; 1000]);
            assert_eq!(inbox.next_line(), Line::Partial);
            assert!(inbox.octets.len() <= COMMAND_LINE_BYTES_MAX + 1000);
        }
        inbox.push(b"\r\nNOOP\r\n");
        assert_eq!(inbox.next_line(), Line::TooLong);
        assert!(matches!(inbox.next_line(), Line::Whole(_)));
    }

    #[test]
    fn the_longest_line() {
        let longest = "x".repeat(COMMAND_LINE_BYTES_MAX - 2);
        assert_eq!(lines(&[format!("{longest}\r\n").as_bytes()]), [longest.as_str()]);
        assert_eq!(lines(&[longest.as_bytes(), b"\r", b"\n"]), [longest.as_str()]);
        assert_eq!(lines(&[longest.as_bytes(), b"x\r\n"]), ["too long"]);
        assert_eq!(lines(&[longest.as_bytes(), b"x", b"\r", b"\n"]), ["too long"]);
    }
}
