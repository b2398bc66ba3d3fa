//! Parses the primitives of the grammar (RFC 9051 section 9) from one complete command, including its literals.
//!
//! [`crate::input`] delivers complete commands, so the parser has no state of its own, and its result cannot depend on
//! how the bytes arrived.

use crate::sequence::{Bound, SequenceSet};

/// A syntax error; the text is sent to the client after `BAD`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bad(pub(crate) &'static str);

/// A position in a command. Every method either advances past what it read or returns [`Bad`].
#[derive(Debug, Clone)]
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// `atom-specials` without `resp-specials` and `list-wildcards`: what neither an atom nor a list pattern may have.
fn is_special(byte: u8) -> bool {
    matches!(byte, b'(' | b')' | b'{' | b' ' | b'"' | b'\\' | 0..=0x1f | 0x7f..)
}

/// `ATOM-CHAR`
pub(crate) fn is_atom_char(byte: u8) -> bool {
    !is_special(byte) && !matches!(byte, b'%' | b'*' | b']')
}

/// `ASTRING-CHAR = ATOM-CHAR / resp-specials`
pub(crate) fn is_astring_char(byte: u8) -> bool {
    is_atom_char(byte) || byte == b']'
}

/// `list-char = ATOM-CHAR / list-wildcards / resp-specials`
fn is_list_char(byte: u8) -> bool {
    !is_special(byte)
}

impl<'a> Cursor<'a> {
    /// At the start of `bytes`.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// The next byte, without consuming it.
    pub(crate) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Consumes `byte` if it is next.
    pub(crate) fn eat(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    /// Consumes `byte`, which must be next.
    pub(crate) fn expect(&mut self, byte: u8) -> Result<(), Bad> {
        if self.eat(byte) {
            return Ok(());
        }
        Err(Bad(match byte {
            b' ' => "expected a single space",
            b'(' => "expected (",
            b')' => "expected )",
            b'"' => "expected a quotation mark",
            b'[' => "expected [",
            b']' => "expected ]",
            b'>' => "expected >",
            _ => "syntax error",
        }))
    }

    /// `SP`: exactly one space.
    pub(crate) fn space(&mut self) -> Result<(), Bad> {
        self.expect(b' ')
    }

    /// The end of the command.
    pub(crate) fn end(&self) -> Result<(), Bad> {
        if self.rest().is_empty() { Ok(()) } else { Err(Bad("too many arguments")) }
    }

    /// Whether nothing is left.
    pub(crate) fn at_end(&self) -> bool {
        self.rest().is_empty()
    }

    /// Exactly `count` bytes.
    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], Bad> {
        let taken = self.rest().get(..count).ok_or(Bad("unexpected end of command"))?;
        self.at += count;
        Ok(taken)
    }

    fn take_while(&mut self, mut keep: impl FnMut(u8) -> bool) -> &'a [u8] {
        let rest = self.rest();
        let length = rest.iter().position(|&byte| !keep(byte)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    /// `atom = 1*ATOM-CHAR`
    pub(crate) fn atom(&mut self) -> Result<&'a str, Bad> {
        let atom = self.take_while(is_atom_char);
        if atom.is_empty() {
            return Err(Bad("expected an atom"));
        }
        std::str::from_utf8(atom).map_err(|_| Bad("expected an atom"))
    }

    /// A word of letters, digits, dots and hyphens, in capitals: command, item and option names.
    pub(crate) fn word(&mut self) -> Result<String, Bad> {
        let word = self.take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
        if word.is_empty() {
            return Err(Bad("expected a word"));
        }
        Ok(String::from_utf8_lossy(word).to_ascii_uppercase())
    }

