//! DATA (RFC 5321 section 4.1.1.4).

use super::{Dialog, Next};
use crate::reply;

pub(crate) fn run(dialog: &mut Dialog, argument: &str) -> Next {
    if !argument.is_empty() {
        return Next::Say(reply::NO_ARGUMENT);
    }
    match &dialog.transaction {
        None => Next::Say(reply::out_of_order("Need MAIL command")),
        // RFC 2033 section 4.2 requires 503; RFC 5321 section 3.3 allows it.
        Some(open) if open.recipients.is_empty() => Next::Say(reply::out_of_order("No valid recipients")),
        Some(_) => Next::Receive,
    }
}
