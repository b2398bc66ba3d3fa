//! BODY and BODYSTRUCTURE in wire format (RFC 9051 section 7.5.2, grammar `body`).

use std::borrow::Cow;

use memchr::memchr_iter;

use crate::envelope;
use crate::header::first;
use crate::media::{Parameter, disposition, token};
use crate::structure::{Encoding, Kind, Part, Structure};
use crate::wire;

/// The BODYSTRUCTURE (`extensible`) or BODY of a view.
///
/// A message that is treated as an attachment (encoded, or nested too deeply) is `application/octet-stream` here, since
/// the grammar requires an envelope for `message/rfc822`.
pub fn bodystructure_wire(view: &[u8], structure: &Structure, extensible: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    Writer { view, structure, extensible }.body(structure.root(), &mut out);
    out
}

struct Writer<'v> {
    view: &'v [u8],
    structure: &'v Structure,
    extensible: bool,
}

impl Writer<'_> {
    fn body(&self, part: &Part, out: &mut Vec<u8>) {
        out.push(b'(');
        match &part.kind {
            Kind::Multipart(_) => self.multipart(part, out),
            _ => self.single(part, out),
        }
        out.push(b')');
    }

    /// `body-type-mpart`
    fn multipart(&self, part: &Part, out: &mut Vec<u8>) {
        for child in self.structure.children(part) {
            self.body(child, out);
        }
        out.push(b' ');
        wire::string(out, part.media.subtype.as_bytes());
        if self.extensible {
            out.push(b' ');
            parameters(out, &part.media.parameters);
            self.common_extension(part, out);
        }
    }

    /// `body-type-1part`
    fn single(&self, part: &Part, out: &mut Vec<u8>) {
        let header = &self.view[part.header.clone()];
        wire::string(out, part.media.kind.as_bytes());
        out.push(b' ');
        wire::string(out, part.media.subtype.as_bytes());
        out.push(b' ');
        if part.media.is("text", "plain") && first(header, "Content-Type").is_none() {
            // RFC 2045 section 5.2: the default without a Content-Type.
            out.extend_from_slice(b"(\"charset\" \"us-ascii\")");
        } else {
            parameters(out, &part.media.parameters);
        }
        out.push(b' ');
        wire::nstring(out, first(header, "Content-ID"));
        out.push(b' ');
        wire::nstring(out, first(header, "Content-Description"));
        out.push(b' ');
        wire::string(out, &self.encoding(part));
        out.push(b' ');
        wire::number(out, part.body.len());
        if let Kind::Message(_) = part.kind {
            for inner in self.structure.children(part) {
                out.push(b' ');
                envelope::of_header(&self.view[inner.header.clone()], out);
                out.push(b' ');
                self.body(inner, out);
            }
        }
        if part.media.kind == "text" || matches!(part.kind, Kind::Message(_)) {
            out.push(b' ');
            wire::number(out, memchr_iter(b'\n', &self.view[part.body.clone()]).count());
        }
        if self.extensible {
            out.push(b' ');
            wire::nstring(out, first(header, "Content-MD5"));
            self.common_extension(part, out);
        }
    }

    /// `body-fld-enc`: the encoding as named in the header, by which clients decode.
    fn encoding(&self, part: &Part) -> Cow<'static, [u8]> {
        Cow::Borrowed(match part.encoding {
            Encoding::SevenBit => b"7bit",
            Encoding::EightBit => b"8bit",
            Encoding::Binary => b"binary",
            Encoding::Base64 => b"base64",
            Encoding::QuotedPrintable => b"quoted-printable",
            Encoding::Unknown => {
                let value = first(&self.view[part.header.clone()], "Content-Transfer-Encoding").unwrap_or_default();
                return Cow::Owned(token(&value).0.to_ascii_lowercase());
            }
        })
    }

    /// ` body-fld-dsp body-fld-lang body-fld-loc`
    fn common_extension(&self, part: &Part, out: &mut Vec<u8>) {
        let header = &self.view[part.header.clone()];
        out.push(b' ');
        match first(header, "Content-Disposition").and_then(|value| disposition(&value)) {
            Some((kind, list)) => {
                out.push(b'(');
                wire::string(out, kind.as_bytes());
                out.push(b' ');
                parameters(out, &list);
                out.push(b')');
            }
            None => wire::nil(out),
        }
        out.push(b' ');
        let languages = first(header, "Content-Language").unwrap_or_default();
        let languages: Vec<&[u8]> =
            languages.split(|b| *b == b',').map(|tag| tag.trim_ascii()).filter(|tag| !tag.is_empty()).collect();
        match languages.as_slice() {
            [] => wire::nil(out),
            [one] => wire::string(out, one),
            many => {
                for (index, tag) in many.iter().enumerate() {
                    out.push(if index == 0 { b'(' } else { b' ' });
                    wire::string(out, tag);
                }
                out.push(b')');
            }
        }
        out.push(b' ');
        wire::nstring(out, first(header, "Content-Location"));
    }
}

/// `body-fld-param`
fn parameters(out: &mut Vec<u8>, list: &[Parameter]) {
    if list.is_empty() {
        wire::nil(out);
        return;
    }
    for (index, parameter) in list.iter().enumerate() {
        out.push(if index == 0 { b'(' } else { b' ' });
        wire::string(out, &parameter.name);
        out.push(b' ');
        wire::string(out, &parameter.value);
    }
    out.push(b')');
}
