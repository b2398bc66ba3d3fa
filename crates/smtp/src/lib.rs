//! SMTP (RFC 5321) and LMTP (RFC 2033) as a state machine: octets in, steps out. No sockets, clocks, randomness or
//! files.
//!
//! It is an MX: it accepts mail for local mailboxes, relays nothing and authenticates nobody. The caller, a door, feeds
//! a [`Session`] what it read, asks for the next [`Step`], carries it out, and answers what was asked:
//!
//! ```text
//! octets ──feed──▶ line or data ──▶ command (one file each) ──▶ reply ──step──▶ octets
//!                                        └─▶ Need::Recipient, Need::Message ──answer──┘
//! ```
//!
//! Two rules come first, because other servers broke them (`docs/past-failures.md`):
//!
//! * A line ends with CRLF and nothing else, and a message ends with CRLF.CRLF and nothing else. A bare CR or LF is
//!   refused anywhere, so no two servers can disagree on where a message ends.
//! * Input received before TLS is never processed after it.

mod address;
mod command;
mod config;
mod data;
mod envelope;
mod limits;
mod line;
mod reply;
mod session;

pub use config::Config;
pub use envelope::{Accepted, Body, CipherSuite, Envelope, Helo, Message, Protocol, Recipient};
pub use limits::{
    COMMAND_LINE_BYTES_MAX, DATA_LINE_BYTES_MAX, DEFERRALS_MAX, ERRORS_MAX, IDLE_COMMANDS_MAX, MESSAGE_SIZE_BYTES_MAX,
    RECIPIENTS_MAX,
};
pub use reply::{DeliveryOutcome, Farewell, Refusal};
pub use session::{Answer, Need, Session, Step, Waiting};
