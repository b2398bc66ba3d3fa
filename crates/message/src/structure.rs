//! The MIME parts of a view as byte ranges (RFC 2045, RFC 2046, numbering of RFC 9051 section 6.4.5).
//!
//! Boundaries are searched for from the outside in, so that even a damaged inner part cannot swallow its parent's
//! boundary. A multipart without a boundary, or whose boundary never occurs, is plain text, so that its reader sees all
//! of it.

use std::ops::Range;

use memchr::memmem;

use crate::header::{first, header_len};
use crate::media::{Media, token};

/// The maximum nesting depth of parts, including messages within messages. Real mail stays below 10; Dovecot's limit is
/// 100 too (`MESSAGE_PARSER_DEFAULT_MAX_NESTED_MIME_PARTS`), and the parentheses of the wire format nest as deep.
pub const DEPTH_MAX: usize = 100;

/// The maximum number of parts of a message, as Dovecot's `MESSAGE_PARSER_DEFAULT_MAX_TOTAL_MIME_PARTS`. Anything after
/// the last is only in the section of its multipart.
pub const PARTS_MAX: usize = 10_000;

/// The parts of one view.
#[derive(Debug, Clone)]
pub struct Structure {
    /// The root first; children after their parent, in order.
    parts: Vec<Part>,
}

/// One part.
#[derive(Debug, Clone)]
pub struct Part {
    /// Its header, including the empty line. It ends where `body` begins.
    pub header: Range<usize>,
    /// Its body, still in its transfer encoding.
    pub body: Range<usize>,
    /// Its declared type; `text/plain` if it declares none or an invalid one.
    pub media: Media,
    /// The transfer encoding of the body.
    pub encoding: Encoding,
    /// The kind of its content.
    pub kind: Kind,
}

/// The content of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Plain bytes.
    Leaf,
    /// At least one part.
    Multipart(Vec<usize>),
    /// A message (message/rfc822, message/global).
    Message(usize),
}

/// Content-Transfer-Encoding (RFC 2045 section 6.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// `7bit`, and the default.
    SevenBit,
    /// `8bit`.
    EightBit,
    /// `binary`.
    Binary,
    /// `base64`.
    Base64,
    /// `quoted-printable`.
    QuotedPrintable,
    /// An encoding unknown to RFC 2045.
    Unknown,
}

impl Encoding {
    fn of_header(header: &[u8]) -> Self {
        let Some(value) = first(header, "Content-Transfer-Encoding") else { return Self::SevenBit };
        match token(&value).0.to_ascii_lowercase().as_slice() {
            b"" | b"7bit" | b"7-bit" => Self::SevenBit,
            b"8bit" | b"8-bit" | b"8bits" => Self::EightBit,
            b"binary" => Self::Binary,
            b"base64" => Self::Base64,
            b"quoted-printable" => Self::QuotedPrintable,
            _ => Self::Unknown,
        }
    }

    /// Whether the body is not encoded.
    pub fn is_identity(self) -> bool {
        matches!(self, Self::SevenBit | Self::EightBit | Self::Binary)
    }
}

impl Structure {
    /// Finds the parts of `view`. Every input has at least the root.
    pub fn parse(view: &[u8]) -> Self {
        let mut structure = Self { parts: Vec::new() };
        structure.entity(view, 0..view.len(), &Media::plain("text", "plain"), 0);
        structure
    }

    /// All parts, root first, each after its parent.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The message itself.
    pub fn root(&self) -> &Part {
        &self.parts[0]
    }

    /// The parts inside `part`, or the message inside it.
    pub fn children(&self, part: &Part) -> impl Iterator<Item = &Part> {
        let inside = match &part.kind {
            Kind::Leaf => &[],
            Kind::Multipart(children) => children.as_slice(),
            Kind::Message(child) => std::slice::from_ref(child),
        };
        inside.iter().map(|index| &self.parts[*index])
    }

    /// The part with a number as in RFC 9051 section 6.4.5. The empty number is the message itself; the only part of a
    /// non-multipart message is `1`.
    pub fn part(&self, number: &[u32]) -> Option<&Part> {
        let Some((first, rest)) = number.split_first() else { return Some(self.root()) };
        let mut part = self.part_of_message(self.root(), *first)?;
        for step in rest {
            part = match &part.kind {
                Kind::Leaf => return None,
                Kind::Multipart(_) => self.part_of_message(part, *step)?,
                Kind::Message(inner) => self.part_of_message(&self.parts[*inner], *step)?,
            };
        }
        Some(part)
    }

