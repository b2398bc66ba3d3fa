//! CLOSE (RFC 9051 section 6.4.1): like EXPUNGE, without telling, and then the mailbox is closed.

use super::{Ask, Command, Parsed};
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
    fn ask(&mut self, context: &mut Context) -> Ask {
        match &context.selected {
            None => Ending::ok("CLOSE done").into(),
            Some(selected) if !selected.read_only && !self.expunged => {
                self.expunged = true;
                Ask::Need(Need::Expunge { among: None })
            }
            Some(_) => {
                context.selected = None;
                Ask::Need(Need::Close)
            }
        }
    }
}
