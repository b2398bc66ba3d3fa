//! NAMESPACE (RFC 9051 section 6.3.10): one personal namespace, no others.

use super::{Command, NextNeed, Parsed};
use crate::code::Ending;
use crate::context::Context;
use crate::cursor::Cursor;

struct Namespace;

/// `namespace-command = "NAMESPACE"`
pub(super) fn parse(cursor: &mut Cursor<'_>, _: &Context) -> Parsed {
    cursor.end()?;
    Ok(Box::new(Namespace))
}

impl Command for Namespace {
    fn ask(&mut self, context: &mut Context) -> NextNeed {
        context.out.raw("* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n");
        Ending::ok("NAMESPACE done").into()
    }
}
