//! CLOSE (RFC 9051 section 6.4.1): a silent EXPUNGE, after which the mailbox is closed.

use super::{Command, NextNeed, Parsed};
use crate::code::Ending;
use crate::context::Context;
use crate::cursor::Cursor;
use crate::need::Need;

struct Close {
    expunged: bool,
}

/// `"CLOSE"`
pub(super) fn parse(cursor: &mut Cursor<'_>, _: &Context) -> Parsed {
    cursor.end()?;
    Ok(Box::new(Close { expunged: false }))
}

impl Command for Close {
    fn ask(&mut self, context: &mut Context) -> NextNeed {
        match &context.selected {
            None => Ending::ok("CLOSE done").into(),
            Some(selected) if !selected.read_only && !self.expunged => {
                self.expunged = true;
                NextNeed::Need(Need::Expunge { among: None })
            }
            Some(_) => {
                context.selected = None;
                NextNeed::Need(Need::Close)
            }
        }
    }
}
