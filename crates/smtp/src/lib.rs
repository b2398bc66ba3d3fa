//! SMTP (RFC 5321) and LMTP (RFC 2033) as a machine: octets in, steps out. No sockets, clocks, randomness or files.
//!
//! The role is that of an MX: it takes mail for mailboxes that live here, relays nothing and signs nobody in. A door
//! feeds a [`Session`] what it read, asks it for the next [`Step`], does that, and answers what was asked:
//!
//! ```text
//! octets ──feed──▶ line or data ──▶ command (one file each) ──▶ reply ──step──▶ octets
//!                                        └─▶ Need::Recipient, Need::Message ──answer──┘
//! ```
//!
//! Two rules stand above all others, since other servers broke them (`docs/past-failures.md`):
//!
//! * A line ends with CRLF and with nothing else, and a message ends with CRLF.CRLF and with nothing else. A bare CR or
//!   a bare LF is refused wherever it stands, so no two servers can disagree on where a message ends.
//! * What was read before TLS began is not read after it.

mod address;
mod command;
mod data;
mod envelope;
mod limits;
mod line;
mod reply;
mod session;

pub use envelope::{Accepted, Body, CipherSuite, Envelope, Helo, Message, Protocol, Recipient};
pub use limits::{
    COMMAND_LINE_BYTES_MAX, DATA_LINE_BYTES_MAX, ERRORS_MAX, IDLE_COMMANDS_MAX, MESSAGE_SIZE_BYTES_MAX, RECIPIENTS_MAX,
};
pub use reply::{Farewell, Outcome, Refusal};
pub use session::{Answer, Config, Need, Session, Step, Waiting};
