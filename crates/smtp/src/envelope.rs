//! What a session learns about a message before and around its octets.

use std::fmt;
use std::net::IpAddr;

use terms::{AccountId, Address};

use crate::limits::HELO_BYTES_MAX;

/// Which of the two protocols a door speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// RFC 5321, from the world.
    Smtp,
    /// RFC 2033, from the operator's own MTA: one reply for each recipient after the data.
    Lmtp,
}

/// What the peer called itself (RFC 5321 section 4.1.1.1): letters, digits and `.-_:[]` only, so that it may stand in a
/// trace header as it is. It proves nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Helo(String);

impl Helo {
    /// `None` when the text is no `Domain` or `address-literal`. `_` is let through: many hosts are so named, and the
    /// name serves the trace only.
    pub fn parse(text: &str) -> Option<Self> {
        let fine =
            |c: char| c.is_ascii_alphanumeric() || ".-_:[]".contains(c) || (!c.is_ascii() && c.is_alphanumeric());
        ((1..=HELO_BYTES_MAX).contains(&text.len()) && text.chars().all(fine)).then(|| Self(text.to_owned()))
    }

    /// The name as the peer wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The cipher suite of a TLS session by its IANA name, for the `tls` clause of the trace (RFC 8314 section 4.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CipherSuite(String);

impl CipherSuite {
    /// `None` when the text has anything but `A-Z 0-9 _`.
    pub fn parse(text: &str) -> Option<Self> {
        let fine = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
        ((1..=80).contains(&text.len()) && text.bytes().all(fine)).then(|| Self(text.to_owned()))
    }

    /// The IANA name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// `BODY=` of RFC 6152. Both are stored as they came; it is kept for the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Body {
    /// The sender says that no octet is above 127.
    #[default]
    SevenBit,
    /// Any octet.
    EightBitMime,
}

/// Whom a message is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Recipient {
    /// A mailbox.
    Mailbox(Address),
    /// `<Postmaster>` without a domain (RFC 5321 section 4.5.1): this node's own.
    Postmaster,
}

/// A recipient that the door found a mailbox for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// As it was asked for.
    pub recipient: Recipient,
    /// Whose mailbox it is.
    pub account: AccountId,
}

/// How a message came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The door's protocol.
    pub protocol: Protocol,
    /// Whether the peer greeted with EHLO or LHLO rather than HELO.
    pub extended: bool,
    /// Its name for itself.
    pub helo: Helo,
    /// Where it connected from.
    pub peer: IpAddr,
    /// The cipher suite, when the session was under TLS.
    pub tls: Option<CipherSuite>,
    /// The reverse-path; `None` is `<>`, a notice that must not be answered.
    pub sender: Option<Address>,
    /// Whether the sender asked for SMTPUTF8 (RFC 6531).
    pub utf8: bool,
    /// The `BODY=` it declared.
    pub body: Body,
}

impl Envelope {
    /// The registered word for the `with` clause of the trace (RFC 3848 section 1, RFC 6531 section 4.3).
    pub fn with(&self) -> &'static str {
        match (self.protocol, self.utf8, self.extended, self.tls.is_some()) {
            (Protocol::Smtp, true, _, false) => "UTF8SMTP",
            (Protocol::Smtp, true, _, true) => "UTF8SMTPS",
            (Protocol::Smtp, false, true, true) => "ESMTPS",
            (Protocol::Smtp, false, true, false) => "ESMTP",
            // HELO after STARTTLS: RFC 3848 registers no word of its own.
            (Protocol::Smtp, false, false, _) => "SMTP",
            (Protocol::Lmtp, true, _, false) => "UTF8LMTP",
            (Protocol::Lmtp, true, _, true) => "UTF8LMTPS",
            (Protocol::Lmtp, false, _, false) => "LMTP",
            (Protocol::Lmtp, false, _, true) => "LMTPS",
        }
    }
}

/// A whole message, ready to be kept. Nothing is promised to the peer until the door has answered.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// How it came.
    pub envelope: Envelope,
    /// Whom it is for: at least one.
    pub recipients: Vec<Accepted>,
    /// The octets between `354` and the final dot, dot-stuffing undone, nothing else changed.
    pub original: Vec<u8>,
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Message({} recipients, {} octets)", self.recipients.len(), self.original.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_stand_in_a_header() {
        for good in ["mx.example", "[192.0.2.1]", "[IPv6:2001:db8::1]", "my_host", "localhost", "bücher.example"] {
            assert!(Helo::parse(good).is_some(), "{good}");
        }
        for bad in ["", "a b", "a(b)", "a\r\nX: y", "<x>", "a;b", "x\0", &"a".repeat(256)] {
            assert!(Helo::parse(bad).is_none(), "{bad:?}");
        }
    }
}
