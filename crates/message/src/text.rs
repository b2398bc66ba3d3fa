//! A message as readable text: the preview (RFC 8970) and the text for searches.

use std::ops::Range;

use crate::decode::transfer;
use crate::foreign;
use crate::header::{fields, first, unfolded};
use crate::media::{disposition, parameter, parameter_charset};
use crate::structure::{Kind, Part, Structure};

/// The length of a preview in characters (RFC 8970 section 3.1 recommends 200 and forbids more than 256).
pub const PREVIEW_CHARS_MAX: usize = 200;

/// How much of a body is decoded for the preview, in octets: enough for 200 characters after an HTML page's style
/// sheet.
const PREVIEW_SOURCE_LEN_MAX: usize = 64 * 1024;

/// The text of a message for SEARCH. There is no `Debug` (invariant 10).
#[derive(Clone, PartialEq, Eq, Default)]
pub struct SearchText {
    /// The fields of the message's own header: the positions of name and value in `header`.
    pub fields: Vec<TextField>,
    /// One line per field, `Name: value`, with encoded words decoded: the message's header, then those of its parts and
    /// of embedded messages, then the names of attached files.
    pub header: String,
    /// The text parts, decoded, HTML converted to text, separated by line ends.
    pub body: String,
}

/// A field in a [`SearchText`]. `name` is empty for a line that is not a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextField {
    /// The position of the name.
    pub name: Range<usize>,
    /// The position of the decoded value.
    pub value: Range<usize>,
}

/// The beginning of the first text that is not an attachment; empty if there is none. White space is collapsed.
pub fn preview(view: &[u8], structure: &Structure) -> String {
    let candidates = || {
        structure.parts().iter().filter(|part| is_text(part) && !is_attachment(view, part)).map(|part| {
            let end = part.body.end.min(part.body.start + PREVIEW_SOURCE_LEN_MAX);
            (part, &view[part.body.start..end])
        })
    };
    // Prefer plain text to HTML: it has no navigation and the like.
    let is_page = |part: &Part| part.media.subtype == "html";
    let ordered = candidates().filter(|(part, _)| !is_page(part)).chain(candidates().filter(|(part, _)| is_page(part)));
    for (part, raw) in ordered {
        let text = readable(part, raw);
        let mut out = String::new();
        for word in text.split_whitespace() {
            if !out.is_empty() {
                out.push(' ');
            }
            out.push_str(word);
            if out.len() > PREVIEW_CHARS_MAX * 4 {
                break;
            }
        }
        if !out.is_empty() {
            let cut = out.char_indices().nth(PREVIEW_CHARS_MAX).map_or(out.len(), |(at, _)| at);
            out.truncate(cut);
            return out;
        }
    }
    String::new()
}

/// Everything in the message that SEARCH covers. Parts that are not text are skipped.
pub fn search_text(view: &[u8], structure: &Structure) -> SearchText {
    let mut out = SearchText::default();
    for (at, part) in structure.parts().iter().enumerate() {
        let header = &view[part.header.clone()];
        for field in fields(header) {
            let start = out.header.len();
            out.header.push_str(&String::from_utf8_lossy(field.name));
            let name = start..out.header.len();
            if !field.name.is_empty() {
                out.header.push_str(": ");
            }
            let start = out.header.len();
            out.header.push_str(&foreign::words(&unfolded(field.value)));
            let value = start..out.header.len();
            out.header.push('\n');
            if at == 0 {
                out.fields.push(TextField { name, value });
            }
        }
        if let Some(name) = file_name(header, part) {
            out.header.push_str(&name);
            out.header.push('\n');
        }
        if is_text(part) {
            out.body.push_str(&readable(part, &view[part.body.clone()]));
            out.body.push('\n');
        }
    }
    out
}

/// Text, or one of the small reports that are text as well (message/delivery-status).
fn is_text(part: &Part) -> bool {
    part.kind == Kind::Leaf && matches!(part.media.kind.as_str(), "text" | "message")
}

fn is_attachment(view: &[u8], part: &Part) -> bool {
    first(&view[part.header.clone()], "Content-Disposition")
        .and_then(|value| disposition(&value))
        .is_some_and(|(kind, _)| kind == "attachment")
}

/// The text of `raw`, the body of `part` or a prefix of it.
fn readable(part: &Part, raw: &[u8]) -> String {
    let bytes = transfer(raw, part.encoding).unwrap_or(std::borrow::Cow::Borrowed(raw));
    let text = foreign::charset_text(part.media.parameter("charset").as_deref(), &bytes);
    if part.media.is("text", "html") { foreign::html_text(&text) } else { text }
}

/// The name of an attached file if it is encoded per RFC 2231, so that a search in the raw header would not find it.
fn file_name(header: &[u8], part: &Part) -> Option<String> {
    let list = first(header, "Content-Disposition").and_then(|value| disposition(&value)).map(|(_, list)| list);
    let (list, name) = match &list {
        Some(list) if parameter_charset(list, "filename").is_some() => (list, "filename"),
        _ if parameter_charset(&part.media.parameters, "name").is_some() => (&part.media.parameters, "name"),
        _ => return None,
    };
    Some(foreign::charset_text(parameter_charset(list, name), &parameter(list, name)?))
}
