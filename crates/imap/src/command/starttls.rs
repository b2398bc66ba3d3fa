//! STARTTLS (RFC 9051 section 6.2.1)
//!
//! The session discards what was received in clear text after the command: otherwise a man in the middle could inject
//! commands (CVE-2011-0411 and similar).

use super::{Command, NextNeed, Parsed};
use crate::code::{Ending, Then};
use crate::context::Context;
use crate::cursor::Cursor;

struct StartTls;

/// `"STARTTLS"`
pub(super) fn parse(cursor: &mut Cursor<'_>, _: &Context) -> Parsed {
    cursor.end()?;
    Ok(Box::new(StartTls))
}

impl Command for StartTls {
    fn ask(&mut self, context: &mut Context) -> NextNeed {
        if context.tls {
            return Ending::bad("TLS already active").into();
        }
        if !context.config.starttls {
            return Ending::no("TLS not available").code("UNAVAILABLE").into();
        }
        Ending::ok("Begin TLS now").then(Then::StartTls).into()
    }
}
