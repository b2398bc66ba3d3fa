//! IMAP4rev1 and rev2 as a state machine: bytes in, needs and bytes out (RFC 9051, RFC 3501).
//!
//! The crate knows only the protocol: no sockets, no clock, no mail. The owner of a connection feeds it bytes and asks
//! for the next [`Step`]. A step is something to write, something the machine cannot do itself (a [`Need`], answered
//! with an [`Answer`]), or a reason to wait. So the whole protocol can be tested with text files (`tests/sessions`),
//! and what a mailbox *is* is left to the backend, the mailroom.
//!
//! Each command has a file in `command/`, in three parts: *parse* reads its grammar, *ask* decides what it needs next,
//! *say* writes an answer to the client. The table in `command/mod.rs` lists them all.
//!
//! Memory is bounded: a command by [`limits`], and a FETCH by the backend, which decides how many rows it answers with
//! at a time; large literals are shared, not copied, until they are written.

mod code;
mod command;
mod config;
mod context;
mod cursor;
mod date;
mod fetch;
mod flag;
mod input;
pub mod limits;
mod mutf7;
mod name;
mod need;
mod output;
mod pattern;
mod places;
mod search;
mod section;
mod selected;
mod sequence;
mod session;

pub use config::Config;
pub use date::Date;
pub use fetch::{FetchItem, FetchRow, FetchValue, Octets, Partial};
pub use flag::{FlagChange, Flags, Keyword, SystemFlag};
pub use name::{MailboxName, NameError};
pub use need::{
    Answer, Appended, Changes, Copied, FetchRows, FlagRow, FlagsChanged, MailboxRow, Mailboxes, Need, OpenedMailbox,
    Quota, Refusal, SearchHits, SpecialUse, UidRanges, Uids,
};
pub use search::SearchKey;
pub use section::{Section, SectionText};
pub use session::{Bye, Session, Step};
