//! COPY (RFC 9051 section 6.4.7), with COPYUID (RFC 4315)

use super::append::try_create;
use super::{Command, NextNeed, Parsed, WrongAnswer};
use crate::code::Ending;
use crate::context::Context;
use crate::cursor::{Bad, Cursor};
use crate::name::Named;
use crate::need::{Answer, Copied, Need, Refusal};
use crate::sequence::{SequenceSet, write_set};

struct Copy {
    arguments: Arguments,
    copied: Option<Copied>,
}

/// `SP sequence-set SP mailbox`
pub(super) struct Arguments {
    pub(super) set: SequenceSet,
    pub(super) uid: bool,
    pub(super) to: Named,
}

impl Arguments {
    pub(super) fn parse(cursor: &mut Cursor<'_>, context: &Context, uid: bool) -> Result<Self, Bad> {
        cursor.space()?;
        let set = cursor.sequence_set()?;
        cursor.space()?;
        let to = context.mailbox(cursor)?;
        cursor.end()?;
        Ok(Self { set, uid, to })
    }
}

/// `copy = "COPY" SP sequence-set SP mailbox`
pub(super) fn parse(cursor: &mut Cursor<'_>, context: &Context) -> Parsed {
    Ok(Box::new(Copy { arguments: Arguments::parse(cursor, context, false)?, copied: None }))
}

/// `uid = "UID" SP copy`
pub(super) fn parse_uid(cursor: &mut Cursor<'_>, context: &Context) -> Parsed {
    Ok(Box::new(Copy { arguments: Arguments::parse(cursor, context, true)?, copied: None }))
}

/// `resp-code-copy = "COPYUID" SP nz-number SP uid-set SP uid-set`; `None` when nothing was copied.
pub(super) fn copy_uid(copied: &Copied) -> Option<String> {
    let mut code = format!("COPYUID {} ", copied.uid_validity);
    write_set(&copied.from, &mut code);
    code.push(' ');
    write_set(&copied.to, &mut code);
    (!copied.from.is_empty() && copied.from.len() == copied.to.len()).then_some(code)
}

impl Command for Copy {
    fn ask(&mut self, context: &mut Context) -> NextNeed {
        if let Some(copied) = &self.copied {
            return match copy_uid(copied) {
                Some(code) => Ending::ok("COPY done").code(code).into(),
                None => Ending::ok("No matching messages, nothing copied").into(),
            };
        }
        let uids = match context.selected().map(|selected| selected.messages(&self.arguments.set, self.arguments.uid)) {
            Ok(Ok(uids)) => uids,
            Ok(Err(bad)) => return Ending::from(bad).into(),
            Err(ending) => return ending.into(),
        };
        match &self.arguments.to {
            Ok(to) => NextNeed::Need(Need::Copy { uids, to: to.clone() }),
            Err(error) => Ending::from(*error).into(),
        }
    }

    fn say(&mut self, answer: Answer, _: &mut Context) -> Result<(), WrongAnswer> {
        let Answer::Copied(copied) = answer else { return Err(WrongAnswer) };
        self.copied = Some(copied);
        Ok(())
    }

    fn refused(&mut self, refusal: Refusal, _: &mut Context) -> Option<Ending> {
        Some(try_create(refusal))
    }
}
