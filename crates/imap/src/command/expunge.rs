//! EXPUNGE (RFC 9051 section 6.4.3) and UID EXPUNGE (section 6.4.9). The untagged EXPUNGE responses are those written
//! at the end of every command, no matter who removed the messages.

use super::{Command, NextNeed, Parsed};
use crate::code::Ending;
use crate::context::Context;
use crate::cursor::Cursor;
use crate::need::Need;
use crate::sequence::SequenceSet;

struct Expunge {
    among: Option<SequenceSet>,
    asked: bool,
}

/// `"EXPUNGE"`
pub(super) fn parse(cursor: &mut Cursor<'_>, _: &Context) -> Parsed {
    cursor.end()?;
    Ok(Box::new(Expunge { among: None, asked: false }))
}

/// `uid-expunge = "EXPUNGE" SP sequence-set`
pub(super) fn parse_uid(cursor: &mut Cursor<'_>, _: &Context) -> Parsed {
    cursor.space()?;
    let among = Some(cursor.sequence_set()?);
    cursor.end()?;
    Ok(Box::new(Expunge { among, asked: false }))
}

impl Command for Expunge {
    fn ask(&mut self, context: &mut Context) -> NextNeed {
        if self.asked {
            return Ending::ok("EXPUNGE done").into();
        }
        self.asked = true;
        let among = match context.writable() {
            Ok(selected) => self.among.as_ref().map(|set| selected.messages(set, true)).transpose(),
            Err(ending) => return ending.into(),
        };
        match among {
            Ok(among) => NextNeed::Need(Need::Expunge { among }),
            Err(bad) => Ending::from(bad).into(),
        }
    }
}
