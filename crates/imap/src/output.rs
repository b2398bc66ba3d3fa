//! Output for the client, in order: generated text, and message data that is shared until it is sent.

use std::collections::VecDeque;

use crate::cursor::is_astring_char;
use crate::fetch::Octets;
use crate::flag::Flags;

/// Pending output. Text is copied; large data is held as a reference to the message that it belongs to.
#[derive(Debug, Default)]
pub(crate) struct Output {
    done: VecDeque<Chunk>,
    text: Vec<u8>,
    length: usize,
    /// Bytes of memory behind the shared chunks, each counted once.
    shared_bytes: usize,
}

#[derive(Debug)]
enum Chunk {
    Text(Vec<u8>, usize),
    Octets {
        octets: Octets,
        sent: usize,
        /// The memory that is counted with this chunk: none if a neighbour shares it.
        counted_bytes: usize,
    },
}

/// Data shorter than this is copied: a reference would cost more.
const SHARED_BYTES_MIN: usize = 4096;

/// Among how many chunks one is looked for that shares the memory of another: pieces of one message follow each other, with text
/// in between.
const NEIGHBOURS: usize = 8;

impl Output {
    /// The number of pending bytes.
    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// The bytes of memory that are held for pending output: of a message that goes out in pieces, the message once.
    pub(crate) fn held_bytes(&self) -> usize {
        let text = |chunk: &Chunk| if let Chunk::Text(bytes, _) = chunk { bytes.len() } else { 0 };
        self.text.len() + self.shared_bytes + self.done.iter().map(text).sum::<usize>()
    }

    /// Whether nothing is pending.
    pub(crate) fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The next bytes to send: up to `max` of them.
    pub(crate) fn take(&mut self, max: usize) -> Vec<u8> {
        self.close_text();
        let mut out = Vec::with_capacity(max.min(self.length));
        while out.len() < max {
            let Some(chunk) = self.done.front_mut() else { break };
            let (bytes, sent) = match chunk {
                Chunk::Text(bytes, sent) => (bytes.as_slice(), sent),
                Chunk::Octets { octets, sent, .. } => (octets.as_slice(), sent),
            };
            let rest = bytes.get(*sent..).unwrap_or_default();
            let part = &rest[..rest.len().min(max - out.len())];
            out.extend_from_slice(part);
            *sent += part.len();
            if part.len() == rest.len() {
                self.pop();
            }
        }
        self.length = self.length.saturating_sub(out.len());
        out
    }

    /// Drops the first chunk, which has been sent. Its memory is now counted with the next one that shares it.
    fn pop(&mut self) {
        let Some(Chunk::Octets { octets, counted_bytes: bytes @ 1.., .. }) = self.done.pop_front() else { return };
        for chunk in self.done.iter_mut().take(NEIGHBOURS) {
            if let Chunk::Octets { octets: next, counted_bytes, .. } = chunk
                && next.shares(&octets)
            {
                *counted_bytes = bytes;
                return;
            }
        }
        self.shared_bytes = self.shared_bytes.saturating_sub(bytes);
    }

    fn close_text(&mut self) {
        if !self.text.is_empty() {
            self.done.push_back(Chunk::Text(std::mem::take(&mut self.text), 0));
        }
    }

