//! LSUB (RFC 3501 section 6.3.9; dropped by RFC 9051): the subscribed mailboxes, for clients without LIST-EXTENDED.

use super::list::{Match, matching, wire_name};
use super::{Command, NextNeed, Parsed, WrongAnswer};
use crate::code::Ending;
use crate::context::Context;
use crate::cursor::Cursor;
use crate::need::{Answer, Mailboxes, Need, Refusal};
use crate::pattern::{Pattern, Spent};

struct Lsub {
    pattern: Pattern,
    separator_only: bool,
    asked: bool,
    /// It would cost more than one command may.
    spent: bool,
}

/// `lsub = "LSUB" SP mailbox SP list-mailbox`
pub(super) fn parse(cursor: &mut Cursor<'_>, _: &Context) -> Parsed {
    cursor.space()?;
    let reference = cursor.astring()?;
    cursor.space()?;
    let pattern = cursor.list_mailbox()?;
    cursor.end()?;
    let separator_only = pattern.is_empty();
    Ok(Box::new(Lsub { pattern: Pattern::new(&reference, &pattern)?, separator_only, asked: false, spent: false }))
}

impl Command for Lsub {
    fn ask(&mut self, context: &mut Context) -> NextNeed {
        if self.separator_only {
            context.out.raw("* LSUB (\\Noselect) \"/\" \"\"\r\n");
        } else if !self.asked {
            self.asked = true;
            return NextNeed::Need(Need::Mailboxes);
        } else if self.spent {
            return Ending::from(Refusal::Limit).into();
        }
        Ending::ok("LSUB done").into()
    }

    fn say(&mut self, answer: Answer, context: &mut Context) -> Result<(), WrongAnswer> {
        let Answer::Mailboxes(mailboxes) = answer else { return Err(WrongAnswer) };
        self.spent = self.write(&mailboxes, context) == Err(Spent);
        Ok(())
    }
}

impl Lsub {
    fn write(&self, mailboxes: &Mailboxes, context: &mut Context) -> Result<(), Spent> {
        // RFC 3501 section 6.3.9: an unsubscribed name with subscribed children that % hides is listed as \Noselect.
        let matching = matching(
            mailboxes,
            |name, budget| self.pattern.matches(name, &wire_name(name, context), budget),
            |what| what.subscribed,
        )?;
        for Match { name, what, hides } in matching {
            let attributes = match what.subscribed {
                true => "",
                false if hides => "\\Noselect",
                false => continue,
            };
            let wire = wire_name(name, context);
            context.out.raw(&format!("* LSUB ({attributes}) \"/\" "));
            context.out.astring(&wire);
            context.out.end_line();
        }
        Ok(())
    }
}
