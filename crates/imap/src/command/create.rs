//! CREATE (RFC 9051 section 6.3.4), with a use (RFC 6154 section 5.2)

use super::{Command, NextNeed, Parsed};
use crate::code::Ending;
use crate::context::Context;
use crate::cursor::{Bad, Cursor};
use crate::name::{MailboxName, Named};
use crate::need::{Need, SpecialUse};

struct Create {
    mailbox: Named,
    special_use: Result<Option<SpecialUse>, ()>,
    asked: bool,
}

/// `create = "CREATE" SP mailbox [SP "(" "USE" SP "(" [use-attr *(SP use-attr)] ")" ")"]`
pub(super) fn parse(cursor: &mut Cursor<'_>, context: &Context) -> Parsed {
    cursor.space()?;
    let mut octets = cursor.astring()?;
    // Section 6.3.4: a trailing separator announces children and is not part of the name.
    if octets.len() > 1 && octets.ends_with(b"/") {
        octets.pop();
    }
    let mailbox = MailboxName::from_wire(&octets, context.rev2);
    let mut special_use = Ok(None);
    if cursor.eat(b' ') {
        cursor.expect(b'(')?;
        if cursor.word()? != "USE" {
            return Err(Bad("unknown CREATE option"));
        }
        cursor.space()?;
        let uses = cursor.list(SpecialUse::ALL.len() + 3, |cursor| {
            cursor.expect(b'\\')?;
            cursor.atom()
        })?;
        cursor.expect(b')')?;
        special_use = match uses.as_slice() {
            [] => Ok(None),
            [name] => {
                let found = SpecialUse::ALL.into_iter().find(|one| one.as_str()[1..].eq_ignore_ascii_case(name));
                found.map(Some).ok_or(())
            }
            _ => Err(()),
        };
    }
    cursor.end()?;
    Ok(Box::new(Create { mailbox, special_use, asked: false }))
}

impl Command for Create {
    fn ask(&mut self, _: &mut Context) -> NextNeed {
        if self.asked {
            return Ending::ok("CREATE done").into();
        }
        self.asked = true;
        let (name, special_use) = match (&self.mailbox, self.special_use) {
            (Err(error), _) => return Ending::from(*error).into(),
            (_, Err(())) => {
                // RFC 6154 section 5.2: NO with USEATTR for an unsupported use, or for several at once.
                return Ending::no("Special use not supported").code("USEATTR").into();
            }
            (Ok(name), Ok(special_use)) => (name, special_use),
        };
        if name.is_inbox() {
            return Ending::no("INBOX already exists").code("ALREADYEXISTS").into();
        }
        NextNeed::Need(Need::Create { name: name.clone(), special_use })
    }
}
