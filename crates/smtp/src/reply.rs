//! Replies: a code, an enhanced code (RFC 3463, RFC 2034) and text. No reply repeats the peer's input, so nothing can
//! be reflected through one.

use std::borrow::Cow;

/// A reply. Lines in `text` are separated by `\n`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    code: u16,
    /// Empty where RFC 2034 section 4 has none: greetings, replies to EHLO, `354`.
    enhanced: &'static str,
    text: Cow<'static, str>,
}

impl Reply {
    /// A reply with a fixed text.
    pub(crate) const fn new(code: u16, enhanced: &'static str, text: &'static str) -> Self {
        Self { code, enhanced, text: Cow::Borrowed(text) }
    }

    /// A reply with a computed text.
    pub(crate) const fn made(code: u16, enhanced: &'static str, text: String) -> Self {
        Self { code, enhanced, text: Cow::Owned(text) }
    }

    /// Whether it reports an error of the peer.
    pub(crate) fn is_error(&self) -> bool {
        self.code >= 400
    }

    /// Whether it is a permanent failure.
    pub(crate) fn is_permanent(&self) -> bool {
        self.code >= 500
    }

    /// Appends the reply in wire format (RFC 5321 section 4.2: `Reply-line`).
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let mut lines = self.text.split('\n').peekable();
        while let Some(line) = lines.next() {
            out.extend_from_slice(self.code.to_string().as_bytes());
            out.push(if lines.peek().is_some() { b'-' } else { b' ' });
            if !self.enhanced.is_empty() {
                out.extend_from_slice(self.enhanced.as_bytes());
                out.push(b' ');
            }
            out.extend_from_slice(line.as_bytes());
            out.extend_from_slice(b"\r\n");
        }
    }
}

/// Commands in an order that RFC 5321 section 4.1.4 does not allow; `text` says what is missing.
pub(crate) const fn out_of_order(text: &'static str) -> Reply {
    Reply::new(503, "5.5.1", text)
}

/// A line that does not match the grammar.
pub(crate) const fn syntax(text: &'static str) -> Reply {
    Reply::new(501, "5.5.4", text)
}

pub(crate) const UNKNOWN: Reply = Reply::new(500, "5.5.1", "Command unrecognized");
pub(crate) const NOT_IMPLEMENTED: Reply = Reply::new(502, "5.5.1", "Command not implemented");
pub(crate) const NO_ARGUMENT: Reply = syntax("Command takes no arguments");
pub(crate) const UNKNOWN_PARAMETER: Reply = Reply::new(555, "5.5.4", "Unsupported parameter");
pub(crate) const PARAMETER: Reply = syntax("Malformed or duplicate parameter");
pub(crate) const NOT_UTF8: Reply = Reply::new(500, "5.5.2", "Line contains control characters or is not UTF-8");
pub(crate) const LINE_TOO_LONG: Reply = Reply::new(500, "5.5.2", "Line too long");
/// RFC 5321 section 2.3.8: CR and LF may only occur together.
pub(crate) const BARE_IN_COMMAND: Reply = Reply::new(500, "5.5.2", "Bare CR or LF received, closing connection");
pub(crate) const BARE_IN_DATA: Reply =
    Reply::new(554, "5.5.2", "Message rejected: bare CR or LF received, closing connection");
pub(crate) const MESSAGE_TOO_BIG: Reply = Reply::new(552, "5.3.4", "Message size exceeds fixed limit");
pub(crate) const DATA_LINE_TOO_LONG: Reply = Reply::new(554, "5.6.0", "Message contains a line longer than 1 MiB");
/// RFC 2920 section 3.1: DATA is the last command of a group. A peer that does not wait may mean the data as commands.
pub(crate) const UNSYNCHRONISED: Reply =
    Reply::new(554, "5.5.0", "Message rejected: data sent before reply to DATA, closing connection");
pub(crate) const TOO_MANY_ERRORS: Reply = Reply::new(421, "4.7.0", "Too many errors, closing connection");
pub(crate) const TOO_MANY_COMMANDS: Reply =
    Reply::new(421, "4.7.0", "Too many commands without mail, closing connection");
