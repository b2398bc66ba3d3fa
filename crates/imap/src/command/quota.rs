//! GETQUOTA and GETQUOTAROOT (RFC 9208 sections 4.1.1 and 4.1.2): one root with an empty name, shared by all mailboxes
//! of the owner. The operator sets the limits, so there is no SETQUOTA.

use super::{Command, NextNeed, Parsed, WrongAnswer};
use crate::code::Ending;
use crate::context::Context;
use crate::cursor::Cursor;
use crate::name::Named;
use crate::need::{Answer, Need, Quota};

struct GetQuota {
    is_ours: bool,
    asked: bool,
}

/// `getquota = "GETQUOTA" SP quota-root-name`
pub(super) fn parse(cursor: &mut Cursor<'_>, _: &Context) -> Parsed {
    cursor.space()?;
    let root = cursor.astring()?;
    cursor.end()?;
    Ok(Box::new(GetQuota { is_ours: root.is_empty(), asked: false }))
}

impl Command for GetQuota {
    fn ask(&mut self, _: &mut Context) -> NextNeed {
        if !self.is_ours {
            return Ending::no("Quota root does not exist").code("NONEXISTENT").into();
        }
        if self.asked {
            return Ending::ok("GETQUOTA done").into();
        }
        self.asked = true;
        NextNeed::Need(Need::Quota)
    }

    fn say(&mut self, answer: Answer, context: &mut Context) -> Result<(), WrongAnswer> {
        let Answer::Quota(quota) = answer else { return Err(WrongAnswer) };
        write(&quota, context);
        Ok(())
    }
}

struct GetQuotaRoot {
    mailbox: Named,
    /// How many of the two needs have been requested.
    asked: u8,
}

/// `getquotaroot = "GETQUOTAROOT" SP mailbox`
pub(super) fn parse_root(cursor: &mut Cursor<'_>, context: &Context) -> Parsed {
    cursor.space()?;
    let mailbox = context.mailbox(cursor)?;
    cursor.end()?;
    Ok(Box::new(GetQuotaRoot { mailbox, asked: 0 }))
}

impl Command for GetQuotaRoot {
    fn ask(&mut self, _: &mut Context) -> NextNeed {
        let name = match &self.mailbox {
            Err(error) => return Ending::from(*error).into(),
            Ok(name) => name.clone(),
        };
        self.asked += 1;
        match self.asked {
            1 => NextNeed::Need(Need::Mailbox(name)),
            2 => NextNeed::Need(Need::Quota),
            _ => Ending::ok("GETQUOTAROOT done").into(),
        }
    }

    fn say(&mut self, answer: Answer, context: &mut Context) -> Result<(), WrongAnswer> {
        match answer {
            Answer::Mailbox(row) => {
                let wire = context.wire(&row.name);
                context.out.raw("* QUOTAROOT ");
                context.out.astring(&wire);
                context.out.raw(" \"\"\r\n");
            }
            Answer::Quota(quota) => write(&quota, context),
            _ => return Err(WrongAnswer),
        }
        Ok(())
    }
}

/// `quota-response = "QUOTA" SP quota-root-name SP quota-list`; resources without a limit are not listed (RFC 9208
/// section
/// 4.2.1). STORAGE counts units of 1024 octets.
fn write(quota: &Quota, context: &mut Context) {
    let mut list = Vec::new();
    if let Some(most) = quota.bytes_max {
        list.push(format!("STORAGE {} {}", quota.bytes.div_ceil(1024), most / 1024));
    }
    if let Some(most) = quota.messages_max {
        list.push(format!("MESSAGE {} {most}", quota.messages));
    }
    context.out.raw(&format!("* QUOTA \"\" ({})\r\n", list.join(" ")));
}
