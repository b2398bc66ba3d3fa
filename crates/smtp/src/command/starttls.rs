//! STARTTLS (RFC 3207 section 4). The session drops what came behind the command's line: it came in the clear, and whoever
//! put it there may not be the peer (CVE-2011-0411).

use super::{Dialog, Next, Secrecy};
use crate::reply::{self, Reply};

pub(crate) fn run(dialog: &mut Dialog, argument: &str) -> Next {
    if !argument.is_empty() {
        return Next::Say(reply::NO_ARGUMENT);
    }
    match dialog.secrecy {
        Secrecy::Tls(_) => Next::Say(reply::out_of_order("TLS is active already")),
        Secrecy::Plain if !dialog.config.starttls => Next::Say(reply::NOT_IMPLEMENTED),
        Secrecy::Plain => Next::StartTls(Reply::new(220, "2.0.0", "Begin TLS")),
    }
}
