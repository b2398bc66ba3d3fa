//! Replies: a code, an enhanced code (RFC 3463, RFC 2034) and words. No reply repeats what the peer sent, so nothing can
//! be reflected through one.

use std::borrow::Cow;

/// One reply. Several lines are divided by `\n` in `text`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    code: u16,
    /// Empty where RFC 2034 section 4 wants none: greetings, answers to EHLO, `354`.
    enhanced: &'static str,
    text: Cow<'static, str>,
}

impl Reply {
    /// A reply of fixed words.
    pub(crate) const fn new(code: u16, enhanced: &'static str, text: &'static str) -> Self {
        Self { code, enhanced, text: Cow::Borrowed(text) }
    }

    /// A reply whose words have this node's own name or table in them.
    pub(crate) const fn made(code: u16, enhanced: &'static str, text: String) -> Self {
        Self { code, enhanced, text: Cow::Owned(text) }
    }

    /// Whether the peer has done, or asked for, what it should not.
    pub(crate) fn is_error(&self) -> bool {
        self.code >= 400
    }

    /// Whether it tells the peer never to try this again.
    pub(crate) fn is_permanent(&self) -> bool {
        self.code >= 500
    }

    /// Appends the reply as it goes on the wire (RFC 5321 section 4.2: `Reply-line`).
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

/// Commands in an order that RFC 5321 section 4.1.4 does not allow; `text` says what comes first.
pub(crate) const fn out_of_order(text: &'static str) -> Reply {
    Reply::new(503, "5.5.1", text)
}

/// A line that is no command of the grammar.
pub(crate) const fn syntax(text: &'static str) -> Reply {
    Reply::new(501, "5.5.4", text)
}

pub(crate) const UNKNOWN: Reply = Reply::new(500, "5.5.1", "This command is not known here");
pub(crate) const NOT_IMPLEMENTED: Reply = Reply::new(502, "5.5.1", "This command is not offered here");
pub(crate) const NO_ARGUMENT: Reply = syntax("This command takes no argument");
pub(crate) const UNKNOWN_PARAMETER: Reply = Reply::new(555, "5.5.4", "A parameter is not known here");
pub(crate) const PARAMETER: Reply = syntax("A parameter is malformed or stands twice");
pub(crate) const NOT_UTF8: Reply = Reply::new(500, "5.5.2", "The line has control characters or is not UTF-8");
pub(crate) const LINE_TOO_LONG: Reply = Reply::new(500, "5.5.2", "The line is too long");
/// RFC 5321 section 2.3.8: CR and LF stand together or not at all.
pub(crate) const BARE_IN_COMMAND: Reply =
    Reply::new(500, "5.5.2", "A line ends with CR LF; a bare CR or LF is refused. Closing");
pub(crate) const BARE_IN_DATA: Reply =
    Reply::new(554, "5.5.2", "The message has a bare CR or LF, which SMTP forbids; not accepted. Closing");
pub(crate) const MESSAGE_TOO_BIG: Reply = Reply::new(552, "5.3.4", "The message is larger than SIZE allows");
pub(crate) const DATA_LINE_TOO_LONG: Reply = Reply::new(554, "5.6.0", "The message has a line over 1 MiB");
/// RFC 2920 section 3.1: DATA is the last command of a group. Whoever goes on at once may mean data as commands.
pub(crate) const UNSYNCHRONISED: Reply =
    Reply::new(554, "5.5.0", "Data came before the answer to DATA; not accepted. Closing");
pub(crate) const TOO_MANY_ERRORS: Reply = Reply::new(421, "4.7.0", "Too many errors; closing");
pub(crate) const TOO_MANY_COMMANDS: Reply = Reply::new(421, "4.7.0", "Too many commands without mail; closing");
/// A browser or a script made to talk to this port (cross-protocol attacks): nothing it says is obeyed.
pub(crate) const NOT_HTTP: Reply = Reply::new(421, "4.7.0", "This is a mail server, not a web server; closing");

/// Why a recipient or a message is not taken; the door's answer, in words of mail rather than of the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// No mailbox of that name lives here. This is the answer to attempts at relaying too.
    NoSuchMailbox,
    /// The mailbox has no room now.
    MailboxFull,
    /// The node has no room now (disk or memory).
    NoRoom,
    /// The message is larger than this node stores.
    TooLarge,
    /// The message has passed so many hosts that it must be going round in circles.
    Loop,
    /// Something failed here; the peer is to try again.
    TryAgain,
    /// The node's keys are locked, or out of reach for a moment: it takes mail for nobody.
    Locked,
}

impl Refusal {
    pub(crate) fn reply(self) -> Reply {
        match self {
            Self::NoSuchMailbox => Reply::new(550, "5.1.1", "No such mailbox here"),
            Self::MailboxFull => Reply::new(452, "4.2.2", "The mailbox is full; try again later"),
            Self::NoRoom => Reply::new(452, "4.3.1", "No room here now; try again later"),
            Self::TooLarge => MESSAGE_TOO_BIG,
            Self::Loop => Reply::new(554, "5.4.6", "The message passed too many hosts; it is going in circles"),
            Self::Locked => {
                Reply::new(451, "4.3.0", "This node is locked and takes mail for nobody now; try again later")
            }
            Self::TryAgain => Reply::new(451, "4.3.0", "Something failed here; try again later"),
        }
    }
}

/// What became of a message for one recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Kept durably.
    Stored,
    /// Not kept.
    Refused(Refusal),
}

impl Outcome {
    pub(crate) fn reply(self) -> Reply {
        match self {
            Self::Stored => Reply::new(250, "2.0.0", "The message is stored"),
            Self::Refused(refusal) => refusal.reply(),
        }
    }

    /// The one reply of SMTP for all recipients: accepted only when all are, and otherwise the failure that makes the
    /// peer try again if there is one. A second copy is better than none (RFC 5321 section 6.1).
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

/// Why the door ends a session of its own accord (RFC 5321 section 3.8: `421` at any time).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Farewell {
    /// The node stops.
    Stopping,
    /// The peer was silent too long (section 4.5.3.2.7).
    Silence,
    /// There are too many connections, in all or from this peer.
    TooManyConnections,
}

impl Farewell {
    pub(crate) fn reply(self) -> Reply {
        match self {
            Self::Stopping => Reply::new(421, "4.3.2", "This node is stopping; try again later"),
            Self::Silence => Reply::new(421, "4.4.2", "Silent too long; closing"),
            Self::TooManyConnections => Reply::new(421, "4.7.0", "Too many connections; try again later"),
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
    fn one_reply_for_all_prefers_another_try() {
        use Outcome::{Refused, Stored};
        let code = |outcomes: &[Outcome]| Outcome::reply_for_all(outcomes).code;
        assert_eq!(code(&[Stored, Stored]), 250);
        assert_eq!(code(&[Stored, Refused(Refusal::Loop)]), 554);
        assert_eq!(code(&[Refused(Refusal::Loop), Stored, Refused(Refusal::TryAgain)]), 451);
        assert_eq!(code(&[Refused(Refusal::NoRoom), Refused(Refusal::Loop)]), 452);
    }
}