    /// Adds bytes as they are.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.length += bytes.len();
        self.text.extend_from_slice(bytes);
    }

    /// Adds text as it is.
    pub(crate) fn raw(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// Adds a number without allocating: lists have tens of thousands.
    pub(crate) fn number(&mut self, mut number: u64) {
        let mut digits = [0; 20];
        let mut first = digits.len();
        loop {
            first -= 1;
            digits[first] = b'0' + (number % 10) as u8;
            number /= 10;
            if number == 0 {
                break;
            }
        }
        self.bytes(&digits[first..]);
    }

    /// `flag-list`, with its parentheses.
    pub(crate) fn flags(&mut self, flags: &Flags) {
        self.raw("(");
        for (count, flag) in flags.words().enumerate() {
            self.raw(if count > 0 { " " } else { "" });
            self.raw(flag);
        }
        self.raw(")");
    }

    /// Adds CRLF.
    pub(crate) fn end_line(&mut self) {
        self.raw("\r\n");
    }

    /// `quoted`. The text must not contain CR, LF or NUL: checked names and words, or our own.
    pub(crate) fn quoted(&mut self, text: &str) {
        self.raw("\"");
        for (count, piece) in text.split(['"', '\\']).enumerate() {
            if count > 0 {
                // The separator is the character after what has been written so far.
                let at = piece.as_ptr().addr() - text.as_ptr().addr() - 1;
                self.raw("\\");
                self.raw(text.get(at..at + 1).unwrap_or_default());
            }
            self.raw(piece);
        }
        self.raw("\"");
    }

    /// `astring`: an atom if possible, otherwise quoted, or a literal if there is a line break or NUL.
    pub(crate) fn astring(&mut self, text: &str) {
        if !text.is_empty() && text.bytes().all(is_astring_char) && !text.eq_ignore_ascii_case("NIL") {
            self.raw(text);
        } else if text.contains(['\r', '\n', '\0']) {
            self.literal(&Octets::from(text.as_bytes().to_vec()));
        } else {
            self.quoted(text);
        }
    }

    /// `literal`
    pub(crate) fn literal(&mut self, octets: &Octets) {
        self.raw("{");
        self.number(octets.as_slice().len() as u64);
        self.raw("}\r\n");
        self.octets(octets);
    }

    /// `literal8` if there is a NUL (RFC 9051 section 7.5.2), otherwise `literal`.
    pub(crate) fn literal8(&mut self, octets: &Octets) {
        if memchr::memchr(0, octets.as_slice()).is_some() {
            self.raw("~");
        }
        self.literal(octets);
    }

    fn octets(&mut self, octets: &Octets) {
        let bytes = octets.as_slice();
        if bytes.len() < SHARED_BYTES_MIN {
            return self.bytes(bytes);
        }
        self.length += bytes.len();
        self.close_text();
        let shares = |chunk: &Chunk| matches!(chunk, Chunk::Octets { octets: other, .. } if other.shares(octets));
        let counted_bytes = if self.done.iter().rev().take(NEIGHBOURS).any(shares) { 0 } else { octets.memory_bytes() };
        self.shared_bytes += counted_bytes;
        self.done.push_back(Chunk::Octets { octets: octets.clone(), sent: 0, counted_bytes });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(mut output: Output) -> String {
        let mut bytes = Vec::new();
        while !output.is_empty() {
            bytes.extend(output.take(3));
        }
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn strings() {
        for (text, want) in [
            ("INBOX", "INBOX"),
            ("", "\"\""),
            ("NIL", "\"NIL\""),
            ("a b", "\"a b\""),
            ("a\"b\\c", "\"a\\\"b\\\\c\""),
            ("\\", "\"\\\\\""),
            ("ü", "\"ü\""),
            ("a\nb", "{3}\r\na\nb"),
        ] {
            let mut output = Output::default();
            output.astring(text);
            assert_eq!(all(output), want);
        }
    }

    /// Pieces of one message are one message in memory, until the last of them is sent.
    #[test]
    fn shared_memory_is_counted_once() {
        let message = Octets::from(vec![b'x'; 100_000]);
        let mut output = Output::default();
        for _ in 0..3 {
            output.literal(&message.cut(10_000..90_000));
        }
        assert!((100_000..100_100).contains(&output.held_bytes()), "{}", output.held_bytes());
        assert!(output.len() > 240_000);
        output.take(170_000);
        assert!((100_000..100_100).contains(&output.held_bytes()), "{}", output.held_bytes());
        output.take(usize::MAX >> 1);
        assert_eq!((output.held_bytes(), output.len()), (0, 0));
    }

    #[test]
    fn shared_data_keeps_its_place() {
        let mut output = Output::default();
        output.raw("a ");
        output.literal(&Octets::from(vec![b'x'; 10_000]));
        output.raw(" b");
        assert_eq!(all(output), format!("a {{10000}}\r\n{} b", "x".repeat(10_000)));
    }
}
