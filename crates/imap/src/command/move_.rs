//! MOVE (RFC 9051 section 6.4.8, RFC 6851). COPYUID comes before the EXPUNGE responses, so that the client learns where
//! a message went before its number is gone.

use super::append::try_create;
use super::copy::{Arguments, copy_uid};
use super::{Command, NextNeed, Parsed, WrongAnswer};
use crate::code::Ending;
use crate::context::Context;
use crate::cursor::Cursor;
use crate::need::{Answer, Need, Refusal};

struct Move {
    arguments: Arguments,
    moved: bool,
}

/// `move = "MOVE" SP sequence-set SP mailbox`
pub(super) fn parse(cursor: &mut Cursor<'_>, context: &Context) -> Parsed {
    Ok(Box::new(Move { arguments: Arguments::parse(cursor, context, false)?, moved: false }))
}

/// `uid = "UID" SP move`
pub(super) fn parse_uid(cursor: &mut Cursor<'_>, context: &Context) -> Parsed {
    Ok(Box::new(Move { arguments: Arguments::parse(cursor, context, true)?, moved: false }))
}

impl Command for Move {
    fn ask(&mut self, context: &mut Context) -> NextNeed {
        if self.moved {
            return Ending::ok("MOVE done").into();
        }
        let uids = match context.writable().map(|selected| selected.messages(&self.arguments.set, self.arguments.uid)) {
            Ok(Ok(uids)) => uids,
            Ok(Err(bad)) => return Ending::from(bad).into(),
            Err(ending) => return ending.into(),
        };
        match &self.arguments.to {
            Ok(to) => NextNeed::Need(Need::Move { uids, to: to.clone() }),
            Err(error) => Ending::from(*error).into(),
        }
    }

    fn say(&mut self, answer: Answer, context: &mut Context) -> Result<(), WrongAnswer> {
        let Answer::Copied(copied) = answer else { return Err(WrongAnswer) };
        if let Some(code) = copy_uid(&copied) {
            context.out.raw(&format!("* OK [{code}] Moved\r\n"));
        }
        self.moved = true;
        Ok(())
    }

    fn refused(&mut self, refusal: Refusal, _: &mut Context) -> Option<Ending> {
        Some(try_create(refusal))
    }
}
