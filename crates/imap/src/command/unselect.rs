//! UNSELECT (RFC 9051 section 6.4.2): closes the mailbox without expunging.

use super::{Command, NextNeed, Parsed};
use crate::code::Ending;
use crate::context::Context;
use crate::cursor::Cursor;
use crate::need::Need;

struct Unselect;

/// `"UNSELECT"`
pub(super) fn parse(cursor: &mut Cursor<'_>, _: &Context) -> Parsed {
    cursor.end()?;
    Ok(Box::new(Unselect))
}

impl Command for Unselect {
    fn ask(&mut self, context: &mut Context) -> NextNeed {
        match context.selected.take() {
            Some(_) => NextNeed::Need(Need::Close),
            None => Ending::ok("UNSELECT done").into(),
        }
    }
}
