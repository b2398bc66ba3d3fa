//! APPEND (RFC 9051 section 6.3.12), with APPENDUID (RFC 4315)

use terms::UnixMillis;

use super::{Command, NextNeed, Parsed, WrongAnswer};
use crate::code::Ending;
use crate::context::Context;
use crate::cursor::{Bad, Cursor};
use crate::date::parse_date_time;
use crate::flag::Flags;
use crate::name::Named;
use crate::need::{Answer, Appended, Need, Refusal};

struct Append {
    mailbox: Named,
    flags: Flags,
    internal_date: Option<UnixMillis>,
    message: Option<Vec<u8>>,
    appended: Option<Appended>,
}

/// `append = "APPEND" SP mailbox [SP flag-list] [SP date-time] SP literal`
///
/// The literal may contain NUL, contrary to the grammar: mail received over SMTP may, and a client must be able to
/// store what it fetched. The message is stored unchanged.
pub(super) fn parse(cursor: &mut Cursor<'_>, context: &Context) -> Parsed {
    cursor.space()?;
    let mailbox = context.mailbox(cursor)?;
    cursor.space()?;
    let mut flags = Flags::default();
    if cursor.peek() == Some(b'(') {
        flags = Flags::parse_list(cursor)?;
        cursor.space()?;
    }
    let mut internal_date = None;
    if cursor.peek() == Some(b'"') {
        internal_date = Some(parse_date_time(cursor)?);
        cursor.space()?;
    }
    let message = cursor.literal(true)?.to_vec();
    cursor.end()?;
    if message.is_empty() {
        return Err(Bad("empty message"));
    }
    Ok(Box::new(Append { mailbox, flags, internal_date, message: Some(message), appended: None }))
}

impl Command for Append {
    fn ask(&mut self, _: &mut Context) -> NextNeed {
        if let Some(Appended { uid_validity, uid }) = self.appended {
            return Ending::ok("APPEND done").code(format!("APPENDUID {uid_validity} {uid}")).into();
        }
        match (&self.mailbox, self.message.take()) {
            (Err(error), _) => Ending::from(*error).into(),
            (Ok(mailbox), Some(message)) => NextNeed::Need(Need::Append {
                mailbox: mailbox.clone(),
                flags: std::mem::take(&mut self.flags),
                internal_date: self.internal_date,
                message,
            }),
            (Ok(_), None) => Ending::server_bug().into(),
        }
    }

    fn say(&mut self, answer: Answer, _: &mut Context) -> Result<(), WrongAnswer> {
        let Answer::Appended(appended) = answer else { return Err(WrongAnswer) };
        self.appended = Some(appended);
        Ok(())
    }

    fn refused(&mut self, refusal: Refusal, _: &mut Context) -> Option<Ending> {
        Some(try_create(refusal))
    }
}

/// TRYCREATE for a target that does not exist (RFC 9051 sections 6.3.12 and 6.4.7).
pub(super) fn try_create(refusal: Refusal) -> Ending {
    let ending = Ending::from(refusal);
    if refusal == Refusal::NoSuchMailbox { ending.code("TRYCREATE") } else { ending }
}
