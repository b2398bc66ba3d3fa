//! Transfer encodings (RFC 2045 sections 6.7 and 6.8), for BINARY (RFC 9051 section 6.4.5) and for text.
//!
//! We decode them ourselves because decoding must never fail: mail has stray characters in base64 and bare equal signs
//! in quoted-printable, and both sections say to continue.

use std::borrow::Cow;
use std::fmt;

use crate::structure::{Encoding, Part, Structure};

/// Why a part cannot be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecodeError {
    /// The message has no part of that number.
    NoSuchPart,
    /// The sender used a non-standard encoding (RFC 9051: `UNKNOWN-CTE`); the raw section can still be fetched.
    UnknownEncoding,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoSuchPart => "the message has no such part",
            Self::UnknownEncoding => "the part has an unknown transfer encoding; fetch it raw",
        })
    }
}

impl std::error::Error for DecodeError {}

/// The decoded body of the part `number`; the whole view for the empty number. The encoding of a multipart or message
/// is ignored: its parts have their own.
pub fn decoded<'v>(view: &'v [u8], structure: &Structure, number: &[u32]) -> Result<Cow<'v, [u8]>, DecodeError> {
    if number.is_empty() {
        return Ok(Cow::Borrowed(view));
    }
    body(view, structure.part(number).ok_or(DecodeError::NoSuchPart)?)
}

pub(crate) fn body<'v>(view: &'v [u8], part: &Part) -> Result<Cow<'v, [u8]>, DecodeError> {
    transfer(&view[part.body.clone()], part.encoding)
}

pub(crate) fn transfer(raw: &[u8], encoding: Encoding) -> Result<Cow<'_, [u8]>, DecodeError> {
    match encoding {
        Encoding::SevenBit | Encoding::EightBit | Encoding::Binary => Ok(Cow::Borrowed(raw)),
        Encoding::Base64 => Ok(Cow::Owned(base64(raw))),
        Encoding::QuotedPrintable => Ok(Cow::Owned(quoted_printable(raw))),
        Encoding::Unknown => Err(DecodeError::UnknownEncoding),
    }
}

/// Characters outside the alphabet are skipped (RFC 2045 section 6.8); padding ends a quantum, after which another may
/// follow.
fn base64(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len() / 4 * 3);
    let mut quantum = 0u32;
    let mut bits = 0u32;
    for &byte in raw {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => {
                (quantum, bits) = (0, 0);
                continue;
            }
            _ => continue,
        };
        quantum = (quantum << 6) | u32::from(value);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            // The mask makes it fit.
            out.push(((quantum >> bits) & 0xff) as u8);
            quantum &= (1 << bits) - 1;
        }
    }
    out
}

/// White space before a line end is removed; an equal sign that is not part of an escape is kept.
fn quoted_printable(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    for line in raw.split_inclusive(|b| *b == b'\n') {
        let (text, end) = match line.strip_suffix(b"\r\n") {
            Some(text) => (text, &b"\r\n"[..]),
            None => line.strip_suffix(b"\n").map_or((line, &b""[..]), |text| (text, &b"\n"[..])),
        };
        let text = if end.is_empty() { text } else { text.trim_ascii_end() };
        let (text, end) = match text.strip_suffix(b"=") {
            Some(soft) => (soft, &b""[..]),
            None => (text, end),
        };
        let mut at = 0;
        while at < text.len() {
            let hex = |offset: usize| text.get(at + offset).and_then(|b| char::from(*b).to_digit(16));
            match (text[at], hex(1), hex(2)) {
                (b'=', Some(high), Some(low)) => {
                    // Two hexadecimal digits make a byte.
                    out.push((high * 16 + low) as u8);
                    at += 3;
                }
                (byte, _, _) => {
                    out.push(byte);
                    at += 1;
                }
            }
        }
        out.extend_from_slice(end);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decoding_never_fails() {
        for (raw, expected) in [
            (&b""[..], &b""[..]),
            (b"aGVsbG8=", b"hello"),
            (b"aGVs\r\nbG8", b"hello"),
            (b"aGVs!bG8=d29y", b"hellowor"),
            (b"a", b""),
            (b"aa=", b"i"),
        ] {
            assert_eq!(base64(raw), expected);
        }
        for (raw, expected) in [
            (&b""[..], &b""[..]),
            (b"a=20b=\r\nc \t\r\nd", b"a bc\r\nd"),
            (b"=e4=E4==zz=4", b"\xe4\xe4==zz=4"),
            (b"a= \r\nb", b"ab"),
            (b"a =", b"a "),
        ] {
            assert_eq!(quoted_printable(raw), expected);
        }
    }
}
