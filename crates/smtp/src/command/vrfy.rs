//! VRFY (RFC 5321 section 4.1.1.6): `252` for everybody, so that nobody learns who lives here (section 7.3).

use super::{Dialog, Next};
use crate::reply::{self, Reply};

pub(crate) fn run(_: &mut Dialog, argument: &str) -> Next {
    if argument.is_empty() {
        return Next::Say(reply::syntax("Expected an address"));
    }
    Next::Say(Reply::new(252, "2.5.0", "Not said here; send, and see"))
}
