//! Header fields as byte ranges (RFC 5322 section 2.2), parsed tolerantly.
//!
//! A line that is not a field counts as a field without a name, provided the block has at least one real field: some
//! programs put a `>From ` line among the fields. A block without any field is not a header but a body.

use std::borrow::Cow;
use std::ops::Range;

use memchr::{memchr, memmem};

/// A field of a header, or a line among the fields that is not one (then `name` is empty).
#[derive(Clone)]
pub struct Field<'v> {
    /// The name as written, without white space before the colon.
    pub name: &'v [u8],
    /// What follows the colon, including folds, without the last CRLF.
    pub value: &'v [u8],
    /// The range of the whole field in the header, including its last CRLF.
    pub range: Range<usize>,
}

impl Field<'_> {
    /// Whether this is the field `name`, ignoring case.
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }

    /// The value, unfolded and with encoded words decoded (RFC 2047).
    pub fn decoded(&self) -> String {
        crate::foreign::words(&unfolded(self.value))
    }
}

/// The length in octets of the header of `bytes` (a view, or one part of it), including the empty line after it.
pub fn header_len(bytes: &[u8]) -> usize {
    let len =
        if bytes.starts_with(b"\r\n") { 2 } else { memmem::find(bytes, b"\r\n\r\n").map_or(bytes.len(), |at| at + 4) };
    if len > 2 && !fields(&bytes[..len]).any(|field| !field.name.is_empty()) {
        return 0;
    }
    len
}

/// The fields of a header block, in order. Stops at the empty line.
pub fn fields(header: &[u8]) -> Fields<'_> {
    Fields { header, at: 0 }
}

/// Iterator of [`fields`].
pub struct Fields<'v> {
    header: &'v [u8],
    at: usize,
}

impl<'v> Iterator for Fields<'v> {
    type Item = Field<'v>;

    fn next(&mut self) -> Option<Field<'v>> {
        let start = self.at;
        let rest = &self.header[start..];
        if rest.is_empty() || rest.starts_with(b"\r\n") {
            return None;
        }
        // A field continues while the next line starts with white space (RFC 5322 section 2.2.3).
        let mut end = start;
        loop {
            end = memchr(b'\n', &self.header[end..]).map_or(self.header.len(), |at| end + at + 1);
            if !matches!(self.header.get(end), Some(b' ' | b'\t')) {
                break;
            }
        }
        self.at = end;
        let line = &self.header[start..end];
        let line = line.strip_suffix(b"\r\n").unwrap_or(line);
        let (name, value) = split_name(line);
        Some(Field { name, value, range: start..end })
    }
}

/// RFC 5322 section 3.6.8 `field-name`, with the white space before the colon that section 4.5 allows.
fn split_name(line: &[u8]) -> (&[u8], &[u8]) {
    if let Some(colon) = memchr(b':', line) {
        let name = line[..colon].trim_ascii_end();
        if !name.is_empty() && name.iter().all(|b| (33..=126).contains(b)) {
            return (name, &line[colon + 1..]);
        }
    }
    (b"", line)
}

/// A value, unfolded and trimmed (RFC 5322 section 2.2.3: unfolding removes only the CRLF).
pub fn unfolded(value: &[u8]) -> Cow<'_, [u8]> {
    let value = value.trim_ascii();
    if memchr(b'\n', value).is_none() {
        return Cow::Borrowed(value);
    }
    Cow::Owned(value.iter().copied().filter(|b| !matches!(b, b'\r' | b'\n')).collect())
}

/// The first field `name` of a header, unfolded.
pub(crate) fn first<'v>(header: &'v [u8], name: &str) -> Option<Cow<'v, [u8]>> {
    fields(header).find(|field| field.is(name)).map(|field| unfolded(field.value))
}

/// The values of all fields `name` in the header of `view`, raw and unfolded.
pub fn header_values<'v>(view: &'v [u8], name: &str) -> impl Iterator<Item = Cow<'v, [u8]>> + use<'v> {
    let name = name.to_owned();
    fields(&view[..header_len(view)]).filter(move |field| field.is(&name)).map(|field| unfolded(field.value))
}

/// The values of all fields `name` in the header of `view`, with encoded words decoded (RFC 2047).
pub fn header_decoded<'v>(view: &'v [u8], name: &str) -> impl Iterator<Item = String> + use<'v> {
    header_values(view, name).map(|value| crate::foreign::words(&value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_parsed_tolerantly() {
        let header = b">From x\r\nA: 1\r\n\t2\r\n junk\r\nnot a field\r\nB :3\r\n\r\nbody: no\r\n";
        let found: Vec<(&[u8], Vec<u8>)> =
            fields(header).map(|field| (field.name, unfolded(field.value).into_owned())).collect();
        assert_eq!(
            found,
            [
                (&b""[..], b">From x".to_vec()),
                (b"A", b"1\t2 junk".to_vec()),
                (b"", b"not a field".to_vec()),
                (b"B", b"3".to_vec()),
            ]
        );
        assert_eq!(header_len(header), header.len() - "body: no\r\n".len());
    }

    #[test]
    fn a_block_without_a_field_is_a_body() {
        for (bytes, len) in
            [(&b""[..], 0), (b"\r\nx", 2), (b"hello\r\nworld\r\n", 0), (b"hello\r\n\r\nworld", 0), (b"A: b", 4)]
        {
            assert_eq!(header_len(bytes), len);
        }
    }
}
