//! NOOP (RFC 5321 section 4.1.1.9): its argument is ignored.

use super::{Dialog, Next};
use crate::reply::Reply;

pub(crate) fn run(_: &mut Dialog, _: &str) -> Next {
    Next::Say(Reply::new(250, "2.0.0", "OK"))
}
