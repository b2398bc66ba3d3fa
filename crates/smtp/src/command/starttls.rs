//! STARTTLS (RFC 3207 section 4). The session drops input received after the command's line: it was sent in the clear
//! and may have been injected by a third party (CVE-2011-0411).

use super::{Dialog, Encryption, Next};
use crate::reply::{self, Reply};

pub(crate) fn run(dialog: &mut Dialog, argument: &str) -> Next {
    if !argument.is_empty() {
        return Next::Say(reply::NO_ARGUMENT);
    }
    match dialog.secrecy {
        Encryption::Tls(_) => Next::Say(reply::out_of_order("TLS already active")),
        Encryption::Plain if !dialog.config.starttls => Next::Say(reply::NOT_IMPLEMENTED),
        Encryption::Plain => Next::StartTls(Reply::new(220, "2.0.0", "Ready to start TLS")),
    }
}
