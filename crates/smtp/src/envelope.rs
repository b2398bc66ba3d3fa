//! What a session learns about a message besides its content.

use std::fmt;
use std::net::IpAddr;

use terms::{AccountId, Address};

use crate::limits::HELO_BYTES_MAX;

/// Which of the two protocols a door speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// RFC 5321, from the Internet.
    Smtp,
    /// RFC 2033, from the operator's own MTA: one reply per recipient after the data.
    Lmtp,
}

/// The name by which the peer introduced itself (RFC 5321 section 4.1.1.1): letters, digits and `.-_:[]` only, so that
/// it is safe in a trace header. It proves nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Helo(String);

impl Helo {
    /// `None` if the text is not a `Domain` or `address-literal`. `_` is accepted: many host names contain it, and the
    /// name is used in trace headers only.
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
    /// `None` if the text contains anything but `A-Z 0-9 _`.
    pub fn parse(text: &str) -> Option<Self> {
        let fine = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
        ((1..=80).contains(&text.len()) && text.bytes().all(fine)).then(|| Self(text.to_owned()))
    }

    /// The IANA name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// `BODY=` of RFC 6152, for the record: messages are stored as received either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Body {
    /// The sender declares that no octet is above 127.
    #[default]
    SevenBit,
    /// Any octet.
    EightBitMime,
}

/// The recipient of a message.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Recipient {
    Mailbox(Address),
    /// `<Postmaster>` without a domain (RFC 5321 section 4.5.1): this node's postmaster.
    Postmaster,
}

/// A recipient with a local mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// As given by the peer.
    pub recipient: Recipient,
    /// The account that the mailbox belongs to.
    pub account: AccountId,
}

/// How a message was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// SMTP or LMTP.
    pub protocol: Protocol,
    /// Whether the peer greeted with EHLO or LHLO rather than HELO.
    pub extended: bool,
    /// The name in its greeting.
    pub helo: Helo,
    /// The peer's IP address.
    pub peer: IpAddr,
    /// The cipher suite, if the session used TLS.
    pub tls: Option<CipherSuite>,
    /// The reverse-path; `None` is `<>`, as in notifications that must not be answered.
    pub sender: Option<Address>,
    /// Whether the sender asked for SMTPUTF8 (RFC 6531).
    pub utf8: bool,
    /// The `BODY=` it declared.
    pub body: Body,
}

impl Envelope {
    /// The registered keyword for the `with` clause of the trace (RFC 3848 section 1, RFC 6531 section 4.3).
    pub fn with(&self) -> &'static str {
        match (self.protocol, self.utf8, self.extended, self.tls.is_some()) {
            (Protocol::Smtp, true, _, false) => "UTF8SMTP",
            (Protocol::Smtp, true, _, true) => "UTF8SMTPS",
            (Protocol::Smtp, false, true, true) => "ESMTPS",
            (Protocol::Smtp, false, true, false) => "ESMTP",
            // HELO after STARTTLS: RFC 3848 registers no keyword for it.
            (Protocol::Smtp, false, false, _) => "SMTP",
            (Protocol::Lmtp, true, _, false) => "UTF8LMTP",
            (Protocol::Lmtp, true, _, true) => "UTF8LMTPS",
            (Protocol::Lmtp, false, _, false) => "LMTP",
            (Protocol::Lmtp, false, _, true) => "LMTPS",
        }
    }
}

/// A complete message to be stored. Nothing is promised to the peer until the door has answered.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// How it was received.
    pub envelope: Envelope,
    /// The recipients, at least one.
    pub recipients: Vec<Accepted>,
    /// The octets between `354` and the final dot, with dot-stuffing undone and nothing else changed.
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
    fn a_name_is_safe_in_a_header() {
        for good in ["mx.example", "[192.0.2.1]", "[IPv6:2001:db8::1]", "my_host", "localhost", "bücher.example"] {
            assert!(Helo::parse(good).is_some(), "{good}");
        }
        for bad in ["", "a b", "a(b)", "a\r\nX: y", "<x>", "a;b", "x\0", &"a".repeat(256)] {
            assert!(Helo::parse(bad).is_none(), "{bad:?}");
        }
    }
}
