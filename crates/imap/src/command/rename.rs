//! RENAME (RFC 9051 section 6.3.6)

use super::{Command, NextNeed, Parsed};
use crate::code::Ending;
use crate::context::Context;
use crate::cursor::Cursor;
use crate::name::Named;
use crate::need::Need;

struct Rename {
    from: Named,
    to: Named,
    asked: bool,
}

/// `rename = "RENAME" SP mailbox SP mailbox`
pub(super) fn parse(cursor: &mut Cursor<'_>, context: &Context) -> Parsed {
    cursor.space()?;
    let from = context.mailbox(cursor)?;
    cursor.space()?;
    let to = context.mailbox(cursor)?;
    cursor.end()?;
    Ok(Box::new(Rename { from, to, asked: false }))
}

impl Command for Rename {
    fn ask(&mut self, context: &mut Context) -> NextNeed {
        let (from, to) = match (&self.from, &self.to) {
            (Ok(from), Ok(to)) => (from, to),
            (Err(error), _) | (_, Err(error)) => return Ending::from(*error).into(),
        };
        if self.asked {
            if let Some(selected) =
                context.selected.as_mut().filter(|selected| selected.name == *from && !from.is_inbox())
            {
                selected.name = to.clone();
            }
            return Ending::ok("RENAME done").into();
        }
        self.asked = true;
        if to.is_inbox() {
            return Ending::no("INBOX already exists").code("ALREADYEXISTS").into();
        }
        if to.as_str().strip_prefix(from.as_str()).is_some_and(|rest| rest.starts_with('/')) && !from.is_inbox() {
            return Ending::no("Cannot rename a mailbox to its own child").code("CANNOT").into();
        }
        NextNeed::Need(Need::Rename { from: from.clone(), to: to.clone() })
    }
}
