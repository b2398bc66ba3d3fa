//! ID (RFC 2971): identifies the server. What the client says about itself is parsed and ignored.

use super::{Command, NextNeed, Parsed};
use crate::code::Ending;
use crate::context::Context;
use crate::cursor::{Bad, Cursor};

struct Id;

/// RFC 2971 section 3.3: at most 30 pairs.
const PAIRS_MAX: usize = 30;

/// `id = "ID" SP id_params_list`, `id_params_list = "(" [string SP nstring *(SP string SP nstring)] ")" / nil`
pub(super) fn parse(cursor: &mut Cursor<'_>, _: &Context) -> Parsed {
    cursor.space()?;
    if cursor.peek() == Some(b'(') {
        let strings = cursor.list(2 * PAIRS_MAX, Cursor::astring)?;
        if !strings.len().is_multiple_of(2) {
            return Err(Bad("ID requires pairs"));
        }
    } else if !cursor.word()?.eq("NIL") {
        return Err(Bad("expected ( or NIL"));
    }
    cursor.end()?;
    Ok(Box::new(Id))
}

impl Command for Id {
    fn ask(&mut self, context: &mut Context) -> NextNeed {
        context.out.raw(concat!("* ID (\"name\" \"Bailiwick\" \"version\" \"", env!("CARGO_PKG_VERSION"), "\")\r\n"));
        Ending::ok("ID done").into()
    }
}
