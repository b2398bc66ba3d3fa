//! How a command ends: status, response code, words (RFC 9051 section 7.1).

use std::borrow::Cow;

use crate::need::Refusal;
use crate::output::Output;

/// The status of a tagged response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Ok,
    No,
    Bad,
}

/// What the session does after the tagged response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    /// Reads the next command.
    Continue,
    /// Starts TLS.
    StartTls,
    /// Closes.
    Close,
}

/// The end of a command.
#[derive(Debug, Clone)]
pub(crate) struct Ending {
    pub(crate) status: Status,
    /// `resp-text-code`, without brackets.
    pub(crate) code: Option<Cow<'static, str>>,
    pub(crate) text: &'static str,
    pub(crate) then: Then,
}

impl Ending {
    /// `OK`
    pub(crate) fn ok(text: &'static str) -> Self {
        Self { status: Status::Ok, code: None, text, then: Then::Continue }
    }

    /// `NO`
    pub(crate) fn no(text: &'static str) -> Self {
        Self { status: Status::No, ..Self::ok(text) }
    }

    /// `BAD`
    pub(crate) fn bad(text: &'static str) -> Self {
        Self { status: Status::Bad, ..Self::ok(text) }
    }

    /// With a response code.
    pub(crate) fn code(mut self, code: impl Into<Cow<'static, str>>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// With something to do afterwards.
    pub(crate) fn then(mut self, then: Then) -> Self {
        self.then = then;
        self
    }

    /// Our own fault: an answer that does not fit its need.
    pub(crate) fn server_bug() -> Self {
        Self::no("This server made a mistake; nothing is known to be changed").code("SERVERBUG")
    }

    /// Writes `resp-cond-state`.
    pub(crate) fn write(&self, out: &mut Output) {
        out.raw(match self.status {
            Status::Ok => "OK ",
            Status::No => "NO ",
            Status::Bad => "BAD ",
        });
        if let Some(code) = &self.code {
            out.raw("[");
            out.raw(code);
            out.raw("] ");
        }
        out.raw(self.text);
        out.end_line();
    }
}

impl From<Refusal> for Ending {
    fn from(refusal: Refusal) -> Self {
        let (code, text) = match refusal {
            Refusal::NotTheMechanism => return Self::bad("the response is not that of the mechanism"),
            Refusal::OtherIdentity => ("AUTHORIZATIONFAILED", "You may act for yourself only"),
            // RFC 9051 section 11.7: not which of both was wrong.
            Refusal::SignIn => ("AUTHENTICATIONFAILED", "The name and the password do not open an account here"),
            // RFC 5530 section 3: temporary, so that a mail client does not throw a right password away.
            Refusal::SlowDown => ("UNAVAILABLE", "Too many sign-ins failed; try again later, or with an app password"),
            Refusal::NoSuchMailbox => ("NONEXISTENT", "There is no such mailbox"),
            Refusal::AlreadyExists => ("ALREADYEXISTS", "There is a mailbox of that name already"),
            Refusal::Cannot => ("CANNOT", "That is not possible here"),
            Refusal::Limit => ("LIMIT", "That is more than this server takes at once"),
            Refusal::TooBig => ("TOOBIG", "The message is larger than this server takes"),
            Refusal::OverQuota => ("OVERQUOTA", "The mailbox is full"),
            Refusal::Unavailable => ("UNAVAILABLE", "Not possible at the moment; try again later"),
            Refusal::Corrupt => ("CORRUPTION", "Stored data is damaged; the operator has been told"),
        };
        Self::no(text).code(code)
    }
}
