//! Splitting mbox files byte for byte (RFC 4155 and its four dialects).
//!
//! A message is the bytes after its `From ` line, up to the empty line before the next `From ` line or before the end
//! of the file; that empty line belongs to the file, not to the message (Python's `mailbox` has the same rule). `>From
//! ` stays `>From `: mboxrd and mboxo quote differently, no file says which it is, and the original must not change.
//!
//! What counts as a `From ` line: the first line of the file, whatever its date; after an empty line, one with a day
//! and a time; elsewhere only one with a date in the fixed format of `asctime`. So a sentence that begins with "From "
//! does not start a message, and a message that does not end in an empty line is still split correctly.

use std::io::{self, BufRead, BufReader, Read};
use std::ops::Range;

use terms::UnixMillis;

use crate::date::parse_date;

/// One message of an mbox.
#[derive(Clone)]
pub struct MboxMessage {
    /// The `From ` line, including its line end; empty for bytes before the first one.
    pub postmark: Vec<u8>,
    /// The message, unchanged.
    pub original: Vec<u8>,
    /// The range of `original` in the file, in octets.
    pub range: Range<u64>,
}

impl MboxMessage {
    /// The arrival time in the postmark (assumed to be UTC, RFC 4155 Appendix A).
    pub fn postmarked_at(&self) -> Option<UnixMillis> {
        Some(parse_date(self.postmark.strip_prefix(b"From ")?)?.unix())
    }
}

/// Iterates over the messages of an mbox, holding one in memory.
pub struct Splitter<R> {
    reader: BufReader<R>,
    /// Octets of the file read so far.
    at: u64,
    /// The `From ` line of the next message, once read.
    postmark: Option<Vec<u8>>,
    is_done: bool,
}

impl<R: Read> Splitter<R> {
    /// Splits the content of `reader` from its beginning.
    pub fn new(reader: R) -> Self {
        Self { reader: BufReader::with_capacity(256 * 1024, reader), at: 0, postmark: None, is_done: false }
    }

    fn line(&mut self, out: &mut Vec<u8>) -> io::Result<usize> {
        let len = self.reader.read_until(b'\n', out)?;
        self.at += len as u64;
        Ok(len)
    }

    fn item(&mut self) -> io::Result<Option<MboxMessage>> {
        let postmark = self.postmark.take().unwrap_or_default();
        let start = self.at;
        let mut original = Vec::new();
        // The length of the empty line at the end of `original`, if there is one.
        let mut empty_len = 0;
        let is_first = postmark.is_empty();
        loop {
            let line_start = original.len();
            let len = self.line(&mut original)?;
            let line = &original[line_start..];
            if len == 0 {
                self.is_done = true;
                break;
            }
            let is_postmark = if line_start == 0 && is_first {
                line.starts_with(b"From ")
            } else if line_start == 0 || empty_len > 0 {
                is_postmark(line)
            } else {
                is_asctime_postmark(line)
            };
            if is_postmark {
                self.postmark = Some(original.split_off(line_start));
                break;
            }
            empty_len = if matches!(line, b"\n" | b"\r\n") { len } else { 0 };
        }
        if is_first && original.is_empty() {
            // The usual case: no bytes before the first postmark.
            return if self.postmark.is_some() { self.item() } else { Ok(None) };
        }
        original.truncate(original.len() - empty_len);
        let range = start..start + original.len() as u64;
        Ok(Some(MboxMessage { postmark, original, range }))
    }
}

impl<R: Read> Iterator for Splitter<R> {
    type Item = io::Result<MboxMessage>;

    /// The next message. Iteration ends after an error.
    fn next(&mut self) -> Option<io::Result<MboxMessage>> {
        if self.is_done {
            return None;
        }
        let item = self.item().transpose();
        if !matches!(item, Some(Ok(_))) {
            self.is_done = true;
        }
        item
    }
}

/// Whether a line after an empty one starts a message.
fn is_postmark(line: &[u8]) -> bool {
    line.strip_prefix(b"From ").is_some_and(|rest| rest.contains(&b':') && parse_date(rest).is_some())
}

/// `From ` anything `Thu Aug 22 12:36:23 2002`, with a zone before or after the year at most.
fn is_asctime_postmark(line: &[u8]) -> bool {
    let Some(rest) = line.strip_prefix(b"From ") else { return false };
    let words: Vec<&[u8]> = rest.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).collect();
    let is_weekday = |word: &[u8]| word.len() == 3 && b"MonTueWedThuFriSatSun".chunks(3).any(|day| day == word);
    let Some(weekday) = words.iter().position(|word| is_weekday(word)) else { return false };
    let date = &words[weekday..];
    weekday <= 2 && (5..=7).contains(&date.len()) && date[3].contains(&b':') && parse_date(rest).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(bytes: &[u8]) -> Vec<(String, String)> {
        let items = Splitter::new(bytes).map(|item| {
            let item = item.unwrap();
            let range = usize::try_from(item.range.start).unwrap()..usize::try_from(item.range.end).unwrap();
            assert_eq!(&bytes[range], item.original, "ranges are exact");
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            (text(&item.postmark), text(&item.original))
        });
        items.collect()
    }

    #[test]
    fn byte_for_byte() {
        let date = "Thu Aug 22 12:36:23 2002";
        for (file, expected) in [
            (String::new(), vec![]),
            (format!("From a {date}\nA: 1\n\nx\n\nFrom b {date}\nB: 2\n\n"), vec!["A: 1\n\nx\n", "B: 2\n"]),
            (format!("From a {date}\r\nA: 1\r\n\r\nFrom b {date}\r\nB\r\n\r\n"), vec!["A: 1\r\n", "B\r\n"]),
            // A sentence, a quoted line, and an unquoted one without a date.
            (
                format!("From a {date}\nA: 1\n\nFrom here on,\n>From b {date}\n\nFrom now\n"),
                vec!["A: 1\n\nFrom here on,\n>From b Thu Aug 22 12:36:23 2002\n\nFrom now\n"],
            ),
            // No empty line between.
            (format!("From a {date}\nA: 1\n\nx\nFrom b {date}\nB: 2\n"), vec!["A: 1\n\nx\n", "B: 2\n"]),
            // The first postmark may be anything; of two empty lines one belongs to the message.
            (format!("From nobody\nA: 1\n\n\n\nFrom - {date}\nx"), vec!["A: 1\n\n\n", "x"]),
            // Bytes before the first postmark are not lost.
            (format!("junk\n\nFrom a {date}\nA: 1\n"), vec!["junk\n", "A: 1\n"]),
            // An empty message.
            (format!("From a {date}\nFrom b {date}\nB\n"), vec!["", "B\n"]),
        ] {
            let found: Vec<String> = split(file.as_bytes()).into_iter().map(|(_, original)| original).collect();
            assert_eq!(found, expected, "{file:?}");
        }
    }

    #[test]
    fn postmarks_have_dates() {
        let item = |postmark: &str| MboxMessage { postmark: postmark.into(), original: Vec::new(), range: 0..0 };
        for (postmark, expected) in [
            ("From a@b Thu Aug 22 12:36:23 2002\n", "2002-08-22T12:36:23Z"),
            ("From a@b Thu Aug 22 12:36:23 +0100 2002\n", "2002-08-22T11:36:23Z"),
            ("From ???@??? 22 Aug 2002 12:36\n", "2002-08-22T12:36:00Z"),
            ("From nobody\n", ""),
            ("", ""),
        ] {
            let read = item(postmark).postmarked_at().map(UnixMillis::rfc3339).unwrap_or_default();
            assert_eq!(read, expected, "{postmark}");
        }
    }
}
