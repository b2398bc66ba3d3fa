//! AUTHENTICATE (RFC 9051 section 6.2.2), with initial responses (RFC 4959) and the mechanisms PLAIN (RFC 4616),
//! SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 7677).
//!
//! Of SCRAM this machine knows only the order of the messages; their content is opaque and passed to the backend.

use data_encoding::BASE64;
use terms::Secret;

use super::login::{sign_in, sign_in_refused, signed_in};
use super::{Command, NextNeed, Parsed, WrongAnswer};
use crate::code::Ending;
use crate::context::Context;
use crate::cursor::Cursor;
use crate::limits::SASL_LINE_BYTES_MAX;
use crate::need::{Answer, Need, Refusal};

struct Authenticate {
    mechanism: Mechanism,
    stage: Stage,
}

/// The authentication mechanism.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mechanism {
    Plain,
    Scram { plus: bool },
}

enum Stage {
    /// The client has yet to send its first response.
    Challenge,
    /// PLAIN's response was received and is well-formed.
    Credentials(Option<(String, Secret<String>)>),
    /// A SCRAM message is to be passed on.
    Message { turn: Turn, message: Vec<u8> },
    /// It was passed on; the answer is pending.
    Taken(Turn),
    /// An answer is to be sent, then the client's next line awaited.
    Answer { turn: Turn, said: Vec<u8> },
    /// The client's next line is awaited.
    Awaited(Turn),
    /// The exchange is complete.
    SignedIn,
    /// The command has ended.
    Over(Ending),
}

/// Which of the client's SCRAM messages.
#[derive(Clone, Copy)]
enum Turn {
    /// `client-first-message`
    First,
    /// `client-final-message`
    Last,
    /// The empty response to `server-final-message`, which RFC 9051 section 6.2.2 cannot carry in the OK.
    Empty,
}

/// `authenticate = "AUTHENTICATE" SP auth-type [SP initial-resp] *(CRLF base64)`
pub(super) fn parse(cursor: &mut Cursor<'_>, context: &Context) -> Parsed {
    cursor.space()?;
    let name = cursor.atom()?;
    let mechanism = if name.eq_ignore_ascii_case("PLAIN") {
        Some(Mechanism::Plain)
    } else if name.eq_ignore_ascii_case("SCRAM-SHA-256") {
        Some(Mechanism::Scram { plus: false })
    } else if name.eq_ignore_ascii_case("SCRAM-SHA-256-PLUS") && context.binds_to_channel() {
        Some(Mechanism::Scram { plus: true })
    } else {
        None
    };
    let Some(mechanism) = mechanism else {
        let stage = Stage::Over(Ending::no("Unsupported authentication mechanism"));
        return Ok(Box::new(Authenticate { mechanism: Mechanism::Plain, stage }));
    };
    let mut stage = Stage::Challenge;
    if cursor.eat(b' ') {
        // "=" is an empty initial response, which none of our mechanisms has.
        let mut response = Vec::new();
        while let Ok(byte) = cursor.take(1) {
            response.extend_from_slice(byte);
        }
        stage = Authenticate::first(mechanism, Secret::new(response).expose());
    }
    Ok(Box::new(Authenticate { mechanism, stage }))
}

/// `message = [authzid] UTF8NUL authcid UTF8NUL passwd`, in base64 (RFC 4616 section 2).
fn read_plain(line: &[u8]) -> Stage {
    let Ok(message) = BASE64.decode(line).map(Secret::new) else {
        return Stage::Over(Ending::bad("expected base64"));
    };
    let Ok(text) = std::str::from_utf8(message.expose()) else {
        return Stage::Over(Ending::bad("SASL response is not UTF-8"));
    };
    let mut fields = text.split('\0');
    match (fields.next(), fields.next(), fields.next(), fields.next()) {
        (Some(authorized), Some(user), Some(password), None) if !user.is_empty() && !password.is_empty() => {
            if !authorized.is_empty() && authorized != user {
                return Stage::Over(Refusal::OtherIdentity.into());
            }
            Stage::Credentials(Some((user.to_owned(), Secret::from(password))))
        }
        _ => Stage::Over(Ending::bad("malformed PLAIN response")),
    }
}

fn read_scram(turn: Turn, line: &[u8]) -> Stage {
    match BASE64.decode(line) {
        Ok(message) => Stage::Message { turn, message },
        Err(_) => Stage::Over(Ending::bad("expected base64")),
    }
}

impl Authenticate {
    /// The client's first response.
    fn first(mechanism: Mechanism, line: &[u8]) -> Stage {
        match mechanism {
            Mechanism::Plain => read_plain(line),
            Mechanism::Scram { .. } => read_scram(Turn::First, line),
        }
    }
}

impl Command for Authenticate {
    fn ask(&mut self, context: &mut Context) -> NextNeed {
        if let Stage::Over(ending) = &self.stage {
            return NextNeed::Done(ending.clone());
        }
        // Otherwise a client that ignores LOGINDISABLED would send its password in clear text, or, after SCRAM, the
        // mail itself.
        if !context.sign_in_allowed() {
            return sign_in(&mut None, context);
        }
        match std::mem::replace(&mut self.stage, Stage::Challenge) {
            Stage::Credentials(mut credentials) => {
                let ask = sign_in(&mut credentials, context);
                self.stage = Stage::Credentials(credentials);
                ask
            }
            Stage::Challenge => {
                context.out.raw("+ \r\n");
                NextNeed::Line(SASL_LINE_BYTES_MAX)
            }
            Stage::Message { turn, message } => {
                self.stage = Stage::Taken(turn);
                let plus = self.mechanism == Mechanism::Scram { plus: true };
                NextNeed::Need(match turn {
                    Turn::First => Need::ScramBegin { plus, message },
                    _ => Need::ScramFinish { message },
                })
            }
            Stage::Answer { turn, said } => {
                let line = format!("+ {}\r\n", BASE64.encode(&said));
                context.out.raw(&line);
                self.stage = Stage::Awaited(turn);
                NextNeed::Line(SASL_LINE_BYTES_MAX)
            }
            Stage::SignedIn => signed_in(context).into(),
            // The answer or the line never came: do not proceed as if it had.
            Stage::Taken(_) | Stage::Awaited(_) | Stage::Over(_) => Ending::server_bug().into(),
        }
    }

    fn line(&mut self, line: &[u8], _: &mut Context) {
        self.stage = match (&self.stage, line) {
            (_, b"*") => Stage::Over(Ending::bad("AUTHENTICATE cancelled")),
            (Stage::Awaited(Turn::Empty), b"" | b"=") => Stage::SignedIn,
            (Stage::Awaited(Turn::Empty), _) => Stage::Over(Ending::bad("expected an empty response")),
            (Stage::Awaited(turn), line) => read_scram(*turn, line),
            (_, line) => Self::first(self.mechanism, line),
        };
    }

    fn say(&mut self, answer: Answer, _: &mut Context) -> Result<(), WrongAnswer> {
        self.stage = match (&self.stage, answer) {
            (Stage::Taken(Turn::First), Answer::Challenge(said)) => Stage::Answer { turn: Turn::Last, said },
            (Stage::Taken(Turn::Last), Answer::Challenge(said)) => Stage::Answer { turn: Turn::Empty, said },
            (Stage::Credentials(_), Answer::Done) => Stage::Credentials(None),
            _ => return Err(WrongAnswer),
        };
        Ok(())
    }

    fn refused(&mut self, refusal: Refusal, context: &mut Context) -> Option<Ending> {
        Some(sign_in_refused(refusal, context))
    }
}
