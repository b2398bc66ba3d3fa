//! A mailbox address in SMTP's syntax (RFC 5321 section 4.1.2 `Mailbox`, RFC 6531 section 3.3 for UTF-8).

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// `local-part "@" domain`. Parsed strictly: dot-string or quoted-string, a domain of LDH or UTF-8 labels, or an
/// address literal. Compared and hashed in its [`canonical`](Address::canonical) form.
///
/// `Debug` prints none of it (invariant 10).
#[derive(Clone)]
pub struct Address {
    local: String,
    domain: Domain,
}

/// The part of an address after the `@`, in lower case.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Domain(String);

/// Why a text is not a valid address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AddressError {
    /// There is no `@`, or one side of it is empty.
    NotAnAddress,
    /// The local part is longer than 64 octets (RFC 5321 section 4.5.3.1.1) or contains a character that must be
    /// quoted.
    Local,
    /// The domain is longer than 255 octets (section 4.5.3.1.2) or a label is malformed.
    Domain,
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAnAddress => "not an address: expected local-part@domain",
            Self::Local => "the part before @ is longer than 64 octets or contains a character that must be quoted",
            Self::Domain => "the part after @ is not a valid domain",
        })
    }
}

impl std::error::Error for AddressError {}

impl Address {
    /// The part before `@`, as written, quotes included.
    pub fn local(&self) -> &str {
        &self.local
    }

    /// The part after `@`.
    pub fn domain(&self) -> &Domain {
        &self.domain
    }

    /// The form used for comparison and look-up: lower case, without unnecessary quotes. The local part is folded too,
    /// because `Ann@` and `ann@` must never be two different people on one node.
    pub fn canonical(&self) -> String {
        let local = unquote(&self.local).to_lowercase();
        format!("{}@{}", local, self.domain.0)
    }
}

fn unquote(local: &str) -> String {
    let Some(inner) = local.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return local.to_owned();
    };
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        out.push(if c == '\\' { chars.next().unwrap_or(c) } else { c });
    }
    if is_dot_string(&out) { out } else { local.to_owned() }
}

/// RFC 5321 `Dot-string`: atoms of `atext` (UTF-8 allowed by RFC 6531) joined by single dots.
fn is_dot_string(text: &str) -> bool {
    !text.is_empty() && text.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atext))
}

fn is_atext(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || (!c.is_ascii() && !crate::is_hidden(c))
}

/// RFC 5321 `Quoted-string`.
fn is_quoted_string(text: &str) -> bool {
    let Some(inner) = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return false;
    };
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        let ok = match c {
            '"' => false,
            '\\' => chars.next().is_some_and(|next| next.is_ascii_graphic() || next == ' '),
            _ => c == ' ' || c.is_ascii_graphic() || (!c.is_ascii() && !crate::is_hidden(c)),
        };
        if !ok {
            return false;
        }
    }
    text.len() >= 2
}

/// RFC 5321 section 4.1.3: `IPv4-address-literal / IPv6-address-literal`, without brackets. There is no third kind: no tag
/// but `IPv6` is registered.
fn is_address_literal(text: &str) -> bool {
    match text.split_at_checked(5) {
        Some((tag, address)) if tag.eq_ignore_ascii_case("IPv6:") => address.parse::<Ipv6Addr>().is_ok(),
        _ => text.parse::<Ipv4Addr>().is_ok(),
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        // Split at the last `@`: a quoted local part may contain others.
        let (local, domain) = text.rsplit_once('@').ok_or(AddressError::NotAnAddress)?;
        if local.is_empty() || domain.is_empty() {
            return Err(AddressError::NotAnAddress);
        }
        if local.len() > 64 || !(is_dot_string(local) || is_quoted_string(local)) {
            return Err(AddressError::Local);
        }
        Ok(Self { local: local.to_owned(), domain: domain.parse()? })
    }
}

impl FromStr for Domain {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let literal = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).is_some_and(is_address_literal);
        let label = |label: &str| {
            !label.is_empty()
                && label.len() <= 63
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || c == '-' || (!c.is_ascii() && c.is_alphanumeric()))
        };
        if text.len() <= 255 && (literal || text.split('.').all(label)) {
            Ok(Self(text.to_lowercase()))
        } else {
            Err(AddressError::Domain)
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.local, self.domain.0)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address(…)")
    }
}

impl PartialEq for Address {
    fn eq(&self, other: &Self) -> bool {
        self.canonical() == other.canonical()
    }
}

impl Eq for Address {}

impl std::hash::Hash for Address {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.canonical().hash(state);
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Domain({})", self.0)
    }
}

impl Domain {
    /// The domain as text, lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl serde::Serialize for Address {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Address {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strict_where_the_standard_is() {
        for good in [
            "a@b",
            "Ann.Lee@Example.ORG",
            "\"a b\"@x.example",
            "o'hara+x@ie.example",
            "grün@bücher.example",
            "x@[127.0.0.1]",
            "x@[IPv6:2001:db8::1]",
            "x@[ipv6:::ffff:192.0.2.1]",
        ] {
            assert!(good.parse::<Address>().is_ok(), "{good}");
        }
        for bad in
            ["", "a", "@b", "a@", "a..b@c", ".a@c", "a b@c", "a@b_c", "a@-b", "a@b..c", "a\r\nb@c", "\"a@b", "a@b>"]
        {
            assert!(bad.parse::<Address>().is_err(), "{bad}");
        }
        for literal in ["999.1.1.1", "1.2.3", "1.2.3.4.5", "::1", "IPv6:", "IPv6:1::2::3", "IPv6:192.0.2.1", "p", ""] {
            assert!(format!("a@[{literal}]").parse::<Address>().is_err(), "{literal}");
        }
        assert!("a\u{202e}b@c".parse::<Address>().is_err(), "it would be read backwards");
    }

    #[test]
    fn same_person_compares_equal() {
        let one: Address = "Ann@Example.org".parse().unwrap();
        let two: Address = "\"ann\"@example.ORG".parse().unwrap();
        assert_eq!(one, two);
        assert_eq!(format!("{one:?}"), "Address(…)");
    }
}
