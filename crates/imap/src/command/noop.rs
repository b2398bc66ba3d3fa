//! NOOP (RFC 9051 section 6.1.2): polls for changes.

use super::{Command, NextNeed, Parsed};
use crate::code::Ending;
use crate::context::Context;
use crate::cursor::Cursor;

struct Noop;

/// `"NOOP"`
pub(super) fn parse(cursor: &mut Cursor<'_>, _: &Context) -> Parsed {
    cursor.end()?;
    Ok(Box::new(Noop))
}

impl Command for Noop {
    fn ask(&mut self, _: &mut Context) -> NextNeed {
        Ending::ok("NOOP done").into()
    }
}
