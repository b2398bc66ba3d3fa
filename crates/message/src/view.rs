//! The view: an original message as clients see it.
//!
//! Originals have CRLF from SMTP, LF from Unix files, and anything from elsewhere. IMAP promises CRLF and no NUL
//! (RFC 9051 sections 2.3.1.2 and 4.3; RFC 5322 section 2.3), so the view is made when reading, and the original is kept
//! unchanged.

use std::borrow::Cow;

use memchr::{memchr2, memchr3};

/// The view of `original`: without a leading mbox `From ` line, with CRLF for every line end (also for a bare CR or
/// LF), and with 0x80 for NUL. Borrowed if the original already has this form.
pub fn view(original: &[u8]) -> Cow<'_, [u8]> {
    let kept = without_postmark(original);
    if is_canonical(kept) {
        return Cow::Borrowed(kept);
    }
    // One more byte per line; lines of mail are 40 to 80 bytes long.
    let mut out = Vec::with_capacity(kept.len() + kept.len() / 32 + 16);
    pieces(kept, |piece| out.extend_from_slice(piece));
    Cow::Owned(out)
}

/// The length of [`view`] in octets (RFC822.SIZE), without creating it.
pub fn view_len(original: &[u8]) -> usize {
    let mut len = 0;
    pieces(without_postmark(original), |piece| len += piece.len());
    len
}

/// `original` without a leading `From ` line, unless it consists of that line alone.
fn without_postmark(original: &[u8]) -> &[u8] {
    if !original.starts_with(b"From ") {
        return original;
    }
    match memchr2(b'\n', b'\r', original) {
        Some(at) if original[at..].starts_with(b"\r\n") => &original[at + 2..],
        Some(at) => &original[at + 1..],
        None => original,
    }
}

/// The number of octets examined between checks whether the result is known.
const LOOK_BYTES: usize = 4096;

/// Whether every CR is followed by an LF, every LF preceded by a CR, and there is no NUL. Compares neighbours without a
/// branch per line, since this runs for every message read.
fn is_canonical(bytes: &[u8]) -> bool {
    let Some((first, rest)) = bytes.split_first() else { return true };
    if matches!(first, b'\n' | 0) || bytes.last() == Some(&b'\r') {
        return false;
    }
    let mut before = bytes.chunks(LOOK_BYTES);
    rest.chunks(LOOK_BYTES).all(|look| {
        let before = before.next().unwrap_or_default();
        let wrong = |(a, b): (&u8, &u8)| u8::from((*a == b'\r') != (*b == b'\n')) | u8::from(*b == 0);
        before.iter().zip(look).map(wrong).fold(0, |all, one| all | one) == 0
    })
}

/// Calls `emit` with the pieces of the view in order.
fn pieces(bytes: &[u8], mut emit: impl FnMut(&[u8])) {
    let mut start = 0;
    let mut at = 0;
    while let Some(found) = memchr3(b'\r', b'\n', 0, &bytes[at..]) {
        at += found;
        if bytes[at..].starts_with(b"\r\n") {
            at += 2;
            continue;
        }
        emit(&bytes[start..at]);
        emit(if bytes[at] == 0 { b"\x80" } else { b"\r\n" });
        at += 1;
        start = at;
    }
    emit(&bytes[start..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends() {
        for (original, expected) in [
            (&b""[..], &b""[..]),
            (b"a\r\nb\r\n", b"a\r\nb\r\n"),
            (b"a\nb\n", b"a\r\nb\r\n"),
            (b"a\rb", b"a\r\nb"),
            (b"a\r\r\nb", b"a\r\n\r\nb"),
            (b"a\n\rb", b"a\r\n\r\nb"),
            (b"a\0b", b"a\x80b"),
            (b"From x Mon\nSubject: y\n", b"Subject: y\r\n"),
            (b"From x Mon\r\nSubject: y\r\n", b"Subject: y\r\n"),
            (b"From x Mon\rSubject: y\r", b"Subject: y\r\n"),
            (b"From nothing else", b"From nothing else"),
            (b"From: x\n", b"From: x\r\n"),
            (b"\r", b"\r\n"),
        ] {
            assert_eq!(view(original), expected);
            assert_eq!(view_len(original), expected.len());
        }
        assert!(matches!(view(b"a\r\n"), Cow::Borrowed(_)));
    }

    /// A wrong octet is found at any position, also at the border between two chunks.
    #[test]
    fn every_position_is_checked() {
        let line = [&[b'x'; 62][..], b"\r\n"].concat();
        let right = line.repeat(3 * LOOK_BYTES / line.len());
        assert!(is_canonical(&right));
        for look in [0, LOOK_BYTES, 2 * LOOK_BYTES, right.len()] {
            for at in (look.saturating_sub(66)..look + 66).filter(|at| *at < right.len()) {
                for wrong in [b'\r', b'\n', 0] {
                    let mut bytes = right.clone();
                    let before = std::mem::replace(&mut bytes[at], wrong);
                    assert_eq!(is_canonical(&bytes), before == wrong, "{wrong} at {at}");
                    bytes[at] = before;
                    bytes.truncate(at + 1);
                    assert_eq!(is_canonical(&bytes), before != b'\r');
                }
            }
        }
    }
}
