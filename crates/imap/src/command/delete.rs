//! DELETE (RFC 9051 section 6.3.5). Children stay; LIST then shows the name as non-existent with children.

use super::{Command, NextNeed, Parsed};
use crate::code::Ending;
use crate::context::Context;
use crate::cursor::Cursor;
use crate::name::Named;
use crate::need::Need;

struct Delete {
    mailbox: Named,
    stage: Stage,
}

#[derive(PartialEq)]
enum Stage {
    Begin,
    CloseFirst,
    Asked,
}

/// `delete = "DELETE" SP mailbox`
pub(super) fn parse(cursor: &mut Cursor<'_>, context: &Context) -> Parsed {
    cursor.space()?;
    let mailbox = context.mailbox(cursor)?;
    cursor.end()?;
    Ok(Box::new(Delete { mailbox, stage: Stage::Begin }))
}

impl Command for Delete {
    fn ask(&mut self, context: &mut Context) -> NextNeed {
        let name = match &self.mailbox {
            Ok(name) => name,
            Err(error) => return Ending::from(*error).into(),
        };
        if name.is_inbox() {
            return Ending::no("INBOX cannot be deleted").code("CANNOT").into();
        }
        match self.stage {
            // A session that deletes its selected mailbox closes it first; other sessions find out at their next
            // refresh.
            Stage::Begin if context.selected.as_ref().is_some_and(|selected| selected.name == *name) => {
                context.selected = None;
                self.stage = Stage::CloseFirst;
                NextNeed::Need(Need::Close)
            }
            Stage::Begin | Stage::CloseFirst => {
                self.stage = Stage::Asked;
                NextNeed::Need(Need::Delete(name.clone()))
            }
            Stage::Asked => Ending::ok("DELETE done").into(),
        }
    }
}
