//! AUTHENTICATE (RFC 9051 section 6.2.2), with the mechanism PLAIN (RFC 4616) and initial responses (RFC 4959).

use data_encoding::BASE64;
use terms::Secret;

use super::login::{sign_in, sign_in_refused};
use super::{Ask, Command, Parsed};
use crate::code::Ending;
use crate::context::Context;
use crate::cursor::Cursor;
use crate::limits::SASL_LINE_BYTES_MAX;
use crate::need::Refusal;

struct Authenticate {
    stage: Stage,
}

enum Stage {
    /// The client has yet to send its response.
    Challenge,
    /// It was sent and is fine.
    Credentials(Option<(String, Secret<String>)>),
    /// It was sent and is not.
    Over(Ending),
}

/// `authenticate = "AUTHENTICATE" SP auth-type [SP initial-resp] *(CRLF base64)`
pub(super) fn parse(cursor: &mut Cursor<'_>, _: &Context) -> Parsed {
    cursor.space()?;
    let plain = cursor.atom()?.eq_ignore_ascii_case("PLAIN");
    let mut stage = Stage::Challenge;
    if cursor.eat(b' ') {
        // "=" is an initial response of no octets; PLAIN has none such.
        let mut response = Vec::new();
        while let Ok(byte) = cursor.take(1) {
            response.extend_from_slice(byte);
        }
        let response = Secret::new(response);
        stage = read_plain(response.expose());
    }
    if !plain {
        stage = Stage::Over(Ending::no("The mechanism is PLAIN"));
    }
    Ok(Box::new(Authenticate { stage }))
}

/// `message = [authzid] UTF8NUL authcid UTF8NUL passwd`, in base64 (RFC 4616 section 2).
fn read_plain(line: &[u8]) -> Stage {
    let Ok(message) = BASE64.decode(line).map(Secret::new) else {
        return Stage::Over(Ending::bad("expected base64"));
    };
    let Ok(text) = std::str::from_utf8(message.expose()) else {
        return Stage::Over(Ending::bad("the response is not UTF-8"));
    };
    let mut fields = text.split('\0');
    match (fields.next(), fields.next(), fields.next(), fields.next()) {
        (Some(authorized), Some(user), Some(password), None) if !user.is_empty() && !password.is_empty() => {
            if !authorized.is_empty() && authorized != user {
                return Stage::Over(Ending::no("You may act for yourself only").code("AUTHORIZATIONFAILED"));
            }
            Stage::Credentials(Some((user.to_owned(), Secret::from(password))))
        }
        _ => Stage::Over(Ending::bad("the response is not that of PLAIN")),
    }
}

impl Command for Authenticate {
    fn ask(&mut self, context: &mut Context) -> Ask {
        match &mut self.stage {
            Stage::Over(ending) => Ask::Done(ending.clone()),
            Stage::Credentials(credentials) => sign_in(credentials, context),
            // Without this a client that heeds no LOGINDISABLED would send its password in clear text.
            Stage::Challenge if !context.sign_in_allowed() => sign_in(&mut None, context),
            Stage::Challenge => {
                context.out.raw("+ \r\n");
                Ask::Line(SASL_LINE_BYTES_MAX)
            }
        }
    }

    fn line(&mut self, line: &[u8], _: &mut Context) {
        self.stage = match line {
            b"*" => Stage::Over(Ending::bad("AUTHENTICATE cancelled")),
            line => read_plain(line),
        };
    }

    fn refused(&mut self, refusal: Refusal, context: &mut Context) -> Option<Ending> {
        Some(sign_in_refused(refusal, context))
    }
}
