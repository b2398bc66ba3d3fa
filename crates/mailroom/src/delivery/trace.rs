//! The prefix: `Return-Path:` and `Received:` as the last hop writes them (RFC 5321 section 4.4).
//!
//! It is sealed beside the original and never mixed into it. Everything in it has a type that cannot contain a line end or
//! a misplaced bracket: [`smtp::Helo`], [`terms::Address`], an `IpAddr`, this node's own name. So no peer can inject a
//! header through its name or its sender address.

use std::net::IpAddr;

use smtp::{Envelope, Recipient};
use terms::UnixMillis;

/// A message that passed more hosts than this is in a mail loop. RFC 5321 section 6.3: at least 100.
pub(super) const HOPS_MAX: usize = 100;

/// How many hosts added trace fields to the view's header.
pub(super) fn hops(view: &[u8]) -> usize {
    message::fields(&view[..message::header_len(view)]).filter(|field| field.is("Received")).count()
}

/// The prefix for one recipient. The message's id at this node, `id`, helps to find the line in the debug log.
pub(super) fn prefix(
    envelope: &Envelope,
    recipient: &Recipient,
    hostname: &str,
    id: &str,
    at: UnixMillis,
    view: &[u8],
) -> Vec<u8> {
    let sender = envelope.sender.as_ref().map(ToString::to_string).unwrap_or_default();
    let recipient = match recipient {
        Recipient::Mailbox(address) => address.to_string(),
        Recipient::Postmaster => "Postmaster".to_owned(),
    };
    // RFC 8314 section 4.3: the cipher suite is a clause of its own.
    let tls = envelope.tls.as_ref().map(|suite| format!(" tls {}", suite.as_str())).unwrap_or_default();
    let mut prefix = format!(
        "Return-Path: <{sender}>\r\n\
         Received: from {helo} ({peer})\r\n\
         \tby {hostname} (Bailiwick) with {with} id {id}\r\n\
         \tfor <{recipient}>{tls};\r\n\
         \t{date}\r\n",
        helo = envelope.helo.as_str(),
        peer = literal(envelope.peer),
        with = envelope.with(),
        date = date(at),
    );
    // A message without a header is all text; without this line its first line would look like part of ours.
    if message::header_len(view) == 0 {
        prefix.push_str("\r\n");
    }
    prefix.into_bytes()
}

/// `address-literal` of RFC 5321 section 4.1.3.
fn literal(peer: IpAddr) -> String {
    match peer.to_canonical() {
        IpAddr::V4(address) => format!("[{address}]"),
        IpAddr::V6(address) => format!("[IPv6:{address}]"),
    }
}

/// `date-time` of RFC 5322 section 3.3, in UTC.
pub(super) fn date(at: UnixMillis) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let text = at.rfc3339();
    let piece = |range: std::ops::Range<usize>| text.get(range).unwrap_or("00");
    let weekday = DAYS[usize::try_from(at.seconds().div_euclid(86_400).rem_euclid(7)).unwrap_or(0)];
    let month = piece(5..7).parse().unwrap_or(1_usize).clamp(1, 12);
    format!("{weekday}, {} {} {} {} +0000", piece(8..10), MONTHS[month - 1], piece(0..4), piece(11..19))
}

#[cfg(test)]
mod tests {
    use smtp::{Body, CipherSuite, Helo, Protocol};

    use super::*;

    fn envelope(sender: &str) -> Envelope {
        Envelope {
            protocol: Protocol::Smtp,
            extended: true,
            helo: Helo::parse("mx.example").unwrap(),
            peer: [192, 0, 2, 1].into(),
            tls: CipherSuite::parse("TLS_AES_128_GCM_SHA256"),
            sender: sender.parse().ok(),
            utf8: false,
            body: Body::SevenBit,
        }
    }

    fn check(envelope: &Envelope, view: &[u8], expected: &str) {
        let ann = Recipient::Mailbox("ann@ie.example".parse().unwrap());
        let at = UnixMillis(1_795_411_159_000);
        let prefix = prefix(envelope, &ann, "mail.ie.example", "00ff", at, view);
        assert_eq!(String::from_utf8(prefix).unwrap(), expected);
    }

    #[test]
    fn prefixes() {
        check(
            &envelope("x@y.example"),
            b"A: b\r\n\r\n",
            "Return-Path: <x@y.example>\r\nReceived: from mx.example ([192.0.2.1])\r\n\
             \tby mail.ie.example (Bailiwick) with ESMTPS id 00ff\r\n\
             \tfor <ann@ie.example> tls TLS_AES_128_GCM_SHA256;\r\n\tMon, 23 Nov 2026 05:19:19 +0000\r\n",
        );
        let notice =
            Envelope { protocol: Protocol::Lmtp, tls: None, peer: "2001:db8::1".parse().unwrap(), ..envelope("") };
        check(
            &notice,
            b"no header",
            "Return-Path: <>\r\nReceived: from mx.example ([IPv6:2001:db8::1])\r\n\
             \tby mail.ie.example (Bailiwick) with LMTP id 00ff\r\n\
             \tfor <ann@ie.example>;\r\n\tMon, 23 Nov 2026 05:19:19 +0000\r\n\r\n",
        );
    }

    #[test]
    fn no_peer_writes_a_header() {
        // A name or an address cannot contain a line end: the types refuse it.
        for text in ["x\r\nX-Evil: 1", "x\nX-Evil: 1", "x\rX-Evil", "x\0", "x (y)\r\n"] {
            assert!(Helo::parse(text).is_none());
            assert!(format!("{text}@y.example").parse::<terms::Address>().is_err());
            assert!(format!("\"{text}\"@y.example").parse::<terms::Address>().is_err());
            assert!(format!("x@{text}").parse::<terms::Address>().is_err());
            assert!(CipherSuite::parse(text).is_none());
        }
        // And a quoted local part with every unusual character that is allowed stays within its line.
        let odd = envelope("\"a> (b);\\\" c:\"@y.example");
        let prefix = prefix(&odd, &Recipient::Postmaster, "h", "0", UnixMillis(0), b"A: b\r\n\r\n");
        assert_eq!(message::fields(&prefix).count(), 2);
    }

    #[test]
    fn dates_are_read_back() {
        for seconds in [0, 951_782_400, 1_795_411_159, 4_102_444_799] {
            let at = UnixMillis(seconds * 1000);
            assert_eq!(message::parse_date(date(at).as_bytes()).unwrap().unix(), at);
        }
        assert_eq!(date(UnixMillis(951_782_400_000)), "Tue, 29 Feb 2000 00:00:00 +0000");
    }

    #[test]
    fn hops_are_counted_in_the_header_only() {
        let view = b"Received: a\r\nreceived: b\r\n c\r\nX-Received: d\r\n\r\nReceived: e\r\n";
        assert_eq!(hops(view), 2);
    }
}
