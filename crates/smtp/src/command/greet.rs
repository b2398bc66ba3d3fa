//! EHLO and HELO (RFC 5321 section 4.1.1.1), LHLO (RFC 2033 section 4.1).

use std::fmt::Write;

use super::{Dialog, Encryption, Greeting, Next};
use crate::envelope::Helo;
use crate::reply::{Reply, syntax};

pub(crate) fn ehlo(dialog: &mut Dialog, argument: &str) -> Next {
    extended(dialog, argument)
}

pub(crate) fn lhlo(dialog: &mut Dialog, argument: &str) -> Next {
    extended(dialog, argument)
}

pub(crate) fn helo(dialog: &mut Dialog, argument: &str) -> Next {
    Next::Say(match greet(dialog, argument, false) {
        Ok(()) => Reply::made(250, "", dialog.config.hostname.to_string()),
        Err(reply) => reply,
    })
}

fn extended(dialog: &mut Dialog, argument: &str) -> Next {
    Next::Say(match greet(dialog, argument, true) {
        Ok(()) => Reply::made(250, "", offers(dialog)),
        Err(reply) => reply,
    })
}

/// A greeting resets an open transaction (RFC 5321 section 4.1.4).
fn greet(dialog: &mut Dialog, argument: &str, extended: bool) -> Result<(), Reply> {
    let helo = Helo::parse(argument).ok_or(syntax("Syntax: expected a domain or an address literal"))?;
    dialog.greeting = Some(Greeting { helo, extended });
    dialog.transaction = None;
    Ok(())
}

/// The first line has this node's name, each further line an extension.
fn offers(dialog: &Dialog) -> String {
    let mut text = dialog.config.hostname.to_string();
    text.push_str("\nPIPELINING"); // RFC 2920
    let _ = write!(text, "\nSIZE {}", dialog.config.message_size_bytes_max); // RFC 1870 section 3
    text.push_str("\n8BITMIME"); // RFC 6152
    text.push_str("\nENHANCEDSTATUSCODES"); // RFC 2034
    text.push_str("\nSMTPUTF8"); // RFC 6531
    // RFC 3207 section 4.2: not offered again under TLS.
    if dialog.config.starttls && matches!(dialog.secrecy, Encryption::Plain) {
        text.push_str("\nSTARTTLS");
    }
    text
}
