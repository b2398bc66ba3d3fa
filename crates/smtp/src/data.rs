//! Receiving a message (RFC 5321 section 4.1.1.4): finding its end and undoing dot-stuffing (section 4.5.2).
//!
//! Only CRLF.CRLF ends a message. After a bare CR or LF the message is lost, but its end is still found by that rule
//! alone: what another server might take for a second message inside this one stays inside it. The message is then
//! refused as a whole and the session closed, so that nothing after it is read either. (Replying at once would be as
//! safe, but few peers read a reply in the middle of a message: they would see a broken connection and retry for days.)
//!
//! One pass, one copy: octets are scanned with `memchr2` and copied in runs that end only where a stuffed dot is
//! removed.

use memchr::memchr2;

use crate::limits::{DATA_LINE_BYTES_MAX, RESERVE_BYTES_MAX};

/// Why the message is refused. The first reason counts, except that [`Bare`](Fault::Bare) takes precedence over the
/// others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A bare CR or LF.
    Bare,
    /// More octets than the limit.
    TooBig,
    /// A line beyond [`DATA_LINE_BYTES_MAX`].
    LineTooLong,
    /// The door ran out of memory for it.
    OutOfMemory,
}

/// The position of the next octet within the line structure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// After CRLF, or at the very beginning: the CRLF of the DATA command counts.
    LineStart,
    /// After a dot at the start of a line; the dot is held back.
    Dot,
    /// After that dot and a CR.
    DotCr,
    /// Inside a line.
    Text,
    /// After a CR inside a line.
    Cr,
}

/// Receives a message piece by piece.
pub(crate) struct Receiver {
    at: At,
    kept: Vec<u8>,
    size_bytes_max: u64,
    line_bytes: usize,
    fault: Option<Fault>,
}

impl Receiver {
    /// Keeps at most `size_bytes_max` octets; `declared` is what `SIZE=` promised.
    pub(crate) fn new(size_bytes_max: u64, declared: Option<u64>) -> Self {
        let room = declared.unwrap_or(0).min(size_bytes_max).min(RESERVE_BYTES_MAX);
        let kept = Vec::with_capacity(usize::try_from(room).unwrap_or(0));
        Self { at: At::LineStart, kept, size_bytes_max, line_bytes: 0, fault: None }
    }

    /// The number of octets held in memory.
    pub(crate) fn held_bytes(&self) -> usize {
        self.kept.capacity()
    }

    /// The message, or why it is refused; called when [`take`](Receiver::take) has seen the end.
    pub(crate) fn finish(self) -> Result<Vec<u8>, Fault> {
        match self.fault {
            None => Ok(self.kept),
            Some(fault) => Err(fault),
        }
    }

    /// Drops the message and frees its memory, but still looks for its end.
    pub(crate) fn fail(&mut self, fault: Fault) {
        if self.fault.is_none() || fault == Fault::Bare {
            self.fault = Some(fault);
        }
        self.kept = Vec::new();
    }

    /// Consumes octets. `Some(n)`: the message ended after the first `n`. `None`: it continues.
    pub(crate) fn take(&mut self, input: &[u8]) -> Option<usize> {
        // `run` is the start of the octets that are yet to be copied.
        let (mut at, mut run) = (0, 0);
        while at < input.len() {
            match (self.at, input[at]) {
                (At::LineStart, b'.') => {
                    self.keep(&input[run..at]);
                    at += 1;
                    run = at;
                    self.at = At::Dot;
                }
                (At::LineStart | At::Text, _) => {
                    let Some(found) = memchr2(b'\r', b'\n', &input[at..]) else {
                        self.line_bytes += input.len() - at;
                        self.at = At::Text;
                        break;
                    };
                    self.line_bytes += found;
                    at += found + 1;
                    if input[at - 1] == b'\r' {
                        self.at = At::Cr;
                    } else {
                        self.fail(Fault::Bare);
                        // Not at the start of a line: `LF . CRLF` does not end the message.
                        self.at = At::Text;
                    }
                }
                (At::Cr, b'\n') => {
                    if self.line_bytes + 2 > DATA_LINE_BYTES_MAX {
                        self.fail(Fault::LineTooLong);
                    }
                    self.line_bytes = 0;
                    at += 1;
                    self.at = At::LineStart;
                }
                (At::Dot, b'\r') => {
                    at += 1;
                    run = at;
                    self.at = At::DotCr;
                }
                (At::DotCr, b'\n') => return Some(at + 1),
                (At::Cr | At::DotCr, b'\r') => {
                    // The first CR was bare; this one may yet have its LF.
                    self.fail(Fault::Bare);
                    at += 1;
                    self.at = At::Cr;
                }
                (At::Cr | At::DotCr, _) => {
                    self.fail(Fault::Bare);
                    self.at = At::Text;
                }
                // A stuffed dot is removed, the rest of the line kept (section 4.5.2).
                (At::Dot, _) => self.at = At::Text,
            }
        }
        self.keep(&input[run..]);
        None
    }

