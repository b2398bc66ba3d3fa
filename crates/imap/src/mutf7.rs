//! Modified UTF-7, the encoding of mailbox names for IMAP4rev1 clients (RFC 9051 appendix A.1, RFC 3501 section 5.1.3).

use data_encoding::BASE64_NOPAD;

/// Encodes a name in modified UTF-7.
pub(crate) fn encode(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut shifted = String::new();
    for c in name.chars() {
        if c == ' ' || c.is_ascii_graphic() {
            unshift(&mut shifted, &mut out);
            out.push(c);
            if c == '&' {
                out.push('-');
            }
        } else {
            shifted.push(c);
        }
    }
    unshift(&mut shifted, &mut out);
    out
}

fn unshift(shifted: &mut String, out: &mut String) {
    if shifted.is_empty() {
        return;
    }
    let units: Vec<u8> = shifted.encode_utf16().flat_map(u16::to_be_bytes).collect();
    out.push('&');
    out.push_str(&BASE64_NOPAD.encode(&units).replace('/', ","));
    out.push('-');
    shifted.clear();
}

/// Decodes modified UTF-7. `None` if it is malformed: bytes that are not printable ASCII, an unterminated shift, base64
/// of characters that need none, a superfluous shift. So each name has exactly one encoding.
pub(crate) fn decode(bytes: &[u8]) -> Option<String> {
    let mut out = String::with_capacity(bytes.len());
    let mut rest = std::str::from_utf8(bytes).ok()?;
    let mut after_shift = false;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        if c != '&' {
            if c != ' ' && !c.is_ascii_graphic() {
                return None;
            }
            out.push(c);
            after_shift = false;
            continue;
        }
        let (shifted, tail) = rest.split_once('-')?;
        rest = tail;
        if shifted.is_empty() {
            out.push('&');
            after_shift = false;
            continue;
        }
        if after_shift || shifted.contains('/') {
            return None;
        }
        let octets = BASE64_NOPAD.decode(shifted.replace(',', "/").as_bytes()).ok()?;
        let (units, []) = octets.as_chunks::<2>() else { return None };
        let text: String =
            char::decode_utf16(units.iter().copied().map(u16::from_be_bytes)).collect::<Result<_, _>>().ok()?;
        if text.chars().any(|c| c == ' ' || c.is_ascii_graphic()) {
            return None;
        }
        out.push_str(&text);
        after_shift = true;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways() {
        for (name, wire) in [
            ("INBOX", "INBOX"),
            ("R&D", "R&-D"),
            ("~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"),
            ("Entwürfe", "Entw&APw-rfe"),
            ("&é&", "&-&AOk-&-"),
            ("😀", "&2D3eAA-"),
        ] {
            assert_eq!(encode(name), wire);
            assert_eq!(decode(wire.as_bytes()).as_deref(), Some(name), "{wire}");
        }
        for bad in ["&Jjo!", "&U,BTFw-&ZeVnLIqe-", "&", "&AGE-", "&AP-", "Entwürfe", "&A/w-", "&2D0-", "a\u{1}b"] {
            assert_eq!(decode(bad.as_bytes()), None, "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_name_comes_back(name in "\\PC*") {
            proptest::prop_assert_eq!(decode(encode(&name).as_bytes()), Some(name));
        }

        #[test]
        fn any_form_is_the_only_one(bytes in proptest::collection::vec(0x20u8..0x7f, 0..40)) {
            if let Some(name) = decode(&bytes) {
                proptest::prop_assert_eq!(encode(&name).into_bytes(), bytes);
            }
        }
    }
}
