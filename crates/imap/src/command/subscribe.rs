//! SUBSCRIBE and UNSUBSCRIBE (RFC 9051 sections 6.3.7 and 6.3.8). A subscription is to a name; the mailbox need not
//! exist.

use super::{Command, NextNeed, Parsed};
use crate::code::Ending;
use crate::context::Context;
use crate::cursor::Cursor;
use crate::name::Named;
use crate::need::Need;

struct Subscribe {
    mailbox: Named,
    subscribed: bool,
    asked: bool,
}

/// `subscribe = "SUBSCRIBE" SP mailbox`
pub(super) fn parse(cursor: &mut Cursor<'_>, context: &Context) -> Parsed {
    parse_as(cursor, context, true)
}

/// `unsubscribe = "UNSUBSCRIBE" SP mailbox`
pub(super) fn parse_unsubscribe(cursor: &mut Cursor<'_>, context: &Context) -> Parsed {
    parse_as(cursor, context, false)
}

fn parse_as(cursor: &mut Cursor<'_>, context: &Context, subscribed: bool) -> Parsed {
    cursor.space()?;
    let mailbox = context.mailbox(cursor)?;
    cursor.end()?;
    Ok(Box::new(Subscribe { mailbox, subscribed, asked: false }))
}

impl Command for Subscribe {
    fn ask(&mut self, _: &mut Context) -> NextNeed {
        match &self.mailbox {
            Err(error) => Ending::from(*error).into(),
            Ok(_) if self.asked => Ending::ok("Subscription changed").into(),
            Ok(name) => {
                self.asked = true;
                NextNeed::Need(Need::Subscribe { name: name.clone(), subscribed: self.subscribed })
            }
        }
    }
}