    fn keep(&mut self, octets: &[u8]) {
        if self.fault.is_some() {
            return;
        }
        if (self.kept.len() + octets.len()) as u64 > self.size_bytes_max {
            // The final CRLF counts towards the size, stuffed dots do not (RFC 1870 section 5).
            self.fail(Fault::TooBig);
        } else {
            self.kept.extend_from_slice(octets);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Feeds the pieces; returns the result and what followed the end.
    fn receive(pieces: &[&[u8]], size_bytes_max: u64) -> Option<(Result<Vec<u8>, Fault>, usize)> {
        let mut receiver = Receiver::new(size_bytes_max, None);
        for (index, piece) in pieces.iter().enumerate() {
            if let Some(end) = receiver.take(piece) {
                let behind = piece.len() - end + pieces[index + 1..].iter().map(|p| p.len()).sum::<usize>();
                return Some((receiver.finish(), behind));
            }
        }
        None
    }

    fn check(input: &str, expected: Result<&str, Fault>, behind: usize) {
        let whole = receive(&[input.as_bytes()], 1000);
        let octets: Vec<&[u8]> = input.as_bytes().chunks(1).collect();
        assert_eq!(whole, receive(&octets, 1000), "{input:?} in one piece and in many");
        assert_eq!(whole, Some((expected.map(|text| text.as_bytes().to_vec()), behind)), "{input:?}");
    }

    #[test]
    fn ends_and_dots() {
        check(".\r\n", Ok(""), 0);
        check("\r\n.\r\n", Ok("\r\n"), 0);
        check("a\r\n.\r\nQUIT\r\n", Ok("a\r\n"), 6);
        check("..\r\n.\r\n", Ok(".\r\n"), 0);
        check("..a\r\n.b\r\n...\r\n.\r\n", Ok(".a\r\nb\r\n..\r\n"), 0);
        check("a.\r\n.\r\n", Ok("a.\r\n"), 0);
        check("a\0\u{ff}\r\n.\r\n", Ok("a\0\u{ff}\r\n"), 0);
    }

    #[test]
    fn nothing_else_ends_a_message() {
        for end in
            ["\n.\n", "\n.\r\n", "\r.\r\n", "\r.\r", "\r\n.\r", "\r\n.\n", "\n.\r", "\r\n\0.\r\n", "\r\r\n.\r\r\n"]
        {
            let input = format!("a{end}MAIL FROM:<x@y>\r\n");
            assert_eq!(receive(&[input.as_bytes()], 1000), None, "{end:?}");
            let input = format!("{input}\r\n.\r\n");
            let (result, behind) = receive(&[input.as_bytes()], 1000).unwrap();
            assert_eq!(behind, 0, "{end:?}");
            assert!(result == Err(Fault::Bare) || end.contains('\0'), "{end:?}");
        }
    }

    #[test]
    fn limits() {
        let sized = |n: usize| format!("{}\r\n.\r\n", "x".repeat(n - 2));
        assert!(receive(&[sized(50).as_bytes()], 50).unwrap().0.is_ok());
        assert_eq!(receive(&[sized(51).as_bytes()], 50).unwrap().0, Err(Fault::TooBig));
        // A framing fault takes precedence over one of size: the session must close.
        let both = format!("{}\n\r\n.\r\n", "x".repeat(100));
        assert_eq!(receive(&[both.as_bytes()], 50).unwrap().0, Err(Fault::Bare));
        let long = sized(DATA_LINE_BYTES_MAX);
        assert!(receive(&[long.as_bytes()], u64::MAX).unwrap().0.is_ok());
        let longer = sized(DATA_LINE_BYTES_MAX + 1);
        assert_eq!(receive(&[longer.as_bytes()], u64::MAX).unwrap().0, Err(Fault::LineTooLong));
    }

    /// A naive reference: find CRLF.CRLF, split at CRLF, drop a leading dot.
    fn plainly(input: &[u8]) -> Option<(Result<Vec<u8>, Fault>, usize)> {
        let mut framed = b"\r\n".to_vec();
        framed.extend_from_slice(input);
        let end = framed.windows(5).position(|w| w == b"\r\n.\r\n")?;
        let text = String::from_utf8_lossy(&framed[2.min(end)..end + 2]).into_owned();
        let text = if end == 0 { String::new() } else { text };
        let behind = framed.len() - end - 5;
        let stripped = text.replace("\r\n", "");
        if stripped.contains(['\r', '\n']) {
            return Some((Err(Fault::Bare), behind));
        }
        let undone: Vec<&str> = text.split("\r\n").map(|line| line.strip_prefix('.').unwrap_or(line)).collect();
        Some((Ok(undone.join("\r\n").into_bytes()), behind))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]
        #[test]
        fn any_octets_any_pieces(input in "[\r\n.ax]{0,24}(\r\n\\.\r\n)?[\r\n.a]{0,4}", cuts in prop::collection::vec(0usize..32, 0..6)) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(input.len())).collect();
            cuts.extend([0, input.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|w| &input.as_bytes()[w[0]..w[1]]).collect();
            let got = receive(&pieces, u64::MAX);
            prop_assert_eq!(&got, &receive(&[input.as_bytes()], u64::MAX));
            prop_assert_eq!(got, plainly(input.as_bytes()));
        }
    }
}
