//! Commands that are refused, with replies that say why.

use super::Next;
use crate::envelope::Protocol;
use crate::reply::{self, Reply};

/// HTTP methods: a browser or an application was directed to this port. Postfix closes on these as well
/// (`smtpd_forbidden_commands`).
const HTTP: &[&str] = &["GET", "POST", "PUT", "HEAD", "OPTIONS", "DELETE", "PATCH", "CONNECT", "HOST:"];

/// Commands of other roles and extensions: known, but not implemented. SEND, SOML, SAML and TURN are in
/// RFC 5321 appendix F.
const ABSENT: &[&str] = &["AUTH", "BDAT", "BURL", "EXPN", "ETRN", "ATRN", "SEND", "SOML", "SAML", "TURN"];

pub(crate) fn answer(protocol: Protocol, word: &str) -> Next {
    let is = |list: &[&str]| list.iter().any(|other| other.eq_ignore_ascii_case(word));
    if is(HTTP) {
        return Next::Close(reply::NOT_HTTP);
    }
    Next::Say(match protocol {
        _ if is(ABSENT) => reply::NOT_IMPLEMENTED,
        // RFC 2033 section 4.1: HELO and EHLO are not for LMTP, nor LHLO for SMTP.
        Protocol::Lmtp if is(&["EHLO", "HELO"]) => Reply::new(500, "5.5.1", "This is LMTP, use LHLO"),
        Protocol::Smtp if is(&["LHLO"]) => Reply::new(500, "5.5.1", "This is SMTP, use EHLO"),
        _ => reply::UNKNOWN,
    })
}
