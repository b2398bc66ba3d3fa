//! Sections: the part of a message that a FETCH refers to (RFC 9051 section 6.4.5.1).

use crate::cursor::{Bad, Cursor};
use crate::limits::HEADER_FIELDS_MAX;
use crate::output::Output;

/// `section-spec`. Without part and text it means the whole message.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Section {
    /// `section-part = nz-number *("." nz-number)`; empty for the message itself.
    pub part: Vec<u32>,
    /// Which text of the part; `None` for its body, or for the whole message if there is no part.
    pub text: Option<SectionText>,
}

/// `section-text`
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SectionText {
    /// `HEADER`
    Header,
    /// `HEADER.FIELDS`, with names as the client wrote them.
    HeaderFields(Vec<String>),
    /// `HEADER.FIELDS.NOT`
    HeaderFieldsNot(Vec<String>),
    /// `TEXT`
    Text,
    /// `MIME`, for a part only.
    Mime,
}

impl Section {
    /// Of the message itself.
    pub(crate) fn of_message(text: Option<SectionText>) -> Self {
        Self { part: Vec::new(), text }
    }

    /// `section = "[" [section-spec] "]"`
    pub(crate) fn parse(cursor: &mut Cursor<'_>) -> Result<Self, Bad> {
        cursor.expect(b'[')?;
        let mut section = Self::default();
        if cursor.eat(b']') {
            return Ok(section);
        }
        loop {
            if cursor.peek().is_some_and(|byte| byte.is_ascii_digit()) {
                section.part.push(cursor.nz_number()?);
                if cursor.eat(b'.') {
                    continue;
                }
            } else {
                section.text = Some(SectionText::parse(cursor)?);
                if section.text == Some(SectionText::Mime) && section.part.is_empty() {
                    return Err(Bad("MIME requires a part number"));
                }
            }
            cursor.expect(b']')?;
            return Ok(section);
        }
    }

    /// `section-binary = "[" [section-part] "]"`
    pub(crate) fn parse_binary(cursor: &mut Cursor<'_>) -> Result<Vec<u32>, Bad> {
        let section = Self::parse(cursor)?;
        if section.text.is_some() { Err(Bad("BINARY accepts a part number only")) } else { Ok(section.part) }
    }

    /// As requested, including brackets.
    pub(crate) fn write(&self, out: &mut Output) {
        out.raw("[");
        write_part(&self.part, out);
        if let Some(text) = &self.text {
            if !self.part.is_empty() {
                out.raw(".");
            }
            let fields = match text {
                SectionText::Header => return out.raw("HEADER]"),
                SectionText::Text => return out.raw("TEXT]"),
                SectionText::Mime => return out.raw("MIME]"),
                SectionText::HeaderFields(fields) => {
                    out.raw("HEADER.FIELDS (");
                    fields
                }
                SectionText::HeaderFieldsNot(fields) => {
                    out.raw("HEADER.FIELDS.NOT (");
                    fields
                }
            };
            for (count, field) in fields.iter().enumerate() {
                out.raw(if count > 0 { " " } else { "" });
                out.astring(field);
            }
            out.raw(")");
        }
        out.raw("]");
    }
}

/// `section-part`
pub(crate) fn write_part(part: &[u32], out: &mut Output) {
    for (count, number) in part.iter().enumerate() {
        out.raw(if count > 0 { "." } else { "" });
        out.number(u64::from(*number));
    }
}

impl SectionText {
    fn parse(cursor: &mut Cursor<'_>) -> Result<Self, Bad> {
        let fields = |cursor: &mut Cursor<'_>| {
            cursor.space()?;
            let fields = cursor.list(HEADER_FIELDS_MAX, field_name)?;
            if fields.is_empty() { Err(Bad("HEADER.FIELDS requires at least one field")) } else { Ok(fields) }
        };
        match cursor.word()?.as_str() {
            "HEADER" => Ok(Self::Header),
            "HEADER.FIELDS" => fields(cursor).map(Self::HeaderFields),
            "HEADER.FIELDS.NOT" => fields(cursor).map(Self::HeaderFieldsNot),
            "TEXT" => Ok(Self::Text),
            "MIME" => Ok(Self::Mime),
            _ => Err(Bad("unknown section")),
        }
    }
}

/// `header-fld-name = astring`, restricted to valid field names (RFC 5322 section 3.6.8), since it is repeated in the
/// response.
fn field_name(cursor: &mut Cursor<'_>) -> Result<String, Bad> {
    let name = cursor.astring_text()?;
    if name.bytes().all(|byte| byte.is_ascii_graphic()) { Ok(name) } else { Err(Bad("invalid field name")) }
}
