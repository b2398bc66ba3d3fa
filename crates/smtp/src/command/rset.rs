//! RSET (RFC 5321 section 4.1.1.5): discards the transaction, keeps the greeting.

use super::{Dialog, Next};
use crate::reply::{self, Reply};

pub(crate) fn run(dialog: &mut Dialog, argument: &str) -> Next {
    if !argument.is_empty() {
        return Next::Say(reply::NO_ARGUMENT);
    }
    dialog.transaction = None;
    Next::Say(Reply::new(250, "2.0.0", "OK"))
}
