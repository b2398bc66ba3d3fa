//! QUIT (RFC 5321 section 4.1.1.10).

use super::{Dialog, Next};
use crate::reply::{self, Reply};

pub(crate) fn run(_: &mut Dialog, argument: &str) -> Next {
    if !argument.is_empty() {
        return Next::Say(reply::NO_ARGUMENT);
    }
    Next::Close(Reply::new(221, "2.0.0", "Goodbye"))
}
