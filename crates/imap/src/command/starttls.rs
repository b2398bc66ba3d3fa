//! STARTTLS (RFC 9051 section 6.2.1)
//!
//! What came in clear text after the command is thrown away by the session: otherwise a man in the middle could put his
//! commands into the mouth of the client (CVE-2011-0411 and its kin).

use super::{Ask, Command, Parsed};
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
    fn ask(&mut self, context: &mut Context) -> Ask {
        if context.tls {
            return Ending::bad("TLS is in use already").into();
        }
        if !context.config.starttls {
            return Ending::no("TLS is not offered here").code("UNAVAILABLE").into();
        }
        Ending::ok("Begin TLS now").then(Then::StartTls).into()
    }
}
