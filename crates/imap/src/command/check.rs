//! CHECK (RFC 3501 section 6.4.1; not in RFC 9051): every change we have acknowledged is durable, so it equals NOOP.

use super::{Command, NextNeed, Parsed};
use crate::code::Ending;
use crate::context::Context;
use crate::cursor::Cursor;

struct Check;

/// `"CHECK"`
pub(super) fn parse(cursor: &mut Cursor<'_>, _: &Context) -> Parsed {
    cursor.end()?;
    Ok(Box::new(Check))
}

impl Command for Check {
    fn ask(&mut self, _: &mut Context) -> NextNeed {
        Ending::ok("CHECK done").into()
    }
}
