//! The commands: one file each, and the table that lists them.
//!
//! A command parses its argument, reads and updates the [`Dialog`], and says what comes [`Next`]. It does no I/O
//! itself.

mod data;
mod greet;
mod help;
mod mail;
mod noop;
mod quit;
mod rcpt;
mod refused;
mod rset;
mod starttls;
mod vrfy;

use terms::Address;

use crate::config::Config;
use crate::envelope::{Accepted, Body, CipherSuite, Envelope, Helo, Protocol, Recipient};
use crate::reply::{self, Reply};

/// A known command.
pub(crate) struct Command {
    /// The command's name, in upper case.
    pub(crate) word: &'static str,
    /// The protocols that have it.
    pub(crate) protocols: &'static [Protocol],
    /// Whether it does not advance a delivery (see [`crate::IDLE_COMMANDS_MAX`]).
    pub(crate) idle: bool,
    /// Parses the argument and decides.
    pub(crate) run: fn(&mut Dialog, &str) -> Next,
}

const BOTH: &[Protocol] = &[Protocol::Smtp, Protocol::Lmtp];
const SMTP: &[Protocol] = &[Protocol::Smtp];
const LMTP: &[Protocol] = &[Protocol::Lmtp];

/// All commands, in the order of HELP. RFC 5321 section 4.1.1, RFC 2033 section 4.1, RFC 3207 section 4.
pub(crate) const COMMANDS: &[Command] = &[
    Command { word: "EHLO", protocols: SMTP, idle: true, run: greet::ehlo },
    Command { word: "HELO", protocols: SMTP, idle: true, run: greet::helo },
    Command { word: "LHLO", protocols: LMTP, idle: true, run: greet::lhlo },
    Command { word: "STARTTLS", protocols: BOTH, idle: true, run: starttls::run },
    Command { word: "MAIL", protocols: BOTH, idle: false, run: mail::run },
    Command { word: "RCPT", protocols: BOTH, idle: false, run: rcpt::run },
    Command { word: "DATA", protocols: BOTH, idle: false, run: data::run },
    Command { word: "RSET", protocols: BOTH, idle: true, run: rset::run },
    Command { word: "NOOP", protocols: BOTH, idle: true, run: noop::run },
    Command { word: "VRFY", protocols: BOTH, idle: true, run: vrfy::run },
    Command { word: "HELP", protocols: BOTH, idle: true, run: help::run },
    Command { word: "QUIT", protocols: BOTH, idle: false, run: quit::run },
];

/// What follows a command.
#[derive(Debug)]
pub(crate) enum Next {
    /// Send the reply and read the next command.
    Say(Reply),
    /// Look up the recipient first.
    Ask(Recipient),
    /// Send `354` and receive the message.
    Receive,
    /// Send the reply, then start TLS.
    StartTls(Reply),
    /// Send the reply, then close.
    Close(Reply),
}

/// How the peer introduced itself.
#[derive(Debug, Clone)]
pub(crate) struct Greeting {
    pub(crate) helo: Helo,
    pub(crate) extended: bool,
}

/// A mail transaction: from MAIL to the end of DATA (RFC 5321 section 3.3).
#[derive(Debug)]
pub(crate) struct Transaction {
    pub(crate) sender: Option<Address>,
    pub(crate) utf8: bool,
    pub(crate) body: Body,
    /// What `SIZE=` declared, in octets.
    pub(crate) declared: Option<u64>,
    pub(crate) recipients: Vec<Accepted>,
}

/// Whether the connection is encrypted.
#[derive(Debug, Clone)]
pub(crate) enum Encryption {
    Plain,
    Tls(CipherSuite),
}

/// The state of the conversation.
pub(crate) struct Dialog {
    pub(crate) config: Config,
    pub(crate) secrecy: Encryption,
    pub(crate) greeting: Option<Greeting>,
    pub(crate) transaction: Option<Transaction>,
}

impl Dialog {
    /// The envelope of a transaction at the end of DATA.
    pub(crate) fn envelope(&self, greeting: &Greeting, transaction: &Transaction) -> Envelope {
        Envelope {
            protocol: self.config.protocol,
            extended: greeting.extended,
            helo: greeting.helo.clone(),
            peer: self.config.peer,
            tls: match &self.secrecy {
                Encryption::Plain => None,
                Encryption::Tls(suite) => Some(suite.clone()),
            },
            sender: transaction.sender.clone(),
            utf8: transaction.utf8,
            body: transaction.body,
        }
    }
}

/// Finds and runs the command of a line. Also returns whether it was an idle one.
pub(crate) fn obey(dialog: &mut Dialog, line: &[u8]) -> (Next, bool) {
    // RFC 6531 section 3.3 allows UTF-8 in arguments, but no control characters.
    let text = match std::str::from_utf8(line) {
        Ok(text) if !text.contains(|c: char| c.is_control()) => text,
        _ => return (Next::Say(reply::NOT_UTF8), false),
    };
    // Trailing white space is not an error (RFC 5321 section 4.1.1).
    let text = text.trim_end_matches(' ');
    let (word, argument) = text.split_once(' ').unwrap_or((text, ""));
    let protocol = dialog.config.protocol;
    let known = |command: &&Command| command.protocols.contains(&protocol) && command.word.eq_ignore_ascii_case(word);
    match COMMANDS.iter().find(known) {
        Some(command) => ((command.run)(dialog, argument), command.idle),
        None => (refused::answer(protocol, word), false),
    }
}