/// A browser or script that was directed to this port (cross-protocol attacks): nothing it sends is executed.
pub(crate) const NOT_HTTP: Reply =
    Reply::new(421, "4.7.0", "This is a mail server, not a web server, closing connection");

/// Why a recipient or a message is refused: the door's answer, independent of the wire format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such mailbox here. This is also the answer to attempts to relay.
    NoSuchMailbox,
    /// The mailbox is over quota.
    MailboxFull,
    /// The node is short of disk space or memory.
    InsufficientStorage,
    /// The message is larger than this node stores.
    TooLarge,
    /// The message has passed so many hosts that it must be in a loop.
    Loop,
    /// A temporary failure here; the peer should try again.
    TryAgain,
    /// The node's keys are locked or temporarily unavailable: it accepts no mail.
    Locked,
}

impl Refusal {
    pub(crate) fn reply(self) -> Reply {
        match self {
            Self::NoSuchMailbox => Reply::new(550, "5.1.1", "User unknown"),
            Self::MailboxFull => Reply::new(452, "4.2.2", "Mailbox full, try again later"),
            Self::InsufficientStorage => Reply::new(452, "4.3.1", "Insufficient system storage, try again later"),
            Self::TooLarge => MESSAGE_TOO_BIG,
            Self::Loop => Reply::new(554, "5.4.6", "Mail loop detected (too many hops)"),
            Self::Locked => Reply::new(451, "4.3.0", "Mailbox store unavailable (locked), try again later"),
            Self::TryAgain => Reply::new(451, "4.3.0", "Temporary local problem, try again later"),
        }
    }
}

/// The result of a delivery to one recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryOutcome {
    /// Stored durably.
    Stored,
    /// Not stored.
    Refused(Refusal),
}

impl DeliveryOutcome {
    pub(crate) fn reply(self) -> Reply {
        match self {
            Self::Stored => Reply::new(250, "2.0.0", "Message accepted for delivery"),
            Self::Refused(refusal) => refusal.reply(),
        }
    }

    /// SMTP's single reply for all recipients: success only if all succeeded, otherwise a temporary failure if there is
    /// one. A duplicate is better than a lost message (RFC 5321 section 6.1).
    pub(crate) fn reply_for_all(outcomes: &[Self]) -> Reply {
        let mut worst: Option<Reply> = None;
        for outcome in outcomes {
            let reply = outcome.reply();
            if reply.is_error() && worst.as_ref().is_none_or(|worst| worst.is_permanent() && !reply.is_permanent()) {
                worst = Some(reply);
            }
        }
        worst.unwrap_or_else(|| Self::Stored.reply())
    }
}

/// Why the door ends a session on its own initiative (RFC 5321 section 3.8: `421` at any time).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Farewell {
    /// The node is shutting down.
    Stopping,
    /// The peer was idle for too long (section 4.5.3.2.7).
    Silence,
    /// Too many connections, in total or from this peer.
    TooManyConnections,
}

impl Farewell {
    pub(crate) fn reply(self) -> Reply {
        match self {
            Self::Stopping => Reply::new(421, "4.3.2", "Service shutting down, try again later"),
            Self::Silence => Reply::new(421, "4.4.2", "Idle timeout exceeded, closing connection"),
            Self::TooManyConnections => Reply::new(421, "4.7.0", "Too many connections, try again later"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_lines() {
        let mut out = Vec::new();
        Reply::made(250, "", "a.example\nSIZE 10\nPIPELINING".to_owned()).write(&mut out);
        assert_eq!(out, b"250-a.example\r\n250-SIZE 10\r\n250 PIPELINING\r\n");
    }

    #[test]
    fn the_single_reply_prefers_a_temporary_failure() {
        use DeliveryOutcome::{Refused, Stored};
        let code = |outcomes: &[DeliveryOutcome]| DeliveryOutcome::reply_for_all(outcomes).code;
        assert_eq!(code(&[Stored, Stored]), 250);
        assert_eq!(code(&[Stored, Refused(Refusal::Loop)]), 554);
        assert_eq!(code(&[Refused(Refusal::Loop), Stored, Refused(Refusal::TryAgain)]), 451);
        assert_eq!(code(&[Refused(Refusal::InsufficientStorage), Refused(Refusal::Loop)]), 452);
    }
}
