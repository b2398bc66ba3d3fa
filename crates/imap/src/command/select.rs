//! SELECT and EXAMINE (RFC 9051 sections 6.3.2 and 6.3.3)

use super::{Command, NextNeed, Parsed, WrongAnswer};
use crate::code::Ending;
use crate::context::Context;
use crate::cursor::Cursor;
use crate::name::{MailboxName, Named};
use crate::need::{Answer, Need, OpenedMailbox};
use crate::selected::Selected;

struct Select {
    mailbox: Named,
    read_only: bool,
    asked: bool,
}

/// `select = "SELECT" SP mailbox`
pub(super) fn parse(cursor: &mut Cursor<'_>, context: &Context) -> Parsed {
    parse_as(cursor, context, false)
}

/// `examine = "EXAMINE" SP mailbox`
pub(super) fn parse_examine(cursor: &mut Cursor<'_>, context: &Context) -> Parsed {
    parse_as(cursor, context, true)
}

fn parse_as(cursor: &mut Cursor<'_>, context: &Context, read_only: bool) -> Parsed {
    cursor.space()?;
    let mailbox = context.mailbox(cursor)?;
    cursor.end()?;
    Ok(Box::new(Select { mailbox, read_only, asked: false }))
}

impl Command for Select {
    fn ask(&mut self, context: &mut Context) -> NextNeed {
        if self.asked {
            return if self.read_only {
                Ending::ok("EXAMINE done").code("READ-ONLY").into()
            } else {
                Ending::ok("SELECT done").code("READ-WRITE").into()
            };
        }
        self.asked = true;
        // A failed SELECT leaves no mailbox selected.
        if context.selected.take().is_some() {
            context.out.raw("* OK [CLOSED] Previous mailbox closed\r\n");
        }
        match &self.mailbox {
            Ok(name) => NextNeed::Need(Need::Open(name.clone())),
            Err(error) => NextNeed::Done(Ending::from(*error)),
        }
    }

    fn say(&mut self, answer: Answer, context: &mut Context) -> Result<(), WrongAnswer> {
        let (Answer::Opened(opened), Ok(name)) = (answer, &self.mailbox) else { return Err(WrongAnswer) };
        show(name, opened, self.read_only, context);
        Ok(())
    }
}

/// The untagged responses of section 6.3.2. RECENT and UNSEEN are of RFC 3501, LIST is of RFC 9051.
fn show(name: &MailboxName, opened: OpenedMailbox, read_only: bool, context: &mut Context) {
    let wire = context.wire(name);
    let selected = Selected::new(name.clone(), read_only, &opened.uids, opened.keywords);
    let out = &mut context.out;
    selected.tell_keywords(out);
    let permanent = selected.all_flags().to_string();
    match permanent.strip_suffix(')').filter(|_| !read_only) {
        Some(flags) => out.raw(&format!("* OK [PERMANENTFLAGS {flags} \\*)] Flags permitted\r\n")),
        None => out.raw("* OK [PERMANENTFLAGS ()] Read-only mailbox\r\n"),
    }
    out.raw(&format!("* {} EXISTS\r\n", selected.count()));
    if !context.rev2 {
        out.raw("* 0 RECENT\r\n");
        if let Some(number) = opened.first_unseen.and_then(|uid| selected.number(uid)) {
            out.raw(&format!("* OK [UNSEEN {number}] First unseen\r\n"));
        }
    }
    out.raw(&format!("* OK [UIDVALIDITY {}] UIDs valid\r\n", opened.uid_validity));
    out.raw(&format!("* OK [UIDNEXT {}] Predicted next UID\r\n", opened.uid_next));
    if context.rev2 {
        out.raw("* LIST () \"/\" ");
        out.astring(&wire);
        out.end_line();
    }
    context.selected = Some(selected);
}
