//! RCPT (RFC 5321 section 4.1.1.3): the recipient. The door looks the mailbox up; nothing is relayed, so only local
//! mailboxes are accepted.

use super::{Dialog, Next};
use crate::address::{NEEDS_UTF8, forward_path, needs_utf8, parameters};
use crate::envelope::Recipient;
use crate::limits::RECIPIENTS_MAX;
use crate::reply::{self, Reply};

pub(crate) fn run(dialog: &mut Dialog, argument: &str) -> Next {
    match recipient(dialog, argument) {
        Ok(recipient) => Next::Ask(recipient),
        Err(reply) => Next::Say(reply),
    }
}

fn recipient(dialog: &Dialog, argument: &str) -> Result<Recipient, Reply> {
    let Some(open) = &dialog.transaction else {
        return Err(reply::out_of_order("Need MAIL command"));
    };
    let path = match argument.get(..3) {
        Some(word) if word.eq_ignore_ascii_case("TO:") => &argument[3..],
        _ => return Err(reply::syntax("Syntax: RCPT TO:<address>")),
    };
    let (recipient, rest) = forward_path(path)?;
    parameters(rest, |_, _| Err(reply::UNKNOWN_PARAMETER))?;
    if let Recipient::Mailbox(address) = &recipient
        && !open.utf8
        && needs_utf8(address)
    {
        return Err(NEEDS_UTF8);
    }
    // RFC 5321 section 4.5.3.1.10: 452, and the sender uses another transaction for the rest.
    if open.recipients.len() >= RECIPIENTS_MAX {
        return Err(Reply::new(452, "4.5.3", "Too many recipients, send the rest in another transaction"));
    }
    Ok(recipient)
}
