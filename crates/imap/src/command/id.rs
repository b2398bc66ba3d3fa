//! ID (RFC 2971): who we are. What the client says of itself is read and forgotten.

use super::{Ask, Command, Parsed};
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
            return Err(Bad("ID takes pairs"));
        }
    } else if !cursor.word()?.eq("NIL") {
        return Err(Bad("expected ( or NIL"));
    }
    cursor.end()?;
    Ok(Box::new(Id))
}

impl Command for Id {
    fn ask(&mut self, context: &mut Context) -> Ask {
        context.out.raw(concat!("* ID (\"name\" \"Bailiwick\" \"version\" \"", env!("CARGO_PKG_VERSION"), "\")\r\n"));
        Ending::ok("ID done").into()
    }
}
