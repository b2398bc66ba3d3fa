//! IMAP's strings (RFC 9051 section 4.3).

/// A longer string is sent as a literal: the line buffers of old clients end near here (RFC 2683 section 3.2.1.5
/// recommends 1,000 octets for commands, and client authors applied it in both directions).
const QUOTED_LEN_MAX: usize = 900;

/// The longest string in an ENVELOPE or a BODYSTRUCTURE, in octets; the rest is left out there, and stays in the header itself. Eight
/// full lines of RFC 5322 section 2.1.1 (998 octets each): no subject or name that people write is longer.
pub(crate) const STRING_LEN_MAX: usize = 8 * 1000;

/// `text`, cut to [`STRING_LEN_MAX`] without cutting a character of UTF-8 in two.
fn shortened(text: &[u8]) -> &[u8] {
    if text.len() <= STRING_LEN_MAX {
        return text;
    }
    let is_start = |at: &usize| text[*at] & 0xc0 != 0x80;
    let end = (STRING_LEN_MAX - 3..=STRING_LEN_MAX).rev().find(is_start).unwrap_or(STRING_LEN_MAX);
    &text[..end]
}

/// `string`: quoted if it is printable US-ASCII, otherwise a literal. Octets above 127 in quoted strings require
/// UTF8=ACCEPT or IMAP4rev2; in a literal every client accepts them.
pub(crate) fn string(out: &mut Vec<u8>, text: &[u8]) {
    let text = shortened(text);
    if text.len() <= QUOTED_LEN_MAX && text.iter().all(|b| matches!(b, b'\t' | 0x20..=0x7e)) {
        out.push(b'"');
        for &byte in text {
            if matches!(byte, b'"' | b'\\') {
                out.push(b'\\');
            }
            out.push(byte);
        }
        out.push(b'"');
    } else {
        out.extend_from_slice(format!("{{{}}}\r\n", text.len()).as_bytes());
        out.extend_from_slice(text);
    }
}

/// `nstring`: `NIL` for `None`.
pub(crate) fn nstring<T: AsRef<[u8]>>(out: &mut Vec<u8>, text: Option<T>) {
    match text {
        Some(text) => string(out, text.as_ref()),
        None => nil(out),
    }
}

/// `NIL`.
pub(crate) fn nil(out: &mut Vec<u8>) {
    out.extend_from_slice(b"NIL");
}

/// A number.
pub(crate) fn number(out: &mut Vec<u8>, number: usize) {
    out.extend_from_slice(number.to_string().as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_ones_are_cut_between_characters() {
        for (before, kept) in [(0, STRING_LEN_MAX), (1, STRING_LEN_MAX - 1)] {
            let text = format!("{}{}", "x".repeat(before), "ü".repeat(STRING_LEN_MAX));
            let mut out = Vec::new();
            string(&mut out, text.as_bytes());
            let kept = &text[..kept];
            assert_eq!(out, format!("{{{}}}\r\n{kept}", kept.len()).into_bytes());
        }
    }

    #[test]
    fn quoted_or_literal() {
        for (text, expected) in [
            (&b""[..], &b"\"\""[..]),
            (b"a \"b\" \\", b"\"a \\\"b\\\" \\\\\""),
            ("ü".as_bytes(), "{2}\r\nü".as_bytes()),
            (b"a\x07", b"{2}\r\na\x07"),
        ] {
            let mut out = Vec::new();
            string(&mut out, text);
            assert_eq!(out, expected);
        }
    }
}
