//! MAIL (RFC 5321 section 4.1.1.2): the sender, with `SIZE=` (RFC 1870), `BODY=` (RFC 6152), `SMTPUTF8` (RFC 6531).

use super::{Dialog, Next, Transaction};
use crate::address::{NEEDS_UTF8, needs_utf8, parameters, reverse_path};
use crate::envelope::Body;
use crate::reply::{self, Reply};

pub(crate) fn run(dialog: &mut Dialog, argument: &str) -> Next {
    Next::Say(match begin(dialog, argument) {
        Ok(transaction) => {
            dialog.transaction = Some(transaction);
            Reply::new(250, "2.1.0", "Sender OK")
        }
        Err(reply) => reply,
    })
}

fn begin(dialog: &Dialog, argument: &str) -> Result<Transaction, Reply> {
    if dialog.greeting.is_none() {
        return Err(reply::out_of_order("Send EHLO first"));
    }
    // RFC 5321 section 4.1.4: one transaction at a time.
    if dialog.transaction.is_some() {
        return Err(reply::out_of_order("Nested MAIL command"));
    }
    let path = match argument.get(..5) {
        Some(word) if word.eq_ignore_ascii_case("FROM:") => &argument[5..],
        _ => return Err(reply::syntax("Syntax: MAIL FROM:<address>")),
    };
    let (sender, rest) = reverse_path(path)?;
    let mut open = Transaction { sender, utf8: false, body: Body::default(), declared: None, recipients: Vec::new() };
    parameters(rest, |keyword, value| {
        match (keyword, value) {
            // RFC 1870 section 4: 1 to 20 digits.
            ("SIZE", Some(value)) if value.len() <= 20 && value.bytes().all(|b| b.is_ascii_digit()) => {
                open.declared = Some(value.parse().unwrap_or(u64::MAX));
            }
            ("BODY", Some(value)) if value.eq_ignore_ascii_case("7BIT") => open.body = Body::SevenBit,
            ("BODY", Some(value)) if value.eq_ignore_ascii_case("8BITMIME") => open.body = Body::EightBitMime,
            ("SMTPUTF8", None) => open.utf8 = true,
            ("SIZE" | "BODY" | "SMTPUTF8", _) => return Err(reply::PARAMETER),
            _ => return Err(reply::UNKNOWN_PARAMETER),
        }
        Ok(())
    })?;
    // RFC 1870 section 6.1: refuse it before it is sent.
    if open.declared.is_some_and(|declared| declared > dialog.config.message_size_bytes_max) {
        return Err(reply::MESSAGE_TOO_BIG);
    }
    if !open.utf8 && open.sender.as_ref().is_some_and(needs_utf8) {
        return Err(NEEDS_UTF8);
    }
    Ok(open)
}
