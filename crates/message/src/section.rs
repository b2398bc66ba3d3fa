//! `BODY[section]` (RFC 9051 section 6.4.5.1).

use std::borrow::Cow;

use crate::header::fields;
use crate::structure::{Kind, Part, Structure};

/// What is between the brackets: `section-spec`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SectionSpec {
    /// `section-part`: `[1, 2]` of `BODY[1.2.MIME]`; empty for the message itself.
    pub part: Vec<u32>,
    /// Which text of that part; `None` for its whole body, or for the whole message.
    pub text: Option<SectionText>,
}

/// `section-text`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SectionText {
    /// `HEADER`: of the message, or of the message in the part.
    Header,
    /// `HEADER.FIELDS (names)`, ignoring case.
    HeaderFields(Vec<String>),
    /// `HEADER.FIELDS.NOT (names)`.
    HeaderFieldsNot(Vec<String>),
    /// `TEXT`: the body of the message, or of the message in the part.
    Text,
    /// `MIME`: the part's own header.
    Mime,
}

/// The bytes of a section of `view`; `None` if there is no such part, or if it is not a message and one is required.
/// For a partial (`<0.100>`) the caller takes a slice.
pub fn section<'v>(view: &'v [u8], structure: &Structure, spec: &SectionSpec) -> Option<Cow<'v, [u8]>> {
    let part = structure.part(&spec.part)?;
    let Some(text) = &spec.text else {
        let range = if spec.part.is_empty() { 0..view.len() } else { part.body.clone() };
        return Some(Cow::Borrowed(&view[range]));
    };
    if *text == SectionText::Mime {
        return (!spec.part.is_empty()).then(|| Cow::Borrowed(&view[part.header.clone()]));
    }
    let message = if spec.part.is_empty() { part } else { message_in(structure, part)? };
    let header = &view[message.header.clone()];
    Some(match text {
        SectionText::Header | SectionText::Mime => Cow::Borrowed(header),
        SectionText::Text => Cow::Borrowed(&view[message.body.clone()]),
        SectionText::HeaderFields(names) => Cow::Owned(subset(header, names, true)),
        SectionText::HeaderFieldsNot(names) => Cow::Owned(subset(header, names, false)),
    })
}

fn message_in<'s>(structure: &'s Structure, part: &'s Part) -> Option<&'s Part> {
    match part.kind {
        Kind::Message(_) => structure.children(part).next(),
        _ => None,
    }
}

/// The fields that are (or are not) among `names`, as written and in their order. "Subsetting does not exclude the
/// delimiting blank line between the header and the body"; if the header has none, the result has none either.
pub fn subset(header: &[u8], names: &[String], wanted: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(if wanted { header.len().min(512) } else { header.len() });
    let mut end = 0;
    for field in fields(header) {
        end = field.range.end;
        if names.iter().any(|name| !field.name.is_empty() && field.is(name)) == wanted {
            out.extend_from_slice(&header[field.range]);
        }
    }
    out.extend_from_slice(&header[end..]);
    out
}