    /// `tag = 1*<any ASTRING-CHAR except "+">`
    pub(crate) fn tag(&mut self) -> Option<&'a [u8]> {
        let tag = self.take_while(|byte| is_astring_char(byte) && byte != b'+');
        (!tag.is_empty()).then_some(tag)
    }

    /// Between `min` and `max` digits as a number; `max` is at most 9.
    pub(crate) fn digits(&mut self, min: usize, max: usize) -> Result<u32, Bad> {
        let mut left = max;
        let digits = self.take_while(|byte| {
            let keep = byte.is_ascii_digit() && left > 0;
            left = left.saturating_sub(1);
            keep
        });
        if digits.len() < min {
            return Err(Bad("expected a number"));
        }
        Ok(digits.iter().fold(0, |number, digit| number * 10 + u32::from(digit - b'0')))
    }

    /// `number64 = 1*DIGIT`, 63 bits.
    pub(crate) fn number64(&mut self) -> Result<u64, Bad> {
        let digits = self.take_while(|byte| byte.is_ascii_digit());
        std::str::from_utf8(digits)
            .ok()
            .and_then(|digits| digits.parse::<u64>().ok())
            .filter(|number| i64::try_from(*number).is_ok())
            .ok_or(Bad("expected a number"))
    }

    /// `nz-number = digit-nz *DIGIT`, 32 bits.
    pub(crate) fn nz_number(&mut self) -> Result<u32, Bad> {
        if self.peek() == Some(b'0') {
            return Err(Bad("expected a non-zero number"));
        }
        u32::try_from(self.number64()?).map_err(|_| Bad("number exceeds 32 bits"))
    }

    /// `quoted = DQUOTE *QUOTED-CHAR DQUOTE`, UTF-8 allowed.
    fn quoted(&mut self) -> Result<Vec<u8>, Bad> {
        self.expect(b'"')?;
        let mut out = Vec::new();
        loop {
            out.extend_from_slice(self.take_while(|byte| !matches!(byte, b'"' | b'\\' | b'\r' | b'\n' | 0)));
            match self.take(1)? {
                b"\"" => break,
                b"\\" => match self.take(1)? {
                    [byte @ (b'"' | b'\\')] => out.push(*byte),
                    _ => return Err(Bad("invalid escape in quoted string")),
                },
                _ => return Err(Bad("line break or NUL in quoted string")),
            }
        }
        if std::str::from_utf8(&out).is_err() {
            return Err(Bad("quoted string is not UTF-8"));
        }
        Ok(out)
    }

    /// `literal = "{" number64 ["+"] "}" CRLF *CHAR8`. It may contain NUL if `nul` is set, for messages.
    pub(crate) fn literal(&mut self, nul: bool) -> Result<&'a [u8], Bad> {
        if !self.eat(b'{') {
            return Err(Bad("expected a literal"));
        }
        let length = usize::try_from(self.number64()?).map_err(|_| Bad("literal too long"))?;
        let _ = self.eat(b'+');
        if self.take(3)? != b"}\r\n" {
            return Err(Bad("expected a literal"));
        }
        let octets = self.take(length)?;
        if !nul && octets.contains(&0) {
            return Err(Bad("NUL in literal"));
        }
        Ok(octets)
    }

    /// `string = quoted / literal`
    pub(crate) fn string(&mut self) -> Result<Vec<u8>, Bad> {
        match self.peek() {
            Some(b'"') => self.quoted(),
            Some(b'{') => self.literal(false).map(<[u8]>::to_vec),
            _ => Err(Bad("expected a string")),
        }
    }

    /// `astring = 1*ASTRING-CHAR / string`
    pub(crate) fn astring(&mut self) -> Result<Vec<u8>, Bad> {
        match self.take_while(is_astring_char) {
            [] => self.string(),
            atom => Ok(atom.to_vec()),
        }
    }

    /// An astring that must be UTF-8.
    pub(crate) fn astring_text(&mut self) -> Result<String, Bad> {
        String::from_utf8(self.astring()?).map_err(|_| Bad("expected UTF-8"))
    }

    /// `list-mailbox = 1*list-char / string`
    pub(crate) fn list_mailbox(&mut self) -> Result<Vec<u8>, Bad> {
        match self.take_while(is_list_char) {
            [] => self.string(),
            pattern => Ok(pattern.to_vec()),
        }
    }

    /// `"(" [item *(SP item)] ")"`, of at most `max` items.
    pub(crate) fn list<T>(
        &mut self,
        max: usize,
        mut item: impl FnMut(&mut Self) -> Result<T, Bad>,
    ) -> Result<Vec<T>, Bad> {
        self.expect(b'(')?;
        let mut items = Vec::new();
        if self.eat(b')') {
            return Ok(items);
        }
        loop {
            if items.len() == max {
                return Err(Bad("list too long"));
            }
            items.push(item(self)?);
            if self.eat(b')') {
                return Ok(items);
            }
            self.space()?;
        }
    }

    /// `sequence-set` and `seq-last-command` (`$`, RFC 9051 section 6.4.4.1).
    pub(crate) fn sequence_set(&mut self) -> Result<SequenceSet, Bad> {
        if self.eat(b'$') {
            return Ok(SequenceSet::Saved);
        }
        let mut ranges = Vec::new();
        loop {
            let from = self.seq_number()?;
            let to = if self.eat(b':') { self.seq_number()? } else { from };
            ranges.push((from, to));
            if !self.eat(b',') {
                return Ok(SequenceSet::Ranges(ranges));
            }
        }
    }

    /// `seq-number = nz-number / "*"`
    fn seq_number(&mut self) -> Result<Bound, Bad> {
        if self.eat(b'*') { Ok(Bound::Last) } else { self.nz_number().map(Bound::Number) }
    }
}
