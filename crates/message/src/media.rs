//! Content-Type and Content-Disposition (RFC 2045 section 5.1, RFC 2183, RFC 2231).

use std::borrow::Cow;

/// A media type with its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Media {
    /// `text`, lower case.
    pub kind: String,
    /// `plain`, lower case.
    pub subtype: String,
    /// In header order; values are unquoted but otherwise as written.
    pub parameters: Vec<Parameter>,
}

/// `name=value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// As written: `charset`, `filename*0*`.
    pub name: Vec<u8>,
    /// Without quotes.
    pub value: Vec<u8>,
}

impl Media {
    /// A media type without parameters.
    pub(crate) fn plain(kind: &str, subtype: &str) -> Self {
        Self { kind: kind.to_owned(), subtype: subtype.to_owned(), parameters: Vec::new() }
    }

    /// Parses an unfolded Content-Type; `None` if it has no `type/subtype`. White space in place of the first semicolon
    /// is accepted.
    pub(crate) fn parse(value: &[u8]) -> Option<Self> {
        let value = value.trim_ascii_start();
        let (kind, rest) = token(value);
        let rest = rest.trim_ascii_start().strip_prefix(b"/")?;
        let (subtype, rest) = token(rest.trim_ascii_start());
        if kind.is_empty() || subtype.is_empty() {
            return None;
        }
        Some(Self { kind: lower(kind), subtype: lower(subtype), parameters: parameters(rest) })
    }

    /// Whether this is `kind/subtype`.
    pub fn is(&self, kind: &str, subtype: &str) -> bool {
        self.kind == kind && self.subtype == subtype
    }

    /// The bytes of the parameter `name`: as written, or joined and percent-decoded from its RFC 2231 pieces.
    pub fn parameter(&self, name: &str) -> Option<Cow<'_, [u8]>> {
        parameter(&self.parameters, name)
    }
}

/// The same for any list of parameters.
pub(crate) fn parameter<'p>(parameters: &'p [Parameter], name: &str) -> Option<Cow<'p, [u8]>> {
    let named = |wanted: &str| parameters.iter().find(|p| p.name.eq_ignore_ascii_case(wanted.as_bytes()));
    if let Some(found) = named(name) {
        return Some(Cow::Borrowed(&found.value));
    }
    if let Some(found) = named(&format!("{name}*")) {
        return Some(Cow::Owned(percent_decoded(without_charset(&found.value))));
    }
    let mut out = Vec::new();
    for piece in 0.. {
        if let Some(found) = named(&format!("{name}*{piece}")) {
            out.extend_from_slice(&found.value);
        } else if let Some(found) = named(&format!("{name}*{piece}*")) {
            let value = if piece == 0 { without_charset(&found.value) } else { &found.value };
            out.extend(percent_decoded(value));
        } else if piece == 0 {
            return None;
        } else {
            break;
        }
    }
    Some(Cow::Owned(out))
}

/// The charset of an extended parameter (`utf-8'en'…`), if `name` is one.
pub(crate) fn parameter_charset<'p>(parameters: &'p [Parameter], name: &str) -> Option<&'p [u8]> {
    parameters
        .iter()
        .find(|p| {
            p.name.eq_ignore_ascii_case(format!("{name}*").as_bytes())
                || p.name.eq_ignore_ascii_case(format!("{name}*0*").as_bytes())
        })
        .and_then(|p| p.value.split(|b| *b == b'\'').next().filter(|charset| charset.len() < p.value.len()))
}

/// A disposition with its parameters: `attachment; filename="x"`.
pub(crate) fn disposition(value: &[u8]) -> Option<(String, Vec<Parameter>)> {
    let (kind, rest) = token(value.trim_ascii_start());
    if kind.is_empty() { None } else { Some((lower(kind), parameters(rest))) }
}

fn lower(token: &[u8]) -> String {
    String::from_utf8_lossy(token).to_ascii_lowercase()
}

/// RFC 2045 section 5.1 `token`, and the rest.
pub(crate) fn token(value: &[u8]) -> (&[u8], &[u8]) {
    let is_token = |b: &u8| b.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?=".contains(b);
    value.split_at(value.iter().position(|b| !is_token(b)).unwrap_or(value.len()))
}

/// The maximum number of parameters read from a field. Real ones have a handful, or a few dozen for a name in pieces.
const PARAMETERS_MAX: usize = 500;