    fn part_of_message<'s>(&'s self, entity: &'s Part, step: u32) -> Option<&'s Part> {
        let index = usize::try_from(step).ok()?.checked_sub(1)?;
        match &entity.kind {
            Kind::Multipart(children) => Some(&self.parts[*children.get(index)?]),
            _ if index == 0 => Some(entity),
            _ => None,
        }
    }

    /// All part numbers, in order.
    pub fn numbers(&self) -> Vec<Vec<u32>> {
        let mut out = Vec::new();
        self.number_below(self.root(), &mut Vec::new(), &mut out);
        out
    }

    fn number_below(&self, entity: &Part, prefix: &mut Vec<u32>, out: &mut Vec<Vec<u32>>) {
        let parts: Vec<&Part> = match &entity.kind {
            Kind::Multipart(_) => self.children(entity).collect(),
            _ => vec![entity],
        };
        for (step, part) in (1..).zip(parts) {
            prefix.push(step);
            out.push(prefix.clone());
            match &part.kind {
                Kind::Leaf => {}
                Kind::Multipart(_) => self.number_below(part, prefix, out),
                Kind::Message(inner) => self.number_below(&self.parts[*inner], prefix, out),
            }
            prefix.pop();
        }
    }

    /// Adds the entity in `range` and everything inside it; returns its index.
    fn entity(&mut self, view: &[u8], range: Range<usize>, default: &Media, depth: usize) -> usize {
        let body_start = range.start + header_len(&view[range.clone()]);
        let header = range.start..body_start;
        let body = body_start..range.end;
        let media = match first(&view[header.clone()], "Content-Type") {
            Some(value) => Media::parse(&value).unwrap_or_else(|| Media::plain("text", "plain")),
            None => default.clone(),
        };
        let encoding = Encoding::of_header(&view[header.clone()]);
        let index = self.parts.len();
        self.parts.push(Part { header, body: body.clone(), media, encoding, kind: Kind::Leaf });

        let media = &self.parts[index].media;
        let is_full = depth >= DEPTH_MAX || self.parts.len() >= PARTS_MAX;
        if media.kind == "multipart" {
            let child = if media.subtype == "digest" { ("message", "rfc822") } else { ("text", "plain") };
            let child = Media::plain(child.0, child.1);
            let boundary = media.parameter("boundary").map(|b| b.trim_ascii_end().to_vec()).unwrap_or_default();
            let ranges = if is_full { Vec::new() } else { split(view, body, &boundary) };
            let mut children = Vec::with_capacity(ranges.len());
            for range in ranges {
                if self.parts.len() >= PARTS_MAX {
                    break;
                }
                children.push(self.entity(view, range, &child, depth + 1));
            }
            if children.is_empty() {
                self.parts[index].media =
                    if is_full { Media::plain("application", "octet-stream") } else { Media::plain("text", "plain") };
            } else {
                self.parts[index].kind = Kind::Multipart(children);
            }
        } else if media.is("message", "rfc822") || media.is("message", "global") {
            // An encoded message violates RFC 2046 section 5.2.1; its bytes are not a message, so treat it as an
            // attachment.
            if is_full || !encoding.is_identity() {
                self.parts[index].media = Media::plain("application", "octet-stream");
            } else {
                let inner = self.entity(view, body, &Media::plain("text", "plain"), depth + 1);
                self.parts[index].kind = Kind::Message(inner);
            }
        }
        index
    }
}

/// The ranges between the delimiter lines of `boundary` in `body` (RFC 2046 section 5.1.1). The CRLF before a delimiter
/// belongs to it. Without a closing delimiter the last part ends with the body.
fn split(view: &[u8], body: Range<usize>, boundary: &[u8]) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    if boundary.is_empty() {
        return out;
    }
    let bytes = &view[body.clone()];
    let dashed = [b"--", boundary].concat();
    let mut open: Option<usize> = None;
    for at in memmem::find_iter(bytes, &dashed) {
        if at > 0 && bytes[at - 1] != b'\n' {
            continue;
        }
        let after = &bytes[at + dashed.len()..];
        let line_len = memchr::memchr(b'\n', after).map_or(after.len(), |end| end + 1);
        let tail = after[..line_len].trim_ascii();
        let is_close = tail == b"--";
        // Anything else after it is a different boundary with the same prefix.
        if !tail.is_empty() && !is_close {
            continue;
        }
        if let Some(start) = open {
            let end = if at >= 2 && bytes[..at].ends_with(b"\r\n") { at - 2 } else { at };
            out.push(body.start + start..body.start + end.max(start));
        }
        open = Some(at + dashed.len() + line_len);
        if is_close {
            return out;
        }
        if out.len() >= PARTS_MAX {
            break;
        }
    }
    if let Some(start) = open {
        out.push(body.start + start..body.end);
    }
    out
}
