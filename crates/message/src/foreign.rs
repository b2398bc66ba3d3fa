//! The wrapper around `mail-parser`: charsets, encoded words, HTML.
//!
//! It indexes slices and may panic on odd input. Panics are caught here, with a simple fallback, so that no message can
//! stop a delivery. Programs should set a panic hook that prints only the location: the panic message may quote the
//! mail.

use std::panic::{AssertUnwindSafe, catch_unwind};

use mail_parser::HeaderValue;
use mail_parser::decoders::charsets::map::charset_decoder;
use mail_parser::decoders::html;
use mail_parser::parsers::MessageStream;

fn fenced<T>(call: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(call)).ok()
}

/// Decodes text in `charset`. Without one: UTF-8 if valid, otherwise Windows-1252, as is usual for unlabelled mail.
pub(crate) fn charset_text(charset: Option<&[u8]>, bytes: &[u8]) -> String {
    let charset = charset.map(<[u8]>::trim_ascii).unwrap_or_default();
    let is_ascii = charset.is_empty() || charset.eq_ignore_ascii_case(b"us-ascii");
    if is_ascii || charset.eq_ignore_ascii_case(b"utf-8") || charset.eq_ignore_ascii_case(b"utf8") {
        return match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => named(b"windows-1252", bytes),
        };
    }
    named(charset, bytes)
}

fn named(charset: &[u8], bytes: &[u8]) -> String {
    fenced(|| charset_decoder(charset).map(|decode| decode(bytes)))
        .flatten()
        .unwrap_or_else(|| String::from_utf8_lossy(bytes).into_owned())
}

/// Decodes the encoded words of an unfolded header value (RFC 2047).
pub(crate) fn words(value: &[u8]) -> String {
    let text = charset_text(None, value);
    if !text.contains("=?") {
        return text;
    }
    let line = format!("{text}\n");
    let read = || match MessageStream::new(line.as_bytes()).parse_unstructured() {
        HeaderValue::Text(text) => Some(text.into_owned()),
        _ => None,
    };
    fenced(read).flatten().unwrap_or(text)
}

/// The text of an HTML page.
pub(crate) fn html_text(page: &str) -> String {
    fenced(|| html::html_to_text(page)).unwrap_or_else(|| page.to_owned())
}
