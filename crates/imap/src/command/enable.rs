//! ENABLE (RFC 9051 section 6.3.1, RFC 5161)

use super::{Command, NextNeed, Parsed};
use crate::code::Ending;
use crate::context::Context;
use crate::cursor::Cursor;

struct Enable {
    rev2: bool,
}

/// `enable = "ENABLE" 1*(SP capability)`
pub(super) fn parse(cursor: &mut Cursor<'_>, _: &Context) -> Parsed {
    let mut rev2 = false;
    loop {
        cursor.space()?;
        rev2 |= cursor.atom()?.eq_ignore_ascii_case("IMAP4rev2");
        if cursor.at_end() {
            return Ok(Box::new(Enable { rev2 }));
        }
    }
}

impl Command for Enable {
    fn ask(&mut self, context: &mut Context) -> NextNeed {
        context.rev2 |= self.rev2;
        context.out.raw(if self.rev2 { "* ENABLED IMAP4rev2\r\n" } else { "* ENABLED\r\n" });
        Ending::ok("ENABLE done").into()
    }
}
