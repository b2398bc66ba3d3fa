//! STATUS (RFC 9051 section 6.3.11)

use super::{Command, NextNeed, Parsed, WrongAnswer};
use crate::code::Ending;
use crate::context::Context;
use crate::cursor::{Bad, Cursor};
use crate::name::Named;
use crate::need::{Answer, MailboxRow, Need};

struct Status {
    mailbox: Named,
    items: Vec<StatusItem>,
    asked: bool,
}

/// `status-att`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StatusItem {
    Messages,
    UidNext,
    UidValidity,
    Unseen,
    Deleted,
    Size,
    /// RFC 9208 section 4.1.4.
    DeletedStorage,
    /// RFC 3501; always 0.
    Recent,
}

const NAMES: [(&str, StatusItem); 8] = [
    ("MESSAGES", StatusItem::Messages),
    ("UIDNEXT", StatusItem::UidNext),
    ("UIDVALIDITY", StatusItem::UidValidity),
    ("UNSEEN", StatusItem::Unseen),
    ("DELETED", StatusItem::Deleted),
    ("SIZE", StatusItem::Size),
    ("DELETED-STORAGE", StatusItem::DeletedStorage),
    ("RECENT", StatusItem::Recent),
];

/// `status = "STATUS" SP mailbox SP "(" status-att *(SP status-att) ")"`
pub(super) fn parse(cursor: &mut Cursor<'_>, context: &Context) -> Parsed {
    cursor.space()?;
    let mailbox = context.mailbox(cursor)?;
    cursor.space()?;
    let items = parse_items(cursor)?;
    cursor.end()?;
    Ok(Box::new(Status { mailbox, items, asked: false }))
}

/// `"(" status-att *(SP status-att) ")"`; each once.
pub(super) fn parse_items(cursor: &mut Cursor<'_>) -> Result<Vec<StatusItem>, Bad> {
    let mut items = Vec::new();
    for name in cursor.list(4 * NAMES.len(), Cursor::word)? {
        let known = NAMES.iter().find(|(known, _)| *known == name);
        let (_, item) = known.ok_or(Bad("unknown status item"))?;
        if !items.contains(item) {
            items.push(*item);
        }
    }
    if items.is_empty() { Err(Bad("expected a status item")) } else { Ok(items) }
}

/// `* STATUS mailbox (…)`
pub(super) fn write(row: &MailboxRow, items: &[StatusItem], context: &mut Context) {
    let wire = context.wire(&row.name);
    let out = &mut context.out;
    out.raw("* STATUS ");
    out.astring(&wire);
    for (count, item) in items.iter().enumerate() {
        let name = NAMES.iter().find(|(_, known)| known == item).map_or("", |(name, _)| name);
        let number = match item {
            StatusItem::Messages => u64::from(row.messages),
            StatusItem::UidNext => u64::from(row.uid_next),
            StatusItem::UidValidity => u64::from(row.uid_validity),
            StatusItem::Unseen => u64::from(row.unseen),
            StatusItem::Deleted => u64::from(row.deleted),
            StatusItem::Size => row.size_bytes,
            StatusItem::DeletedStorage => row.deleted_size_bytes,
            StatusItem::Recent => 0,
        };
        out.raw(&format!("{}{name} {number}", if count == 0 { " (" } else { " " }));
    }
    out.raw(")\r\n");
}

impl Command for Status {
    fn ask(&mut self, _: &mut Context) -> NextNeed {
        match &self.mailbox {
            Err(error) => Ending::from(*error).into(),
            Ok(_) if self.asked => Ending::ok("STATUS done").into(),
            Ok(name) => {
                self.asked = true;
                NextNeed::Need(Need::Mailbox(name.clone()))
            }
        }
    }

    fn say(&mut self, answer: Answer, context: &mut Context) -> Result<(), WrongAnswer> {
        let Answer::Mailbox(row) = answer else { return Err(WrongAnswer) };
        write(&row, &self.items, context);
        Ok(())
    }
}
