//! How a command ends: status, response code, text (RFC 9051 section 7.1).

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
    /// Read the next command.
    Continue,
    StartTls,
    /// Close the connection.
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

    /// Adds a response code.
    pub(crate) fn code(mut self, code: impl Into<Cow<'static, str>>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// Adds what to do afterwards.
    pub(crate) fn then(mut self, then: Then) -> Self {
        self.then = then;
        self
    }

    /// Our own bug: an answer that does not match its need.
    pub(crate) fn server_bug() -> Self {
        Self::no("Internal error occurred").code("SERVERBUG")
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
            Refusal::MalformedResponse => return Self::bad("malformed SASL response"),
            Refusal::OtherIdentity => ("AUTHORIZATIONFAILED", "Authorization as another user is not allowed"),
            // RFC 9051 section 11.7: do not say which of the two was wrong.
            Refusal::WrongCredentials => ("AUTHENTICATIONFAILED", "Authentication failed"),
            // RFC 5530 section 3: temporary, so that mail clients do not discard a correct password.
            Refusal::TooManyFailures => {
                ("UNAVAILABLE", "Too many failed logins, try again later or use an app password")
            }
            Refusal::NoSuchMailbox => ("NONEXISTENT", "Mailbox does not exist"),
            Refusal::AlreadyExists => ("ALREADYEXISTS", "Mailbox already exists"),
            Refusal::Cannot => ("CANNOT", "Operation not possible"),
            Refusal::Limit => ("LIMIT", "Server limit exceeded"),
            Refusal::TooBig => ("TOOBIG", "Message exceeds the maximum size"),
            Refusal::OverQuota => ("OVERQUOTA", "Quota exceeded (mailbox is full)"),
            Refusal::Unavailable => ("UNAVAILABLE", "Temporary failure, try again later"),
            Refusal::Corrupt => ("CORRUPTION", "Stored data is damaged, the operator has been notified"),
        };
        Self::no(text).code(code)
    }
}
