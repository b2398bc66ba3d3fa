//! LOGIN (RFC 9051 section 6.2.3)

use terms::Secret;

use super::{Command, NextNeed, Parsed};
use crate::code::{Ending, Then};
use crate::context::Context;
use crate::cursor::Cursor;
use crate::limits::SIGN_IN_FAILURES_MAX;
use crate::need::{Need, Refusal};

struct Login {
    name_and_password: Option<(String, Secret<String>)>,
}

/// `login = "LOGIN" SP userid SP password`, both astrings
pub(super) fn parse(cursor: &mut Cursor<'_>, _: &Context) -> Parsed {
    cursor.space()?;
    let user = cursor.astring_text()?;
    cursor.space()?;
    let password = Secret::new(cursor.astring_text()?);
    cursor.end()?;
    Ok(Box::new(Login { name_and_password: Some((user, password)) }))
}

impl Command for Login {
    fn ask(&mut self, context: &mut Context) -> NextNeed {
        sign_in(&mut self.name_and_password, context)
    }

    fn refused(&mut self, refusal: Refusal, context: &mut Context) -> Option<Ending> {
        Some(sign_in_refused(refusal, context))
    }
}

/// Asks for the sign-in.
pub(super) fn sign_in(name_and_password: &mut Option<(String, Secret<String>)>, context: &mut Context) -> NextNeed {
    if !context.sign_in_allowed() {
        // RFC 9051 section 11.7: refuse it even if the password is correct.
        return Ending::no("Plaintext authentication disallowed without TLS").code("PRIVACYREQUIRED").into();
    }
    if let Some((user, password)) = name_and_password.take() {
        return NextNeed::Need(Need::SignIn { user, password });
    }
    signed_in(context).into()
}

/// Completes a successful sign-in.
pub(super) fn signed_in(context: &mut Context) -> Ending {
    context.signed_in = true;
    // RFC 9051 section 7.1, CAPABILITY: saves the client a round trip.
    Ending::ok("Signed in").code(format!("CAPABILITY {}", context.capabilities()))
}

/// Counts a failed sign-in.
pub(super) fn sign_in_refused(refusal: Refusal, context: &mut Context) -> Ending {
    let ending = Ending::from(refusal);
    if !matches!(refusal, Refusal::WrongCredentials | Refusal::TooManyFailures) {
        return ending;
    }
    context.sign_in_failures += 1;
    if context.sign_in_failures < SIGN_IN_FAILURES_MAX {
        return ending;
    }
    context.out.raw("* BYE Too many authentication failures\r\n");
    ending.then(Then::Close)
}
