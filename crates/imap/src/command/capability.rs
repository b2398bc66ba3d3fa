//! CAPABILITY (RFC 9051 section 6.1.1)

use super::{Command, NextNeed, Parsed};
use crate::code::Ending;
use crate::context::Context;
use crate::cursor::Cursor;

struct Capability;

/// `"CAPABILITY"`
pub(super) fn parse(cursor: &mut Cursor<'_>, _: &Context) -> Parsed {
    cursor.end()?;
    Ok(Box::new(Capability))
}

impl Command for Capability {
    fn ask(&mut self, context: &mut Context) -> NextNeed {
        let line = format!("* CAPABILITY {}\r\n", context.capabilities());
        context.out.raw(&line);
        Ending::ok("CAPABILITY done").into()
    }
}
