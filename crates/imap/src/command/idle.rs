//! IDLE (RFC 9051 section 6.3.13, RFC 2177)

use super::{Command, NextNeed, Parsed};
use crate::code::Ending;
use crate::context::Context;
use crate::cursor::Cursor;

struct Idle {
    stage: Stage,
}

enum Stage {
    Begin,
    Idling,
    Over(Ending),
}

/// The only valid line is `DONE`, so a small limit suffices.
const LINE_BYTES_MAX: usize = 64;

/// `idle = "IDLE" CRLF "DONE"`
pub(super) fn parse(cursor: &mut Cursor<'_>, _: &Context) -> Parsed {
    cursor.end()?;
    Ok(Box::new(Idle { stage: Stage::Begin }))
}

impl Command for Idle {
    fn ask(&mut self, context: &mut Context) -> NextNeed {
        match &self.stage {
            Stage::Begin => {
                context.out.raw("+ idling\r\n");
                self.stage = Stage::Idling;
                NextNeed::LineOrChange(LINE_BYTES_MAX)
            }
            Stage::Idling => NextNeed::LineOrChange(LINE_BYTES_MAX),
            Stage::Over(ending) => NextNeed::Done(ending.clone()),
        }
    }

    fn line(&mut self, line: &[u8], _: &mut Context) {
        self.stage = Stage::Over(if line.eq_ignore_ascii_case(b"DONE") {
            Ending::ok("IDLE done")
        } else {
            Ending::bad("expected DONE")
        });
    }
}
