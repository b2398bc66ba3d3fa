//! VRFY (RFC 5321 section 4.1.1.6): always `252`, so that addresses cannot be probed (section 7.3).

use super::{Dialog, Next};
use crate::reply::{self, Reply};

pub(crate) fn run(_: &mut Dialog, argument: &str) -> Next {
    if argument.is_empty() {
        return Next::Say(reply::syntax("Address required"));
    }
    Next::Say(Reply::new(252, "2.5.0", "Cannot VRFY user, but will accept message and attempt delivery"))
}
