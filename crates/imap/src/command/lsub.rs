//! LSUB (RFC 3501 section 6.3.9; dropped by RFC 9051): the subscribed mailboxes, for clients without LIST-EXTENDED.

use super::list::{children, tree};
use super::{Command, NextNeed, Parsed, WrongAnswer};
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
    fn ask(&mut self, context: &mut Context) -> NextNeed {
        if self.separator_only {
            context.out.raw("* LSUB (\\Noselect) \"/\" \"\"\r\n");
        } else if !self.asked {
            self.asked = true;
            return NextNeed::Need(Need::Mailboxes);
        }
        Ending::ok("LSUB done").into()
    }

    fn say(&mut self, answer: Answer, context: &mut Context) -> Result<(), WrongAnswer> {
        let Answer::Mailboxes(mailboxes) = answer else { return Err(WrongAnswer) };
        let tree = tree(&mailboxes);
        let matches = |name: &str, rev2: bool| {
            let wire = if rev2 { name.to_owned() } else { mutf7::encode(name) };
            self.pattern.matches(name, &wire).then_some(wire)
        };
        for (name, what) in &tree {
            let Some(wire) = matches(name, context.rev2) else { continue };
            // Section 6.3.9: an unsubscribed name with subscribed children that % hides is listed as \Noselect.
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
