//! NOOP (RFC 9051 section 6.1.2): how a client that does not IDLE asks what is new.

use super::{Ask, Command, Parsed};
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
    fn ask(&mut self, _: &mut Context) -> Ask {
        Ending::ok("NOOP done").into()
    }
}
