//! STORE (RFC 9051 section 6.4.6)

use super::{Command, NextNeed, Parsed, WrongAnswer};
use crate::code::Ending;
use crate::context::Context;
use crate::cursor::{Bad, Cursor};
use crate::flag::{FlagChange, Flags};
use crate::need::{Answer, Need};
use crate::sequence::SequenceSet;

struct Store {
    set: SequenceSet,
    uid: bool,
    change: FlagChange,
    silent: bool,
    flags: Flags,
    progress: Progress,
}

enum Progress {
    Begin,
    Asked(usize),
    Stored { missing: bool },
}

/// `store = "STORE" SP sequence-set SP store-att-flags`
pub(super) fn parse(cursor: &mut Cursor<'_>, _: &Context) -> Parsed {
    parse_as(cursor, false)
}

/// `uid = "UID" SP store`
pub(super) fn parse_uid(cursor: &mut Cursor<'_>, _: &Context) -> Parsed {
    parse_as(cursor, true)
}

/// `store-att-flags = (["+" / "-"] "FLAGS" [".SILENT"]) SP (flag-list / (flag *(SP flag)))`
fn parse_as(cursor: &mut Cursor<'_>, uid: bool) -> Parsed {
    cursor.space()?;
    let set = cursor.sequence_set()?;
    cursor.space()?;
    let change = if cursor.eat(b'+') {
        FlagChange::Add
    } else if cursor.eat(b'-') {
        FlagChange::Remove
    } else {
        FlagChange::Set
    };
    let silent = match cursor.word()?.as_str() {
        "FLAGS" => false,
        "FLAGS.SILENT" => true,
        _ => return Err(Bad("expected FLAGS")),
    };
    cursor.space()?;
    let flags = Flags::parse_list_or_bare(cursor)?;
    cursor.end()?;
    Ok(Box::new(Store { set, uid, change, silent, flags, progress: Progress::Begin }))
}

impl Command for Store {
    fn ask(&mut self, context: &mut Context) -> NextNeed {
        match self.progress {
            Progress::Begin => {
                let uids = match context.writable().map(|selected| selected.messages(&self.set, self.uid)) {
                    Ok(Ok(uids)) => uids,
                    Ok(Err(bad)) => return Ending::from(bad).into(),
                    Err(ending) => return ending.into(),
                };
                self.progress = Progress::Asked(uids.len());
                let (flags, quiet) = (self.flags.clone(), self.silent);
                NextNeed::Need(Need::ChangeFlags { uids, change: self.change, flags, quiet })
            }
            // RFC 2180 section 4.2: by sequence number the client refers to messages that it believes exist.
            Progress::Stored { missing: true } if !self.uid => {
                Ending::no("Some of the requested messages no longer exist").code("EXPUNGEISSUED").into()
            }
            Progress::Asked(_) | Progress::Stored { .. } => Ending::ok("STORE done").into(),
        }
    }

    fn say(&mut self, answer: Answer, context: &mut Context) -> Result<(), WrongAnswer> {
        let (Answer::Flags(changed), Progress::Asked(count)) = (answer, &self.progress) else {
            return Err(WrongAnswer);
        };
        self.progress = Progress::Stored { missing: changed.there < *count };
        let Some(selected) = context.selected.as_mut() else { return Err(WrongAnswer) };
        if self.silent {
            selected.introduce(changed.in_use.iter(), &mut context.out);
        } else {
            selected.tell_flags(&changed.rows, self.uid, &mut context.out);
        }
        Ok(())
    }
}