fn parameters(mut rest: &[u8]) -> Vec<Parameter> {
    let mut out = Vec::new();
    loop {
        rest = without_comments(rest);
        while let [b';' | b' ' | b'\t', tail @ ..] = rest {
            rest = without_comments(tail);
        }
        if rest.is_empty() || out.len() >= PARAMETERS_MAX {
            return out;
        }
        let name_len = rest.iter().position(|b| matches!(b, b'=' | b';')).unwrap_or(rest.len());
        let name = rest[..name_len].trim_ascii();
        rest = &rest[name_len..];
        let Some(after) = rest.strip_prefix(b"=") else { continue };
        let (value, tail) = parameter_value(without_comments(after));
        rest = tail;
        if !name.is_empty() {
            out.push(Parameter { name: name.to_vec(), value });
        }
    }
}

/// A quoted string, or everything up to the semicolon: file names with spaces occur unquoted.
fn parameter_value(rest: &[u8]) -> (Vec<u8>, &[u8]) {
    if let Some(quoted) = rest.strip_prefix(b"\"") {
        let mut value = Vec::new();
        let mut at = 0;
        while at < quoted.len() && quoted[at] != b'"' {
            if quoted[at] == b'\\' && at + 1 < quoted.len() {
                at += 1;
            }
            value.push(quoted[at]);
            at += 1;
        }
        return (value, quoted.get(at + 1..).unwrap_or_default());
    }
    let len = rest.iter().position(|b| *b == b';').unwrap_or(rest.len());
    let value = &rest[..len];
    let value = match value.windows(2).position(|pair| matches!(pair, [b' ' | b'\t', b'('])) {
        Some(comment) => &value[..comment],
        None => value,
    };
    (value.trim_ascii().to_vec(), &rest[len..])
}

/// `rest` without leading white space and comments.
fn without_comments(mut rest: &[u8]) -> &[u8] {
    loop {
        rest = rest.trim_ascii_start();
        if rest.first() != Some(&b'(') {
            return rest;
        }
        let mut depth = 0usize;
        let mut len = rest.len();
        for (at, byte) in rest.iter().enumerate() {
            match byte {
                b'(' => depth += 1,
                b')' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                len = at + 1;
                break;
            }
        }
        rest = &rest[len..];
    }
}

/// RFC 2231 section 4: what follows `charset'language'`.
fn without_charset(value: &[u8]) -> &[u8] {
    value.splitn(3, |b| *b == b'\'').nth(2).unwrap_or(value)
}

fn percent_decoded(value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    let mut at = 0;
    while at < value.len() {
        let hex = value.get(at + 1..at + 3).and_then(|digits| std::str::from_utf8(digits).ok());
        match hex.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) if value[at] == b'%' => {
                out.push(byte);
                at += 3;
            }
            _ => {
                out.push(value[at]);
                at += 1;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(value: &str) -> String {
        let Some(media) = Media::parse(value.as_bytes()) else { return "none".to_owned() };
        let parameters = media
            .parameters
            .iter()
            .map(|p| format!("; {}=[{}]", String::from_utf8_lossy(&p.name), String::from_utf8_lossy(&p.value)));
        format!("{}/{}{}", media.kind, media.subtype, parameters.collect::<String>())
    }

    #[test]
    fn as_written_in_the_field() {
        for (value, expected) in [
            ("Text/Plain", "text/plain"),
            ("text/plain; charset=\"us-ascii\" (Plain text)", "text/plain; charset=[us-ascii]"),
            ("text/plain charset=us-ascii", "text/plain; charset=[us-ascii]"),
            ("text/plain (x); charset=utf-8 (y); ; format=flowed", "text/plain; charset=[utf-8]; format=[flowed]"),
            ("application/x; name=a b.txt; q=\"a\\\"b", "application/x; name=[a b.txt]; q=[a\"b]"),
            ("multipart / mixed ; boundary = \"x y\"", "multipart/mixed; boundary=[x y]"),
            ("text", "none"),
            ("", "none"),
            ("/plain", "none"),
        ] {
            assert_eq!(shown(value), expected, "{value}");
        }
    }

    #[test]
    fn pieces_of_rfc_2231() {
        let media = Media::parse(b"a/b; name*0*=utf-8'en'%C3%BC; name*1=x; name*2*=%21; t*=''%41%zz").unwrap();
        assert_eq!(media.parameter("name").unwrap(), "üx!".as_bytes());
        assert_eq!(parameter_charset(&media.parameters, "name"), Some(&b"utf-8"[..]));
        assert_eq!(media.parameter("t").unwrap(), &b"A%zz"[..]);
        assert_eq!(media.parameter("none"), None);
    }
}
