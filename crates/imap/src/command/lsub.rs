//! LSUB (RFC 3501 section 6.3.9; RFC 9051 dropped it): the subscribed mailboxes, for clients older than LIST-EXTENDED.

use super::list::{children, tree};
use super::{Ask, Command, Parsed, Unfitting};
use crate::code::Ending;
use crate::context::Context;
use crate::cursor::Cursor;
use crate::mutf7;
use crate::need::{Answer, Need};
use crate::pattern::Pattern;

struct Lsub {
    pattern: Pattern,
    separator_only: bool,
    asked: bool,
}

/// `lsub = "LSUB" SP mailbox SP list-mailbox`
pub(super) fn parse(cursor: &mut Cursor<'_>, _: &Context) -> Parsed {
    cursor.space()?;
    let reference = cursor.astring()?;
    cursor.space()?;
    let pattern = cursor.list_mailbox()?;
    cursor.end()?;
    let separator_only = pattern.is_empty();
    Ok(Box::new(Lsub { pattern: Pattern::new(&reference, &pattern)?, separator_only, asked: false }))
}

impl Command for Lsub {
    fn ask(&mut self, context: &mut Context) -> Ask {
        if self.separator_only {
            context.out.raw("* LSUB (\\Noselect) \"/\" \"\"\r\n");
        } else if !self.asked {
            self.asked = true;
            return Ask::Need(Need::Mailboxes);
        }
        Ending::ok("LSUB done").into()
    }

    fn say(&mut self, answer: Answer, context: &mut Context) -> Result<(), Unfitting> {
        let Answer::Mailboxes(mailboxes) = answer else { return Err(Unfitting) };
        let tree = tree(&mailboxes);
        let matches = |name: &str, rev2: bool| {
            let wire = if rev2 { name.to_owned() } else { mutf7::encode(name) };
            self.pattern.matches(name, &wire).then_some(wire)
        };
        for (name, what) in &tree {
            let Some(wire) = matches(name, context.rev2) else { continue };
            // Section 6.3.9: a name that is not subscribed but has children that are, and that a % hides, is \Noselect.
            let hides =
                || children(&tree, name).any(|(child, what)| what.subscribed && matches(child, context.rev2).is_none());
            let attributes = match what.subscribed {
                true => "",
                false if hides() => "\\Noselect",
                false => continue,
            };
            context.out.raw(&format!("* LSUB ({attributes}) \"/\" "));
            context.out.astring(&wire);
            context.out.end_line();
        }
        Ok(())
    }
}
