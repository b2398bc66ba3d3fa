//! IMAP4rev1 and rev2 as a machine: bytes in, needs and bytes out (RFC 9051, RFC 3501).
//!
//! The room knows the protocol and nothing else: no socket, no clock, no mail. Whoever owns a connection feeds it bytes
//! and asks for the next [`Step`]. A step is something to write, something the machine cannot do itself (a [`Need`],
//! answered with an [`Answer`]), or a reason to wait. So the whole protocol is tested with text files
//! (`tests/sessions`), and what a mailbox *is* stays a matter of the mailroom.
//!
//! Each command is one file in `command/`, in three parts: *parse* reads its grammar, *ask* decides what it needs next,
//! *say* turns an answer into wire words. The table in [`command`] lists them all.
//!
//! Memory is bounded: a command by [`limits`], and a FETCH by its performer, which answers with as many rows at a time as
//! it likes; large literals are shared, not copied, until they are written.

mod code;
mod command;
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

pub use date::Date;
pub use fetch::{Item, Octets, Partial, Row, Value};
pub use flag::{FlagChange, Flags, Keyword, SystemFlag};
pub use name::{MailboxName, NameError};
pub use need::{
    Answer, Appended, Changes, Copied, FlagRow, FlagsChanged, Found, MailboxRow, Mailboxes, Need, Opened, Quota,
    Refusal, Rows, SpecialUse, UidRanges, Uids,
};
pub use search::SearchKey;
pub use section::{Section, SectionText};
pub use session::{Bye, Config, Session, Step};
