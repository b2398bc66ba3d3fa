//! LOGOUT (RFC 9051 section 6.1.3)

use super::{Command, NextNeed, Parsed};
use crate::code::{Ending, Then};
use crate::context::Context;
use crate::cursor::Cursor;

struct Logout;

/// `"LOGOUT"`
pub(super) fn parse(cursor: &mut Cursor<'_>, _: &Context) -> Parsed {
    cursor.end()?;
    Ok(Box::new(Logout))
}

impl Command for Logout {
    fn ask(&mut self, context: &mut Context) -> NextNeed {
        context.out.raw("* BYE Good-bye\r\n");
        Ending::ok("LOGOUT done").then(Then::Close).into()
    }
}
