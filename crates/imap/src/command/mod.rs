//! The commands: one file each, and the table that lists them.

use crate::code::Ending;
use crate::context::Context;
use crate::cursor::{Bad, Cursor};
use crate::need::{Answer, Need, Refusal};

mod append;
mod authenticate;
mod capability;
mod check;
mod close;
mod copy;
mod create;
mod delete;
mod enable;
mod expunge;
mod fetch;
mod id;
mod idle;
mod list;
mod login;
mod logout;
mod lsub;
mod move_;
mod namespace;
mod noop;
mod quota;
mod rename;
mod search;
mod select;
mod starttls;
mod status;
mod store;
mod subscribe;
mod unselect;

/// A command in progress. The session calls [`ask`](Command::ask) until it is done, and passes it each answer in
/// between.
pub(crate) trait Command: Send {
    /// Decides what comes next.
    fn ask(&mut self, context: &mut Context) -> NextNeed;

    /// Writes an answer to the client. An answer of the wrong kind is a bug of the backend.
    fn say(&mut self, answer: Answer, context: &mut Context) -> Result<(), WrongAnswer> {
        let _ = context;
        match answer {
            Answer::Done => Ok(()),
            _ => Err(WrongAnswer),
        }
    }

    /// An untagged response that tells the client, between two answers, that the command is still running; `None` where
    /// the output may be in the middle of a line.
    fn still_at_work(&self) -> Option<&'static str> {
        None
    }

    /// Takes a line that the command asked for.
    fn line(&mut self, line: &[u8], context: &mut Context) {
        let _ = (line, context);
    }

    /// Turns a refusal into the end of the command; `None` if the command can continue without the answer.
    fn refused(&mut self, refusal: Refusal, context: &mut Context) -> Option<Ending> {
        let _ = context;
        Some(refusal.into())
    }
}

/// What a command needs next.
pub(crate) enum NextNeed {
    /// Something that the backend must do.
    Need(Need),
    /// A line from the client, of at most this many octets.
    Line(usize),
    /// A line from the client, and changes of the mailbox in the meantime (IDLE).
    LineOrChange(usize),
    /// Nothing: the command is finished.
    Done(Ending),
}

/// The answer does not match the need.
#[derive(Debug)]
pub(crate) struct WrongAnswer;

impl From<Ending> for NextNeed {
    fn from(ending: Ending) -> Self {
        Self::Done(ending)
    }
}

/// The result of [`parse`](CommandEntry::parse).
pub(crate) type Parsed = Result<Box<dyn Command>, Bad>;

/// When a command is allowed (RFC 9051 section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// Always.
    Any,
    /// Before sign-in.
    NotSignedIn,
    /// After sign-in, with or without a mailbox.
    SignedIn,
    /// With a selected mailbox.
    Selected,
}

/// Which changes of the selected mailbox are reported when a command ends (RFC 9051 section 5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum News {
    /// Nothing.
    None,
    /// All but EXPUNGE, which would shift the numbers used by commands in progress (RFC 9051 section 7.5.1).
    NoExpunge,
    All,
}

/// An entry of the command table.
pub(crate) struct CommandEntry {
    /// The command's name in capitals; UID commands have both words.
    pub(crate) name: &'static str,
    pub(crate) when: When,
    pub(crate) news: News,
    /// Parses the arguments. The cursor is after the name.
    pub(crate) parse: fn(&mut Cursor<'_>, &Context) -> Parsed,
}

const fn entry(
    name: &'static str,
    when: When,
    news: News,
    parse: fn(&mut Cursor<'_>, &Context) -> Parsed,
) -> CommandEntry {
    CommandEntry { name, when, news, parse }
}

/// All commands.
pub(crate) static TABLE: &[CommandEntry] = &[
    // RFC 9051 section 6.1: any state
    entry("CAPABILITY", When::Any, News::All, capability::parse),
    entry("NOOP", When::Any, News::All, noop::parse),
    entry("LOGOUT", When::Any, News::None, logout::parse),
    entry("ID", When::Any, News::All, id::parse),
    // section 6.2: not authenticated
    entry("STARTTLS", When::NotSignedIn, News::None, starttls::parse),
    entry("AUTHENTICATE", When::NotSignedIn, News::None, authenticate::parse),
    entry("LOGIN", When::NotSignedIn, News::None, login::parse),
    // section 6.3: authenticated
    entry("ENABLE", When::SignedIn, News::All, enable::parse),
    entry("SELECT", When::SignedIn, News::None, select::parse),
    entry("EXAMINE", When::SignedIn, News::None, select::parse_examine),
    entry("CREATE", When::SignedIn, News::All, create::parse),
    entry("DELETE", When::SignedIn, News::All, delete::parse),
    entry("RENAME", When::SignedIn, News::All, rename::parse),
    entry("SUBSCRIBE", When::SignedIn, News::All, subscribe::parse),
    entry("UNSUBSCRIBE", When::SignedIn, News::All, subscribe::parse_unsubscribe),
    entry("LIST", When::SignedIn, News::All, list::parse),
    entry("LSUB", When::SignedIn, News::All, lsub::parse),
    entry("NAMESPACE", When::SignedIn, News::All, namespace::parse),
    entry("STATUS", When::SignedIn, News::All, status::parse),
    // RFC 9208 section 4.1
    entry("GETQUOTA", When::SignedIn, News::All, quota::parse),
    entry("GETQUOTAROOT", When::SignedIn, News::All, quota::parse_root),
    entry("APPEND", When::SignedIn, News::All, append::parse),
    entry("IDLE", When::SignedIn, News::All, idle::parse),
    // section 6.4: selected
    entry("CHECK", When::Selected, News::All, check::parse),
    entry("CLOSE", When::Selected, News::None, close::parse),
    entry("UNSELECT", When::Selected, News::None, unselect::parse),
    entry("EXPUNGE", When::Selected, News::All, expunge::parse),
    entry("SEARCH", When::Selected, News::NoExpunge, search::parse),
    entry("FETCH", When::Selected, News::NoExpunge, fetch::parse),
    entry("STORE", When::Selected, News::NoExpunge, store::parse),
    entry("COPY", When::Selected, News::All, copy::parse),
    entry("MOVE", When::Selected, News::All, move_::parse),
    entry("UID SEARCH", When::Selected, News::All, search::parse_uid),
    entry("UID FETCH", When::Selected, News::All, fetch::parse_uid),
    entry("UID STORE", When::Selected, News::All, store::parse_uid),
    entry("UID COPY", When::Selected, News::All, copy::parse_uid),
    entry("UID MOVE", When::Selected, News::All, move_::parse_uid),
    entry("UID EXPUNGE", When::Selected, News::All, expunge::parse_uid),
];

/// Parses the name of a command and finds its entry.
pub(crate) fn find(cursor: &mut Cursor<'_>) -> Result<&'static CommandEntry, Bad> {
    let mut name = cursor.word().map_err(|_| Bad("expected a command"))?;
    if name == "UID" {
        cursor.space()?;
        name.push(' ');
        name.push_str(&cursor.word()?);
    }
    TABLE.iter().find(|entry| entry.name == name).ok_or(Bad("unknown command"))
}

impl CommandEntry {
    /// Why the command is not allowed in this state; `None` if it is.
    pub(crate) fn forbids(&self, context: &Context) -> Option<&'static str> {
        match self.when {
            When::NotSignedIn if context.signed_in => Some("Already logged in"),
            When::SignedIn | When::Selected if !context.signed_in => Some("Please log in first"),
            When::Selected if context.selected.is_none() => Some("No mailbox selected"),
            _ => None,
        }
    }
}
